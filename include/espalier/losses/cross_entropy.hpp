// SPDX-License-Identifier: MIT
/// @file Cross-entropy of logits and class indices, or probabilities of the classes.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/softmax.hpp>
#include <espalier/losses/class_probabilities.hpp>
#include <espalier/losses/labels.hpp>
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
    check_class_weights("cross_entropy", options.weight);
}

/// The loss of one row of logits is -sum over c of q_c w_c log softmax(x)_c; q is 1 - smoothing on the label, and
/// smoothing / C more on every class. Sums over more than a few classes are made in double.
template <class Scalar>
class SmoothedTarget {
public:
    SmoothedTarget(Index classes, const CrossEntropyOptions<Scalar>& options)
        : classes_{classes},
          on_label_{static_cast<Scalar>(1 - options.label_smoothing)},
          on_all_{options.label_smoothing / static_cast<double>(classes)} {
        if (options.weight)
            weight_.assign(options.weight->begin(), options.weight->end());
        double total = weight_.empty() ? static_cast<double>(classes) : 0;
        for (const Scalar w : weight_)
            total += static_cast<double>(w);
        on_others_ = static_cast<Scalar>(on_all_ * total);
    }

    [[nodiscard]] Scalar weight(Index c) const noexcept { return weight_.empty() ? Scalar(1) : weight_[static_cast<std::size_t>(c)]; }
    /// The sum of q_c w_c. Where it is 0, so are loss and gradient.
    [[nodiscard]] Scalar mass(Index label) const noexcept { return on_label_ * weight(label) + on_others_; }

    [[nodiscard]] bool leaves_out_classes() const {
        const Index weighted = static_cast<Index>(weight_.size());
        for (Index c = 0; c < weighted; ++c)
            if (!(mass(c) > 0))
                return true;
        return false;
    }

    /// Loss of the row x.
    [[nodiscard]] Scalar loss(const Scalar* x, Index label, const kernels::SumExp<Scalar>& total) const {
        const Scalar top = total.top, log_sum = total.log_sum();
        Scalar loss = on_label_ * weight(label) * (log_sum - (x[label] - top));
        if (classes_ > few)
            return on_all_ > 0 ? static_cast<Scalar>(static_cast<double>(loss) + on_all_ * spread(x, top, log_sum)) : loss;
        for (Index c = 0; on_all_ > 0 && c < classes_; ++c)
            loss += static_cast<Scalar>(on_all_) * weight(c) * (log_sum - (x[c] - top));
        return loss;
    }

    /// Gradient of the row whose softmax is `p`, times `factor`.
    void gradient(const Scalar* p, Index label, Scalar factor, Scalar* dx) const {
        with_weights([&, all = static_cast<Scalar>(on_all_), sum = mass(label)](const auto& w) {
            kernels::vector_loop(0, classes_, [=](Index c) { dx[c] = factor * (sum * p[c] - all * w(c)); });
        });
        dx[label] -= factor * on_label_ * weight(label);
    }

private:
    static constexpr Index few = 32;

    /// `f(w)` with `w(c)` the weight of class c: for loops, which then ask once whether there are weights.
    template <class F>
    void with_weights(const F& f) const {
        if (weight_.empty())
            f([](Index) { return Scalar(1); });
        else
            f([w = weight_.data()](Index c) { return w[c]; });
    }

    /// The sum of w_c times -log softmax(x)_c. Four sums side by side: one alone would wait for its own last addition.
    [[nodiscard]] double spread(const Scalar* x, Scalar top, Scalar log_sum) const {
        double sums[4] = {0, 0, 0, 0};
        with_weights([&](const auto& w) {
            const auto term = [&](Index c) { return static_cast<double>(w(c)) * static_cast<double>(log_sum - (x[c] - top)); };
            Index c = 0;
            for (; c + 4 <= classes_; c += 4)
                for (Index j = 0; j < 4; ++j)
                    sums[j] += term(c + j);
            for (; c < classes_; ++c)
                sums[0] += term(c);
        });
        return (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }

    Index classes_;
    PoolVector<Scalar> weight_;  ///< of each class; none stands for ones
    Scalar on_label_;
    double on_all_;
    Scalar on_others_;  ///< on_all_ times the sum of the weights
};

}  // namespace detail

