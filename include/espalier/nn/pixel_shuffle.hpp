// SPDX-License-Identifier: MIT
/// @file Layers that lay channels out as pixels, and back; for any scalar.
#pragma once

#include <espalier/autograd/pixel_shuffle.hpp>

namespace espalier::inline ESPALIER_ABI::nn {

/// (N, H, W, C r r) gives (N, H r, W r, C) for r = `upscale_factor`.
struct PixelShuffle {
    Index upscale_factor;
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::pixel_shuffle(x, upscale_factor);
    }
};

/// (N, H r, W r, C) gives (N, H, W, C r r) for r = `downscale_factor`.
struct PixelUnshuffle {
    Index downscale_factor;
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::pixel_unshuffle(x, downscale_factor);
    }
};

}  // namespace espalier::inline ESPALIER_ABI::nn
