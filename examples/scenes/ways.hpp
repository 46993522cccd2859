// SPDX-License-Identifier: MIT
/// @file How the tasks share: one trunk for all, one trunk of which each task masks what it needs, or a trunk each that exchange maps.
#pragma once

#include "networks.hpp"

#include <espalier/mtl/sharing/cross_stitch.hpp>
#include <espalier/mtl/sharing/mtan.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace scenes {

inline const std::vector<std::string> ways{"hard", "mtan", "cross-stitch"};

namespace detail {

inline constexpr std::size_t exchanges = 3;  ///< places of a trunk: its last three layers, at the finest map on the way down and up

/// After how many layers they are, of a trunk of `layers`.
[[nodiscard]] inline std::vector<std::size_t> places(std::size_t layers) {
    std::vector<std::size_t> after;
    for (std::size_t left = exchanges; left-- > 0;)
        after.push_back(layers - left);
    return after;
}

/// What each place reads, and at last what the trunk gives, as channels.
[[nodiscard]] inline std::vector<Index> channels_at(nn::Sequential<>& trunk) {
    const espalier::NoGrad no_graph;
    const nn::EvalScope no_statistics;
    std::vector<Index> channels;
    const std::size_t first = trunk.size() - exchanges;
    auto found = trunk.run(espalier::Variable<>{Tensor<float>{{1, side, side, 3}}}, 0, first);
    channels.push_back(found.shape()[3]);
    for (std::size_t i = first; i < trunk.size(); ++i) {
        found = trunk.run(found, i, i + 1);
        channels.push_back(found.shape()[3]);
    }
    return channels;
}

/// Masks of two 1x1 convolutions as in the paper; what a task carries on has as many channels as the trunk gives.
[[nodiscard]] inline mtl::MTAN<> make_mtan(Trunk trunk, std::size_t count) {
    const auto channels = channels_at(trunk.layers);
    const Index carried = trunk.channels;
    std::vector<mtl::AttentionStage<>> stages(exchanges);
    for (std::size_t j = 0; j < exchanges; ++j) {
        const Index read = channels[j] + (j > 0 ? carried : 0), found = channels[j + 1];
        for (std::size_t task = 0; task < count; ++task) {
            stages[j].masks.push_back(nn::Sequential<>{nn::Conv2d{read, found, 1, {.bias = false}}, nn::BatchNorm{found}, nn::ReLU{},
                                                       nn::Conv2d{found, found, 1, {.bias = false}}, nn::BatchNorm{found}});
            stages[j].carries.push_back(nn::trunks::conv_norm(found, carried, 3, {.activation = nn::trunks::Activation::relu}));
        }
    }
    const auto ends = places(trunk.layers.size());
    return {std::move(trunk.layers), std::move(stages), {.after = ends}};
}

}  // namespace detail

/// One of `ways`, for `count` tasks, of trunks named `trunk`, of which `first` is one. @throws espalier::ValueError for another name
[[nodiscard]] inline mtl::Sharing<> make_sharing(const std::string& way, const std::string& trunk, Trunk first, std::size_t count) {
    if (way == "mtan")
        return detail::make_mtan(std::move(first), count);
    if (way == "cross-stitch") {
        auto after = detail::places(first.layers.size());
        std::vector<nn::Layer<>> columns{std::move(first.layers)};
        while (columns.size() < count)
            columns.push_back(make_trunk(trunk).layers);
        return mtl::CrossStitch<>{std::move(columns), {.after = std::move(after)}};
    }
    espalier::require<espalier::ValueError>(way == "hard", "scenes", "expected a way 'hard', 'mtan' or 'cross-stitch', got '", way, "'");
    return mtl::HardSharing<>{std::move(first.layers)};
}

/// A net of all tasks that are named.
[[nodiscard]] inline mtl::MultiTaskNet<> make_net(const std::string& trunk, const std::string& way,
                                                  const std::vector<std::string>& of_tasks) {
    Trunk made = make_trunk(trunk);
    std::vector<mtl::Head<>> heads;
    for (const std::string& task : of_tasks)
        heads.push_back(make_head(task, made));
    return {make_sharing(way, trunk, std::move(made), of_tasks.size()), std::move(heads)};
}

}  // namespace scenes