/// -log softmax(logits)[label] for logits (N, ..., C), the classes on the last axis, and labels (N, ...), so also for
/// images of labels and sequences (N, L), of which `ignore_index` or a mask (N, L) leaves out what pads them; options as PyTorch's. A label
/// counts with the weight of its class times that of its sample: a mean is the sum of losses divided by the sum of these.
///
/// What counts for nothing is as if it were not labelled: a label that is `ignore_index`, or one of class weight 0 unless
/// smoothing gives other classes a share of it. (It then adds to the sum of losses and not to the divisor, as in PyTorch.)
/// Where nothing counts, or the divisor is 0, the loss is a constant 0.
///
/// A target of values of the logits' shape (N, ..., C) is probabilities of the classes, as `data::mix_up` makes them: then a row counts
/// whose values all do, and a mean is over rows, weighted by their samples alone, also with class weights, as PyTorch's.
/// @throws ShapeError if logits, labels or class weights do not fit, StateError for a target of values of another shape, ValueError for a
/// label outside [0, C), a probability outside [0, 1] or a bad option.
template <class Scalar>
[[nodiscard]] Variable<Scalar> cross_entropy(const Variable<Scalar>& logits, const std::type_identity_t<Target<Scalar>>& target,
                                             const CrossEntropyOptions<Scalar>& options = {}) {
    detail::check(options);
    if (!target.has_labels() && logits.shape().rank() >= 2 && logits.shape().back() > 0 && target.shape() == logits.shape())
        return detail::cross_entropy_of_probabilities(logits, target, options.weight, options.label_smoothing, options.reduction);
    const detail::ElementWeights<Scalar> weights{target, options.reduction};
    Tensor<Index> labels = detail::checked_labels("cross_entropy", logits.shape(), target, weights, options.ignore_index);
    const Index classes = logits.shape().back();
    require<ShapeError>(!options.weight || options.weight->numel() == classes, "cross_entropy", "expected class weights of shape (",
                        classes, ",), got ", options.weight ? options.weight->shape() : Shape{});
    detail::SmoothedTarget<Scalar> smoothed{classes, options};
    if (smoothed.leaves_out_classes())
        std::replace_if(
            labels.begin(), labels.end(), [&](Index label) { return label >= 0 && !(smoothed.mass(label) > 0); }, Index{-1});
    const bool any = std::any_of(labels.begin(), labels.end(), [](Index label) { return label >= 0; });
    double divisor = 1;
    if (any && options.reduction == Reduction::mean)
        divisor = kernels::sum(labels.numel(), [&](Index r) {
            return labels[r] < 0 ? Scalar(0) : weights.weighted() ? smoothed.weight(labels[r]) * weights[r] : smoothed.weight(labels[r]);
        });
    if (!any || !(divisor > 0))
        return detail::constant_zero<Scalar>(options.reduction, labels.shape());

    auto softmax = Tensor<Scalar>::empty(logits.requires_grad() ? logits.shape() : Shape{0});
    Tensor<Scalar> loss = Tensor<Scalar>::empty(labels.shape());
    const bool weighted = weights.weighted();
    PoolVector<Scalar> share(static_cast<std::size_t>(weighted ? labels.numel() : 0));  // of each row
    const Index grain = kernels::row_grain(classes);
    parallel_for(labels.numel(), grain, static_cast<std::size_t>(classes) * sizeof(Scalar),
                 [&, keep = logits.requires_grad(), x = logits.value().data(), p = softmax.data(),
                  out = loss.data()](Index begin, Index end, void* spare) {
                     for (Index r = begin; r < end;) {
                         const Index first = r;
                         while (r < end && labels[r] >= 0 && (keep || r == first))
                             ++r;
                         kernels::softmax_rows(r - first, classes, x + first * classes,
                                               keep ? p + first * classes : static_cast<Scalar*>(spare),
                                               [&](Index i, const kernels::SumExp<Scalar>& total) {
                                                   out[first + i] = smoothed.loss(x + (first + i) * classes, labels[first + i], total);
                                               });
                         for (; r < end && labels[r] < 0; ++r)
                             out[r] = 0;
                     }
                     for (Index r = begin; weighted && r < end; ++r)
                         out[r] *= share[static_cast<std::size_t>(r)] = weights[r];
                 });
    const bool single = options.reduction != Reduction::none;
    if (single)
        loss = Tensor<Scalar>::scalar(static_cast<Scalar>(kernels::sum(loss.numel(), [&](Index r) { return loss[r]; }) / divisor));
    return autograd::record<Scalar>(
        "cross_entropy", std::move(loss), {logits},
        [=, scale = static_cast<Scalar>(1 / divisor), softmax = std::move(softmax), labels = std::move(labels), share = std::move(share),
         smoothed = std::move(smoothed)](autograd::Gradients<Scalar>& g) {
            const Index rows = labels.numel();
            auto gradient = Tensor<Scalar>::empty(g.input(0).shape().prepended(g.rows()));
            parallel_for(g.rows() * rows, grain, [&, upstream = g.cotangent().data(), out = gradient.data()](Index begin, Index end) {
                for (Index i = begin; i < end; ++i) {
                    const Index r = i % rows;
                    if (labels[r] < 0) {
                        std::fill_n(out + i * classes, classes, Scalar(0));
                        continue;
                    }
                    const Scalar factor = scale * upstream[single ? i / rows : i];
                    smoothed.gradient(softmax.data() + r * classes, labels[r],
                                      weighted ? factor * share[static_cast<std::size_t>(r)] : factor, out + i * classes);
                }
            });
            g.add(0, std::move(gradient));
        });
}
/// The same of logits that are no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> cross_entropy(const Tensor<Scalar>& logits, const std::type_identity_t<Target<Scalar>>& target,
                                             const CrossEntropyOptions<Scalar>& options = {}) {
    return cross_entropy(Variable<Scalar>{logits}, target, options);
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
    [[nodiscard]] const CrossEntropyOptions<Scalar>& options() const& noexcept { return options_; }
    [[nodiscard]] CrossEntropyOptions<Scalar> options() && { return std::move(options_); }

private:
    CrossEntropyOptions<Scalar> options_;
};

}  // namespace espalier::inline ESPALIER_ABI::losses
