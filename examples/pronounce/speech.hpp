// SPDX-License-Identifier: MIT
/// @file What a network says of words, and the file that holds it with all that makes sense of its numbers.
#pragma once

#include "network.hpp"

#include <espalier/io/model.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace pronounce {

namespace io = espalier::io;

/// The answers for N words.
struct Speech {
    Named<Tensor<Index>> classes;  ///< (N,) of each task
    data::Sequences phones;
};

namespace detail {

/// The likeliest of each row of (..., C).
[[nodiscard]] inline Tensor<Index> likeliest(const Tensor<float>& scores) {
    const Index classes = scores.size(-1), rows = classes ? scores.numel() / classes : 0;
    Tensor<Index> result{{rows}};
    for (Index i = 0; i < rows; ++i) {
        const float* const row = scores.data() + i * classes;
        result[i] = std::max_element(row, row + classes) - row;
    }
    return result;
}

/// The likeliest phone, the likeliest one after it, and so on, until all words have ended.
[[nodiscard]] inline std::vector<std::vector<Index>> decode(Decoder& decoder, const Memory& memory, const text::Vocabulary& phones) {
    constexpr int most = 48;
    const auto words = static_cast<std::size_t>(memory.lengths.numel());
    std::vector<std::vector<Index>> said(words);
    std::vector<bool> ended(words, false);
    Tensor<Index> next = Tensor<Index>::full({memory.lengths.numel(), 1}, *phones.begin_id());
    std::optional<Decoder::Said> last;
    for (int step = 0; step < most && std::find(ended.begin(), ended.end(), false) != ended.end(); ++step) {
        last = decoder(next, memory, last);
        const Tensor<Index> best = likeliest(last->logits.value());
        for (std::size_t i = 0; i < words; ++i) {
            const Index phone = best[static_cast<Index>(i)];
            ended[i] = ended[i] || phone == phones.end_id();
            if (!ended[i])
                said[i].push_back(phone);
            next[static_cast<Index>(i)] = phone;
        }
    }
    return said;
}

}  // namespace detail

/// What the net says of words, some at a time.
[[nodiscard]] inline Speech say(Pronouncer& net, const Recipe& recipe, const data::Sequences& words) {
    constexpr Index at_once = 256;
    const espalier::NoGrad no_graph;
    const nn::EvalScope evaluation;
    Speech speech;
    for (const std::string& task : class_tasks)
        if (recipe.has(task))
            speech.classes.insert(task, Tensor<Index>{{words.size()}});
    std::vector<std::vector<Index>> phones;
    for (Index first = 0; first < words.size(); first += at_once) {
        const Memory memory = net.read(words.slice(first, std::min(first + at_once, words.size())));
        for (const auto& [task, output] : net.classify(memory)) {
            const auto best = detail::likeliest(output.value());
            std::copy(best.begin(), best.end(), speech.classes.at(task).data() + first);
        }
        if (recipe.has(pronunciation))
            for (auto& said : detail::decode(net.decoder(), memory, recipe.language.phones.vocabulary()))
                phones.push_back(std::move(said));
    }
    speech.phones = data::Sequences{phones};
    return speech;
}

/// Weights, and in the metadata the recipe: net, tasks, letters, phones and classes.
inline void save(const Pronouncer& net, const Recipe& recipe, const std::filesystem::path& path) {
    const nlohmann::ordered_json json{
        {"net", recipe.net}, {"width", recipe.width}, {"tasks", recipe.tasks}, {"language", to_json(recipe.language)}};
    io::save(net, path, {.metadata = {{"pronounce", json.dump()}}});
}

/// @throws espalier::IoError for a file of another program
[[nodiscard]] inline Recipe load_recipe(const std::filesystem::path& path) {
    const auto metadata = io::load_safetensors(path).metadata();
    const auto found = metadata.find("pronounce");
    espalier::require<espalier::IoError>(found != metadata.end(), "pronounce", "expected weights that this program wrote, got ", path);
    try {
        const auto json = nlohmann::ordered_json::parse(found->second);
        return {json.at("net"), json.at("width"), json.at("tasks"), language_from_json(json.at("language"))};
    } catch (const nlohmann::json::exception& error) {
        espalier::fail<espalier::IoError>("pronounce", "expected a recipe in the metadata of ", path, ", got: ", error.what());
    }
}

}  // namespace pronounce
