// SPDX-License-Identifier: MIT
/// @file Weights from how much of each task's loss is left to improve.
#pragma once

#include <espalier/mtl/balancing/scalarize.hpp>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `IGBv1`.
struct IGBv1Options {
    Index base_epoch = 1;  ///< the epoch, counted from 0, whose mean losses are the base
};

/// Improvable gap balancing, first version: Dai et al., "Improvable Gap Balancing for Multi-Task Learning", UAI 2023,
/// arXiv 2307.15429. `sum w_i log L_i` with the constants w = T softmax(L_i / b_i), b the mean losses of the base epoch, and w = 1
/// until that has ended. (The second version is an agent of reinforcement learning.) Costs one traversal; heads get the same weights,
/// w_i / L_i; the state is two numbers a task. A task that was masked in all of the base epoch takes the first loss that is seen of
/// it for its base. Refuses losses that are not above 0.
class IGBv1 {
public:
    IGBv1() = default;
    /// @throws ValueError for a negative epoch
    explicit IGBv1(const IGBv1Options& options) : base_epoch_{options.base_epoch} {
        require<ValueError>(base_epoch_ >= 0, "IGBv1", "expected a base epoch of at least 0, got ", base_epoch_);
    }

    void start(std::size_t tasks) { base_.start(tasks); }

    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) {
        const StepContext& context = losses.context();
        detail::require_started("IGBv1", base_.size(), context);
        detail::require_positive("IGBv1", context);
        Weights weights(losses.size(), 1.0);
        if (context.epoch == base_epoch_)
            base_.add(context);
        if (context.epoch > base_epoch_) {
            base_.add_missing(context);
            for (std::size_t i = 0; i < losses.size(); ++i)
                weights[i] = context.losses[i] / base_[context.tasks[i]];
            detail::to_softmax(weights);
            for (double& weight : weights)
                weight *= static_cast<double>(losses.size());
        }
        return detail::weighted_logarithms("IGBv1", losses, weights);
    }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& v) {
        v("base", base_);
    }

private:
    Index base_epoch_ = 1;
    LossAverage base_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
