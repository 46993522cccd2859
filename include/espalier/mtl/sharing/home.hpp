// SPDX-License-Identifier: MIT
/// @file HoME: experts of categories of tasks below experts of tasks, and gates that keep each of them in use.
#pragma once

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/mtl/sharing/ple.hpp>
#include <espalier/nn/linear.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// What an expert reads of its input: x times 2 sigmoid(x B A) element by element, B and A of low rank. (..., features) to the same, in
/// front of an expert's layers. Paths: `b` (rank, features) and `a` (features, rank).
template <class Scalar = float>
class FeatureGate : public nn::Module<FeatureGate<Scalar>, Scalar> {
public:
    /// @throws ValueError for no features or no rank
    FeatureGate(Index features, Index rank) : b_{features, rank, {.bias = false}}, a_{rank, features, {.bias = false}} {}

    /// @throws ShapeError for other features
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const { return x * (autograd::sigmoid(a_(b_(x))) * 2); }

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("b", b_);
        visitor("a", a_);
    }

private:
    nn::Linear<Scalar> b_;
    nn::Linear<Scalar> a_;
};

/// What a `HoME` is made of. All experts of a level give one shape.
template <class Scalar = float>
struct HoMEParts {
    ExpertLevel<Scalar> meta = {};                                     ///< as a level of `PLE` below another, with categories for tasks
    nn::Children<nn::Layer<Scalar>> meta_self_gates = {};  ///< of each category, and of what is shared: scores (N, its own experts)
    ExpertLevel<Scalar> tasks = {};  ///< a task's gate: scores (N, its own experts + its category's + shared)
    nn::Children<nn::Children<nn::Layer<Scalar>>> of_categories = {};  ///< experts of each category beside those of tasks
    nn::Children<nn::Layer<Scalar>> self_gates = {};  ///< of each task: scores (N, its own experts)

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("meta", meta);
        visitor("meta_self_gates", meta_self_gates);
        visitor("tasks", tasks);
        visitor("of_categories", of_categories);
        visitor("self_gates", self_gates);
    }
};

/// Wang, Cao, Fu, Gai and Zhou, "HoME: hierarchy of multi-gate experts for multi-task learning at Kuaishou" (2024, arXiv:2408.05430).
///
/// On the first level there are experts of each category of tasks, as all that say how long one looked, and shared ones. Gates mix them to
/// z_c of each category, of its own and the shared ones, and to z of all. On the second level the experts of a task, those of its category
/// and the shared ones read [z_c, z], and the task's gate mixes them. To what a gate mixed a self gate adds the own experts alone, in the
/// shares softmax(scores), of one expert sigmoid(score): so they are trained however small the gate's shares are. In the paper an expert is
/// `Sequential{FeatureGate, Linear, BatchNorm, SiLU}`, of which the normalisation keeps experts alike; its feature gate mixes several of
/// different rank.
template <class Scalar = float>
class HoME : public nn::Module<HoME<Scalar>, Scalar> {
public:
    /// `categories` has the category of each task. @throws ValueError for levels that do not have experts and gates of each category or
    /// task
    HoME(std::vector<std::size_t> categories, HoMEParts<Scalar> parts) : categories_{std::move(categories)}, parts_{std::move(parts)} {
        const std::size_t of_meta = parts_.meta.own.size(), tasks = categories_.size();
        require_level("meta level", parts_.meta, of_meta, parts_.meta_self_gates.size(), of_meta + 1);
        require<ValueError>(parts_.meta.shared_gate.size() == 1 && !parts_.meta.shared.empty(), "HoME",
                            "expected shared experts and one shared gate on the meta level, got ", parts_.meta.shared.size(), " and ",
                            parts_.meta.shared_gate.size());
        require_level("level of tasks", parts_.tasks, tasks, parts_.self_gates.size(), tasks);
        require<ValueError>(parts_.tasks.shared_gate.empty(), "HoME", "expected no shared gate on the level of tasks, got ",
                            parts_.tasks.shared_gate.size());
        require<ValueError>(parts_.of_categories.size() == of_meta, "HoME", "expected experts beside those of tasks for ", of_meta,
                            " categories, got ", parts_.of_categories.size());
        for (std::size_t task = 0; task < tasks; ++task)
            require<ValueError>(categories_[task] < of_meta, "HoME", "expected a category below ", of_meta, ", got ", categories_[task],
                                " for task ", task);
    }

