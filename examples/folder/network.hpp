// SPDX-License-Identifier: MIT
/// @file The columns that a network learns, the network, and the file that holds both.
#pragma once

#include "../recipe.hpp"

#include <espalier/io/column_kind.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/trunks/resnet.hpp>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace folder {

using espalier::Index;
using espalier::Tensor;
using espalier::io::ColumnKind;
namespace io = espalier::io;
namespace mtl = espalier::mtl;

inline const std::vector<std::string> nets{"resnet18", "resnet34", "resnet50", "resnet20"};

/// What is learnt of a column, and how the network's numbers become text again.
struct Column {
    std::string name;
    ColumnKind kind = ColumnKind::classes;
    std::vector<std::string> labels = {};  ///< the texts of classes, or of labels
    char separator = '|';
    double mean = 0, deviation = 1;  ///< of a number, which is learnt with mean 0 and deviation 1

    [[nodiscard]] Index outputs() const { return kind == ColumnKind::number ? 1 : static_cast<Index>(labels.size()); }
};

/// All that a file says beside the weights.
struct Recipe {
    std::string net;
    Index size = 64;
    std::vector<Column> columns = {};
};

/// A residual network with a linear layer for each column.
[[nodiscard]] inline mtl::MultiTaskNet<> make_net(const Recipe& recipe) {
    namespace trunks = espalier::nn::trunks;
    const auto net = [&](auto trunk, Index width) {
        std::vector<mtl::Head<>> heads;
        for (const Column& column : recipe.columns)
            heads.push_back({column.name, espalier::nn::Linear{width, column.outputs()}});
        return mtl::MultiTaskNet<>{std::move(trunk), std::move(heads)};
    };
    if (recipe.net == "resnet20")
        return net(trunks::resnet20(3), 64);
    if (recipe.net == "resnet34")
        return net(trunks::resnet34(3), 512);
    if (recipe.net == "resnet50")
        return net(trunks::resnet50(3), 2048);
    espalier::require<espalier::ValueError>(recipe.net == "resnet18", "folder", "expected one of the networks of --net, got '", recipe.net,
                                            "'");
    return net(trunks::resnet18(3), 512);
}

[[nodiscard]] inline nlohmann::ordered_json to_json(const Recipe& recipe) {
    nlohmann::ordered_json columns = nlohmann::ordered_json::array();
    for (const Column& column : recipe.columns)
        columns.push_back({{"name", column.name},
                           {"kind", static_cast<int>(column.kind)},
                           {"labels", column.labels},
                           {"separator", std::string(1, column.separator)},
                           {"mean", column.mean},
                           {"deviation", column.deviation}});
    return {{"net", recipe.net}, {"size", recipe.size}, {"columns", std::move(columns)}};
}

inline void save(const mtl::MultiTaskNet<>& net, const Recipe& recipe, const std::filesystem::path& path) {
    examples::save_with_recipe(net, path, "folder", to_json(recipe));
}

/// The recipe in a file. @throws espalier::IoError for a file of another program
[[nodiscard]] inline Recipe load_recipe(const std::filesystem::path& path) {
    return examples::load_recipe(path, "folder", [&](const auto& json) {
        Recipe recipe{json.at("net"), json.at("size")};
        for (const auto& column : json.at("columns")) {
            const int kind = column.at("kind");
            espalier::require<espalier::IoError>(kind > 0 && kind <= static_cast<int>(ColumnKind::labels), "folder",
                                                 "expected the kind of a column in [1, 3], got ", kind, " in ", path);
            const std::string separator = column.at("separator");
            const double mean = column.at("mean"), deviation = column.at("deviation");
            espalier::require<espalier::IoError>(
                separator.size() == 1 && espalier::is_finite(mean) && espalier::is_finite(deviation) && deviation > 0, "folder",
                "expected one character between labels, a finite mean and a deviation above 0 in ", path, ", got '", separator, "', ", mean,
                " and ", deviation);
            recipe.columns.push_back({column.at("name"), static_cast<ColumnKind>(kind), column.at("labels"), separator.front(), mean,
                                      deviation});
        }
        return recipe;
    });
}

}  // namespace folder
