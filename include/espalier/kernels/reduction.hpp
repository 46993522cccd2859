// SPDX-License-Identifier: MIT
/// @file Sums whose order of addition depends on the problem's size alone.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/simd/kernels.hpp>

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::kernels {

/// Sum over i in [0, n) of `term(i)`, in double and in chunks of `grain`. Within a chunk it is one chain: terms of 0 change nothing,
/// wherever they stand.
template <class Term>
[[nodiscard]] double sum(Index n, const Term& term, Index grain = 4096) {
    const auto chain = [&](Index begin, Index end) {
        double total = 0;
        for (Index i = begin; i < end; ++i)
            total += static_cast<double>(term(i));
        return total;
    };
    if (n <= grain)
        return chain(0, n);
    PoolVector<double> partial(static_cast<std::size_t>((n + grain - 1) / grain));
    parallel_for(n, grain, [&](Index begin, Index end) { partial[static_cast<std::size_t>(begin / grain)] = chain(begin, end); });
    double total = 0;
    for (const double value : partial)
        total += value;
    return total;
}

/// Column sums of a row-major (rows, columns) array, in double: `add(row, rows, column, columns, sums)` adds those of a block of
/// it, at most 256 rows and columns, to `sums`, from several threads. `result` has `columns` entries or, where several sums are made in
/// one pass, so many for each of those, and so have `sums`.
template <class Add>
void column_sums_of_blocks(Index rows, Index columns, double* result, const Add& add, Index several = 1) {
    constexpr Index block = 256;  // few enough that sums of floats are as good as doubles
    const Index chunk = std::clamp<Index>(rows / (16 * block), 1, 8) * block;
    const Index chunks = std::max<Index>(1, (rows + chunk - 1) / chunk);
    const Index widths = (columns + block - 1) / block;
    const Index entries = several * columns;
    PoolVector<double> partial(static_cast<std::size_t>(chunks > 1 ? chunks * entries : 0));
    double* const sums = chunks > 1 ? partial.data() : result;
    std::fill_n(sums, chunks * entries, 0.0);
    const Index size = std::min(rows, chunk) * std::min(columns, block);
    parallel_for(chunks * widths, std::max<Index>(1, 16384 / std::max<Index>(size, 1)), [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) {
            const Index column = i % widths * block;
            const Index last = std::min(rows, (i / widths + 1) * chunk);
            for (Index row = i / widths * chunk; row < last; row += block)
                add(row, std::min(block, last - row), column, std::min(block, columns - column), sums + i / widths * entries + column);
        }
    });
    if (chunks == 1)
        return;
    std::fill_n(result, entries, 0.0);
    for (Index i = 0; i < chunks * entries; ++i)
        result[i % entries] += partial[static_cast<std::size_t>(i)];
}

/// `result[c] = sum over r of term(r, c)`; `term` may be called from several threads.
template <class Term>
    requires std::is_invocable_v<const Term&, Index, Index>
void column_sums(Index rows, Index columns, double* result, const Term& term) {
    column_sums_of_blocks(rows, columns, result, [&](Index row, Index count, Index column, Index width, double* sums) {
        for (Index r = row; r < row + count; ++r)
            for (Index c = 0; c < width; ++c)
                sums[c] += static_cast<double>(term(r, column + c));
    });
}

/// `result[c] = sum over r of x[r][c]`.
template <class Scalar>
void column_sums(Index rows, Index columns, const Scalar* x, double* result) {
    if constexpr (simd::vectorised<Scalar>)
        column_sums_of_blocks(rows, columns, result, [=](Index row, Index count, Index column, Index width, double* sums) {
            simd::table().add_column_sums(count, width, x + row * columns + column, columns, sums);
        });
    else
        column_sums(rows, columns, result, [=](Index r, Index c) { return x[r * columns + c]; });
}

/// `result[c] = sum over r of (x[r][c] - shift[c]) y[r][c]`.
template <class Scalar>
void column_products(Index rows, Index columns, const Scalar* x, const Scalar* shift, const Scalar* y, double* result) {
    if constexpr (simd::vectorised<Scalar>)
        column_sums_of_blocks(rows, columns, result, [=](Index row, Index count, Index column, Index width, double* sums) {
            const Index at = row * columns + column;
            simd::table().add_column_products(count, width, x + at, shift + column, y + at, columns, sums);
        });
    else
        column_sums(rows, columns, result, [=](Index r, Index c) { return (x[r * columns + c] - shift[c]) * y[r * columns + c]; });
}

