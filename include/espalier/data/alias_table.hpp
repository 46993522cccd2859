// SPDX-License-Identifier: MIT
/// @file Draws from any distribution over a finite number of things in constant time.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/core/random.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

/// Draws i in proportion to the i-th weight, by Walker's alias method in Vose's form ("A linear algorithm for generating random numbers
/// with a given distribution", IEEE Transactions on Software Engineering 17, 1991): each of n columns holds a share of its own thing, and
/// another that has the rest.
class AliasTable {
public:
    /// @throws ValueError for a weight that is negative or not finite, or no weight above 0
    explicit AliasTable(std::span<const double> weights) {
        require<ValueError>(std::all_of(weights.begin(), weights.end(), [](double w) { return is_finite(w) && w >= 0; }), "AliasTable",
                            "expected finite weights of at least 0, got another");
        const double largest = weights.empty() ? 0 : *std::max_element(weights.begin(), weights.end());
        require<ValueError>(largest > 0, "AliasTable", "expected a weight above 0, got none");
        double sum = 0;  // the largest counts 1: a sum of large ones is finite
        for (const double weight : weights)
            sum += weight / largest;
        const auto count = static_cast<double>(weights.size());
        std::vector<std::size_t> low, high;
        for (std::size_t i = 0; i < weights.size(); ++i) {
            probabilities_.push_back(weights[i] / largest / sum);
            shares_.push_back(probabilities_.back() * count);
            aliases_.push_back(static_cast<Index>(i));
            (shares_.back() < 1 ? low : high).push_back(i);
        }
        while (!low.empty() && !high.empty()) {
            const std::size_t under = low.back(), over = high.back();
            low.pop_back();
            aliases_[under] = static_cast<Index>(over);
            shares_[over] -= 1 - shares_[under];
            if (shares_[over] < 1) {
                high.pop_back();
                low.push_back(over);
            }
        }
        // What rounding left over has a whole column, unless it is never to be drawn.
        const auto likeliest = std::max_element(weights.begin(), weights.end()) - weights.begin();
        for (const std::vector<std::size_t>& rest : {low, high})
            for (const std::size_t i : rest)
                if (weights[i] > 0)
                    shares_[i] = 1;
                else
                    aliases_[i] = static_cast<Index>(likeliest);
    }

    [[nodiscard]] Index operator()(Random& random) const {
        const auto column = static_cast<std::size_t>(random.below(size()));
        return random.uniform<double>() < shares_[column] ? static_cast<Index>(column) : aliases_[column];
    }

    /// Number of weights.
    [[nodiscard]] Index size() const noexcept { return static_cast<Index>(shares_.size()); }
    /// How probable it is that i is drawn. @throws ValueError unless 0 <= i < size()
    [[nodiscard]] double probability(Index i) const {
        require<ValueError>(i >= 0 && i < size(), "AliasTable", "expected an index in [0, ", size(), "), got ", i);
        return probabilities_[static_cast<std::size_t>(i)];
    }

private:
    std::vector<double> probabilities_;
    std::vector<double> shares_;  ///< of its own thing in each column
    std::vector<Index> aliases_;  ///< what has the rest of it
};

}  // namespace espalier::inline ESPALIER_ABI::data
