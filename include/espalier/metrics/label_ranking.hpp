// SPDX-License-Identifier: MIT
/// @file How well the labels of a sample that hold are ranked above those that do not, where several may hold at once.
///
/// Scores (N, ..., L) of L labels, values or labels 0 and 1 of their shape. Labels that do not count are in no ranking, and a sample of
/// which nothing counts is left out. Means over samples, weighted by them; scikit-learn's functions by the same names.
#pragma once

#include <espalier/metrics/lists.hpp>
#include <espalier/metrics/retrieval.hpp>

#include <cstddef>
#include <span>

namespace espalier::inline ESPALIER_ABI::metrics {
namespace detail {

struct OfLabels {
    static constexpr bool graded = false;
    static constexpr const char* needs = "a weight";

    /// Whether there is anything to order.
    template <class Scalar>
    [[nodiscard]] static bool mixed(std::span<const Listed<Scalar>> list) {
        const double relevant = OfRanking<RetrievalOptions>::relevant(list);
        return relevant > 0 && relevant < static_cast<double>(list.size());
    }
};

struct LabelRankingPrecision : OfLabels {
    template <class Scalar>
    [[nodiscard]] ListScore operator()(std::span<const Listed<Scalar>> list) const {
        double sum = 0, relevant = 0;
        for_each_rank(list, [&](const AtRank& at) {
            sum += at.relevant * at.so_far / at.rank;
            relevant = at.so_far;
        });
        return {mixed(list) ? sum / relevant : 1, mean_weight(list)};
    }
};

struct LabelRankingLoss : OfLabels {
    template <class Scalar>
    [[nodiscard]] ListScore operator()(std::span<const Listed<Scalar>> list) const {
        double wrong = 0, relevant = 0;
        for_each_rank(list, [&](const AtRank& at) {
            wrong += at.relevant * (at.rank - at.so_far);
            relevant = at.so_far;
        });
        return {mixed(list) ? wrong / relevant / (static_cast<double>(list.size()) - relevant) : 0, mean_weight(list)};
    }
};

struct Coverage : OfLabels {
    template <class Scalar>
    [[nodiscard]] ListScore operator()(std::span<const Listed<Scalar>> list) const {
        double last = 0;
        for_each_rank(list, [&](const AtRank& at) { last = at.relevant > 0 ? at.rank : last; });
        return {last, mean_weight(list)};
    }
};

}  // namespace detail

/// Of each label that holds, the share of those that hold among the labels that score no less; their mean, and the mean over samples. 1 for
/// a sample of which all or none hold. In (0, 1]; scikit-learn's `label_ranking_average_precision_score`.
template <class Scalar = float>
class MultilabelRankingAveragePrecision : public detail::ListMean<Scalar, detail::LabelRankingPrecision> {
public:
    MultilabelRankingAveragePrecision()
        : detail::ListMean<Scalar, detail::LabelRankingPrecision>{"multilabel_ranking_average_precision", {}} {}
};

/// The share of pairs of a label that holds and one that does not in which the latter scores no less. 0 for a sample of which all or none
/// hold. In [0, 1], less is better; scikit-learn's `label_ranking_loss`.
template <class Scalar = float>
class MultilabelRankingLoss : public detail::ListMean<Scalar, detail::LabelRankingLoss> {
public:
    MultilabelRankingLoss() : detail::ListMean<Scalar, detail::LabelRankingLoss>{"multilabel_ranking_loss", {}} {}
};

/// How many labels have to be looked at, from the highest score on, until all that hold are among them; 0 for a sample of which none holds.
/// In [0, L], less is better; scikit-learn's `coverage_error`.
template <class Scalar = float>
class MultilabelCoverageError : public detail::ListMean<Scalar, detail::Coverage> {
public:
    MultilabelCoverageError() : detail::ListMean<Scalar, detail::Coverage>{"multilabel_coverage_error", {}} {}
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
