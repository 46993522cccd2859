// SPDX-License-Identifier: MIT
/// @file The networks whose training steps are timed. `pytorch/networks.py` has the same, under the same names.
///
/// Inputs are (H, W, C), (L, C) of sequences, or (features,) of tables. But for the scenes and for clicks, every head gives scores of
/// ten classes, for a sample or for each of its pixels.
#pragma once

#include "../examples/scenes/training.hpp"

#include <espalier/espalier.hpp>
#include <espalier/mtl/sharing/cross_stitch.hpp>
#include <espalier/mtl/sharing/mmoe.hpp>
#include <espalier/mtl/sharing/ple.hpp>
#include <espalier/nn/trunks/fastnet.hpp>
#include <espalier/nn/trunks/fc_hardnet.hpp>
#include <espalier/nn/trunks/hardnet.hpp>
#include <espalier/nn/trunks/lenet.hpp>
#include <espalier/nn/trunks/reference.hpp>
#include <espalier/nn/trunks/resnet.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace benchmarks {

using namespace espalier;

/// Two heads of one kind, as most of the networks have.
inline std::vector<mtl::Head<>> left_and_right(const nn::Layer<>& head) { return {{"left", head}, {"right", head}}; }

/// Three convolutions of 32, 64 and 128 filters, each halving the image, and 1,024 shared features.
inline mtl::MultiTaskNet<> reference(const Shape& input) { return {nn::trunks::reference(input), left_and_right(nn::Linear{1024, 10})}; }

/// MultiLeNet (Sener and Koltun, NeurIPS 2018) without its dropout masks: 27,450 parameters for 28 x 28.
inline mtl::MultiTaskNet<> lenet(const Shape& input) {
    return {nn::trunks::multi_lenet(input), left_and_right(nn::Sequential{nn::Linear{50, 50}, nn::ReLU{}, nn::Linear{50, 10}})};
}

/// A 3x3 convolution of each channel, then a 1x1 convolution of all (MobileNet; Howard et al., 2017).
inline void add_separable(nn::Sequential<>& layers, Index in, Index out, Index stride) {
    layers.add(nn::Conv2d{in, in, 3, {.stride = stride, .padding = 1, .groups = in, .bias = false}});
    layers.add(nn::BatchNorm{in});
    layers.add(nn::ReLU{});
    layers.add(nn::Conv2d{in, out, 1, {.bias = false}});
    layers.add(nn::BatchNorm{out});
    layers.add(nn::ReLU{});
}

/// Separable convolutions with batch normalisation, and heads that classify each pixel of an image four times smaller.
inline mtl::MultiTaskNet<> separable(const Shape& input) {
    nn::Sequential trunk{nn::Conv2d{input[2], 32, 3, {.padding = 1, .bias = false}}, nn::BatchNorm{32}, nn::ReLU{},
                         nn::MaxPool2d{3, {.stride = 2, .padding = 1}}};
    add_separable(trunk, 32, 64, 1);
    add_separable(trunk, 64, 128, 2);
    add_separable(trunk, 128, 128, 1);
    return {std::move(trunk), left_and_right(nn::Conv2d{128, 10, 1})};
}

/// ResNet-20 for CIFAR (He et al., 2016), its shortcuts with weights where the width changes.
inline mtl::MultiTaskNet<> resnet20(const Shape& input) {
    return {nn::trunks::resnet20(input[2], {.shortcut = nn::trunks::Shortcut::projection}), left_and_right(nn::Linear{64, 10})};
}

/// Two 3x3 convolutions, each with batch normalisation and ReLU.
inline nn::Sequential<> double_convolution(Index in, Index out) {
    return {nn::Conv2d{in, out, 3, {.padding = 1, .bias = false}},  nn::BatchNorm{out}, nn::ReLU{},
            nn::Conv2d{out, out, 3, {.padding = 1, .bias = false}}, nn::BatchNorm{out}, nn::ReLU{}};
}

/// One level of a U-Net (Ronneberger et al., 2015) and all below it: what comes up from there is joined to what went down.
class UNetLevel : public nn::Module<UNetLevel, float> {
public:
    UNetLevel(Index in, Index width, Index depth)
        : down_{double_convolution(in, width)},
          below_{level_or_bottom(width, 2 * width, depth - 1)},
          up_{double_convolution(3 * width, width)} {}

    [[nodiscard]] Variable<> operator()(const Variable<>& x) {
        const Variable<> kept = down_(x);
        const Variable<> risen = nn::Upsample{2, {.mode = nn::Interpolation::bilinear}}(below_(nn::MaxPool2d{2}(kept)));
        return up_(autograd::cat({kept, risen}, 3));
    }

