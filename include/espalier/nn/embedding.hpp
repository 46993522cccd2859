// SPDX-License-Identifier: MIT
/// @file A trainable table of vectors.
#pragma once

#include <espalier/autograd/embedding.hpp>
#include <espalier/nn/init.hpp>
#include <espalier/nn/module.hpp>

#include <cmath>

namespace espalier::inline ESPALIER_ABI::nn {

/// Rows of a (entries, width) table, standard normal at first. Indices (...) give (..., width).
template <class Scalar = float>
class Embedding : public Module<Embedding<Scalar>, Scalar> {
public:
    /// @throws ValueError unless both counts are positive.
    Embedding(Index entries, Index width) {
        require<ValueError>(entries > 0 && width > 0, "Embedding", "expected positive counts, got ", entries, " and ", width);
        Tensor<Scalar> weight{Shape{entries, width}};
        Random random = new_random();
        init::normal(weight, random);
        weight_ = Parameter{std::move(weight)};
    }

    [[nodiscard]] Variable<Scalar> operator()(const Tensor<Index>& indices) const {
        return autograd::embedding<Scalar>(weight_, indices);
    }
    /// Indices that come as floating-point values, as a batch's input does. @throws ValueError unless they are whole.
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& indices) const {
        for (const Scalar value : indices.value())
            require<ValueError>(value == std::floor(value), "embedding", "expected whole indices, got ", value);
        return autograd::embedding<Scalar>(weight_, indices.value().template cast<Index>());
    }

    void visit(Visitor<Scalar>& visitor) { visitor("weight", weight_); }

private:
    Parameter<Scalar> weight_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
