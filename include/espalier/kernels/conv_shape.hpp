// SPDX-License-Identifier: MIT
/// @file The extents of a convolution, and what happens to its result before it is stored.
#pragma once

#include <espalier/kernels/window.hpp>

#include <algorithm>
#include <cstdint>

namespace espalier::inline ESPALIER_ABI::kernels {

/// x is (batch, input, in_channels), y is (batch, output, out_channels), the weights (out_channels, kernel, in_channels / groups).
struct ConvShape {
    Index batch;
    Pair input;
    Pair output;
    Index in_channels;
    Index out_channels;
    Index groups;
    Window window;

    [[nodiscard]] Index depth() const noexcept { return in_channels / groups; }         ///< channels a filter sees
    [[nodiscard]] Index filters() const noexcept { return out_channels / groups; }      ///< filters of a group
    [[nodiscard]] Index patch() const noexcept { return window.taps() * depth(); }      ///< weights of a filter
    [[nodiscard]] Index input_size() const noexcept { return input.height * input.width * in_channels; }
    [[nodiscard]] Index output_size() const noexcept { return output.height * output.width * out_channels; }
    [[nodiscard]] Index weight_size() const noexcept { return out_channels * patch(); }
    /// Of the 2x2 windows that the output is cut into; an odd row or column at the end is left out.
    [[nodiscard]] Pair pooled() const noexcept { return {output.height / 2, output.width / 2}; }
    [[nodiscard]] Index pooled_size() const noexcept { return pooled().height * pooled().width * out_channels; }
    /// A filter for each channel, and more than one of them.
    [[nodiscard]] bool depthwise() const noexcept { return groups > 1 && depth() == 1 && filters() == 1; }
    /// A 1x1 convolution of dense pixels: its patches are the image itself.
    [[nodiscard]] bool pointwise() const noexcept {
        return window.kernel == Pair{1} && window.stride == Pair{1} && window.padding == Pair{0} && groups == 1;
    }
};

/// What follows a convolution in the same pass over its results.
enum class ConvTail {
    none,
    relu,
    relu_max_pool,  ///< ReLU, and the largest of each 2x2 window
};

/// Bytes that must exist after the winners of ConvTail::relu_max_pool, which are read in whole vectors.
inline constexpr Index winners_slack = 16;

/// The cotangent of a convolution's plain result, told by that of what follows it and never stored as a whole.
template <class Scalar>
struct ConvCotangent {
    ConvTail tail = ConvTail::none;
    const Scalar* dy = nullptr;              ///< of the tail's result, (tasks, batch, ...)
    const Scalar* y = nullptr;               ///< the result, for ConvTail::relu
    const std::uint8_t* winners = nullptr;   ///< of each window, 4 for none, for ConvTail::relu_max_pool; with slack
};

}  // namespace espalier::inline ESPALIER_ABI::kernels
