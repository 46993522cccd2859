// SPDX-License-Identifier: MIT
/// @file Channels of (N, H, W, C) images laid out as pixels, and back.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/core/threads.hpp>

#include <cstdint>
#include <limits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {
namespace detail {

/// Between `coarse` (rows, width, channels r r) and `fine` (rows, r, width, r, channels): from the first to the second if `shuffle`.
template <class Scalar>
void move_pixels(bool shuffle, Index rows, Index width, Index channels, Index r, const Scalar* from, Scalar* to) {
    parallel_for(rows, 1, [=](Index begin, Index end) {
        for (Index row = begin; row < end; ++row)
            for (Index i = 0; i < r; ++i)
                for (Index w = 0; w < width; ++w)
                    for (Index j = 0; j < r; ++j) {
                        const Index fine = (((row * r + i) * width + w) * r + j) * channels;
                        const Index coarse = (row * width + w) * channels * r * r + i * r + j;
                        for (Index c = 0; c < channels; ++c)
                            if (shuffle)
                                to[fine + c] = from[coarse + c * r * r];
                            else
                                to[coarse + c * r * r] = from[fine + c];
                    }
    });
}

/// `coarse` is the shape of the images with fewer pixels and more channels.
template <class Scalar>
[[nodiscard]] Variable<Scalar> moved_pixels(const char* operation, const Variable<Scalar>& x, bool shuffle, const Shape& coarse, Index r) {
    const Index rows = coarse[0] * coarse[1], width = coarse[2], channels = coarse[3] / (r * r);
    const Shape fine{coarse[0], coarse[1] * r, coarse[2] * r, channels};
    auto y = Tensor<Scalar>::empty(shuffle ? fine : coarse);
    move_pixels(shuffle, rows, width, channels, r, x.value().data(), y.data());
    return record<Scalar>(operation, std::move(y), {x}, [=](Gradients<Scalar>& g) {
        auto dx = Tensor<Scalar>::empty(g.input(0).shape().prepended(g.rows()));
        move_pixels<Scalar>(!shuffle, g.rows() * rows, width, channels, r, g.cotangent().data(), dx.data());
        g.add(0, std::move(dx));
    });
}

/// Small enough that its square is an Index.
inline void require_factor(const char* operation, Index r) {
    require<ValueError>(r > 0 && r <= std::numeric_limits<std::int32_t>::max(), operation, "expected a factor from 1 to 2^31 - 1, got ", r);
}

}  // namespace detail

/// (N, H, W, C r r) gives (N, H r, W r, C): channel c r r + i r + j of a pixel is channel c of pixel (i, j) of the r x r in its place
/// (Shi et al., 2016). @throws ShapeError, ValueError
template <class Scalar>
[[nodiscard]] Variable<Scalar> pixel_shuffle(const Variable<Scalar>& x, Index r) {
    detail::require_factor("pixel_shuffle", r);
    require<ShapeError>(x.rank() == 4 && x.size(3) % (r * r) == 0, "pixel_shuffle", "expected images (N, H, W, C) with a multiple of ",
                        r * r, " channels, got input ", x.shape());
    return detail::moved_pixels("pixel_shuffle", x, true, x.shape(), r);
}

/// (N, H r, W r, C) gives (N, H, W, C r r): what undoes `pixel_shuffle`. @throws ShapeError, ValueError
template <class Scalar>
[[nodiscard]] Variable<Scalar> pixel_unshuffle(const Variable<Scalar>& x, Index r) {
    detail::require_factor("pixel_unshuffle", r);
    require<ShapeError>(x.rank() == 4 && x.size(1) % r == 0 && x.size(2) % r == 0, "pixel_unshuffle",
                        "expected images (N, H, W, C) with multiples of ", r, " for H and W, got input ", x.shape());
    return detail::moved_pixels("pixel_unshuffle", x, false, {x.size(0), x.size(1) / r, x.size(2) / r, x.size(3) * r * r}, r);
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
