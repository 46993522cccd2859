// SPDX-License-Identifier: MIT
/// @file Names and descriptions as hashed features, the network that reads them, and the file that holds it.
#pragma once

#include "../hash.hpp"
#include "../recipe.hpp"
#include "tasks.hpp"

#include <espalier/data/inputs.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn/activation.hpp>
#include <espalier/nn/dropout.hpp>
#include <espalier/nn/embedding_bag.hpp>
#include <espalier/nn/encoder.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/text/split_words.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace packages {

namespace data = espalier::data;
namespace io = espalier::io;
namespace mtl = espalier::mtl;
namespace nn = espalier::nn;

/// All that a file says beside the weights.
struct Recipe {
    Index buckets = 0, width = 0;
    std::vector<Task> tasks = {};
};

namespace detail {

[[nodiscard]] inline Index bucket(std::string_view feature, Index buckets) {
    return static_cast<Index>(examples::hash(feature) % static_cast<std::uint64_t>(buckets));
}

/// Every 3, 4 and 5 bytes of "<name>" in a row, and each part between hyphens: "lib" and "-doc" tell much.
[[nodiscard]] inline std::vector<Index> name_features(const std::string& name, Index buckets) {
    std::vector<Index> features;
    const std::string whole = "<" + name + ">";
    for (std::size_t length = 3; length <= 5; ++length)
        for (std::size_t at = 0; at + length <= whole.size(); ++at)
            features.push_back(bucket(std::string_view{whole}.substr(at, length), buckets));
    for (std::size_t at = 0, end; at < name.size(); at = end + 1) {
        end = std::min(name.find('-', at), name.size());
        features.push_back(bucket("part " + name.substr(at, end - at), buckets));
    }
    return features;
}

/// Words, and every two in a row.
[[nodiscard]] inline std::vector<Index> word_features(const std::string& description, Index buckets) {
    std::vector<Index> features;
    std::string before;
    for (const std::string& word : espalier::text::split_words(description)) {
        features.push_back(bucket(word, buckets));
        features.push_back(bucket(before + " " + word, buckets));
        before = word;
    }
    return features;
}

}  // namespace detail

/// Features fall into as many buckets as there are vectors, some into one: no vocabulary is kept (Weinberger et al., Feature hashing for
/// large scale multitask learning, ICML 2009).
[[nodiscard]] inline data::Inputs<> inputs_of(const std::vector<Package>& packages, Index buckets) {
    std::vector<std::vector<Index>> names, words;
    for (const Package& package : packages) {
        names.push_back(detail::name_features(package.name, buckets));
        words.push_back(detail::word_features(package.description, buckets));
    }
    return {{"name", data::Sequences{names}}, {"words", data::Sequences{words}}};
}

[[nodiscard]] inline mtl::MultiTaskNet<> make_net(const Recipe& recipe) {
    constexpr Index features = 192;
    std::vector<mtl::Head<>> heads;
    for (const Task& task : recipe.tasks)
        heads.push_back({task.name, nn::Linear{features, task.outputs()}});
    return {nn::Concatenated{nn::From{"name", nn::EmbeddingBag{recipe.buckets, recipe.width}},
                             nn::From{"words", nn::EmbeddingBag{recipe.buckets, recipe.width}}},
            nn::Sequential{nn::Dropout{0.2}, nn::Linear{2 * recipe.width, features}, nn::ReLU{}, nn::Dropout{0.2}}, std::move(heads)};
}

[[nodiscard]] inline nlohmann::ordered_json to_json(const Recipe& recipe) {
    return {{"buckets", recipe.buckets}, {"width", recipe.width}, {"tasks", to_json(recipe.tasks)}};
}

inline void save(const mtl::MultiTaskNet<>& net, const Recipe& recipe, const std::filesystem::path& path) {
    examples::save_with_recipe(net, path, "packages", to_json(recipe));
}

/// @throws espalier::IoError for a file of another program
[[nodiscard]] inline Recipe load_recipe(const std::filesystem::path& path) {
    return examples::load_recipe(path, "packages", [](const auto& json) {
        return Recipe{json.at("buckets"), json.at("width"), tasks_from_json(json.at("tasks"))};
    });
}

}  // namespace packages
