// SPDX-License-Identifier: MIT
/// @file HarDNet (Chao, Kao, Ruan, Huang and Lin, HarDNet: A Low Memory Traffic Network, ICCV 2019).
#pragma once

#include <espalier/autograd/reshape.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/nn/dropout.hpp>
#include <espalier/nn/trunks/blocks.hpp>

#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::nn::trunks {

/// Of a `HarDBlock`.
struct HarDBlockOptions {
    Index growth = 16;  ///< filters of the layers of odd number
    double multiplier = 1.7;  ///< of the filters, for each power of two above 1 that divides the layer's number
    Index layers = 4;
    bool depthwise = false;  ///< a 1x1 convolution and a 3x3 one of each channel instead of one 3x3 convolution
    Activation activation = Activation::relu6;  ///< behind each convolution but a depthwise one
};

/// A harmonic dense block: layer l of 1, 2, ..., n reads layer l - 2^i for each 2^i that divides l, nearest first, layer 0 being the
/// input; the result is the layers of odd number and the last, side by side. Named by `layers.0` to `layers.<n - 1>`.
template <class Scalar = float>
class HarDBlock : public Module<HarDBlock<Scalar>, Scalar> {
public:
    /// @throws ValueError unless channels, growth and layers are positive and the multiplier is in [1, 10].
    explicit HarDBlock(Index channels, HarDBlockOptions options = {}) {
        require<ValueError>(channels > 0 && options.growth > 0 && options.layers > 0, "HarDBlock",
                            "expected positive channels, growth and layers, got ", channels, ", ", options.growth, " and ", options.layers);
        require<ValueError>(is_finite(options.multiplier) && options.multiplier >= 1 && options.multiplier <= 10, "HarDBlock",
                            "expected a multiplier in [1, 10], got ", options.multiplier);
        std::vector<Index> widths{channels};
        for (Index layer = 1; layer <= options.layers; ++layer) {
            Index in = 0;
            auto width = static_cast<double>(options.growth);
            std::vector<std::size_t> links;
            for (Index step = 1; layer % step == 0; step *= 2) {
                links.push_back(static_cast<std::size_t>(layer - step));
                in += widths[links.back()];
                if (step > 1)
                    width *= options.multiplier;
            }
            widths.push_back(static_cast<Index>(width + 1) / 2 * 2);
            links_.push_back(std::move(links));
            layers_.add(layer_of(in, widths.back(), options));
            if (layer % 2 == 1 || layer == options.layers) {
                kept_.push_back(static_cast<std::size_t>(layer));
                out_channels_ += widths.back();
            }
        }
    }

    [[nodiscard]] Index out_channels() const noexcept { return out_channels_; }

    /// (N, H, W, channels) gives (N, H, W, out_channels()). @throws ShapeError
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) {
        const nn::detail::ForwardScope call;
        PoolVector<Variable<Scalar>> outputs{x};
        auto layer = layers_.begin();
        for (const auto& links : links_)
            outputs.push_back((*layer++)(joined(outputs, links)));
        return joined(outputs, kept_);
    }

    void visit(Visitor<Scalar>& visitor) { visitor("layers", layers_); }

private:
    [[nodiscard]] static Layer<Scalar> layer_of(Index in, Index out, const HarDBlockOptions& options) {
        if (!options.depthwise)
            return conv_norm<Scalar>(in, out, 3, {.activation = options.activation});
        Sequential<Scalar> two;
        two.add(conv_norm<Scalar>(in, out, 1, {.activation = options.activation}));
        two.add(conv_norm<Scalar>(out, out, 3, {.groups = out, .activation = Activation::none}));
        return two;
    }
    [[nodiscard]] static Variable<Scalar> joined(const PoolVector<Variable<Scalar>>& outputs, const std::vector<std::size_t>& which) {
        if (which.size() == 1)
            return outputs[which.front()];
        PoolVector<Variable<Scalar>> parts;
        for (const std::size_t i : which)
            parts.push_back(outputs[i]);
        return autograd::cat<Scalar>(parts, 3);
    }

    Sequential<Scalar> layers_;  ///< not run as a sequence
    std::vector<std::vector<std::size_t>> links_;  ///< of each layer, by number
    std::vector<std::size_t> kept_;
    Index out_channels_ = 0;
};

/// A network of harmonic dense blocks: what `hardnet39ds` and the others are made from.
struct HarDNetConfig {
    /// A block, the filters of the 1x1 convolution behind it, and whether the image is halved then.
    struct Block {
        Index growth;
        Index layers;
        Index channels;
        bool down;
    };
    Index first;  ///< filters of the stem's 3x3 convolution of stride 2 ...
    Index second;  ///< ... and of its second, 3x3 or, of a depthwise network, 1x1
    double multiplier;
    std::vector<Block> blocks;
    bool depthwise = false;
    double dropout = 0;  ///< before the last 1x1 convolution
};

/// Of a HarDNet.
struct HarDNetOptions {
    bool pool = true;  ///< false gives the map (N, ceil(H / 32), ceil(W / 32), C), or so: max pooling rounds down
};

