// SPDX-License-Identifier: MIT
/// @file How a rule that needs the losses alone makes one number of them, and what several of these rules have in common.
///
/// What they make is differentiated like any loss, in one traversal. So they weight the heads as they weight the trunk, and acting on
/// the features alone would save nothing.
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/mtl/balancing/rule.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {

/// A number computed from `inputs` whose value and partial derivatives are known: `derivatives` has one for each element of the
/// inputs, side by side in their order. One operation stands for a formula of any length, which is calculated in double.
/// @throws ShapeError unless there are as many derivatives as elements
template <class Scalar>
[[nodiscard]] Variable<Scalar> scalarize(const char* rule, std::span<const Variable<Scalar>> inputs, double value, Weights derivatives) {
    std::size_t elements = 0;
    for (const auto& input : inputs)
        elements += static_cast<std::size_t>(input.numel());
    require<ShapeError>(derivatives.size() == elements, rule, "expected ", elements, " derivatives, got ", derivatives.size());
    return autograd::record<Scalar>(
        rule, Tensor<Scalar>::scalar(static_cast<Scalar>(value)), inputs, [kept = std::move(derivatives)](autograd::Gradients<Scalar>& g) {
            const double* factors = kept.data();
            for (std::size_t i = 0; i < g.inputs(); ++i) {
                const Index numel = g.input(i).numel();
                if (g.needs(i)) {
                    auto gradient = Tensor<Scalar>::empty(g.input(i).shape().prepended(g.rows()));
                    for (Index t = 0; t < g.rows(); ++t)
                        for (Index j = 0; j < numel; ++j)
                            gradient[t * numel + j] = static_cast<Scalar>(static_cast<double>(g.cotangent()[t]) * factors[j]);
                    g.add(i, std::move(gradient));
                }
                factors += numel;
            }
        });
}
/// The same of the losses alone, a derivative for each.
template <class Scalar>
[[nodiscard]] Variable<Scalar> scalarize(const char* rule, const Losses<Scalar>& losses, double value, Weights derivatives) {
    return scalarize(rule, losses.variables(), value, std::move(derivatives));
}

/// The sum of weights times losses, in which the weights are constants. @throws ShapeError unless there is one for each loss
template <class Scalar>
[[nodiscard]] Variable<Scalar> weighted(const Losses<Scalar>& losses, std::span<const double> weights) {
    PoolVector<Scalar> rounded(weights.size());
    std::transform(weights.begin(), weights.end(), rounded.begin(), [](double weight) { return static_cast<Scalar>(weight); });
    return autograd::weighted_sum<Scalar>(losses.variables(), rounded);
}

namespace detail {

/// Turns logits into their softmax. Returns log(sum(exp(logits))). Neither overflows, whatever the logits.
inline double to_softmax(std::span<double> logits) {
    const double largest = *std::max_element(logits.begin(), logits.end());
    double total = 0;
    for (double& logit : logits)
        total += logit = std::exp(logit - largest);
    for (double& share : logits)
        share /= total;
    return largest + std::log(total);
}

/// What a state of one number for each of the criterion's tasks has for one of them.
[[nodiscard]] inline double& of_task(Tensor<double>& state, std::size_t task) noexcept { return state[static_cast<Index>(task)]; }
[[nodiscard]] inline double of_task(const Tensor<double>& state, std::size_t task) noexcept { return state[static_cast<Index>(task)]; }

/// @throws StateError for a rule whose state is that of another number of tasks
inline void require_started(const char* rule, std::size_t tasks, const StepContext& context) {
    require<StateError>(tasks == context.task_count, rule, "expected a rule that was started for ", context.task_count,
                        " tasks, got one for ", tasks);
}
inline void require_started(const char* rule, const Tensor<double>& state, const StepContext& context) {
    require_started(rule, static_cast<std::size_t>(state.numel()), context);
}

/// @throws ValueError naming the first task whose loss is not above 0
inline void require_positive(const char* rule, const StepContext& context) {
    for (std::size_t i = 0; i < context.losses.size(); ++i)
        require<ValueError>(context.losses[i] > 0, rule, "expected losses above 0, got ", context.losses[i], " for task ",
                            context.tasks[i]);
}

/// @throws ValueError naming the first task whose loss is below 0
inline void require_not_negative(const char* rule, const StepContext& context) {
    for (std::size_t i = 0; i < context.losses.size(); ++i)
        require<ValueError>(context.losses[i] >= 0, rule, "expected losses of at least 0, got ", context.losses[i], " for task ",
                            context.tasks[i]);
}
/// @throws ValueError naming the first number that is not finite or below 0
inline void require_weights(const char* rule, const char* what, std::span<const double> numbers) {
    for (std::size_t i = 0; i < numbers.size(); ++i)
        require<ValueError>(is_finite(numbers[i]) && numbers[i] >= 0, rule, "expected ", what, " of at least 0, got ", numbers[i],
                            " for task ", i);
}
/// @throws ValueError naming the first number that is not finite
inline void require_finite(const char* rule, const char* what, std::span<const double> numbers) {
    for (std::size_t i = 0; i < numbers.size(); ++i)
        require<ValueError>(is_finite(numbers[i]), rule, "expected finite ", what, ", got ", numbers[i], " for task ", i);
}
/// Numbers that the user may have left out. @throws ShapeError if some are given, and not one for each task
inline void require_one_per_task(const char* rule, const char* what, std::span<const double> numbers, std::size_t tasks) {
    require<ShapeError>(numbers.empty() || numbers.size() == tasks, rule, "expected ", tasks, ' ', what, ", one for each task, got ",
                        numbers.size());
}

/// `sum w_i log L_i` of losses above 0, in which the weights are constants.
template <class Scalar>
[[nodiscard]] Variable<Scalar> weighted_logarithms(const char* rule, const Losses<Scalar>& losses, std::span<const double> weights) {
    Weights derivatives(losses.size());
    double value = 0;
    for (std::size_t i = 0; i < losses.size(); ++i) {
        value += weights[i] * std::log(losses.values()[i]);
        derivatives[i] = weights[i] / losses.values()[i];
    }
    return scalarize(rule, losses, value, std::move(derivatives));
}

}  // namespace detail

/// Mean of the losses that a rule has seen, for each task: part of a rule's state.
class LossAverage {
public:
    void start(std::size_t tasks) {
        sums_ = Tensor<double>{Shape{static_cast<Index>(tasks)}};
        counts_ = sums_;
    }
    void add(const StepContext& context) {
        for (std::size_t i = 0; i < context.tasks.size(); ++i)
            add(context.tasks[i], context.losses[i]);
    }
    void add(std::size_t task, double loss) {
        detail::of_task(sums_, task) += loss;
        detail::of_task(counts_, task) += 1;
    }
    /// The losses of the tasks of which it has seen none.
    void add_missing(const StepContext& context) {
        for (std::size_t i = 0; i < context.tasks.size(); ++i)
            if (!has(context.tasks[i]))
                add(context.tasks[i], context.losses[i]);
    }
    void clear() noexcept {
        sums_.fill(0);
        counts_.fill(0);
    }
    [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(sums_.numel()); }
    [[nodiscard]] bool has(std::size_t task) const noexcept { return detail::of_task(counts_, task) > 0; }
    [[nodiscard]] double operator[](std::size_t task) const noexcept {
        return detail::of_task(sums_, task) / detail::of_task(counts_, task);
    }
    template <class Scalar>
    void visit(RuleVisitor<Scalar>& v) {
        v("sums", sums_);
        v("counts", counts_);
    }

private:
    Tensor<double> sums_;
    Tensor<double> counts_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
