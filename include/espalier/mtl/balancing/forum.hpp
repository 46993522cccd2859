// SPDX-License-Identifier: MIT
/// @file FORUM: weights of the losses and the net that they train, learned in one step that serves every task on another batch.
#pragma once

#include <espalier/mtl/balancing/moml.hpp>
#include <espalier/mtl/balancing/rows.hpp>
#include <espalier/mtl/balancing/side_passes.hpp>
#include <espalier/mtl/balancing/solvers/arrays.hpp>
#include <espalier/mtl/balancing/solvers/constrained_descent.hpp>
#include <espalier/mtl/balancing/state.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <numeric>
#include <span>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `FORUM`.
struct FORUMOptions {
    double inner_rate = 0.1;  ///< of the steps that look for the net which the weights alone would train
    Index inner_steps = 5;
    double rho = 0.1;        ///< how fast the net has to come nearer to that, whatever the tasks say
    double decay = 0.75;     ///< the tasks' shares are an average, of which 1 / (1 + epochs)^decay is new
    bool normalize = false;  ///< give the tasks' gradients the length 1 first, as the authors' program does
};

namespace detail {

/// The gradient of q = f(theta, a) - f(theta*, a), f = sum softmax(a)_t L_t: theta* is where plain steps lead to from theta.
template <class Scalar>
struct ValueGap {
    Tensor<Scalar> on_net;
    Weights on_numbers;
};

/// From the losses of a batch at theta, whose graph is freed.
template <class Net, class Scalar, class Batch>
[[nodiscard]] ValueGap<Scalar> value_gap(Net& net, const MultiTaskLoss<Scalar>& criterion, const Batch& batch,
                                         const MultiTaskLossValue<Scalar>& here, ParameterList<Scalar>& parameters, const Weights& weights,
                                         const FORUMOptions& options) {
    const auto factors = factors_of(criterion, here);
    const auto weigh = [&](std::size_t task) { return static_cast<Scalar>(weights[task]) * factors[task]; };
    ValueGap<Scalar> gap{gradient_of_sum(here, weigh, parameters), Weights(weights.size(), 0.0)};
    MovedParameters<Scalar> moved{net, parameters};
    Tensor<Scalar> way = gap.on_net;
    for (Index step = 1; step < options.inner_steps; ++step) {
        moved.to(way, -options.inner_rate);
        const Tensor<Scalar> next = gradient_of_sum(criterion(detail::outputs_of(net, batch), batch.targets), weigh, parameters);
        std::transform(way.begin(), way.end(), next.begin(), way.begin(), std::plus<>{});
    }
    moved.to(way, -options.inner_rate);
    const NoGrad no_graph;
    const auto there = criterion(detail::outputs_of(net, batch), batch.targets);
    double mean = 0;
    for (std::size_t t = 0; t < weights.size(); ++t) {
        const double fallen = static_cast<double>(loss_of(here, t).item()) - static_cast<double>(loss_of(there, t).item());
        gap.on_numbers[t] = static_cast<double>(factors[t]) * fallen;
        mean += weights[t] * gap.on_numbers[t];
    }
    for (std::size_t t = 0; t < weights.size(); ++t)
        gap.on_numbers[t] = weights[t] * (gap.on_numbers[t] - mean);
    return gap;
}

/// The inner products of the gradients of the tasks' losses, which do not depend on a, and of, last, that of q.
template <class Scalar>
[[nodiscard]] Matrix products_with(const ValueGap<Scalar>& gap, const Tensor<Scalar>& rows, std::size_t tasks) {
    Matrix products{tasks + 1, tasks + 1};
    const auto size = static_cast<std::size_t>(gap.on_net.numel());
    if (tasks > 0) {
        const Matrix own = gramian_of(rows);
        for (std::size_t t = 0; t < tasks; ++t) {
            std::copy_n(own.row(t), tasks, products.row(t));
            products(t, tasks) = products(tasks, t) = solvers::dot(rows.data() + t * size, gap.on_net.data(), size);
        }
    }
    products(tasks, tasks) = std::inner_product(gap.on_numbers.begin(), gap.on_numbers.end(), gap.on_numbers.begin(),
                                                solvers::dot(gap.on_net.data(), gap.on_net.data(), size));
    for (std::size_t t = 0; t <= tasks; ++t)
        require<ValueError>(is_finite(products(t, t)), "FORUM", "expected finite gradients, got others");
    return products;
}

}  // namespace detail

