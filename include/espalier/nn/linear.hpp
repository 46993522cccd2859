// SPDX-License-Identifier: MIT
/// @file The fully connected layer.
#pragma once

#include <espalier/autograd/matmul.hpp>
#include <espalier/nn/init.hpp>
#include <espalier/nn/module.hpp>

namespace espalier::inline ESPALIER_ABI::nn {

/// Of a `Linear`.
struct LinearOptions {
    bool bias = true;
};

/// y = x W^T + b over the last axis: (..., in) gives (..., out). Weight (out, in), bias (out,).
template <class Scalar = float>
class Linear : public Module<Linear<Scalar>, Scalar> {
public:
    /// @throws ValueError unless both counts are positive.
    ESPALIER_COLD Linear(Index in_features, Index out_features, LinearOptions options = {}) : has_bias_{options.bias} {
        require<ValueError>(in_features > 0 && out_features > 0, "Linear", "expected at least one feature in and out, got ", in_features,
                            " and ", out_features);
        Tensor<Scalar> weight{Shape{out_features, in_features}};
        Tensor<Scalar> bias{Shape{out_features}};
        init::default_affine(weight, bias, new_random());
        weight_ = Parameter{std::move(weight)};
        bias_ = Parameter{std::move(bias)};
    }

    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return has_bias_ ? autograd::linear<Scalar>(x, weight_, bias_) : autograd::linear<Scalar>(x, weight_);
    }

    /// The same followed by ReLU, in one pass over memory instead of two.
    [[nodiscard]] Variable<Scalar> with_relu(const Variable<Scalar>& x) const {
        return has_bias_ ? autograd::linear_relu<Scalar>(x, weight_, bias_) : autograd::linear_relu<Scalar>(x, weight_);
    }

    void visit(Visitor<Scalar>& visitor) {
        visitor("weight", weight_);
        if (has_bias_)
            visitor("bias", bias_);
    }

    [[nodiscard]] Parameter<Scalar>& weight() noexcept { return weight_; }
    [[nodiscard]] Parameter<Scalar>& bias() noexcept { return bias_; }
    [[nodiscard]] bool has_bias() const noexcept { return has_bias_; }

private:
    Parameter<Scalar> weight_;
    Parameter<Scalar> bias_;
    bool has_bias_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
