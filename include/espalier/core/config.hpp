// SPDX-License-Identifier: MIT
/// @file Build choices that change generated code, encoded in the inline namespace of every symbol.
///
/// Two translation units compiled with different instruction sets then have different symbols: the linker cannot hand
/// one of them code that the other's flags made, which is how `-march=native` has broken header-only libraries.
#pragma once

#include <cstddef>

#if defined(__AVX512F__)
#define ESPALIER_ISA_TAG avx512
#elif defined(__AVX2__) && defined(__FMA__)
#define ESPALIER_ISA_TAG avx2
#elif defined(__AVX__)
#define ESPALIER_ISA_TAG avx
#elif defined(__ARM_NEON)
#define ESPALIER_ISA_TAG neon
#else
#define ESPALIER_ISA_TAG base
#endif

#define ESPALIER_CONCAT_IMPL(a, b) a##b
#define ESPALIER_CONCAT(a, b) ESPALIER_CONCAT_IMPL(a, b)
#define ESPALIER_STRING_IMPL(a) #a
#define ESPALIER_STRING(a) ESPALIER_STRING_IMPL(a)

/// Name of the inline namespace, e.g. `v0_1_base`; headers open `namespace espalier::inline ESPALIER_ABI { ... }`.
#define ESPALIER_ABI ESPALIER_CONCAT(v0_1_, ESPALIER_ISA_TAG)

/// ESPALIER_NOINLINE is for what many templates call and none gains from inlining: it is compiled once, not at every call.
/// ESPALIER_COLD is for what runs once, as constructors of models do: made small instead of fast, which takes less time to compile.
#if defined(__GNUC__)
#define ESPALIER_NOINLINE [[gnu::noinline]]
#define ESPALIER_COLD [[gnu::cold]]
#elif defined(_MSC_VER)
#define ESPALIER_NOINLINE __declspec(noinline)
#define ESPALIER_COLD
#else
#define ESPALIER_NOINLINE
#define ESPALIER_COLD
#endif

namespace espalier::inline ESPALIER_ABI {

/// Signed type of every extent, index and class label.
using Index = std::ptrdiff_t;

}  // namespace espalier::inline ESPALIER_ABI
