// SPDX-License-Identifier: MIT
/// @file The mean of the tasks' gradients, element by element, without the largest and smallest.
#pragma once

#include <espalier/mtl/balancing/rows.hpp>

#include <algorithm>

namespace espalier::inline ESPALIER_ABI::mtl {

struct TrimmedMeanOptions {
    std::size_t trim = 1;  ///< how many of the largest, and how many of the smallest, are left out
};

/// Coordinate-wise trimmed mean (Yin et al., "Byzantine-Robust Distributed Learning", ICML 2018, arXiv 1803.01498): of each element's T
/// values the b largest and b smallest are left out, and d is the mean of the others. Where a step has fewer than 2b + 1 tasks, as
/// many are left out as leave something: the median.
///
/// Cost: a traversal for T cotangents, the Jacobian, and a sort of T numbers an element. Heads get their own gradients. May act on
/// features. No state; refuses nothing. It ignores a task whose gradient is always extreme, however much that task matters.
class TrimmedMean {
public:
    explicit TrimmedMean(TrimmedMeanOptions options = {}) noexcept : options_{options} {}

    template <class Scalar>
    [[nodiscard]] Tensor<Scalar> operator()(const Jacobian<Scalar>& jacobian) const {
        const auto rows = rows_of(jacobian.matrix());
        const Index columns = jacobian.columns();
        const auto tasks = static_cast<Index>(rows.size());
        const Index trim = std::min(static_cast<Index>(options_.trim), (tasks - 1) / 2);
        auto result = Tensor<Scalar>::empty(Shape{columns});
        constexpr Index width = 16;  // elements that are read from a row at a time
        parallel_for(columns, columns_of_chunk(rows.size(), columns), rows.size() * width * sizeof(Scalar),
                     [&](Index begin, Index end, void* scratch) {
                         auto* const values = static_cast<Scalar*>(scratch);
                         for (Index p = begin; p < end; p += width) {
                             const Index count = std::min(width, end - p);
                             for (Index t = 0; t < tasks; ++t)
                                 for (Index k = 0; k < count; ++k)
                                     values[k * tasks + t] = rows[static_cast<std::size_t>(t)][p + k];
                             for (Index k = 0; k < count; ++k)
                                 result[p + k] = mean(values + k * tasks, tasks, trim);
                         }
                     });
        return result;
    }

private:
    template <class Scalar>
    [[nodiscard]] static Scalar mean(Scalar* values, Index count, Index trim) {
        std::sort(values, values + count);
        double sum = 0;
        for (Index i = trim; i < count - trim; ++i)
            sum += static_cast<double>(values[i]);
        return static_cast<Scalar>(sum / static_cast<double>(count - 2 * trim));
    }

    TrimmedMeanOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
