// SPDX-License-Identifier: MIT
/// @file Mixtures of experts: networks that all tasks share, of which each task takes what its gate says.
#pragma once

#include <espalier/autograd/mix.hpp>
#include <espalier/autograd/softmax.hpp>
#include <espalier/mtl/sharing.hpp>
#include <espalier/mtl/sharing/experts.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {
namespace detail {

/// The experts' outputs, (N, ...) each, in the shares that a gate gives to each sample: the softmax of its scores (N, experts).
template <class Scalar>
[[nodiscard]] Variable<Scalar> gated(const char* operation, nn::Layer<Scalar>& gate, std::size_t index, const Variable<Scalar>& input,
                                     const Features<Scalar>& experts) {
    const auto place = [index](const ShapeError&) { return concat("gate ", index); };
    const auto scores = nn::detail::naming_place([&] { return gate(input); }, place);
    const auto count = static_cast<Index>(experts.size());
    require<ShapeError>(scores.rank() == 2 && input.rank() > 0 && scores.shape() == Shape{input.size(0), count}, operation, "expected ",
                        count, " scores, one for each expert, from gate ", index, ", got ", scores.shape(), " for input ", input.shape());
    return nn::detail::naming_place([&] { return autograd::mix<Scalar>(experts, autograd::softmax(scores)); }, place);
}

}  // namespace detail

/// Ma, Zhao, Yi, Chen, Hong and Chi, "Modeling task relationships in multi-task learning with multi-gate mixture-of-experts" (KDD 2018).
///
/// All experts read the input, and the features of a task are the sum of what they found, each sample's in the shares softmax(gate(x)).
/// A gate is any layer that makes scores (N, experts) of the input, in the paper a linear one without bias of a flat input; a score of
/// -infinity leaves an expert out, as `DSelectK` and `NoisyTopK` do. With one gate for all heads it is the paper's OMoE. Rules that act on
/// features look at what the experts found.
template <class Scalar = float>
class MMoE : public nn::Module<MMoE<Scalar>, Scalar> {
public:
    /// One gate for each head, or one for all. @throws ValueError for no expert or no gate
    MMoE(std::vector<nn::Layer<Scalar>> experts, std::vector<nn::Layer<Scalar>> gates)
        : experts_{std::move(experts)}, gates_{std::move(gates)} {
        require<ValueError>(!experts_.empty() && !gates_.empty(), "MMoE", "expected at least one expert and one gate, got ",
                            experts_.size(), " and ", gates_.size());
    }

    /// @throws ShapeError for experts whose outputs differ in shape, or a gate of another number of experts; and what a layer throws
    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) {
        const auto found = detail::apply_experts(experts_, input, "expert");
        for (const auto& expert : found)
            expert.node()->features = true;
        Features<Scalar> result;
        for (std::size_t i = 0; i < gates_.size(); ++i)
            result.push_back(detail::gated("MMoE", gates_[i], i, input, found));
        return result;
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("experts", experts_);
        visitor("gates", gates_);
    }

private:
    nn::Children<nn::Layer<Scalar>> experts_;
    nn::Children<nn::Layer<Scalar>> gates_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