    void visit(nn::Visitor<float>& visitor) {
        visitor("down", down_);
        visitor("below", below_);
        visitor("up", up_);
    }

private:
    static nn::Layer<> level_or_bottom(Index in, Index width, Index depth) {
        return depth > 0 ? nn::Layer<>{UNetLevel{in, width, depth}} : nn::Layer<>{double_convolution(in, width)};
    }

    nn::Sequential<> down_;
    nn::Layer<> below_;
    nn::Sequential<> up_;
};

/// 16, 32 and 64 channels on the way down, 128 at the bottom, bilinear on the way up, heads that classify each pixel.
inline mtl::MultiTaskNet<> unet(const Shape& input) { return {UNetLevel{input[2], 16, 3}, left_and_right(nn::Conv2d{16, 10, 1})}; }

/// What large networks for images begin with.
inline mtl::MultiTaskNet<> stem(const Shape& input) {
    nn::Sequential trunk{nn::Conv2d{input[2], 64, 7, {.stride = 2, .padding = 3, .bias = false}}, nn::BatchNorm{64}, nn::ReLU{},
                         nn::MaxPool2d{3, {.stride = 2, .padding = 1}}, nn::GlobalAvgPool2d{}};
    return {std::move(trunk), left_and_right(nn::Linear{64, 10})};
}

/// Features of a table, and eight tasks.
inline mtl::MultiTaskNet<> mlp(const Shape& input) {
    std::vector<mtl::Head<>> heads;
    for (int task = 0; task < 8; ++task)
        heads.push_back({"task" + std::to_string(task), nn::Linear{128, 10}});
    return {nn::Sequential{nn::Linear{input[0], 512}, nn::ReLU{}, nn::Linear{512, 256}, nn::ReLU{}, nn::Linear{256, 128}, nn::ReLU{}},
            std::move(heads)};
}

/// 24 and 40 filters of 5x5 with stride 2: channels and images that fill no vectors.
inline mtl::MultiTaskNet<> odd(const Shape& input) {
    const auto last = [](Index side) { return (side + 7) / 8; };  // halved three times, each time rounded up
    nn::Sequential trunk{nn::Conv2d{input[2], 24, 5, {.stride = 2, .padding = 2}},
                         nn::ReLU{},
                         nn::Conv2d{24, 40, 5, {.stride = 2, .padding = 2}},
                         nn::ReLU{},
                         nn::Conv2d{40, 40, 5, {.stride = 2, .padding = 2}},
                         nn::ReLU{},
                         nn::Flatten{}};
    return {std::move(trunk), left_and_right(nn::Linear{40 * last(input[0]) * last(input[1]), 10})};
}

/// Large and dilated kernels, and layers that the other networks leave out.
inline mtl::MultiTaskNet<> mix(const Shape& input) {
    nn::Sequential trunk{nn::Conv2d{input[2], 16, 9, {.padding = 4}},
                         nn::GELU{},
                         nn::AvgPool2d{2},
                         nn::Dropout{0.1},
                         nn::Conv2d{16, 32, 5, {.padding = 2}},
                         nn::LeakyReLU{},
                         nn::Dropout{0.1},
                         nn::Conv2d{32, 64, 3, {.padding = 2, .dilation = 2}},
                         nn::GELU{},
                         nn::AvgPool2d{2},
                         nn::Flatten{},
                         nn::Linear{64 * (input[0] / 4) * (input[1] / 4), 128},
                         nn::LeakyReLU{},
                         nn::Dropout{0.5}};
    return {std::move(trunk), left_and_right(nn::Linear{128, 10})};
}

inline mtl::MultiTaskNet<> resnet18(const Shape& input) { return {nn::trunks::resnet18(input[2]), left_and_right(nn::Linear{512, 10})}; }
inline mtl::MultiTaskNet<> hardnet68(const Shape& input) { return {nn::trunks::hardnet68(input[2]), left_and_right(nn::Linear{1024, 10})}; }
inline mtl::MultiTaskNet<> hardnet68ds(const Shape& input) {
    return {nn::trunks::hardnet68ds(input[2]), left_and_right(nn::Linear{1024, 10})};
}
/// Half as many filters as in the paper.
inline mtl::MultiTaskNet<> fastnet_half(const Shape& input) {
    return {nn::trunks::fastnet(input[2], {.width = 0.5}), left_and_right(nn::Linear{64, 10})};
}

