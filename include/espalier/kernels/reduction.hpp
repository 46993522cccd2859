// SPDX-License-Identifier: MIT
/// @file Sums whose order of addition depends on the problem's size alone.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/threads.hpp>

#include <algorithm>
#include <vector>

namespace espalier::inline ESPALIER_ABI::kernels {

/// Sum over i in [0, n) of `term(i)`, in double and in fixed chunks.
template <class Term>
[[nodiscard]] double sum(Index n, const Term& term) {
    constexpr Index grain = 8192;
    std::vector<double> partial(static_cast<std::size_t>((n + grain - 1) / grain));
    parallel_for(n, grain, [&](Index begin, Index end) {
        double total = 0;
        for (Index i = begin; i < end; ++i)
            total += static_cast<double>(term(i));
        partial[static_cast<std::size_t>(begin / grain)] = total;
    });
    double total = 0;
    for (const double value : partial)
        total += value;
    return total;
}

/// Column sums of a row-major (rows, columns) array of terms: `result[c] = sum over r of term(r, c)`, in double.
/// `result` has `columns` entries; `term` may be called from several threads.
template <class Term>
void column_sums(Index rows, Index columns, double* result, const Term& term) {
    const Index grain = std::max<Index>(1, 16384 / std::max<Index>(columns, 1));
    const Index chunks = (rows + grain - 1) / grain;
    std::vector<double> partial(static_cast<std::size_t>(chunks * columns));
    parallel_for(rows, grain, [&](Index begin, Index end) {
        double* const total = partial.data() + begin / grain * columns;
        for (Index r = begin; r < end; ++r)
            for (Index c = 0; c < columns; ++c)
                total[c] += static_cast<double>(term(r, c));
    });
    std::fill_n(result, columns, 0.0);
    for (Index chunk = 0; chunk < chunks; ++chunk)
        for (Index c = 0; c < columns; ++c)
            result[c] += partial[static_cast<std::size_t>(chunk * columns + c)];
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
