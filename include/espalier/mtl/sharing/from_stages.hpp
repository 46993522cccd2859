// SPDX-License-Identifier: MIT
/// @file One trunk of which each head reads the stage that it needs: deep supervision, and tasks of different levels.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/mtl/sharing.hpp>
#include <espalier/nn/sequential.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// A trunk for all tasks, whose heads stand behind different layers of it. Heads of one task at several depths are deep supervision: Lee,
/// Xie, Gallagher, Zhang and Tu, "Deeply-supervised nets" (AISTATS 2015, arXiv:1409.5185). Heads of different tasks, the easier ones at
/// lower layers: Søgaard and Goldberg, "Deep multi-task learning with low level tasks supervised at lower layers" (ACL 2016).
/// @code
/// mtl::FromStages stages{nn::trunks::resnet18(3), {2, 5}};  // of five, the second alone, and all
/// mtl::MultiTaskNet net{stages, {{"edges", nn::Conv2d{64, 1, 1}}, {"kind", nn::Linear{512, 10}}}};
/// @endcode
/// Paths: those of the trunk, behind the net's `trunk.`, as with hard sharing.
template <class Scalar = float>
class FromStages : public nn::Module<FromStages<Scalar>, Scalar> {
public:
    /// Head i reads what the first `after[i]` layers of the trunk make.
    /// @throws ValueError for no head, for a layer that is not there, or unless a head reads the last one: what is behind all heads would
    /// learn nothing.
    FromStages(nn::Sequential<Scalar> trunk, std::vector<std::size_t> after) : trunk_{std::move(trunk)}, after_{std::move(after)} {
        require<ValueError>(!after_.empty(), "FromStages", "expected a number of layers for each head, got none");
        for (std::size_t i = 0; i < after_.size(); ++i)
            require<ValueError>(after_[i] >= 1 && after_[i] <= trunk_.size(), "FromStages", "expected 1 to ", trunk_.size(),
                                " layers, as the trunk has, got ", after_[i], " for head ", i);
        const std::size_t last = *std::max_element(after_.begin(), after_.end());
        require<ValueError>(last == trunk_.size(), "FromStages", "expected a head behind the last of ", trunk_.size(),
                            " layers, got none behind layer ", last);
    }

    /// @throws what a layer throws; a ShapeError says that it was in the trunk
    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) {
        Features<Scalar> features(after_.size());
        Variable<Scalar> found = input;
        for (std::size_t reached = 0; reached < trunk_.size();) {
            std::size_t next = trunk_.size();
            for (const std::size_t end : after_)
                next = end > reached ? std::min(next, end) : next;
            found = nn::detail::naming_place([&] { return trunk_.run(found, reached, next); }, [](const ShapeError&) { return "trunk"; });
            reached = next;
            for (std::size_t i = 0; i < after_.size(); ++i)
                if (after_[i] == reached)
                    features[i] = found;
        }
        return features;
    }

    void visit(nn::Visitor<Scalar>& visitor) { trunk_.visit(visitor); }

private:
    nn::Sequential<Scalar> trunk_;
    std::vector<std::size_t> after_;  ///< of each head, a number of layers
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
