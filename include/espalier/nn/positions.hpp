// SPDX-License-Identifier: MIT
/// @file What tells a Transformer where in a sequence a step stands, added to it.
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/nn/init.hpp>
#include <espalier/nn/module.hpp>

#include <cmath>
#include <utility>

namespace espalier::inline ESPALIER_ABI::nn {

/// x (N, L, C) with sin(p / 10000^(2 i / C)) added to channel 2 i of step p and the cosine of the same to channel 2 i + 1 (Vaswani et al.,
/// Attention is all you need, NeurIPS 2017). Of any scalar; nothing is learned.
struct SinusoidalPositions {
    /// @throws ShapeError unless x is (N, L, C)
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        require<ShapeError>(x.rank() == 3, "SinusoidalPositions", "expected sequences (N, L, C), got ", x.shape());
        const Index steps = x.size(1), channels = x.size(2);
        auto positions = Tensor<Scalar>::empty({1, steps, channels});
        for (Index p = 0; p < steps; ++p)
            for (Index c = 0; c < channels; ++c) {
                const double angle = static_cast<double>(p) *
                                     std::pow(10000.0, -static_cast<double>(c - c % 2) / static_cast<double>(channels));
                positions[p * channels + c] = static_cast<Scalar>(c % 2 ? std::cos(angle) : std::sin(angle));
            }
        return x + Variable<Scalar>{std::move(positions)};
    }
};

/// x (N, L, features) with a row that is learned added for each place in a sequence, `weight` (longest, features), normal with a deviation
/// of 0.02 at first.
template <class Scalar = float>
class LearnedPositions : public Module<LearnedPositions<Scalar>, Scalar> {
public:
    /// @throws ValueError unless both counts are positive
    LearnedPositions(Index longest, Index features) {
        require<ValueError>(longest > 0 && features > 0, "LearnedPositions", "expected positive counts, got ", longest, " and ", features);
        Tensor<Scalar> weight{Shape{longest, features}};
        Random random = new_random();
        init::normal(weight, random, 0, 0.02);
        weight_ = Parameter{std::move(weight)};
    }

    /// @throws ShapeError for sequences that are longer than the longest or have other features
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        const Shape& table = weight_.shape();
        require<ShapeError>(x.rank() == 3 && x.size(1) <= table[0] && x.size(2) == table[1], "LearnedPositions",
                            "expected sequences (N, L, ", table[1], ") of at most ", table[0], " steps, got ", x.shape());
        return x + autograd::narrow(weight_.variable(), 0, 0, x.size(1));
    }

    void visit(Visitor<Scalar>& visitor) { visitor("weight", weight_); }

private:
    Parameter<Scalar> weight_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
