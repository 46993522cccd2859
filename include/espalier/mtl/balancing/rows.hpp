// SPDX-License-Identifier: MIT
/// @file Passes over the rows of a Jacobian, as aggregators make them: cut by its size alone, with sums in double.
#pragma once

#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/gramian.hpp>
#include <espalier/mtl/balancing/evidence.hpp>
#include <espalier/mtl/balancing/solvers/arrays.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>

namespace espalier::inline ESPALIER_ABI::mtl {
namespace detail {

/// Where rows begin, each of the same number of columns.
template <class Scalar>
using RowPointers = PoolVector<Scalar*>;

template <class Scalar>
[[nodiscard]] RowPointers<const Scalar> rows_of(const Tensor<Scalar>& matrix) {
    RowPointers<const Scalar> rows(static_cast<std::size_t>(matrix.size(0)));
    for (std::size_t t = 0; t < rows.size(); ++t)
        rows[t] = matrix.data() + static_cast<Index>(t) * matrix.size(1);
    return rows;
}
/// Those of the active tasks in a state that has a row for every task.
template <class Scalar>
[[nodiscard]] RowPointers<Scalar> rows_of(Tensor<Scalar>& state, const StepContext& context) {
    RowPointers<Scalar> rows(context.tasks.size());
    for (std::size_t t = 0; t < rows.size(); ++t)
        rows[t] = state.data() + static_cast<Index>(context.tasks[t]) * state.size(1);
    return rows;
}

/// Columns that are worked on between two looks at another row: so few that they stay in the first cache.
inline constexpr Index strip_columns = 512;

/// `body(begin, end)` for all strips of the columns [begin, end).
template <class Body>
void for_each_strip(Index begin, Index end, const Body& body) {
    for (Index strip = begin; strip < end; strip += strip_columns)
        body(strip, std::min(strip + strip_columns, end));
}

/// Columns that a thread takes at a time: rows of them are worth the handing out, and there are no more than 64 such chunks.
[[nodiscard]] inline Index columns_of_chunk(std::size_t rows, Index columns) noexcept {
    constexpr Index elements = 32768, most_chunks = 64;
    const Index least = std::max(elements / std::max<Index>(static_cast<Index>(rows), 1), (columns + most_chunks - 1) / most_chunks);
    return (least + strip_columns - 1) / strip_columns * strip_columns;
}

/// Calls `body(begin, end, sums)` for chunks of the columns, on all threads; it adds to `count` sums that begin at 0. These are added
/// in the order of the chunks.
template <class Body>
[[nodiscard]] Weights sums_over_columns(std::size_t rows, Index columns, std::size_t count, const Body& body) {
    const Index chunk = columns_of_chunk(rows, columns);
    Weights parts(static_cast<std::size_t>((columns + chunk - 1) / chunk) * count, 0.0);
    parallel_for(columns, chunk,
                 [&](Index begin, Index end) { body(begin, end, parts.data() + static_cast<std::size_t>(begin / chunk) * count); });
    Weights sums(count, 0.0);
    for (std::size_t i = 0; i < parts.size(); ++i)
        sums[i % count] += parts[i];
    return sums;
}

/// The length of each row over the columns [first, first + columns).
template <class Scalar>
[[nodiscard]] Weights norms_of(const RowPointers<Scalar>& rows, Index first, Index columns) {
    Weights norms = sums_over_columns(rows.size(), columns, rows.size(), [&](Index begin, Index end, double* sums) {
        for (std::size_t t = 0; t < rows.size(); ++t)
            sums[t] += solvers::dot(rows[t] + first + begin, rows[t] + first + begin, static_cast<std::size_t>(end - begin));
    });
    for (double& norm : norms)
        norm = std::sqrt(norm);
    return norms;
}

/// result[p] = the weighted sum of the rows at p, for the columns [first, first + columns) of the result (P,).
template <class Scalar, class Row>
void combine_into(Tensor<Scalar>& result, const RowPointers<Row>& rows, std::span<const double> weights, Index first, Index columns) {
    Scalar* const out = result.data() + first;
    parallel_for(columns, columns_of_chunk(rows.size(), columns), [&](Index begin, Index end) {
        for_each_strip(begin, end, [&](Index from, Index to) {
            std::array<double, strip_columns> sums{};
            for (std::size_t t = 0; t < rows.size(); ++t) {
                const Row* const row = rows[t] + first + from;
                kernels::vector_loop(0, to - from, [&, sum = sums.data(), weight = weights[t]](Index k) {
                    sum[k] += weight * static_cast<double>(row[k]);
                });
            }
            kernels::vector_loop(from, to, [&, sum = sums.data()](Index p) { out[p] = static_cast<Scalar>(sum[p - from]); });
        });
    });
}

}  // namespace detail

/// G = J J^T of rows (T, P), in double.
template <class Scalar>
[[nodiscard]] Matrix gramian_of(const Tensor<Scalar>& matrix) {
    const Index tasks = matrix.size(0);
    Matrix gramian{static_cast<std::size_t>(tasks), static_cast<std::size_t>(tasks)};
    kernels::add_row_products(tasks, matrix.size(1), matrix.data(), matrix.data(), gramian.data());
    return gramian;
}

/// J^T w of rows (T, P).
template <class Scalar>
[[nodiscard]] Tensor<Scalar> combine(const Tensor<Scalar>& matrix, std::span<const double> weights) {
    auto result = Tensor<Scalar>::empty(Shape{matrix.size(1)});
    detail::combine_into(result, detail::rows_of(matrix), weights, 0, matrix.size(1));
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::mtl
