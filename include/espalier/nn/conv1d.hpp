// SPDX-License-Identifier: MIT
/// @file The convolutional layer along sequences.
#pragma once

#include <espalier/autograd/conv1d.hpp>
#include <espalier/nn/init.hpp>
#include <espalier/nn/module.hpp>

#include <optional>
#include <utility>

namespace espalier::inline ESPALIER_ABI::nn {

using Conv1dOptions = autograd::Conv1dOptions;

/// (N, L, in) gives (N, OL, out). Weight (out, kernel, in / groups), bias (out,). PyTorch has (N, in, L) and (out, in / groups, kernel).
template <class Scalar = float>
class Conv1d : public Module<Conv1d<Scalar>, Scalar> {
public:
    /// @throws ValueError unless the counts are positive and the groups divide both channel counts.
    ESPALIER_COLD Conv1d(Index in_channels, Index out_channels, Index kernel, Conv1dOptions options = {})
        : kernel_{kernel}, options_{options} {
        require<ValueError>(in_channels > 0 && out_channels > 0 && kernel > 0, "Conv1d", "expected positive channels and kernel, got ",
                            in_channels, ", ", out_channels, " and ", kernel);
        require<ValueError>(options.groups > 0 && in_channels % options.groups == 0 && out_channels % options.groups == 0, "Conv1d",
                            "expected groups that divide ", in_channels, " and ", out_channels, " channels, got ", options.groups);
        Tensor<Scalar> weight{Shape{out_channels, kernel, in_channels / options.groups}};
        Tensor<Scalar> bias{Shape{out_channels}};
        init::default_affine(weight, bias, new_random());
        weight_ = Parameter{std::move(weight)};
        bias_ = Parameter{std::move(bias)};
    }

    /// @throws ShapeError for sequences with other channels or shorter than the kernel.
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const { return outputs(x, {}); }
    /// Of sequences with these lengths, (N,) of 0 to L: each is what it is alone, nothing behind its end is read, and the result is 0 from
    /// `output_lengths` on. @throws ShapeError, ValueError
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x, const Tensor<Index>& lengths) const { return outputs(x, lengths); }

    /// How many steps of each sequence there are in the result. @throws ValueError for a length below 0
    [[nodiscard]] Tensor<Index> output_lengths(const Tensor<Index>& lengths) const {
        return autograd::conv1d_lengths(lengths, kernel_, options_);
    }

    void visit(Visitor<Scalar>& visitor) {
        visitor("weight", weight_);
        if (options_.bias)
            visitor("bias", bias_);
    }

    [[nodiscard]] Parameter<Scalar>& weight() noexcept { return weight_; }
    [[nodiscard]] Parameter<Scalar>& bias() noexcept { return bias_; }
    [[nodiscard]] const Conv1dOptions& options() const noexcept { return options_; }

private:
    [[nodiscard]] Variable<Scalar> outputs(const Variable<Scalar>& x, const std::optional<Tensor<Index>>& lengths) const {
        return options_.bias ? autograd::conv1d<Scalar>(x, weight_, bias_, options_, lengths)
                             : autograd::conv1d<Scalar>(x, weight_, options_, lengths);
    }

    Parameter<Scalar> weight_;
    Parameter<Scalar> bias_;
    Index kernel_;
    Conv1dOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
