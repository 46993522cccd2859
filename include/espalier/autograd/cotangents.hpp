// SPDX-License-Identifier: MIT
/// @file Cotangents of several tasks, stacked: those that have reached one node of the tape.
#pragma once

#include <espalier/core/memory.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <numeric>
#include <utility>

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
    /// Those of either.
    [[nodiscard]] ESPALIER_COLD static Rows either(const Rows& a, const Rows& b) {
        Rows result{a.size() + b.size(), Uninitialised{}};
        result.size_ = std::set_union(a.begin(), a.end(), b.begin(), b.end(), result.data()) - result.data();
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

/// Cotangents of one node: row r of `value`, of shape (rows.size(), shape of the node...), belongs to the task `rows[r]`; a
/// head is reached by its own task alone, so it carries one row and not T.
template <class Scalar>
struct Cotangents : Pooled {
    Cotangents(Rows its_rows, Tensor<Scalar>&& its_value) : rows{std::move(its_rows)}, value{std::move(its_value)} {}

    Rows rows;
    Tensor<Scalar> value;

    /// Adds others of the same node; rows that only one side has are taken as they are.
    void add(const Rows& from_rows, const Tensor<Scalar>& from) {
        const Shape node = from.shape().without(0);
        if (rows != from_rows) {
            Rows all = Rows::either(rows, from_rows);
            Tensor<Scalar> merged{node.prepended(all.size())};
            add_rows(node.numel(), merged, all, value, rows);
            rows = std::move(all);
            value = std::move(merged);
        }
        add_rows(node.numel(), value, rows, from, from_rows);
    }

private:
    static void add_rows(Index numel, Tensor<Scalar>& to, const Rows& to_rows, const Tensor<Scalar>& from, const Rows& from_rows) {
        const Scalar* source = from.data();
        for (const Index task : from_rows) {
            kernels::accumulate(numel, source, to.data() + to_rows.place(task) * numel);
            source += numel;
        }
    }
};

}  // namespace espalier::inline ESPALIER_ABI::autograd::detail
