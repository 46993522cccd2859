// SPDX-License-Identifier: MIT
/// @file Connectionist temporal classification: labels in order, of which nobody knows the steps. Graves et al., "Connectionist temporal
/// classification: labelling unsegmented sequence data with recurrent neural networks", ICML 2006.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/losses/ctc_paths.hpp>
#include <espalier/losses/reduction.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::losses {

/// Designated initialisers stand in this order.
struct CTCOptions {
    Index blank = 0;             ///< the class of no label
    bool zero_infinity = false;  ///< whether the loss of labels that fit in no path is 0, instead of infinite
    Index padding = -1;          ///< the label that ends a sequence of them where no length does
    Reduction reduction = Reduction::mean;
};

/// (N,) of 0 to L and of 0 to S. If absent, inputs have all L steps, and labels end before the first that is padding or masked.
struct CTCLengths {
    std::optional<Tensor<Index>> inputs = {};
    std::optional<Tensor<Index>> targets = {};
};

namespace detail {

inline void check_ctc_lengths(const char* whose, const std::optional<Tensor<Index>>& lengths, Index samples, Index most) {
    if (!lengths)
        return;
    require<ShapeError>(lengths->shape() == Shape{samples}, "ctc_loss", "expected lengths (", samples, ",) of the ", whose, ", got ",
                        lengths->shape());
    for (const Index length : *lengths)
        require<ValueError>(length >= 0 && length <= most, "ctc_loss", "expected lengths of 0 to ", most, " of the ", whose, ", got ",
                            length);
}

/// The labels of each sample of a target (N, S), and how much it counts.
template <class Scalar>
struct CtcLabels {
    std::vector<std::span<const Index>> labels;
    PoolVector<double> weights;  ///< 0 for those that are not labelled

    /// @throws StateError for values; ValueError for a label that counts and is the blank or out of range
    CtcLabels(const Target<Scalar>& target, const std::optional<Tensor<Index>>& lengths, Index classes, const CTCOptions& options) {
        const Tensor<Index>& all = target.labels();
        const Index most = all.size(1);
        for (Index n = 0; n < all.size(0); ++n) {
            const bool* const mask = target.mask() ? target.mask()->data() + (target.masks_elements() ? n * most : n) : nullptr;
            const auto shown = [&](Index i) { return !mask || mask[target.masks_elements() ? i : 0]; };
            Index length = lengths ? (*lengths)[n] : 0;
            while (!lengths && length < most && all.at(n, length) != options.padding && shown(length))
                ++length;
            const bool counts = (target.masks_elements() && most == 0) || shown(0);
            weights.push_back(counts ? target.weight() ? static_cast<double>((*target.weight())[n]) : 1.0 : 0.0);
            labels.emplace_back(all.data() + n * most, static_cast<std::size_t>(length));
            for (const Index label : labels.back())
                require<ValueError>(!(weights.back() > 0) || (label >= 0 && label < classes && label != options.blank), "ctc_loss",
                                    "expected labels in [0, ", classes, ") other than the blank ", options.blank, ", got ", label,
                                    " at sample ", n);
        }
    }
};

/// The loss of each sample with its weight, and the derivatives of each without.
template <class Scalar>
struct CtcValues {
    PoolVector<double> losses;
    Tensor<Scalar> factors;  ///< (N,), what derivatives are to be multiplied by
    Tensor<Scalar> slopes;   ///< of the logits' shape if they want a gradient

    /// For a mean `divisor` is the sum of weights, else 0.
    CtcValues(const Variable<Scalar>& logits, const CtcLabels<Scalar>& rows, const std::optional<Tensor<Index>>& lengths,
              const CTCOptions& options, double divisor)
        : losses(rows.weights.size()), factors{Shape{logits.size(0)}}, slopes{logits.requires_grad() ? logits.shape() : Shape{0}} {
        const Index longest = logits.size(1), classes = logits.size(2);
        parallel_for(logits.size(0), 1, [&](Index begin, Index end) {
            for (Index n = begin; n < end; ++n) {
                const auto i = static_cast<std::size_t>(n);
                double factor = rows.weights[i];
                if (!(factor > 0))
                    continue;
                if (divisor > 0)
                    factor /= divisor * static_cast<double>(std::max<std::size_t>(1, rows.labels[i].size()));
                const CtcPaths<Scalar> paths{logits.value().data() + n * longest * classes, lengths ? (*lengths)[n] : longest, classes,
                                             rows.labels[i], options.blank};
                const double log_probability = paths.log_probability();
                const bool possible = log_probability != -std::numeric_limits<double>::infinity();
                losses[i] = possible || !options.zero_infinity ? -log_probability * factor : 0;
                factors[n] = static_cast<Scalar>(factor);
                if (possible && logits.requires_grad())
                    paths.gradient(slopes.data() + n * longest * classes);
            }
        });
    }
};

}  // namespace detail

