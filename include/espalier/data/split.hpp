// SPDX-License-Identifier: MIT
/// @file One set into several, at random and always the same for the same seed.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/core/random.hpp>
#include <espalier/data/dataset.hpp>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

/// Parts of the given sizes: every sample is in exactly one of them, in random order.
///
/// A part depends on the seed and on the sizes before it alone. @throws ValueError unless every size is at least 1 and
/// their sum is the size of the set
template <class Scalar>
[[nodiscard]] std::vector<Dataset<Scalar>> split_sizes(const Dataset<Scalar>& dataset, const std::vector<Index>& sizes,
                                                       std::uint64_t seed = 0) {
    Index rest = dataset.size();
    for (const Index size : sizes) {
        require<ValueError>(size >= 1, "split", "expected parts of at least one sample, got one of ", size);
        require<ValueError>(size <= rest, "split", "expected sizes whose sum is ", dataset.size(), ", got more");
        rest -= size;
    }
    require<ValueError>(rest == 0, "split", "expected sizes whose sum is ", dataset.size(), ", got ", dataset.size() - rest);
    const std::vector<Index> order = Random{seed}.permutation(dataset.size());
    std::vector<Dataset<Scalar>> parts;
    parts.reserve(sizes.size());
    auto next = order.begin();
    for (const Index size : sizes) {
        parts.push_back(dataset.gather(std::span{next, next + size}));
        next += size;
    }
    return parts;
}

/// Parts by fractions that sum to 1, such as `split(dataset, {0.8, 0.2})`; otherwise as `split_sizes`. Part k ends at
/// the sample nearest to (sum of the first k fractions) · N.
/// @throws ValueError for a fraction outside (0, 1], another sum, or a part that would be empty
template <class Scalar>
[[nodiscard]] std::vector<Dataset<Scalar>> split(const Dataset<Scalar>& dataset, const std::vector<double>& fractions,
                                                 std::uint64_t seed = 0) {
    for (const double fraction : fractions)
        require<ValueError>(is_finite(fraction) && fraction > 0 && fraction <= 1, "split", "expected fractions in (0, 1], got ", fraction);
    const double sum = std::accumulate(fractions.begin(), fractions.end(), 0.0);
    require<ValueError>(std::abs(sum - 1) < 1e-6, "split", "expected fractions whose sum is 1, got ", sum);
    std::vector<Index> sizes;
    double reached = 0;
    Index before = 0;
    for (std::size_t i = 0; i < fractions.size(); ++i) {
        reached += fractions[i];
        const bool last = i + 1 == fractions.size();
        const Index end = last ? dataset.size() : static_cast<Index>(std::llround(reached * static_cast<double>(dataset.size())));
        require<ValueError>(end > before, "split", "expected parts of at least one sample, got none for fraction ", fractions[i], " of ",
                            dataset.size(), " samples");
        sizes.push_back(end - before);
        before = end;
    }
    return split_sizes(dataset, sizes, seed);
}

}  // namespace espalier::inline ESPALIER_ABI::data
