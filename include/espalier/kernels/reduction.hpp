// SPDX-License-Identifier: MIT
/// @file Sums whose order of addition depends on the problem's size alone.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/simd/kernels.hpp>

#include <algorithm>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::kernels {

/// Sum over i in [0, n) of `term(i)`, in double and in fixed chunks.
template <class Term>
[[nodiscard]] double sum(Index n, const Term& term) {
    constexpr Index grain = 8192;
    PoolVector<double> partial(static_cast<std::size_t>((n + grain - 1) / grain));
    parallel_for(n, grain, [&](Index begin, Index end) {
        double total = 0;
        for (Index i = begin; i < end; ++i)
            total += static_cast<double>(term(i));
        partial[static_cast<std::size_t>(begin / grain)] = total;
    });
    double total = 0;
    for (const double value : partial)
        total += value;
    return total;
}

/// Column sums of a row-major (rows, columns) array of terms: `result[c] = sum over r of term(r, c)`, in double.
/// `result` has `columns` entries; `term` may be called from several threads.
template <class Term>
void column_sums(Index rows, Index columns, double* result, const Term& term) {
    const Index grain = std::max<Index>(1, 16384 / std::max<Index>(columns, 1));
    const Index chunks = (rows + grain - 1) / grain;
    PoolVector<double> partial(static_cast<std::size_t>(chunks * columns));
    parallel_for(rows, grain, [&](Index begin, Index end) {
        double* const total = partial.data() + begin / grain * columns;
        for (Index r = begin; r < end; ++r)
            for (Index c = 0; c < columns; ++c)
                total[c] += static_cast<double>(term(r, c));
    });
    std::fill_n(result, columns, 0.0);
    for (Index chunk = 0; chunk < chunks; ++chunk)
        for (Index c = 0; c < columns; ++c)
            result[c] += partial[static_cast<std::size_t>(chunk * columns + c)];
}

/// Column sums of a row-major (rows, columns) array.
template <class Scalar>
void column_sums(Index rows, Index columns, const Scalar* x, double* result) {
#if ESPALIER_SIMD
    if constexpr (std::is_same_v<Scalar, float>) {
        constexpr Index block = 256;  // rows, then columns: sums of few enough floats to be as good as doubles
        parallel_for((columns + block - 1) / block, std::max<Index>(1, 64 / std::max<Index>(rows, 1)), [=](Index begin, Index end) {
            const Index first = begin * block;
            const Index width = std::min(columns, end * block) - first;
            std::fill_n(result + first, width, 0.0);
            for (Index r = 0; r < rows; r += block)
                simd::table().add_column_sums(std::min(block, rows - r), width, x + r * columns + first, columns, result + first);
        });
    } else
#endif
    {
        column_sums(rows, columns, result, [=](Index r, Index c) { return x[r * columns + c]; });
    }
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
