// SPDX-License-Identifier: MIT
/// @file Loops over arrays, element by element, on all threads.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/functions.hpp>
#include <espalier/kernels/simd/kernels.hpp>

#include <algorithm>

namespace espalier::inline ESPALIER_ABI::kernels {

/// Elements of n that a thread takes at a time: enough that handing them out costs nothing beside the work, and no more than leaves an even
/// share for each of some threads. A multiple of 1024.
[[nodiscard]] inline Index elementwise_grain(Index n) noexcept { return std::clamp<Index>((n / 16 + 1023) / 1024 * 1024, 8192, 32768); }

/// The same in rows of so many elements.
[[nodiscard]] inline Index elementwise_row_grain(Index rows, Index columns) noexcept {
    return std::max<Index>(1, elementwise_grain(rows * columns) / std::max<Index>(columns, 1));
}

/// Rows of so many elements that a thread takes at a time, where each element costs more; a short row costs as much as one of 16.
[[nodiscard]] inline Index row_grain(Index columns) noexcept { return std::max<Index>(1, 8192 / std::max<Index>(columns, 16)); }

/// `body(i)` for every i in [begin, end), in any order and several at once: no call may depend on another.
template <class Body>
void vector_loop(Index begin, Index end, const Body& body) {
    constexpr Index block = 16;  // g++ -O2 vectorises loops of a known length only
    Index i = begin;
    for (; i + block <= end; i += block) {
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC ivdep
#endif
        for (Index j = 0; j < block; ++j)
            body(i + j);
    }
    for (; i < end; ++i)
        body(i);
}

/// `vector_loop` over [0, n) on all threads, where an element costs as much as so many ordinary ones.
template <class Body>
void for_each_index(Index n, const Body& body, Index cost = 1) {
    parallel_for(n, std::max<Index>(1, elementwise_grain(n) / cost), [&](Index begin, Index end) { vector_loop(begin, end, body); });
}

/// y[i] = f(x[i]).
template <class X, class Y, class F>
void map(Index n, const X* x, Y* y, const F& f) {
    for_each_index(n, [=](Index i) { y[i] = f(x[i]); });
}

/// y[i] = f(x[i]) for a function of one element of kernels/functions.hpp.
template <class F, class Scalar>
void map(Index n, const Scalar* x, Scalar* y, Scalar parameter = 0) {
    parallel_for(n, elementwise_grain(n), [=](Index begin, Index end) {
        if constexpr (simd::vectorised<Scalar>)
            simd::kernels_of<F>().value(end - begin, x + begin, y + begin, parameter);
        else
            vector_loop(begin, end, [=](Index i) { y[i] = F::value(x[i], parameter); });
    });
}

/// What comes back: each of the `rows` of n elements of dy becomes that times the derivative at x, where y = f(x).
template <class F, class Scalar>
void map_back(Index rows, Index n, const Scalar* x, const Scalar* y, Scalar* dy, Scalar parameter = 0) {
    for (Index t = 0; t < rows; ++t, dy += n)
        parallel_for(n, elementwise_grain(n), [=](Index begin, Index end) {
            if constexpr (simd::vectorised<Scalar>)
                simd::kernels_of<F>().pull(end - begin, x + begin, y + begin, dy + begin, parameter);
            else
                vector_loop(begin, end, [=](Index i) { dy[i] = F::pull(x[i], y[i], dy[i], parameter); });
        });
}

/// y[i] = max(x[i], 0); NaN passes.
template <class Scalar>
void relu(Index n, const Scalar* x, Scalar* y) {
    map<Relu>(n, x, y);
}

/// to[i] += from[i].
template <class Scalar>
void accumulate(Index n, const Scalar* from, Scalar* to) {
    parallel_for(n, elementwise_grain(n), [=](Index begin, Index end) {
        if constexpr (simd::vectorised<Scalar>)
            simd::table().add_to_rows(1, end - begin, from + begin, 0, to + begin, 0);
        else
            vector_loop(begin, end, [=](Index i) { to[i] += from[i]; });
    });
}

/// y[r][c] += x[c] for each of the rows of y.
template <class Scalar>
void add_to_each_row(Index rows, Index columns, const Scalar* x, Scalar* y) {
    parallel_for(rows, elementwise_row_grain(rows, columns), [=](Index begin, Index end) {
        if constexpr (simd::vectorised<Scalar>)
            simd::table().add_to_rows(end - begin, columns, x, 0, y + begin * columns, columns);
        else
            for (Index r = begin; r < end; ++r)
                vector_loop(0, columns, [=, row = y + r * columns](Index c) { row[c] += x[c]; });
    });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
