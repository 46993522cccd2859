// SPDX-License-Identifier: MIT
/// @file Pooling layers for (N, H, W, C) images of any scalar.
#pragma once

#include <espalier/autograd/adaptive_pooling.hpp>
#include <espalier/autograd/pooling.hpp>

namespace espalier::inline ESPALIER_ABI::nn {

using Pool2dOptions = autograd::Pool2dOptions;
using AvgPool2dOptions = autograd::AvgPool2dOptions;

/// Largest value of each window; the stride is the kernel unless given.
class MaxPool2d {
public:
    explicit MaxPool2d(Pair kernel, Pool2dOptions options = {}) : kernel_{kernel}, options_{options} {}
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::max_pool2d(x, kernel_, options_);
    }

    /// Whether it cuts an image into windows of 2x2 that do not overlap.
    [[nodiscard]] bool halves() const noexcept {
        return kernel_ == Pair{2} && options_.stride.value_or(kernel_) == Pair{2} && options_.padding == Pair{0} && !options_.ceil_mode;
    }

private:
    Pair kernel_;
    Pool2dOptions options_;
};

/// Mean of each window, padding included unless the options say otherwise; the stride is the kernel unless given.
class AvgPool2d {
public:
    explicit AvgPool2d(Pair kernel, AvgPool2dOptions options = {}) : kernel_{kernel}, options_{options} {}
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::avg_pool2d(x, kernel_, options_);
    }

private:
    Pair kernel_;
    AvgPool2dOptions options_;
};

/// Mean of the whole image: (N, H, W, C) gives (N, C).
struct GlobalAvgPool2d {
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::global_avg_pool2d(x);
    }
};

/// Means of as many windows as `output_size` says, which cover an image of any size: (N, H, W, C) gives (N, h, w, C).
struct AdaptiveAvgPool2d {
    Pair output_size;
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::adaptive_avg_pool2d(x, output_size);
    }
};

/// The largest values of the same windows.
struct AdaptiveMaxPool2d {
    Pair output_size;
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::adaptive_max_pool2d(x, output_size);
    }
};

}  // namespace espalier::inline ESPALIER_ABI::nn
