// SPDX-License-Identifier: MIT
/// @file Towers of which some read what others found: tasks that depend on tasks, as a graph.
#pragma once

#include <espalier/autograd/reshape.hpp>
#include <espalier/mtl/sharing.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Wang, Ji, Liu and Zhao, "Deep Bayesian multi-target learning for recommender systems" (2019, arXiv:1902.09154): the paper's
/// DBMTL, a name that a balancing rule has here.
///
/// All towers read the input, in the paper what a bottom makes of it (`OnTrunk`). The features of a task are its relation layer's, which
/// reads its tower's output and, behind it along the last axis, the features of the tasks that it depends on, its parents. Those come
/// before it among the heads, so that nothing depends on itself. A relation layer may be `nn::Identity`. Paths: `towers.<task>` and
/// `relations.<task>`.
template <class Scalar = float>
class RelatedTowers : public nn::Module<RelatedTowers<Scalar>, Scalar> {
public:
    /// A tower, a relation layer and a list of parents for each head. @throws ValueError for none, different numbers of them, or a parent
    /// that does not come before the task
    RelatedTowers(std::vector<nn::Layer<Scalar>> towers, std::vector<nn::Layer<Scalar>> relations,
                  std::vector<std::vector<std::size_t>> parents)
        : towers_{std::move(towers)}, relations_{std::move(relations)}, parents_{std::move(parents)} {
        require<ValueError>(!towers_.empty() && relations_.size() == towers_.size() && parents_.size() == towers_.size(), "RelatedTowers",
                            "expected a tower, a relation layer and parents for each task, got ", towers_.size(), ", ", relations_.size(),
                            " and ", parents_.size());
        for (std::size_t i = 0; i < parents_.size(); ++i)
            for (const std::size_t parent : parents_[i])
                require<ValueError>(parent < i, "RelatedTowers", "expected parents of task ", i, " among the tasks before it, got ",
                                    parent);
    }

    /// @throws ShapeError for outputs that cannot stand side by side, with the task; and what a layer throws
    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) {
        auto found = detail::apply_each(towers_, input, "tower");
        for (std::size_t i = 0; i < found.size(); ++i)
            found[i] = nn::detail::naming_place([&] { return relations_[i](with_parents(i, found)); },
                                                [&](const ShapeError&) { return concat("relation ", i); });
        return found;
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("towers", towers_);
        visitor("relations", relations_);
    }

private:
    /// What task i found beside the features of its parents, which are done.
    [[nodiscard]] Variable<Scalar> with_parents(std::size_t i, const Features<Scalar>& found) const {
        if (parents_[i].empty())
            return found[i];
        Features<Scalar> parts(1, found[i]);
        for (const std::size_t parent : parents_[i])
            parts.push_back(found[parent]);
        return autograd::cat<Scalar>(parts, -1);
    }

    nn::Children<nn::Layer<Scalar>> towers_;
    nn::Children<nn::Layer<Scalar>> relations_;
    std::vector<std::vector<std::size_t>> parents_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
