// SPDX-License-Identifier: MIT
/// @file Max and average pooling along sequences (N, L, C).
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/autograd/sequence_windows.hpp>
#include <espalier/kernels/avg_pooling.hpp>
#include <espalier/kernels/pooling.hpp>

#include <cstdint>
#include <optional>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

/// Of a pooling along sequences, by the names of PyTorch.
struct Pool1dOptions {
    std::optional<Index> stride = {};  ///< the kernel if absent
    Index padding = 0;  ///< at most half the kernel; minus infinity for max, zeros for average, at each sequence's own ends
    bool ceil_mode = false;  ///< a last window may reach over the end, if it begins in the sequence or the padding before it
};

/// Of an average pooling, by the names of PyTorch.
struct AvgPool1dOptions {
    std::optional<Index> stride = {};
    Index padding = 0;
    bool ceil_mode = false;
    bool count_include_pad = true;  ///< whether padding counts as zeros, or a mean is that of the steps alone
};

namespace detail {

[[nodiscard]] inline kernels::Window pool1d_window(const char* operation, Index kernel, const Pool1dOptions& options) {
    const auto window = sequence_window(operation, kernel, options.stride.value_or(kernel), options.padding, 1, options.ceil_mode);
    require<ValueError>(2 * options.padding <= kernel, operation, "expected a padding of at most half the kernel ", kernel, ", got ",
                        options.padding);
    require<ValueError>(kernel <= 65536, operation, "expected a kernel of at most 65536, got ", kernel);
    return window;
}

/// A pooling of the parts of a batch.
struct Pool1d {
    SequenceWindows windows;
    Index channels;
    bool count_include_pad = true;

    /// @throws as max_pool1d
    Pool1d(const char* operation, const Shape& x, Index kernel, const Pool1dOptions& options, const std::optional<Tensor<Index>>& lengths)
        : windows{operation, x, pool1d_window(operation, kernel, options), lengths}, channels{x[2]} {
        require<ShapeError>(channels > 0, operation, "expected at least one channel, got input ", x);
    }
    [[nodiscard]] kernels::PoolShape shape_of(const SequenceWindows::Part& part) const noexcept {
        return {part.samples, {1, part.length}, {1, part.steps}, channels, windows.window_over(part.length), count_include_pad};
    }
    [[nodiscard]] Shape result() const { return {windows.samples(), windows.steps(), channels}; }
};

}  // namespace detail

/// How many steps of each sequence a pooling gives; 0 for those that no window fits in, and of an empty one.
/// @throws ValueError for a length below 0 or an option out of range
[[nodiscard]] inline Tensor<Index> pool1d_lengths(const Tensor<Index>& lengths, Index kernel, const Pool1dOptions& options = {}) {
    const char* const operation = "pool1d_lengths";
    return detail::window_lengths(operation, detail::pool1d_window(operation, kernel, options), lengths);
}

/// Largest value of each window; its gradient goes to the first of equals. With lengths, (N,) of 0 to L, each sequence is what it is
/// alone: no window sees what is behind its end, and the result is 0 from `pool1d_lengths` on. @throws ShapeError, ValueError
template <class Scalar>
[[nodiscard]] Variable<Scalar> max_pool1d(const Variable<Scalar>& x, Index kernel, const Pool1dOptions& options = {},
                                          const std::optional<Tensor<Index>>& lengths = {}) {
    const detail::Pool1d pool{"max_pool1d", x.shape(), kernel, options, lengths};
    auto y = pool.windows.template target<Scalar>(pool.result());
    auto winner = Tensor<std::uint16_t>::empty(y.shape());
    pool.windows.for_each(1, [&](const detail::SequenceWindows::Part& part, Index, Index) {
        const Index at = pool.windows.output_at(part) * pool.channels;
        kernels::max_pool2d_forward(pool.shape_of(part), x.value().data() + pool.windows.input_at(part) * pool.channels, y.data() + at,
                                    winner.data() + at);
    });
    return record<Scalar>("max_pool1d", std::move(y), {x}, [pool, winner = std::move(winner)](Gradients<Scalar>& g) {
        auto dx = pool.windows.template target<Scalar>(g.input(0).shape().prepended(g.rows()));
        pool.windows.for_each(g.rows(), [&](const detail::SequenceWindows::Part& part, Index t, Index rows) {
            kernels::max_pool2d_backward(pool.shape_of(part), rows * part.samples,
                                         std::as_const(g.cotangent()).data() + pool.windows.output_at(part, t) * pool.channels,
                                         winner.data() + pool.windows.output_at(part) * pool.channels,
                                         dx.data() + pool.windows.input_at(part, t) * pool.channels);
        });
        g.add(0, std::move(dx));
    });
}

/// Mean of each window, padding included unless the options say otherwise. With lengths as `max_pool1d`: zeros stand at each sequence's
/// own ends. @throws ShapeError, ValueError
template <class Scalar>
[[nodiscard]] Variable<Scalar> avg_pool1d(const Variable<Scalar>& x, Index kernel, const AvgPool1dOptions& options = {},
                                          const std::optional<Tensor<Index>>& lengths = {}) {
    detail::Pool1d pool{"avg_pool1d", x.shape(), kernel, {options.stride, options.padding, options.ceil_mode}, lengths};
    pool.count_include_pad = options.count_include_pad;
    auto y = pool.windows.template target<Scalar>(pool.result());
    pool.windows.for_each(1, [&](const detail::SequenceWindows::Part& part, Index, Index) {
        kernels::avg_pool2d_forward(pool.shape_of(part), x.value().data() + pool.windows.input_at(part) * pool.channels,
                                    y.data() + pool.windows.output_at(part) * pool.channels);
    });
    return record<Scalar>("avg_pool1d", std::move(y), {x}, [pool](Gradients<Scalar>& g) {
        auto dx = pool.windows.template target<Scalar>(g.input(0).shape().prepended(g.rows()));
        pool.windows.for_each(g.rows(), [&](const detail::SequenceWindows::Part& part, Index t, Index rows) {
            kernels::avg_pool2d_backward(pool.shape_of(part), rows * part.samples,
                                         std::as_const(g.cotangent()).data() + pool.windows.output_at(part, t) * pool.channels,
                                         dx.data() + pool.windows.input_at(part, t) * pool.channels);
        });
        g.add(0, std::move(dx));
    });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
