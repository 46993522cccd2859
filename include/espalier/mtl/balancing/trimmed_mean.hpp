// SPDX-License-Identifier: MIT
/// @file The mean of the tasks' gradients, element by element, without the largest and smallest.
#pragma once

#include <espalier/mtl/balancing/rows.hpp>

#include <algorithm>
#include <cstddef>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `TrimmedMean`.
struct TrimmedMeanOptions {
    std::size_t trim = 1;  ///< how many of the largest, and how many of the smallest, are left out
};

/// Coordinate-wise trimmed mean (Yin et al., "Byzantine-Robust Distributed Learning", ICML 2018, arXiv 1803.01498): of each element's T
/// values the b largest and b smallest are left out, and d is the mean of the others. Where a step has fewer than 2b + 1 tasks, as
/// many are left out as leave something: the median.
///
/// Cost: a traversal for T cotangents, the Jacobian, and 4 b T comparisons an element. Heads get their own gradients. May act on
/// features. No state; refuses nothing. It ignores a task whose gradient is always extreme, however much that task matters.
class TrimmedMean {
public:
    explicit TrimmedMean(TrimmedMeanOptions options = {}) noexcept : options_{options} {}

    template <class Scalar>
    [[nodiscard]] Tensor<Scalar> operator()(const Jacobian<Scalar>& jacobian) const {
        const auto rows = detail::rows_of(jacobian.matrix());
        const Index columns = jacobian.columns();
        const auto tasks = static_cast<Index>(rows.size());
        const Index trim = std::min(static_cast<Index>(options_.trim), (tasks - 1) / 2);
        auto result = Tensor<Scalar>::empty(Shape{columns});
        parallel_for(columns, detail::columns_of_chunk(rows.size(), columns), rows.size() * block * sizeof(Scalar),
                     [&](Index begin, Index end, void* scratch) {
                         for (Index p = begin; p < end; p += block)
                             means(rows, p, std::min(block, end - p), trim, static_cast<Scalar*>(scratch), result.data());
                     });
        return result;
    }

private:
    static constexpr Index block = 64;  ///< elements that are worked on at a time, in rows of `values`

    template <class Scalar>
    static void means(const detail::RowPointers<const Scalar>& rows, Index first, Index count, Index trim, Scalar* values, Scalar* result) {
        const auto tasks = static_cast<Index>(rows.size());
        for (Index t = 0; t < tasks; ++t)
            std::copy_n(rows[static_cast<std::size_t>(t)] + first, count, values + t * block);
        const auto order = [=](Index t) {  // rows t and t + 1
            kernels::vector_loop(0, count, [a = values + t * block, b = values + (t + 1) * block](Index k) {
                const Scalar x = a[k], y = b[k];
                a[k] = y < x ? y : x;
                b[k] = y < x ? x : y;
            });
        };
        for (Index done = 0; done < trim; ++done) {  // carries a largest one to the end, and then a smallest one to the beginning
            for (Index t = done; t + 1 < tasks - done; ++t)
                order(t);
            for (Index t = tasks - done - 2; t-- > done;)
                order(t);
        }
        for (Index k = 0; k < count; ++k) {
            double sum = 0;
            for (Index t = trim; t < tasks - trim; ++t)
                sum += static_cast<double>(values[t * block + k]);
            result[first + k] = static_cast<Scalar>(sum / static_cast<double>(tasks - 2 * trim));
        }
    }

    TrimmedMeanOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
