// SPDX-License-Identifier: MIT
/// @file What another program needs to learn from the same log (benchmarks/pytorch/clicks.py), and the figures of a run.
#pragma once

#include "options.hpp"
#include "report.hpp"

#include <espalier/io/file.hpp>
#include <espalier/io/safetensors.hpp>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace clicks {

/// The inputs of the parts `train` and `test`, `<part>.user` and so on, sequences as `.elements` and `.lengths`; `<part>.click` and
/// `<part>.purchase`, and of a simulation `<part>.click_rate` and `<part>.purchase_rate`. Attributes and sizes are in the metadata.
inline void export_log(const std::filesystem::path& path, const Log& log) {
    io::TensorFile file;
    for (const auto& [part, rows] : {std::pair{"train", &log.train}, std::pair{"test", &log.test}}) {
        for (const auto& [name, input] : inputs_of(log.catalogue, *rows)) {
            const std::string key = concat(part, '.', name);
            if (input.has_indices()) {
                file.insert(key, input.indices());
            } else {
                file.insert(key + ".elements", input.sequences().elements());
                file.insert(key + ".lengths", input.sequences().lengths());
            }
        }
        const auto rates = true_rates(*rows);
        Tensor<float> click{rates.click.shape()}, purchase{rates.click.shape()};
        for (Index i = 0; i < click.numel(); ++i) {
            const Impression& row = (*rows)[static_cast<std::size_t>(i)];
            click[i] = row.clicked ? 1.0F : 0.0F;
            purchase[i] = row.bought ? 1.0F : 0.0F;
        }
        file.insert(concat(part, ".click"), click);
        file.insert(concat(part, ".purchase"), purchase);
        if (log.simulated) {
            file.insert(concat(part, ".click_rate"), rates.click);
            file.insert(concat(part, ".purchase_rate"), rates.purchase);
        }
    }
    const Catalogue& catalogue = log.catalogue;
    nlohmann::ordered_json json{{"users", catalogue.users}, {"items", catalogue.items}, {"tags", catalogue.tag_names.size()}};
    for (const auto* const list : {&catalogue.of_users, &catalogue.of_items})
        for (const Attribute& attribute : *list)
            json["attributes"][attribute.name] = attribute.categories;
    file.metadata()["clicks"] = json.dump();
    io::save_safetensors(path, file);
}

inline void write_json(const Options& options, const std::vector<Result>& results) {
    nlohmann::ordered_json json{{"epochs", options.epochs},
                                {"batch", options.batch},
                                {"learning_rate", options.learning_rate},
                                {"seed", options.seed},
                                {"nets", nlohmann::ordered_json::object()}};
    for (const Result& result : results)
        json["nets"][result.name] = {
            {"parameters", result.parameters},       {"all", result.means.all},      {"clicked", result.means.clicked},
            {"others", result.means.others},         {"error", result.error},        {"click_area", result.click_area},
            {"purchase_area", result.purchase_area}, {"both_area", result.both_area}};
    io::write_file(options.json, json.dump(1) + "\n");
}

}  // namespace clicks
