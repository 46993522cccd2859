// SPDX-License-Identifier: MIT
/// @file Losses that are the Jaccard index (IoU) of predicted and true regions, continued to probabilities and margins by its Lovász
/// extension (Berman, Rannen Triki & Blaschko, 2018).
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/kernels/softmax.hpp>
#include <espalier/losses/groups.hpp>
#include <espalier/losses/labels.hpp>
#include <espalier/losses/reduction.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::losses {

/// Designated initialisers stand in this order.
struct LovaszSoftmaxOptions {
    bool per_image = false;     ///< the regions of each image for itself, not of the whole batch
    bool all_classes = false;   ///< also those that no label has; else they are left out of the mean
    Index ignore_index = -100;  ///< entries with this label count for nothing
    Reduction reduction = Reduction::mean;  ///< of the losses of images, if it is per_image
};

/// Designated initialisers stand in this order.
struct LovaszHingeOptions {
    bool per_image = true;  ///< the regions of each image for itself, not of the whole batch
    Reduction reduction = Reduction::mean;  ///< of the losses of images, if it is per_image
};

namespace detail {

/// One pixel of one class.
template <class Scalar>
struct LovaszError {
    Scalar error;
    Scalar weight;
    Index element;
    bool truth;
};

/// Sorts the errors, the largest first, and gives the extension's loss; `slope(entry, derivative by its error)` for each. All are NaN if
/// one of the errors is: they have no order then.
template <class Scalar, class Slope>
double lovasz(PoolVector<LovaszError<Scalar>>& errors, const Slope& slope) {
    if (std::any_of(errors.begin(), errors.end(), [](const auto& entry) { return is_nan(entry.error); })) {
        constexpr double nan = std::numeric_limits<double>::quiet_NaN();
        for (const auto& entry : errors)
            slope(entry, nan);
        return nan;
    }
    std::sort(errors.begin(), errors.end(),
              [](const auto& a, const auto& b) { return a.error != b.error ? a.error > b.error : a.element < b.element; });
    double truth = 0;
    for (const auto& entry : errors)
        truth += entry.truth ? static_cast<double>(entry.weight) : 0;
    double intersection = truth;
    double both = truth;
    double before = 0;
    double loss = 0;
    for (const auto& entry : errors) {
        (entry.truth ? intersection : both) += (entry.truth ? -1 : 1) * static_cast<double>(entry.weight);
        const double jaccard = 1 - std::max(intersection, 0.0) / both;
        loss += static_cast<double>(entry.error) * (jaccard - before);
        slope(entry, jaccard - before);
        before = jaccard;
    }
    return loss;
}

/// `loss_of(first, last, slopes) -> loss` of the rows [first, last) for each image, or once for all of them.
template <class Scalar, class WeightOf, class LossOf>
[[nodiscard]] Variable<Scalar> by_image(const char* operation, const Variable<Scalar>& logits, Index rows, bool per_image,
                                        Reduction reduction, const WeightOf& weight_of, const LossOf& loss_of) {
    const Index groups = per_image ? logits.shape()[0] : 1;
    const Index each = groups ? rows / groups : 0;
    GroupLosses<Scalar> all{logits, per_image ? Shape{groups} : Shape{}};
    for (Index n = 0; n < groups; ++n) {
        all.weights[n] = 0;
        for (Index r = n * each; r < (n + 1) * each; ++r)
            all.weights[n] = std::max(all.weights[n], weight_of(r));
        if (all.weights[n] > 0)
            all.losses[n] = static_cast<Scalar>(loss_of(n * each, (n + 1) * each, all.slopes.numel() ? all.slopes.data() : nullptr));
        if (!per_image)
            all.weights[n] = Scalar(all.weights[n] > 0);
    }
    return reduced(operation, logits, std::move(all), per_image ? reduction : Reduction::sum);
}

/// Lovász-softmax of the rows [first, last): of probabilities, and the derivatives by the logits.
template <class Scalar, class WeightOf>
[[nodiscard]] double lovasz_softmax_of(Index first, Index last, const Tensor<Scalar>& p, const Tensor<Index>& labels, bool all_classes,
                                       const WeightOf& weight_of, Scalar* d) {
    const Index classes = p.shape().back();
    PoolVector<double> losses(static_cast<std::size_t>(classes));
    PoolVector<Index> present(static_cast<std::size_t>(classes), all_classes ? 1 : 0);
    for (Index r = first; r < last; ++r)
        if (labels[r] >= 0)
            present[static_cast<std::size_t>(labels[r])] = 1;
    double count = 0;
    for (const Index here : present)
        count += static_cast<double>(here);
    if (d)
        std::fill(d + first * classes, d + last * classes, Scalar(0));
    parallel_for(classes, 1, [&](Index begin, Index end) {
        PoolVector<LovaszError<Scalar>> errors;
        for (Index c = begin; c < end; ++c) {
            if (!present[static_cast<std::size_t>(c)])
                continue;
            errors.clear();
            for (Index r = first; r < last; ++r)
                if (labels[r] >= 0) {
                    const bool truth = labels[r] == c;
                    errors.push_back({truth ? 1 - p[r * classes + c] : p[r * classes + c], weight_of(r), r, truth});
                }
            losses[static_cast<std::size_t>(c)] = lovasz(errors, [&](const auto& entry, double slope) {
                if (d)
                    d[entry.element * classes + c] = static_cast<Scalar>((entry.truth ? -slope : slope) / count);
            });
        }
    });
    double loss = 0;
    for (const double of_class : losses)
        loss += of_class;
    for (Index r = first; d && r < last; ++r) {
        if (labels[r] < 0)
            continue;
        Scalar along = 0;
        for (Index i = r * classes; i < (r + 1) * classes; ++i)
            along += d[i] * p[i];
        for (Index i = r * classes; i < (r + 1) * classes; ++i)
            d[i] = p[i] * (d[i] - along);
    }
    return loss / count;
}

}  // namespace detail

