// SPDX-License-Identifier: MIT
/// @file One-dimensional convolution (cross-correlation) along sequences (N, L, C).
#pragma once

#include <espalier/autograd/matmul.hpp>
#include <espalier/autograd/record.hpp>
#include <espalier/autograd/sequence_batches.hpp>
#include <espalier/kernels/conv2d.hpp>
#include <espalier/kernels/reduction.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

/// Of a convolution along sequences, operation or layer, by the names of PyTorch.
struct Conv1dOptions {
    Index stride = 1;
    Index padding = 0;  ///< zeros at both ends of each sequence, its own
    Index dilation = 1;
    Index groups = 1;  ///< channels are cut into so many parts, each with filters of its own
    bool bias = true;  ///< whether a layer has one; an operation adds the one that it is given
};

/// How many steps of each sequence a convolution gives: (length + 2 padding - dilation (kernel - 1) - 1) / stride + 1, and 0 for those
/// that are shorter than the kernel or empty. @throws ValueError for a length below 0 or an option out of range
[[nodiscard]] inline Tensor<Index> conv1d_lengths(const Tensor<Index>& lengths, Index kernel, const Conv1dOptions& options = {}) {
    const char* const operation = "conv1d_lengths";
    return detail::window_lengths(operation, detail::sequence_window(operation, kernel, options.stride, options.padding, options.dilation),
                                  lengths);
}

namespace detail {

/// A convolution of the sequences of a batch, those of one length together: the result of each has the same bits alone and in any batch.
struct Conv1d {
    SequenceWindows windows;
    SequenceBatches batches;
    Index longest, in_channels, out_channels, groups;

