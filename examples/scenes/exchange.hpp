// SPDX-License-Identifier: MIT
/// @file What others read and write: the scenes as files, the figures of a run, weights of PyTorch.
#pragma once

#include "score.hpp"
#include "training.hpp"

#include <espalier/core/build_info.hpp>
#include <espalier/data/combine.hpp>
#include <espalier/io/file.hpp>
#include <espalier/io/model.hpp>
#include <espalier/io/pytorch.hpp>
#include <espalier/io/safetensors.hpp>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace scenes {

/// `pixels`, the target of each task and, as `known.<task>`, for which scenes or pixels there is one, if not for all.
inline void write_scenes(const std::filesystem::path& path, const espalier::data::Dataset<>& set) {
    espalier::io::TensorFile file;
    file.insert("pixels", set.inputs());
    for (const auto& [task, target] : set.targets()) {
        if (target.has_labels())
            file.insert(task, target.labels());
        else
            file.insert(task, target.values());
        if (target.mask())
            file.insert("known." + task, *target.mask());
    }
    espalier::io::save_safetensors(path, file);
}

/// Writes what a training with these options sees, `epoch_<k>.safetensors` in the order of its steps, and `test.safetensors`.
inline void export_scenes(const std::filesystem::path& folder, const espalier::data::Dataset<>& garments,
                          const espalier::data::Dataset<>& test, const Options& options) {
    std::filesystem::create_directories(folder);
    auto loader = make_loader(garments, options);
    for (int epoch = 1; epoch <= options.epochs; ++epoch) {
        std::vector<espalier::data::Dataset<>> batches;
        for (const auto& batch : loader)
            batches.emplace_back(batch.input, batch.targets);
        write_scenes(folder / espalier::concat("epoch_", epoch, ".safetensors"), espalier::data::combine_samples(batches));
    }
    write_scenes(folder / "test.safetensors", test);
}

/// Takes weights that this program wrote, or `torch.save`d as safetensors with the same names.
inline void load_weights(mtl::MultiTaskNet<>& net, const std::filesystem::path& path) {
    const auto& notes = espalier::io::load_safetensors(path).metadata();
    const auto layout = notes.find("layout");
    if (layout != notes.end() && layout->second == "NHWC")
        espalier::io::load(net, path);
    else
        espalier::io::load_pytorch(net, path, {side, side, 3});
}

/// All figures of a run.
inline void write_json(const Options& options, const Named<double>& together, const Named<double>& alone, double seconds) {
    nlohmann::ordered_json json{{"trunk", options.trunk},
                                {"way", options.way},
                                {"rule", options.rule},
                                {"epochs", options.epochs},
                                {"scenes", options.scenes},
                                {"batch", options.batch},
                                {"learning_rate", options.learning_rate},
                                {"labels", options.labels},
                                {"seed", options.seed},
                                {"seconds", seconds},
                                {"build", espalier::build_info().text()}};
    for (const auto& [task, value] : together)
        json["together"][task] = value;
    for (const auto& [task, value] : alone)
        json["alone"][task] = value;
    espalier::io::write_file(options.json, json.dump(2) + "\n");
}

}  // namespace scenes
