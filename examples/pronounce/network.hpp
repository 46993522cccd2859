// SPDX-License-Identifier: MIT
/// @file The network: one reader of letters, a head for each task that is a class, and a decoder for the pronunciation.
#pragma once

#include "decoder.hpp"
#include "language.hpp"
#include "reader.hpp"

#include <espalier/mtl/outputs.hpp>
#include <espalier/nn/multihead_attention.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace pronounce {

/// What a network is made of, beside its weights.
struct Recipe {
    std::string net;
    Index width = 128;
    std::vector<std::string> tasks;  ///< in this order
    Language language;

    [[nodiscard]] bool has(const std::string& task) const { return std::find(tasks.begin(), tasks.end(), task) != tasks.end(); }
};

/// Words in, `data::Sequences` "letters", and an output for each task by name: (N, classes), or (N, L, phones) of a pronunciation whose
/// phones before each are the input "phones". It is no `mtl::MultiTaskNet`, as one of its heads reads more than features; a criterion
/// takes the outputs of any net.
class Pronouncer : public nn::Module<Pronouncer, float> {
public:
    explicit Pronouncer(const Recipe& recipe)
        : reader_{recipe.net, recipe.language.letters.vocabulary().size(), recipe.width},
          questions_{static_cast<Index>(std::max<std::size_t>(recipe.tasks.size(), 1)), recipe.width},
          attention_{recipe.width, 4},
          decoder_{recipe.language.phones.vocabulary().size(), recipe.width, dropout},
          says_{recipe.has(pronunciation)} {
        for (const std::string& task : class_tasks)
            if (recipe.has(task))
                heads_.insert(task, nn::Linear{recipe.width, static_cast<Index>(recipe.language.classes.at(task).size())});
    }

    /// @throws espalier::StateError for an input that is not there
    [[nodiscard]] espalier::mtl::Outputs<float> operator()(const data::Inputs<>& inputs) {
        const Memory memory = read(data::sequences_of(inputs, "letters"));
        auto outputs = classify(memory);
        if (says_)
            outputs.insert(pronunciation, decoder_(shifted(data::sequences_of(inputs, "phones"), false), memory).logits);
        return outputs;
    }

    [[nodiscard]] Memory read(const data::Sequences& words) { return reader_(words); }
    /// The outputs of all heads. Each asks the letters a question of its own, which is learnt.
    [[nodiscard]] espalier::mtl::Outputs<float> classify(const Memory& memory) {
        espalier::mtl::Outputs<float> outputs;
        if (heads_.empty())
            return outputs;
        const Index samples = memory.states.size(0), tasks = static_cast<Index>(heads_.size()), width = memory.states.size(2);
        Tensor<Index> asked{{samples, tasks}};
        for (Index i = 0; i < asked.numel(); ++i)
            asked[i] = i % tasks;
        const auto answers = attention_(questions_(asked), memory.states, {.memory_lengths = memory.lengths});
        for (auto& [task, head] : heads_) {
            const auto place = static_cast<Index>(outputs.size());
            outputs.insert(task, head(autograd::reshape(autograd::narrow(answers, 1, place, 1), {samples, width})));
        }
        return outputs;
    }
    [[nodiscard]] Decoder& decoder() & noexcept { return decoder_; }

    void visit(nn::Visitor<float>& visitor) {
        visitor("reader", reader_);
        if (!heads_.empty()) {
            visitor("questions", questions_);
            visitor("attention", attention_);
        }
        for (auto& [task, head] : heads_)
            visitor("heads." + task, head);
        if (says_)
            visitor("decoder", decoder_);
    }

private:
    Reader reader_;
    nn::Embedding<> questions_;
    nn::MultiheadAttention<> attention_;
    Named<nn::Linear<>> heads_;
    Decoder decoder_;
    bool says_;
};

}  // namespace pronounce
