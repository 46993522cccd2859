// SPDX-License-Identifier: MIT
/// @file GradNorm: weights that bring all tasks to train at similar rates.
#pragma once

#include <espalier/mtl/balancing/rule.hpp>
#include <espalier/mtl/balancing/state.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `GradNorm`.
struct GradNormOptions {
    double alpha = 1.5;            ///< how strongly tasks that lag behind are pulled along
    double learning_rate = 0.025;  ///< of the weights
    bool adam = true;              ///< steps by Adam (betas 0.9 and 0.999), else by plain gradient descent
    bool softmax = false;          ///< weights T softmax(s) with s learned, as LibMTL, instead of learned weights
};

/// Gradient normalisation (Chen et al., "GradNorm: Gradient Normalization for Adaptive Loss Balancing in Deep Multitask Networks", ICML
/// 2018, arXiv 1711.02257). With G_i = w_i |g_i| and r_i = (L_i / L_i(0)) / their mean, w goes down sum of |G_i - mean(G) r_i^alpha|, of
/// which the second term counts as constant: by sign(G_i - target_i) |g_i|, no second derivative. Then w is scaled to sum T. A step has
/// the weights from before it. A weight that would fall below 0 is 0 until it rises again, which the paper leaves open.
///
/// Cost: a traversal for T cotangents, of which the lengths count; the paper measures them on the last shared layer, which a scope can.
/// Heads get their own gradients. May act on features. State: a weight, Adam's moments, and L_i(0) for each task, the first loss above 0
/// that it had. @throws ValueError for a loss below 0
class GradNorm {
public:
    explicit GradNorm(GradNormOptions options = {}) : options_{options} {
        require<ValueError>(options.alpha >= 0, "GradNorm", "expected alpha of at least 0, got ", options.alpha);
        require<ValueError>(options.learning_rate >= 0, "GradNorm", "expected a learning rate of at least 0, got ", options.learning_rate);
    }

    void start(std::size_t tasks) {
        const Shape shape{static_cast<Index>(tasks)};
        weights_ = Tensor<double>::ones(shape);
        first_losses_ = first_ = second_ = steps_ = Tensor<double>{shape};
    }

    [[nodiscard]] Weights operator()(const Gramian& gramian) {
        const StepContext& context = gramian.context();
        detail::check_started("GradNorm", weights_, context);
        for (const double loss : context.losses)
            require<ValueError>(loss >= 0, "GradNorm", "expected losses of at least 0, got ", loss);
        Weights weights = present(context);
        Weights slopes = slopes_of(gramian, weights);
        if (options_.softmax) {  // dw_i / ds_k = w_i ([i = k] - w_k / T)
            const double common = std::inner_product(slopes.begin(), slopes.end(), weights.begin(), 0.0) /
                                  static_cast<double>(slopes.size());
            for (std::size_t t = 0; t < slopes.size(); ++t)
                slopes[t] = weights[t] * (slopes[t] - common);
        }
        for (std::size_t t = 0; t < slopes.size(); ++t)
            descend(static_cast<Index>(context.tasks[t]), slopes[t]);
        if (!options_.softmax)
            renormalise();
        return weights;
    }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& visitor) {
        visitor("weights", weights_);
        visitor("first_losses", first_losses_);
        visitor("first", first_);
        visitor("second", second_);
        visitor("steps", steps_);
    }

private:
    [[nodiscard]] Weights present(const StepContext& context) const {
        Weights weights(context.tasks.size());
        for (std::size_t t = 0; t < weights.size(); ++t)
            weights[t] = weights_[static_cast<Index>(context.tasks[t])];
        if (!options_.softmax || weights.empty())
            return weights;
        const double largest = *std::max_element(weights.begin(), weights.end());
        for (double& weight : weights)
            weight = std::exp(weight - largest);
        const double scale = static_cast<double>(weights.size()) / std::accumulate(weights.begin(), weights.end(), 0.0);
        for (double& weight : weights)
            weight *= scale;
        return weights;
    }

    /// Notes L_i(0) where it is new, and gives the derivatives by the weights.
    [[nodiscard]] Weights slopes_of(const Gramian& gramian, const Weights& weights) {
        const auto tasks = static_cast<double>(weights.size());
        Weights rates(weights.size());
        double mean_rate = 0, mean_norm = 0;
        for (std::size_t t = 0; t < weights.size(); ++t) {
            double& first = first_losses_[static_cast<Index>(gramian.context().tasks[t])];
            if (first == 0)
                first = gramian.losses()[t];
            rates[t] = first > 0 ? gramian.losses()[t] / first : 0;
            mean_rate += rates[t] / tasks;
            mean_norm += weights[t] * gramian.norm(t) / tasks;
        }
        Weights slopes(weights.size());
        for (std::size_t t = 0; t < weights.size(); ++t) {
            const double target = mean_norm * (mean_rate > 0 ? std::pow(rates[t] / mean_rate, options_.alpha) : 1);
            const double over = weights[t] * gramian.norm(t) - target;
            const bool level = std::abs(over) <= 1e-12 * target;  // but for rounding
            slopes[t] = level ? 0 : std::copysign(gramian.norm(t), over);
        }
        return slopes;
    }

    void descend(Index task, double slope) noexcept {
        if (!options_.adam) {
            weights_[task] -= options_.learning_rate * slope;
            return;
        }
        constexpr double beta1 = 0.9, beta2 = 0.999;
        const double step = ++steps_[task];
        first_[task] = beta1 * first_[task] + (1 - beta1) * slope;
        second_[task] = beta2 * second_[task] + (1 - beta2) * slope * slope;
        const double length = std::sqrt(second_[task] / (1 - std::pow(beta2, step)));
        if (length > 0)  // instead of Adam's eps, beside which small gradients would count less
            weights_[task] -= options_.learning_rate * first_[task] / (1 - std::pow(beta1, step)) / length;
    }

    void renormalise() noexcept {
        double sum = 0;
        for (double& weight : weights_)
            sum += weight = std::max(weight, 0.0);
        for (double& weight : weights_)
            weight = sum > 0 ? weight * static_cast<double>(weights_.numel()) / sum : 1;
    }

    GradNormOptions options_;
    Tensor<double> weights_;
    Tensor<double> first_losses_;
    Tensor<double> first_;
    Tensor<double> second_;
    Tensor<double> steps_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
