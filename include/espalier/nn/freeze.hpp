// SPDX-License-Identifier: MIT
/// @file Parts of a model that training leaves as they are.
#pragma once

#include <espalier/core/paths.hpp>
#include <espalier/nn/module.hpp>

#include <algorithm>
#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace espalier::inline ESPALIER_ABI::nn {
namespace detail {

/// Parameters and modes of a model. A mode has the path of its layer.
template <class Scalar>
class CollectTrained final : public Visitor<Scalar> {
public:
    struct Part {
        std::string path;
        Parameter<Scalar>* parameter;  ///< null for a mode
        Mode* mode;
    };
    std::vector<Part> parts;

private:
    void on_parameter(const std::string& path, Parameter<Scalar>& parameter) override { parts.push_back({path, &parameter, nullptr}); }
    void on_mode(Mode& mode) override { parts.push_back({std::string{this->place()}, nullptr, &mode}); }
};

/// Without paths all of it. @throws StateError for a path that leads nowhere; nothing has changed then
template <class Model>
void set_frozen(const char* operation, Model& model, std::initializer_list<std::string_view> paths, bool on) {
    using espalier::detail::lies_at;
    CollectTrained<typename Model::value_type> collect;
    model.visit(collect);
    std::vector<std::string_view> there;
    for (const auto& part : collect.parts)
        there.push_back(part.path);
    for (const std::string_view path : paths)
        espalier::detail::require_path(operation, there, path);
    for (const auto& part : collect.parts) {
        if (paths.size() > 0 && std::none_of(paths.begin(), paths.end(), [&](std::string_view path) { return lies_at(part.path, path); }))
            continue;
        if (part.parameter)
            part.parameter->set_requires_grad(!on);
        else
            part.mode->freeze(on);
    }
}

}  // namespace detail

/// Takes a layer out of training, or the parts of a model that paths name: none of their parameters gets a gradient, no graph is
/// recorded for what lies below them alone, and they compute what they compute in evaluation, whatever `train()` says; batch
/// normalisation keeps its statistics and dropout drops nothing. Gradients that there are, are forgotten. Optimizers pass them by, also
/// those made before.
///
/// A path names what lies below it too, and `*` stands for any one of its components.
/// @code
/// nn::freeze(net.trunk());                        // train the heads alone ...
/// nn::thaw(net);                                  // ... and then everything
/// nn::freeze(net, "trunk.0", "heads.*.0.weight");  // a stage of the trunk, and the first weight of each head
/// @endcode
/// @throws StateError that lists what there is, for a path without parameters and without layers that differ between training and
/// evaluation; nothing is frozen then
template <class Model, std::convertible_to<std::string_view>... Paths>
void freeze(Model& model, const Paths&... paths) {
    detail::set_frozen("freeze", model, {std::string_view{paths}...}, true);
}

/// Undoes `freeze`, or a part of it. A layer is then in the mode that `train()` or `eval()` has put it in last. @throws as `freeze`
template <class Model, std::convertible_to<std::string_view>... Paths>
void thaw(Model& model, const Paths&... paths) {
    detail::set_frozen("thaw", model, {std::string_view{paths}...}, false);
}

}  // namespace espalier::inline ESPALIER_ABI::nn
