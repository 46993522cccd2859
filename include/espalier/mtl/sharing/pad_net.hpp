// SPDX-License-Identifier: MIT
/// @file Tasks that are predicted twice: what was found for the first predictions is handed on for the second ones.
#pragma once

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/arithmetic.hpp>
#include <espalier/mtl/sharing.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// What refines the features of one task.
template <class Scalar = float>
struct Refinement {
    nn::Layer<Scalar> gate;                         ///< reads the task's own features: scores of the same shape
    nn::Children<nn::Layer<Scalar>> messages = {};  ///< of each other task in their order, reads that one's features

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("gate", gate);
        visitor("messages", messages);
    }
};

/// Xu, Ouyang, Wang and Sebe, "PAD-Net: multi-tasks guided prediction-and-distillation network for simultaneous depth estimation and
/// scene parsing" (CVPR 2018, arXiv:1805.04409), with its distillation module C, attention-guided.
///
/// A network for each task makes features F of the input, in the paper of what a trunk makes of it (`OnTrunk`). Those of the first tasks,
/// as many as there are refinements, become F_k + sigmoid(gate_k(F_k)) * sum over t != k of message_t(F_t); gates and messages are
/// convolutions in the paper. The features are the refined ones and behind them all F, and so are the heads: those for the result, then
/// those that predict all tasks a first time, each with a loss of its own. The paper makes the F of the first predictions, where other
/// programs make both of the same features as here; some of these gate by the features that a message is of.
/// Paths: `networks.<task>`, `refinements.<task>.gate` and `refinements.<task>.messages.<other>`.
template <class Scalar = float>
class PADNet : public nn::Module<PADNet<Scalar>, Scalar> {
public:
    /// @throws ValueError for no network, more refinements than networks, or one without a message of each other task
    PADNet(std::vector<nn::Layer<Scalar>> networks, std::vector<Refinement<Scalar>> refinements)
        : networks_{std::move(networks)}, refinements_{std::move(refinements)} {
        require<ValueError>(!networks_.empty() && refinements_.size() <= networks_.size(), "PADNet",
                            "expected a network for each task and at most as many refinements, got ", networks_.size(), " and ",
                            refinements_.size());
        for (std::size_t i = 0; i < refinements_.size(); ++i)
            require<ValueError>(refinements_[i].messages.size() + 1 == networks_.size(), "PADNet", "expected ", networks_.size() - 1,
                                " messages, one of each other task, got ", refinements_[i].messages.size(), " for task ", i);
    }

    /// @throws ShapeError for a gate or a message of another shape than the features it refines; and what a layer throws
    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) {
        const auto found = detail::apply_each(networks_, input, "network");
        Features<Scalar> result;
        for (std::size_t i = 0; i < refinements_.size(); ++i)
            result.push_back(nn::detail::naming_place([&] { return refined(i, found); },
                                                      [&](const ShapeError&) { return concat("task ", i); }));
        result.insert(result.end(), found.begin(), found.end());
        return result;
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("networks", networks_);
        visitor("refinements", refinements_);
    }

private:
    [[nodiscard]] Variable<Scalar> refined(std::size_t i, const Features<Scalar>& found) {
        auto& [gate, messages] = refinements_[i];
        if (messages.empty())
            return found[i];
        const auto scores = gate(found[i]);
        require<ShapeError>(scores.shape() == found[i].shape(), "PADNet", "expected a gate ", found[i].shape(), ", got ", scores.shape());
        Features<Scalar> others;
        for (std::size_t j = 0; j < messages.size(); ++j) {
            others.push_back(messages[j](found[j < i ? j : j + 1]));
            require<ShapeError>(others[j].shape() == found[i].shape(), "PADNet", "expected a message ", found[i].shape(), ", got ",
                                others[j].shape(), " at ", j);
        }
        const auto sum = autograd::weighted_sum<Scalar>(others, PoolVector<Scalar>(others.size(), Scalar(1)));
        return found[i] + autograd::sigmoid(scores) * sum;
    }

    nn::Children<nn::Layer<Scalar>> networks_;
    nn::Children<Refinement<Scalar>> refinements_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
