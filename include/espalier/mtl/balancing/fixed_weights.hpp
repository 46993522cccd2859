// SPDX-License-Identifier: MIT
/// @file Sums of the losses with weights that stay as they are.
#pragma once

#include <espalier/mtl/balancing/scalarize.hpp>

#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// `sum L_i`: every task counts as its loss says ("equal weighting"). Kurin et al. ("In Defense of the Unitary Scalarization for
/// Deep Multi-Task Learning", NeurIPS 2022, arXiv 2201.04122) find that nothing beats it by much if it is tuned as well.
/// Costs one traversal of the trunk and no memory; heads get the same weights; no state; refuses nothing.
struct Sum {
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) const {
        return weighted(losses, Weights(losses.size(), 1.0));
    }
};

/// `1/T sum L_i` over the T active tasks: the learning rate need not follow the number of tasks. Otherwise as `Sum`.
struct Mean {
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) const {
        return weighted(losses, Weights(losses.size(), 1 / static_cast<double>(losses.size())));
    }
};

/// `sum w_i L_i`, with a weight for each of the criterion's tasks, masked ones included, in their order. They multiply the weights
/// that the criterion itself has. Costs one traversal; heads get the same weights; no state.
/// Refuses weights that are negative or not finite (ValueError), and another number of them than tasks (ShapeError).
class FixedWeights {
public:
    explicit FixedWeights(std::vector<double> weights) : weights_{std::move(weights)} {
        detail::require_weights("FixedWeights", "weights", weights_);
    }
    FixedWeights(std::initializer_list<double> weights) : FixedWeights{std::vector<double>(weights)} {}

    [[nodiscard]] const std::vector<double>& weights() const& noexcept { return weights_; }

    void start(std::size_t tasks) const { require_size(tasks); }

    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) const {
        require_size(losses.context().task_count);
        Weights active;
        active.reserve(losses.size());
        for (const std::size_t task : losses.context().tasks)
            active.push_back(weights_[task]);
        return weighted(losses, active);
    }

private:
    void require_size(std::size_t tasks) const {
        require<ShapeError>(weights_.size() == tasks, "FixedWeights", "expected ", tasks, " weights, one for each task, got ",
                            weights_.size());
    }

    std::vector<double> weights_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
