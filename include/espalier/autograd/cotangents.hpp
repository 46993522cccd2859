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

/// Cotangents of one node: row r of `value`, of shape (rows.size(), shape of the node...), belongs to the task `rows[r]`; a
/// head is reached by its own task alone, so it carries one row and not T.
template <class Scalar>
class Cotangents : public Pooled {
public:
    Cotangents(Rows rows, Tensor<Scalar>&& value) : rows_{std::move(rows)}, value_{std::move(value)} {}

    [[nodiscard]] const Rows& rows() {
        merge();
        return rows_;
    }
    [[nodiscard]] Tensor<Scalar>& value() {
        merge();
        return value_;
    }

    /// Whether those of these tasks can be added without any other change.
    [[nodiscard]] bool holds(const Rows& rows) const noexcept { return other_rows_.empty() && rows == rows_; }
    /// Adds others of the same node; rows that only one side has are taken as they are. Other rows than those here wait until they
    /// are as many, or until somebody looks: where T heads meet, no row is then copied more than a few times, instead of T times.
    void add(const Rows& rows, Tensor<Scalar>&& value) {
        if (holds(rows)) {
            add_rows(value_, value, rows);
            return;
        }
        other_rows_.push_back(rows);
        other_values_.push_back(std::move(value));
        waiting_ += rows.size();
        if (waiting_ >= rows_.size())
            merge();
    }

private:
    void merge() {
        if (!other_rows_.empty())
            merge_others();
    }
    /// In the order of their coming, so that sums are the same whenever it is done.
    ESPALIER_NOINLINE void merge_others() {
        const Index own = rows_.size();
        const Tensor<Scalar> own_value = std::move(value_);
        other_rows_.push_back(std::move(rows_));
        rows_ = Rows::any_of(other_rows_, own + waiting_);
        value_ = Tensor<Scalar>{own_value.shape().without(0).prepended(rows_.size())};
        add_rows(value_, own_value, other_rows_.back());
        for (std::size_t i = 0; i < other_values_.size(); ++i)
            add_rows(value_, other_values_[i], other_rows_[i]);
        other_rows_.clear();
        other_values_.clear();
        waiting_ = 0;
    }
    void add_rows(Tensor<Scalar>& to, const Tensor<Scalar>& from, const Rows& from_rows) const {
        const Index numel = from_rows.empty() ? 0 : from.numel() / from_rows.size();
        const Scalar* source = from.data();
        for (const Index task : from_rows) {
            kernels::accumulate(numel, source, to.data() + rows_.place(task) * numel);
            source += numel;
        }
    }

    Rows rows_;
    Tensor<Scalar> value_;
    PoolVector<Rows> other_rows_;
    PoolVector<Tensor<Scalar>> other_values_;
    Index waiting_ = 0;  ///< rows of others
};

}  // namespace espalier::inline ESPALIER_ABI::autograd::detail
