// SPDX-License-Identifier: MIT
/// @file The area under the ROC curve within groups: how well what one user is shown is ordered, whatever the others are shown.
#pragma once

#include <espalier/metrics/lists.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace espalier::inline ESPALIER_ABI::metrics {
namespace detail {

/// Weighted by the group's impressions: the sum of the weights of its elements.
struct GroupArea {
    static constexpr bool graded = false;
    static constexpr const char* needs = "both answers";

    template <class Scalar>
    [[nodiscard]] ListScore operator()(std::span<const Listed<Scalar>> list) const {
        double positives = 0, negatives = 0, pairs = 0;  // of higher scores than those that come now
        for_each_tie(list, [&](std::size_t first, std::size_t last) {
            double equal[2] = {0, 0};
            for (std::size_t i = first; i < last; ++i)
                equal[list[i].relevance > 0] += static_cast<double>(list[i].weight);
            pairs += equal[0] * (positives + equal[1] / 2);
            negatives += equal[0];
            positives += equal[1];
        });
        if (!(positives > 0 && negatives > 0))
            return {0, 0};
        return {std::min(1.0, pairs / positives / negatives), positives + negatives};
    }
};

}  // namespace detail

/// The mean of the `AUROC` of each group, weighted by its impressions, the sum of the weights of its elements: GAUC (Zhou et al., "Deep
/// interest network for click-through rate prediction", KDD 2018). Groups whose answers are all the same are left out, with their weight.
/// Equal scores count half, as in `AUROC`; only the order within a group matters. The target is values or labels 0 and 1.
/// @code
/// metrics::GAUC gauc;
/// gauc.update(net.predict(batch.input).at("click"), batch.targets.at("click"), users);  // users: Tensor<Index> (M,)
/// @endcode
/// Without `users` each list along the last axis of scores (N, ..., L) is a group. How much is kept is in lists.hpp.
template <class Scalar = float>
class GAUC : public detail::ListMean<Scalar, detail::GroupArea> {
public:
    GAUC() : detail::ListMean<Scalar, detail::GroupArea>{"gauc", {}} {}
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
