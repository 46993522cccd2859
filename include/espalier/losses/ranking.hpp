// SPDX-License-Identifier: MIT
/// @file Losses of lists of which some elements are to stand above others: pairs of a positive and negatives, a softmax over sampled
/// negatives, and whole lists of relevances.
///
/// Outputs (N, ..., 1 + K) are the scores of one positive and K sampled negatives. The target is the place of the positive, labels (N,
/// ...): all 0 where it is the first. Metrics of ranked lists take the same.
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/losses/cross_entropy.hpp>
#include <espalier/losses/groups.hpp>
#include <espalier/losses/labels.hpp>
#include <espalier/losses/reduction.hpp>

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::losses {

/// Of each list the mean over its negatives of -log sigmoid(x_positive - x_negative): Bayesian personalised ranking (Rendle et al., UAI
/// 2009). Unreduced there is a loss for each list, (N, ...).
/// @throws ShapeError if scores (N, ..., 1 + K) and labels (N, ...) do not fit or there is no negative, StateError for a target of values,
/// ValueError for a label outside [0, K].
template <class Scalar>
[[nodiscard]] Variable<Scalar> bpr_loss(const Variable<Scalar>& scores, const std::type_identity_t<Target<Scalar>>& target,
                                        const LossOptions& options = {}) {
    const Shape& shape = scores.shape();
    require<ShapeError>(shape.rank() >= 2 && shape.back() > 1, "bpr_loss", "expected scores (N, ..., 1 + K) of at least one negative, got ",
                        shape);
    const detail::ElementWeights<Scalar> weights{target, options.reduction};
    const Tensor<Index> labels = detail::checked_labels("bpr_loss", shape, target, weights, -1);
    const Index each = shape.back();
    return detail::rowwise(
        "bpr_loss", scores, options.reduction, [&](Index r) { return labels[r] < 0 ? Scalar(0) : weights[r]; },
        [&](const Scalar* x, Index r, Scalar* slope) {
            const Index positive = labels[r];
            const auto share = 1 / static_cast<Scalar>(each - 1);
            Scalar loss = 0, back = 0;
            for (Index i = 0; i < each; ++i) {
                if (i == positive)
                    continue;
                const Scalar d = x[i] - x[positive];
                const Scalar e = std::exp(-std::abs(d));
                loss += std::max(d, Scalar(0)) + std::log1p(e);
                const Scalar of_negative = share * (d >= 0 ? Scalar(1) : e) / (1 + e);
                back -= of_negative;
                if (slope)
                    slope[i] = of_negative;
            }
            if (slope)
                slope[positive] = back;
            return share * loss;
        });
}
/// The same of scores that are no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> bpr_loss(const Tensor<Scalar>& scores, const std::type_identity_t<Target<Scalar>>& target,
                                        const LossOptions& options = {}) {
    return bpr_loss(Variable<Scalar>{scores}, target, options);
}

/// The cross-entropy of a softmax over the positive and its sampled negatives, each score less the logarithm of how often it is expected to
/// be drawn: `log_q`, of the scores' shape. With it a net learns what the softmax over all would teach it (Bengio and Senécal, "Adaptive
/// importance sampling to accelerate training of a neural probabilistic language model", IEEE Transactions on Neural Networks 19, 2008).
/// Where all are drawn equally often, the correction is nothing, and `cross_entropy` does.
/// @throws ShapeError for a log_q of another shape, ValueError for one that counts and is not finite, and as cross_entropy
template <class Scalar>
[[nodiscard]] Variable<Scalar> sampled_softmax_loss(const Variable<Scalar>& scores, const std::type_identity_t<Target<Scalar>>& target,
                                                    const std::type_identity_t<Tensor<Scalar>>& log_q, const LossOptions& options = {}) {
    require<ShapeError>(log_q.shape() == scores.shape() && scores.rank() >= 2 && scores.size(-1) > 0, "sampled_softmax_loss",
                        "expected a log_q for each of the scores (N, ..., 1 + K), got ", log_q.shape(), " for ", scores.shape());
    (void)labels_for("sampled_softmax_loss", "scores", scores.shape(), target);
    Tensor<Scalar> less = log_q;
    for (Index i = 0; i < less.numel(); ++i)
        if (!target.counts(i / scores.size(-1)))
            less[i] = 0;
        else
            require<ValueError>(is_finite(less[i]), "sampled_softmax_loss", "expected finite log_q, got ", less[i], " at sample ",
                                i / scores.size(-1) / target.sample_numel());
    return cross_entropy(scores - Variable<Scalar>{std::move(less)}, target, CrossEntropyOptions<Scalar>{.reduction = options.reduction});
}

