// SPDX-License-Identifier: MIT
/// @file Tversky's loss: one minus the overlap of predicted and true regions, with prices of its own for what is too much and what is
/// missing (Salehi, Erdogmus & Gholipour, 2017), and its focal form (Abraham & Khan, 2019).
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/kernels/softmax.hpp>
#include <espalier/losses/groups.hpp>
#include <espalier/losses/labels.hpp>
#include <espalier/losses/match.hpp>
#include <espalier/losses/reduction.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::losses {

/// Designated initialisers stand in this order.
struct TverskyOptions {
    double alpha = 0.3;         ///< price of what is predicted and not true, at least 0
    double beta = 0.7;          ///< price of what is true and not predicted, at least 0
    double smooth = 1;          ///< added above and below, at least 0
    double exponent = 1;        ///< of one minus the overlap, above 0: 0.75 is the focal loss with the gamma 4/3 of its paper
    bool per_sample = false;    ///< regions of each sample for itself, not of the whole batch
    Index ignore_index = -100;  ///< entries with this label count for nothing
    Reduction reduction = Reduction::mean;  ///< of the losses of samples, if it is per_sample
};

namespace detail {

inline void check_tversky(const char* operation, const TverskyOptions& options) {
    for (const double number : {options.alpha, options.beta, options.smooth})
        require<ValueError>(is_finite(number) && number >= 0, operation, "expected finite alpha, beta and smooth of at least 0, got ",
                            number);
    require<ValueError>(is_finite(options.exponent) && options.exponent > 0, operation, "expected a finite exponent above 0, got ",
                        options.exponent);
}

/// Probabilities, and what is true and how much it counts of (rows, classes), with one index for label maps and for values.
template <class Scalar>
class Regions {
public:
    Regions(const char* operation, const Variable<Scalar>& logits, const Target<Scalar>& target, const TverskyOptions& options)
        : weights_{target, options.per_sample ? options.reduction : Reduction::sum},
          by_label_{target.has_labels()},
          by_sample_{options.per_sample} {
        if (by_label_) {
            labels_ = checked_labels(operation, logits.shape(), target, weights_, options.ignore_index);
        } else {
            require<ShapeError>(logits.rank() >= 2 && logits.shape().back() > 0, operation, "expected logits (N, ..., channels), got ",
                                logits.shape());
            values_ = values_like(operation, logits.shape(), target, "0 and 1").data();
            for (Index i = 0; i < logits.numel(); ++i)
                if (!is_share(values_[i]) && weights_.counts(i))
                    fail<ValueError>(operation, "expected values in [0, 1], got ", values_[i], " at sample ", i / target.sample_numel());
        }
        classes_ = logits.shape().back();
        samples_ = logits.shape()[0];
        rows_ = logits.numel() / classes_;
        probabilities_ = Tensor<Scalar>::empty(logits.shape());
        parallel_for(rows_, kernels::row_grain(classes_),
                     [&, x = logits.value().data(), p = probabilities_.data()](Index begin, Index end) {
                         for (Index r = begin; r < end; ++r)
                             activate(r, x + r * classes_, p + r * classes_);
                     });
    }