namespace detail {

/// dy = 0 where y is not positive, for `rows` rows of n elements that are `stride` apart.
template <class Scalar>
void gate_rows(Index rows, Index n, Index stride, const Scalar* y, Scalar* dy) {
    if (n == stride)  // in one piece: a call for each short row would cost more than the row
        n *= std::exchange(rows, 1);
    for (; rows > 0; --rows, y += stride, dy += stride)
        if constexpr (simd::vectorised<Scalar>)
            simd::table().relu_backward(1, n, y, dy, dy, n);
        else
            for (Index i = 0; i < n; ++i)
                dy[i] = y[i] > 0 ? dy[i] : Scalar(0);
}

}  // namespace detail

/// With d = dy or, if there is a y, dy where that is positive and 0 elsewhere, which is written to dy: `result[c] = sum over r of d[r][c]`
/// and `result[columns + c] = sum over r of (x[r][c] - shift[c]) d[r][c]`, block by block that stays in cache.
template <class Scalar>
void gated_column_moments(Index rows, Index columns, const Scalar* x, const Scalar* shift, const Scalar* y, Scalar* dy, double* result) {
    column_sums_of_blocks(
        rows, columns, result,
        [=](Index row, Index count, Index column, Index width, double* sums) {
            const Index at = row * columns + column;
            if (y)
                detail::gate_rows(count, width, columns, y + at, dy + at);
            if constexpr (simd::vectorised<Scalar>) {
                simd::table().add_column_sums(count, width, dy + at, columns, sums);
                simd::table().add_column_products(count, width, x + at, shift + column, dy + at, columns, sums + columns);
            } else {
                for (Index r = 0; r < count; ++r)
                    for (Index c = 0; c < width; ++c) {
                        const Index i = at + r * columns + c;
                        sums[c] += static_cast<double>(dy[i]);
                        sums[columns + c] += static_cast<double>((x[i] - shift[column + c]) * dy[i]);
                    }
            }
        },
        2);
}

/// `result[c] = sum over r of (x[r][c] - shift[c])^2`.
template <class Scalar>
void column_squares(Index rows, Index columns, const Scalar* x, const Scalar* shift, double* result) {
    if constexpr (simd::vectorised<Scalar>)
        column_sums_of_blocks(rows, columns, result, [=](Index row, Index count, Index column, Index width, double* sums) {
            simd::table().add_column_squares(count, width, x + row * columns + column, shift + column, columns, sums);
        });
    else
        column_sums(rows, columns, result, [=](Index r, Index c) {
            const Scalar d = x[r * columns + c] - shift[c];
            return d * d;
        });
}

/// sums[c] += the sum of column c over `rows` rows of x, one behind the other, on one thread.
template <class Scalar>
void add_rows_to(double* sums, Index rows, Index columns, const Scalar* x) {
    if constexpr (simd::vectorised<Scalar>)
        return simd::table().add_column_sums(rows, columns, x, columns, sums);
    for (Index i = 0; i < rows; ++i)
        for (Index c = 0; c < columns; ++c)
            sums[c] += static_cast<double>(x[i * columns + c]);
}

/// Sum of x[i] over a row of n elements, on one thread: floats in short blocks, doubles beyond.
template <class Scalar>
[[nodiscard]] double row_sum(Index n, const Scalar* x) {
    if constexpr (simd::vectorised<Scalar>)
        return simd::table().row_sum(n, x);
    double total = 0;
    for (Index i = 0; i < n; ++i)
        total += static_cast<double>(x[i]);
    return total;
}

/// The same of x[i] y[i].
template <class Scalar>
[[nodiscard]] double row_product(Index n, const Scalar* x, const Scalar* y) {
    if constexpr (simd::vectorised<Scalar>)
        return simd::table().row_product(n, x, y);
    double total = 0;
    for (Index i = 0; i < n; ++i)
        total += static_cast<double>(x[i]) * static_cast<double>(y[i]);
    return total;
}

/// The same of (x[i] - shift)^2.
template <class Scalar>
[[nodiscard]] double row_squares(Index n, const Scalar* x, Scalar shift) {
    if constexpr (simd::vectorised<Scalar>)
        return simd::table().row_squares(n, x, shift);
    double total = 0;
    for (Index i = 0; i < n; ++i)
        total += (static_cast<double>(x[i]) - static_cast<double>(shift)) * (static_cast<double>(x[i]) - static_cast<double>(shift));
    return total;
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