    /// Of a batch `rows` times, one behind the other.
    [[nodiscard]] kernels::ConvShape shape_of(const SequenceBatches::Batch& batch, Index rows = 1) const noexcept {
        return {batch.samples * rows,
                {1, batch.length},
                {1, batch.steps},
                in_channels,
                out_channels,
                groups,
                windows.window_over(batch.length)};
    }
    [[nodiscard]] SequenceLayout inputs(Index rows = 1) const noexcept { return {rows, longest, in_channels}; }
    [[nodiscard]] SequenceLayout outputs(Index rows = 1) const noexcept { return {rows, windows.steps(), out_channels}; }
};

/// @throws as conv1d
[[nodiscard]] inline Conv1d checked_conv1d(const Shape& x, const Shape& weight, const Shape* bias, const Conv1dOptions& options,
                                           const std::optional<Tensor<Index>>& lengths) {
    require<ShapeError>(weight.rank() == 3 && weight[0] > 0, "conv1d",
                        "expected weights (out, kernel, in / groups) with at least one output channel, got ", weight);
    require<ValueError>(options.groups > 0 && weight[0] % options.groups == 0, "conv1d", "expected groups that divide ", weight[0],
                        " output channels, got ", options.groups);
    require<ShapeError>(!bias || *bias == Shape{weight[0]}, "conv1d", "expected a bias of shape (", weight[0], ",), got ",
                        bias ? *bias : Shape{});
    const auto window = sequence_window("conv1d", weight[1], options.stride, options.padding, options.dilation);
    const SequenceWindows windows{"conv1d", x, window, lengths};
    require<ShapeError>(x[2] == weight[2] * options.groups, "conv1d", "expected ", weight[2] * options.groups,
                        " input channels, got input ", x);
    return {windows, SequenceBatches{windows}, x[1], x[2], weight[0], options.groups};
}

template <class Scalar>
[[nodiscard]] Tensor<Scalar> conv1d_input_gradient(const Conv1d& conv, Gradients<Scalar>& g) {
    auto dx = conv.windows.template target<Scalar>(g.input(0).shape().prepended(g.rows()));
    Tensor<Scalar> dy_space, dx_space;
    for (const auto& batch : conv.batches) {
        const Scalar* const dy = conv.batches.gathered(batch, batch.steps, conv.outputs(g.rows()), std::as_const(g.cotangent()).data(),
                                                       dy_space);
        Scalar* const to = conv.batches.room(batch, batch.length, conv.inputs(g.rows()), dx.data(), dx_space);
        kernels::conv2d_backward_input(conv.shape_of(batch, g.rows()), dy, g.input(1).data(), to);
        conv.batches.scatter(batch, batch.length, conv.inputs(g.rows()), dx_space, dx.data());
    }
    return dx;
}

template <class Scalar>
void conv1d_weight_gradient(const Conv1d& conv, Gradients<Scalar>& g, const kernels::Target<Scalar>& dw) {
    bool accumulate = dw.accumulate;
    Tensor<Scalar> x_space, dy_space;
    for (const auto& batch : conv.batches) {
        const Scalar* const x = conv.batches.gathered(batch, batch.length, conv.inputs(), g.input(0).data(), x_space);
        const Scalar* const dy = conv.batches.gathered(batch, batch.steps, conv.outputs(g.rows()), std::as_const(g.cotangent()).data(),
                                                       dy_space);
        kernels::conv2d_backward_weight<Scalar>(conv.shape_of(batch), g.rows(), x, dy, {dw.row(0), dw.stride, accumulate});
        accumulate = true;
    }
    for (Index t = 0; !accumulate && t < g.rows(); ++t)  // there was nothing to sum
        std::fill_n(dw.row(t), g.input(1).numel(), Scalar(0));
}

template <class Scalar>
void conv1d_bias_gradient(const Conv1d& conv, Gradients<Scalar>& g, const kernels::Target<Scalar>& db) {
    PoolVector<double> sums(static_cast<std::size_t>(g.rows() * conv.out_channels));
    Tensor<Scalar> dy_space;
    for (const auto& batch : conv.batches) {
        const Scalar* const dy = conv.batches.gathered(batch, batch.steps, conv.outputs(g.rows()), std::as_const(g.cotangent()).data(),
                                                       dy_space);
        const Index steps = batch.samples * batch.steps;
        for (Index t = 0; t < g.rows(); ++t)
            kernels::add_rows_to(sums.data() + t * conv.out_channels, steps, conv.out_channels, dy + t * steps * conv.out_channels);
    }
    for (Index t = 0; t < g.rows(); ++t)
        for (Index c = 0; c < conv.out_channels; ++c) {
            const auto sum = static_cast<Scalar>(sums[static_cast<std::size_t>(t * conv.out_channels + c)]);
            db.row(t)[c] = db.accumulate ? db.row(t)[c] + sum : sum;
        }
}

template <class Scalar>
[[nodiscard]] Variable<Scalar> conv1d(const Variable<Scalar>& x, const Variable<Scalar>& weight, const Variable<Scalar>* bias,
                                      const Conv1dOptions& options, const std::optional<Tensor<Index>>& lengths) {
    const Conv1d conv = checked_conv1d(x.shape(), weight.shape(), bias ? &bias->shape() : nullptr, options, lengths);
    auto y = conv.windows.template target<Scalar>({conv.windows.samples(), conv.windows.steps(), conv.out_channels});
    Tensor<Scalar> x_space, y_space;
    for (const auto& batch : conv.batches) {
        const Scalar* const from = conv.batches.gathered(batch, batch.length, conv.inputs(), x.value().data(), x_space);
        Scalar* const to = conv.batches.room(batch, batch.steps, conv.outputs(), y.data(), y_space);
        kernels::conv2d_forward(conv.shape_of(batch), from, weight.value().data(), bias ? bias->value().data() : nullptr, to);
        conv.batches.scatter(batch, batch.steps, conv.outputs(), y_space, y.data());
    }
    const auto backward = [conv](Gradients<Scalar>& g) {
        if (g.needs(0))
            g.add(0, conv1d_input_gradient(conv, g));
        if (g.needs(1))
            g.produce(1, [&](const kernels::Target<Scalar>& dw) { conv1d_weight_gradient(conv, g, dw); });
        if (g.inputs() == 3 && g.needs(2))
            g.produce(2, [&](const kernels::Target<Scalar>& db) { conv1d_bias_gradient(conv, g, db); });
    };
    if (bias)
        return record<Scalar>("conv1d", std::move(y), {x, weight, *bias}, backward);
    return record<Scalar>("conv1d", std::move(y), {x, weight}, backward);
}

}  // namespace detail

/// x (N, L, C) with `weight` (O, K, C / groups) and `bias` (O,): gives (N, OL, O). With lengths, (N,) of 0 to L, each sequence is what it
/// is alone: zeros stand at its own ends, what is behind is not read and gets no gradient, and the result is 0 from `conv1d_lengths` on.
/// @throws ShapeError, ValueError naming what does not fit
template <class Scalar>
[[nodiscard]] Variable<Scalar> conv1d(const Variable<Scalar>& x, const Variable<Scalar>& weight, const Variable<Scalar>& bias,
                                      const Conv1dOptions& options = {}, const std::optional<Tensor<Index>>& lengths = {}) {
    return detail::conv1d(x, weight, &bias, options, lengths);
}
template <class Scalar>
[[nodiscard]] Variable<Scalar> conv1d(const Variable<Scalar>& x, const Variable<Scalar>& weight, const Conv1dOptions& options = {},
                                      const std::optional<Tensor<Index>>& lengths = {}) {
    return detail::conv1d<Scalar>(x, weight, nullptr, options, lengths);
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
