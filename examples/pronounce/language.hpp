// SPDX-License-Identifier: MIT
/// @file Words and pronunciations as numbers, and back: what must stay with a network to make sense of it.
#pragma once

#include "dictionary.hpp"

#include <espalier/data/dataset.hpp>
#include <espalier/data/pad_sequence.hpp>
#include <espalier/text/char_tokenizer.hpp>
#include <espalier/text/word_tokenizer.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pronounce {

using espalier::Named;
using espalier::Tensor;
namespace data = espalier::data;
namespace text = espalier::text;

/// The four that are one class a word; "pronunciation" is the fifth task.
inline const std::vector<std::string> class_tasks{"syllables", "stress", "first", "last"};
inline const std::string pronunciation = "pronunciation";
inline constexpr Index longest = 32;  ///< letters that are read of a word

/// Letters, phones, and the classes of the four tasks by name.
struct Language {
    text::CharTokenizer letters;
    text::WordTokenizer phones;
    Named<std::vector<std::string>> classes;
};

namespace detail {

[[nodiscard]] inline text::WordTokenizer phone_tokenizer(text::Vocabulary vocabulary) {
    return text::WordTokenizer{std::move(vocabulary), {.lower_case = false}};
}

}  // namespace detail

/// That of some words: every letter and phone that they have.
[[nodiscard]] inline Language learn_language(const std::vector<Entry>& entries) {
    std::vector<std::string> words, phones;
    for (const Entry& entry : entries) {
        words.push_back(entry.word);
        phones.push_back(entry.phones);
    }
    Language language{text::CharTokenizer::fit(words, {.special = {.begin = "", .end = ""}}),
                      text::WordTokenizer::fit(phones, {}, {.lower_case = false}),
                      {{"syllables", {"1", "2", "3", "4", "5", "6 or more"}}, {"stress", {"1", "2", "3", "4 or later"}}}};
    const auto& tokens = language.phones.vocabulary().tokens();
    const std::vector<std::string> said(tokens.begin() + 4, tokens.end());  // behind the special ones
    language.classes.insert("first", said);
    language.classes.insert("last", said);
    return language;
}

/// The class of an entry for one of the four tasks; nothing for a word of no vowels, no main stress, or a phone that is not known.
[[nodiscard]] inline std::optional<Index> class_of(const Language& language, const std::string& task, const Entry& entry) {
    const std::vector<std::string>& classes = language.classes.at(task);
    const auto most = static_cast<Index>(classes.size());
    if (task == "syllables" || task == "stress") {
        const Index count = task == "stress" ? entry.stress : entry.syllables;
        return count > 0 ? std::optional{std::min(count, most) - 1} : std::nullopt;
    }
    const std::string phone = task == "first" ? entry.phones.substr(0, entry.phones.find(' '))
                                              : entry.phones.substr(entry.phones.rfind(' ') + 1);
    const Index place = std::find(classes.begin(), classes.end(), phone) - classes.begin();
    return place < most ? std::optional{place} : std::nullopt;
}

/// The letters of words, in lower case. @throws espalier::ValueError for an empty word
[[nodiscard]] inline data::Sequences letters_of(const Language& language, const std::vector<std::string>& words) {
    std::vector<std::string> lower;
    for (const std::string& word : words) {
        espalier::require<espalier::ValueError>(!word.empty(), "pronounce", "expected words of at least one letter, got an empty one");
        lower.push_back(in_lower_case(word));
    }
    return language.letters.encode_batch(lower, {.max_length = longest});
}

/// Letters, phones between the tokens of beginning and end, and the classes. What a word has no class for is masked.
[[nodiscard]] inline data::Dataset<> make_set(const Language& language, const std::vector<Entry>& entries) {
    std::vector<std::string> words, phones;
    for (const Entry& entry : entries) {
        words.push_back(entry.word);
        phones.push_back(entry.phones);
    }
    espalier::losses::Targets<float> targets;
    const espalier::Shape samples{static_cast<Index>(entries.size())};
    for (const std::string& task : class_tasks) {
        Tensor<Index> labels{samples};
        auto mask = Tensor<bool>::full(samples, true);
        for (Index i = 0; i < labels.numel(); ++i) {
            const auto found = class_of(language, task, entries[static_cast<std::size_t>(i)]);
            labels[i] = found.value_or(0);
            mask[i] = found.has_value();
        }
        targets.insert(task, {std::move(labels), std::move(mask)});
    }
    return {
        data::Inputs<>{{"letters", letters_of(language, words)}, {"phones", language.phones.encode_batch(phones, {.add_special = true})}},
        std::move(targets)};
}

/// Of sequences between beginning and end: all but the last token, or all but the first, (N, L), filled up with padding, id 0. A decoder
/// reads the one and is to say the other.
[[nodiscard]] inline Tensor<Index> shifted(const data::Sequences& phones, bool first) {
    std::vector<std::vector<Index>> parts;
    for (Index i = 0; i < phones.size(); ++i)
        parts.emplace_back(phones[i].begin() + (first ? 1 : 0), phones[i].end() - (first ? 0 : 1));
    return data::pad_sequence(data::Sequences{parts}, 0);
}

[[nodiscard]] inline nlohmann::ordered_json to_json(const Language& language) {
    nlohmann::ordered_json json{{"letters", language.letters.vocabulary().to_json()}, {"phones", language.phones.vocabulary().to_json()}};
    for (const auto& [task, classes] : language.classes)
        json["classes"][task] = classes;
    return json;
}

/// @throws nlohmann::json::exception, espalier::IoError for what `to_json` did not write
[[nodiscard]] inline Language language_from_json(const nlohmann::ordered_json& json) {
    Language language{text::CharTokenizer{text::Vocabulary::from_json(json.at("letters").get<std::string>())},
                      detail::phone_tokenizer(text::Vocabulary::from_json(json.at("phones").get<std::string>())),
                      {}};
    for (const std::string& task : class_tasks)
        language.classes.insert(task, json.at("classes").at(task).get<std::vector<std::string>>());
    return language;
}

}  // namespace pronounce
