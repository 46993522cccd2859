// SPDX-License-Identifier: MIT
/// @file Operations that move elements and compute nothing: reshape, flatten, narrow, split, cat.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>

#include <algorithm>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::autograd {

/// The same elements under another shape; nothing is copied, forward or backward. @throws ShapeError
template <class Scalar>
[[nodiscard]] Variable<Scalar> reshape(const Variable<Scalar>& x, const Shape& shape) {
    require<ShapeError>(shape.numel() == x.numel(), "reshape", "expected ", x.numel(), " elements as in ", x.shape(), ", got shape ",
                        shape);
    return record<Scalar>("reshape", x.node()->value.alias(shape), {x},
                          [](Gradients<Scalar>& g) { g.add(0, std::move(g.cotangent()).reshape(g.input(0).shape().prepended(g.rows()))); });
}

/// Axes from `first` on become one: (N, H, W, C) gives (N, H W C). @throws ShapeError if there is no such axis.
template <class Scalar>
[[nodiscard]] Variable<Scalar> flatten(const Variable<Scalar>& x, Index first = 1) {
    require<ShapeError>(first >= 0 && first < x.rank(), "flatten", "expected more than ", first, " axes, got ", x.shape());
    Shape shape = x.shape().axes(0, first);
    shape.append(x.shape().product(first, x.rank()));
    return reshape(x, shape);
}

namespace detail {

/// On one thread.
template <class Scalar>
void move_rows(Index rows, Index length, const Scalar* from, Index from_stride, Scalar* to, Index to_stride, bool add) {
    if constexpr (kernels::simd::vectorised<Scalar>) {
        if (add)
            return kernels::simd::table().add_to_rows(rows, length, from, from_stride, to, to_stride);
        if (length <= 256)
            return kernels::simd::table().copy_rows(rows, length, from, from_stride, to, to_stride, length);
    }
    for (; rows > 0; --rows, from += from_stride, to += to_stride)
        if (add)
            kernels::vector_loop(0, length, [=](Index j) { to[j] += from[j]; });
        else
            std::copy_n(from, length, to);
}

/// Copies `count` runs of `length` elements between arrays with different distances from run to run, or adds them to what is there.
template <class Scalar>
void move_runs(Index count, Index length, const Scalar* from, Index from_stride, Scalar* to, Index to_stride, bool add = false) {
    constexpr Index most = 8192;  // longer runs are moved in pieces, by several threads
    const Index pieces = std::max<Index>(1, (length - 1) / most + 1);
    if (pieces > 1) {
        parallel_for(count * pieces, 1, [=](Index i, Index) {
            const Index begin = i % pieces * most;
            move_rows(1, std::min(most, length - begin), from + i / pieces * from_stride + begin, from_stride,
                      to + i / pieces * to_stride + begin, to_stride, add);
        });
        return;
    }
    parallel_for(count, kernels::row_grain(length), [=](Index begin, Index end) {
        move_rows(end - begin, length, from + begin * from_stride, from_stride, to + begin * to_stride, to_stride, add);
    });
}

}  // namespace detail

/// Entries [start, start + length) of one axis. @throws ShapeError if they are not all there.
template <class Scalar>
[[nodiscard]] Variable<Scalar> narrow(const Variable<Scalar>& x, Index axis, Index start, Index length) {
    const Shape& shape = x.shape();
    axis = shape.normalize(axis);
    require<ShapeError>(start >= 0 && length >= 0 && start <= shape[axis] && length <= shape[axis] - start, "narrow",
                        "expected a range within axis ", axis, " of ", shape, ", got ", length, " entries from ", start);
    const Index outer = shape.product(0, axis);
    const Index inner = shape.product(axis + 1, shape.rank());
    const Index whole = shape[axis] * inner;
    auto y = Tensor<Scalar>::empty(shape.with(axis, length));
    const Index run = length * inner;
    detail::move_runs(outer, run, x.value().data() + start * inner, whole, y.data(), run);
    return record<Scalar>("narrow", std::move(y), {x}, [=](Gradients<Scalar>& g) {
        // In place, so that the parts of one `split` add up to a single pass and not to one for each.
        g.produce(0, [&](const kernels::Target<Scalar>& dx) {
            for (Index t = 0; t < g.rows(); ++t) {
                if (!dx.accumulate)
                    kernels::for_each_index(outer * whole, [row = dx.row(t)](Index i) { row[i] = 0; });
                detail::move_runs(outer, run, g.cotangent().data() + t * outer * run, run, dx.row(t) + start * inner, whole, dx.accumulate);
            }
        });
    });
}

