// SPDX-License-Identifier: MIT
/// @file Adam, and AdamW with decoupled weight decay.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/kernels/optimizer.hpp>
#include <espalier/optim/optimizer.hpp>

#include <cmath>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::optim {

/// Designated initialisers stand in this order.
struct AdamOptions {
    double learning_rate = 1e-3;
    double beta1 = 0.9;    ///< decay of the mean of gradients, in [0, 1)
    double beta2 = 0.999;  ///< decay of the mean of their squares, in [0, 1)
    double eps = 1e-8;
    double weight_decay = 0;  ///< L2 penalty, added to the gradient
};

/// Designated initialisers stand in this order.
struct AdamWOptions {
    double learning_rate = 1e-3;
    double beta1 = 0.9;
    double beta2 = 0.999;
    double eps = 1e-8;
    double weight_decay = 1e-2;  ///< share of the parameter, times the learning rate, that a step takes away
};

namespace detail {

/// Adam with or without decoupled weight decay: they differ in one factor.
template <class Scalar, class Options, bool decoupled>
class AdamBase : public Optimizer<Scalar> {
public:
    /// As given; `learning_rate()` tells the present learning rate.
    [[nodiscard]] const Options& options() const noexcept { return options_; }

protected:
    AdamBase(const char* operation, std::vector<Variable<Scalar>> parameters, const Options& options)
        : Optimizer<Scalar>{operation, std::move(parameters), options.learning_rate, {"exp_avg", "exp_avg_sq"}},
          options_{options} {
        require<ValueError>(is_finite(options.beta1) && options.beta1 >= 0 && options.beta1 < 1, operation,
                            "expected a beta1 in [0, 1), got ", options.beta1);
        require<ValueError>(is_finite(options.beta2) && options.beta2 >= 0 && options.beta2 < 1, operation,
                            "expected a beta2 in [0, 1), got ", options.beta2);
        this->require_at_least_0("eps", options.eps);
        this->require_at_least_0("weight_decay", options.weight_decay);
    }

private:
    using typename Optimizer<Scalar>::Segment;

    void update(const Segment& segment) final {
        const auto t = static_cast<double>(segment.steps + 1);
        const double decay = options_.weight_decay;
        const kernels::AdamRule<Scalar> rule{
            .step_size = static_cast<Scalar>(this->learning_rate() / (1 - std::pow(options_.beta1, t))),
            .root = static_cast<Scalar>(std::sqrt(1 - std::pow(options_.beta2, t))),
            .fresh1 = static_cast<Scalar>(1 - options_.beta1),
            .beta2 = static_cast<Scalar>(options_.beta2),
            .fresh2 = static_cast<Scalar>(1 - options_.beta2),
            .eps = static_cast<Scalar>(options_.eps),
            .weight_decay = static_cast<Scalar>(decoupled ? 0 : decay),
            .keep = static_cast<Scalar>(decoupled ? 1 - this->learning_rate() * decay : 1),
        };
        kernels::adam(segment.size, rule, segment.gradient, segment.value, this->moment("exp_avg", segment),
                      this->moment("exp_avg_sq", segment));
    }

    Options options_;
};

}  // namespace detail

/// m and v are the decaying means of gradient and squared gradient, corrected for their start at 0; p -= learning_rate
/// m / (sqrt(v) + eps), as in PyTorch (Kingma and Ba, ICLR 2015).
template <class Scalar = float>
class Adam final : public detail::AdamBase<Scalar, AdamOptions, false> {
public:
    /// @throws ValueError for a bad option, and as `Optimizer`.
    explicit Adam(std::vector<Variable<Scalar>> parameters, const AdamOptions& options = {})
        : detail::AdamBase<Scalar, AdamOptions, false>{"adam", std::move(parameters), options} {}
};

/// Adam that shrinks the parameter itself instead of adding to its gradient (Loshchilov and Hutter, ICLR 2019).
template <class Scalar = float>
class AdamW final : public detail::AdamBase<Scalar, AdamWOptions, true> {
public:
    /// @throws ValueError for a bad option, and as `Optimizer`.
    explicit AdamW(std::vector<Variable<Scalar>> parameters, const AdamWOptions& options = {})
        : detail::AdamBase<Scalar, AdamWOptions, true>{"adamw", std::move(parameters), options} {}
};

}  // namespace espalier::inline ESPALIER_ABI::optim
