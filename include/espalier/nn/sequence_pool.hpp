// SPDX-License-Identifier: MIT
/// @file From sequences (N, L, C) of different lengths to one row each, (N, C).
#pragma once

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/attention.hpp>
#include <espalier/autograd/conv1d.hpp>
#include <espalier/autograd/embedding.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/autograd/sequence_pooling.hpp>
#include <espalier/nn/init.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/module.hpp>

#include <cmath>
#include <optional>
#include <utility>

namespace espalier::inline ESPALIER_ABI::nn {

/// What a `SequencePool` takes of a sequence: its mean, its largest values, or its last step.
enum class SequencePooling { mean, max, last };

/// One row of each sequence, of any scalar: (N, L, C) gives (N, C). With lengths, (N,) of 0 to L, nothing behind an end is read; a sequence
/// of length 0 gives 0. @throws ShapeError, ValueError
struct SequencePool {
    SequencePooling pooling = SequencePooling::mean;

    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return pooled(x, {});
    }
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x, const Tensor<Index>& lengths) const {
        return pooled(x, lengths);
    }

private:
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> pooled(const Variable<Scalar>& x, const std::optional<Tensor<Index>>& lengths) const {
        switch (pooling) {
            case SequencePooling::max: return autograd::sequence_max(x, lengths);
            case SequencePooling::last: return autograd::sequence_last(x, lengths);
            case SequencePooling::mean: break;
        }
        return autograd::sequence_mean(x, lengths);
    }
};

/// The mean of the steps of a sequence with weights that are learned: softmax over its steps of query . tanh(proj(x)). Yang et al.,
/// "Hierarchical attention networks for document classification", NAACL 2016. Parameters `proj.weight` (hidden, features), `proj.bias` and
/// `query` (hidden,), uniform within 1 / sqrt(hidden) at first.
template <class Scalar = float>
class AttentionPool : public Module<AttentionPool<Scalar>, Scalar> {
public:
    /// @throws ValueError unless there are features and hidden units
    AttentionPool(Index features, Index hidden) : features_{features}, hidden_{hidden}, proj_{checked(features, hidden), hidden} {
        Tensor<Scalar> query{Shape{hidden}};
        Random random = new_random();
        const double bound = 1 / std::sqrt(static_cast<double>(hidden));
        init::uniform(query, random, -bound, bound);
        query_ = Parameter{std::move(query)};
    }

    /// (N, L, features) gives (N, features). @throws ShapeError
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) { return pooled(x, {}); }
    /// Of sequences with these lengths, (N,) of 0 to L: nothing behind an end is read, and an empty one gives 0. @throws ShapeError,
    /// ValueError
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x, const Tensor<Index>& lengths) { return pooled(x, lengths); }

    void visit(Visitor<Scalar>& visitor) {
        visitor("proj", proj_);
        visitor("query", query_);
    }

private:
    [[nodiscard]] static Index checked(Index features, Index hidden) {
        require<ValueError>(features > 0 && hidden > 0, "AttentionPool", "expected positive features and hidden units, got ", features,
                            " and ", hidden);
        return features;
    }
    [[nodiscard]] Variable<Scalar> pooled(const Variable<Scalar>& x, const std::optional<Tensor<Index>>& lengths) {
        require<ShapeError>(x.rank() == 3 && x.size(2) == features_, "AttentionPool", "expected sequences (N, L, ", features_, "), got ",
                            x.shape());
        if (x.size(1) == 0)
            return autograd::sequence_mean(x);
        // As a convolution of one tap, which takes each sequence for itself and does not read what pads it.
        const auto weight = autograd::reshape(proj_.weight().variable(), {hidden_, 1, features_});
        const auto keys = autograd::tanh(autograd::conv1d<Scalar>(x, weight, proj_.bias().variable(), {}, lengths));
        const auto query = autograd::embedding(autograd::reshape(query_.variable(), {1, hidden_}), Tensor<Index>{Shape{x.size(0), 1}});
        const auto y = autograd::scaled_dot_product_attention(query, keys, x, {.scale = 1, .key_lengths = lengths});
        return autograd::reshape(y, {x.size(0), features_});
    }

    Index features_, hidden_;
    Linear<Scalar> proj_;
    Parameter<Scalar> query_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
