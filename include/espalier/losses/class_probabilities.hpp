// SPDX-License-Identifier: MIT
/// @file Cross-entropy of logits and probabilities of the classes, such as `data::mix_up` makes of labels: a part of cross_entropy.hpp.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/softmax.hpp>
#include <espalier/losses/labels.hpp>
#include <espalier/losses/match.hpp>
#include <espalier/losses/reduction.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace espalier::inline ESPALIER_ABI::losses::detail {

/// The weight of every row of values (N, ..., C): that of its sample, 0 unless all of the row counts.
/// @throws ValueError for a probability outside of [0, 1] that counts
template <class Scalar>
[[nodiscard]] Tensor<Scalar> weights_of_rows(const char* operation, const Target<Scalar>& target, const ElementWeights<Scalar>& weights) {
    const Index classes = target.shape().back();
    auto result = Tensor<Scalar>::empty(target.shape().without(-1));
    for (Index r = 0; r < result.numel(); ++r) {
        result[r] = weights[r * classes];
        for (Index c = 1; c < classes; ++c)
            result[r] = std::min(result[r], weights[r * classes + c]);
        for (Index i = r * classes; result[r] > 0 && i < (r + 1) * classes; ++i) {
            const Scalar q = target.values()[i];
            require<ValueError>(is_share(q), operation, "expected probabilities in [0, 1], got ", q, " at sample ",
                                i / target.sample_numel());
        }
    }
    return result;
}

/// The sum over c of -q_c w_c log softmax(x)_c for each row, q the probabilities after smoothing and w the weights of the classes, and a
/// mean over the rows alone: of q nothing is known that class weights could be divided by, as PyTorch has it.
template <class Scalar>
[[nodiscard]] Variable<Scalar> cross_entropy_of_probabilities(const Variable<Scalar>& logits, const Target<Scalar>& target,
                                                              const std::optional<Tensor<Scalar>>& weight, double label_smoothing,
                                                              Reduction reduction) {
    const char* const operation = "cross_entropy";
    const Index classes = logits.shape().back();
    require<ShapeError>(!weight || weight->numel() == classes, operation, "expected class weights of shape (", classes, ",), got ",
                        weight ? weight->shape() : Shape{});
    const ElementWeights<Scalar> weights{target, reduction};
    const Tensor<Scalar> of_rows = weights_of_rows(operation, target, weights);
    const Index rows = of_rows.numel();
    const double total = kernels::sum(rows, [&](Index r) { return of_rows[r]; });
    if (!(total > 0))
        return constant_zero<Scalar>(reduction, of_rows.shape());
    const double divisor = reduction == Reduction::mean ? total : 1;
    auto slopes = Tensor<Scalar>::empty(logits.shape());
    auto loss = Tensor<Scalar>::empty(of_rows.shape());
    const auto keep = static_cast<Scalar>(1 - label_smoothing),
               spread = static_cast<Scalar>(label_smoothing / static_cast<double>(classes));
    parallel_for(rows, kernels::row_grain(classes),
                 [&, x = logits.value().data(), q = target.values().data(), slope = slopes.data()](Index begin, Index end) {
                     for (Index r = begin; r < end; ++r) {
                         Scalar* const p = slope + r * classes;
                         loss[r] = 0;
                         if (!(of_rows[r] > 0)) {
                             std::fill_n(p, classes, Scalar(0));
                             continue;
                         }
                         const Scalar* const row = x + r * classes;
                         const auto sums = kernels::softmax_row(classes, row, p);
                         const Scalar top = sums.top, log_sum = sums.log_sum();
                         const auto share = [&](Index c) {
                             return (keep * q[r * classes + c] + spread) * (weight ? (*weight)[c] : Scalar(1));
                         };
                         Scalar mass = 0;
                         for (Index c = 0; c < classes; ++c) {
                             mass += share(c);
                             if (share(c) > 0)
                                 loss[r] += share(c) * (log_sum - (row[c] - top));
                         }
                         loss[r] *= of_rows[r];
                         for (Index c = 0; c < classes; ++c)
                             p[c] = of_rows[r] * (mass * p[c] - share(c));
                     }
                 });
    const bool single = reduction != Reduction::none;
    if (single)
        loss = Tensor<Scalar>::scalar(static_cast<Scalar>(kernels::sum(rows, [&](Index r) { return loss[r]; }) / divisor));
    return autograd::record<Scalar>(
        operation, std::move(loss), {logits},
        [slopes = std::move(slopes), rows, classes, single, scale = static_cast<Scalar>(1 / divisor)](autograd::Gradients<Scalar>& g) {
            auto gradient = Tensor<Scalar>::empty(slopes.shape().prepended(g.rows()));
            const Index size = slopes.numel();
            kernels::for_each_index(g.rows() * size, [&, upstream = g.cotangent().data(), out = gradient.data(),
                                                      slope = slopes.data()](Index i) {
                out[i] = slope[i % size] * (single ? scale * upstream[i / size] : upstream[i / size * rows + i % size / classes]);
            });
            g.add(0, std::move(gradient));
        });
}

}  // namespace espalier::inline ESPALIER_ABI::losses::detail
