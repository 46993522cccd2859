// SPDX-License-Identifier: MIT
/// @file Seven ways of sharing with nearly as many parameters, 128 units on the first level in the sizes of PaddleRec's models, and the
/// file that holds a net.
#pragma once

#include "../recipe.hpp"
#include "dataset.hpp"

#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/mtl/sharing.hpp>
#include <espalier/mtl/sharing/cross_stitch.hpp>
#include <espalier/mtl/sharing/mmoe.hpp>
#include <espalier/mtl/sharing/ple.hpp>
#include <espalier/mtl/sharing/separate.hpp>
#include <espalier/nn/activation.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/sequential.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace census {

namespace mtl = espalier::mtl;
namespace nn = espalier::nn;

constexpr Index units = 128, of_expert = 16, of_tower = 8;
constexpr Index experts = units / of_expert;  ///< in MMoE
constexpr Index shared_experts = 2;           ///< in CGC and PLE; the others are parted among the tasks

inline const std::vector<std::string> ways{"single-task", "shared-bottom", "cross-stitch", "OMoE", "MMoE", "CGC", "PLE"};

/// All that a file says beside the weights.
struct Recipe {
    std::string way;
    std::vector<std::string> tasks;
    io::TableEncoder encoder;
};

[[nodiscard]] inline auto layer(Index in, Index out) {
    return [in, out] { return nn::Sequential<>{nn::Linear{in, out}, nn::ReLU{}}; };
}
[[nodiscard]] inline auto gate(Index in, Index out) {
    return [in, out] { return nn::Linear{in, out, {.bias = false}}; };
}

/// What makes the answer to one task of so many features.
[[nodiscard]] inline mtl::Head<> tower(const std::string& task, Index features) {
    return {task, nn::Sequential<>{nn::Linear{features, of_tower}, nn::ReLU{}, nn::Linear{of_tower, task_of(task).outputs()}}};
}

/// Units of a network that a task has for itself.
[[nodiscard]] inline Index own_units(const Recipe& recipe) { return units / static_cast<Index>(recipe.tasks.size()); }

[[nodiscard]] inline mtl::ExpertLevel<> level(Index in, std::size_t tasks, bool last) {
    const Index own = (experts - shared_experts) / static_cast<Index>(tasks);
    nn::Children<nn::Children<nn::Layer<>>> of_tasks;
    for (std::size_t i = 0; i < tasks; ++i)
        of_tasks.push_back(mtl::repeat(static_cast<std::size_t>(own), layer(in, of_expert)));
    mtl::ExpertLevel<> result{.own = std::move(of_tasks),
                              .shared = mtl::repeat(shared_experts, layer(in, of_expert)),
                              .gates = mtl::repeat(tasks, gate(in, own + shared_experts))};
    if (!last)
        result.shared_gate = mtl::repeat(1, gate(in, own * static_cast<Index>(tasks) + shared_experts));
    return result;
}

/// What stands below the towers, and how many features it finds for each. @throws espalier::ValueError for a way that there is not
[[nodiscard]] inline std::pair<mtl::Sharing<>, Index> make_sharing(const Recipe& recipe) {
    const Index in = recipe.encoder.width(), own = own_units(recipe);
    const std::size_t tasks = recipe.tasks.size();
    if (recipe.way == "single-task")
        return {mtl::Separate<>{mtl::repeat(tasks, layer(in, own))}, own};
    if (recipe.way == "shared-bottom")
        return {mtl::HardSharing<>{layer(in, units)()}, units};
    if (recipe.way == "cross-stitch")
        return {mtl::CrossStitch<>{mtl::repeat(tasks, layer(in, own)), {.after = {2}}}, own};
    if (recipe.way == "OMoE" || recipe.way == "MMoE")
        return {mtl::MMoE<>{mtl::repeat(experts, layer(in, of_expert)), mtl::repeat(recipe.way == "OMoE" ? 1 : tasks, gate(in, experts))},
                of_expert};
    if (recipe.way == "CGC")
        return {mtl::PLE<>{level(in, tasks, true)}, of_expert};
    espalier::require<espalier::ValueError>(recipe.way == "PLE", "census", "expected one of the ways of --ways, got '", recipe.way, "'");
    return {mtl::PLE<>{level(in, tasks, false), level(of_expert, tasks, true)}, of_expert};
}

[[nodiscard]] inline mtl::MultiTaskNet<> make_net(const Recipe& recipe) {
    auto [sharing, found] = make_sharing(recipe);
    std::vector<mtl::Head<>> towers;
    for (const std::string& task : recipe.tasks)
        towers.push_back(tower(task, found));
    return {std::move(sharing), std::move(towers)};
}

inline void save(const mtl::MultiTaskNet<>& net, const Recipe& recipe, const std::filesystem::path& path) {
    examples::save_with_recipe(net, path, "census", {{"way", recipe.way}, {"tasks", recipe.tasks}, {"encoder", recipe.encoder.to_json()}});
}

/// @throws espalier::IoError for a file of another program
[[nodiscard]] inline Recipe load_recipe(const std::filesystem::path& path) {
    return examples::load_recipe(path, "census", [](const auto& json) {
        return Recipe{json.at("way"), json.at("tasks"), io::TableEncoder::from_json(json.at("encoder").template get<std::string>())};
    });
}

}  // namespace census