/// A ResNet-20 for each of two tasks, which mix what they found after each of its four stages.
inline mtl::MultiTaskNet<> cross_stitch(const Shape& input) {
    const auto column = [&] { return nn::trunks::resnet20(input[2], {.shortcut = nn::trunks::Shortcut::projection}); };
    return {mtl::CrossStitch<>{mtl::repeat(2, column)}, left_and_right(nn::Linear{64, 10})};
}
/// A ResNet-20 for each of two tasks and one for both, one level of PLE; the gates read the means of the channels.
inline mtl::MultiTaskNet<> ple(const Shape& input) {
    const auto expert = [&] { return nn::trunks::resnet20(input[2], {.shortcut = nn::trunks::Shortcut::projection}); };
    const auto gate = [&] { return nn::Sequential{nn::GlobalAvgPool2d{}, nn::Linear{input[2], 2, {.bias = false}}}; };
    return {mtl::PLE<>{{.own = {{expert()}, {expert()}}, .shared = {expert()}, .gates = mtl::repeat(2, gate)}},
            left_and_right(nn::Linear{64, 10})};
}
/// Eight experts of 16 units on a table and a tower of 8 units for each of two tasks, as for Census-Income in examples/.
inline mtl::MultiTaskNet<> mmoe(const Shape& input) {
    const auto expert = [&] { return nn::Sequential{nn::Linear{input[0], 16}, nn::ReLU{}}; };
    const auto gate = [&] { return nn::Linear{input[0], 8, {.bias = false}}; };
    return {mtl::MMoE<>{mtl::repeat(8, expert), mtl::repeat(2, gate)},
            left_and_right(nn::Sequential{nn::Linear{16, 8}, nn::ReLU{}, nn::Linear{8, 10}})};
}

/// The same of experts with two layers.
inline mtl::MultiTaskNet<> mmoe_deep(const Shape& input) {
    const auto expert = [&] { return nn::Sequential{nn::Linear{input[0], 64}, nn::ReLU{}, nn::Linear{64, 32}, nn::ReLU{}}; };
    const auto gate = [&] { return nn::Linear{input[0], 8, {.bias = false}}; };
    return {mtl::MMoE<>{mtl::repeat(8, expert), mtl::repeat(2, gate)}, left_and_right(nn::Linear{32, 10})};
}
/// Two levels on a table, of an expert for each of two tasks and one for both.
inline mtl::MultiTaskNet<> ple_table(const Shape& input) {
    const auto expert = [](Index in, Index out) { return nn::Sequential{nn::Linear{in, out}, nn::ReLU{}}; };
    const auto gate = [](Index in, Index experts) { return nn::Linear{in, experts, {.bias = false}}; };
    const auto level = [&](Index in, Index out) {
        return mtl::ExpertLevel<>{.own = {{expert(in, out)}, {expert(in, out)}}, .shared = {expert(in, out)}, .gates = mtl::repeat(2, [&] {
                                                                                                                  return gate(in, 2);
                                                                                                              })};
    };
    auto lower = level(input[0], 256);
    lower.shared_gate = {gate(input[0], 3)};
    return {mtl::PLE<>{{std::move(lower), level(256, 64)}}, left_and_right(nn::Linear{64, 10})};
}

/// (N, L, C) gives (N, C).
class MeanOfPositions : public nn::Module<MeanOfPositions, float> {
public:
    [[nodiscard]] Variable<> operator()(const Variable<>& x) const { return autograd::mean(x, 1); }
    void visit(nn::Visitor<float>&) {}
};

/// Four layers of four heads, as of Vaswani et al. (2017).
inline nn::TransformerEncoder<> transformer_encoder(Index width, double dropout) {
    return {width, 4, 4, {.feed_forward = 4 * width, .dropout = dropout}};
}
inline mtl::MultiTaskNet<> transformer_of(const Shape& input, double dropout) {
    return {nn::Sequential{transformer_encoder(input[1], dropout), MeanOfPositions{}}, left_and_right(nn::Linear{input[1], 10})};
}
inline mtl::MultiTaskNet<> transformer(const Shape& input) { return transformer_of(input, 0); }
/// With that of the paper, which is both libraries' default.
inline mtl::MultiTaskNet<> transformer_dropout(const Shape& input) { return transformer_of(input, 0.1); }
/// 128 units in both directions.
inline mtl::MultiTaskNet<> gru(const Shape& input) {
    return {nn::Sequential{nn::GRU{input[1], 128, {.bidirectional = true}}, MeanOfPositions{}}, left_and_right(nn::Linear{256, 10})};
}
inline mtl::MultiTaskNet<> lstm(const Shape& input) {
    return {nn::Sequential{nn::LSTM{input[1], 128, {.bidirectional = true}}, MeanOfPositions{}}, left_and_right(nn::Linear{256, 10})};
}

/// Columns of categories, (N, columns), each with a table of vectors of 16, whose gradients list the rows that a batch has.
class Columns : public nn::Module<Columns, float> {
public:
    Columns(Index columns, Index categories) {
        for (Index i = 0; i < columns; ++i)
            tables_.push_back(nn::Embedding<>{categories, width, {.sparse = true}});
    }

