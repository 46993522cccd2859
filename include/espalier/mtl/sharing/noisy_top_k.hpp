// SPDX-License-Identifier: MIT
/// @file Noisy top-k gating: a gate that gives each sample exactly k experts, and keeps the experts' loads alike.
#pragma once

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/matmul.hpp>
#include <espalier/autograd/reduction.hpp>
#include <espalier/autograd/softmax.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/mtl/sharing.hpp>
#include <espalier/mtl/sharing/last_penalty.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Of a `NoisyTopK`.
struct NoisyTopKOptions {
    Index k = 2;              ///< so many experts have a share in a sample
    double importance = 0.1;  ///< factor of the penalty on shares that differ between experts
    double load = 0.1;        ///< the same of the expected numbers of samples; without noise there are none
    bool noise = true;        ///< in training, as in the paper; without it the first scores are random
};

/// Shazeer, Mirhoseini, Maziarz, Davis, Le, Hinton and Dean, "Outrageously large neural networks: the sparsely-gated
/// mixture-of-experts layer" (ICLR 2017, arXiv:1701.06538).
///
/// A gate for `MMoE` and `PLE`, of a flat input. Its scores (N, experts) are H(x) = x W^T + e softplus(x V^T) with e standard normal,
/// -inf for all but the k largest of a sample, the first ones among equals. W and V are `weight` and `noise` (experts, inputs), both 0
/// at first. The penalty, on the last call in training, is `importance` CV(sum over samples of softmax(H))^2 + `load` CV(sum over
/// samples of P)^2, CV the coefficient of variation over the experts, and P the chance that an expert is among the k largest when its
/// own noise is drawn once more. All experts run on all samples all the same: it chooses what is mixed, and saves no time.
template <class Scalar = float>
class NoisyTopK : public nn::Module<NoisyTopK<Scalar>, Scalar> {
public:
    /// @throws ValueError for no input, k that is not between 1 and the number of experts, or a factor that is negative
    NoisyTopK(Index inputs, Index experts, NoisyTopKOptions options = {}) : options_{options}, random_{new_random()} {
        require<ValueError>(inputs > 0 && options.k > 0 && options.k <= experts, "NoisyTopK",
                            "expected inputs and k of 1 to the number of experts, got ", inputs, " inputs, k = ", options.k, " and ",
                            experts, " experts");
        require<ValueError>(is_finite(options.importance) && options.importance >= 0 && is_finite(options.load) && options.load >= 0,
                            "NoisyTopK", "expected factors of at least 0, got ", options.importance, " and ", options.load);
        const auto bound = static_cast<Scalar>(1 / std::sqrt(static_cast<double>(inputs)));
        weight_ = nn::Parameter<Scalar>{options.noise ? Tensor<Scalar>{Shape{experts, inputs}}
                                                      : Tensor<Scalar>::uniform({experts, inputs}, random_, -bound, bound)};
        if (options.noise)
            noise_.push_back(nn::Parameter<Scalar>{Tensor<Scalar>{Shape{experts, inputs}}});
    }

    /// @throws ShapeError unless the input is (N, inputs)
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) {
        require<ShapeError>(x.rank() == 2 && x.size(1) == weight_.shape()[1], "NoisyTopK", "expected an input (N, ", weight_.shape()[1],
                            "), got ", x.shape());
        const auto clean = autograd::linear<Scalar>(x, weight_);
        if (!mode_.training())
            return largest(clean);
        if (!options_.noise) {
            auto scores = largest(clean);
            if (options_.importance > 0)
                penalty_.set(importance(scores));
            return scores;
        }
        nn::undo_on_error([this, before = random_] { random_ = before; });
        const auto spread = softplus(autograd::linear<Scalar>(x, noise_[0]));
        const auto noisy = clean + spread * Variable<Scalar>{Tensor<Scalar>::normal(clean.shape(), random_)};
        auto scores = largest(noisy);
        auto penalty = importance(scores);
        if (options_.k < clean.size(1))  // else all are always there
            penalty = penalty + load(clean, spread, noisy);
        penalty_.set(std::move(penalty));
        return scores;
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("weight", weight_);
        if (options_.noise)
            visitor("noise", noise_[0]);
        visitor.mode(mode_);
        penalty_.visit(visitor);
    }

