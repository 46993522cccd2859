// SPDX-License-Identifier: MIT
/// @file One-dimensional convolution (cross-correlation) along sequences (N, L, C).
#pragma once

#include <espalier/autograd/matmul.hpp>
#include <espalier/autograd/record.hpp>
#include <espalier/autograd/sequence_windows.hpp>
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

/// A convolution of the parts of a batch.
struct Conv1d {
    SequenceWindows windows;
    Index in_channels, out_channels, groups;

    /// Of a part `rows` times, one behind the other.
    [[nodiscard]] kernels::ConvShape shape_of(const SequenceWindows::Part& part, Index rows = 1) const noexcept {
        return {part.samples * rows, {1, part.length}, {1, part.steps}, in_channels, out_channels, groups, windows.window_over(part)};
    }
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
    return {windows, x[2], weight[0], options.groups};
}

template <class Scalar>
[[nodiscard]] Tensor<Scalar> conv1d_input_gradient(const Conv1d& conv, Gradients<Scalar>& g) {
    auto dx = conv.windows.template target<Scalar>(g.input(0).shape().prepended(g.rows()));
    conv.windows.for_each(g.rows(), [&](const SequenceWindows::Part& part, Index t, Index rows) {
        kernels::conv2d_backward_input(conv.shape_of(part, rows),
                                       std::as_const(g.cotangent()).data() + conv.windows.output_at(part, t) * conv.out_channels,
                                       g.input(1).data(), dx.data() + conv.windows.input_at(part, t) * conv.in_channels);
    });
    return dx;
}

template <class Scalar>
void conv1d_weight_gradient(const Conv1d& conv, Gradients<Scalar>& g, const kernels::Target<Scalar>& dw) {
    for (Index t = 0; conv.windows.empty() && !dw.accumulate && t < g.rows(); ++t)
        std::fill_n(dw.row(t), g.input(1).numel(), Scalar(0));
    conv.windows.for_each(g.rows(), [&](const SequenceWindows::Part& part, Index t, Index rows) {
        const bool accumulate = dw.accumulate || !conv.windows.is_first(part);
        kernels::conv2d_backward_weight<Scalar>(conv.shape_of(part), rows,
                                                g.input(0).data() + conv.windows.input_at(part) * conv.in_channels,
                                                std::as_const(g.cotangent()).data() + conv.windows.output_at(part, t) * conv.out_channels,
                                                {dw.row(t), dw.stride, accumulate});
    });
}

template <class Scalar>
void conv1d_bias_gradient(const Conv1d& conv, Gradients<Scalar>& g, const kernels::Target<Scalar>& db) {
    PoolVector<double> sums(static_cast<std::size_t>(g.rows() * conv.out_channels));
    conv.windows.for_each(g.rows(), [&](const SequenceWindows::Part& part, Index first, Index rows) {
        for (Index t = first; t < first + rows; ++t)
            kernels::add_rows_to(sums.data() + t * conv.out_channels, part.samples * part.steps, conv.out_channels,
                                 std::as_const(g.cotangent()).data() + conv.windows.output_at(part, t) * conv.out_channels);
    });
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
    conv.windows.for_each(1, [&](const SequenceWindows::Part& part, Index, Index) {
        kernels::conv2d_forward(conv.shape_of(part), x.value().data() + conv.windows.input_at(part) * conv.in_channels,
                                weight.value().data(), bias ? bias->value().data() : nullptr,
                                y.data() + conv.windows.output_at(part) * conv.out_channels);
    });
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
