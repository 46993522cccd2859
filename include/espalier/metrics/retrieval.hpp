// SPDX-License-Identifier: MIT
/// @file Metrics of ranked lists, such as the items that are shown to a user: recall, precision, hit rate, reciprocal rank, average
/// precision and discounted cumulative gain of the first k.
///
/// What they are fed with is in lists.hpp: lists along the last axis, or groups beside scores. An element is relevant if its value is above
/// 0. Its rank is the number of elements of its list that score no less, itself included: equal scores share the last of their places, so
/// that a net that says the same of everything ranks nothing high. NaN is refused where it counts.
#pragma once

#include <espalier/metrics/lists.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace espalier::inline ESPALIER_ABI::metrics {

/// Of the metrics of ranked lists. Designated initialisers stand in this order.
struct RetrievalOptions {
    Index top_k = 0;  ///< looks at the first k of each list; 0: at all of it
    bool count_empty = false;  ///< a list of which nothing is relevant counts, as 0; otherwise it is left out
};

/// What one element adds to a discounted cumulative gain.
enum class Gain {
    linear,  ///< its relevance
    exponential,  ///< 2 to the relevance, less 1
};

/// Of `RetrievalNormalizedDCG`. Designated initialisers stand in this order.
struct NormalizedDCGOptions {
    Index top_k = 0;  ///< as in `RetrievalOptions`
    bool count_empty = false;  ///< as in `RetrievalOptions`
    Gain gain = Gain::linear;
};

namespace detail {

/// What is known of a list at one rank: of runs of equal scores, at the last.
struct AtRank {
    double rank;
    double relevant;  ///< among those with this score
    double so_far;  ///< among those with this score or a higher one
};

template <class Options>
struct OfRanking {
    static constexpr bool graded = true;
    static constexpr const char* needs = "anything relevant";

    Options options;
    OfRanking(const char* operation, const Options& given) : options{given} {
        require<ValueError>(options.top_k >= 0, operation, "expected a top_k of at least 0, got ", options.top_k);
    }
    template <class Scalar>
    [[nodiscard]] double cut(std::span<const Listed<Scalar>> list) const {
        return options.top_k > 0 ? static_cast<double>(options.top_k) : static_cast<double>(list.size());
    }
    template <class Scalar>
    [[nodiscard]] static double relevant(std::span<const Listed<Scalar>> list) {
        return static_cast<double>(std::count_if(list.begin(), list.end(), [](const auto& e) { return e.relevance > 0; }));
    }
    /// `value()` where anything is relevant.
    template <class Scalar, class Value>
    [[nodiscard]] ListScore score(std::span<const Listed<Scalar>> list, const Value& value) const {
        if (relevant(list) > 0)
            return {value(), mean_weight(list)};
        return {0, options.count_empty ? mean_weight(list) : 0};
    }
};

/// `visit(AtRank)` for all ranks that elements of the list have.
template <class Scalar, class Visit>
void for_each_rank(std::span<const Listed<Scalar>> list, const Visit& visit) {
    double so_far = 0;
    for_each_tie(list, [&](std::size_t first, std::size_t last) {
        double relevant = 0;
        for (std::size_t i = first; i < last; ++i)
            relevant += list[i].relevance > 0;
        so_far += relevant;
        visit(AtRank{static_cast<double>(last), relevant, so_far});
    });
}

/// How many of the relevant are among the first k.
template <class Scalar>
[[nodiscard]] double hits(std::span<const Listed<Scalar>> list, double k) {
    double result = 0;
    for_each_rank(list, [&](const AtRank& at) { result += at.rank <= k ? at.relevant : 0; });
    return result;
}

struct RetrievalRecallOf : OfRanking<RetrievalOptions> {
    using OfRanking::OfRanking;
    template <class Scalar>
    [[nodiscard]] ListScore operator()(std::span<const Listed<Scalar>> list) const {
        return score(list, [&] { return hits(list, cut(list)) / relevant(list); });
    }
};

struct RetrievalPrecisionOf : OfRanking<RetrievalOptions> {
    using OfRanking::OfRanking;
    template <class Scalar>
    [[nodiscard]] ListScore operator()(std::span<const Listed<Scalar>> list) const {
        return score(list, [&] { return hits(list, cut(list)) / cut(list); });
    }
};

struct RetrievalHitRateOf : OfRanking<RetrievalOptions> {
    using OfRanking::OfRanking;
    template <class Scalar>
    [[nodiscard]] ListScore operator()(std::span<const Listed<Scalar>> list) const {
        return score(list, [&] { return hits(list, cut(list)) > 0 ? 1.0 : 0.0; });
    }
};

struct RetrievalMRROf : OfRanking<RetrievalOptions> {
    using OfRanking::OfRanking;
    template <class Scalar>
    [[nodiscard]] ListScore operator()(std::span<const Listed<Scalar>> list) const {
        return score(list, [&] {
            double result = 0;
            for_each_rank(list, [&](const AtRank& at) {
                if (result == 0 && at.relevant > 0 && at.rank <= cut(list))
                    result = 1 / at.rank;
            });
            return result;
        });
    }
};

struct RetrievalMAPOf : OfRanking<RetrievalOptions> {
    using OfRanking::OfRanking;
    template <class Scalar>
    [[nodiscard]] ListScore operator()(std::span<const Listed<Scalar>> list) const {
        return score(list, [&] {
            double sum = 0;
            for_each_rank(list, [&](const AtRank& at) { sum += at.rank <= cut(list) ? at.relevant * at.so_far / at.rank : 0; });
            return sum / std::min(cut(list), relevant(list));
        });
    }
};

struct NormalizedDCGOf : OfRanking<NormalizedDCGOptions> {
    using OfRanking::OfRanking;
    /// Relative to the list's highest gain: only ratios matter, and so none overflows, nor are small ones lost beside 1.
    [[nodiscard]] double gain(double relevance, double highest) const {
        return options.gain == Gain::linear
                   ? relevance / highest
                   : std::exp2(relevance - highest) * (std::expm1(-relevance * std::log(2.0)) / std::expm1(-highest * std::log(2.0)));
    }
    template <class Scalar>
    [[nodiscard]] ListScore operator()(std::span<const Listed<Scalar>> list) const {
        return score(list, [&] {
            std::vector<double> gains;
            double highest = 0;
            for (const auto& element : list)
                highest = std::max(highest, static_cast<double>(element.relevance));
            for (const auto& element : list)
                gains.push_back(gain(static_cast<double>(element.relevance), highest));
            const auto discount = [k = cut(list)](std::size_t i) {
                return static_cast<double>(i) < k ? 1 / std::log2(static_cast<double>(i) + 2) : 0;
            };
            double sum = 0;
            for_each_tie(list, [&](std::size_t first, std::size_t last) {
                double of_tie = 0, discounts = 0;
                for (std::size_t i = first; i < last; ++i) {
                    of_tie += gains[i];
                    discounts += discount(i);
                }
                sum += of_tie / static_cast<double>(last - first) * discounts;
            });
            std::sort(gains.begin(), gains.end(), std::greater<>{});
            double ideal = 0;
            for (std::size_t i = 0; i < gains.size(); ++i)
                ideal += gains[i] * discount(i);
            return std::min(1.0, sum / ideal);
        });
    }
};

}  // namespace detail

