// SPDX-License-Identifier: MIT
/// @file Weights from how fast each task's loss fell from epoch to epoch.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/mtl/balancing/scalarize.hpp>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `DWA`.
struct DWAOptions {
    double temperature = 2;  ///< above 0; the higher, the more equal the weights
};

/// Dynamic weight average: Liu, Johns and Davison, "End-to-End Multi-Task Learning with Attention", CVPR 2019, arXiv 1803.10704.
/// `sum w_i L_i` with the constants w = T softmax(r / temperature), r_i the mean loss of the last epoch divided by that of the
/// epoch before; r_i = 1 until task i has been seen in two epochs, or where that division has no finite result. `end_epoch()` ends an
/// epoch. Costs one traversal; heads get the same weights; the state is four numbers a task. Losses may be negative, if always.
class DWA {
public:
    DWA() = default;
    /// @throws ValueError for a temperature that is not above 0
    explicit DWA(const DWAOptions& options) : temperature_{options.temperature} {
        require<ValueError>(temperature_ > 0 && is_finite(temperature_), "DWA", "expected a finite temperature above 0, got ",
                            temperature_);
    }

    void start(std::size_t tasks) {
        average_.start(tasks);
        last_ = Tensor<double>{Shape{static_cast<Index>(tasks)}};
        rates_ = Tensor<double>::ones(last_.shape());
    }

    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) {
        const StepContext& context = losses.context();
        detail::require_started("DWA", rates_, context);
        Weights weights;
        weights.reserve(losses.size());
        for (const std::size_t task : context.tasks)
            weights.push_back(detail::of_task(rates_, task) / temperature_);
        detail::to_softmax(weights);
        for (double& weight : weights)
            weight *= static_cast<double>(losses.size());
        auto total = weighted(losses, weights);
        average_.add(context);
        return total;
    }

    /// A task that was masked in all of the epoch keeps its rate.
    void end_epoch() {
        for (std::size_t task = 0; task < average_.size(); ++task) {
            if (!average_.has(task))
                continue;
            const double rate = average_[task] / detail::of_task(last_, task);  // without an epoch before: by 0
            detail::of_task(rates_, task) = is_finite(rate) ? rate : 1;
            detail::of_task(last_, task) = average_[task];
        }
        average_.clear();
    }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& v) {
        v("average", average_);
        v("last", last_);
        v("rates", rates_);
    }

private:
    double temperature_ = 2;
    LossAverage average_;    ///< of this epoch
    Tensor<double> last_;    ///< mean loss of the epoch before, 0 if there was none
    Tensor<double> rates_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