    [[nodiscard]] Variable<> operator()(const Variable<>& x) const {
        PoolVector<Variable<>> parts;
        Tensor<Index> column{{x.size(0)}};
        for (std::size_t k = 0; k < tables_.size(); ++k) {
            for (Index i = 0; i < x.size(0); ++i)
                column[i] = static_cast<Index>(x.value()[i * x.size(1) + static_cast<Index>(k)]);
            parts.push_back(tables_[k](Tensor<Index>{column}));
        }
        return autograd::cat(std::span<const Variable<>>{parts}, 1);
    }
    void visit(nn::Visitor<float>& visitor) { tables_.visit(visitor); }

    static constexpr Index width = 16;

private:
    nn::Children<nn::Embedding<>> tables_;
};

/// ESMM (Ma et al., SIGIR 2018): a click, and a click with a purchase.
inline mtl::MultiTaskNet<> esmm_of(Index columns, Index categories) {
    const auto tower = [&] {
        return nn::Sequential{nn::Linear{columns * Columns::width, 200}, nn::ReLU{}, nn::Linear{200, 80}, nn::ReLU{}, nn::Linear{80, 1}};
    };
    mtl::MultiTaskNet<> net{Columns{columns, categories}, {{"click", tower()}, {"purchase", tower()}}};
    net.derive("both", [](const mtl::Outputs<>& outputs) { return autograd::logit_product(outputs.at("click"), outputs.at("purchase")); });
    return net;
}
inline constexpr Index categories_of_esmm = 10'000, categories_of_esmm_million = 1'000'000;
inline mtl::MultiTaskNet<> esmm(const Shape& input) { return esmm_of(input[0], categories_of_esmm); }
inline mtl::MultiTaskNet<> esmm_million(const Shape& input) { return esmm_of(input[0], categories_of_esmm_million); }

/// Heads that classify each cell of a map of a quarter of the image's size.
inline mtl::MultiTaskNet<> fc_hardnet70(const Shape& input) {
    return {nn::trunks::fc_hardnet70(input[2]), left_and_right(nn::Conv2d{48, 10, 1})};
}

/// That of examples/scenes.cpp, with its four tasks and their losses.
inline mtl::MultiTaskNet<> scenes(const Shape& input) {
    require<ShapeError>(input == Shape{::scenes::side, ::scenes::side, 3}, "scenes", "expected an --input of ", ::scenes::side, 'x',
                        ::scenes::side, "x3, got ", input);
    return ::scenes::make_net("unet", "hard", ::scenes::tasks);
}

/// By the names of the command line.
inline const std::map<std::string, mtl::MultiTaskNet<> (*)(const Shape&)> networks{
    {"reference", reference},
    {"lenet", lenet},
    {"separable", separable},
    {"resnet20", resnet20},
    {"unet", unet},
    {"stem", stem},
    {"mlp", mlp},
    {"odd", odd},
    {"mix", mix},
    {"resnet18", resnet18},
    {"hardnet68", hardnet68},
    {"hardnet68ds", hardnet68ds},
    {"fastnet_half", fastnet_half},
    {"cross_stitch", cross_stitch},
    {"ple", ple},
    {"mmoe", mmoe},
    {"mmoe_deep", mmoe_deep},
    {"ple_table", ple_table},
    {"transformer", transformer},
    {"transformer_dropout", transformer_dropout},
    {"gru", gru},
    {"lstm", lstm},
    {"esmm", esmm},
    {"esmm_million", esmm_million},
    {"fc_hardnet70", fc_hardnet70},
    {"scenes", scenes},
};

/// How many extents one input of a network has.
inline Index input_rank(const std::string& network) {
    if (network.starts_with("transformer") || network == "gru" || network == "lstm")
        return 2;
    return network == "mlp" || network == "mmoe" || network == "mmoe_deep" || network == "ple_table" || network.starts_with("esmm") ? 1 : 3;
}

/// The outputs of a network that have a loss.
inline std::vector<std::string> learnt(const std::string& network, std::vector<std::string> tasks) {
    return network.starts_with("esmm") ? std::vector<std::string>{"click", "both"} : tasks;
}

/// The loss of each task of a network: cross-entropy but for the scenes and for clicks.
inline mtl::MultiTaskLoss<> make_criterion(const std::string& network, const std::vector<std::string>& tasks) {
    if (network == "scenes")
        return ::scenes::make_criterion(tasks);
    if (network.starts_with("esmm"))
        return {{"click", losses::BCEWithLogits{}}, {"purchase", mtl::no_loss}, {"both", losses::BCEWithLogits{}}};
    std::vector<mtl::TaskLoss<>> losses;
    for (const std::string& task : tasks)
        losses.push_back({task, losses::CrossEntropy{}});
    return mtl::MultiTaskLoss<>{std::move(losses)};
}

}  // namespace benchmarks
