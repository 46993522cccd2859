// SPDX-License-Identifier: MIT
/// @file Cotangents of several tasks, stacked: those that have reached one node of the tape.
#pragma once

#include <espalier/autograd/products.hpp>
#include <espalier/autograd/rows.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/tensor/tensor.hpp>

#include <memory>
#include <span>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd::detail {

/// Cotangents of one node: row r of `value`, of shape (rows.size(), shape of the node...), belongs to the task `rows[r]`; a
/// head is reached by its own task alone, so it carries one row and not T.
///
/// What comes as a product of factors stays one until somebody looks; all products are then added to all else.
template <class Scalar>
class Cotangents : public Pooled {
public:
    Cotangents() = default;
    Cotangents(Rows rows, Tensor<Scalar>&& value) : rows_{std::move(rows)}, value_{std::move(value)} {}

    [[nodiscard]] const Rows& rows() {
        make();
        return rows_;
    }
    [[nodiscard]] Tensor<Scalar>& value() {
        make();
        return value_;
    }
    /// As `rows`, and products stay as they are.
    [[nodiscard]] Rows tasks() {
        merge();
        return products_.empty() ? rows_ : products_.tasks_and(rows_);
    }

    /// Where others of these tasks can be added without any other change; null if they cannot.
    [[nodiscard]] Scalar* place_of(const Rows& rows) noexcept { return holds(rows) ? value_.data() : nullptr; }
    /// Adds others of the same node; rows that only one side has are taken as they are. Other rows than those here wait until they
    /// are as many, or until somebody looks: where T heads meet, no row is then copied more than a few times, instead of T times.
    void add(const Rows& rows, Tensor<Scalar>&& value) {
        if (rows_.empty() && other_rows_.empty()) {
            rows_ = rows;
            value_ = std::move(value);
            return;
        }
        if (holds(rows)) {
            add_rows(value_, rows_, value, rows);
            return;
        }
        other_rows_.push_back(rows);
        other_values_.push_back(std::move(value));
        waiting_ += rows.size();
        if (waiting_ >= rows_.size())
            merge();
    }
    void add(Product<Scalar>&& product) { products_.push_back(std::move(product)); }

    /// Adds the inner product of the rows of `tasks()[i]` and `tasks()[j]` to `gramian[i * tasks().size() + j]`.
    void add_gramian(double* gramian) {
        const Rows all = tasks();
        if (rows_.empty() && !products_.empty() && products_.gramian_pays(all.size())) {
            products_.add_gramian(all, gramian);
        } else {
            const Scalar* const from = value().data();
            kernels::add_row_products(all.size(), value_.numel() / all.size(), from, from, gramian);
        }
    }

    /// One row instead of those of several tasks, each times its weight: `weights[i]` is that of `tasks()[i]`.
    [[nodiscard]] std::unique_ptr<Cotangents> sum(std::span<const double> weights) {
        const Rows all = tasks();
        auto result = std::make_unique<Cotangents>();
        if (!products_.empty())
            result->products_ = products_.sum(all, weights);
        if (!rows_.empty())
            result->add(Rows::all(1), weighted_sum_of_rows(value_, rows_, all, weights));
        return result;
    }

private:
    [[nodiscard]] bool holds(const Rows& rows) const noexcept { return other_rows_.empty() && rows == rows_; }
    void make() {
        merge();
        if (!products_.empty())
            multiply_products();
    }
    ESPALIER_NOINLINE void multiply_products() {
        Rows all = products_.tasks_and(rows_);
        const bool accumulate = !rows_.empty();
        if (!accumulate)
            value_ = Tensor<Scalar>::empty(products_.shape_of(all.size()));
        else if (all != rows_)
            value_ = spread(value_, rows_, all);
        rows_ = std::move(all);
        products_.multiply(rows_, value_, accumulate);
        products_.clear();
    }
    void merge() {
        if (!other_rows_.empty())
            merge_others();
    }
    /// In the order of their coming, so that sums are the same whenever it is done.
    ESPALIER_NOINLINE void merge_others() {
        other_rows_.push_back(rows_);
        Rows all = Rows::any_of(other_rows_, rows_.size() + waiting_);
        value_ = spread(value_, rows_, all);
        rows_ = std::move(all);
        for (std::size_t i = 0; i < other_values_.size(); ++i)
            add_rows(value_, rows_, other_values_[i], other_rows_[i]);
        other_rows_.clear();
        other_values_.clear();
        waiting_ = 0;
    }
    /// The same with rows of 0 for tasks that it has none of.
    [[nodiscard]] static Tensor<Scalar> spread(const Tensor<Scalar>& value, const Rows& rows, const Rows& all) {
        Tensor<Scalar> result{value.shape().with(0, all.size())};
        add_rows(result, all, value, rows);
        return result;
    }
    static void add_rows(Tensor<Scalar>& to, const Rows& to_rows, const Tensor<Scalar>& from, const Rows& from_rows) {
        const Index numel = from_rows.empty() ? 0 : from.numel() / from_rows.size();
        const Scalar* source = from.data();
        for (const Index task : from_rows) {
            kernels::accumulate(numel, source, to.data() + to_rows.place(task) * numel);
            source += numel;
        }
    }

    Rows rows_;
    Tensor<Scalar> value_;
    PoolVector<Rows> other_rows_;
    PoolVector<Tensor<Scalar>> other_values_;
    Products<Scalar> products_;
    Index waiting_ = 0;  ///< rows of others
};

}  // namespace espalier::inline ESPALIER_ABI::autograd::detail
