// SPDX-License-Identifier: MIT
/// @file Residual networks (He, Zhang, Ren and Sun, Deep Residual Learning for Image Recognition, CVPR 2016).
#pragma once

#include <espalier/autograd/reshape.hpp>
#include <espalier/nn/trunks/blocks.hpp>

#include <array>
#include <string>
#include <utility>

namespace espalier::inline ESPALIER_ABI::nn::trunks {

/// relu(F(x) + S(x)), F some convolutions with batch normalisation and ReLU between them, S the shortcut. The names are torchvision's:
/// `conv1`, `bn1`, `conv2`, ..., and `downsample` of the shortcut.
template <class Scalar = float>
class ResidualBlock : public Module<ResidualBlock<Scalar>, Scalar> {
public:
    /// `residual` is convolution, normalisation and ReLU in turn, without the last ReLU; an empty shortcut is the identity.
    ResidualBlock(Sequential<Scalar> residual, Sequential<Scalar> shortcut)
        : residual_{std::move(residual)}, shortcut_{std::move(shortcut)} {}

    /// @throws ShapeError, also where residual and shortcut differ in shape.
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) {
        const nn::detail::ForwardScope call;
        return residual_.with_sum_and_relu(x, shortcut_(x));
    }

    void visit(Visitor<Scalar>& visitor) {
        std::size_t i = 0;
        for (auto& layer : residual_) {
            const std::string number = std::to_string(i / 3 + 1);
            if (i % 3 == 0)
                visitor("conv" + number, layer);
            if (i % 3 == 1)
                visitor("bn" + number, layer);
            ++i;
        }
        visitor("downsample", shortcut_);
    }

private:
    Sequential<Scalar> residual_;
    Sequential<Scalar> shortcut_;
};

/// The paper's shortcut A: every `stride`-th pixel, and channels of zeros behind those that there are. It has no parameters.
struct ZeroPaddedShortcut {
    Index stride;
    Index new_channels;
    /// @throws ShapeError unless x is (N, H, W, C).
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        const auto kept = autograd::avg_pool2d(x, 1, {.stride = stride});
        return autograd::cat({kept, Variable<Scalar>{Tensor<Scalar>{kept.shape().with(3, new_channels)}}}, 3);
    }
};

/// What a residual block adds where its result has another shape than its input: `zero_padded` is the paper's A, without parameters,
/// `projection` its B, a 1x1 convolution with batch normalisation.
enum class Shortcut { zero_padded, projection };

/// Of the residual networks for CIFAR.
struct CifarResNetOptions {
    Shortcut shortcut = Shortcut::zero_padded;
    bool pool = true;  ///< false gives the map (N, ceil(H / 4), ceil(W / 4), 64)
};

/// Of the residual networks for ImageNet.
struct ResNetOptions {
    bool pool = true;  ///< false gives the map (N, ceil(H / 32), ceil(W / 32), C)
};

namespace detail {

template <class Scalar>
[[nodiscard]] Sequential<Scalar> shortcut(Index in, Index out, Index stride, Shortcut kind) {
    if (in == out && stride == 1)
        return {};
    if (kind == Shortcut::zero_padded)
        return {ZeroPaddedShortcut{stride, out - in}};
    return conv_norm<Scalar>(in, out, 1, {.stride = stride, .activation = Activation::none});
}

/// Two 3x3 convolutions.
template <class Scalar>
[[nodiscard]] ResidualBlock<Scalar> basic_block(Index in, Index width, Index stride, Shortcut kind) {
    auto residual = conv_norm<Scalar>(in, width, 3, {.stride = stride, .activation = Activation::relu});
    for (auto& layer : conv_norm<Scalar>(width, width, 3, {.activation = Activation::none}))
        residual.add(std::move(layer));
    return {std::move(residual), shortcut<Scalar>(in, width, stride, kind)};
}

/// 1x1, 3x3 and 1x1, with the stride in the 3x3 convolution: torchvision's, also called ResNet v1.5.
template <class Scalar>
[[nodiscard]] ResidualBlock<Scalar> bottleneck(Index in, Index width, Index stride) {
    auto residual = conv_norm<Scalar>(in, width, 1, {.activation = Activation::relu});
    for (auto& layer : conv_norm<Scalar>(width, width, 3, {.stride = stride, .activation = Activation::relu}))
        residual.add(std::move(layer));
    for (auto& layer : conv_norm<Scalar>(width, 4 * width, 1, {.activation = Activation::none}))
        residual.add(std::move(layer));
    return {std::move(residual), shortcut<Scalar>(in, 4 * width, stride, Shortcut::projection)};
}

template <class Scalar>
[[nodiscard]] Sequential<Scalar> cifar_resnet(const char* name, Index channels, int blocks, CifarResNetOptions options) {
    require_channels(name, channels);
    Sequential<Scalar> trunk;
    trunk.add(conv_norm<Scalar>(channels, 16, 3, {.activation = Activation::relu}));
    Index in = 16;
    for (const Index width : {16, 32, 64}) {
        Sequential<Scalar> stage;
        for (int block = 0; block < blocks; ++block, in = width)
            stage.add(basic_block<Scalar>(in, width, width / in, options.shortcut));
        add_pooling(stage, options.pool && width == 64);
        trunk.add(std::move(stage));
    }
    draw_he(trunk);
    return trunk;
}

template <class Scalar>
[[nodiscard]] Sequential<Scalar> resnet(const char* name, Index channels, std::array<int, 4> blocks, bool bottlenecks,
                                        ResNetOptions options) {
    require_channels(name, channels);
    Sequential<Scalar> trunk;
    auto stem = conv_norm<Scalar>(channels, 64, 7, {.stride = 2, .activation = Activation::relu});
    stem.add(MaxPool2d{3, {.stride = 2, .padding = 1}});
    trunk.add(std::move(stem));
    Index in = 64;
    Index width = 64;
    for (std::size_t i = 0; i < blocks.size(); ++i, width *= 2) {
        Sequential<Scalar> stage;
        for (int block = 0; block < blocks[i]; ++block) {
            const Index stride = i > 0 && block == 0 ? 2 : 1;
            stage.add(bottlenecks ? bottleneck<Scalar>(in, width, stride) : basic_block<Scalar>(in, width, stride, Shortcut::projection));
            in = bottlenecks ? 4 * width : width;
        }
        add_pooling(stage, options.pool && i + 1 == blocks.size());
        trunk.add(std::move(stage));
    }
    draw_he(trunk);
    return trunk;
}

}  // namespace detail

