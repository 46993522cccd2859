// SPDX-License-Identifier: MIT
/// @file A trainable table of vectors.
#pragma once

#include <espalier/autograd/embedding.hpp>
#include <espalier/nn/init.hpp>
#include <espalier/nn/module.hpp>

#include <cmath>

namespace espalier::inline ESPALIER_ABI::nn {

/// Of an `Embedding`.
struct EmbeddingOptions {
    bool sparse = false;  ///< backward passes and optimizers touch the rows that were looked up, and no others
};

/// Rows of a (entries, width) table, standard normal at first. Indices (...) give (..., width).
///
/// With `.sparse` a step costs what it looks up, however many entries there are. An optimizer then updates those rows alone, as in
/// PyTorch: SGD without momentum and Adagrad learn the same; momentum, weight decay and Adam's means of other rows stand still
/// until these are looked up again (its `SparseAdam`).
template <class Scalar = float>
class Embedding : public Module<Embedding<Scalar>, Scalar> {
public:
    /// @throws ValueError unless both counts are positive.
    Embedding(Index entries, Index width, EmbeddingOptions options = {}) : options_{options} {
        require<ValueError>(entries > 0 && width > 0, "Embedding", "expected positive counts, got ", entries, " and ", width);
        Tensor<Scalar> weight{Shape{entries, width}};
        Random random = new_random();
        init::normal(weight, random);
        weight_ = Parameter{std::move(weight)};
    }
    /// Of vectors that are known, (entries, width), which are trained on. @throws ShapeError for another rank, or no vectors
    explicit Embedding(Tensor<Scalar> weight, EmbeddingOptions options = {}) : weight_{std::move(weight)}, options_{options} {
        require<ShapeError>(weight_.shape().rank() == 2 && weight_.value().numel() > 0, "Embedding",
                            "expected vectors (entries, width), got shape ", weight_.shape());
    }

    [[nodiscard]] Variable<Scalar> operator()(const Tensor<Index>& indices) const {
        return autograd::embedding<Scalar>(weight_, indices, options_.sparse);
    }
    /// Indices that come as floating-point values, as a batch's input does. @throws ValueError unless they are whole and
    /// in [0, entries).
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& indices) const {
        const auto entries = static_cast<Scalar>(weight_.shape()[0]);
        for (const Scalar value : indices.value())  // what an Index cannot hold must not be converted to one
            require<ValueError>(value >= 0 && value < entries && value == std::floor(value), "embedding", "expected whole indices in [0, ",
                                weight_.shape()[0], "), got ", value);
        return (*this)(indices.value().template cast<Index>());
    }

    [[nodiscard]] Index entries() const noexcept { return *weight_.shape().begin(); }
    [[nodiscard]] Index width() const noexcept { return *(weight_.shape().begin() + 1); }

    void visit(Visitor<Scalar>& visitor) { visitor("weight", weight_); }

private:
    Parameter<Scalar> weight_;
    EmbeddingOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
