// SPDX-License-Identifier: MIT
/// @file The parameters of a model in groups, by their paths.
#pragma once

#include <espalier/core/paths.hpp>
#include <espalier/optim/parameter_group.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace espalier::inline ESPALIER_ABI::optim {

/// A part of a model, and what is other for it than the options of the optimizer say.
struct PathGroup {
    std::string path;  ///< names what lies below it too; `*` stands for any one of its components
    std::optional<double> learning_rate = {};
    std::optional<double> weight_decay = {};
};

/// Of `parameter_groups`. Designated initialisers stand in this order.
struct ParameterGroupsOptions {
    std::vector<PathGroup> by_path = {};  ///< where more than one names a parameter, the last of them has it
    bool decay_vectors = true;            ///< false: no weight decay for parameters of one axis, as biases and normalisation have
};

/// All parameters of a model, for an optimizer: group 0 has what no path names, group k + 1 what `by_path[k]` names. Without decay of
/// vectors as many groups again follow with these, of the same learning rates. A group may have no parameter. One that several paths
/// lead to goes by the first of them, as in `named_parameters()`.
/// @code
/// optim::AdamW adamw{optim::parameter_groups(net, {.decay_vectors = false}), {.weight_decay = 1e-2}};
/// optim::SGD sgd{optim::parameter_groups(net, {.by_path = {{.path = "trunk", .learning_rate = 1e-4},
///                                                          {.path = "trunk.0", .learning_rate = 0}}})};
/// @endcode
/// @throws StateError that lists what there is, for a path that leads to no parameter
template <class Model>
[[nodiscard]] std::vector<ParameterGroup<typename Model::value_type>> parameter_groups(const Model& model,
                                                                                       const ParameterGroupsOptions& options) {
    const auto parameters = model.named_parameters();
    std::vector<std::string_view> paths;
    for (const auto& [path, parameter] : parameters)
        paths.push_back(path);
    const std::vector<PathGroup>& named = options.by_path;
    for (const PathGroup& part : named)
        espalier::detail::require_path("parameter_groups", paths, part.path);

    const std::size_t count = named.size() + 1;
    std::vector<ParameterGroup<typename Model::value_type>> groups(options.decay_vectors ? count : 2 * count);
    for (std::size_t i = 0; i < groups.size(); ++i)
        if (const std::size_t k = i % count; k > 0) {
            groups[i].learning_rate = named[k - 1].learning_rate;
            groups[i].weight_decay = named[k - 1].weight_decay;
        }
    for (std::size_t i = count; i < groups.size(); ++i)
        groups[i].weight_decay = 0;
    for (const auto& [path, parameter] : parameters) {
        std::size_t group = named.size();
        while (group > 0 && !espalier::detail::lies_at(path, named[group - 1].path))
            --group;
        const bool decays = options.decay_vectors || parameter.rank() > 1;
        groups[decays ? group : group + count].parameters.push_back(parameter);
    }
    return groups;
}

}  // namespace espalier::inline ESPALIER_ABI::optim