private:
    /// Before how many others of its row a score comes, among equals the first one first.
    [[nodiscard]] static Index rank_of(const Scalar* row, Index experts, Index i) noexcept {
        Index before = 0;
        for (Index j = 0; j < experts; ++j)
            before += row[j] > row[i] || (row[j] == row[i] && j < i) ? 1 : 0;
        return before;
    }

    [[nodiscard]] Variable<Scalar> largest(const Variable<Scalar>& scores) const {
        constexpr Scalar none = -std::numeric_limits<Scalar>::infinity();
        const Index experts = scores.size(1);
        Tensor<Scalar> kept = scores.value();
        for (Index i = 0; i < kept.numel(); ++i)
            if (rank_of(scores.value().data() + i / experts * experts, experts, i % experts) >= options_.k)
                kept[i] = none;
        return autograd::record<Scalar>("largest", std::move(kept), {scores}, [](autograd::Gradients<Scalar>& g) {
            Tensor<Scalar> gradient = std::move(g.cotangent());
            const Index n = g.output().numel();
            for (Index i = 0; i < gradient.numel(); ++i)
                if (g.output()[i % n] == none)
                    gradient[i] = 0;
            g.add(0, std::move(gradient));
        });
    }

    /// What each score must pass to be among the k largest if the others stay.
    [[nodiscard]] Variable<Scalar> thresholds(const Variable<Scalar>& scores) const {
        const Index experts = scores.size(1);
        auto values = Tensor<Scalar>::empty(scores.shape());
        PoolVector<Index> places(static_cast<std::size_t>(scores.numel()));
        for (Index first = 0; first < scores.numel(); first += experts) {
            const Scalar* const row = scores.value().data() + first;
            Index last_in = 0, first_out = 0;
            for (Index i = 0; i < experts; ++i) {
                const Index rank = rank_of(row, experts, i);
                last_in = rank == options_.k - 1 ? i : last_in;
                first_out = rank == options_.k ? i : first_out;
            }
            for (Index i = 0; i < experts; ++i) {
                const Index other = rank_of(row, experts, i) < options_.k ? first_out : last_in;
                values[first + i] = row[other];
                places[static_cast<std::size_t>(first + i)] = first + other;
            }
        }
        return autograd::record<Scalar>("thresholds", std::move(values), {scores},
                                        [places = std::move(places)](autograd::Gradients<Scalar>& g) {
                                            const Index n = g.output().numel();
                                            Tensor<Scalar> gradient{g.cotangent().shape()};
                                            for (Index i = 0; i < gradient.numel(); ++i)
                                                gradient[i / n * n + places[static_cast<std::size_t>(i % n)]] += g.cotangent()[i];
                                            g.add(0, std::move(gradient));
                                        });
    }

    [[nodiscard]] Variable<Scalar> importance(const Variable<Scalar>& scores) const {
        return squared_variation(autograd::softmax(scores)) * static_cast<Scalar>(options_.importance);
    }
    [[nodiscard]] Variable<Scalar> load(const Variable<Scalar>& clean, const Variable<Scalar>& spread,
                                        const Variable<Scalar>& noisy) const {
        const auto chance = autograd::elementwise(
            "normal_cdf", (clean - thresholds(noisy)) / spread, [](Scalar v) { return std::erfc(-v / std::numbers::sqrt2_v<Scalar>) / 2; },
            [](Scalar v, Scalar) { return std::exp(-v * v / 2) * std::numbers::inv_sqrtpi_v<Scalar> / std::numbers::sqrt2_v<Scalar>; });
        return squared_variation(chance) * static_cast<Scalar>(options_.load);
    }
    /// Of the sums over samples: variance by the square of the mean; 0 where there is no sample.
    [[nodiscard]] static Variable<Scalar> squared_variation(const Variable<Scalar>& of_samples) {
        if (of_samples.numel() == 0)
            return Tensor<Scalar>::scalar(0);
        const auto sums = autograd::sum(of_samples, 0);
        const auto mean = autograd::mean(sums), difference = sums - mean;
        return autograd::mean(difference * difference) / (mean * mean);
    }
    /// Not less than what can be divided by, with a slope of 0 there.
    [[nodiscard]] static Variable<Scalar> softplus(const Variable<Scalar>& x) {
        constexpr auto least = Scalar(1e-12);
        return autograd::elementwise(
            "softplus", x, [=](Scalar v) { return std::max(least, (v > 0 ? v : Scalar(0)) + std::log1p(std::exp(-std::abs(v)))); },
            [=](Scalar v, Scalar y) { return y > least ? (v > 0 ? Scalar(1) : std::exp(v)) / (1 + std::exp(-std::abs(v))) : Scalar(0); });
    }

    NoisyTopKOptions options_;
    nn::Parameter<Scalar> weight_;
    nn::Children<nn::Parameter<Scalar>> noise_;  ///< one, or none
    Random random_;
    nn::Mode mode_;
    detail::LastPenalty<Scalar> penalty_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
