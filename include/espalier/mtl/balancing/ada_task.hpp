// SPDX-License-Identifier: MIT
/// @file AdaTask: Adam's moments for each task by itself.
#pragma once

#include <espalier/kernels/elementwise.hpp>
#include <espalier/mtl/balancing/rows.hpp>
#include <espalier/mtl/balancing/rule.hpp>
#include <espalier/mtl/balancing/state.hpp>

#include <cmath>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `AdaTask`.
struct AdaTaskOptions {
    double beta1 = 0.9;
    double beta2 = 0.999;
    double eps = 1e-8;
};

/// Task-wise adaptive learning rates (Yang et al., "AdaTask: A Task-Aware Adaptive Learning Rate Approach to Multi-Task Learning", AAAI
/// 2023, arXiv 2211.15055), with Adam: m_i and v_i are running averages of g_i and its square, corrected for their start at 0, and
/// d = sum of m_i / (sqrt(v_i) + eps).
///
/// So d is already the step that a learning rate is applied to: use it with `optim::SGD` without momentum, at a learning rate as for
/// Adam, and let no second Adam normalise what was normalised. The heads get their own gradients, which such an SGD does not adapt.
///
/// Cost: a traversal for T cotangents, the Jacobian, and one pass over it. Not on features, whose number changes with the batch. State:
/// 2 x T x P, and how many steps a task was in. @throws StateError if P changes
template <class Scalar = float>
class AdaTask {
public:
    explicit AdaTask(AdaTaskOptions options = {}) : options_{options} {
        require<ValueError>(options.beta1 >= 0 && options.beta1 < 1 && options.beta2 >= 0 && options.beta2 < 1, "AdaTask",
                            "expected betas in [0, 1), got ", options.beta1, " and ", options.beta2);
        require<ValueError>(options.eps > 0, "AdaTask", "expected eps above 0, got ", options.eps);
    }

    [[nodiscard]] Tensor<Scalar> operator()(const Jacobian<Scalar>& jacobian) {
        const StepContext& context = jacobian.context();
        const Index columns = jacobian.columns();
        Tensor<Scalar> result{Shape{columns}};
        detail::size_rows("AdaTask", first_, jacobian);
        detail::size_rows("AdaTask", second_, jacobian);
        detail::size_numbers("AdaTask", steps_, context);

        const auto gradients = detail::rows_of(jacobian.matrix());
        const auto first = detail::rows_of(first_, context), second = detail::rows_of(second_, context);
        PoolVector<Row> rows(gradients.size());
        for (std::size_t t = 0; t < rows.size(); ++t) {
            const double step = ++steps_[static_cast<Index>(context.tasks[t])];
            rows[t] = {gradients[t], first[t], second[t], static_cast<Scalar>(1 / (1 - std::pow(options_.beta1, step))),
                       static_cast<Scalar>(1 / (1 - std::pow(options_.beta2, step)))};
        }
        parallel_for(columns, detail::columns_of_chunk(rows.size(), columns), [&](Index begin, Index end) {
            detail::for_each_strip(begin, end, [&](Index from, Index to) {
                for (const Row& row : rows)
                    add_step(row, from, to, result.data());
            });
        });
        return result;
    }

    void visit(RuleVisitor<Scalar>& visitor) {
        visitor("first", first_);
        visitor("second", second_);
        visitor("steps", steps_);
    }

private:
    struct Row {
        const Scalar* gradient;
        Scalar* first;
        Scalar* second;
        Scalar correction1;
        Scalar correction2;
    };

    void add_step(const Row& row, Index from, Index to, Scalar* result) const {
        const auto fresh1 = static_cast<Scalar>(1 - options_.beta1), fresh2 = static_cast<Scalar>(1 - options_.beta2);
        const auto beta2 = static_cast<Scalar>(options_.beta2), eps = static_cast<Scalar>(options_.eps);
        kernels::vector_loop(from, to, [=](Index p) {
            const Scalar g = row.gradient[p];
            const Scalar m = row.first[p] + fresh1 * (g - row.first[p]);
            const Scalar v = beta2 * row.second[p] + fresh2 * g * g;
            row.first[p] = m;
            row.second[p] = v;
            result[p] += m * row.correction1 / (std::sqrt(v * row.correction2) + eps);
        });
    }

    AdaTaskOptions options_;
    Tensor<Scalar> first_;
    Tensor<Scalar> second_;
    Tensor<double> steps_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
