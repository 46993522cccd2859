// SPDX-License-Identifier: MIT
/// @file Stochastic gradient descent with momentum.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/kernels/optimizer.hpp>
#include <espalier/optim/optimizer.hpp>

#include <initializer_list>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::optim {

/// Designated initialisers stand in this order.
struct SGDOptions {
    double learning_rate = 1e-3;
    double momentum = 0;      ///< in [0, 1)
    double dampening = 0;     ///< in [0, 1]; the gradient enters the velocity with 1 - dampening, at the first step with 1
    double weight_decay = 0;  ///< L2 penalty, added to the gradient
    bool nesterov = false;    ///< needs momentum and no dampening
};

/// With d = gradient + weight_decay p: v = momentum v + (1 - dampening) d, p -= learning_rate v, as in PyTorch; Nesterov's
/// form steps along d + momentum v (Sutskever et al., ICML 2013).
template <class Scalar = float>
class SGD final : public Optimizer<Scalar> {
public:
    /// @throws ValueError for a bad option, and as `Optimizer`.
    ESPALIER_COLD explicit SGD(std::vector<ParameterGroup<Scalar>> groups, const SGDOptions& options = {})
        : Optimizer<Scalar>{"sgd", std::move(groups), checked(options).learning_rate, options.weight_decay,
                            options.momentum == 0 ? Names{} : Names{"momentum_buffer"}},
          options_{options} {}
    explicit SGD(std::initializer_list<ParameterGroup<Scalar>> groups, const SGDOptions& options = {})
        : SGD{std::vector<ParameterGroup<Scalar>>(groups), options} {}
    explicit SGD(std::vector<Variable<Scalar>> parameters, const SGDOptions& options = {})
        : SGD{Optimizer<Scalar>::one_group(std::move(parameters)), options} {}

    /// As given; `learning_rate()` tells the present learning rate.
    [[nodiscard]] const SGDOptions& options() const& noexcept { return options_; }
    [[nodiscard]] SGDOptions options() && noexcept { return options_; }

private:
    using Names = std::initializer_list<const char*>;
    using typename Optimizer<Scalar>::Segment;

    [[nodiscard]] static const SGDOptions& checked(const SGDOptions& options) {
        require<ValueError>(is_finite(options.momentum) && options.momentum >= 0 && options.momentum < 1, "sgd",
                            "expected a momentum in [0, 1), got ", options.momentum);
        require<ValueError>(is_finite(options.dampening) && options.dampening >= 0 && options.dampening <= 1, "sgd",
                            "expected a dampening in [0, 1], got ", options.dampening);
        require<ValueError>(!options.nesterov || (options.momentum > 0 && options.dampening == 0), "sgd",
                            "expected momentum above 0 and no dampening with nesterov, got momentum ", options.momentum, " and dampening ",
                            options.dampening);
        return options;
    }

    void update(const Segment& segment) override {
        const kernels::SgdRule<Scalar> rule{
            .learning_rate = static_cast<Scalar>(segment.learning_rate),
            .momentum = static_cast<Scalar>(options_.momentum),
            .fresh = static_cast<Scalar>(segment.steps == 0 ? 1 : 1 - options_.dampening),
            .weight_decay = static_cast<Scalar>(segment.weight_decay),
            .nesterov = options_.nesterov,
        };
        Scalar* const velocity = options_.momentum == 0 ? nullptr : this->moment("momentum_buffer").data();
        this->for_each_piece(segment, [&](Index first, Index size, const Scalar* gradient, Scalar* value) {
            if (velocity)
                kernels::sgd_momentum(size, rule, gradient, value, velocity + first);
            else
                kernels::sgd(size, rule, gradient, value);
        });
    }

    SGDOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::optim