namespace detail {

/// Halves an image: by max pooling or, in a depthwise network, by a 3x3 convolution of each channel.
template <class Scalar>
[[nodiscard]] Layer<Scalar> halving(Index channels, bool depthwise, MaxPool2d pool) {
    if (depthwise)
        return conv_norm<Scalar>(channels, channels, 3, {.stride = 2, .groups = channels, .activation = Activation::none});
    return pool;
}

[[nodiscard]] inline HarDNetConfig hardnet68_config(bool depthwise) {
    return {.first = 32,
            .second = 64,
            .multiplier = 1.7,
            .blocks = {{14, 8, 128, true}, {16, 16, 256, false}, {20, 16, 320, true}, {40, 16, 640, true}, {160, 4, 1024, false}},
            .depthwise = depthwise};
}

[[nodiscard]] inline HarDNetConfig hardnet85_config() {
    return {.first = 48,
            .second = 96,
            .multiplier = 1.7,
            .blocks = {{24, 8, 192, true},
                       {24, 16, 256, false},
                       {28, 16, 320, true},
                       {36, 16, 480, false},
                       {48, 16, 720, true},
                       {256, 4, 1280, false}},
            .dropout = 0.1};
}

}  // namespace detail

/// The trunk of a configuration: a stage for the stem, whose two convolutions and pooling quarter the image, and one for each block
/// with the 1x1 convolution behind it. Gives (N, C), C the filters of the last 1x1 convolution. Names such as `0.0.0.weight`,
/// `1.0.layers.3.0.weight` or, of a depthwise network, `1.0.layers.3.1.0.weight`; the parameters are in the order of the authors' code.
/// @throws ValueError for no channels, no blocks, or what a block or a layer refuses.
template <class Scalar = float>
[[nodiscard]] Sequential<Scalar> hardnet(Index channels, const HarDNetConfig& config, HarDNetOptions options = {}) {
    detail::require_channels("hardnet", channels);
    require<ValueError>(!config.blocks.empty(), "hardnet", "expected at least one block, got none");
    Sequential<Scalar> trunk;
    Sequential<Scalar> stem;
    stem.add(conv_norm<Scalar>(channels, config.first, 3, {.stride = 2}));
    stem.add(conv_norm<Scalar>(config.first, config.second, config.depthwise ? 1 : 3));
    stem.add(detail::halving<Scalar>(config.second, config.depthwise, MaxPool2d{3, {.stride = 2, .padding = 1}}));
    trunk.add(std::move(stem));
    Index in = config.second;
    for (const auto& block : config.blocks) {
        const bool last = &block == &config.blocks.back();
        HarDBlock<Scalar> dense{
            in, {.growth = block.growth, .multiplier = config.multiplier, .layers = block.layers, .depthwise = config.depthwise}};
        const Index dense_channels = dense.out_channels();
        Sequential<Scalar> stage;
        stage.add(std::move(dense));
        if (last && config.dropout != 0)
            stage.add(Dropout{config.dropout});
        stage.add(conv_norm<Scalar>(dense_channels, block.channels, 1));
        if (block.down)
            stage.add(detail::halving<Scalar>(block.channels, config.depthwise, MaxPool2d{2}));
        detail::add_pooling(stage, options.pool && last);
        trunk.add(std::move(stage));
        in = block.channels;
    }
    return trunk;
}

/// HarDNet-39DS, with depthwise convolutions; gives (N, 1024). Five stages.
template <class Scalar = float>
[[nodiscard]] Sequential<Scalar> hardnet39ds(Index channels, HarDNetOptions options = {}) {
    return hardnet<Scalar>(channels,
                           {.first = 24,
                            .second = 48,
                            .multiplier = 1.6,
                            .blocks = {{16, 4, 96, true}, {20, 16, 320, true}, {64, 8, 640, true}, {160, 4, 1024, false}},
                            .depthwise = true},
                           options);
}
/// HarDNet-68DS, with depthwise convolutions; gives (N, 1024). Six stages.
template <class Scalar = float>
[[nodiscard]] Sequential<Scalar> hardnet68ds(Index channels, HarDNetOptions options = {}) {
    return hardnet<Scalar>(channels, detail::hardnet68_config(true), options);
}
/// HarDNet-68; gives (N, 1024). Six stages.
template <class Scalar = float>
[[nodiscard]] Sequential<Scalar> hardnet68(Index channels, HarDNetOptions options = {}) {
    return hardnet<Scalar>(channels, detail::hardnet68_config(false), options);
}
/// HarDNet-85, with dropout of 0.1 before its last 1x1 convolution; gives (N, 1280). Seven stages.
template <class Scalar = float>
[[nodiscard]] Sequential<Scalar> hardnet85(Index channels, HarDNetOptions options = {}) {
    return hardnet<Scalar>(channels, detail::hardnet85_config(), options);
}

}  // namespace espalier::inline ESPALIER_ABI::nn::trunks
