// SPDX-License-Identifier: MIT
/// @file Layers of a Transformer (Vaswani et al., 2017), with the normalisation behind each part or before it (Xiong et al., On layer
/// normalization in the Transformer architecture, ICML 2020).
#pragma once

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/swiglu.hpp>
#include <espalier/nn/children.hpp>
#include <espalier/nn/dropout.hpp>
#include <espalier/nn/multihead_attention.hpp>
#include <espalier/nn/normalization.hpp>

#include <utility>

namespace espalier::inline ESPALIER_ABI::nn {

/// Between the two linear layers of a Transformer's. With swiglu the first one has twice as many features, gates before what they let
/// through (autograd/swiglu.hpp).
enum class FeedForwardActivation { relu, gelu, swiglu };

/// Of a `TransformerEncoderLayer` or `TransformerDecoderLayer`. Designated initialisers stand in this order.
struct TransformerOptions {
    Index feed_forward = 2048;  ///< features between the two linear layers
    double dropout = 0.1;       ///< of attention's weights, between the linear layers, and of what each part adds
    FeedForwardActivation activation = FeedForwardActivation::relu;
    bool norm_first = false;    ///< whether parts read what is normalised, instead of their sums being so
    double eps = 1e-5;
    bool rotary = false;        ///< whether self-attention turns queries and keys by their places
};

namespace detail {

/// What both kinds have: two linear layers, and parts that are added to what they read.
template <class Scalar>
class TransformerParts {
public:
    TransformerParts(Index features, const TransformerOptions& options)
        : linear1_{features, (options.activation == FeedForwardActivation::swiglu ? 2 : 1) * checked(options).feed_forward},
          linear2_{options.feed_forward, features},
          options_{options},
          dropout_{options.dropout},
          dropout_of_parts_{options.dropout} {}

    /// x with what `part` makes of it.
    template <class Part>
    [[nodiscard]] Variable<Scalar> add(const Variable<Scalar>& x, const LayerNorm<Scalar>& norm, const Part& part) {
        if (options_.norm_first)
            return x + dropout_of_parts_(part(norm(x)));
        return norm(x + dropout_of_parts_(part(x)));
    }
    [[nodiscard]] Variable<Scalar> feed_forward(const Variable<Scalar>& x) { return linear2_(dropout_(activated(x))); }
    void visit(Visitor<Scalar>& visitor) {
        visitor("linear1", linear1_);
        visitor("linear2", linear2_);
        visitor("dropout", dropout_);
        visitor("dropout1", dropout_of_parts_);
    }

private:
    [[nodiscard]] static const TransformerOptions& checked(const TransformerOptions& options) {
        require<ValueError>(options.feed_forward > 0, "TransformerLayer", "expected at least one feature between linear layers, got ",
                            options.feed_forward);
        return options;
    }

    [[nodiscard]] Variable<Scalar> activated(const Variable<Scalar>& x) {
        switch (options_.activation) {
            case FeedForwardActivation::gelu: return autograd::gelu(linear1_(x));
            case FeedForwardActivation::swiglu: return autograd::swiglu(linear1_(x));
            case FeedForwardActivation::relu: break;
        }
        return linear1_.with_relu(x);
    }

    Linear<Scalar> linear1_, linear2_;
    TransformerOptions options_;
    Dropout dropout_, dropout_of_parts_;
};

}  // namespace detail

/// Attention of a sequence (N, L, features) to itself, then two linear layers at each place, each part added to what it read. Names of
/// parameters are PyTorch's: `self_attn.in_proj_weight`, `linear1.weight`, `norm1.weight`, ...
template <class Scalar = float>
class TransformerEncoderLayer : public Module<TransformerEncoderLayer<Scalar>, Scalar> {
public:
    /// @throws ValueError as a `MultiheadAttention`, and for no features between the linear layers
    TransformerEncoderLayer(Index features, Index heads, const TransformerOptions& options = {})
        : self_attn_{features, heads, {.dropout = options.dropout, .rotary = options.rotary}},
          parts_{features, options},
          norm1_{features, options.eps},
          norm2_{features, options.eps} {}

    /// @throws ShapeError; ValueError for a length out of range
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x, const AttentionMask& mask = {}) {
        const auto y = parts_.add(detail::harmless_padding(x, mask.lengths), norm1_,
                                  [&](const Variable<Scalar>& in) { return self_attn_(in, mask); });
        return parts_.add(y, norm2_, [&](const Variable<Scalar>& in) { return parts_.feed_forward(in); });
    }

    void visit(Visitor<Scalar>& visitor) {
        visitor("self_attn", self_attn_);
        parts_.visit(visitor);
        visitor("norm1", norm1_);
        visitor("norm2", norm2_);
    }

private:
    MultiheadAttention<Scalar> self_attn_;
    detail::TransformerParts<Scalar> parts_;
    LayerNorm<Scalar> norm1_, norm2_;
};