    [[nodiscard]] Index classes() const noexcept { return classes_; }
    [[nodiscard]] Index samples() const noexcept { return samples_; }
    [[nodiscard]] Index rows() const noexcept { return rows_; }
    /// That of its sample, or 0 where it does not count.
    [[nodiscard]] Scalar weight_of_sample(Index r, Index c) const noexcept {
        return by_label_ ? (labels_[r] < 0 ? Scalar(0) : weights_[r]) : weights_[r * classes_ + c];
    }
    /// In the sums. Of a sample for itself everything weighs the same.
    [[nodiscard]] Scalar weight(Index r, Index c) const noexcept {
        const Scalar w = weight_of_sample(r, c);
        return by_sample_ ? Scalar(w > 0) : w;
    }
    /// Only where it counts.
    [[nodiscard]] Scalar truth(Index r, Index c) const noexcept { return by_label_ ? Scalar(labels_[r] == c) : values_[r * classes_ + c]; }
    [[nodiscard]] Scalar probability(Index r, Index c) const noexcept { return probabilities_[r * classes_ + c]; }
    /// Turns derivatives by the probabilities of a row into those by its logits.
    void pull(Index r, Scalar* d) const noexcept {
        const Scalar* const p = probabilities_.data() + r * classes_;
        Scalar along = 0;
        for (Index c = 0; by_label_ && c < classes_; ++c)
            along += d[c] * p[c];
        for (Index c = 0; c < classes_; ++c)
            d[c] = by_label_ ? p[c] * (d[c] - along) : d[c] * p[c] * (1 - p[c]);
    }

private:
    void activate(Index r, const Scalar* x, Scalar* p) const {
        if (by_label_) {
            if (labels_[r] >= 0)
                kernels::softmax_row(classes_, x, p);
            else
                std::fill_n(p, classes_, Scalar(0));
            return;
        }
        for (Index c = 0; c < classes_; ++c) {
            const Scalar e = std::exp(-std::abs(x[c]));
            p[c] = weights_.counts(r * classes_ + c) ? (x[c] >= 0 ? Scalar(1) : e) / (1 + e) : Scalar(0);
        }
    }

    ElementWeights<Scalar> weights_;
    bool by_label_;
    bool by_sample_;
    Tensor<Index> labels_;
    const Scalar* values_ = nullptr;
    Index classes_ = 0;
    Index samples_ = 0;
    Index rows_ = 0;
    Tensor<Scalar> probabilities_;
};

/// The loss of the rows [first, last), and of its derivatives by the probabilities of class c the parts that stand where the value is
/// true and everywhere: w (true * on_truth[c] + everywhere[c]).
template <class Scalar>
[[nodiscard]] double tversky_of(const Regions<Scalar>& regions, Index first, Index last, const TverskyOptions& options, double* on_truth,
                                double* everywhere) {
    const Index classes = regions.classes();
    PoolVector<double> both(static_cast<std::size_t>(classes)), predicted(both), real(both);
    const auto sums = [&](double* to, const auto& term) {
        kernels::column_sums(last - first, classes, to, [&](Index i, Index c) {
            const Scalar w = regions.weight(first + i, c);
            return w > 0 ? static_cast<double>(w) * static_cast<double>(term(first + i, c)) : 0;
        });
    };
    sums(both.data(), [&](Index r, Index c) { return regions.probability(r, c) * regions.truth(r, c); });
    sums(predicted.data(), [&](Index r, Index c) { return regions.probability(r, c); });
    sums(real.data(), [&](Index r, Index c) { return regions.truth(r, c); });
    double loss = 0;
    for (Index c = 0; c < classes; ++c) {
        const auto i = static_cast<std::size_t>(c);
        const double above = both[i] + options.smooth;
        const double below = above + options.alpha * (predicted[i] - both[i]) + options.beta * (real[i] - both[i]);
        const double overlap = below > 0 ? above / below : 1;  // of nothing with nothing
        const double miss = std::max(1 - overlap, 0.0);
        loss += std::pow(miss, options.exponent);
        const double slope = miss > 0 || options.exponent == 1
                                 ? options.exponent * std::pow(miss, options.exponent - 1) / static_cast<double>(classes)
                                 : 0;
        on_truth[c] = below > 0 ? -slope * (1 - overlap * (1 - options.alpha - options.beta)) / below : 0;
        everywhere[c] = below > 0 ? slope * overlap * options.alpha / below : 0;
    }
    return loss / static_cast<double>(classes);
}

/// `tversky_loss` under the name `operation`.
template <class Scalar>
[[nodiscard]] Variable<Scalar> tversky(const char* operation, const Variable<Scalar>& logits, const Target<Scalar>& target,
                                       const TverskyOptions& options) {
    check_tversky(operation, options);
    const Regions<Scalar> regions{operation, logits, target, options};
    const Index classes = regions.classes();
    const Index groups = options.per_sample ? regions.samples() : 1;
    const Index each = groups ? regions.rows() / groups : 0;
    GroupLosses<Scalar> all{logits, options.per_sample ? Shape{groups} : Shape{}};
    PoolVector<double> on_truth(static_cast<std::size_t>(classes)), everywhere(on_truth);
    for (Index n = 0; n < groups; ++n) {
        all.weights[n] = 0;
        for (Index i = n * each * classes; i < (n + 1) * each * classes; ++i)
            all.weights[n] = std::max(all.weights[n], regions.weight_of_sample(i / classes, i % classes));
        if (!(all.weights[n] > 0))
            continue;
        if (!options.per_sample)
            all.weights[n] = 1;
        all.losses[n] = static_cast<Scalar>(tversky_of(regions, n * each, (n + 1) * each, options, on_truth.data(), everywhere.data()));
        if (!logits.requires_grad())
            continue;
        parallel_for(each, kernels::row_grain(classes), [&, d = all.slopes.data()](Index begin, Index end) {
            for (Index r = n * each + begin; r < n * each + end; ++r) {
                for (Index c = 0; c < classes; ++c) {
                    const Scalar w = regions.weight(r, c);
                    const double slope = w > 0 ? everywhere[static_cast<std::size_t>(c)] +
                                                     static_cast<double>(regions.truth(r, c)) * on_truth[static_cast<std::size_t>(c)]
                                               : 0;
                    d[r * classes + c] = static_cast<Scalar>(slope) * w;
                }
                regions.pull(r, d + r * classes);
            }
        });
    }
    return reduced(operation, logits, std::move(all), options.per_sample ? options.reduction : Reduction::sum);
}

}  // namespace detail

