// SPDX-License-Identifier: MIT
/// @file The vector kernels, compiled once for each instruction set and chosen once at start.
///
/// A region gives all functions between its marks an instruction set that the rest of the file does not have, so a plain
/// `g++ -O2` has them all. Nothing may be included inside one: what a system header defines there would be compiled for that
/// set under its ordinary name, and the linker could hand it to everybody.
#pragma once

#include <espalier/core/isa.hpp>
#include <espalier/kernels/simd/table.hpp>

#include <cstddef>
#include <cstdint>

#if !defined(ESPALIER_SIMD)
#if defined(__GNUC__) || defined(__clang__)
#define ESPALIER_SIMD 1
#else
#define ESPALIER_SIMD 0  // another compiler: Eigen does the work
#endif
#endif

#if ESPALIER_SIMD && defined(ESPALIER_COMPILED) && !defined(ESPALIER_KERNELS_LINKAGE)
#include <espalier/kernels/simd/declarations.hpp>
#elif ESPALIER_SIMD
#if !defined(ESPALIER_KERNELS_LINKAGE)
#define ESPALIER_KERNELS_LINKAGE inline  // nothing in compiled/kernels.cpp, which others have the declarations of
#endif

#if ESPALIER_DISPATCH_X86
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#define ESPALIER_INLINE [[gnu::always_inline]] inline

namespace espalier::inline ESPALIER_ABI::kernels::simd::baseline {
#include <espalier/kernels/simd/vector_baseline.ipp>

#include <espalier/kernels/simd/tiles.ipp>

#include <espalier/kernels/simd/doubles.ipp>

#include <espalier/kernels/simd/passes.ipp>

#include <espalier/kernels/simd/windows.ipp>

#include <espalier/kernels/simd/table.ipp>
}  // namespace espalier::inline ESPALIER_ABI::kernels::simd::baseline

#if ESPALIER_DISPATCH_X86
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
namespace espalier::inline ESPALIER_ABI::kernels::simd::avx2 {
#include <espalier/kernels/simd/vector_avx2.ipp>

#include <espalier/kernels/simd/tiles.ipp>

#include <espalier/kernels/simd/doubles.ipp>

#include <espalier/kernels/simd/passes.ipp>

#include <espalier/kernels/simd/windows.ipp>

#include <espalier/kernels/simd/table.ipp>
}  // namespace espalier::inline ESPALIER_ABI::kernels::simd::avx2
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx2,fma"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx2,fma")
#endif
namespace espalier::inline ESPALIER_ABI::kernels::simd::avx512 {
#include <espalier/kernels/simd/vector_avx512.ipp>

#include <espalier/kernels/simd/tiles.ipp>

#include <espalier/kernels/simd/doubles.ipp>

#include <espalier/kernels/simd/passes.ipp>

#include <espalier/kernels/simd/windows.ipp>

#include <espalier/kernels/simd/table.ipp>
}  // namespace espalier::inline ESPALIER_ABI::kernels::simd::avx512
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

#undef ESPALIER_INLINE

namespace espalier::inline ESPALIER_ABI::kernels::simd {

/// The kernels for an instruction set, which this processor must have.
[[nodiscard]] ESPALIER_KERNELS_LINKAGE const Table& table(Isa isa) noexcept {
    static constexpr Table baseline_table = baseline::make_table();
#if ESPALIER_DISPATCH_X86
    static constexpr Table avx2_table = avx2::make_table();
    static constexpr Table avx512_table = avx512::make_table();
    return isa == Isa::avx512 ? avx512_table : isa == Isa::avx2 ? avx2_table : baseline_table;
#else
    (void)isa;
    return baseline_table;
#endif
}

/// The kernels for `isa()`.
[[nodiscard]] ESPALIER_NOINLINE ESPALIER_KERNELS_LINKAGE const Table& table() { return table(isa()); }

/// Those of double precision for `isa()`.
[[nodiscard]] ESPALIER_NOINLINE ESPALIER_KERNELS_LINKAGE const DoubleTable& double_table() {
    static constexpr DoubleTable baseline_table = baseline::make_double_table<baseline::double_rows>();
#if ESPALIER_DISPATCH_X86
    static constexpr DoubleTable avx2_table = avx2::make_double_table<avx2::double_rows>();
    static constexpr DoubleTable avx512_table = avx512::make_double_table<avx512::double_rows>();
    return isa() == Isa::avx512 ? avx512_table : isa() == Isa::avx2 ? avx2_table : baseline_table;
#else
    return baseline_table;
#endif
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::simd
#endif
