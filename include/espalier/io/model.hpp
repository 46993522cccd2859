// SPDX-License-Identifier: MIT
/// @file Weights of a model in a safetensors file, under the dotted paths of its parameters and buffers.
#pragma once

#include <espalier/core/version.hpp>
#include <espalier/io/safetensors.hpp>
#include <espalier/nn/module.hpp>

#include <filesystem>
#include <utility>

namespace espalier::inline ESPALIER_ABI::io {

/// Writes all parameters and buffers in one atomic step, in this library's layout: images (N, H, W, C), convolutions
/// (out, kernel_h, kernel_w, in). `metadata` goes into the file beside the library's version. @throws IoError
template <class Model>
void save(const Model& model, const std::filesystem::path& path, TensorFile::Metadata metadata = {}) {
    TensorFile file;
    metadata.try_emplace("producer", "espalier " ESPALIER_VERSION);
    metadata.try_emplace("layout", "NHWC");
    file.metadata() = std::move(metadata);
    for (const auto& [name, tensor] : model.state())
        file.insert(name, tensor);
    save_safetensors(path, file);
}

/// Overwrites all parameters and buffers with those of a file; float files load into double models and the reverse.
/// @throws IoError for a file that is not whole; StateError that lists every tensor that is missing, unexpected or of
/// another shape. The model is then unchanged.
template <class Model>
void load(Model& model, const std::filesystem::path& path) {
    using Scalar = typename Model::value_type;
    const TensorFile file = load_safetensors(path);
    Named<Tensor<Scalar>> state;
    for (const auto& [name, stored] : file)
        state.insert(name, file.template get<Scalar>(name));
    model.load_state(state);
}

}  // namespace espalier::inline ESPALIER_ABI::io
