// SPDX-License-Identifier: MIT
/// @file The two networks of the examples: one shared trunk each, and a linear head for each task.
#pragma once

#include "dataset.hpp"

#include <espalier/nn/trunks/lenet.hpp>
#include <espalier/nn/trunks/reference.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multi_fashion {

/// For canvases of `side` x `side`: `reference`, three convolutions of 32, 64 and 128 filters, each halving the canvas, and 1,024 shared
/// features; or `lenet`, the small one that Lin et al. used, with 50. @throws espalier::ValueError for another name
[[nodiscard]] inline espalier::nn::Sequential<> make_trunk(std::string_view name, Index side) {
    espalier::require<espalier::ValueError>(name == "reference" || name == "lenet", "make_network",
                                            "expected 'reference' or 'lenet', got '", name, "'");
    return name == "lenet" ? espalier::nn::trunks::lenet({side, side, 1}) : espalier::nn::trunks::reference({side, side, 1});
}

/// A linear head for each task, on so many features.
[[nodiscard]] inline std::vector<espalier::mtl::Head<>> make_heads(const std::vector<std::string>& tasks, Index features) {
    std::vector<espalier::mtl::Head<>> heads;
    for (const std::string& task : tasks)
        heads.push_back({task, espalier::nn::Linear{features, classes}});
    return heads;
}

/// A trunk and two heads; `lenet` has 31,910 parameters on a canvas of 36 x 36. @throws as `make_trunk`
[[nodiscard]] inline espalier::mtl::MultiTaskNet<> make_network(std::string_view name, Index side) {
    auto trunk = make_trunk(name, side);
    return {std::move(trunk), make_heads({"left", "right"}, name == "lenet" ? 50 : 1024)};
}

}  // namespace multi_fashion
