// SPDX-License-Identifier: MIT
/// @file Sums and means over parts of different lengths, one after the other, of the first axis.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/tensor/segments.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {
namespace detail {

template <class Scalar>
[[nodiscard]] Variable<Scalar> segment_reduce(const char* operation, const Variable<Scalar>& x, const Tensor<Index>& lengths, bool mean) {
    require<ShapeError>(x.rank() >= 1 && lengths.rank() == 1, operation, "expected rows (sum of lengths, ...) and lengths (N,), got ",
                        x.shape(), " and ", lengths.shape());
    const Index segments = lengths.numel();
    const Index width = x.shape().product(1, x.rank());
    auto starts = espalier::detail::segment_starts(operation, lengths, x.size(0), "rows");
    const auto grain = kernels::row_grain(segments ? x.numel() / segments : 0);
    const auto for_each = [=, starts = std::move(starts)](Index rows, const auto& body) {  // body(row, segment, first, last)
        const auto bytes = static_cast<std::size_t>(width) * sizeof(double);
        parallel_for(rows * segments, grain, bytes, [&](Index begin, Index end, void* scratch) {
            for (Index i = begin; i < end; ++i) {
                const auto segment = static_cast<std::size_t>(i % segments);
                body(i / segments, static_cast<Index>(segment), starts[segment], starts[segment + 1], static_cast<double*>(scratch));
            }
        });
    };
    auto y = Tensor<Scalar>::empty(x.shape().with(0, segments));
    for_each(1, [&](Index, Index segment, Index first, Index last, double* sums) {
        std::fill_n(sums, width, 0.0);
        for (Index r = first; r < last; ++r)
            kernels::vector_loop(0, width, [=, from = x.value().data() + r * width](Index i) { sums[i] += static_cast<double>(from[i]); });
        const double divisor = mean ? static_cast<double>(std::max<Index>(1, last - first)) : 1;
        std::transform(sums, sums + width, y.data() + segment * width, [=](double sum) { return static_cast<Scalar>(sum / divisor); });
    });
    return record<Scalar>(operation, std::move(y), {x}, [=](Gradients<Scalar>& g) {
        auto gradient = Tensor<Scalar>::empty(g.input(0).shape().prepended(g.rows()));
        for_each(g.rows(), [&](Index row, Index segment, Index first, Index last, double*) {
            const Scalar* const dy = g.cotangent().data() + (row * segments + segment) * width;
            const auto factor = static_cast<Scalar>(mean ? 1 / static_cast<double>(std::max<Index>(1, last - first)) : 1);
            for (Index r = first; r < last; ++r)
                kernels::vector_loop(0, width, [=, to = gradient.data() + (row * g.input(0).size(0) + r) * width](Index i) {
                    to[i] = factor * dy[i];
                });
        });
        g.add(0, std::move(gradient));
    });
}

}  // namespace detail

/// Of x (sum of lengths, ...) the sums over the first `lengths[0]` rows, the next `lengths[1]` and so on: gives (N, ...), 0 for a length
/// of 0. Added up in double. torch.segment_reduce.
/// @throws ShapeError for lengths that are no (N,); ValueError unless they add up to the rows
template <class Scalar>
[[nodiscard]] Variable<Scalar> segment_sum(const Variable<Scalar>& x, const Tensor<Index>& lengths) {
    return detail::segment_reduce("segment_sum", x, lengths, false);
}
/// The means likewise, 0 for a length of 0. @throws as segment_sum
template <class Scalar>
[[nodiscard]] Variable<Scalar> segment_mean(const Variable<Scalar>& x, const Tensor<Index>& lengths) {
    return detail::segment_reduce("segment_mean", x, lengths, true);
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
