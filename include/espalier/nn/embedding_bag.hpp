// SPDX-License-Identifier: MIT
/// @file A trainable table of vectors, of which a sample takes the mean or the sum of several.
#pragma once

#include <espalier/autograd/segment.hpp>
#include <espalier/data/sequences.hpp>
#include <espalier/nn/embedding.hpp>

#include <utility>

namespace espalier::inline ESPALIER_ABI::nn {

/// What a bag is made of the vectors of its elements.
enum class BagMode { mean, sum };

/// Of an `EmbeddingBag`.
struct EmbeddingBagOptions {
    BagMode mode = BagMode::mean;
    bool sparse = false;  ///< as an `Embedding`'s
};

/// The mean, or the sum, of the rows of a (entries, width) table that a sequence of indices, of any length, lists; 0 for an empty one.
/// The table is standard normal at first. N sequences give (N, width), and so do indices (N, L), as N of one length.
template <class Scalar = float>
class EmbeddingBag : public Module<EmbeddingBag<Scalar>, Scalar> {
public:
    /// @throws ValueError unless both counts are positive.
    EmbeddingBag(Index entries, Index width, EmbeddingBagOptions options = {})
        : embedding_{entries, width, {options.sparse}}, mode_{options.mode} {}
    /// Of vectors that are known, (entries, width), which are trained on. @throws ShapeError for another rank, or no vectors
    explicit EmbeddingBag(Tensor<Scalar> weight, EmbeddingBagOptions options = {})
        : embedding_{std::move(weight), {options.sparse}}, mode_{options.mode} {}

    /// @throws ValueError for an index that is not in [0, entries)
    [[nodiscard]] Variable<Scalar> operator()(const data::Sequences& bags) const { return bag(bags.elements(), bags.lengths()); }
    /// @throws as above; ShapeError unless indices are (N, L)
    [[nodiscard]] Variable<Scalar> operator()(const Tensor<Index>& indices) const {
        require<ShapeError>(indices.rank() == 2, "embedding_bag", "expected indices (N, L) or sequences, got indices ", indices.shape());
        return bag(indices.reshape({indices.numel()}), Tensor<Index>::full({indices.size(0)}, indices.size(1)));
    }

    [[nodiscard]] Index entries() const noexcept { return embedding_.entries(); }
    [[nodiscard]] Index width() const noexcept { return embedding_.width(); }

    void visit(Visitor<Scalar>& visitor) { embedding_.visit(visitor); }

private:
    [[nodiscard]] Variable<Scalar> bag(const Tensor<Index>& elements, const Tensor<Index>& lengths) const {
        const auto vectors = embedding_(elements);
        return mode_ == BagMode::mean ? autograd::segment_mean(vectors, lengths) : autograd::segment_sum(vectors, lengths);
    }

    Embedding<Scalar> embedding_;
    BagMode mode_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
