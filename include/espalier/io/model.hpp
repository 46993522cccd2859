// SPDX-License-Identifier: MIT
/// @file Weights of a model in a safetensors file, under the dotted paths of its parameters and buffers.
#pragma once

#include <espalier/core/version.hpp>
#include <espalier/io/safetensors.hpp>
#include <espalier/io/state_match.hpp>
#include <espalier/nn/module.hpp>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io {

/// What a file holds beside the weights.
struct SaveOptions {
    TensorFile::Metadata metadata = {};  ///< text to keep beside the weights, such as the names of classes
};

/// Which part of a file goes into a model, and whether all must fit.
struct LoadOptions {
    bool strict = true;       ///< false: load what fits, and say what does not in the report
    std::string prefix = {};  ///< load what lies below it in the file: "trunk." for `net.trunk()` from a file of the whole net
    std::function<std::string(std::string)> rename = {};  ///< from a name in the file, without the prefix, to a path; "" leaves it out
    bool unmarked = false;    ///< take a file that does not say that it has this library's layout
};

namespace detail {

/// The notes of a file that this library writes, beside the user's. @throws ValueError for a 'layout' of the user's own
[[nodiscard]] inline TensorFile::Metadata notes(TensorFile::Metadata metadata, const char* operation, const char* layout) {
    metadata.try_emplace("producer", "espalier " ESPALIER_VERSION);
    const std::string& kept = metadata.try_emplace("layout", layout).first->second;
    require<ValueError>(kept == layout, operation, "expected metadata without 'layout', which says ", layout, ", got '", printable(kept),
                        '\'');
    return metadata;
}

/// Images and convolutions lie in another order in PyTorch, often under the same shapes: a file must say whose they are.
inline void require_own_layout(const TensorFile& file, bool unmarked, const std::string& where) {
    const auto layout = file.metadata().find("layout");
    if (layout != file.metadata().end())
        require<IoError>(layout->second == "NHWC", "load", "expected layout NHWC", where, ", got ", printable(layout->second),
                         ": a file for PyTorch is read by io::load_pytorch");
    else
        require<IoError>(unmarked, "load", "expected a file of io::save, marked as layout NHWC,", where,
                         ", got no mark: a file of PyTorch is read by io::load_pytorch, and one that is known to have this library's "
                         "layout with {.unmarked = true}");
}

/// Overwrites each `target(i)` that a file gives with `convert(i, stored)`, all of them or, should memory run out on the way, none.
template <class Target, class Convert>
void overwrite(const std::vector<const StoredTensor*>& found, const Target& target, const Convert& convert) {
    std::vector<decltype(convert(0, *found[0]))> values(found.size());
    for (std::size_t i = 0; i < found.size(); ++i)
        if (found[i])
            values[i] = convert(i, *found[i]);
    for (std::size_t i = 0; i < found.size(); ++i)
        if (found[i])
            std::copy(values[i].begin(), values[i].end(), target(i).begin());
}

}  // namespace detail

/// Writes all parameters and buffers in one atomic step, in this library's layout: images (N, H, W, C), convolutions
/// (out, kernel_h, kernel_w, in). The file notes the library's version and the layout beside the metadata.
/// @throws ValueError for metadata that is not UTF-8 or has another `layout`; IoError
template <class Model>
void save(const Model& model, const std::filesystem::path& path, SaveOptions options = {}) {
    TensorFile file;
    file.metadata() = detail::notes(std::move(options.metadata), "save", "NHWC");
    for (const auto& [name, tensor] : model.state_dict())
        file.insert(name, tensor);
    save_safetensors(path, file);
}

/// Overwrites parameters and buffers with those of a file that `save` wrote; float files load into double models and the
/// reverse, half floats into both. Gives back the file's metadata, and what was loaded and what was not. With `strict`
/// everything must fit; without, for a warm start, at least something.
/// @throws IoError for a file that is not whole, or not of this library's layout; StateError that lists what is missing,
/// unexpected, or of another shape or type. The model is then unchanged.
template <class Model>
LoadReport load(Model& model, const std::filesystem::path& path, const LoadOptions& options = {}) {
    using Scalar = typename Model::value_type;
    const std::string where = concat(" in ", path);
    const TensorFile file = load_safetensors(path);
    detail::require_own_layout(file, options.unmarked, where);
    std::vector<detail::WantedTensor> wanted;
    std::vector<typename nn::detail::CollectTensors<Scalar>::Entry> own;
    for (const auto& [name, entry] : nn::detail::tensors_of<Scalar>(model)) {
        wanted.push_back({name, entry.tensor->shape(), entry.tensor, {}});
        own.push_back(entry);
    }
    LoadReport report;
    report.metadata = file.metadata();
    auto offered = detail::below(file, options.prefix, "load", where);
    detail::rename_all(offered, options.rename, report);
    const auto found = detail::match<Scalar>(wanted, offered, options.strict, "load", where, report);
    detail::overwrite(
        found, [&](std::size_t i) -> Tensor<Scalar>& { return own[i].mutable_tensor(); },
        [&](std::size_t i, const StoredTensor& stored) { return stored.template to<Scalar>(wanted[i].path); });
    return report;
}

}  // namespace espalier::inline ESPALIER_ABI::io
