// SPDX-License-Identifier: MIT
/// @file Images brought to another size, bilinear, with every pixel counted where they become smaller.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/kernels/window.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace espalier::inline ESPALIER_ABI::kernels {

/// Which samples of one axis make each new one, and how much of it.
template <class Scalar>
struct ResizeTaps {
    std::vector<Index> first;  // for each new sample, and where its weights begin, with the end of the last
    std::vector<std::size_t> begin;
    std::vector<Scalar> weights;

    /// A triangle over the old samples around the new one's middle, as wide as the new one where that is more. The `from` samples are
    /// those from `offset` on.
    ResizeTaps(Index from, Index to, bool antialias, Index offset = 0) {
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
            first.push_back(offset + low);
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

/// A rectangle of pixels, at least one, inside of an image.
struct ImagePart {
    Index top = 0;
    Index left = 0;
    Pair size;
};

/// A part of an image whose rows are `width` pixels long, at another size (H, W, channels).
template <class Scalar>
void resize_part(const Scalar* image, Index width, Index channels, const ImagePart& part, Pair size, bool antialias, Scalar* to) {
    std::vector<Scalar> wide(static_cast<std::size_t>(part.size.height * size.width * channels));
    resize_axis(image + part.top * width * channels, part.size.height, width, channels,
                ResizeTaps<Scalar>{part.size.width, size.width, antialias, part.left}, wide.data());
    resize_axis(wide.data(), 1, part.size.height, size.width * channels, ResizeTaps<Scalar>{part.size.height, size.height, antialias}, to);
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
