// SPDX-License-Identifier: MIT
/// @file Pairs of tokens that become one, and a word merged by them. `text/byte_pair_encoding.hpp` is what programs include.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/tensor/tensor.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <queue>
#include <tuple>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::text::detail {

/// The merges of a byte pair encoding: a table of pairs in one piece of memory.
class Merges {
public:
    static constexpr std::uint32_t none = 0xFFFFFFFF;

    struct Merge {
        std::uint32_t rank = none;
        std::uint32_t id = 0;
    };

    Merges() : Merges{0} {}
    explicit Merges(std::size_t count) : slots_(std::bit_ceil(2 * count + 2)), shift_{64 - std::countr_zero(slots_.size())} {}

    /// False if there is a merge of this pair already.
    [[nodiscard]] bool insert(std::uint32_t left, std::uint32_t right, Merge merge) {
        Slot& slot = slots_[place_of(left, right)];
        if (slot.merge.rank != none)
            return false;
        slot = {left, right, merge};
        return true;
    }
    [[nodiscard]] Merge find(std::uint32_t left, std::uint32_t right) const noexcept { return slots_[place_of(left, right)].merge; }

    /// Merges a word in place: of all pairs the one of lowest rank, of several of them the first, until there is none. The word becomes its
    /// first elements, whose number is given back.
    [[nodiscard]] std::size_t apply(std::uint32_t* ids, std::size_t count) const {
        return count <= short_word ? apply_short(ids, count) : apply_long(ids, count);
    }

private:
    static constexpr std::size_t short_word = 32;  ///< up to which looking through all pairs is faster than a queue

    struct Slot {
        std::uint32_t left = 0, right = 0;
        Merge merge = {};
    };

    /// Of the pair, or of the free slot where it would be: there always is one.
    [[nodiscard]] std::size_t place_of(std::uint32_t left, std::uint32_t right) const noexcept {
        const std::uint64_t key = std::uint64_t{left} << 32 | right;
        std::size_t at = static_cast<std::size_t>((key ^ key >> 29) * 0x9E3779B97F4A7C15 >> shift_);
        while (slots_[at].merge.rank != none && (slots_[at].left != left || slots_[at].right != right))
            at = (at + 1) & (slots_.size() - 1);
        return at;
    }

    [[nodiscard]] std::size_t apply_short(std::uint32_t* ids, std::size_t count) const {
        std::array<Merge, short_word> pairs;  // of each element with the one behind it
        for (std::size_t i = 0; i + 1 < count; ++i)
            pairs[i] = find(ids[i], ids[i + 1]);
        while (count > 1) {
            std::size_t best = 0;
            for (std::size_t i = 1; i + 1 < count; ++i)
                if (pairs[i].rank < pairs[best].rank)
                    best = i;
            if (pairs[best].rank == none)
                break;
            ids[best] = pairs[best].id;
            --count;
            for (std::size_t i = best + 1; i < count; ++i) {
                ids[i] = ids[i + 1];
                pairs[i - 1] = pairs[i];
            }
            // pairs[best] is that of the old neighbours, whichever they were
            if (best > 0)
                pairs[best - 1] = find(ids[best - 1], ids[best]);
            if (best + 1 < count)
                pairs[best] = find(ids[best], ids[best + 1]);
        }
        return count;
    }

    /// The same by a queue, in time n log n: texts without white space may be long.
    [[nodiscard]] std::size_t apply_long(std::uint32_t* ids, std::size_t count) const {
        using Candidate = std::tuple<std::uint32_t, std::size_t, std::uint32_t, std::uint32_t>;  // rank, place, left, right
        constexpr std::uint32_t gone = none;
        std::vector<std::size_t> next(count), previous(count);
        std::vector<Candidate> first;
        const auto candidate = [&](std::size_t left, std::size_t right, const auto& add) {
            if (const Merge merge = find(ids[left], ids[right]); merge.rank != none)
                add(Candidate{merge.rank, left, ids[left], ids[right]});
        };
        for (std::size_t i = 0; i < count; ++i) {
            next[i] = i + 1;
            previous[i] = i - 1;  // of the first no one asks
            if (i + 1 < count)
                candidate(i, i + 1, [&](const Candidate& c) { first.push_back(c); });
        }
        std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue{std::greater<>{}, std::move(first)};
        const auto add = [&](const Candidate& c) { queue.push(c); };
        while (!queue.empty()) {
            const auto [rank, at, left, right] = queue.top();
            queue.pop();
            const std::size_t behind = next[at];
            if (ids[at] != left || behind >= count || ids[behind] != right)
                continue;  // one of the two has been merged since
            ids[at] = find(left, right).id;
            ids[behind] = gone;
            next[at] = next[behind];
            if (next[at] < count) {
                previous[next[at]] = at;
                candidate(at, next[at], add);
            }
            if (at > 0)
                candidate(previous[at], at, add);
        }
        std::size_t kept = 0;
        for (std::size_t i = 0; i < count; i = next[i])
            ids[kept++] = ids[i];
        return kept;
    }

    std::vector<Slot> slots_;
    int shift_;
};

}  // namespace espalier::inline ESPALIER_ABI::text::detail
