// SPDX-License-Identifier: MIT
/// @file STEM: an embedding of its own for each task beside the shared one, and experts that read all of them but train their own alone.
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/mtl/sharing/ple.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Su, Pan, Wang, Xiao, Quan, Chen and Jiang, "STEM: unleashing the power of embeddings for multi-task recommendation" (AAAI 2024,
/// arXiv:2308.13537).
///
/// There are T + 1 tables, layers that make an embedding of the input, as an `nn::Embedding` does of indices: one for each task and the
/// last for all. On each level the experts of a task read what that task has, the shared ones what is shared. A task's gate sees the sum
/// of both and mixes the experts of all tasks and the shared ones, in this order, but no gradient goes to the experts of other tasks, and
/// so none to their tables: a task learns from others without disturbing them. Below another level a further gate mixes all to what
/// is shared, with all gradients. Paths: `tables` and `levels`, as in `PLE`. What a task reads without gradients, `describe` counts as not
/// the task's.
template <class Scalar = float>
class STEM : public nn::Module<STEM<Scalar>, Scalar> {
public:
    /// @throws ValueError for another number of tables than one more than tasks, and for levels that `PLE` refuses
    STEM(std::vector<nn::Layer<Scalar>> tables, std::vector<ExpertLevel<Scalar>> levels)
        : tables_{std::move(tables)}, levels_{std::move(levels)} {
        detail::require_levels("STEM", levels_);
        require<ValueError>(tables_.size() == levels_[0].gates.size() + 1, "STEM", "expected a table for each of ", levels_[0].gates.size(),
                            " tasks and one for all, got ", tables_.size());
    }

    /// @throws ShapeError for tables or experts whose outputs differ in shape, or a gate of another number of experts; and what a layer
    /// throws
    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) {
        auto values = detail::apply_each(tables_, input, "table");
        for (const auto& value : values)
            require<ShapeError>(value.shape() == values[0].shape(), "STEM", "expected tables that give one shape, got ", values[0].shape(),
                                " and ", value.shape());
        for (std::size_t k = 0; k < levels_.size(); ++k)
            nn::detail::naming_place([&] { run(levels_[k], values, k + 1 == levels_.size()); },
                                     [&](const ShapeError&) { return concat("level ", k); });
        return values;
    }

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("tables", tables_);
        visitor("levels", levels_);
    }

private:
    /// `values` are what each task has and, last, what is shared; after the last level that is of no use any more.
    static void run(ExpertLevel<Scalar>& level, Features<Scalar>& values, bool last) {
        const std::size_t tasks = values.size() - 1;
        Features<Scalar> found, constants;  // of the experts of all tasks
        PoolVector<std::size_t> owners;
        for (std::size_t i = 0; i < tasks; ++i) {
            const auto own = nn::detail::naming_place([&] { return detail::apply_each(level.own[i], values[i], "expert"); },
                                                      [&](const ShapeError&) { return concat("task ", i); });
            found.insert(found.end(), own.begin(), own.end());
            owners.insert(owners.end(), own.size(), i);
        }
        for (const auto& expert : found)
            constants.push_back(expert.detach());
        const auto common = detail::apply_each(level.shared, values.back(), "shared expert");
        Features<Scalar> mixed;
        for (std::size_t i = 0; i < tasks; ++i) {
            Features<Scalar> experts;
            for (std::size_t e = 0; e < found.size(); ++e)
                experts.push_back(owners[e] == i ? found[e] : constants[e]);
            experts.insert(experts.end(), common.begin(), common.end());
            mixed.push_back(detail::gated("STEM", level.gates[i], i, values[i] + values.back(), experts));
        }
        if (!last) {
            found.insert(found.end(), common.begin(), common.end());
            mixed.push_back(detail::gated("STEM", level.shared_gate[0], tasks, values.back(), found));
        }
        values = std::move(mixed);
    }

    nn::Children<nn::Layer<Scalar>> tables_;
    nn::Children<ExpertLevel<Scalar>> levels_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
