// SPDX-License-Identifier: MIT
/// @file The transposed convolution as a layer.
#pragma once

#include <espalier/autograd/conv_transpose2d.hpp>
#include <espalier/nn/init.hpp>
#include <espalier/nn/module.hpp>

namespace espalier::inline ESPALIER_ABI::nn {

using ConvTranspose2dOptions = autograd::ConvTranspose2dOptions;

/// (N, H, W, in) gives (N, OH, OW, out), larger by the stride: what leads from a small map to a large one. Weight
/// (in, kernel_h, kernel_w, out / groups), bias (out,); they start as PyTorch's.
template <class Scalar = float>
class ConvTranspose2d : public Module<ConvTranspose2d<Scalar>, Scalar> {
public:
    /// @throws ValueError unless the counts are positive and the groups divide both channel counts.
    ESPALIER_COLD ConvTranspose2d(Index in_channels, Index out_channels, Pair kernel, ConvTranspose2dOptions options = {})
        : options_{options} {
        require<ValueError>(in_channels > 0 && out_channels > 0 && kernel.height > 0 && kernel.width > 0, "ConvTranspose2d",
                            "expected positive channels and kernel, got ", in_channels, ", ", out_channels, " and ", kernel);
        require<ValueError>(options.groups > 0 && in_channels % options.groups == 0 && out_channels % options.groups == 0,
                            "ConvTranspose2d", "expected groups that divide ", in_channels, " and ", out_channels, " channels, got ",
                            options.groups);
        Tensor<Scalar> weight{Shape{in_channels, kernel.height, kernel.width, out_channels / options.groups}};
        Tensor<Scalar> bias{Shape{out_channels}};
        init::default_affine(weight, bias, new_random());  // of the fan that PyTorch sees as well, that of a convolution back
        weight_ = Parameter{std::move(weight)};
        bias_ = Parameter{std::move(bias)};
    }

    /// @throws ShapeError for images with other channels; ValueError for options that do not fit together.
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return options_.bias ? autograd::conv_transpose2d<Scalar>(x, weight_, bias_, options_)
                             : autograd::conv_transpose2d<Scalar>(x, weight_, options_);
    }

    void visit(Visitor<Scalar>& visitor) {
        visitor("weight", weight_);
        if (options_.bias)
            visitor("bias", bias_);
    }

    [[nodiscard]] Parameter<Scalar>& weight() noexcept { return weight_; }
    [[nodiscard]] Parameter<Scalar>& bias() noexcept { return bias_; }
    [[nodiscard]] const ConvTranspose2dOptions& options() const noexcept { return options_; }

private:
    Parameter<Scalar> weight_;
    Parameter<Scalar> bias_;
    ConvTranspose2dOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
