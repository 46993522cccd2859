// SPDX-License-Identifier: MIT
/// @file A way down to small images and back up, where each size meets itself again: what networks for pixels are made of.
#pragma once

#include <espalier/autograd/reshape.hpp>
#include <espalier/autograd/upsample.hpp>
#include <espalier/nn/children.hpp>
#include <espalier/nn/layer.hpp>
#include <espalier/nn/undo.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::nn::trunks {

/// Layers `down.0`, `down.1`, ..., one behind the other, and the layers `up` of the same number that lead back, the last one first. What
/// `up[i]` gives is brought to the size of what `down[i]` was given, and goes on with it beside it, the channels of `up[i]` first. So an
/// image whose sides are odd can be halved and comes back in its size: bilinearly, the corners in place, where the sizes differ.
template <class Scalar = float>
class UShape : public Module<UShape<Scalar>, Scalar> {
public:
    /// @throws ValueError unless there are as many layers up as down, and at least one.
    UShape(std::vector<Layer<Scalar>> down, std::vector<Layer<Scalar>> up) : down_{std::move(down)}, up_{std::move(up)} {
        require<ValueError>(!down_.empty() && down_.size() == up_.size(), "UShape", "expected as many layers up as down, got ", up_.size(),
                            " and ", down_.size());
    }

    /// (N, H, W, C) gives (N, H, W, C' + C) with the C' channels of `up[0]`. @throws ShapeError
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) {
        require<ShapeError>(x.rank() == 4, "UShape", "expected images (N, H, W, C), got input ", x.shape());
        const nn::detail::ForwardScope call;
        PoolVector<Variable<Scalar>> before;
        Variable<Scalar> y = x;
        for (std::size_t i = 0; i < down_.size(); ++i) {
            before.push_back(y);
            y = nn::detail::naming_place([&] { return down_[i](y); }, [&](const ShapeError&) { return "down " + std::to_string(i); });
        }
        for (std::size_t i = up_.size(); i-- > 0;)
            y = nn::detail::naming_place(
                [&] {
                    return autograd::cat({resized(up_[i](y), before[i].shape()), before[i]}, 3);
                },
                [&](const ShapeError&) { return "up " + std::to_string(i); });
        return y;
    }

    void visit(Visitor<Scalar>& visitor) {
        visitor("down", down_);
        visitor("up", up_);
    }

private:
    [[nodiscard]] static Variable<Scalar> resized(const Variable<Scalar>& x, const Shape& like) {
        if (x.rank() == 4 && x.size(1) == like[1] && x.size(2) == like[2])
            return x;
        return autograd::upsample_bilinear2d(x, {like[1], like[2]}, /*align_corners*/ true);
    }

    Children<Layer<Scalar>> down_;
    Children<Layer<Scalar>> up_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn::trunks
