// SPDX-License-Identifier: MIT
/// @file Group and instance normalisation as layers.
#pragma once

#include <espalier/autograd/group_norm.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/nn/module.hpp>

namespace espalier::inline ESPALIER_ABI::nn {

/// Of a `GroupNorm`.
struct GroupNormOptions {
    double eps = 1e-5;
    bool affine = true;  ///< whether there are a weight and a bias for each channel
};

/// Of an `InstanceNorm2d`.
struct InstanceNorm2dOptions {
    double eps = 1e-5;
    bool affine = false;  ///< likewise
};

/// Normalises each of `groups` parts of the channels of each sample (N, ..., C): it does the same in training as in evaluation, and for
/// one sample as for many.
template <class Scalar = float>
class GroupNorm : public Module<GroupNorm<Scalar>, Scalar> {
public:
    /// @throws ValueError unless the groups divide the channels, of which there is one, and eps is positive.
    GroupNorm(Index groups, Index channels, GroupNormOptions options = {}) : groups_{groups}, channels_{channels}, options_{options} {
        require<ValueError>(channels > 0, "GroupNorm", "expected at least one channel, got ", channels);
        require<ValueError>(groups > 0 && channels % groups == 0, "GroupNorm", "expected groups that divide ", channels, " channels, got ",
                            groups);
        require<ValueError>(is_finite(options.eps) && options.eps > 0, "GroupNorm", "expected an eps above 0, got ", options.eps);
        weight_ = Parameter{Tensor<Scalar>::ones({channels})};
        bias_ = Parameter{Tensor<Scalar>{Shape{channels}}};
    }

    /// @throws ShapeError for other channels.
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        if (options_.affine)
            return autograd::group_norm<Scalar>(x, groups_, weight_, bias_, options_.eps);
        require<ShapeError>(x.rank() >= 2 && x.size(-1) == channels_, "group_norm", "expected ", channels_, " channels, got input ",
                            x.shape());
        return autograd::group_norm<Scalar>(x, groups_, options_.eps);
    }

    void visit(Visitor<Scalar>& visitor) {
        if (!options_.affine)
            return;
        visitor("weight", weight_);
        visitor("bias", bias_);
    }

private:
    Parameter<Scalar> weight_;
    Parameter<Scalar> bias_;
    Index groups_;
    Index channels_;
    GroupNormOptions options_;
};

/// Normalises each channel of each image (N, H, W, C) by itself (Ulyanov, Vedaldi and Lempitsky, Instance Normalization, 2016): a
/// `GroupNorm` of as many groups as channels, without weights unless asked for. As PyTorch's, it keeps no running statistics.
template <class Scalar = float>
class InstanceNorm2d : public Module<InstanceNorm2d<Scalar>, Scalar> {
public:
    /// @throws ValueError for no channels or an eps that is not positive.
    explicit InstanceNorm2d(Index channels, InstanceNorm2dOptions options = {})
        : norm_{channels, channels, {options.eps, options.affine}} {}

    /// @throws ShapeError
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        require<ShapeError>(x.rank() == 4, "InstanceNorm2d", "expected images (N, H, W, C), got input ", x.shape());
        return norm_(x);
    }

    void visit(Visitor<Scalar>& visitor) { norm_.visit(visitor); }

private:
    GroupNorm<Scalar> norm_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
