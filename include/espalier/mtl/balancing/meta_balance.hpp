// SPDX-License-Identifier: MIT
/// @file MetaBalance: in each parameter, auxiliary gradients are brought nearer to the length of the main one.
#pragma once

#include <espalier/mtl/balancing/rows.hpp>
#include <espalier/mtl/balancing/rule.hpp>
#include <espalier/mtl/balancing/state.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Which auxiliary gradients are scaled: the paper's strategies C, A and B.
enum class MetaBalanceStrategy { all, longer_than_main, shorter_than_main };

/// Settings of `MetaBalance`.
struct MetaBalanceOptions {
    std::size_t main = 0;  ///< the task that counts, by its place in the criterion
    double relax = 0.7;    ///< how near: 0 leaves all as they are, 1 gives them the main one's length
    double beta = 0.9;     ///< of the running averages of the lengths, in [0, 1)
    MetaBalanceStrategy strategy = MetaBalanceStrategy::all;
};

/// MetaBalance (He et al., "MetaBalance: Improving Multi-Task Recommendations via Adapting Gradient Magnitudes of Auxiliary Tasks", WWW
/// 2022, arXiv 2203.06801). In each parameter, with running averages n of the gradients' lengths,
/// d = g_main + sum of (relax n_main / n_i + 1 - relax) g_i. A Jacobian without blocks is one parameter.
///
/// Cost: a traversal for T cotangents, the Jacobian, and two passes over it. Heads get their own gradients. May act on features. State:
/// a length for each parameter and task, and how many steps a task was in. In a step without the main task nothing is scaled.
/// @throws ValueError if there is no task `main`; StateError if the number of parameters changes
class MetaBalance {
public:
    explicit MetaBalance(MetaBalanceOptions options = {}) : options_{options} {
        require<ValueError>(options.relax >= 0 && options.relax <= 1, "MetaBalance", "expected relax in [0, 1], got ", options.relax);
        require<ValueError>(options.beta >= 0 && options.beta < 1, "MetaBalance", "expected beta in [0, 1), got ", options.beta);
    }

    void start(std::size_t tasks) const {
        require<ValueError>(options_.main < tasks, "MetaBalance", "expected a main task below ", tasks, ", got ", options_.main);
    }

    template <class Scalar>
    [[nodiscard]] Tensor<Scalar> operator()(const Jacobian<Scalar>& jacobian) {
        const StepContext& context = jacobian.context();
        start(context.task_count);
        const auto rows = detail::rows_of(jacobian.matrix());
        const auto blocks = static_cast<Index>(jacobian.blocks().size());
        auto result = Tensor<Scalar>::empty(Shape{jacobian.columns()});
        const Shape shape{std::max<Index>(blocks, 1), static_cast<Index>(context.task_count)};
        if (lengths_.rank() != 2)
            lengths_ = Tensor<double>{shape};
        require<StateError>(lengths_.shape() == shape, "MetaBalance", "expected ", lengths_.size(0), " shared parameters of ",
                            lengths_.size(1), " tasks, of which it keeps running lengths, got ", shape[0], " of ", shape[1]);
        detail::size_numbers("MetaBalance", steps_, context);

        for (const std::size_t task : context.tasks)
            ++steps_[static_cast<Index>(task)];
        if (blocks == 0)
            balance(rows, 0, 0, jacobian.columns(), context, result);
        for (Index b = 0; b < blocks; ++b)
            balance(rows, b, jacobian.blocks()[static_cast<std::size_t>(b)].first, jacobian.blocks()[static_cast<std::size_t>(b)].size,
                    context, result);
        return result;
    }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& visitor) {
        visitor("lengths", lengths_);
        visitor("steps", steps_);
    }

private:
    template <class Scalar>
    void balance(const detail::RowPointers<const Scalar>& rows, Index block, Index first, Index columns, const StepContext& context,
                 Tensor<Scalar>& result) {
        Weights weights = detail::norms_of(rows, first, columns);
        double* const lengths = lengths_.data() + block * lengths_.size(1);
        for (std::size_t t = 0; t < weights.size(); ++t)
            lengths[context.tasks[t]] += (1 - options_.beta) * (weights[t] - lengths[context.tasks[t]]);
        const bool has_main = std::find(context.tasks.begin(), context.tasks.end(), options_.main) != context.tasks.end();
        for (std::size_t t = 0; t < weights.size(); ++t)
            weights[t] = has_main ? factor(average(lengths, options_.main), average(lengths, context.tasks[t])) : 1;
        detail::combine_into(result, rows, weights, first, columns);
    }

    /// Corrected for its start at 0: in the paper, where all tasks are in all steps, that divides out.
    [[nodiscard]] double average(const double* lengths, std::size_t task) const {
        return lengths[task] / (1 - std::pow(options_.beta, steps_[static_cast<Index>(task)]));
    }

    [[nodiscard]] double factor(double main, double length) const noexcept {
        const bool left = options_.strategy == MetaBalanceStrategy::longer_than_main    ? length <= main
                          : options_.strategy == MetaBalanceStrategy::shorter_than_main ? length >= main
                                                                                        : false;
        return left || length == main || !(length > 0) ? 1 : options_.relax * main / length + 1 - options_.relax;
    }

    MetaBalanceOptions options_;
    Tensor<double> lengths_;  ///< (parameters, tasks)
    Tensor<double> steps_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