/// ResNet-20 for CIFAR: a 3x3 convolution of 16 filters, then three stages of three blocks of 16, 32 and 64, the second and the third
/// halving the image; gives (N, 64). Four stages, `0.0.weight`, `0.1.weight`, ..., `1.0.conv1.weight`, ..., `3.2.bn2.bias`.
/// @throws ValueError for no channels.
template <class Scalar = float>
[[nodiscard]] Sequential<Scalar> resnet20(Index channels, CifarResNetOptions options = {}) {
    return detail::cifar_resnet<Scalar>("resnet20", channels, 3, options);
}
/// ResNet-32 for CIFAR: `resnet20` with five blocks a stage.
template <class Scalar = float>
[[nodiscard]] Sequential<Scalar> resnet32(Index channels, CifarResNetOptions options = {}) {
    return detail::cifar_resnet<Scalar>("resnet32", channels, 5, options);
}
/// ResNet-56 for CIFAR: `resnet20` with nine blocks a stage.
template <class Scalar = float>
[[nodiscard]] Sequential<Scalar> resnet56(Index channels, CifarResNetOptions options = {}) {
    return detail::cifar_resnet<Scalar>("resnet56", channels, 9, options);
}

/// ResNet-18 as torchvision defines it; gives (N, 512). Five stages: stage 0 is torchvision's `conv1`, `bn1` and pooling, named
/// `0.0.weight`, `0.1.weight`, ...; in stages 1 to 4 `2.1.conv1.weight` is torchvision's `layer2.1.conv1.weight`.
/// @throws ValueError for no channels.
template <class Scalar = float>
[[nodiscard]] Sequential<Scalar> resnet18(Index channels, ResNetOptions options = {}) {
    return detail::resnet<Scalar>("resnet18", channels, {2, 2, 2, 2}, false, options);
}
/// ResNet-34 as torchvision defines it: `resnet18` with 3, 4, 6 and 3 blocks a stage.
template <class Scalar = float>
[[nodiscard]] Sequential<Scalar> resnet34(Index channels, ResNetOptions options = {}) {
    return detail::resnet<Scalar>("resnet34", channels, {3, 4, 6, 3}, false, options);
}
/// ResNet-50 as torchvision defines it: `resnet18` with 3, 4, 6 and 3 bottlenecks a stage, each with its stride in the 3x3 convolution;
/// gives (N, 2048).
template <class Scalar = float>
[[nodiscard]] Sequential<Scalar> resnet50(Index channels, ResNetOptions options = {}) {
    return detail::resnet<Scalar>("resnet50", channels, {3, 4, 6, 3}, true, options);
}

/// The path in `resnet18`, `resnet34` or `resnet50` of what torchvision's networks of these names call so; empty for their classifier:
/// `io::load_pytorch(net.trunk(), file, {224, 224, 3}, {.rename = nn::trunks::resnet_path})`.
[[nodiscard]] inline std::string resnet_path(const std::string& torchvision) {
    if (torchvision.starts_with("layer"))
        return torchvision.substr(5);
    if (torchvision.starts_with("conv1."))
        return "0.0." + torchvision.substr(6);
    return torchvision.starts_with("bn1.") ? "0.1." + torchvision.substr(4) : std::string{};
}

}  // namespace espalier::inline ESPALIER_ABI::nn::trunks
