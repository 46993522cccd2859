// SPDX-License-Identifier: MIT
/// @file Products of features of bounded degree: the cross network of DCN-V2.
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/nn/children.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/module.hpp>

#include <cstddef>

namespace espalier::inline ESPALIER_ABI::nn {

/// Of a `CrossNetwork`.
struct CrossNetworkOptions {
    Index layers = 2;  ///< each raises the degree of the products by one
    Index rank = 0;    ///< of the weights of a layer; 0 for whole matrices
};

/// Wang et al., "DCN V2: improved deep & cross network and practical lessons for web-scale learning to rank systems" (WWW 2021,
/// arXiv:2008.13535), without its mixture of experts.
///
/// x_{l+1} = x_0 * (W_l x_l + b_l) + x_l, element by element, of features (..., D); with a rank W_l = U_l V_l, of D x rank and rank x D
/// weights. A cross network stands in front of a deep one (stacked) or beside it (parallel). Paths: `<l>.weight` and `<l>.bias`, with a
/// rank `<l>.v.weight`, `<l>.u.weight` and `<l>.u.bias`.
template <class Scalar = float>
class CrossNetwork : public Module<CrossNetwork<Scalar>, Scalar> {
public:
    /// @throws ValueError for no feature, no layer, or a rank below 0
    explicit CrossNetwork(Index features, CrossNetworkOptions options = {}) : features_{features} {
        require<ValueError>(features > 0 && options.layers > 0 && options.rank >= 0, "CrossNetwork",
                            "expected at least one feature and layer and a rank of at least 0, got ", features, ", ", options.layers,
                            " and ", options.rank);
        for (Index l = 0; l < options.layers; ++l)
            layers_.push_back(
                options.rank ? CrossLayer{{Linear<Scalar>{features, options.rank, {.bias = false}}, Linear<Scalar>{options.rank, features}}}
                             : CrossLayer{{Linear<Scalar>{features, features}}});
    }

    /// (..., D) gives (..., D). @throws ShapeError for other features
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        require<ShapeError>(x.rank() > 0 && x.size(-1) == features_, "CrossNetwork", "expected features (..., ", features_, "), got ",
                            x.shape());
        Variable<Scalar> y = x;
        for (const CrossLayer& layer : layers_)
            y = x * layer(y) + y;
        return y;
    }

    void visit(Visitor<Scalar>& visitor) { layers_.visit(visitor); }

private:
    struct CrossLayer {
        Children<Linear<Scalar>> maps;  ///< one, or V and U

        [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
            return maps.size() == 1 ? maps[0](x) : maps[1](maps[0](x));
        }
        void visit(Visitor<Scalar>& visitor) {
            if (maps.size() == 1)
                return maps[0].visit(visitor);
            visitor("v", maps[0]);
            visitor("u", maps[1]);
        }
    };

    Index features_;
    Children<CrossLayer> layers_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
