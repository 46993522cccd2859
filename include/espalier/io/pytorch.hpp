// SPDX-License-Identifier: MIT
/// @file Weights from PyTorch and back: `state_dict`s in safetensors files, turned over between channels-first and -last.
#pragma once

#include <espalier/io/model.hpp>
#include <espalier/io/pytorch_layout.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io {

/// Which part of a file goes into a model, under which names, and whether all must fit.
struct LoadPyTorchOptions {
    bool strict = true;                                   ///< false: load what fits, and say what does not in the report
    std::string prefix = {};                              ///< load what lies below it in the file
    std::function<std::string(std::string)> rename = {};  ///< from a name in the file, without the prefix, to a path; "" ignores it
    bool flattened = false;              ///< the input is a row, an image of the sample shape that was flattened before
    std::set<std::string> elementwise = {};  ///< operations of one's own that treat each element alone
};

/// Under which names a file holds the weights.
struct SavePyTorchOptions {
    TensorFile::Metadata metadata = {};                   ///< text to keep beside the weights
    std::function<std::string(std::string)> rename = {};  ///< from a path to a name in the file; "" leaves it out
    bool flattened = false;                               ///< as for loading
    std::set<std::string> elementwise = {};               ///< as for loading
};

namespace detail {

inline constexpr std::string_view batch_counter = "num_batches_tracked";

/// The last component of a dotted path, and what comes before it with its dot.
[[nodiscard]] inline std::string_view last_of(std::string_view path) { return path.substr(path.rfind('.') + 1); }
[[nodiscard]] inline std::string_view before_last_of(std::string_view path) { return path.substr(0, path.rfind('.') + 1); }

/// PyTorch's batch normalisation counts batches; nothing here does, unless a model has such a tensor of its own.
[[nodiscard]] inline bool is_counter(std::string_view path) { return last_of(path) == batch_counter; }

/// A model's tensors in its order, with what has to be turned over in each.
template <class Scalar>
struct ModelForPyTorch {
    std::vector<std::string> paths;
    std::vector<nn::Parameter<Scalar>*> parameters;  ///< null for a buffer
    std::vector<Tensor<Scalar>*> tensors;
    std::vector<SeenOrder> orders;
};

/// Statistics have the order of the normalisation's weight beside them; other buffers no operation tells about, so they must
/// not look like anything that is turned over.
template <class Scalar>
void order_buffers(ModelForPyTorch<Scalar>& model, const std::vector<std::size_t>& norms, const std::set<Index>& moved_sizes) {
    std::unordered_multimap<std::string_view, std::size_t> beside;
    for (const std::size_t weight : std::set<std::size_t>(norms.begin(), norms.end()))
        beside.emplace(before_last_of(model.paths[weight]), weight);
    for (std::size_t i = 0; i < model.paths.size(); ++i) {
        if (model.parameters[i])
            continue;
        const Shape& shape = model.tensors[i]->shape();
        SeenOrder& seen = model.orders[i];
        const auto [first, last] = beside.equal_range(before_last_of(model.paths[i]));
        for (auto weight = first; weight != last; ++weight) {
            if (model.tensors[weight->second]->shape() != shape)
                continue;
            const SeenOrder& other = model.orders[weight->second];
            if (seen.order && other.order && !(*seen.order == *other.order))
                seen = {{}, "beside two normalisations of different orders"};
            else if (seen.reason.empty())
                seen = other;
        }
        if (seen.order || !seen.reason.empty())
            continue;
        const bool like_moved = std::any_of(shape.begin(), shape.end(), [&](Index extent) { return moved_sizes.contains(extent); });
        if (shape.rank() > 2 || like_moved)
            seen.reason = "a buffer that no operation tells the order of";
        else
            seen.order = TensorOrder{};
    }
}

/// Runs the model once by `run(parameters)`, in evaluation mode; rows that are its input have the order `input`, if it is not the same
/// there. @throws as the model, and as `steps_to`; StateError for weights that are computed from others where an order would have to be
/// turned over
template <class Scalar, class Model, class Run>
[[nodiscard]] ModelForPyTorch<Scalar> followed(Model& model, const std::optional<Order>& input, const std::set<std::string>& elementwise,
                                               const char* operation, const Run& run) {
    ModelForPyTorch<Scalar> result;
    std::unordered_map<const void*, std::size_t> first;  // two paths may lead to one parameter
    for (const auto& [path, entry] : nn::detail::tensors_of<Scalar>(model)) {
        result.paths.push_back(path);
        result.parameters.push_back(entry.parameter);
        result.tensors.push_back(entry.tensor);
        first.emplace(entry.tensor, first.size());
    }
    const auto steps = run(result.parameters);
    LayoutWalk walk{steps, input, elementwise};
    const std::string problem = walk.problem();
    require<StateError>(problem.empty(), operation, "expected operations whose weights can be turned over, got: ", problem);
    result.orders = walk.orders(result.paths.size());
    for (std::size_t i = 0; i < result.paths.size(); ++i)
        if (result.parameters[i]) {
            result.orders[i] = result.orders[first.at(result.tensors[i])];
            if (!result.orders[i].order && result.orders[i].reason.empty())
                result.orders[i].reason = "not reached by the run on a sample";
        }
    order_buffers(result, walk.norms(), walk.moved_sizes());
    return result;
}

/// By a run on zeros. @throws ShapeError for an empty sample
template <class Scalar, class Model>
[[nodiscard]] ModelForPyTorch<Scalar> for_pytorch(Model& model, const Shape& sample, bool flattened,
                                                  const std::set<std::string>& elementwise, const char* operation) {
    require<ShapeError>(sample.rank() > 0 && sample.numel() > 0, operation, "expected the shape of one sample, such as (32, 32, 3), got ",
                        sample);
    require<ShapeError>(!flattened || sample.rank() == 3, operation, "expected the shape (H, W, C) of the image that was flattened, got ",
                        sample);
    std::optional<Order> input;
    if (flattened)
        input = Order::image(sample[0] * sample[1], sample[2]);
    return followed<Scalar>(model, input, elementwise, operation, [&](const auto& parameters) {
        return recorded_run<Scalar>(model, parameters, flattened ? Shape{sample.numel()} : sample);
    });
}

/// By a run on a sample of inputs by name. @throws ShapeError for none; StateError for `flattened`
template <class Scalar, class Model>
[[nodiscard]] ModelForPyTorch<Scalar> for_pytorch(Model& model, const data::Inputs<Scalar>& samples, bool flattened,
                                                  const std::set<std::string>& elementwise, const char* operation) {
    require<ShapeError>(data::size_of(samples) > 0, operation, "expected at least one sample of ", samples.names(), ", got none");
    require<StateError>(!flattened, operation, "expected one tensor where the input was flattened, got inputs by name");
    return followed<Scalar>(model, {}, elementwise, operation,
                            [&](const auto& parameters) { return recorded_run<Scalar>(model, parameters, samples); });
}

/// What the file should have for each tensor of the model.
template <class Scalar>
[[nodiscard]] std::vector<WantedTensor> wanted_from_pytorch(const ModelForPyTorch<Scalar>& model) {
    std::vector<WantedTensor> wanted;
    for (std::size_t i = 0; i < model.paths.size(); ++i) {
        const Shape& shape = model.tensors[i]->shape();
        const auto& order = model.orders[i].order;
        wanted.push_back({model.paths[i], order ? shape_in_pytorch(*order, shape) : shape, model.tensors[i], model.orders[i].reason});
    }
    return wanted;
}

/// `Sample` is the shape of one, or inputs by name.
template <class Model, class Sample>
LoadReport load_from_pytorch(Model& model, const std::filesystem::path& path, const Sample& sample, const LoadPyTorchOptions& options) {
    using Scalar = typename Model::value_type;
    const std::string where = concat(" in ", path);
    const TensorFile file = load_safetensors(path);
    const auto layout = file.metadata().find("layout");
    require<IoError>(layout == file.metadata().end() || layout->second == "NCHW", "load_pytorch", "expected a file of PyTorch", where,
                     ", got layout ", layout == file.metadata().end() ? "" : printable(layout->second),
                     ": what io::save wrote is read by io::load");
    const auto own = for_pytorch<Scalar>(model, sample, options.flattened, options.elementwise, "load_pytorch");
    const auto wanted = wanted_from_pytorch(own);
    LoadReport report;
    report.metadata = file.metadata();
    auto offered = below(file, options.prefix, "load_pytorch", where);
    const bool has_counters = std::any_of(own.paths.begin(), own.paths.end(), is_counter);
    std::erase_if(offered, [&](const OfferedTensor& tensor) {
        const bool ignored = is_counter(tensor.path) && !has_counters;
        if (ignored)
            report.ignored.push_back(tensor.name);
        return ignored;
    });
    rename_all(offered, options.rename, report);
    const auto found = match<Scalar>(wanted, offered, options.strict, "load_pytorch", where, report);
    overwrite(
        found, [&](std::size_t i) -> Tensor<Scalar>& { return own.parameters[i] ? own.parameters[i]->mutable_value() : *own.tensors[i]; },
        [&](std::size_t i, const StoredTensor& stored) {
            return from_pytorch(stored.template to<Scalar>(own.paths[i]), *own.orders[i].order);
        });
    return report;
}

template <class Model, class Sample>
void save_for_pytorch(const Model& model, const std::filesystem::path& path, const Sample& sample, SavePyTorchOptions&& options) {
    using Scalar = typename Model::value_type;
    // A run in evaluation mode changes nothing, hence the cast.
    const auto own = for_pytorch<Scalar>(const_cast<Model&>(model), sample, options.flattened, options.elementwise, "save_pytorch");
    ShortList unseen{""};
    for (std::size_t i = 0; i < own.paths.size(); ++i)
        if (!own.orders[i].order)
            unseen.add(concat(printable(own.paths[i]), ": ", own.orders[i].reason));
    require<StateError>(unseen.text().empty(), "save_pytorch",
                        "expected tensors whose order in PyTorch can be seen, got others: ", unseen.text());
    TensorFile file;
    file.metadata() = notes(std::move(options.metadata), "save_pytorch", "NCHW");
    file.metadata().try_emplace("format", "pt");
    const bool has_counters = std::any_of(own.paths.begin(), own.paths.end(), is_counter);
    for (std::size_t i = 0; i < own.paths.size(); ++i) {
        const std::string name = options.rename ? options.rename(own.paths[i]) : own.paths[i];
        if (name.empty())
            continue;
        file.insert(name, to_pytorch(*own.tensors[i], *own.orders[i].order));
        if (!has_counters && !own.parameters[i] && last_of(own.paths[i]) == "running_mean")
            file.insert(concat(before_last_of(name), batch_counter), Tensor<std::int64_t>::scalar(0));
    }
    save_safetensors(path, file);
}

}  // namespace detail

