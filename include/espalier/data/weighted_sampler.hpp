// SPDX-License-Identifier: MIT
/// @file Samples drawn by weights: rare ones more often.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/core/random.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

/// How a `WeightedSampler` draws.
struct WeightedSamplerOptions {
    Index samples = 0;        ///< of an epoch; 0 for as many as there are weights
    bool replacement = true;  ///< a sample may come several times
};

/// Draws samples in proportion to their weights: rare classes more often.
class WeightedSampler {
public:
    /// One weight for each sample of the set. @throws ValueError for a weight that is negative or not finite, no weight above 0, a negative
    /// number of samples or, without replacement, more than have a weight above 0
    explicit WeightedSampler(std::vector<double> weights, const WeightedSamplerOptions& options = {})
        : weights_{std::move(weights)}, options_{options} {
        require<ValueError>(std::all_of(weights_.begin(), weights_.end(), [](double w) { return is_finite(w) && w >= 0; }),
                            "WeightedSampler", "expected finite weights of at least 0, got another");
        const auto drawn = std::count_if(weights_.begin(), weights_.end(), [](double w) { return w > 0; });
        require<ValueError>(drawn > 0, "WeightedSampler", "expected a weight above 0, got none");
        require<ValueError>(options_.samples >= 0, "WeightedSampler", "expected a number of samples of at least 0, got ", options_.samples);
        if (options_.samples == 0)
            options_.samples = set_size();
        require<ValueError>(options_.replacement || options_.samples <= drawn, "WeightedSampler", "expected at most ", drawn,
                            " samples, which have a weight above 0 and come once each, got ", options_.samples);
    }

    [[nodiscard]] Index size() const noexcept { return options_.samples; }
    [[nodiscard]] Index set_size() const noexcept { return static_cast<Index>(weights_.size()); }
    [[nodiscard]] std::vector<Index> operator()(Index, Random& random) const {
        return options_.replacement ? with_replacement(random) : without_replacement(random);
    }

private:
    [[nodiscard]] std::vector<Index> with_replacement(Random& random) const {
        std::vector<double> sums(weights_.size());  // the largest weight counts 1: a sum of large ones is finite
        const double largest = *std::max_element(weights_.begin(), weights_.end());
        double sum = 0;
        for (std::size_t i = 0; i < sums.size(); ++i)
            sums[i] = sum += weights_[i] / largest;
        std::vector<Index> result;
        for (Index i = 0; i < options_.samples; ++i) {
            const auto found = std::upper_bound(sums.begin(), sums.end(), random.uniform<double>() * sum);
            // Rounded up to the whole sum: the last sample that has a weight.
            result.push_back((found != sums.end() ? found : std::lower_bound(sums.begin(), sums.end(), sum)) - sums.begin());
        }
        return result;
    }
    /// The samples of the smallest arrival times, each of the rate of its weight (Efraimidis and Spirakis, Information Processing
    /// Letters 97, 2006).
    [[nodiscard]] std::vector<Index> without_replacement(Random& random) const {
        std::vector<std::pair<double, Index>> arrivals;
        for (std::size_t i = 0; i < weights_.size(); ++i) {
            const double draw = random.uniform<double>();
            if (weights_[i] > 0)  // by logarithms: a quotient might overflow
                arrivals.emplace_back(std::log(-std::log1p(-draw)) - std::log(weights_[i]), static_cast<Index>(i));
        }
        std::sort(arrivals.begin(), arrivals.end());
        std::vector<Index> result;
        for (Index i = 0; i < options_.samples; ++i)
            result.push_back(arrivals[static_cast<std::size_t>(i)].second);
        return result;
    }

    std::vector<double> weights_;
    WeightedSamplerOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::data
