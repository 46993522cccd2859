// SPDX-License-Identifier: MIT
/// @file Pooling layers along sequences (N, L, C) of any scalar.
#pragma once

#include <espalier/autograd/pooling1d.hpp>

namespace espalier::inline ESPALIER_ABI::nn {

using Pool1dOptions = autograd::Pool1dOptions;
using AvgPool1dOptions = autograd::AvgPool1dOptions;

/// Largest value of each window; the stride is the kernel unless given. With lengths, (N,) of 0 to L, each sequence is what it is alone,
/// and the result is 0 from `output_lengths` on.
class MaxPool1d {
public:
    explicit MaxPool1d(Index kernel, Pool1dOptions options = {}) : kernel_{kernel}, options_{options} {}
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::max_pool1d(x, kernel_, options_);
    }
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x, const Tensor<Index>& lengths) const {
        return autograd::max_pool1d(x, kernel_, options_, lengths);
    }
    /// How many steps of each sequence there are in the result. @throws ValueError
    [[nodiscard]] Tensor<Index> output_lengths(const Tensor<Index>& lengths) const {
        return autograd::pool1d_lengths(lengths, kernel_, options_);
    }

private:
    Index kernel_;
    Pool1dOptions options_;
};

/// Mean of each window, padding included unless the options say otherwise; the stride is the kernel unless given. With lengths as
/// `MaxPool1d`.
class AvgPool1d {
public:
    explicit AvgPool1d(Index kernel, AvgPool1dOptions options = {}) : kernel_{kernel}, options_{options} {}
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::avg_pool1d(x, kernel_, options_);
    }
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x, const Tensor<Index>& lengths) const {
        return autograd::avg_pool1d(x, kernel_, options_, lengths);
    }
    /// How many steps of each sequence there are in the result. @throws ValueError
    [[nodiscard]] Tensor<Index> output_lengths(const Tensor<Index>& lengths) const {
        return autograd::pool1d_lengths(lengths, kernel_, {options_.stride, options_.padding, options_.ceil_mode});
    }

private:
    Index kernel_;
    AvgPool1dOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