/// Overwrites parameters and buffers with those of a `state_dict` that PyTorch wrote (`safetensors.torch.save_file`).
///
/// `sample_shape` is the shape of one input here, without the batch: (32, 32, 3) for images. The model runs once on zeros, in
/// evaluation mode, and the tape tells what has to be turned over: weights of convolutions, columns of a linear layer behind
/// a flatten, rows of one before an image, normalisations in between. Where that cannot be seen, the tensor is refused.
/// Types are F16, BF16, F32 and F64; `num_batches_tracked` is ignored. A part of a net is loaded from its part of the file
/// with `prefix`; if it begins behind a flatten, `flattened` must say so.
/// @throws what the model throws for such a sample; IoError for a file that is not whole, or that `save` wrote; StateError
/// that lists, with PyTorch's shapes, what is missing, unexpected, or does not fit. The model is then unchanged.
template <class Model>
LoadReport load_pytorch(Model& model, const std::filesystem::path& path, const Shape& sample_shape,
                        const LoadPyTorchOptions& options = {}) {
    return detail::load_from_pytorch(model, path, sample_shape, options);
}
/// The same of a net of inputs by name, such as one with an encoder. It runs on the first of the given samples, as `batch.inputs`.
template <class Model>
LoadReport load_pytorch(Model& model, const std::filesystem::path& path, const data::Inputs<typename Model::value_type>& samples,
                        const LoadPyTorchOptions& options = {}) {
    return detail::load_from_pytorch(model, path, samples, options);
}

/// Writes all parameters and buffers as PyTorch has them, so that there `model.load_state_dict(safetensors.torch.load_file(path))`
/// takes them; each batch normalisation gets the `num_batches_tracked` that this asks for. `sample_shape` as in `load_pytorch`.
/// @throws what the model throws for such a sample; StateError that lists the tensors whose order cannot be seen, or if two
/// are renamed alike; ValueError, IoError as `save`
template <class Model>
void save_pytorch(const Model& model, const std::filesystem::path& path, const Shape& sample_shape, SavePyTorchOptions options = {}) {
    detail::save_for_pytorch(model, path, sample_shape, std::move(options));
}
/// The same of a net of inputs by name, as for loading.
template <class Model>
void save_pytorch(const Model& model, const std::filesystem::path& path, const data::Inputs<typename Model::value_type>& samples,
                  SavePyTorchOptions options = {}) {
    detail::save_for_pytorch(model, path, samples, std::move(options));
}

}  // namespace espalier::inline ESPALIER_ABI::io