/// The cross-entropy of two softmaxes over each list (N, ..., L), that of its relevances and that of its scores: ListNet with the top-one
/// probabilities (Cao et al., "Learning to rank: from pairwise approach to listwise approach", ICML 2007). Elements that do not count are
/// in no list. Unreduced there is a loss for each list, (N, ...).
/// @throws ShapeError for another shape of values, StateError for a target of class indices.
template <class Scalar>
[[nodiscard]] Variable<Scalar> list_net_loss(const Variable<Scalar>& scores, const std::type_identity_t<Target<Scalar>>& target,
                                             const LossOptions& options = {}) {
    const Shape& shape = scores.shape();
    require<ShapeError>(shape.rank() >= 2 && shape.back() > 0, "list_net_loss", "expected scores (N, ..., L), got ", shape);
    const Scalar* const values = values_like("list_net_loss", shape, target, "relevances").data();
    const detail::ElementWeights<Scalar> weights{target, options.reduction};
    const Index each = shape.back();
    return detail::rowwise(
        "list_net_loss", scores, options.reduction,
        [&](Index r) {
            Scalar weight = 0;
            for (Index i = r * each; i < (r + 1) * each; ++i)
                weight = std::max(weight, weights[i]);
            return weight;
        },
        [&](const Scalar* x, Index r, Scalar* slope) {
            const Scalar* const y = values + r * each;
            const auto counts = [&](Index i) { return weights.counts(r * each + i); };
            const auto softmax_of = [&](const Scalar* v) {  // the highest, and the sum of the exponentials less it
                Scalar top = 0, sum = 0;
                bool any = false;
                for (Index i = 0; i < each; ++i)
                    if (counts(i)) {
                        top = any ? std::max(top, v[i]) : v[i];
                        any = true;
                    }
                for (Index i = 0; i < each; ++i)
                    sum += counts(i) ? std::exp(v[i] - top) : Scalar(0);
                return std::pair{top, sum};
            };
            const auto [top_x, sum_x] = softmax_of(x);
            const auto [top_y, sum_y] = softmax_of(y);
            Scalar loss = 0;
            for (Index i = 0; i < each; ++i) {
                const Scalar q = counts(i) ? std::exp(y[i] - top_y) / sum_y : Scalar(0);
                if (counts(i))
                    loss += q * (std::log(sum_x) - (x[i] - top_x));
                if (slope)
                    slope[i] = counts(i) ? std::exp(x[i] - top_x) / sum_x - q : Scalar(0);
            }
            return loss;
        });
}
/// The same of scores that are no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> list_net_loss(const Tensor<Scalar>& scores, const std::type_identity_t<Target<Scalar>>& target,
                                             const LossOptions& options = {}) {
    return list_net_loss(Variable<Scalar>{scores}, target, options);
}

/// `bpr_loss` with its options, as a value.
template <class Scalar = float>
class BPR {
public:
    explicit BPR(const LossOptions& options = {}) : options_{options} {}
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& scores, const Target<Scalar>& target) const {
        return bpr_loss(scores, target, options_);
    }
    [[nodiscard]] const LossOptions& options() const& noexcept { return options_; }
    [[nodiscard]] LossOptions options() && noexcept { return options_; }

private:
    LossOptions options_;
};

/// `list_net_loss` with its options, as a value.
template <class Scalar = float>
class ListNet {
public:
    explicit ListNet(const LossOptions& options = {}) : options_{options} {}
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& scores, const Target<Scalar>& target) const {
        return list_net_loss(scores, target, options_);
    }
    [[nodiscard]] const LossOptions& options() const& noexcept { return options_; }
    [[nodiscard]] LossOptions options() && noexcept { return options_; }

private:
    LossOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::losses
