// SPDX-License-Identifier: MIT
/// @file Samples of different lengths, as the words of a text or the items of a basket are: each carries its length, none is padded.
#pragma once

#include <espalier/tensor/segments.hpp>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

/// N sequences of indices, end to end.
/// @code
/// data::Sequences baskets{{3, 7}, {}, {1, 1, 4}};   // or {elements, lengths}: {3, 7, 1, 1, 4} and {2, 0, 3}
/// @endcode
class Sequences {
public:
    Sequences() : Sequences{Tensor<Index>{Shape{0}}, Tensor<Index>{Shape{0}}} {}
    /// All elements (sum of lengths,) and the length of each sequence (N,). @throws ShapeError for another rank; ValueError for a
    /// length below 0, or lengths that do not add up to the number of elements
    Sequences(Tensor<Index> elements, Tensor<Index> lengths) : elements_{std::move(elements)}, lengths_{std::move(lengths)} {
        require<ShapeError>(elements_.rank() == 1 && lengths_.rank() == 1, "sequences",
                            "expected elements (sum of lengths,) and lengths (N,), got ", elements_.shape(), " and ", lengths_.shape());
        starts_ = espalier::detail::segment_starts("sequences", lengths_, elements_.numel(), "elements", "sequence");
    }
    explicit Sequences(const std::vector<std::vector<Index>>& sequences) : Sequences{end_to_end(sequences), lengths_of(sequences)} {}
    Sequences(std::initializer_list<std::vector<Index>> sequences) : Sequences{std::vector<std::vector<Index>>(sequences)} {}

    [[nodiscard]] const Tensor<Index>& elements() const& noexcept { return elements_; }
    [[nodiscard]] Tensor<Index> elements() && { return elements_; }
    [[nodiscard]] const Tensor<Index>& lengths() const& noexcept { return lengths_; }
    [[nodiscard]] Tensor<Index> lengths() && { return lengths_; }
    /// Number of sequences N.
    [[nodiscard]] Index size() const noexcept { return lengths_.numel(); }
    /// One of them. @throws ValueError for an index out of range
    [[nodiscard]] std::span<const Index> operator[](Index i) const& {
        check(i);
        const auto at = static_cast<std::size_t>(i);
        return {elements_.data() + starts_[at], static_cast<std::size_t>(starts_[at + 1] - starts_[at])};
    }
    std::span<const Index> operator[](Index) const&& = delete;

    /// Those that `indices` lists, in that order. @throws ValueError for an index out of range
    [[nodiscard]] Sequences gather(std::span<const Index> indices) const {
        Index count = 0;
        for (const Index i : indices)
            count += static_cast<Index>((*this)[i].size());
        auto elements = Tensor<Index>::empty({count});
        auto lengths = Tensor<Index>::empty({static_cast<Index>(indices.size())});
        Index* to = elements.data();
        for (std::size_t k = 0; k < indices.size(); ++k) {
            const auto sequence = (*this)[indices[k]];
            to = std::copy(sequence.begin(), sequence.end(), to);
            lengths[static_cast<Index>(k)] = static_cast<Index>(sequence.size());
        }
        return {std::move(elements), std::move(lengths)};
    }
    /// Sequences [first, last). @throws ShapeError unless 0 <= first <= last <= size()
    [[nodiscard]] Sequences slice(Index first, Index last) const {
        Tensor<Index> lengths = lengths_.slice(first, last);
        const auto start = [this](Index i) { return i > 0 ? starts_[static_cast<std::size_t>(i)] : 0; };  // none, if moved from
        return {elements_.slice(start(first), start(last)), std::move(lengths)};
    }

    friend bool operator==(const Sequences& a, const Sequences& b) { return a.elements_ == b.elements_ && a.lengths_ == b.lengths_; }

private:
    void check(Index i) const { require<ValueError>(i >= 0 && i < size(), "sequences", "expected an index in [0, ", size(), "), got ", i); }
    [[nodiscard]] static Tensor<Index> lengths_of(const std::vector<std::vector<Index>>& sequences) {
        Tensor<Index> lengths{Shape{static_cast<Index>(sequences.size())}};
        for (std::size_t i = 0; i < sequences.size(); ++i)
            lengths[static_cast<Index>(i)] = static_cast<Index>(sequences[i].size());
        return lengths;
    }
    [[nodiscard]] static Tensor<Index> end_to_end(const std::vector<std::vector<Index>>& sequences) {
        std::vector<Index> all;
        for (const auto& sequence : sequences)
            all.insert(all.end(), sequence.begin(), sequence.end());
        return {Shape{static_cast<Index>(all.size())}, all};
    }

    Tensor<Index> elements_;
    Tensor<Index> lengths_;
    PoolVector<Index> starts_;  ///< of each sequence, and the number of elements
};

}  // namespace espalier::inline ESPALIER_ABI::data
