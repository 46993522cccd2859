// SPDX-License-Identifier: MIT
/// @file Functions of two elements over arrays, one of which may be repeated.
#pragma once

#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>

#include <algorithm>
#include <array>

namespace espalier::inline ESPALIER_ABI::kernels {

/// An operand of `size` elements, which are taken again and again if the result has more.
template <class Scalar>
struct Repeated {
    const Scalar* data;
    Index size;
};

/// A repeated operand whose few elements are written out some times, so that a kernel's pass over them is long enough.
template <class Scalar>
class Pattern {
public:
    Pattern(const Repeated<Scalar>& from, Index n) : data_{from.data}, size_{from.size} {
        if (from.size == n || from.size > capacity / 2)
            return;
        for (size_ = 0; size_ + from.size <= capacity; size_ += from.size)
            std::copy_n(from.data, from.size, memory_.data() + size_);
        data_ = memory_.data();
    }
    Pattern(const Pattern&) = delete;
    Pattern& operator=(const Pattern&) = delete;

    [[nodiscard]] const Scalar* at(Index i) const noexcept { return data_ + i % size_; }
    /// Elements from i on that lie side by side.
    [[nodiscard]] Index run(Index i) const noexcept { return size_ - i % size_; }

private:
    static constexpr Index capacity = 512;
    const Scalar* data_;
    Index size_;
    std::array<Scalar, capacity> memory_;
};

/// `body(a, b, i, count)` for runs of elements that cover [0, n), on all threads; the sizes of a and b divide n, which is above 0.
template <class Scalar, class Body>
void for_each_run(Index n, const Repeated<Scalar>& a, const Repeated<Scalar>& b, const Body& body) {
    const Pattern<Scalar> left{a, n};
    const Pattern<Scalar> right{b, n};
    parallel_for(n, elementwise_grain(n), [&](Index begin, Index end) {
        for (Index i = begin, count = 0; i < end; i += count) {
            count = std::min({end - i, left.run(i), right.run(i)});
            body(left.at(i), right.at(i), i, count);
        }
    });
}

/// y[i] = f(a[i], b[i]) for a function of two elements of kernels/functions.hpp; y may be a or b, if that has n elements.
template <class F, class Scalar>
void combine(Index n, const Repeated<Scalar>& a, const Repeated<Scalar>& b, Scalar* y) {
    if (n > 0)
        for_each_run(n, a, b, [=](const Scalar* left, const Scalar* right, Index at, Index count) {
            if constexpr (simd::vectorised<Scalar>)
                simd::kernels_of<F>().value(count, left, right, y + at);
            else
                vector_loop(0, count, [=, to = y + at](Index i) { to[i] = F::value(left[i], right[i]); });
        });
}

/// dx[i] = dy[i] times the derivative of `Pull`, which is `PullLeft<F>` or `PullRight<F>`; that operand has n elements.
template <class Pull, class Scalar>
void combine_back(Index n, const Repeated<Scalar>& a, const Repeated<Scalar>& b, const Scalar* dy, Scalar* dx) {
    if (n > 0)
        for_each_run(n, a, b, [=](const Scalar* left, const Scalar* right, Index at, Index count) {
            if constexpr (simd::vectorised<Scalar>)
                (simd::kernels_of<typename Pull::Function>().*Pull::kernel)(count, left, right, dy + at, dx + at);
            else
                vector_loop(0, count, [=, to = dx + at, d = dy + at](Index i) { to[i] = Pull{}(left[i], right[i], d[i]); });
        });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
