// SPDX-License-Identifier: MIT
/// @file Pareto hypernetworks: a network that makes another one's parameters, for each preference others.
#pragma once

#include <espalier/autograd/matmul.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/mtl/pareto/preferences.hpp>
#include <espalier/mtl/sharing.hpp>
#include <espalier/nn/activation.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/nn/stand_ins.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Of a `Hypernetwork`.
struct HypernetworkOptions {
    Index hidden = 100;  ///< units of each layer
};

/// Navon, Shamsian, Fetaya and Chechik, "Learning the Pareto front with hypernetworks" (ICLR 2021, arXiv:2010.04104).
///
/// Of a preference r of T tasks a network makes h = W3 relu(W2 relu(W1 r + b1) + b2) + b3, and a linear map of h each parameter of the
/// target: its value, as the map's bias, plus M_i h. The target is any net, such as a whole `MultiTaskNet`, or any layer or way of
/// sharing; its parameters are trained as these biases are. M_i (elements, hidden) begins as 0, so that at first every preference gets
/// the target as it was made or trained, however deep it is; the authors draw maps and biases as those of any linear layer.
///
/// What is made lies on the tape, so that losses, rules and optimizers know of nothing: `criterion.balance(FixedWeights{r})` makes it
/// PHN-LS, `EPO{{.preference = r}}` with `{.weigh_heads = true}` PHN-EPO. Rules see the gradients of what the tasks share, the hidden
/// layers and the maps of what is no head; the authors' search looks at maps of heads too. Statistics of batch normalisation are of all
/// preferences together, and a target's penalties see the biases alone. Paths: `hidden.<...>`, `maps.<i>` in the order of the target's
/// parameters, and `target.<...>`.
template <class Target>
class Hypernetwork : public nn::Module<Hypernetwork<Target>, typename Target::value_type> {
public:
    using Scalar = typename Target::value_type;

    /// @throws ValueError for no task, no hidden unit, or a target without parameters
    Hypernetwork(Target target, Index tasks, HypernetworkOptions options = {}) : tasks_{tasks}, target_{std::move(target)} {
        require<ValueError>(tasks > 0 && options.hidden > 0, "Hypernetwork", "expected at least one task and one hidden unit, got ", tasks,
                            " and ", options.hidden);
        const Index units = options.hidden;
        hidden_ = {nn::Linear<Scalar>{tasks, units}, nn::ReLU{}, nn::Linear<Scalar>{units, units}, nn::ReLU{},
                   nn::Linear<Scalar>{units, units}};
        for (const Variable<Scalar>& parameter : target_.parameters())
            maps_.push_back(nn::Parameter<Scalar>{Tensor<Scalar>{Shape{parameter.numel(), units}}});
        require<ValueError>(!maps_.empty(), "Hypernetwork", "expected a target with parameters, got one without");
    }

    /// What the target gives for an input with the parameters that this preference leads to. @throws ShapeError for a preference of
    /// another number of tasks; ValueError unless its numbers are finite, none below 0 and one above; what the target throws
    template <class Input>
    [[nodiscard]] auto operator()(const Input& input, std::span<const double> preference) {
        const nn::detail::ForwardScope call;
        const nn::detail::StandIns<Scalar> made{make(preference)};
        return target_(input);
    }

    /// What `predict` of the target gives likewise, without a graph; several threads may predict with one hypernetwork. @throws as above
    template <class Inputs>
    [[nodiscard]] auto predict(const Inputs& inputs, std::span<const double> preference, Index batch_size = 256) const {
        const NoGrad no_graph;
        const nn::detail::StandIns<Scalar> made{const_cast<Hypernetwork&>(*this).make(preference)};  // its layers keep no state
        return target_.predict(inputs, batch_size);
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("hidden", hidden_);
        visitor("maps", maps_);
        visitor("target", target_);
    }

    [[nodiscard]] Target& target() & noexcept { return target_; }
    [[nodiscard]] const Target& target() const& noexcept { return target_; }
    [[nodiscard]] Target target() && { return std::move(target_); }

private:
    [[nodiscard]] PoolVector<nn::detail::StandIn<Scalar>> make(std::span<const double> preference) {
        require<ShapeError>(static_cast<Index>(preference.size()) == tasks_, "Hypernetwork", "expected a preference of ", tasks_,
                            " tasks, got ", preference.size(), " numbers");
        detail::require_preference("Hypernetwork", preference);
        auto ray = Tensor<Scalar>::empty({1, tasks_});
        std::transform(preference.begin(), preference.end(), ray.begin(), [](double number) { return static_cast<Scalar>(number); });
        const Variable<Scalar> h = hidden_(std::move(ray));
        detail::CollectHandles<Scalar> biases{false};
        target_.visit(biases);
        PoolVector<nn::detail::StandIn<Scalar>> result;
        for (const Variable<Scalar>& bias : biases.handles) {
            const auto is_same = [&](const auto& other) { return other.parameter == bias.node().get(); };
            if (std::any_of(result.begin(), result.end(), is_same))  // several layers share it
                continue;
            const auto flat = autograd::linear<Scalar>(h, maps_[result.size()], autograd::reshape(bias, {bias.numel()}));
            result.push_back({bias.node().get(), autograd::reshape(flat, bias.shape())});
        }
        return result;
    }

    Index tasks_;
    nn::Sequential<Scalar> hidden_;
    nn::Children<nn::Parameter<Scalar>> maps_;
    Target target_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
