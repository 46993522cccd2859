// SPDX-License-Identifier: MIT
/// @file Images brought to another size.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/kernels/window.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io {
namespace detail {

/// Which samples of one axis make each new one, and how much of it.
template <class Scalar>
struct ResizeTaps {
    std::vector<Index> first;  // for each new sample, and where its weights begin, with the end of the last
    std::vector<std::size_t> begin;
    std::vector<Scalar> weights;

    /// A triangle over the old samples around the new one's middle, as wide as the new one where that is more.
    ResizeTaps(Index from, Index to, bool antialias) {
        const double scale = static_cast<double>(from) / static_cast<double>(to);
        const double reach = antialias ? std::max(scale, 1.0) : 1.0;
        std::vector<double> weights_of_one;
        for (Index i = 0; i < to; ++i) {
            const double middle = (static_cast<double>(i) + 0.5) * scale;
            const Index low = std::clamp<Index>(static_cast<Index>(std::floor(middle - reach + 0.5)), 0, from - 1);
            const Index high = std::clamp<Index>(static_cast<Index>(std::floor(middle + reach + 0.5)), low + 1, from);
            weights_of_one.clear();
            double sum = 0;
            for (Index x = low; x < high; ++x) {
                weights_of_one.push_back(std::max(0.0, 1 - std::abs(static_cast<double>(x) + 0.5 - middle) / reach));
                sum += weights_of_one.back();
            }
            first.push_back(low);
            begin.push_back(weights.size());
            for (const double weight : weights_of_one)
                weights.push_back(static_cast<Scalar>(weight / sum));
        }
        begin.push_back(weights.size());
    }
};

/// (outer, size, inner) to (outer, taps, inner).
template <class Scalar>
void resize_axis(const Scalar* from, Index outer, Index size, Index inner, const ResizeTaps<Scalar>& taps, Scalar* to) {
    for (Index n = 0; n < outer; ++n, from += size * inner)
        for (std::size_t i = 0; i < taps.first.size(); ++i, to += inner) {
            std::fill_n(to, inner, Scalar(0));
            const Scalar* row = from + taps.first[i] * inner;
            for (std::size_t k = taps.begin[i]; k < taps.begin[i + 1]; ++k, row += inner)
                for (Index j = 0; j < inner; ++j)
                    to[j] += taps.weights[k] * row[j];
        }
}

}  // namespace detail

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
    auto wide = Tensor<Scalar>::empty({s[0], size.width, s[2]});
    detail::resize_axis(image.data(), s[0], s[1], s[2], detail::ResizeTaps<Scalar>{s[1], size.width, antialias}, wide.data());
    auto result = Tensor<Scalar>::empty({size.height, size.width, s[2]});
    detail::resize_axis(wide.data(), 1, s[0], size.width * s[2], detail::ResizeTaps<Scalar>{s[0], size.height, antialias}, result.data());
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::io
