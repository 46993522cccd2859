// SPDX-License-Identifier: MIT
/// @file A chain of tasks, each of which takes over from the one before: steps that follow each other, as click, cart and purchase.
#pragma once

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/mix.hpp>
#include <espalier/autograd/reduction.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/autograd/softmax.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/mtl/sharing.hpp>
#include <espalier/nn/linear.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {
namespace detail {

/// Attention over two vectors (N, width) of each sample: the softmax of <query, key> / sqrt(width) says how much of which value.
template <class Scalar>
class TransferAttention {
public:
    explicit TransferAttention(Index width)
        : query_{width, width, {.bias = false}}, key_{width, width, {.bias = false}}, value_{width, width, {.bias = false}} {}

    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& own, const Variable<Scalar>& handed_on) const {
        const auto score = [&](const Variable<Scalar>& x) {
            return autograd::sum(query_(x) * key_(x), -1, true) / static_cast<Scalar>(std::sqrt(static_cast<double>(x.size(-1))));
        };
        const Features<Scalar> values{value_(own), value_(handed_on)};
        return autograd::mix<Scalar>(values, autograd::softmax(autograd::cat({score(own), score(handed_on)}, -1)));
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("query", query_);
        visitor("key", key_);
        visitor("value", value_);
    }

private:
    nn::Linear<Scalar> query_, key_, value_;
};

}  // namespace detail

/// Xi, Chen, Yan, Zhang, Zhu, Zhuang and Chen, "Modeling the sequential dependence among audience multi-step conversions with multi-task
/// learning in targeted display advertising" (KDD 2021, arXiv:2105.08489).
///
/// The tasks are steps of which each needs the one before, in the order of the heads. All towers read the input; the first one's output
/// is the features z of its task. For any other task an info layer reads z of the task before, and its own z is what an attention of
/// that task makes of tower and info layer: the softmax over both of <query(u), key(u)> / sqrt(width) mixes value(u), three linear layers
/// without bias. `chain_penalty` is the paper's calibrator. Paths: `towers.<task>`, `infos.<task - 1>`, `attentions.<task - 1>`.
template <class Scalar = float>
class AITM : public nn::Module<AITM<Scalar>, Scalar> {
public:
    /// A tower for each head, an info layer for each but the first; all end with (N, width).
    /// @throws ValueError for no tower, another number of info layers, or a width below 1
    AITM(Index width, std::vector<nn::Layer<Scalar>> towers, std::vector<nn::Layer<Scalar>> infos)
        : width_{width}, towers_{std::move(towers)}, infos_{std::move(infos)} {
        require<ValueError>(width > 0, "AITM", "expected a width of at least 1, got ", width);
        require<ValueError>(!towers_.empty() && infos_.size() + 1 == towers_.size(), "AITM",
                            "expected a tower for each task and an info layer for each but the first, got ", towers_.size(), " and ",
                            infos_.size());
        for (std::size_t i = 0; i < infos_.size(); ++i)
            attentions_.push_back(detail::TransferAttention<Scalar>{width});
    }

    /// @throws ShapeError for a tower or an info layer that gives another width; and what a layer throws
    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) {
        Features<Scalar> result;
        for (std::size_t i = 0; i < towers_.size(); ++i) {
            auto own = run(towers_[i], input, "tower", i);
            result.push_back(i == 0 ? own : attentions_[i - 1](own, run(infos_[i - 1], result.back(), "info layer", i - 1)));
        }
        return result;
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("towers", towers_);
        visitor("infos", infos_);
        visitor("attentions", attentions_);
    }

private:
    [[nodiscard]] Variable<Scalar> run(nn::Layer<Scalar>& layer, const Variable<Scalar>& x, const char* kind, std::size_t i) const {
        auto y = nn::detail::naming_place([&] { return layer(x); }, [&](const ShapeError&) { return concat(kind, ' ', i); });
        require<ShapeError>(x.rank() > 0 && y.shape() == Shape{x.size(0), width_}, "AITM", "expected (N, ", width_, ") of ", kind, ' ', i,
                            ", got ", y.shape(), " for ", x.shape());
        return y;
    }

    Index width_;
    nn::Children<nn::Layer<Scalar>> towers_;
    nn::Children<nn::Layer<Scalar>> infos_;
    nn::Children<detail::TransferAttention<Scalar>> attentions_;
};

/// AITM's calibrator, a term for the loss: `factor` times the mean over all elements of max(p_t - p_{t-1}, 0), summed over the steps of
/// the chain but the first. The outputs it names are logits; p_t, the probability of step t and all before, should not be larger than
/// p_{t-1}. `criterion(outputs, targets).add(mtl::chain_penalty(outputs, {"click", "cart", "purchase"}, 0.5))`
/// @throws StateError for a name that has no output; ShapeError for outputs of different shapes; ValueError for a factor that is negative
/// or not finite
template <class Scalar>
[[nodiscard]] Variable<Scalar> chain_penalty(const Named<Variable<Scalar>>& outputs, const std::vector<std::string>& chain, double factor) {
    require<ValueError>(is_finite(factor) && factor >= 0, "chain_penalty", "expected a factor of at least 0, got ", factor);
    PoolVector<Variable<Scalar>> terms;
    for (std::size_t t = 1; t < chain.size(); ++t) {
        const auto &before = outputs.at(chain[t - 1]), &step = outputs.at(chain[t]);
        require<ShapeError>(step.shape() == before.shape(), "chain_penalty", "expected outputs of one shape, got ", before.shape(),
                            " for '", chain[t - 1], "' and ", step.shape(), " for '", chain[t], "'");
        if (step.numel() > 0)
            terms.push_back(autograd::mean(autograd::relu(autograd::sigmoid(step) - autograd::sigmoid(before))));
    }
    if (terms.empty())
        return Tensor<Scalar>::scalar(0);
    return autograd::weighted_sum<Scalar>(terms, PoolVector<Scalar>(terms.size(), static_cast<Scalar>(factor)));
}

}  // namespace espalier::inline ESPALIER_ABI::mtl
