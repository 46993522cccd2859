// SPDX-License-Identifier: MIT
/// @file The three ways to decide a step under a rule: by the losses, by inner products of the gradients, or by these themselves.
///
/// Each lets the rule speak, refuses what must not be said, and adds the gradients last, so that an error changes none.
#pragma once

#include <espalier/autograd/task_gradients.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/mtl/balancing/rule_parts.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl::detail {

/// A step that is to be decided, and where the decision goes.
template <class Scalar>
struct OpenStep {
    std::span<autograd::TaskGradients<Scalar>> gradients;  ///< of a batch, or of several that count as one
    const StepContext& context;
    std::span<const std::string> names;  ///< of all tasks
    RuleParts<Scalar>& rules;
    bool weigh_heads;
    double scale;
    Decision& decision;

    [[nodiscard]] std::size_t tasks() const noexcept { return names.size(); }
    /// Numbers of the active tasks among all, 0 for the others.
    [[nodiscard]] Weights scattered(const Weights& of_active) const {
        Weights result(tasks(), 0.0);
        for (std::size_t i = 0; i < of_active.size(); ++i)
            result[context.tasks[i]] = of_active[i];
        return result;
    }
};

inline void require_finite_gradient(double value, const std::string& task) {
    require<ValueError>(is_finite(value), "backward", "expected finite gradients to balance, got ", value, " in those of task '", task,
                        '\'');
}
inline void check_answer(const Weights& weights, std::size_t tasks) {
    require<ShapeError>(weights.size() == tasks, "backward", "expected from the rule a weight for each of ", tasks, " active tasks, got ",
                        weights.size());
    for (const double weight : weights)
        require<ValueError>(is_finite(weight), "backward", "expected finite weights from the rule, got ", weight);
}
template <class Scalar>
void check_answer(const Tensor<Scalar>& direction, Index columns) {
    require<ShapeError>(direction.shape() == Shape{columns}, "backward", "expected from the rule a direction of shape (", columns,
                        ",), got ", direction.shape());
    for (const Scalar value : direction)
        require<ValueError>(is_finite(value), "backward", "expected a finite direction from the rule, got ", value);
}

/// Every task with weight 1.
template <class Scalar>
void take_all(const OpenStep<Scalar>& step) {
    const Weights scales(step.tasks(), step.scale);
    for (auto& part : step.gradients)
        part.combine([&](std::size_t) { return scales.data(); }, scales);
    step.decision.weights = step.scattered(Weights(step.context.tasks.size(), 1.0));
}

/// With the derivatives of the rule's total as weights.
template <class Scalar>
void decide_by_losses(const OpenStep<Scalar>& step) {
    PoolVector<Variable<Scalar>> losses;
    for (const double loss : step.context.losses)
        losses.emplace_back(Tensor<Scalar>::scalar(static_cast<Scalar>(loss)), true);
    step.rules.whole().total(Losses<Scalar>{losses, step.context}).backward();
    Weights weights;
    for (const auto& loss : losses)
        weights.push_back(loss.has_grad() ? static_cast<double>(loss.grad().item()) : 0);
    step.decision.weights = step.scattered(weights);
    for (auto& part : step.gradients)
        part.combine([&](std::size_t) { return step.decision.weights->data(); }, *step.decision.weights);
}

/// The products of the active tasks.
[[nodiscard]] inline Matrix chosen(const Matrix& all, const PoolVector<std::size_t>& tasks) {
    Matrix result{tasks.size(), tasks.size()};
    for (std::size_t i = 0; i < tasks.size(); ++i)
        for (std::size_t j = 0; j < tasks.size(); ++j)
            result(i, j) = all(tasks[i], tasks[j]);
    return result;
}

/// The inner products on each part, of no extents for one without any.
template <class Scalar>
[[nodiscard]] PoolVector<Matrix> gramians_of_parts(const OpenStep<Scalar>& step, const PoolVector<std::size_t>& part_of_piece) {
    PoolVector<Matrix> gramians(step.rules.size());
    const std::size_t* part = part_of_piece.data();
    for (const auto& from : step.gradients)
        for (std::size_t piece = 0; piece < from.pieces(); ++piece) {
            Matrix& gramian = gramians[*part++];
            if (gramian.rows() == 0)
                gramian = Matrix{step.tasks(), step.tasks()};
            from.add_gramian(piece, gramian.data());
        }
    for (const Matrix& gramian : gramians)
        for (std::size_t i = 0; gramian.rows() > 0 && i < step.context.tasks.size(); ++i) {
            const std::size_t task = step.context.tasks[i];
            require_finite_gradient(gramian(task, task), step.names[task]);
        }
    return gramians;
}

/// What a rule says of inner products, which where all tasks are active are lent to it and not copied.
template <class Scalar>
[[nodiscard]] Weights weights_of(AnyRule<Scalar>& rule, Matrix& gramian, const StepContext& context) {
    const bool all = context.tasks.size() == gramian.rows();
    Gramian seen{all ? std::move(gramian) : chosen(gramian, context.tasks), context};
    Weights given = rule.weights(seen);
    if (all)
        gramian = std::move(seen).matrix();
    check_answer(given, context.tasks.size());
    return given;
}

