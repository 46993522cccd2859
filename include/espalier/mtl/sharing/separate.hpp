// SPDX-License-Identifier: MIT
/// @file Networks that share nothing: what every way of sharing has to be better than.
#pragma once

#include <espalier/mtl/sharing.hpp>

#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Every task has a network of its own, in the order of the heads, and reads the same input.
template <class Scalar = float>
class Separate : public nn::Module<Separate<Scalar>, Scalar> {
public:
    /// @throws ValueError for no network
    explicit Separate(std::vector<nn::Layer<Scalar>> networks) : networks_{std::move(networks)} {
        require<ValueError>(!networks_.empty(), "Separate", "expected a network for each task, got none");
    }

    /// @throws what a network throws; a ShapeError says which
    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) { return detail::apply_each(networks_, input, "network"); }

    void visit(nn::Visitor<Scalar>& visitor) { visitor("networks", networks_); }

private:
    nn::Children<nn::Layer<Scalar>> networks_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
