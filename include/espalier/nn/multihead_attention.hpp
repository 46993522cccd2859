// SPDX-License-Identifier: MIT
/// @file Multi-head attention (Vaswani et al., Attention is all you need, NeurIPS 2017).
#pragma once

#include <espalier/autograd/attention.hpp>
#include <espalier/autograd/matmul.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/autograd/rotary_embedding.hpp>
#include <espalier/autograd/sequence_pooling.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/nn/init.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/module.hpp>
#include <espalier/nn/undo.hpp>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace espalier::inline ESPALIER_ABI::nn {

/// Who may look at whom.
struct AttentionMask {
    bool causal = false;                                ///< place i sees the places up to i
    std::optional<Tensor<Index>> lengths = {};          ///< (N,): of the sequences that look, and of themselves that are looked at
    std::optional<Tensor<Index>> memory_lengths = {};   ///< (N,): of others that are looked at
    std::optional<Tensor<bool>> pairs = {};             ///< (L, S) or (N, L, S): whether place i sees place j
};

/// Of a `MultiheadAttention`.
struct MultiheadAttentionOptions {
    double dropout = 0;  ///< of weights
    bool bias = true;
    /// Whether queries and keys of a sequence that looks at itself are turned by their places (autograd/rotary_embedding.hpp); they are not
    /// where it looks at another.
    bool rotary = false;
};

namespace detail {

/// What stands behind the ends of sequences gets a gradient of 0. Times NaN, or times what overflows on the way, that is no 0 to the
/// weights that read it: where there is such a thing, x with zeros behind the ends. @throws as `mask_padding`
template <class Scalar>
[[nodiscard]] Variable<Scalar> harmless_padding(const Variable<Scalar>& x, const std::optional<Tensor<Index>>& lengths) {
    constexpr auto most = static_cast<Scalar>(1e15);
    if (!lengths || x.rank() != 3 || lengths->shape() != Shape{x.size(0)})
        return x;  // what is wrong is said further on
    const Index longest = x.size(1), width = x.size(2);
    for (Index n = 0; n < x.size(0); ++n) {
        const Scalar* const sample = x.value().data() + n * longest * width;
        if (!std::all_of(sample + std::clamp<Index>((*lengths)[n], 0, longest) * width, sample + longest * width,
                         [](Scalar value) { return is_finite(value) && std::abs(value) <= most; }))
            return autograd::mask_padding(x, *lengths);
    }
    return x;
}

}  // namespace detail

/// Each place of a sequence (N, L, features) becomes a mixture of what `heads` heads find at the places of the same sequence, or of another
/// one. Names and first values of parameters are PyTorch's, of batches first: `in_proj_weight` (3 features, features), `in_proj_bias`,
/// `out_proj.weight` and `out_proj.bias`.
template <class Scalar = float>
class MultiheadAttention : public Module<MultiheadAttention<Scalar>, Scalar> {
public:
    /// @throws ValueError unless the heads divide the features, of which there is one, and the dropout is in [0, 1); for a rotary one with
    /// heads of an odd width
    MultiheadAttention(Index features, Index heads, MultiheadAttentionOptions options = {})
        : features_{checked(features, heads, options)},
          heads_{heads},
          options_{options},
          out_proj_{features, features, {options.bias}},
          random_{new_random()} {
        Tensor<Scalar> weight{Shape{3 * features, features}};
        Random random = new_random();
        init::xavier_uniform(weight, random);
        weight_ = Parameter{std::move(weight)};
        bias_ = Parameter{Tensor<Scalar>{Shape{3 * features}}};
        out_proj_.bias().mutable_value().fill(0);
    }

    /// A sequence that looks at itself. What is behind its length is not looked at. @throws ShapeError; ValueError for a length out of
    /// range
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x, const AttentionMask& mask = {}) {
        require_sequences(x);
        auto options = options_for(mask);
        options.query_lengths = options.key_lengths = mask.lengths;
        auto qkv = part(detail::harmless_padding(x, mask.lengths), 0, 3);
        if (options_.rotary)
            qkv = autograd::rotary_embedding(qkv, {.heads = 2 * heads_, .rest = features_});
        return out_proj_(autograd::self_attention(qkv, options, random_for(options)));
    }
    /// One that looks at another, (N, S, features): at what came out of an encoder. @throws as above
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x, const Variable<Scalar>& memory, const AttentionMask& mask = {}) {
        require_sequences(x);
        require_sequences(memory);
        auto options = options_for(mask);
        options.query_lengths = mask.lengths;
        options.key_lengths = mask.memory_lengths;
        const auto asking = detail::harmless_padding(x, mask.lengths), asked = detail::harmless_padding(memory, mask.memory_lengths);
        return out_proj_(autograd::scaled_dot_product_attention(part(asking, 0, 1), part(asked, 1, 1), part(asked, 2, 1), options,
                                                                random_for(options)));
    }

    void visit(Visitor<Scalar>& visitor) {
        visitor.mode(mode_);
        visitor("in_proj_weight", weight_);
        if (options_.bias)
            visitor("in_proj_bias", bias_);
        visitor("out_proj", out_proj_);
    }

private:
    [[nodiscard]] static Index checked(Index features, Index heads, const MultiheadAttentionOptions& options) {
        require<ValueError>(features > 0 && heads > 0 && features % heads == 0, "MultiheadAttention",
                            "expected heads that divide at least one feature, got ", heads, " and ", features);
        require<ValueError>(is_finite(options.dropout) && options.dropout >= 0 && options.dropout < 1, "MultiheadAttention",
                            "expected a dropout in [0, 1), got ", options.dropout);
        require<ValueError>(!options.rotary || features / heads % 2 == 0, "MultiheadAttention",
                            "expected heads of an even width for a rotary one, got ", features / heads);
        return features;
    }
    void require_sequences(const Variable<Scalar>& x) const {
        require<ShapeError>(x.rank() == 3 && x.size(2) == features_, "MultiheadAttention", "expected sequences (N, L, ", features_,
                            "), got ", x.shape());
    }

    /// What the first projection makes of x: `count` of queries, keys and values from number `first` on, side by side.
    [[nodiscard]] Variable<Scalar> part(const Variable<Scalar>& x, Index first, Index count) const {
        const auto of = [&](const Parameter<Scalar>& whole) {
            return count == 3 ? whole.variable() : autograd::narrow(whole.variable(), 0, first * features_, count * features_);
        };
        return options_.bias ? autograd::linear(x, of(weight_), of(bias_)) : autograd::linear(x, of(weight_));
    }

    [[nodiscard]] autograd::AttentionOptions options_for(const AttentionMask& mask) const {
        return {.heads = heads_, .causal = mask.causal, .dropout = mode_.training() ? options_.dropout : 0, .mask = mask.pairs};
    }
    [[nodiscard]] Random* random_for(const autograd::AttentionOptions& options) {
        if (options.dropout > 0)
            undo_on_error([this, before = random_] { random_ = before; });
        return &random_;
    }

    Index features_, heads_;
    MultiheadAttentionOptions options_;
    Parameter<Scalar> weight_, bias_;
    Linear<Scalar> out_proj_;
    Random random_;
    Mode mode_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
