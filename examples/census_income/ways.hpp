// SPDX-License-Identifier: MIT
/// @file Seven ways of sharing with nearly as many parameters: 128 units on the first level, in the sizes of PaddleRec's models.
#pragma once

#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/mtl/sharing.hpp>
#include <espalier/mtl/sharing/cross_stitch.hpp>
#include <espalier/mtl/sharing/mmoe.hpp>
#include <espalier/mtl/sharing/ple.hpp>
#include <espalier/mtl/sharing/separate.hpp>
#include <espalier/nn/activation.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/sequential.hpp>

#include <string>
#include <utility>
#include <vector>

namespace census_income {

using namespace espalier;

constexpr Index units = 128, of_expert = 16, of_tower = 8;
constexpr Index experts = units / of_expert;  ///< in MMoE; in CGC and PLE 3 of each task, and what is left is shared

inline const std::vector<std::string> ways{"single-task", "shared-bottom", "cross-stitch", "OMoE", "MMoE", "CGC", "PLE"};

[[nodiscard]] inline auto layer(Index in, Index out) {
    return [in, out] { return nn::Sequential<>{nn::Linear{in, out}, nn::ReLU{}}; };
}
[[nodiscard]] inline auto gate(Index in, Index out) {
    return [in, out] { return nn::Linear{in, out, {.bias = false}}; };
}

[[nodiscard]] inline mtl::ExpertLevel<> level(Index in, bool last) {
    constexpr Index own = 3, shared = experts - 2 * own;
    mtl::ExpertLevel<> result{.own = {mtl::repeat(own, layer(in, of_expert)), mtl::repeat(own, layer(in, of_expert))},
                              .shared = mtl::repeat(shared, layer(in, of_expert)),
                              .gates = mtl::repeat(2, gate(in, own + shared))};
    if (!last)
        result.shared_gate = mtl::repeat(1, gate(in, experts));
    return result;
}

/// What stands below the towers, and how many features it finds for each.
[[nodiscard]] inline std::pair<mtl::Sharing<>, Index> make_sharing(const std::string& way, Index in) {
    if (way == "single-task")
        return {mtl::Separate<>{mtl::repeat(2, layer(in, units / 2))}, units / 2};
    if (way == "shared-bottom")
        return {mtl::HardSharing<>{layer(in, units)()}, units};
    if (way == "cross-stitch")
        return {mtl::CrossStitch<>{mtl::repeat(2, layer(in, units / 2)), {.after = {2}}}, units / 2};
    if (way == "OMoE" || way == "MMoE")
        return {mtl::MMoE<>{mtl::repeat(experts, layer(in, of_expert)), mtl::repeat(way == "OMoE" ? 1 : 2, gate(in, experts))}, of_expert};
    if (way == "CGC")
        return {mtl::PLE<>{level(in, true)}, of_expert};
    return {mtl::PLE<>{level(in, false), level(of_expert, true)}, of_expert};
}

/// A tower for each task on the `in` inputs shared in this way.
[[nodiscard]] inline mtl::MultiTaskNet<> make_net(const std::string& way, Index in) {
    auto [sharing, found] = make_sharing(way, in);
    const auto tower = [found = found] { return nn::Sequential<>{nn::Linear{found, of_tower}, nn::ReLU{}, nn::Linear{of_tower, 1}}; };
    return {std::move(sharing), {{"income", tower()}, {"never married", tower()}}};
}

}  // namespace census_income
