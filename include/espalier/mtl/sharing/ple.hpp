// SPDX-License-Identifier: MIT
/// @file Experts of all tasks beside experts of one: customized gate control, and several levels of it.
#pragma once

#include <espalier/mtl/sharing/mmoe.hpp>

#include <cstddef>
#include <initializer_list>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// One level of experts. All outputs have one shape.
template <class Scalar = float>
struct ExpertLevel {
    nn::Children<nn::Children<nn::Layer<Scalar>>> own = {};  ///< experts of each task; a task may have none
    nn::Children<nn::Layer<Scalar>> shared = {};             ///< experts that all tasks read
    nn::Children<nn::Layer<Scalar>> gates = {};              ///< of each task: scores (N, its own experts + shared ones)
    nn::Children<nn::Layer<Scalar>> shared_gate = {};        ///< of a level below others, one: scores (N, all own experts + shared ones)

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("own", own);
        visitor("shared", shared);
        visitor("gates", gates);
        visitor("shared_gate", shared_gate);
    }
};

namespace detail {

/// @throws ValueError as `PLE` does
template <class Scalar>
void require_levels(const char* operation, const nn::Children<ExpertLevel<Scalar>>& levels) {
    require<ValueError>(!levels.empty() && !levels[0].gates.empty(), operation, "expected at least one level of at least one task, got ",
                        levels.size(), " levels");
    const std::size_t tasks = levels[0].gates.size();
    for (std::size_t k = 0; k < levels.size(); ++k) {
        const auto& [own, shared, gates, shared_gate] = levels[k];
        require<ValueError>(gates.size() == tasks && own.size() == tasks, operation, "expected experts and gates of ", tasks,
                            " tasks, got ", own.size(), " and ", gates.size(), " on level ", k);
        for (std::size_t i = 0; i < tasks; ++i)
            require<ValueError>(!own[i].empty() || !shared.empty(), operation, "expected an expert for task ", i, ", got none on level ",
                                k);
        require<ValueError>(shared_gate.size() == (k + 1 < levels.size() ? 1 : 0), operation,
                            "expected one shared gate on each level but the last, got ", shared_gate.size(), " on level ", k, " of ",
                            levels.size());
    }
}

}  // namespace detail

/// Tang, Liu, Zhao and Gong, "Progressive layered extraction (PLE): a novel multi-task learning model for personalized
/// recommendations" (RecSys 2020).
///
/// On each level the experts of a task read what that task had of the level below, the shared ones what was shared there, and a gate
/// mixes for each task its own experts' outputs and the shared ones', in this order; below another level a further gate mixes all,
/// task by task and the shared ones last, to what is shared. With one level it is the paper's CGC; CGC without shared experts are
/// separate networks. Rules that act on features look at what the shared experts of the last level found.
template <class Scalar = float>
class PLE : public nn::Module<PLE<Scalar>, Scalar> {
public:
    /// @throws ValueError for no level, another number of tasks or gates than on the first level, a task without an expert on some
    /// level, or a shared gate on the last level or none below it
    PLE(std::initializer_list<ExpertLevel<Scalar>> levels) : PLE{std::vector<ExpertLevel<Scalar>>(levels)} {}
    explicit PLE(std::vector<ExpertLevel<Scalar>> levels) : levels_{std::move(levels)} { detail::require_levels("PLE", levels_); }

    /// @throws ShapeError for experts whose outputs differ in shape, or a gate of another number of experts; and what a layer throws
    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) {
        Features<Scalar> values(levels_[0].gates.size(), input);
        Variable<Scalar> shared = input;
        for (std::size_t k = 0; k < levels_.size(); ++k)
            nn::detail::naming_place([&] { run(levels_[k], values, shared, k + 1 == levels_.size()); },
                                     [&](const ShapeError&) { return concat("level ", k); });
        return values;
    }

    void visit(nn::Visitor<Scalar>& visitor) { visitor("levels", levels_); }

private:
    static void run(ExpertLevel<Scalar>& level, Features<Scalar>& values, Variable<Scalar>& common, bool last) {
        const auto found = detail::apply_experts(level.shared, common, "shared expert");
        if (last)
            for (const auto& expert : found)
                expert.node()->features = true;
        Features<Scalar> all;
        for (std::size_t i = 0; i < values.size(); ++i) {
            auto experts = nn::detail::naming_place([&] { return detail::apply_experts(level.own[i], values[i], "expert"); },
                                                    [&](const ShapeError&) { return concat("task ", i); });
            all.insert(all.end(), experts.begin(), experts.end());
            experts.insert(experts.end(), found.begin(), found.end());
            values[i] = detail::gated("PLE", level.gates[i], i, values[i], experts);
        }
        if (!last) {
            all.insert(all.end(), found.begin(), found.end());
            common = detail::gated("PLE", level.shared_gate[0], values.size(), common, all);
        }
    }

    nn::Children<ExpertLevel<Scalar>> levels_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