/// Recall@k: the share of a list's relevant elements that are among its first k.
template <class Scalar = float>
class RetrievalRecall : public detail::ListMean<Scalar, detail::RetrievalRecallOf> {
public:
    /// @throws ValueError for a top_k below 0, here and in the others.
    explicit RetrievalRecall(const RetrievalOptions& options = {})
        : detail::ListMean<Scalar, detail::RetrievalRecallOf>{"retrieval_recall", {"retrieval_recall", options}} {}
};

/// Precision@k: the share of the first k that are relevant; of k, also where the list is shorter.
template <class Scalar = float>
class RetrievalPrecision : public detail::ListMean<Scalar, detail::RetrievalPrecisionOf> {
public:
    explicit RetrievalPrecision(const RetrievalOptions& options = {})
        : detail::ListMean<Scalar, detail::RetrievalPrecisionOf>{"retrieval_precision", {"retrieval_precision", options}} {}
};

/// Hit rate@k: the share of lists with anything relevant among the first k.
template <class Scalar = float>
class RetrievalHitRate : public detail::ListMean<Scalar, detail::RetrievalHitRateOf> {
public:
    explicit RetrievalHitRate(const RetrievalOptions& options = {})
        : detail::ListMean<Scalar, detail::RetrievalHitRateOf>{"retrieval_hit_rate", {"retrieval_hit_rate", options}} {}
};

/// Mean reciprocal rank: one over the rank of the first that is relevant, 0 if that is beyond k.
template <class Scalar = float>
class RetrievalMRR : public detail::ListMean<Scalar, detail::RetrievalMRROf> {
public:
    explicit RetrievalMRR(const RetrievalOptions& options = {})
        : detail::ListMean<Scalar, detail::RetrievalMRROf>{"retrieval_mrr", {"retrieval_mrr", options}} {}
};

/// Mean average precision: of each relevant element among the first k the precision at its rank, added up and divided by the most that can
/// be there, the smaller of k and the number of relevant ones. Without k it is scikit-learn's `average_precision_score` of each list.
template <class Scalar = float>
class RetrievalMAP : public detail::ListMean<Scalar, detail::RetrievalMAPOf> {
public:
    explicit RetrievalMAP(const RetrievalOptions& options = {})
        : detail::ListMean<Scalar, detail::RetrievalMAPOf>{"retrieval_map", {"retrieval_map", options}} {}
};

/// Normalised discounted cumulative gain (Järvelin and Kekäläinen 2002) of the first k: the gains, each over log2(1 + its place), divided
/// by those of the best order. Relevances may be any numbers of at least 0. Equal scores get the mean of their gains at each of their
/// places: with `count_empty` it is scikit-learn's `ndcg_score`.
template <class Scalar = float>
class RetrievalNormalizedDCG : public detail::ListMean<Scalar, detail::NormalizedDCGOf> {
public:
    explicit RetrievalNormalizedDCG(const NormalizedDCGOptions& options = {})
        : detail::ListMean<Scalar, detail::NormalizedDCGOf>{"retrieval_normalized_dcg", {"retrieval_normalized_dcg", options}} {}
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
