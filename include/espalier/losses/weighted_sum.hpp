// SPDX-License-Identifier: MIT
/// @file Several losses of one output and one target as one loss.
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/losses/loss.hpp>

#include <cstddef>
#include <initializer_list>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::losses {

/// A loss and its factor in a sum.
template <class Scalar = float>
struct LossTerm {
    Loss<Scalar> loss;
    double weight = 1;
};

/// The sum of w_i times loss i, each of the same prediction and target: a task with more than one loss.
/// @code
/// mtl::MultiTaskLoss criterion{{"depth", losses::WeightedSum{{losses::L1{}}, {losses::MSE{}, 0.1}}}};
/// @endcode
/// Where nothing counts for a loss, it is a constant that adds 0; where that holds for all of them, so is the sum.
template <class Scalar = float>
class WeightedSum {
public:
    /// @throws ValueError for no loss, an empty `Loss`, or a weight that is negative or not finite.
    explicit WeightedSum(std::vector<LossTerm<Scalar>> terms) : terms_{std::move(terms)} {
        require<ValueError>(!terms_.empty(), "WeightedSum", "expected at least one loss, got none");
        for (std::size_t i = 0; i < terms_.size(); ++i) {
            require<ValueError>(terms_[i].loss != nullptr, "WeightedSum", "expected a loss, got an empty function at ", i);
            require<ValueError>(is_finite(terms_[i].weight) && terms_[i].weight >= 0, "WeightedSum",
                                "expected a weight of at least 0 for loss ", i, ", got ", terms_[i].weight);
        }
    }
    WeightedSum(std::initializer_list<LossTerm<Scalar>> terms) : WeightedSum{std::vector<LossTerm<Scalar>>(terms)} {}

    /// A scalar. @throws what a loss throws; ShapeError for one of more than one element
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& prediction, const Target<Scalar>& target) const {
        PoolVector<Variable<Scalar>> values;
        PoolVector<Scalar> weights;
        for (const auto& [loss, weight] : terms_) {
            Variable<Scalar> value = loss(prediction, target);
            require<ShapeError>(value.numel() == 1, "WeightedSum", "expected losses of one element, got ", value.shape(), " from loss ",
                                values.size(), ": use the mean or the sum");
            values.push_back(value.rank() == 0 ? std::move(value) : autograd::reshape(value, {}));
            weights.push_back(static_cast<Scalar>(weight));
        }
        return autograd::weighted_sum<Scalar>(values, weights);
    }

    [[nodiscard]] const std::vector<LossTerm<Scalar>>& terms() const& noexcept { return terms_; }
    [[nodiscard]] std::vector<LossTerm<Scalar>> terms() && { return std::move(terms_); }

private:
    std::vector<LossTerm<Scalar>> terms_;
};

}  // namespace espalier::inline ESPALIER_ABI::losses
