// SPDX-License-Identifier: MIT
/// @file How far sequences are from the true ones, in tokens that were exchanged, left out or put in: what translates, transcribes or
/// spells is measured by.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/data/sequences.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

namespace espalier::inline ESPALIER_ABI::metrics {

/// The least number of elements to exchange, leave out or put in that makes one sequence of the other (Levenshtein, Binary codes capable of
/// correcting deletions, insertions and reversals, 1966). Elements are compared by `==`; takes the time of the product of both lengths, and
/// the memory of one.
template <class Element>
[[nodiscard]] Index edit_distance(std::span<const Element> a, std::span<const Element> b) {
    std::vector<Index> row(b.size() + 1);  // of the elements of a so far: to the first j of b
    std::iota(row.begin(), row.end(), Index{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        Index diagonal = row[0];
        row[0] = static_cast<Index>(i) + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const Index exchanged = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({exchanged, row[j] + 1, diagonal + 1});
        }
    }
    return row.back();
}

/// The edits that make the true sequences of those that were said, divided by the elements of the true ones. It is the word error rate of
/// speech if elements are words, the character or phone error rate if they are these; above 1 where more is said than there is.
/// @code
/// metrics::ErrorRate rate;
/// rate.update(said, truth);                        // data::Sequences of ids, N each
/// rate.value();                                    // edits for each element of the truth
/// rate.sequence_error_rate();                      // share of the sequences that are not the true ones
/// @endcode
class ErrorRate {
public:
    /// Adds N pairs. @throws ShapeError, and nothing is counted, for another number of sequences than of true ones
    void update(const data::Sequences& said, const data::Sequences& truth) {
        require<ShapeError>(said.size() == truth.size(), "error_rate", "expected as many sequences as true ones, got ", said.size(),
                            " and ", truth.size());
        for (Index i = 0; i < truth.size(); ++i)
            update(said[i], truth[i]);
    }
    /// Adds one pair.
    void update(std::span<const Index> said, std::span<const Index> truth) {
        const Index edits = edit_distance(said, truth);
        edits_ += edits;
        elements_ += static_cast<Index>(truth.size());
        wrong_ += edits > 0;
        ++count_;
    }

    /// @throws StateError if no true element has been counted
    [[nodiscard]] double value() const {
        require<StateError>(elements_ > 0, "error_rate", "expected elements in the true sequences, got none");
        return static_cast<double>(edits_) / static_cast<double>(elements_);
    }
    /// In [0, 1]. @throws StateError if nothing has been counted
    [[nodiscard]] double sequence_error_rate() const {
        require<StateError>(count_ > 0, "error_rate", "expected sequences, got none");
        return static_cast<double>(wrong_) / static_cast<double>(count_);
    }
    [[nodiscard]] Index edits() const noexcept { return edits_; }
    /// Pairs counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return count_; }
    void reset() noexcept { *this = {}; }

private:
    Index edits_ = 0, elements_ = 0;
    Index wrong_ = 0, count_ = 0;  ///< sequences
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
