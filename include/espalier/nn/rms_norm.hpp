// SPDX-License-Identifier: MIT
/// @file Normalisation by the root of the mean square as a layer.
#pragma once

#include <espalier/autograd/rms_norm.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/nn/module.hpp>

#include <optional>

namespace espalier::inline ESPALIER_ABI::nn {

/// Divides each row of the last axis by the root of its mean square (autograd/rms_norm.hpp), and multiplies by a weight, 1 at first.
template <class Scalar = float>
class RMSNorm : public Module<RMSNorm<Scalar>, Scalar> {
public:
    /// Without an eps it is the machine's epsilon of the scalar. @throws ValueError for no features or an eps that is not positive
    explicit RMSNorm(Index features, std::optional<double> eps = {}) : eps_{eps} {
        require<ValueError>(features > 0, "RMSNorm", "expected at least one feature, got ", features);
        require<ValueError>(!eps || (is_finite(*eps) && *eps > 0), "RMSNorm", "expected an eps above 0, got ", eps.value_or(0));
        weight_ = Parameter{Tensor<Scalar>::ones({features})};
    }

    /// @throws ShapeError for other features
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const { return autograd::rms_norm<Scalar>(x, weight_, eps_); }

    void visit(Visitor<Scalar>& visitor) { visitor("weight", weight_); }

private:
    Parameter<Scalar> weight_;
    std::optional<double> eps_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
