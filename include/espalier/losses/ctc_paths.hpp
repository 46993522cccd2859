// SPDX-License-Identifier: MIT
/// @file The paths of connectionist temporal classification through one sequence, summed in double and in log space.
#pragma once

#include <espalier/core/memory.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace espalier::inline ESPALIER_ABI::losses::detail {

/// Logits (steps, classes) of a sequence beside its labels. A path has one state a step: states are the labels, with a blank before,
/// between and behind them, so state s is a blank if s is even and else label s / 2.
template <class Scalar>
class CtcPaths {
public:
    CtcPaths(const Scalar* logits, Index steps, Index classes, std::span<const Index> labels, Index blank)
        : logits_{logits},
          steps_{steps},
          classes_{classes},
          labels_{labels},
          blank_{blank},
          states_{2 * static_cast<Index>(labels.size()) + 1},
          log_sums_(static_cast<std::size_t>(steps)),
          alpha_(static_cast<std::size_t>(steps * states_), impossible) {
        for (Index t = 0; t < steps; ++t)
            log_sums_[static_cast<std::size_t>(t)] = log_sum_exp(t);
        forward();
    }

    /// Logarithm of the probability of all paths.
    [[nodiscard]] double log_probability() const {
        if (steps_ == 0)
            return labels_.empty() ? 0 : impossible;
        return states_ == 1 ? alpha(steps_ - 1, 0) : add(alpha(steps_ - 1, states_ - 1), alpha(steps_ - 1, states_ - 2));
    }

    /// Derivatives of minus that by the logits: the softmax without the share of each class in the paths. There must be a path.
    void gradient(Scalar* gradient) const {
        PoolVector<double> beta(static_cast<std::size_t>(states_), impossible), next = beta;  // of what follows a step
        PoolVector<double> shares(static_cast<std::size_t>(classes_));
        for (Index t = steps_ - 1; t >= 0; --t) {
            double most = impossible, total = 0;
            for (Index s = 0; s < states_; ++s) {
                beta[static_cast<std::size_t>(s)] = t + 1 < steps_ ? following(t, s, next) : s + 2 >= states_ ? 0 : impossible;
                most = std::max(most, alpha(t, s) + beta[static_cast<std::size_t>(s)]);
            }
            // Divided by their own sum, which is that of all paths: rounding of large logarithms does not show.
            std::fill(shares.begin(), shares.end(), 0.0);
            for (Index s = 0; s < states_; ++s) {
                const double share = std::exp(alpha(t, s) + beta[static_cast<std::size_t>(s)] - most);
                shares[static_cast<std::size_t>(class_of(s))] += share;
                total += share;
            }
            for (Index c = 0; c < classes_; ++c)
                gradient[t * classes_ + c] = static_cast<Scalar>(std::exp(log_softmax(t, c)) - shares[static_cast<std::size_t>(c)] / total);
            std::swap(beta, next);
        }
    }

private:
    static constexpr double impossible = -std::numeric_limits<double>::infinity();

    /// NaN stays, also beside what is impossible.
    [[nodiscard]] static double add(double a, double b) {
        const double most = std::max(a, b);
        return most == impossible ? a + b : most + std::log(std::exp(a - most) + std::exp(b - most));
    }
    [[nodiscard]] double log_sum_exp(Index t) const {
        const Scalar* const x = logits_ + t * classes_;
        const auto top = static_cast<double>(*std::max_element(x, x + classes_));
        double sum = 0;
        for (Index c = 0; c < classes_; ++c)
            sum += std::exp(static_cast<double>(x[c]) - top);
        return top + std::log(sum);
    }
    [[nodiscard]] double log_softmax(Index t, Index c) const {
        return static_cast<double>(logits_[t * classes_ + c]) - log_sums_[static_cast<std::size_t>(t)];
    }
    [[nodiscard]] Index class_of(Index s) const noexcept { return s % 2 ? labels_[static_cast<std::size_t>(s / 2)] : blank_; }
    /// Whether a path may go from the label before to state s without the blank between: not between equal ones.
    [[nodiscard]] bool skips(Index s) const noexcept { return s % 2 && s >= 2 && class_of(s) != class_of(s - 2); }
    [[nodiscard]] double alpha(Index t, Index s) const { return alpha_[static_cast<std::size_t>(t * states_ + s)]; }

    /// alpha(t, s): all ways to be in state s at step t.
    void forward() {
        for (Index t = 0; t < steps_; ++t)
            for (Index s = 0; s < states_; ++s) {
                double before = s < 2 ? 0 : impossible;
                if (t > 0) {
                    before = alpha(t - 1, s);
                    if (s > 0)
                        before = add(before, alpha(t - 1, s - 1));
                    if (skips(s))
                        before = add(before, alpha(t - 1, s - 2));
                }
                if (before != impossible)
                    alpha_[static_cast<std::size_t>(t * states_ + s)] = before + log_softmax(t, class_of(s));
            }
    }
    /// All ways on from state s at step t; `next` has those from step t + 1.
    [[nodiscard]] double following(Index t, Index s, const PoolVector<double>& next) const {
        const auto by = [&](Index to) {
            const double rest = next[static_cast<std::size_t>(to)];
            return rest == impossible ? impossible : rest + log_softmax(t + 1, class_of(to));
        };
        double total = by(s);
        if (s + 1 < states_)
            total = add(total, by(s + 1));
        if (s + 2 < states_ && skips(s + 2))
            total = add(total, by(s + 2));
        return total;
    }

    const Scalar* logits_;
    Index steps_, classes_;
    std::span<const Index> labels_;
    Index blank_, states_;
    PoolVector<double> log_sums_;
    PoolVector<double> alpha_;
};

}  // namespace espalier::inline ESPALIER_ABI::losses::detail
