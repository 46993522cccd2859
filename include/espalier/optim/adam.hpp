// SPDX-License-Identifier: MIT
/// @file Adam, and AdamW with decoupled weight decay.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/kernels/optimizer.hpp>
#include <espalier/optim/optimizer.hpp>

#include <cmath>
#include <initializer_list>
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
    [[nodiscard]] const Options& options() const& noexcept { return options_; }
    [[nodiscard]] Options options() && noexcept { return options_; }

protected:
    AdamBase(const char* operation, std::vector<ParameterGroup<Scalar>> groups, const Options& options)
        : Optimizer<Scalar>{operation,
                            std::move(groups),
                            checked(operation, options).learning_rate,
                            options.weight_decay,
                            {"exp_avg", "exp_avg_sq"}},
          options_{options} {}

private:
    using typename Optimizer<Scalar>::Segment;

    [[nodiscard]] static const Options& checked(const char* operation, const Options& options) {
        require<ValueError>(is_finite(options.beta1) && options.beta1 >= 0 && options.beta1 < 1, operation,
                            "expected a beta1 in [0, 1), got ", options.beta1);
        require<ValueError>(is_finite(options.beta2) && options.beta2 >= 0 && options.beta2 < 1, operation,
                            "expected a beta2 in [0, 1), got ", options.beta2);
        require_at_least_0<Scalar>(operation, "eps", options.eps);
        return options;
    }

    void update(const Segment& segment) final {
        const auto t = static_cast<double>(segment.steps + 1);
        const double decay = segment.weight_decay;
        const kernels::AdamRule<Scalar> rule{
            .step_size = static_cast<Scalar>(segment.learning_rate / (1 - std::pow(options_.beta1, t))),
            .root = static_cast<Scalar>(std::sqrt(1 - std::pow(options_.beta2, t))),
            .fresh1 = static_cast<Scalar>(1 - options_.beta1),
            .beta2 = static_cast<Scalar>(options_.beta2),
            .fresh2 = static_cast<Scalar>(1 - options_.beta2),
            .eps = static_cast<Scalar>(options_.eps),
            .weight_decay = static_cast<Scalar>(decoupled ? 0 : decay),
            .keep = static_cast<Scalar>(decoupled ? 1 - segment.learning_rate * decay : 1),
        };
        Scalar* const mean = this->moment("exp_avg").data();
        Scalar* const mean_of_squares = this->moment("exp_avg_sq").data();
        this->for_each_piece(segment, [&](Index first, Index size, const Scalar* gradient, Scalar* value) {
            kernels::adam(size, rule, gradient, value, mean + first, mean_of_squares + first);
        });
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
    explicit Adam(std::vector<ParameterGroup<Scalar>> groups, const AdamOptions& options = {})
        : detail::AdamBase<Scalar, AdamOptions, false>{"adam", std::move(groups), options} {}
    explicit Adam(std::initializer_list<ParameterGroup<Scalar>> groups, const AdamOptions& options = {})
        : Adam{std::vector<ParameterGroup<Scalar>>(groups), options} {}
    explicit Adam(std::vector<Variable<Scalar>> parameters, const AdamOptions& options = {})
        : Adam{Optimizer<Scalar>::one_group(std::move(parameters)), options} {}
};

/// Adam that shrinks the parameter itself instead of adding to its gradient (Loshchilov and Hutter, ICLR 2019).
template <class Scalar = float>
class AdamW final : public detail::AdamBase<Scalar, AdamWOptions, true> {
public:
    /// @throws ValueError for a bad option, and as `Optimizer`.
    explicit AdamW(std::vector<ParameterGroup<Scalar>> groups, const AdamWOptions& options = {})
        : detail::AdamBase<Scalar, AdamWOptions, true>{"adamw", std::move(groups), options} {}
    explicit AdamW(std::initializer_list<ParameterGroup<Scalar>> groups, const AdamWOptions& options = {})
        : AdamW{std::vector<ParameterGroup<Scalar>>(groups), options} {}
    explicit AdamW(std::vector<Variable<Scalar>> parameters, const AdamWOptions& options = {})
        : AdamW{Optimizer<Scalar>::one_group(std::move(parameters)), options} {}
};

}  // namespace espalier::inline ESPALIER_ABI::optim
