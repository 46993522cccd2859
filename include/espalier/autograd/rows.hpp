// SPDX-License-Identifier: MIT
/// @file Which tasks a stack of cotangents is of.
#pragma once

#include <espalier/core/memory.hpp>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <numeric>

namespace espalier::inline ESPALIER_ABI::autograd::detail {

/// The tasks whose cotangents a tensor holds, ascending. Most nodes are reached by the very tasks of the node before, so
/// they share one list: a copy costs a pointer.
class Rows {
public:
    Rows() noexcept = default;
    explicit Rows(std::initializer_list<Index> tasks) : Rows{static_cast<Index>(tasks.size()), Uninitialised{}} {
        std::copy(tasks.begin(), tasks.end(), data());
    }
    /// 0 ... count-1.
    [[nodiscard]] static Rows all(Index count) {
        Rows result{count, Uninitialised{}};
        std::iota(result.data(), result.data() + count, Index{0});
        return result;
    }
    /// Those of any of them, of `count` in all if each is counted as often as it comes.
    template <class Lists>
    [[nodiscard]] static Rows any_of(const Lists& lists, Index count) {
        Rows result{count, Uninitialised{}};
        Index* end = result.data();
        for (const Rows& rows : lists)
            end = std::copy(rows.begin(), rows.end(), end);
        std::sort(result.data(), end);
        result.size_ = std::unique(result.data(), end) - result.data();
        return result;
    }

    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] Index size() const noexcept { return size_; }
    [[nodiscard]] const Index* begin() const noexcept { return static_cast<const Index*>(memory_.data()); }
    [[nodiscard]] const Index* end() const noexcept { return begin() + size_; }
    /// Where a task that is among them stands.
    [[nodiscard]] Index place(Index task) const noexcept { return std::lower_bound(begin(), end(), task) - begin(); }

    friend bool operator==(const Rows& a, const Rows& b) noexcept {
        return a.begin() == b.begin() || std::equal(a.begin(), a.end(), b.begin(), b.end());
    }

private:
    struct Uninitialised {};
    Rows(Index size, Uninitialised) : memory_{static_cast<std::size_t>(size) * sizeof(Index)}, size_{size} {}
    [[nodiscard]] Index* data() noexcept { return static_cast<Index*>(memory_.data()); }

    Buffer memory_;
    Index size_ = 0;
};

}  // namespace espalier::inline ESPALIER_ABI::autograd::detail
