// SPDX-License-Identifier: MIT
/// @file Any way of sharing on top of a trunk that all tasks share.
#pragma once

#include <espalier/mtl/sharing.hpp>

#include <utility>

namespace espalier::inline ESPALIER_ABI::mtl {

/// One layer for all tasks, whose output the sharing above reads in the place of the input: the bottom of towers, the stem of experts.
/// Paths: `bottom.<...>` and `above.<...>`. Rules that act on features look at what the layer gives, unless the sharing has a place for
/// that itself.
template <class Scalar = float>
class OnTrunk : public nn::Module<OnTrunk<Scalar>, Scalar> {
public:
    OnTrunk(nn::Layer<Scalar> bottom, Sharing<Scalar> above) : bottom_{std::move(bottom)}, above_{std::move(above)} {}

    /// @throws what layer and sharing throw; a ShapeError of the layer says that it was there
    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) { return above_(bottom_(input)[0]); }

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("bottom", bottom_);
        visitor("above", above_);
    }

private:
    HardSharing<Scalar> bottom_;
    Sharing<Scalar> above_;
};

template <class Trunk, class Rest>
OnTrunk(Trunk, Rest) -> OnTrunk<typename Trunk::value_type>;

}  // namespace espalier::inline ESPALIER_ABI::mtl
