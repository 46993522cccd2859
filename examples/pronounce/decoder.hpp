// SPDX-License-Identifier: MIT
/// @file What says a word phone by phone: recurrent units that look at its letters (Luong et al., Effective approaches to attention-based
/// neural machine translation, EMNLP 2015).
#pragma once

#include <espalier/autograd/attention.hpp>
#include <espalier/nn/dropout.hpp>
#include <espalier/nn/embedding.hpp>
#include <espalier/nn/gru.hpp>
#include <espalier/nn/linear.hpp>

#include <optional>
#include <utility>

namespace pronounce {

using espalier::Index;
using espalier::Tensor;
using espalier::Variable;
namespace autograd = espalier::autograd;
namespace nn = espalier::nn;

/// What is read, (N, S, width), and where each of it ends, (N,).
struct Memory {
    Variable<> states;
    Tensor<Index> lengths;
};

/// Units read the phones before and ask the memory; others read both what was asked and what was found, and say the next phone. As no
/// answer goes back into the question, all phones of a known pronunciation are learnt in one pass.
class Decoder : public nn::Module<Decoder, float> {
public:
    Decoder(Index phones, Index width, double dropout)
        : phones_{phones, width},
          before_{width, width},
          question_{width, width},
          key_{width, width},
          after_{2 * width, width},
          logits_{width, phones},
          dropout_{dropout} {}

    /// Of a stretch of L phones, (N, L, ...), and the states behind it, from which the next stretch goes on.
    struct Said {
        Variable<> logits, question, before, after;
    };
    /// @throws espalier::ShapeError; ValueError for a phone out of range
    [[nodiscard]] Said operator()(const Tensor<Index>& phones, const Memory& memory, const std::optional<Said>& last = {}) {
        const auto state = [&](auto Said::*part) { return last ? std::optional{(*last).*part} : std::nullopt; };
        const auto before = before_.run(dropout_(phones_(phones)), {}, state(&Said::before));
        const auto question = question_(before.output);
        const auto found = autograd::scaled_dot_product_attention(question, key_(memory.states), memory.states,
                                                                  {.key_lengths = memory.lengths});
        const auto after = after_.run(dropout_(autograd::cat({before.output, found}, 2)), {}, state(&Said::after));
        return {logits_(dropout_(after.output)), question, before.hidden, after.hidden};
    }

    /// How much each question looks at each place of the memory, (N, L, S): what it finds where place s holds the s-th unit vector.
    [[nodiscard]] Tensor<float> looks(const Variable<>& question, const Memory& memory) {
        const Index samples = memory.states.size(0), places = memory.states.size(1);
        Tensor<float> units{{samples, places, places}};
        for (Index i = 0; i < samples * places; ++i)
            units[i * places + i % places] = 1;
        return autograd::scaled_dot_product_attention(question, key_(memory.states), Variable<>{std::move(units)},
                                                      {.key_lengths = memory.lengths})
            .value();
    }

    void visit(nn::Visitor<float>& visitor) {
        visitor("phones", phones_);
        visitor("before", before_);
        visitor("question", question_);
        visitor("key", key_);
        visitor("after", after_);
        visitor("logits", logits_);
        visitor("dropout", dropout_);
    }

private:
    nn::Embedding<> phones_;
    nn::GRU<> before_;
    nn::Linear<> question_, key_;
    nn::GRU<> after_;
    nn::Linear<> logits_;
    nn::Dropout dropout_;
};

}  // namespace pronounce
