// SPDX-License-Identifier: MIT
/// @file Which places of a list name the same row of a table, and sums over them.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/target.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace espalier::inline ESPALIER_ABI::kernels {

/// The different rows of a list, in the order in which they come first, and where each of them stands. Takes time and memory by the
/// length of the list: a table may have millions of rows that it does not name.
class RowGroups {
public:
    /// `list` holds indices in [0, entries).
    RowGroups(const Tensor<Index>& list, Index entries) : order_(static_cast<std::size_t>(list.numel())), first_(1, 0) {
        const auto places = std::min(std::bit_ceil(2 * order_.size() + 1), static_cast<std::size_t>(std::max<Index>(entries, 1)));
        PoolVector<Index> table(places, none);
        PoolVector<Index> rows, group(order_.size());
        for (std::size_t i = 0; i < order_.size(); ++i) {
            const Index row = list[static_cast<Index>(i)];
            std::size_t place = place_of(row, places);
            while (table[place] != none && rows[static_cast<std::size_t>(table[place])] != row)
                place = place + 1 < places ? place + 1 : 0;
            if (table[place] == none) {
                table[place] = static_cast<Index>(rows.size());
                rows.push_back(row);
                first_.push_back(0);
            }
            group[i] = table[place];
            ++first_[static_cast<std::size_t>(table[place]) + 1];
        }
        for (std::size_t k = 1; k < first_.size(); ++k)
            first_[k] += first_[k - 1];
        PoolVector<Index> next = first_;
        for (std::size_t i = 0; i < order_.size(); ++i)
            order_[static_cast<std::size_t>(next[static_cast<std::size_t>(group[i])]++)] = static_cast<Index>(i);
        rows_ = Tensor<Index>::empty({static_cast<Index>(rows.size())});
        std::copy(rows.begin(), rows.end(), rows_.begin());
    }

    /// (k,), each once.
    [[nodiscard]] const Tensor<Index>& rows() const& noexcept { return rows_; }
    [[nodiscard]] Index size() const noexcept { return rows_.numel(); }

    /// For each of T cotangents and each group the sum of the rows of `from`, (T, length of the list, width), that stand in its places:
    /// `place(t, k)` is where it goes, and it is added to what is there if `accumulate`.
    template <class Scalar, class Place>
    void sum(Index cotangents, Index width, const Scalar* from, bool accumulate, const Place& place) const {
        const auto bytes = static_cast<std::size_t>(width) * sizeof(double);
        const auto length = static_cast<Index>(order_.size());
        parallel_for(cotangents * size(), row_grain(width), bytes, [&](Index begin, Index end, void* scratch) {
            for (Index i = begin; i < end; ++i) {
                const Index t = i / size(), k = i % size();
                const Scalar* const source = from + t * length * width;
                if (count(k) <= most_in_its_own_type)
                    add_up(k, width, source, static_cast<Scalar*>(scratch), accumulate, place(t, k));
                else
                    add_up(k, width, source, static_cast<double*>(scratch), accumulate, place(t, k));
            }
        });
    }

private:
    static constexpr Index none = -1;
    static constexpr Index most_in_its_own_type = 256;  ///< more floats than that would lose digits

    [[nodiscard]] static std::size_t place_of(Index row, std::size_t places) noexcept {
        const auto value = static_cast<std::uint64_t>(row);
        if (!std::has_single_bit(places))  // one for each entry
            return static_cast<std::size_t>(value);
        return static_cast<std::size_t>((value * 0x9E3779B97F4A7C15U) >> 32) & (places - 1);
    }
    [[nodiscard]] Index count(Index k) const noexcept {
        return first_[static_cast<std::size_t>(k) + 1] - first_[static_cast<std::size_t>(k)];
    }

    template <class Scalar, class Sum>
    void add_up(Index k, Index width, const Scalar* from, Sum* sums, bool accumulate, Scalar* to) const {
        const Index* const places = order_.data() + first_[static_cast<std::size_t>(k)];
        if (count(k) == 1 && !accumulate) {
            std::copy_n(from + places[0] * width, width, to);
            return;
        }
        std::copy_n(from + places[0] * width, width, sums);
        for (Index i = 1; i < count(k); ++i)
            vector_loop(0, width, [=, row = from + places[i] * width](Index d) { sums[d] += row[d]; });
        if (accumulate)
            vector_loop(0, width, [=](Index d) { to[d] += static_cast<Scalar>(sums[d]); });
        else
            std::transform(sums, sums + width, to, [](Sum value) { return static_cast<Scalar>(value); });
    }

    Tensor<Index> rows_;
    PoolVector<Index> order_;  ///< the places, group after group
    PoolVector<Index> first_;  ///< group k has [first_[k], first_[k + 1]) of `order_`
};

}  // namespace espalier::inline ESPALIER_ABI::kernels
