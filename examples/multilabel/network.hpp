// SPDX-License-Identifier: MIT
/// @file Four networks for many labels, and the file that holds one of them.
#pragma once

#include "../recipe.hpp"
#include "dataset.hpp"

#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/mtl/sharing.hpp>
#include <espalier/mtl/sharing/mmoe.hpp>
#include <espalier/mtl/sharing/separate.hpp>
#include <espalier/nn/activation.hpp>
#include <espalier/nn/dropout.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/sequential.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace multilabel {

namespace mtl = espalier::mtl;
namespace nn = espalier::nn;

/// One layer for all labels; a head for each on a shared trunk; a mixture of experts below the heads; a network for each.
inline const std::vector<std::string> nets{"one-head", "heads", "MMoE", "single"};

constexpr Index units = 128, experts = 8, of_expert = 32, of_single = 32, of_head = 16;
constexpr double dropout = 0.3;
inline const std::string all_labels = "labels";  ///< the one task of a net with one head

/// All that a file says beside the weights.
struct Recipe {
    std::string net;
    std::vector<std::string> labels;
    io::TableEncoder encoder;
};

[[nodiscard]] inline mtl::MultiTaskNet<> make_net(const Recipe& recipe) {
    const Index in = recipe.encoder.width();
    const std::size_t count = recipe.labels.size();
    const auto layer = [in](Index out) {
        return [in, out] { return nn::Sequential<>{nn::Linear{in, out}, nn::ReLU{}, nn::Dropout{dropout}}; };
    };
    if (recipe.net == "one-head")
        return {layer(units)(), {{all_labels, nn::Linear{units, static_cast<Index>(count)}}}};
    const auto heads = [&](Index features) {
        std::vector<mtl::Head<>> result;
        for (const std::string& label : recipe.labels)
            result.push_back({label, nn::Sequential<>{nn::Linear{features, of_head}, nn::ReLU{}, nn::Linear{of_head, 1}}});
        return result;
    };
    if (recipe.net == "heads")
        return {layer(units)(), heads(units)};
    if (recipe.net == "single")
        return {mtl::Separate<>{mtl::repeat(count, layer(of_single))}, heads(of_single)};
    espalier::require<espalier::ValueError>(recipe.net == "MMoE", "multilabel", "expected one of the networks of --nets, got '", recipe.net,
                                            "'");
    const auto gate = [in] { return nn::Linear{in, experts, {.bias = false}}; };
    return {mtl::MMoE<>{mtl::repeat(experts, layer(of_expert)), mtl::repeat(count, gate)}, heads(of_expert)};
}

/// The logits of all labels, (N, labels).
[[nodiscard]] inline Tensor<float> predict(const mtl::MultiTaskNet<>& net, const Tensor<float>& features) {
    const auto said = net.predict(features);
    if (const auto* const together = said.find(all_labels); together && said.size() == 1)
        return *together;
    const auto labels = static_cast<Index>(said.size());
    auto logits = Tensor<float>::empty({features.size(0), labels});
    Index label = 0;
    for (const auto& [name, output] : said) {
        for (Index row = 0; row < output.size(0); ++row)
            logits[row * labels + label] = output[row];
        ++label;
    }
    return logits;
}

[[nodiscard]] inline nlohmann::ordered_json to_json(const Recipe& recipe) {
    return {{"net", recipe.net}, {"labels", recipe.labels}, {"encoder", recipe.encoder.to_json()}};
}

inline void save(const mtl::MultiTaskNet<>& net, const Recipe& recipe, const std::filesystem::path& path) {
    examples::save_with_recipe(net, path, "multilabel", to_json(recipe));
}

/// The recipe in a file. @throws espalier::IoError for a file of another program
[[nodiscard]] inline Recipe load_recipe(const std::filesystem::path& path) {
    return examples::load_recipe(path, "multilabel", [](const auto& json) {
        return Recipe{json.at("net"), json.at("labels"), io::TableEncoder::from_json(json.at("encoder").template get<std::string>())};
    });
}

}  // namespace multilabel
