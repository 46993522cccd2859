// SPDX-License-Identifier: MIT
/// @file Images brought to another size, bilinear, with every pixel counted where they become smaller.
#pragma once

#include <espalier/core/memory.hpp>
#include <espalier/kernels/resample.hpp>
#include <espalier/kernels/window.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace espalier::inline ESPALIER_ABI::kernels {

/// A triangle over the old samples around each new one's middle, as wide as the new one where that is more. The `from` samples are those
/// from `offset` on.
template <class Scalar>
[[nodiscard]] Resampling<Scalar> triangle_axis(Index from, Index to, bool antialias, Index offset = 0) {
    const double scale = static_cast<double>(from) / static_cast<double>(to);
    const double reach = antialias ? std::max(scale, 1.0) : 1.0;
    return {offset + from, to, [=](Index i, const auto& add) {
                const double middle = (static_cast<double>(i) + 0.5) * scale;
                const Index low = std::clamp<Index>(static_cast<Index>(std::floor(middle - reach + 0.5)), 0, from - 1);
                const Index high = std::clamp<Index>(static_cast<Index>(std::floor(middle + reach + 0.5)), low + 1, from);
                const auto weight = [&](Index x) { return std::max(0.0, 1 - std::abs(static_cast<double>(x) + 0.5 - middle) / reach); };
                double sum = 0;
                for (Index x = low; x < high; ++x)
                    sum += weight(x);
                for (Index x = low; x < high; ++x)
                    add(offset + x, weight(x) / sum);
            }};
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
    const auto rows = triangle_axis<Scalar>(part.size.height, size.height, antialias);
    const auto columns = triangle_axis<Scalar>(part.size.width, size.width, antialias, part.left);
    const Index out_row = size.width * channels;
    PoolVector<Scalar> wide(static_cast<std::size_t>(part.size.height * out_row));
    for (Index r = 0; r < part.size.height; ++r)
        weighted_sums(columns, 0, size.width, channels, image + (part.top + r) * width * channels, wide.data() + r * out_row);
    weighted_sums(rows, 0, size.height, out_row, wide.data(), to);
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
