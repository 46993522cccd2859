// SPDX-License-Identifier: MIT
/// @file Average precision, the area under the curve of precision over recall: of one question, and of several labels.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/metrics/binary.hpp>
#include <espalier/metrics/precision_recall.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace espalier::inline ESPALIER_ABI::metrics {

/// Of `MultilabelAveragePrecision`.
struct MultilabelAveragePrecisionOptions {
    Average average = Average::macro;  ///< over labels that hold anywhere; `weighted` by how often they do, `micro` over all as one
};

namespace detail {

/// A prediction and its weight, negative where the answer is 0.
template <class Scalar>
struct SignedWeight {
    Scalar score;
    Scalar weight;
};

/// What `area` and the weight of all positives are of answers in any order, which it sorts.
struct PrecisionArea {
    double area;
    double positives;
};
template <class Scalar>
[[nodiscard]] PrecisionArea precision_area(std::vector<SignedWeight<Scalar>> entries) {
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
    double positives = 0, all = 0, sum = 0;
    for (std::size_t i = 0; i < entries.size();) {
        double of_tie = 0;
        const Scalar score = entries[i].score;
        for (; i < entries.size() && entries[i].score == score; ++i) {
            const auto weight = static_cast<double>(entries[i].weight);
            of_tie += std::max(0.0, weight);
            all += std::abs(weight);
        }
        positives += of_tie;
        sum += of_tie * (positives / all);
    }
    return {positives > 0 ? sum / positives : std::numeric_limits<double>::quiet_NaN(), positives};
}

template <class Scalar>
void check_order(const char* operation, const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
    check_binary(operation, prediction.shape(), target);
    for (Index i = 0; i < prediction.numel(); ++i)
        if (is_nan(prediction[i]) && target.counts(i))
            fail<ValueError>(operation, "expected predictions that have an order, got NaN at sample ", i / target.sample_numel());
}

}  // namespace detail

/// The average precision of each label for predictions (N, ..., L), and their average: mean average precision. The precisions at all
/// scores, from the highest on, weighted by how much recall each adds; equal scores come at once, as in scikit-learn's
/// `average_precision_score`. A label that never holds has none: it is NaN and left out of averages, where scikit-learn warns and counts 0.
///
/// It keeps a score and a weight for each element that counts, as `AUROC` does.
template <class Scalar = float>
class MultilabelAveragePrecision {
public:
    explicit MultilabelAveragePrecision(const MultilabelAveragePrecisionOptions& options = {}) : options_{options} {}

    /// @throws ShapeError unless there is a label or value for each prediction, or for another number of labels than before; ValueError if
    /// one is neither 0 nor 1, or for a prediction that is NaN and counts.
    void check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const {
        require<ShapeError>(prediction.rank() >= 2, "multilabel_average_precision", "expected predictions (N, ..., labels), got ",
                            prediction.shape());
        require<ShapeError>(target.shape() == prediction.shape(), "multilabel_average_precision",
                            "expected a target of the predictions' shape ", prediction.shape(), ", got ", target.shape());
        require<ShapeError>(labels() == 0 || prediction.size(-1) == labels(), "multilabel_average_precision", "expected predictions of ",
                            labels(), " labels as before, got ", prediction.shape());
        detail::check_order("multilabel_average_precision", prediction, target);
    }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
        check(prediction, target);
        const Index width = prediction.size(-1);
        entries_.resize(static_cast<std::size_t>(width));
        for (Index i = 0; i < prediction.numel(); ++i)
            if (const Scalar weight = target.weight_of(i); weight > 0) {
                const bool truth = target.has_labels() ? target.labels()[i] == 1 : target.values()[i] == 1;
                entries_[static_cast<std::size_t>(i % width)].push_back({prediction[i], truth ? weight : -weight});
            }
    }

    /// Of each label, (L,); NaN for one that never holds. (0,) before the first batch.
    [[nodiscard]] Tensor<double> by_label() const {
        auto result = Tensor<double>::empty({labels()});
        for (Index l = 0; l < labels(); ++l)
            result[l] = detail::precision_area(entries_[static_cast<std::size_t>(l)]).area;
        return result;
    }
    /// The average, in [0, 1]. @throws StateError unless anything that holds has been counted.
    [[nodiscard]] double value() const {
        double sum = 0, divisor = 0;
        std::vector<detail::SignedWeight<Scalar>> all;
        for (const auto& label : entries_) {
            if (options_.average == Average::micro) {
                all.insert(all.end(), label.begin(), label.end());
                continue;
            }
            add(detail::precision_area(label), sum, divisor);
        }
        if (options_.average == Average::micro)
            add(detail::precision_area(std::move(all)), sum, divisor);
        require<StateError>(divisor > 0, "multilabel_average_precision", "expected labelled samples of which anything holds, got none");
        return sum / divisor;
    }
    /// Elements counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept {
        std::size_t result = 0;
        for (const auto& label : entries_)
            result += label.size();
        return static_cast<Index>(result);
    }
    /// Forgets the number of labels, and gives the memory back.
    void reset() noexcept { decltype(entries_){}.swap(entries_); }

private:
    void add(const detail::PrecisionArea& of, double& sum, double& divisor) const {
        if (!(of.positives > 0))
            return;
        const double weight = options_.average == Average::weighted ? of.positives : 1;
        sum += weight * of.area;
        divisor += weight;
    }
    [[nodiscard]] Index labels() const noexcept { return static_cast<Index>(entries_.size()); }

    MultilabelAveragePrecisionOptions options_;
    std::vector<std::vector<detail::SignedWeight<Scalar>>> entries_;
};

/// The average precision of a question with two answers, for predictions and targets as in binary.hpp; scikit-learn's
/// `average_precision_score`. It keeps what `AUROC` keeps.
template <class Scalar = float>
class BinaryAveragePrecision {
public:
    /// @throws ShapeError unless there is a label or value for each prediction, ValueError if it is neither 0 nor 1, or for a prediction
    /// that is NaN and counts.
    void check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const {
        detail::check_order("binary_average_precision", prediction, target);
    }
    /// @throws as `check`, or std::bad_alloc; nothing is counted then.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
        check(prediction, target);
        const std::size_t needed = entries_.size() + static_cast<std::size_t>(target.counted());
        if (needed > entries_.capacity())
            entries_.reserve(std::max(needed, 2 * entries_.capacity()));
        detail::for_each_binary(prediction, target, [this](Scalar x, bool truth, Scalar weight) {
            entries_.push_back({x, truth ? weight : -weight});
        });
    }
    /// In (0, 1]. @throws StateError unless an answer of 1 has been counted.
    [[nodiscard]] double value() const {
        const detail::PrecisionArea of = detail::precision_area(entries_);
        require<StateError>(of.positives > 0, "binary_average_precision", "expected labelled samples of which anything holds, got none");
        return of.area;
    }
    /// Elements counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return static_cast<Index>(entries_.size()); }
    /// Gives the memory back as well.
    void reset() noexcept { decltype(entries_){}.swap(entries_); }

private:
    std::vector<detail::SignedWeight<Scalar>> entries_;
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