/// The mean over the classes of (1 - T)^exponent, with T = (tp + smooth) / (tp + alpha fp + beta fn + smooth). For labels (N, ...) of
/// logits (N, ..., C) they are sums over all entries of p y, p (1 - y) and (1 - p) y, with p the softmax and y whether it is the label.
/// For values 0 and 1 of the shape of the logits (N, ..., C), p is the sigmoid, and each of the C channels a map of its own: (N, H, W, 1)
/// for one answer a pixel.
///
/// What does not count is in no sum. A weight multiplies what its sample adds to the sums (2 is as if it were there twice) or, per_sample,
/// its loss. A sum of losses over samples divides by nothing; without per_sample there is one loss, and `reduction` says nothing.
/// @throws ShapeError if logits and target do not fit, ValueError for a label outside [0, C), a value outside [0, 1], which would make the
/// loss negative, or a bad option.
template <class Scalar>
[[nodiscard]] Variable<Scalar> tversky_loss(const Variable<Scalar>& logits, const std::type_identity_t<Target<Scalar>>& target,
                                            const TverskyOptions& options = {}) {
    return detail::tversky("tversky_loss", logits, target, options);
}
/// The same of logits that are no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> tversky_loss(const Tensor<Scalar>& logits, const std::type_identity_t<Target<Scalar>>& target,
                                            const TverskyOptions& options = {}) {
    return tversky_loss(Variable<Scalar>{logits}, target, options);
}

/// `tversky_loss` with its options, as a value.
template <class Scalar = float>
class Tversky {
public:
    /// @throws ValueError for a bad option.
    explicit Tversky(const TverskyOptions& options = {}) : options_{options} { detail::check_tversky("tversky_loss", options_); }
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& logits, const Target<Scalar>& target) const {
        return tversky_loss(logits, target, options_);
    }
    [[nodiscard]] const TverskyOptions& options() const& noexcept { return options_; }
    [[nodiscard]] TverskyOptions options() && noexcept { return options_; }

private:
    TverskyOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::losses