/// The same with attention to another sequence between the two, `multihead_attn.`, and a third normalisation.
template <class Scalar = float>
class TransformerDecoderLayer : public Module<TransformerDecoderLayer<Scalar>, Scalar> {
public:
    /// @throws as a `TransformerEncoderLayer`
    TransformerDecoderLayer(Index features, Index heads, const TransformerOptions& options = {})
        : self_attn_{features, heads, {.dropout = options.dropout, .rotary = options.rotary}},
          multihead_attn_{features, heads, {.dropout = options.dropout}},
          parts_{features, options},
          norm1_{features, options.eps},
          norm2_{features, options.eps},
          norm3_{features, options.eps} {}

    /// x (N, L, features) with what was found in `memory`, (N, S, features). `mask.causal` and `mask.pairs` are of x alone.
    /// @throws ShapeError; ValueError for a length out of range
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x, const Variable<Scalar>& memory,
                                              const AttentionMask& mask = {.causal = true}) {
        const auto y = parts_.add(detail::harmless_padding(x, mask.lengths), norm1_,
                                  [&](const Variable<Scalar>& in) { return self_attn_(in, mask); });
        const AttentionMask to_memory{.lengths = mask.lengths, .memory_lengths = mask.memory_lengths};
        const auto z = parts_.add(y, norm2_, [&](const Variable<Scalar>& in) { return multihead_attn_(in, memory, to_memory); });
        return parts_.add(z, norm3_, [&](const Variable<Scalar>& in) { return parts_.feed_forward(in); });
    }

    void visit(Visitor<Scalar>& visitor) {
        visitor("self_attn", self_attn_);
        visitor("multihead_attn", multihead_attn_);
        parts_.visit(visitor);
        visitor("norm1", norm1_);
        visitor("norm2", norm2_);
        visitor("norm3", norm3_);
    }

private:
    MultiheadAttention<Scalar> self_attn_, multihead_attn_;
    detail::TransformerParts<Scalar> parts_;
    LayerNorm<Scalar> norm1_, norm2_, norm3_;
};

namespace detail {

/// Layers one behind the other, `layers.<i>`, and with `.norm_first` one more normalisation behind the last, `norm`.
template <class Layer, class Scalar>
class TransformerStack {
public:
    TransformerStack(const char* name, Index features, Index heads, Index layers, const TransformerOptions& options)
        : norm_{features, options.eps}, norm_last_{options.norm_first} {
        require<ValueError>(layers > 0, name, "expected at least one layer, got ", layers);
        for (Index i = 0; i < layers; ++i)
            layers_.push_back(Layer{features, heads, options});
    }

    /// `inputs` are what every layer is given besides.
    template <class... Inputs>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x, const Inputs&... inputs) {
        const nn::detail::ForwardScope call;
        Variable<Scalar> y = x;
        for (Layer& layer : layers_)
            y = layer(y, inputs...);
        return norm_last_ ? norm_(y) : y;
    }

    void visit(Visitor<Scalar>& visitor) {
        visitor("layers", layers_);
        if (norm_last_)
            visitor("norm", norm_);
    }

private:
    Children<Layer> layers_;
    LayerNorm<Scalar> norm_;
    bool norm_last_;
};

}  // namespace detail

/// Layers one behind the other, `layers.<i>`, and with `.norm_first` one more normalisation behind the last, `norm`.
template <class Scalar = float>
class TransformerEncoder : public Module<TransformerEncoder<Scalar>, Scalar> {
public:
    /// @throws ValueError unless there is a layer; as a `TransformerEncoderLayer`
    TransformerEncoder(Index features, Index heads, Index layers, const TransformerOptions& options = {})
        : stack_{"TransformerEncoder", features, heads, layers, options} {}

    /// (N, L, features) gives (N, L, features). @throws ShapeError; ValueError for a length out of range
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x, const AttentionMask& mask = {}) { return stack_(x, mask); }

    void visit(Visitor<Scalar>& visitor) { stack_.visit(visitor); }

private:
    detail::TransformerStack<TransformerEncoderLayer<Scalar>, Scalar> stack_;
};

/// Layers of a decoder one behind the other, `layers.<i>`, all of which look at one memory, and with `.norm_first` one more normalisation
/// behind the last, `norm`.
template <class Scalar = float>
class TransformerDecoder : public Module<TransformerDecoder<Scalar>, Scalar> {
public:
    /// @throws ValueError unless there is a layer; as a `TransformerDecoderLayer`
    TransformerDecoder(Index features, Index heads, Index layers, const TransformerOptions& options = {})
        : stack_{"TransformerDecoder", features, heads, layers, options} {}

    /// x (N, L, features) and `memory` (N, S, features) give (N, L, features); `mask` as for a layer. @throws ShapeError; ValueError for a
    /// length out of range
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x, const Variable<Scalar>& memory,
                                              const AttentionMask& mask = {.causal = true}) {
        return stack_(x, detail::harmless_padding(memory, mask.memory_lengths), mask);  // once, so that gradients add up as always
    }

    void visit(Visitor<Scalar>& visitor) { stack_.visit(visitor); }

private:
    detail::TransformerStack<TransformerDecoderLayer<Scalar>, Scalar> stack_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
