// SPDX-License-Identifier: MIT
/// @file Adagrad.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/kernels/optimizer.hpp>
#include <espalier/optim/optimizer.hpp>

#include <algorithm>
#include <initializer_list>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::optim {

/// Designated initialisers stand in this order.
struct AdagradOptions {
    double learning_rate = 1e-2;
    double learning_rate_decay = 0;        ///< the rate is divided by 1 + this times the steps before
    double weight_decay = 0;               ///< L2 penalty, added to the gradient
    double initial_accumulator_value = 0;  ///< of the sums of squares
    double eps = 1e-10;
};

/// s is the sum of all squared gradients; p -= learning_rate gradient / (sqrt(s) + eps), as in PyTorch (Duchi, Hazan and Singer, JMLR
/// 2011). What is rarely met keeps a large rate, so it is often taken for embeddings; rows that a sparse gradient does not list have
/// a gradient of 0, and without weight decay stay as they are either way.
template <class Scalar = float>
class Adagrad final : public Optimizer<Scalar> {
public:
    /// @throws ValueError for a bad option, and as `Optimizer`.
    explicit Adagrad(std::vector<ParameterGroup<Scalar>> groups, const AdagradOptions& options = {})
        : Optimizer<Scalar>{"adagrad", std::move(groups), checked(options).learning_rate, options.weight_decay, {"sum"}},
          options_{options} {
        Tensor<Scalar>& sum = this->moment("sum");
        std::fill(sum.begin(), sum.end(), static_cast<Scalar>(options.initial_accumulator_value));
    }
    explicit Adagrad(std::initializer_list<ParameterGroup<Scalar>> groups, const AdagradOptions& options = {})
        : Adagrad{std::vector<ParameterGroup<Scalar>>(groups), options} {}
    explicit Adagrad(std::vector<Variable<Scalar>> parameters, const AdagradOptions& options = {})
        : Adagrad{Optimizer<Scalar>::one_group(std::move(parameters)), options} {}

    /// As given; `learning_rate()` tells the present learning rate.
    [[nodiscard]] const AdagradOptions& options() const& noexcept { return options_; }
    [[nodiscard]] AdagradOptions options() && noexcept { return options_; }

private:
    using typename Optimizer<Scalar>::Segment;

    [[nodiscard]] static const AdagradOptions& checked(const AdagradOptions& options) {
        detail::require_at_least_0<Scalar>("adagrad", "learning_rate_decay", options.learning_rate_decay);
        detail::require_at_least_0<Scalar>("adagrad", "initial_accumulator_value", options.initial_accumulator_value);
        detail::require_at_least_0<Scalar>("adagrad", "eps", options.eps);
        return options;
    }

    void update(const Segment& segment) override {
        const kernels::AdagradRule<Scalar> rule{
            .step_size = static_cast<Scalar>(segment.learning_rate /
                                             (1 + static_cast<double>(segment.steps) * options_.learning_rate_decay)),
            .eps = static_cast<Scalar>(options_.eps),
            .weight_decay = static_cast<Scalar>(segment.weight_decay),
        };
        Scalar* const squares = this->moment("sum").data();
        this->for_each_piece(segment, [&](Index first, Index size, const Scalar* gradient, Scalar* value) {
            kernels::adagrad(size, rule, gradient, value, squares + first);
        });
    }

    AdagradOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::optim
