// SPDX-License-Identifier: MIT
/// @file What the tests of convolutions share: the definition as a loop, and how far a result is from it.
#pragma once

#include <espalier/kernels/conv_shape.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cmath>

namespace testing {

using espalier::Index;
using espalier::Tensor;
using espalier::kernels::ConvShape;
using espalier::kernels::Window;

/// Calls `tap(x offset, w offset, y offset)` for every product that a convolution sums. What they have in common is worked out outside of
/// the innermost loop: under the sanitizers these loops are most of what the tests of convolutions take.
template <class Tap>
void for_each_product(const ConvShape& s, const Tap& tap) {
    const Window& w = s.window;
    const Index depth = s.depth(), filters = s.filters();
    for (Index n = 0; n < s.batch; ++n)
        for (Index oy = 0; oy < s.output.height; ++oy)
            for (Index ox = 0; ox < s.output.width; ++ox)
                for (Index ky = 0; ky < w.kernel.height; ++ky)
                    for (Index kx = 0; kx < w.kernel.width; ++kx) {
                        const Index y = oy * w.stride.height + ky * w.dilation.height - w.padding.height;
                        const Index x = ox * w.stride.width + kx * w.dilation.width - w.padding.width;
                        if (y < 0 || y >= s.input.height || x < 0 || x >= s.input.width)
                            continue;
                        for (Index o = 0; o < s.out_channels; ++o) {
                            const Index from = ((n * s.input.height + y) * s.input.width + x) * s.in_channels + o / filters * depth;
                            const Index by = ((o * w.kernel.height + ky) * w.kernel.width + kx) * depth;
                            const Index to = ((n * s.output.height + oy) * s.output.width + ox) * s.out_channels + o;
                            for (Index c = 0; c < depth; ++c)
                                tap(from + c, by + c, to);
                        }
                    }
}

/// Relative to the largest value that is expected.
template <class Scalar>
double largest_difference(const Tensor<Scalar>& a, const Tensor<double>& b) {
    double worst = 0;
    double scale = 1;
    for (Index i = 0; i < a.numel(); ++i) {
        worst = std::max(worst, std::isnan(a[i]) ? INFINITY : std::abs(static_cast<double>(a[i]) - b[i]));
        scale = std::max(scale, std::abs(b[i]));
    }
    return worst / scale;
}

}  // namespace testing
