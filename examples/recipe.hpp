// SPDX-License-Identifier: MIT
/// @file What a program of examples/ keeps beside the weights of a net, to make the net again: JSON under the program's name in the file's
/// metadata.
#pragma once

#include <espalier/io/model.hpp>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>

namespace examples {

/// The text that is kept, for a program to ask for before it trains: better to fail now than then.
/// @throws espalier::IoError for names that are not UTF-8, which JSON cannot hold
[[nodiscard]] inline std::string recipe_text(const std::string& program, const nlohmann::ordered_json& recipe) {
    try {
        return recipe.dump();
    } catch (const nlohmann::json::exception&) {
        espalier::fail<espalier::IoError>(program,
                                          "expected names and labels in UTF-8, which the file of the weights needs, got another encoding");
    }
}

template <class Net>
void save_with_recipe(const Net& net, const std::filesystem::path& path, const std::string& program, const nlohmann::ordered_json& recipe) {
    espalier::io::save(net, path, {.metadata = {{program, recipe_text(program, recipe)}}});
}

/// What `read` makes of the JSON. @throws espalier::IoError for a file of another program, or a recipe that `read` does not find complete;
/// what `read` throws
template <class Read>
[[nodiscard]] auto load_recipe(const std::filesystem::path& path, const std::string& program, const Read& read) {
    const auto metadata = espalier::io::load_safetensors(path).metadata();
    const auto found = metadata.find(program);
    espalier::require<espalier::IoError>(found != metadata.end(), program, "expected weights that this program wrote, got ", path);
    try {
        return read(nlohmann::ordered_json::parse(found->second));
    } catch (const nlohmann::json::exception& error) {
        espalier::fail<espalier::IoError>(program, "expected a recipe in the metadata of ", path, ", got: ", error.what());
    }
}

}  // namespace examples