/// With the weights that each part's rule gives to its inner products.
template <class Scalar>
void decide_by_gramians(const OpenStep<Scalar>& step) {
    const auto part_of_piece = step.rules.parts_of(step.gradients);
    PoolVector<Matrix> gramians = gramians_of_parts(step, part_of_piece);
    PoolVector<Weights> weights(step.rules.size());
    Weights mean(step.tasks(), 0.0);
    Matrix whole;
    double count = 0;
    for (std::size_t i = 0; i < step.rules.size(); ++i)
        if (gramians[i].rows() > 0) {
            weights[i] = step.scattered(weights_of(step.rules[i], gramians[i], step.context));
            if (count++ == 0)
                whole = std::move(gramians[i]);
            else
                whole += gramians[i];
            for (std::size_t t = 0; t < mean.size(); ++t)
                mean[t] += weights[i][t];
            for (double& weight : weights[i])
                weight *= step.scale;
        }
    for (double& weight : mean)
        weight /= count;
    Weights own(step.tasks(), step.scale);
    if (step.weigh_heads)
        std::transform(mean.begin(), mean.end(), own.begin(), [&](double weight) { return weight * step.scale; });
    step.decision.weights = std::move(mean);
    step.decision.gramian = std::move(whole);
    const std::size_t* part = part_of_piece.data();
    for (auto& from : step.gradients) {
        from.combine([&](std::size_t piece) { return weights[part[piece]].data(); }, own);
        part += from.pieces();
    }
}

/// Each part's columns side by side, the gradients' pieces in their order.
template <class Scalar>
struct Columns {
    PoolVector<JacobianBlock> blocks;
    Index size = 0;
    Tensor<Scalar> direction;
};

/// The rows of the active tasks on a part.
template <class Scalar>
[[nodiscard]] Tensor<Scalar> rows_of_part(const OpenStep<Scalar>& step, std::size_t wanted, const PoolVector<std::size_t>& part_of_piece,
                                          const PoolVector<Index>& firsts, Index columns) {
    const auto& tasks = step.context.tasks;
    auto all = Tensor<Scalar>::empty({static_cast<Index>(step.tasks()), columns});
    std::size_t index = 0;
    for (const auto& from : step.gradients)
        for (std::size_t piece = 0; piece < from.pieces(); ++piece, ++index)
            if (part_of_piece[index] == wanted)
                from.write_rows(piece, all.data() + firsts[index], columns);
    if (tasks.size() == step.tasks())
        return all;
    auto active = Tensor<Scalar>::empty({static_cast<Index>(tasks.size()), columns});
    for (std::size_t t = 0; t < tasks.size(); ++t)
        std::copy_n(all.data() + static_cast<Index>(tasks[t]) * columns, columns, active.data() + static_cast<Index>(t) * columns);
    return active;
}

/// With the direction that each part's rule gives for its columns.
template <class Scalar>
void decide_by_rows(const OpenStep<Scalar>& step) {
    const auto part_of_piece = step.rules.parts_of(step.gradients);
    PoolVector<Columns<Scalar>> columns(step.rules.size());
    PoolVector<Index> firsts;
    const std::size_t* part = part_of_piece.data();
    for (const auto& from : step.gradients)
        for (std::size_t piece = 0; piece < from.pieces(); ++piece) {
            Columns<Scalar>& to = columns[*part++];
            firsts.push_back(to.size);
            to.blocks.push_back({from.name(piece), to.size, from.numel(piece)});
            to.size += from.numel(piece);
        }
    for (std::size_t i = 0; i < step.rules.size(); ++i) {
        if (columns[i].blocks.empty())
            continue;
        Tensor<Scalar> rows = rows_of_part(step, i, part_of_piece, firsts, columns[i].size);
        for (std::size_t t = 0; t < step.context.tasks.size(); ++t)
            for (Index p = 0; p < columns[i].size; ++p)
                require_finite_gradient(static_cast<double>(rows[static_cast<Index>(t) * columns[i].size + p]),
                                        step.names[step.context.tasks[t]]);
        columns[i].direction = step.rules[i].direction(Jacobian<Scalar>{std::move(rows), step.context, columns[i].blocks});
        check_answer(columns[i].direction, columns[i].size);
        for (Scalar& value : columns[i].direction)
            value *= static_cast<Scalar>(step.scale);
    }
    const Weights own(step.tasks(), step.scale);
    std::size_t first = 0;
    for (auto& from : step.gradients) {
        from.apply([&](std::size_t piece) { return columns[part_of_piece[first + piece]].direction.data() + firsts[first + piece]; }, own);
        first += from.pieces();
    }
}

template <class Scalar>
void decide(const OpenStep<Scalar>& step) {
    const auto pieces = [](const auto& part) { return part.pieces() > 0; };
    if (std::none_of(step.gradients.begin(), step.gradients.end(), pieces) || step.context.tasks.size() < 2)
        take_all(step);  // there is nothing to decide
    else if (step.rules.evidence() == Evidence::losses)
        decide_by_losses(step);
    else if (step.rules.evidence() == Evidence::gramian)
        decide_by_gramians(step);
    else
        decide_by_rows(step);
}

}  // namespace espalier::inline ESPALIER_ABI::mtl::detail