/// -log of the probability that logits (N, L, C) of each step, C classes with a blank, give the labels (N, S) in their order: the sum over
/// all paths that have each label for one step or more and blanks or nothing between them, a blank between equal ones. Softmax is taken
/// inside. A mean is over samples, each divided by its number of labels (of at least 1) as PyTorch's, and weighted; a sample whose mask, or
/// that of its first label, is false counts for nothing. What is behind the end of a sequence is not read and gets no gradient. Summed in
/// double. A loss that is infinite, as its labels fit in no path, has a gradient of 0.
/// @throws ShapeError if logits, labels or lengths do not fit; StateError for a target of values; ValueError for a label, length or blank
/// out of range
template <class Scalar>
[[nodiscard]] Variable<Scalar> ctc_loss(const Variable<Scalar>& logits, const std::type_identity_t<Target<Scalar>>& target,
                                        const CTCLengths& lengths = {}, const CTCOptions& options = {}) {
    const Shape& shape = logits.shape();
    require<ShapeError>(shape.rank() == 3 && shape[2] > 0, "ctc_loss", "expected logits (N, L, classes), got ", shape);
    require<StateError>(target.has_labels(), "ctc_loss", "expected a target of class indices, got values of shape ", target.shape());
    require<ShapeError>(target.shape().rank() == 2 && target.size() == shape[0], "ctc_loss", "expected labels (", shape[0],
                        ", S) for logits ", shape, ", got ", target.shape());
    require<ValueError>(options.blank >= 0 && options.blank < shape[2], "ctc_loss", "expected a blank in [0, ", shape[2], "), got ",
                        options.blank);
    const Index samples = shape[0];
    detail::check_ctc_lengths("inputs", lengths.inputs, samples, shape[1]);
    detail::check_ctc_lengths("targets", lengths.targets, samples, target.shape()[1]);
    const detail::CtcLabels<Scalar> rows{target, lengths.targets, shape[2], options};

    double divisor = 0;
    for (const double weight : rows.weights)
        divisor += weight;
    if (!(divisor > 0))
        return detail::constant_zero<Scalar>(options.reduction, Shape{samples});
    detail::CtcValues<Scalar> values{logits, rows, lengths.inputs, options, options.reduction == Reduction::mean ? divisor : 0};
    const bool single = options.reduction != Reduction::none;
    Tensor<Scalar> losses{single ? Shape{} : Shape{samples}};
    if (single)
        losses[0] = static_cast<Scalar>(kernels::sum(samples, [&](Index n) { return values.losses[static_cast<std::size_t>(n)]; }));
    else
        std::transform(values.losses.begin(), values.losses.end(), losses.begin(), [](double v) { return static_cast<Scalar>(v); });
    return autograd::record<Scalar>(
        "ctc_loss", std::move(losses), {logits},
        [samples, single, slopes = std::move(values.slopes), factors = std::move(values.factors)](autograd::Gradients<Scalar>& g) {
            auto gradient = Tensor<Scalar>::empty(slopes.shape().prepended(g.rows()));
            const Index each = samples ? slopes.numel() / samples : 0;
            parallel_for(g.rows() * samples, kernels::row_grain(each), [&](Index begin, Index end) {
                for (Index i = begin; i < end; ++i) {
                    const Scalar upstream = std::as_const(g.cotangent())[single ? i / samples : i];
                    const Scalar factor = factors[i % samples] > 0 ? factors[i % samples] * upstream : Scalar(0);
                    kernels::vector_loop(0, each, [=, from = slopes.data() + i % samples * each, to = gradient.data() + i * each](Index j) {
                        to[j] = from[j] * factor;
                    });
                }
            });
            g.add(0, std::move(gradient));
        });
}
/// The same of logits that are no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> ctc_loss(const Tensor<Scalar>& logits, const std::type_identity_t<Target<Scalar>>& target,
                                        const CTCLengths& lengths = {}, const CTCOptions& options = {}) {
    return ctc_loss(Variable<Scalar>{logits}, target, lengths, options);
}

/// `ctc_loss` with its options, as a value.
template <class Scalar = float>
class CTC {
public:
    explicit CTC(CTCOptions options = {}) : options_{options} {}
    /// All steps of each input, labels up to the first that is padding or masked.
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& logits, const Target<Scalar>& target) const {
        return ctc_loss(logits, target, {}, options_);
    }
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& logits, const Target<Scalar>& target,
                                              const CTCLengths& lengths) const {
        return ctc_loss(logits, target, lengths, options_);
    }
    [[nodiscard]] const CTCOptions& options() const noexcept { return options_; }

private:
    CTCOptions options_;
};

/// The labels of the best class of each step, (N, L, C), with equal neighbours as one and then without blanks: not always the most probable
/// labels, but the fastest. Inputs end at their lengths, (N,) of 0 to L. @throws ShapeError, ValueError
template <class Scalar>
[[nodiscard]] std::vector<std::vector<Index>> ctc_greedy_decode(const Tensor<Scalar>& logits,
                                                                const std::optional<Tensor<Index>>& lengths = {}, Index blank = 0) {
    const Shape& shape = logits.shape();
    require<ShapeError>(shape.rank() == 3 && shape[2] > 0, "ctc_greedy_decode", "expected logits (N, L, classes), got ", shape);
    require<ValueError>(blank >= 0 && blank < shape[2], "ctc_greedy_decode", "expected a blank in [0, ", shape[2], "), got ", blank);
    require<ShapeError>(!lengths || lengths->shape() == Shape{shape[0]}, "ctc_greedy_decode", "expected lengths (", shape[0], ",), got ",
                        lengths ? lengths->shape() : Shape{});
    std::vector<std::vector<Index>> decoded(static_cast<std::size_t>(shape[0]));
    for (Index n = 0; n < shape[0]; ++n) {
        const Index steps = lengths ? (*lengths)[n] : shape[1];
        require<ValueError>(steps >= 0 && steps <= shape[1], "ctc_greedy_decode", "expected lengths of 0 to ", shape[1], ", got ", steps);
        Index before = blank;
        for (Index t = 0; t < steps; ++t) {
            const Scalar* const row = logits.data() + (n * shape[1] + t) * shape[2];
            const auto best = static_cast<Index>(std::max_element(row, row + shape[2]) - row);
            if (best != before && best != blank)
                decoded[static_cast<std::size_t>(n)].push_back(best);
            before = best;
        }
    }
    return decoded;
}

}  // namespace espalier::inline ESPALIER_ABI::losses
