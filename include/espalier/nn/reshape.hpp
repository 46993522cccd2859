// SPDX-License-Identifier: MIT
/// @file Layers that move elements and compute nothing, or resize images; for any scalar.
#pragma once

#include <espalier/autograd/reshape.hpp>
#include <espalier/autograd/upsample.hpp>

#include <algorithm>
#include <limits>

namespace espalier::inline ESPALIER_ABI::nn {

/// (N, H, W, C) gives (N, H W C), in that order.
struct Flatten {
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::flatten(x);
    }
};

/// (N, ...) gives (N, shape...).
struct Unflatten {
    Shape shape;
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        require<ShapeError>(x.rank() > 0, "Unflatten", "expected a batch axis, got shape ", x.shape());
        return autograd::reshape(x, shape.prepended(x.size(0)));
    }
};

enum class Interpolation { nearest, bilinear };

/// Of an `Upsample`.
struct UpsampleOptions {
    Interpolation mode = Interpolation::nearest;
    bool align_corners = false;  ///< of bilinear interpolation
};

/// (N, H, W, C) gives (N, factor H, factor W, C).
class Upsample {
public:
    explicit Upsample(Pair factor, UpsampleOptions options = {}) : factor_{factor}, options_{options} {}
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        require<ShapeError>(x.rank() == 4, "Upsample", "expected images (N, H, W, C), got input ", x.shape());
        const auto times = [&](Index extent, Index factor) {
            require<ValueError>(factor > 0 && factor <= std::numeric_limits<Index>::max() / std::max<Index>(extent, 1), "Upsample",
                                "expected a factor of at least 1 that can be multiplied by ", extent, ", got ", factor_);
            return extent * factor;
        };
        const Pair size{times(x.size(1), factor_.height), times(x.size(2), factor_.width)};
        return options_.mode == Interpolation::nearest ? autograd::upsample_nearest2d(x, size)
                                                       : autograd::upsample_bilinear2d(x, size, options_.align_corners);
    }

private:
    Pair factor_;
    UpsampleOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
