// SPDX-License-Identifier: MIT
/// @file FC-HarDNet (Chao, Kao, Ruan, Huang and Lin, HarDNet: A Low Memory Traffic Network, ICCV 2019): HarDNet for pixels.
#pragma once

#include <espalier/nn/trunks/hardnet.hpp>
#include <espalier/nn/trunks/u_shape.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::nn::trunks {

/// FC-HarDNet-70 as in the authors' code: images (N, H, W, channels) of at least 61 pixels a side give (N, ceil(H / 4), ceil(W / 4), 48),
/// from which the authors' head, a 1x1 convolution, makes classes that are resized to the image. Four stages: the stem, which quarters
/// the image, the first block, all that lies below, a `UShape`, and the last block. On the way down each block is followed by a 1x1
/// convolution and average pooling, on the way up, bilinear, each comes behind a 1x1 convolution that halves the channels. Names such as
/// `0.3.0.weight`, `1.layers.0.0.weight`, `2.down.0.2.layers.0.0.weight`, `2.up.2.0.0.weight` and `3.1.layers.3.0.weight`.
/// @throws ValueError for no channels.
template <class Scalar = float>
[[nodiscard]] Sequential<Scalar> fc_hardnet70(Index channels) {
    detail::require_channels("fc_hardnet70", channels);
    constexpr ConvNormOptions plain{.activation = Activation::relu};
    const std::vector<HarDBlockOptions> blocks{{.growth = 10, .layers = 4, .activation = Activation::relu},
                                               {.growth = 16, .layers = 4, .activation = Activation::relu},
                                               {.growth = 18, .layers = 8, .activation = Activation::relu},
                                               {.growth = 24, .layers = 8, .activation = Activation::relu},
                                               {.growth = 32, .layers = 8, .activation = Activation::relu}};
    const std::vector<Index> behind{64, 96, 160, 224, 320};  // filters of the 1x1 convolution behind each block on the way down

    Sequential<Scalar> stem;
    stem.add(conv_norm<Scalar>(channels, 16, 3, {.stride = 2, .activation = Activation::relu}));
    stem.add(conv_norm<Scalar>(16, 24, 3, plain));
    stem.add(conv_norm<Scalar>(24, 32, 3, {.stride = 2, .activation = Activation::relu}));
    stem.add(conv_norm<Scalar>(32, 48, 3, plain));
    HarDBlock<Scalar> first{48, blocks.front()};

    std::vector<Index> beside{first.out_channels()};  // channels that a block on the way down hands over to the way up
    std::vector<Layer<Scalar>> down;
    for (std::size_t i = 1; i < blocks.size(); ++i) {
        Sequential<Scalar> stage;
        stage.add(conv_norm<Scalar>(beside.back(), behind[i - 1], 1, plain));
        stage.add(AvgPool2d{2});
        HarDBlock<Scalar> block{behind[i - 1], blocks[i]};
        beside.push_back(block.out_channels());
        stage.add(std::move(block));
        if (i + 1 == blocks.size())
            stage.add(conv_norm<Scalar>(beside.back(), behind[i], 1, plain));
        down.push_back(std::move(stage));
    }

    Index in = behind.back();
    const auto block_up = [&](std::size_t level) {
        const Index joined = in + beside[level];
        HarDBlock<Scalar> block{joined / 2, blocks[level]};
        in = block.out_channels();
        Sequential<Scalar> stage;
        stage.add(conv_norm<Scalar>(joined, joined / 2, 1, plain));
        stage.add(std::move(block));
        return stage;
    };
    std::vector<Layer<Scalar>> up(down.size(), Sequential<Scalar>{});  // nothing where the way turns
    for (std::size_t level = down.size() - 1; level > 0; --level)
        up[level - 1] = block_up(level);
    Sequential<Scalar> last = block_up(0);

    Sequential<Scalar> trunk;
    trunk.add(std::move(stem));
    trunk.add(std::move(first));
    trunk.add(UShape<Scalar>{std::move(down), std::move(up)});
    trunk.add(std::move(last));
    return trunk;
}

}  // namespace espalier::inline ESPALIER_ABI::nn::trunks
