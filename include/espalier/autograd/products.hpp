// SPDX-License-Identifier: MIT
/// @file Cotangents that linear maps give to what they read, before they are multiplied out.
///
/// Where the heads of many tasks meet, each with few outputs, what reaches the features is D_t W_t of every task t: factors are smaller
/// than the product, and what is asked of all tasks together can be had of the factors.
#pragma once

#include <espalier/autograd/rows.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/gemm.hpp>
#include <espalier/kernels/gramian.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <numeric>
#include <span>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd::detail {

/// Row r of `stack` is of task `rows[r]`: their sum as a stack of one, each times its weight, `weights[i]` for the task `tasks[i]`.
template <class Scalar>
[[nodiscard]] Tensor<Scalar> weighted_sum_of_rows(const Tensor<Scalar>& stack, const Rows& rows, const Rows& tasks,
                                                  std::span<const double> weights) {
    PoolVector<double> chosen;
    for (const Index task : rows)
        chosen.push_back(weights[static_cast<std::size_t>(tasks.place(task))]);
    auto sum = Tensor<Scalar>::empty(stack.shape().with(0, 1));
    kernels::weighted_row_sum<Scalar>(rows.size(), sum.numel(), stack.data(), chosen.data(), {sum.data(), sum.numel(), false});
    return sum;
}

/// The cotangent D_r W of task `rows[r]`: D in `left`, (rows.size(), axes of the node but the last..., out); W in `right`, (out, in).
template <class Scalar>
struct Product {
    Rows rows;
    Tensor<Scalar> left;
    std::shared_ptr<const Tensor<Scalar>> right;

    /// Whether factors are worth keeping: of so few outputs that they are much smaller than the product.
    [[nodiscard]] static bool pays(Index out, Index in) noexcept { return 4 * out <= in; }
    [[nodiscard]] Index out() const { return right->size(0); }
    [[nodiscard]] Index in() const { return right->size(1); }
    /// Rows of D of one task.
    [[nodiscard]] Index height() const { return left.shape().product(1, left.rank() - 1); }
    [[nodiscard]] const Scalar* left_of(Index row) const { return left.data() + row * height() * out(); }
};

/// All products that have reached one node, in the order of their coming.
template <class Scalar>
class Products {
public:
    [[nodiscard]] bool empty() const noexcept { return products_.empty(); }
    void push_back(Product<Scalar>&& product) { products_.push_back(std::move(product)); }
    void clear() noexcept { products_.clear(); }

    /// Those of any product, and `others`.
    [[nodiscard]] Rows tasks_and(const Rows& others) const {
        if (others.empty() && products_.size() == 1)
            return products_.front().rows;
        PoolVector<Rows> lists{others};
        Index count = others.size();
        for (const auto& product : products_) {
            lists.push_back(product.rows);
            count += product.rows.size();
        }
        return Rows::any_of(lists, count);
    }
    [[nodiscard]] Shape shape_of(Index rows) const {
        const auto& first = products_.front();
        return first.left.shape().with(0, rows).with(-1, first.in());
    }

    /// Multiplies out, into or onto rows of `tasks`, (tasks.size(), shape of the node...). What reaches a task is one product of all its
    /// factors side by side, so many heads cost one pass over the row; and a task alone comes to the same bits as among others.
    void multiply(const Rows& tasks, Tensor<Scalar>& value, bool accumulate) const {
        const Terms terms{products_, tasks};
        const Index numel = tasks.empty() ? 0 : value.numel() / tasks.size();
        for (Index begin = 0, end = 0; begin < tasks.size(); begin = end) {
            for (end = begin + 1; end < tasks.size() && terms.alike(begin, end); ++end) {
            }
            multiply(terms.of(begin), end - begin, value.data() + begin * numel, accumulate);
        }
    }

    /// One row of all tasks, each times its weight: `weights[i]` is that of `tasks[i]`.
    [[nodiscard]] Products sum(const Rows& tasks, std::span<const double> weights) const {
        Products result;
        for (const auto& product : products_)
            result.push_back({Rows::all(1), weighted_sum_of_rows(product.left, product.rows, tasks, weights), product.right});
        return result;
    }