/// FORUM (Ye, Lin, Cao, Zhang and Tsang, "A First-Order Multi-Gradient Algorithm for Multi-Objective Bi-Level Optimization", ECAI 2024,
/// arXiv 2401.09257), which trains the net and the numbers a of a `SoftmaxWeights` at once.
/// @code
/// criterion.balance(mtl::SoftmaxWeights{});
/// optim::Adam meta{criterion.parameters(), {.learning_rate = 1e-3}};
/// mtl::FORUM forum{net.tasks().size()};
/// for (...) {
///     sgd.zero_grad();
///     forum.backward(net, criterion, inner, outer);
///     sgd.step();
///     meta.step();
/// }
/// @endcode
/// The losses F_t of the outer batch are to fall while theta stays a minimum of f = sum softmax(a)_t L_t on the inner batch: while
/// q = f(theta, a) - f(theta*, a) is 0, theta* being where plain steps lead to from theta. Its gradient takes theta* as constant: that of
/// f at theta, less, on a, that of f at theta*. With g_t the gradient of F_t, which is 0 on a, d minimises max_t <g_t, d> + 1/2 |d|^2
/// while <grad q, d> <= -rho |grad q|^2. So -d = sum lambda_t g_t + nu grad q with lambda of the simplex; lambda is averaged over the
/// steps, and nu is max(rho - <grad q, sum lambda_t g_t> / |grad q|^2, 0).
///
/// The program is solved exactly, by its dual (solvers/constrained_descent.hpp). The authors' program has this rho in nu and half of it
/// in the program for lambda, adds 1e-8 to |grad q|^2, gives the g_t the length 1 (`.normalize`), and ends the inner steps at losses
/// above 1e5. A task without labels in the outer batch keeps its lambda for later.
///
/// Cost: `inner_steps` plain traversals, a forward pass and a traversal with T cotangents. Memory: T + 3 rows. All parameters are in
/// the gradients, heads too; no rule but `SoftmaxWeights` is asked. Running statistics move in the two passes at theta alone; dropout
/// draws anew in each pass. State: lambda and a count of the epochs.
class FORUM {
public:
    /// @throws StateError without a task; ValueError for options out of range
    explicit FORUM(std::size_t tasks, FORUMOptions options = {}) : options_{options}, shares_{detail::equal_shares(tasks)} {
        const auto positive = [](double value) { return is_finite(value) && value > 0; };
        require<StateError>(tasks > 0, "FORUM", "expected at least one task, got none");
        require<ValueError>(positive(options.inner_rate), "FORUM", "expected an inner rate above 0, got ", options.inner_rate);
        require<ValueError>(options.inner_steps > 0, "FORUM", "expected at least 1 inner step, got ", options.inner_steps);
        require<ValueError>(positive(options.rho), "FORUM", "expected rho above 0, got ", options.rho);
        require<ValueError>(options.decay >= 0 && options.decay <= 1, "FORUM", "expected a decay in [0, 1], got ", options.decay);
    }

    /// Adds -d to the gradients of the net, and gives its part on a to the criterion's numbers in place of the gradient that they have.
    /// Returns the losses of the inner batch.
    /// @throws StateError for a criterion without a `SoftmaxWeights`, or of another number of tasks; ValueError for gradients that are
    /// not finite; what net and criterion throw. Parameters, gradients and state are as they were then, bit for bit
    template <class Net, class Scalar, class Batch>
    MultiTaskLossValue<Scalar> backward(Net& net, const MultiTaskLoss<Scalar>& criterion, const Batch& inner, const Batch& outer) {
        Variable<Scalar> numbers = detail::learned_weights("FORUM", criterion, static_cast<std::size_t>(shares_.numel()));
        detail::ParameterList<Scalar> parameters{net};
        PoolVector<char> reached(parameters.size(), 0);
        const auto mark = [&](const detail::BatchGradients<Scalar>& batch) {
            for (const auto& loss : batch.losses) {
                const auto by = detail::reached_by(loss, parameters);
                std::transform(by.begin(), by.end(), reached.begin(), reached.begin(), std::logical_or<>{});
            }
        };
        const detail::BatchGradients<Scalar> below{net, criterion, inner};
        mark(below);
        const auto gap = detail::value_gap(net, criterion, inner, below.value, parameters, softmax_weights(numbers.value()), options_);
        const detail::BatchGradients<Scalar> above{net, criterion, outer};
        mark(above);
        Tensor<Scalar> rows{Shape{0, parameters.numel()}};
        if (!above.losses.empty())
            rows = autograd::jacobian<Scalar>(above.losses, parameters.all(), {.weights = above.factors});
        StepContext context;
        context.tasks = above.tasks;
        const Weights weights = decide(detail::products_with(gap, rows, above.tasks.size()), context);
        auto from = detail::rows_of(rows);
        from.push_back(gap.on_net.data());
        Tensor<Scalar> direction = Tensor<Scalar>::empty({parameters.numel()});
        detail::combine_into(direction, from, weights, 0, parameters.numel());
        for (std::size_t i = 0; i < parameters.size(); ++i)
            if (reached[i])
                parameters[i].add_grad(parameters.part(i, direction.data()));
        Tensor<Scalar> on_numbers{numbers.shape()};
        std::transform(gap.on_numbers.begin(), gap.on_numbers.end(), on_numbers.begin(),
                       [nu = weights.back()](double v) { return static_cast<Scalar>(nu * v); });
        numbers.zero_grad();
        numbers.add_grad(on_numbers.span());
        return below.value;
    }

    void end_epoch() { ++epochs_[0]; }

    /// The running lambda, one number for each task.
    [[nodiscard]] std::span<const double> shares() const noexcept { return shares_.span(); }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& visitor) {
        visitor("shares", shares_);
        visitor("epochs", epochs_);
    }

private:
    /// What the rows count in -d, nu last.
    [[nodiscard]] Weights decide(Matrix products, const StepContext& context) {
        Weights scales(products.rows(), 1.0);
        for (std::size_t t = 0; options_.normalize && t < context.tasks.size(); ++t)
            if (const double length = std::sqrt(products(t, t)); length > 0)
                scales[t] = 1 / length;
        for (std::size_t i = 0; i < scales.size(); ++i)
            for (std::size_t j = 0; j < scales.size(); ++j)
                products(i, j) *= scales[i] * scales[j];
        const solvers::ConstrainedDescent program{products, options_.rho};
        const Weights fresh = program.weights();
        const double rate = std::pow(1 + epochs_[0], -options_.decay);
        detail::ActiveShare average{shares_, context};
        for (std::size_t t = 0; t < fresh.size(); ++t)
            average.weights[t] = (1 - rate) * average.weights[t] + rate * fresh[t];
        average.put_back(shares_, context);
        Weights result = average.weights;
        result.push_back(program.multiplier(result));
        for (std::size_t i = 0; i < scales.size(); ++i)
            result[i] *= scales[i];
        return result;
    }

    FORUMOptions options_;
    Tensor<double> shares_;
    Tensor<double> epochs_{Shape{1}};
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