    /// @throws ShapeError for experts of a level whose outputs differ in shape, or a gate of another number of experts; and what a layer
    /// throws
    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) {
        const auto read = nn::detail::naming_place([&] { return meta(input); }, [](const ShapeError&) { return "the meta level"; });
        return nn::detail::naming_place([&] { return of_tasks(read); }, [](const ShapeError&) { return "the level of tasks"; });
    }

    void visit(nn::Visitor<Scalar>& visitor) { parts_.visit(visitor); }

private:
    static void require_level(const char* name, const ExpertLevel<Scalar>& level, std::size_t groups, std::size_t self_gates,
                              std::size_t expected_self_gates) {
        require<ValueError>(groups > 0 && level.own.size() == groups && level.gates.size() == groups && self_gates == expected_self_gates,
                            "HoME", "expected experts and gates of ", groups, " groups and ", expected_self_gates, " self gates on the ",
                            name, ", got ", level.own.size(), ", ", level.gates.size(), " and ", self_gates);
        for (std::size_t i = 0; i < groups; ++i)
            require<ValueError>(!level.own[i].empty(), "HoME", "expected an own expert in group ", i, " of the ", name, ", got none");
    }

    /// What a gate makes of `own` and `others`, and a self gate of `own`.
    [[nodiscard]] static Variable<Scalar> mixed(nn::Layer<Scalar>& gate, nn::Layer<Scalar>& self_gate, std::size_t index,
                                                const Variable<Scalar>& input, const Features<Scalar>& own,
                                                const Features<Scalar>& others) {
        Features<Scalar> all = own;
        all.insert(all.end(), others.begin(), others.end());
        return detail::gated("HoME", gate, index, input, all) + self_gated(self_gate, index, input, own);
    }
    [[nodiscard]] static Variable<Scalar> self_gated(nn::Layer<Scalar>& gate, std::size_t index, const Variable<Scalar>& input,
                                                     const Features<Scalar>& own) {
        return nn::detail::naming_place(
            [&] {
                if (own.size() > 1)
                    return detail::gated("HoME", gate, index, input, own);
                const auto score = gate(input);
                require<ShapeError>(score.shape() == Shape{input.size(0), 1}, "HoME", "expected one score from gate ", index, ", got ",
                                    score.shape(), " for input ", input.shape());
                return autograd::mix<Scalar>(own, autograd::sigmoid(score));
            },
            [](const ShapeError&) { return "a self gate"; });
    }

    /// What the second level reads, for each category: [z_c, z].
    [[nodiscard]] Features<Scalar> meta(const Variable<Scalar>& input) {
        auto& level = parts_.meta;
        auto& self_gates = parts_.meta_self_gates;
        const auto shared = detail::apply_each(level.shared, input, "shared expert");
        Features<Scalar> all, result;
        for (std::size_t c = 0; c < level.own.size(); ++c)
            nn::detail::naming_place(
                [&] {
                    const auto own = detail::apply_each(level.own[c], input, "expert");
                    all.insert(all.end(), own.begin(), own.end());
                    result.push_back(mixed(level.gates[c], self_gates[c], c, input, own, shared));
                },
                [&](const ShapeError&) { return concat("category ", c); });
        const std::size_t last = result.size();
        all.insert(all.end(), shared.begin(), shared.end());
        const auto common = detail::gated("HoME", level.shared_gate[0], last, input, all) +
                            self_gated(self_gates[last], last, input, shared);
        for (auto& category : result)
            category = autograd::cat({category, common}, -1);
        return result;
    }

    [[nodiscard]] Features<Scalar> of_tasks(const Features<Scalar>& read) {
        PoolVector<Features<Scalar>> beside;  // of each category: what its experts and the shared ones found
        for (std::size_t c = 0; c < read.size(); ++c) {
            auto found = detail::apply_each(parts_.of_categories[c], read[c], "expert of the category");
            const auto shared = detail::apply_each(parts_.tasks.shared, read[c], "shared expert");
            found.insert(found.end(), shared.begin(), shared.end());
            beside.push_back(std::move(found));
        }
        Features<Scalar> result;
        for (std::size_t task = 0; task < categories_.size(); ++task)
            nn::detail::naming_place(
                [&] {
                    const std::size_t c = categories_[task];
                    const auto own = detail::apply_each(parts_.tasks.own[task], read[c], "expert");
                    result.push_back(mixed(parts_.tasks.gates[task], parts_.self_gates[task], task, read[c], own, beside[c]));
                },
                [&](const ShapeError&) { return concat("task ", task); });
        return result;
    }

    std::vector<std::size_t> categories_;
    HoMEParts<Scalar> parts_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
