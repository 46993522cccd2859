// SPDX-License-Identifier: MIT
/// @file MobileNetV2 (Sandler, Howard, Zhu, Zhmoginov and Chen, CVPR 2018).
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/nn/trunks/blocks.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace espalier::inline ESPALIER_ABI::nn::trunks {

/// Of a `mobilenet_v2`.
struct MobileNetV2Options {
    double width = 1;  ///< of the filters, rounded to multiples of 8
    bool pool = true;  ///< false gives the map (N, ceil(H / 32), ceil(W / 32), C)
};

/// 1x1 convolution to `expansion` times the channels, 3x3 one of each channel, 1x1 one without activation; the input is added where
/// it has the result's shape. Named by `conv.0.0.weight` and so on, as in torchvision.
template <class Scalar = float>
class InvertedResidual : public Module<InvertedResidual<Scalar>, Scalar> {
public:
    /// @throws ValueError for counts that are not positive.
    InvertedResidual(Index in, Index out, Index stride, Index expansion) : adds_{stride == 1 && in == out} {
        const Index hidden = in * expansion;
        if (expansion != 1)
            convolutions_.add(conv_norm<Scalar>(in, hidden, 1));
        convolutions_.add(conv_norm<Scalar>(hidden, hidden, 3, {.stride = stride, .groups = hidden}));
        for (auto& layer : conv_norm<Scalar>(hidden, out, 1, {.activation = Activation::none}))
            convolutions_.add(std::move(layer));
    }

    /// @throws ShapeError
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) { return adds_ ? x + convolutions_(x) : convolutions_(x); }

    void visit(Visitor<Scalar>& visitor) { visitor("conv", convolutions_); }

private:
    Sequential<Scalar> convolutions_;
    bool adds_;
};

namespace detail {

/// The nearest multiple of 8 that is not more than a tenth below.
[[nodiscard]] inline Index multiple_of_8(double channels) {
    const Index nearest = std::max<Index>(8, static_cast<Index>(channels + 4) / 8 * 8);
    return static_cast<double>(nearest) < 0.9 * channels ? nearest + 8 : nearest;
}

}  // namespace detail

/// MobileNetV2 as torchvision defines it: images give (N, 1280), more for a width above 1. In five stages by the size of the image, of
/// 1/2, 1/4, 1/8, 1/16 and 1/32; their elements, counted through, are torchvision's `features.0` to `features.18`: `0.0.0.weight` is
/// `features.0.0.weight`, `1.1.conv.0.0.weight` is `features.3.conv.0.0.weight`.
/// @throws ValueError for no channels or a width outside (0, 100].
template <class Scalar = float>
[[nodiscard]] Sequential<Scalar> mobilenet_v2(Index channels, MobileNetV2Options options = {}) {
    detail::require_channels("mobilenet_v2", channels);
    detail::require_width("mobilenet_v2", options.width);
    struct Blocks {
        Index expansion, filters, count, stride;
    };
    constexpr Blocks rows[] = {{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    Sequential<Scalar> trunk;
    Sequential<Scalar> stage;
    Index in = detail::multiple_of_8(32 * options.width);
    stage.add(conv_norm<Scalar>(channels, in, 3, {.stride = 2}));
    for (const auto& row : rows) {
        const Index out = detail::multiple_of_8(static_cast<double>(row.filters) * options.width);
        if (row.stride == 2)
            trunk.add(std::exchange(stage, {}));
        for (Index block = 0; block < row.count; ++block, in = out)
            stage.add(InvertedResidual<Scalar>{in, out, block == 0 ? row.stride : 1, row.expansion});
    }
    stage.add(conv_norm<Scalar>(in, detail::multiple_of_8(1280 * std::max(1.0, options.width)), 1));
    detail::add_pooling(stage, options.pool);
    trunk.add(std::move(stage));
    detail::draw_he(trunk);
    return trunk;
}

/// The path in `mobilenet_v2` of what torchvision calls so; empty for its classifier:
/// `io::load_pytorch(net.trunk(), file, {224, 224, 3}, {.rename = nn::trunks::mobilenet_v2_path})`.
[[nodiscard]] inline std::string mobilenet_v2_path(const std::string& torchvision) {
    constexpr std::string_view before = "features.";
    int number = -1;
    const char* const end = torchvision.data() + torchvision.size();
    if (!torchvision.starts_with(before))
        return {};
    const char* const rest = std::from_chars(torchvision.data() + before.size(), end, number).ptr;
    constexpr std::array starts{0, 2, 4, 7, 14};  // of the stages
    const auto stage = std::upper_bound(starts.begin(), starts.end(), number) - starts.begin() - 1;
    return stage < 0 ? std::string{} : concat(stage, '.', number - starts[static_cast<std::size_t>(stage)], std::string{rest, end});
}

}  // namespace espalier::inline ESPALIER_ABI::nn::trunks
