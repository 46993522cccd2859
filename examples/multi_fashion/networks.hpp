// SPDX-License-Identifier: MIT
/// @file The two networks of the example: one shared trunk each, and a linear head for each task.
#pragma once

#include "dataset.hpp"

#include <espalier/nn/trunks/lenet.hpp>
#include <espalier/nn/trunks/reference.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multi_fashion {

/// Three convolutions of 32, 64 and 128 filters, each halving the canvas, and 1,024 shared features.
[[nodiscard]] inline espalier::mtl::MultiTaskNet<> reference_network(Index side) {
    using namespace espalier;
    return {nn::trunks::reference({side, side, 1}), {{"left", nn::Linear{1024, classes}}, {"right", nn::Linear{1024, classes}}}};
}

/// The small network that Lin et al. used: 31,910 parameters on a canvas of 36 x 36 for both tasks.
[[nodiscard]] inline espalier::mtl::MultiTaskNet<> lenet(Index side, const std::vector<std::string>& tasks = {"left", "right"}) {
    using namespace espalier;
    auto trunk = nn::trunks::lenet({side, side, 1});
    std::vector<mtl::Head<>> heads;
    for (const std::string& task : tasks)
        heads.push_back({task, nn::Linear{50, classes}});
    return {std::move(trunk), std::move(heads)};
}

/// `reference` or `lenet`, for canvases of `side` x `side`. @throws espalier::ValueError for another name
[[nodiscard]] inline espalier::mtl::MultiTaskNet<> make_network(std::string_view name, Index side) {
    espalier::require<espalier::ValueError>(name == "reference" || name == "lenet", "make_network",
                                            "expected 'reference' or 'lenet', got '", name, "'");
    return name == "lenet" ? lenet(side) : reference_network(side);
}

}  // namespace multi_fashion
