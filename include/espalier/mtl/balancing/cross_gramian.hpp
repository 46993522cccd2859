// SPDX-License-Identifier: MIT
/// @file What rules see that take the gradients of two independent batches.
#pragma once

#include <espalier/mtl/balancing/evidence.hpp>

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {

/// A = J1 J2^T, (T, T) in double: inner products of the active tasks' gradients in one batch with those in another. The expectation of
/// A w is G w of the expected gradients, which that of one batch's own G is not. It is neither symmetric nor positive semidefinite.
///
/// A rule that is callable with it gives weights as a weighting does; they combine the gradients of a third batch, or of the two.
class CrossGramian {
public:
    CrossGramian(Matrix products, StepContext context) : products_{std::move(products)}, context_{std::move(context)} {}
    /// All tasks active and every loss 1, as in a test: row by row.
    explicit CrossGramian(std::initializer_list<std::initializer_list<double>> rows) : products_{rows} {
        const Weights ones(size(), 1.0);
        context_ = StepContext{ones};
    }

    [[nodiscard]] std::size_t size() const noexcept { return products_.rows(); }
    /// Of task i in the first batch and task j in the second one.
    [[nodiscard]] double operator()(std::size_t i, std::size_t j) const noexcept { return products_(i, j); }
    [[nodiscard]] const Matrix& matrix() const& noexcept { return products_; }
    /// Of the first batch.
    [[nodiscard]] std::span<const double> losses() const noexcept { return context_.losses; }
    [[nodiscard]] const StepContext& context() const noexcept { return context_; }

private:
    Matrix products_;
    StepContext context_;
};

/// A rule that sees inner products of the gradients of two batches, and gives weights for a third.
template <class Rule>
concept CrossWeighting = requires(Rule& rule, const CrossGramian& products) {
    { rule(products) } -> WeightRange;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
