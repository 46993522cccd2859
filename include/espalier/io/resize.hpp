// SPDX-License-Identifier: MIT
/// @file Images brought to another size.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/kernels/resize.hpp>
#include <espalier/kernels/window.hpp>
#include <espalier/tensor/tensor.hpp>

#include <concepts>

namespace espalier::inline ESPALIER_ABI::io {

/// An image (H, W, C) at another size, bilinear: the new pixels' middles lie between the old ones'. With `antialias` every old pixel
/// counts when the image becomes smaller, as in Pillow and torchvision; without, only the four around each new one do.
/// @throws ShapeError for another rank or an image without pixels; ValueError for a size below 1
template <std::floating_point Scalar>
[[nodiscard]] Tensor<Scalar> resize(const Tensor<Scalar>& image, Pair size, bool antialias = true) {
    const Shape& s = image.shape();
    require<ShapeError>(s.rank() == 3 && s[0] >= 1 && s[1] >= 1, "resize", "expected an image (H, W, C), got shape ", s);
    require<ValueError>(size.height >= 1 && size.width >= 1, "resize", "expected a size of at least 1x1, got ", size);
    if (size == Pair{s[0], s[1]})
        return image;
    auto result = Tensor<Scalar>::empty({size.height, size.width, s[2]});
    kernels::resize_part(image.data(), s[1], s[2], {.size = {s[0], s[1]}}, size, antialias, result.data());
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::io