/// Consecutive parts of one axis. @throws ShapeError unless the sizes add up to its extent.
template <class Scalar>
[[nodiscard]] std::vector<Variable<Scalar>> split(const Variable<Scalar>& x, std::span<const Index> sizes, Index axis) {
    const Index extent = x.size(axis);
    Index total = 0;
    for (const Index size : sizes) {
        require<ShapeError>(size >= 0 && size <= extent - total, "split", "expected sizes that add up to ", extent, " on axis ", axis,
                            " of ", x.shape(), ", got ", size, " after ", total);
        total += size;
    }
    require<ShapeError>(total == extent, "split", "expected sizes that add up to ", extent, " on axis ", axis, " of ", x.shape(), ", got ",
                        total);
    std::vector<Variable<Scalar>> parts;
    Index start = 0;
    for (const Index size : sizes) {
        parts.push_back(narrow(x, axis, start, size));
        start += size;
    }
    return parts;
}

/// The inputs side by side along one axis; the others must agree. @throws ShapeError naming the first that does not.
template <class Scalar>
[[nodiscard]] Variable<Scalar> cat(std::span<const Variable<Scalar>> inputs, Index axis) {
    require<ShapeError>(!inputs.empty(), "cat", "expected at least one input, got none");
    const Shape& first = inputs.front().shape();
    axis = first.normalize(axis);
    Shape shape = first.with(axis, 0);
    for (const auto& input : inputs) {
        require<ShapeError>(input.rank() == first.rank() && input.shape().with(axis, 0) == first.with(axis, 0), "cat",
                            "expected shapes that agree but for axis ", axis, ", got ", first, " and ", input.shape());
        shape = shape.with(axis, shape[axis] + input.size(axis));  // refused before it could overflow
    }
    const Index extent = shape[axis];
    const Index outer = first.product(0, axis);
    const Index inner = first.product(axis + 1, first.rank());
    auto y = Tensor<Scalar>::empty(shape);
    Index start = 0;
    for (const auto& input : inputs) {
        const Index run = input.size(axis) * inner;
        detail::move_runs(outer, run, input.value().data(), run, y.data() + start, extent * inner);
        start += run;
    }
    return record("cat", std::move(y), inputs, [=, count = inputs.size()](Gradients<Scalar>& g) {
        Index offset = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const Index run = g.input(i).size(axis) * inner;
            if (g.needs(i))
                g.produce(i, [&](const kernels::Target<Scalar>& dx) {
                    for (Index t = 0; t < g.rows(); ++t)
                        detail::move_runs(outer, run, g.cotangent().data() + t * outer * extent * inner + offset, extent * inner, dx.row(t),
                                          run, dx.accumulate);
                });
            offset += run;
        }
    });
}
template <class Scalar>
[[nodiscard]] Variable<Scalar> cat(const std::vector<Variable<Scalar>>& inputs, Index axis) {
    return cat(std::span<const Variable<Scalar>>{inputs}, axis);
}
template <class Scalar>
[[nodiscard]] Variable<Scalar> cat(std::initializer_list<Variable<Scalar>> inputs, Index axis) {
    return cat(std::span<const Variable<Scalar>>{inputs.begin(), inputs.size()}, axis);
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