/// The mean over the classes of the Lovász extension of 1 - IoU, at the distances of softmax(logits) from the labels: logits
/// (N, ..., C), labels (N, ...). Unreduced and per_image there is a loss for each image, (N,).
///
/// What does not count is left out. Sample weights weigh entries in the Jaccard index or, per_image, the losses of images; without
/// per_image there is one loss, and `reduction` says nothing.
/// @throws ShapeError if logits and labels do not fit, StateError for a target of values, ValueError for a label outside [0, C).
template <class Scalar>
[[nodiscard]] Variable<Scalar> lovasz_softmax_loss(const Variable<Scalar>& logits, const std::type_identity_t<Target<Scalar>>& target,
                                                   const LovaszSoftmaxOptions& options = {}) {
    const detail::ElementWeights<Scalar> weights{target, options.per_image ? options.reduction : Reduction::mean};
    const Tensor<Index> labels = detail::checked_labels("lovasz_softmax_loss", logits.shape(), target, weights, options.ignore_index);
    const Index classes = logits.shape().back();
    auto p = Tensor<Scalar>::empty(logits.shape());
    parallel_for(labels.numel(), kernels::row_grain(classes), [&, x = logits.value().data(), out = p.data()](Index begin, Index end) {
        for (Index r = begin; r < end; ++r)
            if (labels[r] >= 0)
                kernels::softmax_row(classes, x + r * classes, out + r * classes);
    });
    const auto weight = [&](Index r) { return labels[r] < 0 ? Scalar(0) : weights[r]; };
    return detail::by_image("lovasz_softmax_loss", logits, labels.numel(), options.per_image, options.reduction, weight,
                            [&](Index first, Index last, Scalar* slopes) {
                                return detail::lovasz_softmax_of(
                                    first, last, p, labels, options.all_classes,
                                    [&](Index r) { return options.per_image ? Scalar(1) : weights[r]; }, slopes);
                            });
}
/// The same of logits that are no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> lovasz_softmax_loss(const Tensor<Scalar>& logits, const std::type_identity_t<Target<Scalar>>& target,
                                                   const LovaszSoftmaxOptions& options = {}) {
    return lovasz_softmax_loss(Variable<Scalar>{logits}, target, options);
}

