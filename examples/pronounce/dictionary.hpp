// SPDX-License-Identifier: MIT
/// @file A pronouncing dictionary in the format of CMUdict: a word a line, its phones behind it.
#pragma once

#include "../hash.hpp"

#include <espalier/core/error.hpp>
#include <espalier/io/gzip.hpp>
#include <espalier/text/unicode.hpp>
#include <espalier/text/utf8.hpp>

#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace pronounce {

using espalier::Index;

/// A word and how it is said.
struct Entry {
    std::string word;
    std::string phones;   ///< with blanks between them, without stress: "R IY D"
    Index syllables = 0;  ///< vowels, which alone have a stress
    Index stress = 0;     ///< of these the first with the main stress, from 1; 0 if there is none
};

/// A word as the network has it, whoever writes it: in lower case, and what is not UTF-8 replaced.
[[nodiscard]] inline std::string in_lower_case(std::string_view word) {
    namespace text = espalier::text;
    return text::encode_utf8(text::lower_case(text::decode_utf8(word, text::InvalidUtf8::replace)));
}

/// Words are in lower case: some editions of CMUdict are in capitals. Those with several pronunciations come once, with the first.
/// @throws espalier::IoError naming the line for a word without phones, and for a file without words
[[nodiscard]] inline std::vector<Entry> load_dictionary(const std::filesystem::path& path) {
    std::string bytes = espalier::io::read_bytes(path);
    if (bytes.starts_with("\xEF\xBB\xBF"))  // the mark by which some editors say that it is UTF-8
        bytes.erase(0, 3);
    std::istringstream lines{bytes};
    std::unordered_set<std::string> seen;
    std::vector<Entry> entries;
    Index number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        if (line.starts_with(";;;"))
            continue;
        std::istringstream parts{line.substr(0, line.find('#'))};  // a remark
        Entry entry;
        if (!(parts >> entry.word) || entry.word.find('(') != std::string::npos)  // "read(2)", another way to say it
            continue;
        entry.word = in_lower_case(entry.word);
        for (std::string phone; parts >> phone;) {
            if (const char stress = phone.back(); stress >= '0' && stress <= '9') {
                phone.pop_back();
                ++entry.syllables;
                if (stress == '1' && entry.stress == 0)
                    entry.stress = entry.syllables;
            }
            entry.phones += (entry.phones.empty() ? "" : " ") + phone;
        }
        espalier::require<espalier::IoError>(!entry.phones.empty(), "pronounce", "expected the phones of a word in line ", number, " of ",
                                             path, ", got '", entry.word, "' alone");
        if (seen.insert(entry.word).second)
            entries.push_back(std::move(entry));
    }
    espalier::require<espalier::IoError>(!entries.empty(), "pronounce", "expected words and their phones in ", path, ", got none");
    return entries;
}

/// One word of ten, by its letters alone: it is held out from every dictionary that has it.
[[nodiscard]] inline bool is_held_out(std::string_view word) { return examples::hash(word) % 10 == 0; }

}  // namespace pronounce
