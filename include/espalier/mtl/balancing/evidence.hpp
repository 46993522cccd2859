// SPDX-License-Identifier: MIT
/// @file What a balancing rule may see of a step: the losses, the inner products of the tasks' gradients, or these themselves.
///
/// The signature of a rule says what must be computed for it, and no more is:
///
///     Variable<Scalar>(const Losses<Scalar>&)     a scalarizer: one number, differentiated like any loss
///     Weights(const Gramian&)                     a weighting: how much of each task's gradient makes the common one
///     Tensor<Scalar>(const Jacobian<Scalar>&)     an aggregator: the common gradient itself
///
/// Rules of the library and lambdas of users are the same. What else a rule may have is in rule.hpp.
#pragma once

#include <espalier/autograd/variable.hpp>
#include <espalier/mtl/balancing/matrix.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {

/// A number for each active task, in their order.
using Weights = PoolVector<double>;

/// What every rule is told of a step. A task of which nothing counts in the batch, or whose weight is 0, is not active: the rule
/// sees T - 1 tasks then.
struct StepContext {
    PoolVector<double> losses;      ///< of the active tasks, each times its weight in the criterion
    PoolVector<std::size_t> tasks;  ///< which of the criterion's tasks they are, ascending
    std::size_t task_count = 0;     ///< of the criterion, active or not
    Index step = 0;                 ///< how many the rule has seen before
    Index epoch = 0;                ///< how often `end_epoch` was called before

    StepContext() = default;
    /// All tasks active, as in a test.
    explicit StepContext(std::span<const double> their_losses)
        : losses(their_losses.begin(), their_losses.end()), tasks(their_losses.size()), task_count{their_losses.size()} {
        std::iota(tasks.begin(), tasks.end(), std::size_t{0});
    }
};

/// The losses of the active tasks as variables of one element; a rule makes the total of them.
template <class Scalar>
class Losses {
public:
    Losses(std::span<const Variable<Scalar>> values, const StepContext& context) noexcept : values_{values}, context_{context} {}

    [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }
    [[nodiscard]] const Variable<Scalar>& operator[](std::size_t i) const noexcept { return values_[i]; }
    [[nodiscard]] std::span<const Variable<Scalar>> variables() const noexcept { return values_; }
    [[nodiscard]] std::span<const double> values() const noexcept { return context_.losses; }
    [[nodiscard]] const StepContext& context() const noexcept { return context_; }

private:
    std::span<const Variable<Scalar>> values_;
    const StepContext& context_;
};

/// G = J J^T, (T, T) in double: inner products of the gradients of the active tasks on what they share.
class Gramian {
public:
    Gramian(Matrix products, StepContext context) : products_{std::move(products)}, context_{std::move(context)} {}
    /// All tasks active and every loss 1, as in a test: row by row.
    explicit Gramian(std::initializer_list<std::initializer_list<double>> rows) : products_{rows} {
        const Weights ones(size(), 1.0);
        context_ = StepContext{ones};
    }

    [[nodiscard]] std::size_t size() const noexcept { return products_.rows(); }
    [[nodiscard]] double operator()(std::size_t i, std::size_t j) const noexcept { return products_(i, j); }
    [[nodiscard]] const Matrix& matrix() const& noexcept { return products_; }
    [[nodiscard]] Matrix matrix() && noexcept { return std::move(products_); }
    /// Length of a task's gradient.
    [[nodiscard]] double norm(std::size_t i) const noexcept { return std::sqrt(std::max(products_(i, i), 0.0)); }
    /// Of the angle between two tasks' gradients; 0 if one of them is 0.
    [[nodiscard]] double cosine(std::size_t i, std::size_t j) const noexcept {
        const double length = norm(i) * norm(j);
        return length > 0 ? std::clamp(products_(i, j) / length, -1.0, 1.0) : 0;
    }
    [[nodiscard]] std::span<const double> losses() const noexcept { return context_.losses; }
    [[nodiscard]] const StepContext& context() const noexcept { return context_; }

private:
    Matrix products_;
    StepContext context_;
};

/// Which columns of a Jacobian belong to one parameter.
struct JacobianBlock {
    std::string_view name;  ///< its path in the model; empty for a leaf that no model has, and for features
    Index first = 0;
    Index size = 0;
};

/// The gradients of the active tasks on what they share: (T, P), P the elements of all shared parameters side by side, 0 where
/// a task does not reach one.
template <class Scalar>
class Jacobian {
public:
    /// @throws ShapeError unless there is a row for each active task
    Jacobian(Tensor<Scalar> rows, StepContext context, PoolVector<JacobianBlock> blocks = {})
        : rows_{std::move(rows)}, context_{std::move(context)}, blocks_{std::move(blocks)} {
        require<ShapeError>(rows_.rank() == 2 && std::cmp_equal(rows_.size(0), context_.tasks.size()), "Jacobian", "expected ",
                            context_.tasks.size(), " rows, got shape ", rows_.shape());
    }

    [[nodiscard]] std::size_t size() const noexcept { return context_.tasks.size(); }
    [[nodiscard]] Index columns() const noexcept { return rows_.shape()[1]; }
    [[nodiscard]] const Tensor<Scalar>& matrix() const& noexcept { return rows_; }
    [[nodiscard]] std::span<const Scalar> row(std::size_t i) const noexcept {
        return rows_.span().subspan(i * static_cast<std::size_t>(columns()), static_cast<std::size_t>(columns()));
    }
    [[nodiscard]] const PoolVector<JacobianBlock>& blocks() const& noexcept { return blocks_; }
    [[nodiscard]] std::span<const double> losses() const noexcept { return context_.losses; }
    [[nodiscard]] const StepContext& context() const noexcept { return context_; }

private:
    Tensor<Scalar> rows_;
    StepContext context_;
    PoolVector<JacobianBlock> blocks_;
};

/// One number for each row of numbers: what a weighting may return.
template <class R>
concept WeightRange = std::convertible_to<R, std::span<const double>>;

/// A rule that needs the losses alone, and makes the total of them.
template <class Rule, class Scalar>
concept Scalarizer = requires(Rule& rule, const Losses<Scalar>& losses) {
    { rule(losses) } -> std::convertible_to<Variable<Scalar>>;
};
/// A rule that sees inner products of gradients, and gives weights.
template <class Rule>
concept Weighting = requires(Rule& rule, const Gramian& gramian) {
    { rule(gramian) } -> WeightRange;
};
/// A rule that sees the gradients, and gives the common one.
template <class Rule, class Scalar>
concept Aggregator = requires(Rule& rule, const Jacobian<Scalar>& jacobian) {
    { rule(jacobian) } -> std::convertible_to<Tensor<Scalar>>;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