/// The Lovász extension of 1 - IoU at the hinge errors max(0, 1 - x) for the value 1, max(0, 1 + x) for 0, of logits (N, ...) and values
/// 0 and 1 of their shape; pixels to ignore are masked. Unreduced and per_image there is a loss for each image, (N,); weights as above.
/// @throws ShapeError for another shape of values, StateError for a target of class indices, ValueError for a value other than 0 and 1.
template <class Scalar>
[[nodiscard]] Variable<Scalar> lovasz_hinge_loss(const Variable<Scalar>& logits, const std::type_identity_t<Target<Scalar>>& target,
                                                 const LovaszHingeOptions& options = {}) {
    const Tensor<Scalar>& values = values_like("lovasz_hinge_loss", logits.shape(), target, "0 and 1");
    const detail::ElementWeights<Scalar> weights{target, options.per_image ? options.reduction : Reduction::mean};
    for (Index i = 0; i < values.numel(); ++i)
        if (weights.counts(i) && values[i] != 0 && values[i] != 1)
            fail<ValueError>("lovasz_hinge_loss", "expected values 0 and 1, got ", values[i], " at sample ", i / target.sample_numel());
    const Scalar* const x = logits.value().data();
    return detail::by_image(
        "lovasz_hinge_loss", logits, logits.numel(), options.per_image, options.reduction, [&](Index i) { return weights[i]; },
        [&](Index first, Index last, Scalar* d) {
            PoolVector<detail::LovaszError<Scalar>> errors;
            if (d)
                std::fill(d + first, d + last, Scalar(0));
            for (Index i = first; i < last; ++i)
                if (weights.counts(i))
                    errors.push_back({std::max(values[i] == 1 ? 1 - x[i] : 1 + x[i], Scalar(0)), options.per_image ? Scalar(1) : weights[i],
                                      i, values[i] == 1});
            return detail::lovasz(errors, [&](const auto& entry, double slope) {
                if (d && !(entry.error <= 0))
                    d[entry.element] = static_cast<Scalar>(entry.truth ? -slope : slope);
            });
        });
}
/// The same of logits that are no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> lovasz_hinge_loss(const Tensor<Scalar>& logits, const std::type_identity_t<Target<Scalar>>& target,
                                                 const LovaszHingeOptions& options = {}) {
    return lovasz_hinge_loss(Variable<Scalar>{logits}, target, options);
}

/// `lovasz_softmax_loss` with its options, as a value.
template <class Scalar = float>
class LovaszSoftmax {
public:
    explicit LovaszSoftmax(const LovaszSoftmaxOptions& options = {}) : options_{options} {}
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& logits, const Target<Scalar>& target) const {
        return lovasz_softmax_loss(logits, target, options_);
    }
    [[nodiscard]] const LovaszSoftmaxOptions& options() const& noexcept { return options_; }
    [[nodiscard]] LovaszSoftmaxOptions options() && noexcept { return options_; }

private:
    LovaszSoftmaxOptions options_;
};

/// `lovasz_hinge_loss` with its options, as a value.
template <class Scalar = float>
class LovaszHinge {
public:
    explicit LovaszHinge(const LovaszHingeOptions& options = {}) : options_{options} {}
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& logits, const Target<Scalar>& target) const {
        return lovasz_hinge_loss(logits, target, options_);
    }
    [[nodiscard]] const LovaszHingeOptions& options() const& noexcept { return options_; }
    [[nodiscard]] LovaszHingeOptions options() && noexcept { return options_; }

private:
    LovaszHingeOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::losses
