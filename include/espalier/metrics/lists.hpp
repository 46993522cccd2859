// SPDX-License-Identifier: MIT
/// @file What metrics of ranked lists have in common: whose lists elements belong to, and the mean over lists.
///
/// Scores (N, ..., L) hold a list along the last axis, such as the items that one user was shown. With `groups` (M,) beside scores (M,)
/// or (M, 1), a list is what has the same group, in however many batches it comes:
/// @code
/// metrics::RetrievalNormalizedDCG ndcg{{.top_k = 10}};
/// ndcg.update(net.predict(batch.input).at("click"), batch.targets.at("click"), users);   // users: Tensor<Index> (M,)
/// @endcode
/// An element that does not count is in no list. A list has the mean weight of its elements.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/losses/match.hpp>
#include <espalier/losses/target.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::metrics::detail {

/// One element of a list.
template <class Scalar>
struct Listed {
    Index list;
    Scalar score;
    Scalar relevance;
    Scalar weight;
};

/// What a list gives, and how much it counts: 0 for one that is left out.
struct ListScore {
    double value;
    double weight;
};

/// How relevant each element is by the target: values or labels of the scores' shape, or for scores (N, ..., L) labels (N, ...), each of
/// which is the one relevant element.
template <class Scalar>
class Relevance {
public:
    /// @throws ShapeError for a target of another shape; ValueError for a label or relevance that counts and cannot be one.
    Relevance(const char* operation, const Tensor<Scalar>& scores, const losses::Target<Scalar>& target, bool graded) : target_{target} {
        if (!target.has_labels()) {
            (void)losses::values_like(operation, scores.shape(), target);
        } else if (target.shape() != scores.shape()) {
            (void)losses::labels_for(operation, "scores", scores.shape(), target);
            each_ = scores.size(-1);
            places_ = true;
        }
        for (Index i = 0; i < scores.numel(); ++i) {
            if (!(weight(i) > 0))
                continue;
            if (places_) {
                const Index label = target.labels()[i / each_];
                require<ValueError>(label >= 0 && label < each_, operation, "expected labels in [0, ", each_, "), got ", label);
            } else {
                const Scalar value = (*this)[i];
                require<ValueError>(graded ? value >= 0 && is_finite(value) : value == 0 || value == 1, operation, "expected ",
                                    graded ? "a finite relevance of at least 0" : "values 0 and 1", ", got ", value, " at sample ",
                                    i / target.sample_numel());
            }
            require<ValueError>(!is_nan(scores[i]), operation, "expected scores that have an order, got NaN at sample ",
                                i / each_ / target.sample_numel());
        }
    }
    [[nodiscard]] Scalar weight(Index i) const noexcept { return target_.weight_of(i / each_); }
    [[nodiscard]] Scalar operator[](Index i) const {
        if (!target_.has_labels())
            return target_.values()[i];
        const Index label = target_.labels()[i / each_];
        return static_cast<Scalar>(places_ ? label == i % each_ : label);
    }

private:
    const losses::Target<Scalar>& target_;
    Index each_ = 1;        ///< elements to a label
    bool places_ = false;   ///< labels tell which element of a list is relevant
};

template <class Scalar>
[[nodiscard]] double mean_weight(std::span<const Listed<Scalar>> list) {
    double sum = 0;
    for (const auto& element : list)
        sum += static_cast<double>(element.weight);
    return sum / static_cast<double>(list.size());
}

/// `visit(first, last)` for each run of equal scores, from the highest on.
template <class Scalar, class Visit>
void for_each_tie(std::span<const Listed<Scalar>> list, const Visit& visit) {
    for (std::size_t first = 0, last = 0; first < list.size(); first = last) {
        while (last < list.size() && list[last].score == list[first].score)
            ++last;
        visit(first, last);
    }
}

/// The weighted mean of `of(list) -> ListScore` over all lists; `list` is sorted, the highest score first.
template <class Scalar, class Of>
class ListMean {
public:
    ListMean(const char* operation, Of of) : operation_{operation}, of_{std::move(of)} {}

