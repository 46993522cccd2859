// SPDX-License-Identifier: MIT
/// @file What a unit in compiled mode sees of the vector kernels: no more than the ways to them. compiled/kernels.cpp has the rest.
#pragma once

#include <espalier/core/isa.hpp>
#include <espalier/kernels/simd/table.hpp>

#include <cstddef>
#include <cstdint>

namespace espalier::inline ESPALIER_ABI::kernels::simd {

/// The kernels for an instruction set, which this processor must have.
[[nodiscard]] const Table& table(Isa isa) noexcept;

/// The kernels for `isa()`.
[[nodiscard]] const Table& table();

/// Those of double precision for `isa()`.
[[nodiscard]] const DoubleTable& double_table();

/// Vectors for loops that are no kernels.
namespace baseline {
#define ESPALIER_INLINE [[gnu::always_inline]] inline
#include <espalier/kernels/simd/vector_baseline.ipp>
#undef ESPALIER_INLINE
}  // namespace baseline

}  // namespace espalier::inline ESPALIER_ABI::kernels::simd
