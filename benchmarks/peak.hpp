// SPDX-License-Identifier: MIT
/// @file The peak: as many multiply-adds as the processor can do with the instructions that the kernels use.
///
/// Chains of multiply-adds that do not wait for each other, more of them than the eight or ten that fill the pipelines.
#pragma once

#include <espalier/core/isa.hpp>
#include <espalier/core/threads.hpp>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <vector>

#if ESPALIER_DISPATCH_X86
#include <immintrin.h>
#endif

namespace benchmarks {

using espalier::Index;
using espalier::Isa;

#if ESPALIER_DISPATCH_X86
__attribute__((target("avx512f"))) inline double chains_avx512(Index rounds, float factor) {
    __m512 sum[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i)
        sum[i] = _mm512_set1_ps(static_cast<float>(i));  // different ones, or the compiler would compute only one
    const __m512 f = _mm512_set1_ps(factor);
    for (Index r = 0; r < rounds; ++r)
#pragma GCC unroll 16
        for (int i = 0; i < 16; ++i)
            sum[i] = _mm512_fmadd_ps(sum[i], f, f);
    double total = 0;
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i)
        total += static_cast<double>(_mm512_cvtss_f32(sum[i]));
    return total;
}

__attribute__((target("avx2,fma"))) inline double chains_avx2(Index rounds, float factor) {
    __m256 sum[14];  // with the factor these fill the 16 registers but one
#pragma GCC unroll 14
    for (int i = 0; i < 14; ++i)
        sum[i] = _mm256_set1_ps(static_cast<float>(i));
    const __m256 f = _mm256_set1_ps(factor);
    for (Index r = 0; r < rounds; ++r)
#pragma GCC unroll 14
        for (int i = 0; i < 14; ++i)
            sum[i] = _mm256_fmadd_ps(sum[i], f, f);
    double total = 0;
#pragma GCC unroll 14
    for (int i = 0; i < 14; ++i)
        total += static_cast<double>(_mm256_cvtss_f32(sum[i]));
    return total;
}
#endif

/// With what every processor has: vectors of four, and a multiplication and an addition where there is no FMA.
inline double chains_baseline(Index rounds, float factor) {
    using Four = float __attribute__((vector_size(16)));
    Four sum[14];
#pragma GCC unroll 14
    for (int i = 0; i < 14; ++i)
        sum[i] = Four{} + static_cast<float>(i);
    const Four f = Four{} + factor;
    for (Index r = 0; r < rounds; ++r)
#pragma GCC unroll 14
        for (int i = 0; i < 14; ++i)
            sum[i] = sum[i] * f + f;
    double total = 0;
#pragma GCC unroll 14
    for (int i = 0; i < 14; ++i)
        total += static_cast<double>(sum[i][0]);
    return total;
}

/// Multiply-adds for a millisecond or two. @returns the operations done
inline double multiply_add() {
    static volatile float factor = 0.5f;  // unknown to the compiler
    double operations = 0, sum = 0;
#if ESPALIER_DISPATCH_X86
    if (espalier::isa() == Isa::avx512) {
        operations = 300'000.0 * 16 * 16 * 2;
        sum = chains_avx512(300'000, factor);
    } else if (espalier::isa() == Isa::avx2) {
        operations = 400'000.0 * 14 * 8 * 2;
        sum = chains_avx2(400'000, factor);
    }
#endif
    if (operations == 0) {
        operations = 400'000.0 * 14 * 4 * 2;
        sum = chains_baseline(400'000, factor);
    }
    return sum < 0 ? 0 : operations;  // it never is; only so that the compiler must compute it
}

/// The same on several threads at once. @returns the operations of all
inline double multiply_add(int threads) {
    if (threads == 1)
        return multiply_add();
    std::vector<double> parts(static_cast<std::size_t>(threads));
    espalier::parallel_for(threads, 1, [&](Index i, Index) { parts[static_cast<std::size_t>(i)] = multiply_add(); });
    return std::accumulate(parts.begin(), parts.end(), 0.0);
}

/// Of 20 times the same, the best: GFLOP/s by the clock on the wall.
inline double peak_gflops(int threads) {
    double best = 0;
    for (int i = 0; i < 20; ++i) {
        const auto start = std::chrono::steady_clock::now();
        const double operations = multiply_add(threads);
        best = std::max(best, operations / std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
}

}  // namespace benchmarks