    /// @throws ShapeError unless scores are (N, ..., L) and the target has their shape, or is labels (N, ...); ValueError for a NaN among
    /// the scores or a relevance that counts and is none.
    void check(const Tensor<Scalar>& scores, const losses::Target<Scalar>& target) const {
        require<ShapeError>(scores.rank() >= 2, operation_, "expected lists of scores (N, ..., L), or groups beside them, got ",
                            scores.shape());
        (void)Relevance<Scalar>{operation_, scores, target, Of::graded};
    }
    /// Of lists along the last axis. @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& scores, const losses::Target<Scalar>& target) {
        check(scores, target);
        const Relevance<Scalar> relevance{operation_, scores, target, Of::graded};
        const Index each = scores.size(-1);
        Totals totals = totals_;
        std::vector<Listed<Scalar>> list;
        for (Index first = 0; each > 0 && first < scores.numel(); first += each) {
            list.clear();
            for (Index i = first; i < first + each; ++i)
                if (const Scalar weight = relevance.weight(i); weight > 0)
                    list.push_back({0, scores[i], relevance[i], weight});
            sort(list);
            totals.add(list, of_);
        }
        totals_ = totals;
    }
    /// Of the lists that `groups` (M,) tells apart, for scores (M,) or (M, 1); they are kept until `reset()`, a score, a relevance, a
    /// weight and a group each. @throws as `check`, ShapeError unless there is a group for each score, or std::bad_alloc; nothing is
    /// counted then.
    void update(const Tensor<Scalar>& scores, const losses::Target<Scalar>& target, const Tensor<Index>& groups) {
        const bool fits = scores.rank() > 0 && groups.rank() == 1 && scores.numel() == groups.numel() && scores.size(0) == groups.numel();
        require<ShapeError>(fits, operation_, "expected scores (M,) or (M, 1) and groups (M,), got ", scores.shape(), " and ",
                            groups.shape());
        require<ShapeError>(target.shape() == scores.shape(), operation_, "expected a target of the scores' shape ", scores.shape(),
                            ", got ", target.shape(), losses::detail::reshape_hint(target.shape(), scores.shape()));
        const Relevance<Scalar> relevance{operation_, scores, target, Of::graded};
        const std::size_t needed = kept_.size() + static_cast<std::size_t>(target.counted());
        if (needed > kept_.capacity())
            kept_.reserve(std::max(needed, 2 * kept_.capacity()));
        for (Index i = 0; i < scores.numel(); ++i)
            if (const Scalar weight = relevance.weight(i); weight > 0)
                kept_.push_back({groups[i], scores[i], relevance[i], weight});
    }

    /// The mean over the lists that count. @throws StateError if none does.
    [[nodiscard]] double value() const {
        require<StateError>(count() > 0, operation_, "expected labelled samples, got none");
        Totals totals = totals_;
        std::vector<Listed<Scalar>> sorted = kept_;
        sort(sorted);
        for (std::size_t first = 0, last = 0; first < sorted.size(); first = last) {
            while (last < sorted.size() && sorted[last].list == sorted[first].list)
                ++last;
            totals.add(std::span{sorted}.subspan(first, last - first), of_);
        }
        totals.count = count();
        require<StateError>(totals.weight > 0, operation_, "expected a list with ", Of::needs, ", got none");
        return totals.sum / totals.weight;
    }
    /// Elements counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return totals_.count + static_cast<Index>(kept_.size()); }
    /// Gives the memory back as well.
    void reset() noexcept {
        totals_ = {};
        std::vector<Listed<Scalar>>{}.swap(kept_);
    }

private:
    struct Totals {
        double sum = 0;
        double weight = 0;
        Index count = 0;

        void add(std::span<const Listed<Scalar>> list, const Of& of) {
            if (list.empty())
                return;
            const ListScore score = of(list);
            if (score.weight > 0)
                sum += score.value * score.weight;
            weight += score.weight;
            count += static_cast<Index>(list.size());
        }
    };
    static void sort(std::vector<Listed<Scalar>>& list) {
        std::sort(list.begin(), list.end(),
                  [](const Listed<Scalar>& a, const Listed<Scalar>& b) { return a.list != b.list ? a.list < b.list : a.score > b.score; });
    }

    const char* operation_;
    Of of_;
    Totals totals_;
    std::vector<Listed<Scalar>> kept_;
};

}  // namespace espalier::inline ESPALIER_ABI::metrics::detail
