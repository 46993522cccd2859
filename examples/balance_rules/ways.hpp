// SPDX-License-Identifier: MIT
/// @file Ways of sharing, each made of any trunk that is a list of stages: some of convolution, ReLU and pooling, and a linear one.
#pragma once

#include "../multi_fashion/networks.hpp"

#include <espalier/espalier.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace balance_rules {

using espalier::Index, espalier::Shape;
namespace mtl = espalier::mtl;
namespace nn = espalier::nn;

inline const std::vector<std::string> known_ways{"hard", "cross-stitch", "sluice", "nddr", "mmoe", "ple", "mtan", "ltb"};

/// Makes a trunk, each time one with first weights of its own.
struct Trunk {
    std::string name;           ///< as of `multi_fashion::make_trunk`
    std::vector<Shape> shapes;  ///< for one canvas: what each stage reads, and at last what the trunk gives

    explicit Trunk(std::string which) : name{std::move(which)} {
        constexpr Index side = multi_fashion::pair_side;
        const espalier::NoGrad no_graph;
        auto trunk = (*this)();
        espalier::Variable<> found{espalier::Tensor<float>{{1, side, side, 1}}};
        shapes.push_back(found.shape());
        for (std::size_t i = 0; i < trunk.size(); ++i) {
            found = trunk.run(found, i, i + 1);
            shapes.push_back(found.shape());
        }
    }
    [[nodiscard]] nn::Sequential<> operator()() const { return multi_fashion::make_trunk(name, multi_fashion::pair_side); }
};

/// Scores of experts from what they read, linear and without bias.
[[nodiscard]] inline nn::Layer<> gate(const Shape& reads, std::size_t experts) {
    return nn::Sequential<>{nn::Flatten{}, nn::Linear{reads.numel(), static_cast<Index>(experts), {.bias = false}}};
}

[[nodiscard]] inline mtl::MMoE<> make_mmoe(const Trunk& trunk, std::size_t tasks) {
    constexpr std::size_t experts = 3;
    return {mtl::repeat(experts, trunk), mtl::repeat(tasks, [&] { return gate(trunk.shapes.front(), experts); })};
}

/// A level for each stage, on which each task has one expert and all have one.
[[nodiscard]] inline mtl::PLE<> make_ple(const Trunk& trunk, std::size_t tasks) {
    std::vector<nn::Sequential<>> networks;
    for (std::size_t i = 0; i <= tasks; ++i)
        networks.push_back(trunk());
    std::vector<mtl::ExpertLevel<>> levels(networks[0].size());
    for (std::size_t k = 0; k < levels.size(); ++k) {
        const auto stage = [&](std::size_t network) { return nn::Children<nn::Layer<>>{networks[network].begin()[static_cast<Index>(k)]}; };
        for (std::size_t i = 0; i < tasks; ++i) {
            levels[k].own.push_back(stage(i));
            levels[k].gates.push_back(gate(trunk.shapes[k], 2));
        }
        levels[k].shared = stage(tasks);
        if (k + 1 < levels.size())
            levels[k].shared_gate = {gate(trunk.shapes[k], tasks + 1)};
    }
    return mtl::PLE<>{std::move(levels)};
}

/// Layers [first, last) of a sequence.
[[nodiscard]] inline nn::Sequential<> part(nn::Sequential<>& layers, std::size_t first, std::size_t last) {
    nn::Sequential<> result;
    for (; first < last; ++first)
        result.add(layers.begin()[static_cast<Index>(first)]);
    return result;
}

/// Masks what each convolution finds. A task carries it on by layers of its own that are those of the trunk from there to the next mask, as
/// the sizes need, and from the last mask to the features. A mask is the paper's.
[[nodiscard]] inline mtl::MTAN<> make_mtan(const Trunk& trunk, std::size_t tasks) {
    constexpr std::size_t layers_of_stage = 3;
    const auto flat = [&] {
        nn::Sequential<> layers;
        for (auto stages = trunk(); auto& stage : stages)
            for (auto& layer : *stage.get_if<nn::Sequential<>>())
                layers.add(layer);
        return layers;
    };
    const std::size_t masked = trunk.shapes.size() - 2;  // stages, all but the linear one
    std::vector<std::size_t> ends;
    for (std::size_t j = 0; j < masked; ++j)
        ends.push_back(layers_of_stage * j + 2);  // before the pooling
    auto shared = flat();
    std::vector<mtl::AttentionStage<>> stages(masked);
    for (std::size_t i = 0; i < tasks; ++i) {
        auto own = flat();
        for (std::size_t j = 0; j < masked; ++j) {
            const Index channels = trunk.shapes[j + 1][3];
            stages[j].masks.push_back(nn::Sequential<>{nn::Conv2d{j == 0 ? channels : 2 * channels, channels, 1}, nn::BatchNorm{channels},
                                                       nn::ReLU{}, nn::Conv2d{channels, channels, 1}, nn::BatchNorm{channels}});
            stages[j].carries.push_back(part(own, ends[j], j + 1 < masked ? ends[j + 1] : own.size()));
        }
    }
    return {part(shared, 0, ends.back()), std::move(stages), {.after = ends}};
}

/// One of `known_ways`, with the options that its paper or its class has as default: columns exchange after each stage, those of NDDR after
/// each pooling.
[[nodiscard]] inline mtl::Sharing<> make_sharing(const std::string& way, const Trunk& trunk, std::size_t tasks) {
    if (way == "hard")
        return mtl::HardSharing<>{trunk()};
    if (way == "cross-stitch")
        return mtl::CrossStitch<>{mtl::repeat(tasks, trunk)};
    if (way == "sluice")
        return mtl::Sluice<>{mtl::repeat(tasks, trunk), {.mix_depths = false}};  // whose outputs have different shapes
    if (way == "nddr") {
        mtl::NDDROptions options;
        for (std::size_t k = 1; k + 1 < trunk.shapes.size(); ++k) {
            options.channels.push_back(trunk.shapes[k][3]);
            options.after.push_back(k);
        }
        return mtl::NDDR<>{mtl::repeat(tasks, trunk), options};
    }
    if (way == "mmoe")
        return make_mmoe(trunk, tasks);
    if (way == "ple")
        return make_ple(trunk, tasks);
    if (way == "mtan")
        return make_mtan(trunk, tasks);
    return mtl::LTB<>{mtl::repeat(tasks, trunk)};
}

/// With a linear head for each task.
[[nodiscard]] inline mtl::MultiTaskNet<> make_net(const std::string& way, const Trunk& trunk, const std::vector<std::string>& tasks) {
    auto sharing = make_sharing(way, trunk, tasks.size());
    return {std::move(sharing), multi_fashion::make_heads(tasks, trunk.shapes.back()[1])};
}

/// What learned branches have come to, with the heads that they have: a net to train on. Nothing of another way.
[[nodiscard]] inline std::optional<mtl::MultiTaskNet<>> tree_of(mtl::MultiTaskNet<>& net) {
    const auto* const branching = net.sharing().get_if<mtl::LTB<>>();
    if (!branching)
        return {};
    std::vector<mtl::Head<>> heads;
    for (const std::string& task : net.tasks())
        heads.push_back({task, net.head(task)});
    return mtl::MultiTaskNet<>{branching->tree(), std::move(heads)};
}

}  // namespace balance_rules
