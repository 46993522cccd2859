// SPDX-License-Identifier: MIT
/// @file Resampling of channels-last images along one axis after the other.
///
/// Along an axis, each position of the result is a weighted sum of a run of positions of the source: rows of the image for the vertical
/// axis, pixels for the horizontal one. What comes back is such sums again, by the transposed runs; so one loop does all four passes.
#pragma once

#include <espalier/core/memory.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/window.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::kernels {

/// For each position of one axis, the run of positions of another that it is a weighted sum of.
template <class Scalar>
class Resampling {
public:
    using Run = simd::WeightedRun;

    /// `add_sources(i, add)` calls `add(j, weight)` for the sources of position i < `to`, in the order of j; weights of 0 are left out.
    template <class AddSources>
    Resampling(Index from, Index to, const AddSources& add_sources) : from_{from} {
        runs_.reserve(static_cast<std::size_t>(to));
        for (Index i = 0; i < to; ++i) {
            Run run{0, 0, static_cast<Index>(weights_.size())};
            add_sources(i, [&](Index j, double weight) {
                if (weight == 0)
                    return;
                if (run.count == 0)
                    run.first = j;
                run.count = j - run.first + 1;
                weights_.resize(static_cast<std::size_t>(run.weights + run.count));
                weights_.back() += static_cast<Scalar>(weight);
            });
            runs_.push_back(run);
        }
    }

    /// What comes back to each of the source's positions. @pre Runs begin in the order of their positions.
    [[nodiscard]] Resampling transposed() const {
        auto i = Index{0};  // the first run that reaches so far
        return {size(), from_, [&](Index j, const auto& add) {
                    while (i < size() && run(i).first + run(i).count <= j)
                        ++i;
                    for (Index k = i; k < size() && run(k).first <= j; ++k)
                        if (j < run(k).first + run(k).count)
                            add(k, static_cast<double>(weights(run(k))[j - run(k).first]));
                }};
    }

    [[nodiscard]] Index size() const noexcept { return static_cast<Index>(runs_.size()); }
    [[nodiscard]] const Run& run(Index i) const noexcept { return runs_[static_cast<std::size_t>(i)]; }
    [[nodiscard]] const Scalar* weights() const noexcept { return weights_.data(); }  ///< of all runs
    [[nodiscard]] const Scalar* weights(const Run& run) const noexcept { return weights_.data() + run.weights; }
    /// Positions of the longest run.
    [[nodiscard]] Index longest() const noexcept {
        Index longest = 0;
        for (const Run& run : runs_)
            longest = std::max(longest, run.count);
        return longest;
    }

private:
    Index from_;
    PoolVector<Run> runs_;
    PoolVector<Scalar> weights_;
};

/// For positions i in [begin, end) of the result's axis and j < n: y[(i - begin) n + j] is the sum over its run's positions k of
/// weights[k] x[k n + j].
template <class Scalar, class In, class Sum>
void weighted_sums(const Resampling<Scalar>& along, Index begin, Index end, Index n, const In* x, Sum* y) {
    if constexpr (simd::vectorised<Scalar> && std::is_same_v<In, float> && std::is_same_v<Sum, float>)
        if (n >= 4 && begin < end)
            return simd::table().weighted_runs(end - begin, &along.run(begin), along.weights(), n, x, y);
    for (Index i = begin; i < end; ++i, y += n) {
        const auto& run = along.run(i);
        const Scalar* const weights = along.weights(run);
        const In* const from = x + run.first * n;
        if (n < 4) {  // grey images, and maps of a single value: too short for loops over channels
            for (Index j = 0; j < n; ++j) {
                Sum sum(0);
                for (Index k = 0; k < run.count; ++k)
                    sum += static_cast<Sum>(weights[k]) * static_cast<Sum>(from[k * n + j]);
                y[j] = sum;
            }
            continue;
        }
        std::fill_n(y, n, Sum(0));
        for (Index k = 0; k < run.count; ++k)
            vector_loop(0, n, [=, weight = static_cast<Sum>(weights[k]), row = from + k * n](Index j) {
                y[j] += weight * static_cast<Sum>(row[j]);
            });
    }
}

namespace detail {

/// Rows that one thread takes at a time, of so many elements.
[[nodiscard]] inline Index resampled_rows(Index row) noexcept { return std::max<Index>(1, 16384 / std::max<Index>(1, row)); }

}  // namespace detail

/// y (images, rows.size(), columns.size(), channels) from x (images, input, channels).
template <class Scalar>
void resample(Index images, Pair input, Index channels, const Resampling<Scalar>& rows, const Resampling<Scalar>& columns, const Scalar* x,
              Scalar* y) {
    const Index in_row = input.width * channels, out_row = columns.size() * channels;
    const auto bytes = static_cast<std::size_t>(in_row) * sizeof(Scalar);
    parallel_for(images * rows.size(), detail::resampled_rows(out_row), bytes, [&](Index begin, Index end, void* scratch) {
        auto* const between = static_cast<Scalar*>(scratch);
        for (Index r = begin; r < end; ++r) {
            const Index row = r % rows.size();
            weighted_sums(rows, row, row + 1, in_row, x + r / rows.size() * input.height * in_row, between);
            weighted_sums(columns, 0, columns.size(), channels, between, y + r * out_row);
        }
    });
}

/// What comes back to x: dx (images, rows.size(), columns.size(), channels) from dy (images, output, channels), by transposed axes. Where
/// a sum has very many terms, which would lose digits, it is in double.
template <class Scalar>
void resample_back(Index images, Pair output, Index channels, const Resampling<Scalar>& rows, const Resampling<Scalar>& columns,
                   const Scalar* dy, Scalar* dx) {
    const Index in_row = columns.size() * channels, out_row = output.width * channels;
    const auto run = [&](auto zero) {
        using Sum = decltype(zero);
        const auto bytes = static_cast<std::size_t>(out_row + in_row) * sizeof(Sum);
        parallel_for(images * rows.size(), detail::resampled_rows(out_row), bytes, [&](Index begin, Index end, void* scratch) {
            auto* const between = static_cast<Sum*>(scratch);
            for (Index r = begin; r < end; ++r) {
                const Index row = r % rows.size();
                weighted_sums(rows, row, row + 1, out_row, dy + r / rows.size() * output.height * out_row, between);
                if constexpr (std::is_same_v<Sum, Scalar>) {
                    weighted_sums(columns, 0, columns.size(), channels, between, dx + r * in_row);
                } else {
                    Sum* const sums = between + out_row;
                    weighted_sums(columns, 0, columns.size(), channels, between, sums);
                    std::transform(sums, sums + in_row, dx + r * in_row, [](Sum v) { return static_cast<Scalar>(v); });
                }
            }
        });
    };
    if (std::max(rows.longest(), columns.longest()) > 64)
        run(0.0);
    else
        run(Scalar(0));
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
