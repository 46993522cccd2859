// SPDX-License-Identifier: MIT
/// @file What another program needs to learn the same (benchmarks/pytorch/packages.py), and the figures of a run.
#pragma once

#include "options.hpp"
#include "report.hpp"

#include <espalier/data/dataset.hpp>
#include <espalier/io/file.hpp>
#include <espalier/io/safetensors.hpp>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <utility>

namespace packages {

/// `<part>.<input>.elements` and `.lengths`, `<part>.<task>` and `<part>.<task>.known` of the parts `train` and `test`; the recipe in the
/// metadata.
inline void export_sets(const std::filesystem::path& path, const Recipe& recipe, const data::Dataset<>& train,
                        const data::Dataset<>& test) {
    io::TensorFile file;
    for (const auto& [part, set] : {std::pair{"train", &train}, std::pair{"test", &test}}) {
        for (const char* const input : {"name", "words"}) {
            const data::Sequences& sequences = data::sequences_of(set->named_inputs(), input);
            file.insert(espalier::concat(part, '.', input, ".elements"), sequences.elements());
            file.insert(espalier::concat(part, '.', input, ".lengths"), sequences.lengths());
        }
        for (const Task& task : recipe.tasks) {
            const std::string name = espalier::concat(part, '.', task.name);
            const Target& target = set->target(task.name);
            if (task.kind == Kind::classes)
                file.insert(name, target.labels());
            else
                file.insert(name, target.values());
            file.insert(name + ".known", *target.mask());
        }
    }
    file.metadata()["packages"] = to_json(recipe).dump();
    io::save_safetensors(path, file);
}

inline void write_json(const Options& options, Index parameters, const Figures& figures) {
    nlohmann::ordered_json json{
        {"rule", options.rule},   {"epochs", options.epochs},   {"batch", options.batch}, {"learning_rate", options.learning_rate},
        {"width", options.width}, {"buckets", options.buckets}, {"seed", options.seed},   {"parameters", parameters}};
    for (const auto& [name, of_tasks] :
         {std::pair{"guessing", &figures.guessing}, std::pair{"together", &figures.together}, std::pair{"alone", &figures.alone}})
        for (const auto& [task, value] : *of_tasks)
            json[name][task] = value;
    io::write_file(options.json, json.dump(1) + "\n");
}

}  // namespace packages
