// SPDX-License-Identifier: MIT
/// @file Build choices that change generated code, encoded in the inline namespace of every symbol.
///
/// Two translation units compiled with different instruction sets, or with `-ffast-math` and without, then have different
/// symbols: the linker cannot hand one of them code that the other's flags made, which is how `-march=native` has broken
/// header-only libraries.
#pragma once

#include <cstddef>

#if defined(__AVX512VL__) && defined(__AVX512BW__) && defined(__AVX512DQ__)
#define ESPALIER_VECTOR_TAG avx512vl
#elif defined(__AVX512F__)
#define ESPALIER_VECTOR_TAG avx512
#elif defined(__AVX2__)
#define ESPALIER_VECTOR_TAG avx2
#elif defined(__AVX__)
#define ESPALIER_VECTOR_TAG avx
#elif defined(__SSE4_2__)
#define ESPALIER_VECTOR_TAG sse42
#elif defined(__SSE4_1__)
#define ESPALIER_VECTOR_TAG sse41
#elif defined(__SSE3__)
#define ESPALIER_VECTOR_TAG sse3
#elif defined(__ARM_NEON)
#define ESPALIER_VECTOR_TAG neon
#else
#define ESPALIER_VECTOR_TAG base
#endif

#if defined(__FMA__)
#define ESPALIER_FMA_TAG _fma
#else
#define ESPALIER_FMA_TAG
#endif
#if defined(__BMI2__) || defined(__BMI__) || defined(__LZCNT__)
#define ESPALIER_BITS_TAG _bmi
#elif defined(__POPCNT__)
#define ESPALIER_BITS_TAG _popcnt
#else
#define ESPALIER_BITS_TAG
#endif

/// 1 if the compiler may take numbers for finite, forget the sign of 0, or sum and divide in another way: `-ffast-math`, `-Ofast`.
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) || defined(__ASSOCIATIVE_MATH__) || \
    defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__) || defined(_M_FP_FAST)
#define ESPALIER_FAST_MATH 1
#define ESPALIER_MATH_TAG _fast
#else
#define ESPALIER_FAST_MATH 0
#define ESPALIER_MATH_TAG
#endif

/// 1 if the kernels are written in the vectors of g++ and clang++, 0 if in plain arrays, which any compiler has.
#if !defined(ESPALIER_SIMD)
#if defined(__GNUC__) || defined(__clang__)
#define ESPALIER_SIMD 1
#else
#define ESPALIER_SIMD 0
#endif
#endif
#if ESPALIER_SIMD
#define ESPALIER_SIMD_TAG
#else
#define ESPALIER_SIMD_TAG _plain
#endif

#define ESPALIER_CONCAT_IMPL(a, b, c, d, e, f) a##b##c##d##e##f
#define ESPALIER_CONCAT(a, b, c, d, e, f) ESPALIER_CONCAT_IMPL(a, b, c, d, e, f)
#define ESPALIER_STRING_IMPL(a) #a
#define ESPALIER_STRING(a) ESPALIER_STRING_IMPL(a)

/// Name of the inline namespace, e.g. `v0_1_base`, `v0_1_avx2_fma_bmi_fast`; headers open
/// `namespace espalier::inline ESPALIER_ABI { ... }`.
#define ESPALIER_ABI ESPALIER_CONCAT(v0_1_, ESPALIER_VECTOR_TAG, ESPALIER_FMA_TAG, ESPALIER_BITS_TAG, ESPALIER_MATH_TAG, ESPALIER_SIMD_TAG)

/// ESPALIER_INLINE is for what must be part of who calls it: a kernel's instructions, or what the compiler would take for no work at all.
/// ESPALIER_NOINLINE is for what many templates call and none gains from inlining: it is compiled once, not at every call.
/// ESPALIER_COLD is for what runs once, as constructors of models do: made small instead of fast, which takes less time to compile.
#if defined(__GNUC__)
#define ESPALIER_INLINE [[gnu::always_inline]] inline
#define ESPALIER_NOINLINE [[gnu::noinline]]
#define ESPALIER_COLD [[gnu::cold]]
#elif defined(_MSC_VER)
#define ESPALIER_INLINE __forceinline
#define ESPALIER_NOINLINE __declspec(noinline)
#define ESPALIER_COLD
#else
#define ESPALIER_INLINE inline
#define ESPALIER_NOINLINE
#define ESPALIER_COLD
#endif

namespace espalier::inline ESPALIER_ABI {

/// Signed type of every extent, index and class label.
using Index = std::ptrdiff_t;

}  // namespace espalier::inline ESPALIER_ABI
