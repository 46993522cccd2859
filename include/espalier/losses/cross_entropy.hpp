// SPDX-License-Identifier: MIT
/// @file Cross-entropy of logits and class indices.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/softmax.hpp>
#include <espalier/losses/reduction.hpp>

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::losses {

/// Designated initialisers stand in this order.
template <class Scalar = float>
struct CrossEntropyOptions {
    std::optional<Tensor<Scalar>> weight = {};  ///< of each class, (C,), at least 0; a mean is divided by those of its labels
    Index ignore_index = -100;                  ///< entries with this label count for nothing
    double label_smoothing = 0;                 ///< share of the target that is spread over all classes, in [0, 1]
    Reduction reduction = Reduction::mean;
};

namespace detail {

template <class Scalar>
void check(const CrossEntropyOptions<Scalar>& options) {
    require<ValueError>(is_finite(options.label_smoothing) && options.label_smoothing >= 0 && options.label_smoothing <= 1, "cross_entropy",
                        "expected a label_smoothing in [0, 1], got ", options.label_smoothing);
    if (!options.weight)
        return;
    require<ShapeError>(options.weight->rank() == 1, "cross_entropy", "expected class weights of shape (classes,), got ",
                        options.weight->shape());
    for (const Scalar w : *options.weight)
        require<ValueError>(w >= 0 && is_finite(w), "cross_entropy", "expected finite class weights of at least 0, got ", w);
}

/// The label of every entry, -1 where it is ignored or its sample is not labelled. @throws as `cross_entropy`.
template <class Scalar>
[[nodiscard]] Tensor<Index> checked_labels(const Shape& logits, const Target<Scalar>& target, Index ignore_index) {
    require<ShapeError>(logits.rank() >= 2 && logits.back() > 0, "cross_entropy", "expected logits (N, ..., classes), got ",
                        logits);
    require<StateError>(target.has_labels(), "cross_entropy", "expected a target of class indices, got values of shape ",
                        target.shape());
    require<ShapeError>(target.shape() == logits.without(-1), "cross_entropy", "expected labels of shape ",
                        logits.without(-1), " for logits ", logits, ", got ", target.shape());
    const Tensor<Index>& labels = target.labels();
    const Index each = target.size() ? labels.numel() / target.size() : 1;
    auto result = Tensor<Index>::empty(labels.shape());
    for (Index r = 0; r < labels.numel(); ++r) {
        const Index label = labels[r];
        const bool counts = label != ignore_index && target.labelled(r / each);
        require<ValueError>(!counts || (label >= 0 && label < logits.back()), "cross_entropy", "expected labels in [0, ",
                            logits.back(), "), got ", label, " at sample ", r / each);
        result[r] = counts ? label : -1;
    }
    return result;
}

/// The loss of one row of logits is -sum over c of q_c w_c log softmax(x)_c; q is 1 - smoothing on the label, and
/// smoothing / C more on every class.
template <class Scalar>
class SmoothedTarget {
public:
    SmoothedTarget(Index classes, const CrossEntropyOptions<Scalar>& options)
        : weight_{options.weight ? *options.weight : Tensor<Scalar>::ones({classes})},
          on_label_{static_cast<Scalar>(1 - options.label_smoothing)},
          on_all_{static_cast<Scalar>(options.label_smoothing / static_cast<double>(classes))} {
        for (const Scalar w : weight_)
            total_ += w;
    }

    [[nodiscard]] Scalar weight(Index label) const noexcept { return weight_[label]; }

    /// Loss of the row x, whose softmax goes to `p`.
    [[nodiscard]] Scalar loss(const Scalar* x, Index label, Scalar* p) const {
        const Index classes = weight_.numel();
        const auto [top, log_sum] = kernels::softmax_row(classes, x, p);
        Scalar loss = on_label_ * weight_[label] * (log_sum - (x[label] - top));
        for (Index c = 0; on_all_ > 0 && c < classes; ++c)
            loss += on_all_ * weight_[c] * (log_sum - (x[c] - top));
        return loss;
    }

    /// Gradient of the row whose softmax is `p`, times `factor`.
    void gradient(const Scalar* p, Index label, Scalar factor, Scalar* dx) const {
        const Scalar mass = on_label_ * weight_[label] + on_all_ * total_;
        kernels::vector_loop(0, weight_.numel(), [=, this, weight = weight_.data()](Index c) {
            dx[c] = factor * (mass * p[c] - on_all_ * weight[c]);
        });
        dx[label] -= factor * on_label_ * weight_[label];
    }

private:
    Tensor<Scalar> weight_;
    Scalar on_label_;
    Scalar on_all_;
    Scalar total_ = 0;
};

}  // namespace detail

/// -log softmax(logits)[label] for logits (N, ..., C), the classes on the last axis, and labels (N, ...), so also for
/// images of labels; options as PyTorch's. A mean is the sum of losses divided by the sum of the labels' weights, and 0 if
/// that sum is 0.
/// @throws ShapeError if logits, labels or class weights do not fit, StateError for a target of values, ValueError for a
/// label outside [0, C) or a bad option.
template <class Scalar>
[[nodiscard]] Variable<Scalar> cross_entropy(const Variable<Scalar>& logits, const std::type_identity_t<Target<Scalar>>& target,
                                             const CrossEntropyOptions<Scalar>& options = {}) {
    detail::check(options);
    Tensor<Index> labels = detail::checked_labels(logits.shape(), target, options.ignore_index);
    const Index classes = logits.shape().back();
    require<ShapeError>(!options.weight || options.weight->numel() == classes, "cross_entropy", "expected class weights of shape (",
                        classes, ",), got ", options.weight ? options.weight->shape() : Shape{});
    detail::SmoothedTarget<Scalar> smoothed{classes, options};
    auto softmax = Tensor<Scalar>::empty(logits.requires_grad() ? logits.shape() : Shape{0});
    Tensor<Scalar> loss = Tensor<Scalar>::empty(labels.shape());
    const Index grain = kernels::row_grain(classes);
    parallel_for(labels.numel(), grain, static_cast<std::size_t>(classes) * sizeof(Scalar),
                 [&, keep = logits.requires_grad(), x = logits.value().data(), p = softmax.data(), out = loss.data()](
                     Index begin, Index end, void* spare) {
                     for (Index r = begin; r < end; ++r) {
                         Scalar* const row = keep ? p + r * classes : static_cast<Scalar*>(spare);
                         out[r] = labels[r] < 0 ? Scalar(0) : smoothed.loss(x + r * classes, labels[r], row);
                     }
                 });
    Scalar scale = 1;
    const bool single = options.reduction != Reduction::none;
    if (single) {
        double total = kernels::sum(loss.numel(), [&](Index r) { return loss[r]; });
        if (options.reduction == Reduction::mean) {
            const double weights =
                kernels::sum(labels.numel(), [&](Index r) { return labels[r] < 0 ? Scalar(0) : smoothed.weight(labels[r]); });
            total = weights > 0 ? total / weights : 0;
            scale = weights > 0 ? static_cast<Scalar>(1 / weights) : 0;
        }
        loss = Tensor<Scalar>::scalar(static_cast<Scalar>(total));
    }
    return autograd::record<Scalar>(
        "cross_entropy", std::move(loss), {logits},
        [=, softmax = std::move(softmax), labels = std::move(labels), smoothed = std::move(smoothed)](autograd::Gradients<Scalar>& g) {
            const Index rows = labels.numel();
            auto gradient = Tensor<Scalar>::empty(g.input(0).shape().prepended(g.rows()));
            parallel_for(g.rows() * rows, grain, [&, upstream = g.cotangent().data(), out = gradient.data()](Index begin, Index end) {
                for (Index i = begin; i < end; ++i) {
                    const Index r = i % rows;
                    if (labels[r] < 0)
                        std::fill_n(out + i * classes, classes, Scalar(0));
                    else
                        smoothed.gradient(softmax.data() + r * classes, labels[r],
                                          scale * upstream[single ? i / rows : i], out + i * classes);
                }
            });
            g.add(0, std::move(gradient));
        });
}

/// `cross_entropy` with its options, as a value.
template <class Scalar = float>
class CrossEntropy {
public:
    /// @throws ValueError for a bad option, ShapeError for class weights that are no vector.
    explicit CrossEntropy(CrossEntropyOptions<Scalar> options = {}) : options_{std::move(options)} { detail::check(options_); }
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& logits, const Target<Scalar>& target) const {
        return cross_entropy(logits, target, options_);
    }
    [[nodiscard]] const CrossEntropyOptions<Scalar>& options() const noexcept { return options_; }

private:
    CrossEntropyOptions<Scalar> options_;
};

}  // namespace espalier::inline ESPALIER_ABI::losses
