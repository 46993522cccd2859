// SPDX-License-Identifier: MIT
/// @file Whether a layer shows all parameters that it computes with, and whether two layers have some in common.
#pragma once

#include <espalier/nn/module.hpp>

#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

namespace espalier::inline ESPALIER_ABI::nn::detail {

template <class Scalar>
using Nodes = std::unordered_set<const autograd::detail::Node<Scalar>*>;

/// The parameters that a layer shows.
template <class Scalar>
struct CollectNodes final : Visitor<Scalar> {
    explicit CollectNodes(const Nodes<Scalar>& others = {}) : others_{others} {}
    Nodes<Scalar> nodes;
    std::string common;  ///< the first parameter that the others have as well

private:
    void on_parameter(const std::string& path, Parameter<Scalar>& parameter) override {
        const auto* const node = parameter.variable().node().get();
        nodes.insert(node);
        if (common.empty() && others_.contains(node))
            common = concat(path, ' ', parameter.shape());
    }

    Nodes<Scalar> others_;
};

/// What a layer does not show is not trained, not saved and not copied: members left out of a `visit`, and layers captured by
/// a lambda. `own` are the parameters that it shows; those that any other layer shows are in order as well. `input` is null for
/// one that has no graph.
/// @throws StateError if any further parameter lies between input and output.
template <class Scalar>
ESPALIER_COLD void require_shown(const autograd::detail::Node<Scalar>* input, const Variable<Scalar>& output, const Nodes<Scalar>& own) {
    Nodes<Scalar> seen{input};
    std::vector<std::shared_ptr<autograd::detail::Node<Scalar>>> next{output.node()};
    while (!next.empty()) {
        const auto node = std::move(next.back());
        next.pop_back();
        if (!node->requires_grad || own.contains(node.get()) || !seen.insert(node.get()).second)
            continue;
        require<StateError>(!node->parameter || node->shown, "layer",
                            "expected every parameter of a layer to be shown by its `visit`, got one of shape ", node->value.shape(),
                            " that is not, and would not be trained, saved or copied: a layer that a lambda captures needs a class of its "
                            "own");
        for (const auto& in : node->inputs)
            next.push_back(in.node);
    }
}

}  // namespace espalier::inline ESPALIER_ABI::nn::detail
