// SPDX-License-Identifier: MIT
/// @file The vector kernels, compiled once for each instruction set and chosen once at start.
///
/// A region gives all functions between its marks an instruction set that the rest of the file does not have, so a plain
/// `g++ -O2` has them all. Nothing may be included inside one: what a system header defines there would be compiled for that
/// set under its ordinary name, and the linker could hand it to everybody.
#pragma once

#include <espalier/core/isa.hpp>
#include <espalier/kernels/functions.hpp>
#include <espalier/kernels/recurrent.hpp>
#include <espalier/kernels/simd/table.hpp>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#if ESPALIER_SIMD && defined(__SSE2__)
#include <emmintrin.h>
#elif ESPALIER_SIMD && defined(__ARM_NEON)
#include <arm_neon.h>
#endif

namespace espalier::inline ESPALIER_ABI::kernels::simd {

/// Scalars that the vector kernels are for; loops of their own do for the others.
template <class Scalar>
inline constexpr bool vectorised = std::is_same_v<Scalar, float>;

/// The kernels for an instruction set, which this processor must have.
[[nodiscard]] const Table& table(Isa isa) noexcept;

/// The kernels for `isa()`.
[[nodiscard]] const Table& table();

/// The kernels of a function of kernels/functions.hpp for an instruction set, which this processor must have.
template <class F>
[[nodiscard]] const typename F::Kernels& kernels_of(Isa isa) noexcept;

/// The kernels of a function for `isa()`.
template <class F>
[[nodiscard]] const typename F::Kernels& kernels_of();

/// Those of double precision for `isa()`.
[[nodiscard]] const DoubleTable& double_table();

/// Those of Winograd's convolution for `isa()`, for filters of 3x3 and tiles of so many results along an axis, 3 or 4; null where it has no
/// fused multiply-add, which they need.
[[nodiscard]] const WinogradTable* winograd_table(Index outputs);

}  // namespace espalier::inline ESPALIER_ABI::kernels::simd

// Vectors without any instruction set, for a loop beside the kernels as well.
namespace espalier::inline ESPALIER_ABI::kernels::simd::baseline {
#if ESPALIER_SIMD
#include <espalier/kernels/simd/vector_baseline.ipp>
#else
#include <espalier/kernels/simd/vector_portable.ipp>
#endif

#include <espalier/kernels/simd/vector_four.ipp>
}  // namespace espalier::inline ESPALIER_ABI::kernels::simd::baseline

// A unit in compiled mode sees no more. All else is in compiled/kernels.cpp, which says that it is by defining the linkage.
#if !defined(ESPALIER_COMPILED) || defined(ESPALIER_KERNELS_LINKAGE)
#if !defined(ESPALIER_KERNELS_LINKAGE)
#define ESPALIER_KERNELS_LINKAGE inline
#endif

#if ESPALIER_DISPATCH_X86
#include <immintrin.h>
#endif

namespace espalier::inline ESPALIER_ABI::kernels::simd::baseline {
#include <espalier/kernels/simd/tiles.ipp>

#include <espalier/kernels/simd/functions.ipp>

#include <espalier/kernels/simd/doubles.ipp>

#include <espalier/kernels/simd/row_sums.ipp>

#include <espalier/kernels/simd/passes.ipp>

#include <espalier/kernels/simd/recurrent.ipp>

#include <espalier/kernels/simd/row_norm.ipp>

#include <espalier/kernels/simd/maps.ipp>

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

#include <espalier/kernels/simd/functions.ipp>

#include <espalier/kernels/simd/doubles.ipp>

#include <espalier/kernels/simd/row_sums.ipp>

#include <espalier/kernels/simd/passes.ipp>

#include <espalier/kernels/simd/recurrent.ipp>

#include <espalier/kernels/simd/row_norm.ipp>

#include <espalier/kernels/simd/maps.ipp>

#include <espalier/kernels/simd/windows.ipp>

#include <espalier/kernels/simd/winograd.ipp>

#include <espalier/kernels/simd/winograd_products.ipp>

#include <espalier/kernels/simd/winograd_table.ipp>

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

#include <espalier/kernels/simd/functions.ipp>

#include <espalier/kernels/simd/doubles.ipp>

#include <espalier/kernels/simd/row_sums.ipp>

#include <espalier/kernels/simd/passes.ipp>

#include <espalier/kernels/simd/recurrent.ipp>

#include <espalier/kernels/simd/row_norm.ipp>

#include <espalier/kernels/simd/maps.ipp>

#include <espalier/kernels/simd/windows.ipp>

#include <espalier/kernels/simd/winograd.ipp>

#include <espalier/kernels/simd/winograd_products.ipp>

#include <espalier/kernels/simd/winograd_table.ipp>

#include <espalier/kernels/simd/table.ipp>
}  // namespace espalier::inline ESPALIER_ABI::kernels::simd::avx512
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

namespace espalier::inline ESPALIER_ABI::kernels::simd {

ESPALIER_KERNELS_LINKAGE const Table& table(Isa isa) noexcept {
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

ESPALIER_NOINLINE ESPALIER_KERNELS_LINKAGE const Table& table() { return table(isa()); }

template <class F>
const typename F::Kernels& kernels_of(Isa isa) noexcept {
    static constexpr typename F::Kernels baseline_kernels = baseline::kernels_of<F>();
#if ESPALIER_DISPATCH_X86
    static constexpr typename F::Kernels avx2_kernels = avx2::kernels_of<F>();
    static constexpr typename F::Kernels avx512_kernels = avx512::kernels_of<F>();
    return isa == Isa::avx512 ? avx512_kernels : isa == Isa::avx2 ? avx2_kernels : baseline_kernels;
#else
    (void)isa;
    return baseline_kernels;
#endif
}

template <class F>
const typename F::Kernels& kernels_of() {
    return kernels_of<F>(isa());
}

ESPALIER_NOINLINE ESPALIER_KERNELS_LINKAGE const DoubleTable& double_table() {
    static constexpr DoubleTable baseline_table = baseline::make_double_table<baseline::double_rows>();
#if ESPALIER_DISPATCH_X86
    static constexpr DoubleTable avx2_table = avx2::make_double_table<avx2::double_rows>();
    static constexpr DoubleTable avx512_table = avx512::make_double_table<avx512::double_rows>();
    return isa() == Isa::avx512 ? avx512_table : isa() == Isa::avx2 ? avx2_table : baseline_table;
#else
    return baseline_table;
#endif
}

ESPALIER_NOINLINE ESPALIER_KERNELS_LINKAGE const WinogradTable* winograd_table(Index outputs) {
#if ESPALIER_DISPATCH_X86
    static constexpr WinogradTable avx2_tables[] = {avx2::make_winograd_table<3, 3>(), avx2::make_winograd_table<4, 3>()};
    static constexpr WinogradTable avx512_tables[] = {avx512::make_winograd_table<3, 3>(), avx512::make_winograd_table<4, 3>()};
    if (isa() != Isa::baseline)
        return &(isa() == Isa::avx512 ? avx512_tables : avx2_tables)[outputs - 3];
#endif
    (void)outputs;
    return nullptr;
}

}  // namespace espalier::inline ESPALIER_ABI::kernels::simd
#endif
