// SPDX-License-Identifier: MIT
/// @file Batches of samples of like length, so that little of a padded batch is padding.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/random.hpp>
#include <espalier/data/sequences.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

/// How a `LengthSampler` groups.
struct LengthSamplerOptions {
    Index batches = 50;  ///< of how many at a time the samples are sorted: more make batches more even, fewer mix them more
};

/// Every sample once, in batches of similar length: the samples are shuffled, so many batches of them at a time sorted by length and cut,
/// and the batches shuffled. The last batch, if it is not full, is of samples drawn like any others.
class LengthSampler {
public:
    /// The length of each sample of the set. @throws ValueError for a negative length, none, or `batches` below 1
    explicit LengthSampler(std::vector<Index> lengths, const LengthSamplerOptions& options = {})
        : lengths_{std::move(lengths)}, options_{options} {
        require<ValueError>(!lengths_.empty(), "LengthSampler", "expected the length of at least one sample, got none");
        for (std::size_t i = 0; i < lengths_.size(); ++i)
            require<ValueError>(lengths_[i] >= 0, "LengthSampler", "expected lengths of at least 0, got ", lengths_[i], " of sample ", i);
        require<ValueError>(options_.batches >= 1, "LengthSampler", "expected at least 1 batch at a time, got ", options_.batches);
    }
    /// @throws as above
    explicit LengthSampler(const Sequences& sequences, const LengthSamplerOptions& options = {})
        : LengthSampler{std::vector<Index>(sequences.lengths().begin(), sequences.lengths().end()), options} {}

    [[nodiscard]] Index size() const noexcept { return set_size(); }
    [[nodiscard]] Index set_size() const noexcept { return static_cast<Index>(lengths_.size()); }
    /// @throws ValueError for a batch size below 1
    [[nodiscard]] std::vector<Index> operator()(Index batch_size, Random& random) const {
        require<ValueError>(batch_size >= 1, "LengthSampler", "expected a batch size of at least 1, got ", batch_size);
        std::vector<Index> shuffled = random.permutation(size());
        const Index full = size() / batch_size;
        const auto by_length = [&](Index a, Index b) {
            return lengths_[static_cast<std::size_t>(a)] < lengths_[static_cast<std::size_t>(b)];
        };
        for (Index first = 0; first < full; first += std::min(options_.batches, full - first)) {
            const Index last = first + std::min(options_.batches, full - first);
            std::stable_sort(shuffled.begin() + first * batch_size, shuffled.begin() + last * batch_size, by_length);
        }
        std::vector<Index> result;
        result.reserve(shuffled.size());
        for (const Index batch : random.permutation(full))
            result.insert(result.end(), shuffled.begin() + batch * batch_size, shuffled.begin() + (batch + 1) * batch_size);
        result.insert(result.end(), shuffled.begin() + full * batch_size, shuffled.end());
        return result;
    }

private:
    std::vector<Index> lengths_;
    LengthSamplerOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::data
