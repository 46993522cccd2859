// SPDX-License-Identifier: MIT
/// @file What reads the letters of a word: recurrent units, a Transformer, or convolutions.
#pragma once

#include "decoder.hpp"
#include "language.hpp"

#include <espalier/autograd/activation.hpp>
#include <espalier/data/pad_sequence.hpp>
#include <espalier/nn/children.hpp>
#include <espalier/nn/conv1d.hpp>
#include <espalier/nn/gru.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/transformer.hpp>

#include <cstddef>
#include <numeric>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace pronounce {

inline const std::vector<std::string> nets{"conv", "gru", "transformer"};
inline constexpr double dropout = 0.2;

/// Adds to each letter what a convolution makes of it and its neighbours, some times over. Zeros stand at the ends of each word, its own,
/// by which a letter knows how far they are; what lies behind one is never read.
class Convolutions : public nn::Module<Convolutions, float> {
public:
    explicit Convolutions(Index width) : norm_{width}, dropout_{dropout} {
        constexpr Index blocks = 3, kernel = 5;
        for (Index i = 0; i < blocks; ++i) {
            norms_.push_back(nn::LayerNorm<>{width});
            convolutions_.push_back(nn::Conv1d<>{width, width, kernel, {.padding = kernel / 2}});
        }
    }

    [[nodiscard]] Variable<> operator()(Variable<> x, const Tensor<Index>& lengths) {
        for (std::size_t i = 0; i < norms_.size(); ++i)
            x = x + dropout_(autograd::relu(convolutions_[i](norms_[i](x), lengths)));
        return norm_(x);
    }

    void visit(nn::Visitor<float>& visitor) {
        visitor("norms", norms_);
        visitor("convolutions", convolutions_);
        visitor("norm", norm_);
        visitor("dropout", dropout_);
    }

private:
    nn::Children<nn::LayerNorm<>> norms_;
    nn::Children<nn::Conv1d<>> convolutions_;
    nn::LayerNorm<> norm_;
    nn::Dropout dropout_;
};

/// Letters as vectors, and what the net makes of each in its word.
class Reader : public nn::Module<Reader, float> {
public:
    Reader(const std::string& net, Index letters, Index width)
        : letters_{letters, width}, places_{longest, width}, layers_{make(net, width)}, dropout_{dropout} {}

    [[nodiscard]] Memory operator()(const data::Sequences& words) {
        const Tensor<Index> letters = data::pad_sequence(words);
        const Tensor<Index>& lengths = words.lengths();
        auto x = letters_(letters);
        if (auto* const transformer = std::get_if<nn::TransformerEncoder<>>(&layers_)) {
            Tensor<Index> places{{letters.size(1)}};
            std::iota(places.begin(), places.end(), Index{0});
            return {(*transformer)(dropout_(x + places_(places)), {.lengths = lengths}), lengths};
        }
        if (auto* const convolutions = std::get_if<Convolutions>(&layers_))
            return {(*convolutions)(dropout_(x), lengths), lengths};
        return {std::get<nn::GRU<>>(layers_)(dropout_(x), lengths), lengths};
    }

    void visit(nn::Visitor<float>& visitor) {
        visitor("letters", letters_);
        if (std::holds_alternative<nn::TransformerEncoder<>>(layers_))  // the others know the places without being told
            visitor("places", places_);
        std::visit([&](auto& layers) { visitor("layers", layers); }, layers_);
        visitor("dropout", dropout_);
    }

private:
    using Layers = std::variant<nn::GRU<>, nn::TransformerEncoder<>, Convolutions>;

    [[nodiscard]] static Layers make(const std::string& net, Index width) {
        if (net == "conv")
            return Convolutions{width};
        if (net == "gru")
            return nn::GRU<>{width, width / 2, {.num_layers = 2, .bidirectional = true, .dropout = dropout}};
        espalier::require<espalier::ValueError>(net == "transformer", "pronounce", "expected a network of --net, got '", net, "'");
        return nn::TransformerEncoder<>{width, 4, 3, {.feed_forward = 2 * width, .dropout = dropout / 2, .norm_first = true}};
    }

    nn::Embedding<> letters_, places_;
    Layers layers_;
    nn::Dropout dropout_;
};

}  // namespace pronounce
