// SPDX-License-Identifier: MIT
/// @file Where a gradient is written.
#pragma once

#include <espalier/core/config.hpp>

namespace espalier::inline ESPALIER_ABI::kernels {

/// The place of a gradient, for each of T cotangents: that of cotangent t begins at `row(t)` and is dense; it is added to what is
/// there if `accumulate`. A target without data is that of a gradient which nobody wants.
template <class Scalar>
struct Target {
    Scalar* data = nullptr;
    Index stride = 0;
    bool accumulate = false;

    [[nodiscard]] Scalar* row(Index t) const noexcept { return data + t * stride; }
    [[nodiscard]] bool wanted() const noexcept { return data != nullptr; }
};

}  // namespace espalier::inline ESPALIER_ABI::kernels