    /// Whether the inner products of so many rows of the node take fewer multiply-adds by their factors.
    [[nodiscard]] bool gramian_pays(Index tasks) const {
        const auto T = static_cast<double>(tasks), C = static_cast<double>(columns());
        const auto n = static_cast<double>(products_.front().height()), m = static_cast<double>(products_.front().in());
        return C * C * (n + m) < T * T * n * m;
    }
    /// Adds the inner product of the cotangents of `tasks[i]` and `tasks[j]` to `gramian[i * tasks.size() + j]`.
    void add_gramian(const Rows& tasks, double* gramian) const {
        const Terms terms{products_, tasks};
        const Index n = products_.front().height(), in = products_.front().in(), count = columns();
        const Buffer memory{static_cast<std::size_t>(count * (n + in)) * sizeof(Scalar)};
        auto* const left = static_cast<Scalar*>(memory.data());
        Scalar* const right = left + count * n;
        PoolVector<Index> first{0};
        for (Index i = 0; i < tasks.size(); ++i) {
            Index at = first.back();
            for (const Term& term : terms.of(i))
                at = put_beside(term, n, at, left, right);
            first.push_back(at);
        }
        kernels::add_outer_product_gramian(tasks.size(), first.data(), n, left, in, right, gramian);
    }

private:
    struct Term {
        const Product<Scalar>* product;
        Index row;
    };
    /// What is to be added up for each of the tasks.
    class Terms {
    public:
        Terms(const PoolVector<Product<Scalar>>& products, const Rows& tasks) : first_(static_cast<std::size_t>(tasks.size()) + 1) {
            for (const auto& product : products)
                for (const Index task : product.rows)
                    ++first_[static_cast<std::size_t>(tasks.place(task)) + 1];
            std::partial_sum(first_.begin(), first_.end(), first_.begin());
            PoolVector<std::size_t> next{first_};
            terms_.resize(first_.back());
            for (const auto& product : products)
                for (Index row = 0; row < product.rows.size(); ++row)
                    terms_[next[static_cast<std::size_t>(tasks.place(product.rows.begin()[row]))]++] = {&product, row};
        }
        [[nodiscard]] std::span<const Term> of(Index i) const {
            const auto at = static_cast<std::size_t>(i);
            return std::span{terms_}.subspan(first_[at], first_[at + 1] - first_[at]);
        }
        /// Whether two tasks have the same maps. Then so have all between them, and their rows lie side by side.
        [[nodiscard]] bool alike(Index i, Index j) const { return std::ranges::equal(of(i), of(j), {}, &Term::product, &Term::product); }

    private:
        PoolVector<std::size_t> first_;
        PoolVector<Term> terms_;
    };

    [[nodiscard]] Index columns() const {
        Index count = 0;
        for (const auto& product : products_)
            count += product.rows.size() * product.out();
        return count;
    }

    /// Writes the first `height` rows of D, from the term's task on, transposed to rows `at` and the next of `left`, and W to those of
    /// `right`. The row after them.
    static Index put_beside(const Term& term, Index height, Index at, Scalar* left, Scalar* right) {
        const auto& [product, row] = term;
        const Index out = product->out(), in = product->in();
        parallel_for(height, kernels::row_grain(out), [=, d = product->left_of(row)](Index begin, Index end) {
            for (Index o = 0; o < out; ++o)
                for (Index r = begin; r < end; ++r)
                    left[(at + o) * height + r] = d[r * out + o];
        });
        std::copy_n(product->right->data(), out * in, right + at * in);
        return at + out;
    }

    /// Of `rows` tasks that follow each other, in whose terms the rows do too.
    static void multiply(std::span<const Term> terms, Index rows, Scalar* to, bool accumulate) {
        using enum kernels::Transpose;
        if (terms.empty())
            return;
        const auto& first = *terms.front().product;
        const Index in = first.in(), height = rows * first.height();
        if (terms.size() == 1)
            return kernels::parallel_gemm<Scalar>(no, no, height, in, first.out(), {first.left_of(terms.front().row), first.out()},
                                                  {first.right->data(), in}, {to, in}, accumulate);
        Index depth = 0;
        for (const Term& term : terms)
            depth += term.product->out();
        const Buffer memory{static_cast<std::size_t>(depth * (height + in)) * sizeof(Scalar)};
        auto* const left = static_cast<Scalar*>(memory.data());
        Scalar* const right = left + depth * height;
        Index at = 0;
        for (const Term& term : terms)
            at = put_beside(term, height, at, left, right);
        kernels::parallel_gemm<Scalar>(yes, no, height, in, depth, {left, height}, {right, in}, {to, in}, accumulate);
    }

    PoolVector<Product<Scalar>> products_;
};

}  // namespace espalier::inline ESPALIER_ABI::autograd::detail
