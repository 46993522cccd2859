// SPDX-License-Identifier: MIT
/// @file The convolutional layer.
#pragma once

#include <espalier/autograd/conv2d.hpp>
#include <espalier/nn/init.hpp>
#include <espalier/nn/module.hpp>

namespace espalier::inline ESPALIER_ABI::nn {

using Conv2dOptions = autograd::Conv2dOptions;

/// (N, H, W, in) gives (N, OH, OW, out). Weight (out, kernel_h, kernel_w, in / groups), bias (out,).
template <class Scalar = float>
class Conv2d : public Module<Conv2d<Scalar>, Scalar> {
public:
    /// @throws ValueError unless the counts are positive and the groups divide both channel counts.
    ESPALIER_COLD Conv2d(Index in_channels, Index out_channels, Pair kernel, Conv2dOptions options = {}) : options_{options} {
        require<ValueError>(in_channels > 0 && out_channels > 0 && kernel.height > 0 && kernel.width > 0, "Conv2d",
                            "expected positive channels and kernel, got ", in_channels, ", ", out_channels, " and ", kernel);
        require<ValueError>(options.groups > 0 && in_channels % options.groups == 0 && out_channels % options.groups == 0, "Conv2d",
                            "expected groups that divide ", in_channels, " and ", out_channels, " channels, got ", options.groups);
        Tensor<Scalar> weight{Shape{out_channels, kernel.height, kernel.width, in_channels / options.groups}};
        Tensor<Scalar> bias{Shape{out_channels}};
        init::default_affine(weight, bias, new_random());
        weight_ = Parameter{std::move(weight)};
        bias_ = Parameter{std::move(bias)};
    }

    /// @throws ShapeError for images with other channels or smaller than the kernel.
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return options_.bias ? autograd::conv2d<Scalar>(x, weight_, bias_, options_) : autograd::conv2d<Scalar>(x, weight_, options_);
    }

    /// The same followed by ReLU, and if `pool` by the largest of each 2x2 window: one pass over memory instead of two or three.
    /// @throws ShapeError as the layers one by one.
    [[nodiscard]] Variable<Scalar> with_relu(const Variable<Scalar>& x, bool pool) const {
        if (pool)
            return options_.bias ? autograd::conv2d_relu_max_pool2d<Scalar>(x, weight_, bias_, options_)
                                 : autograd::conv2d_relu_max_pool2d<Scalar>(x, weight_, options_);
        return options_.bias ? autograd::conv2d_relu<Scalar>(x, weight_, bias_, options_)
                             : autograd::conv2d_relu<Scalar>(x, weight_, options_);
    }

    void visit(Visitor<Scalar>& visitor) {
        visitor("weight", weight_);
        if (options_.bias)
            visitor("bias", bias_);
    }

    [[nodiscard]] Parameter<Scalar>& weight() noexcept { return weight_; }
    [[nodiscard]] Parameter<Scalar>& bias() noexcept { return bias_; }
    [[nodiscard]] const Conv2dOptions& options() const noexcept { return options_; }

private:
    Parameter<Scalar> weight_;
    Parameter<Scalar> bias_;
    Conv2dOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
