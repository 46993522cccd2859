// SPDX-License-Identifier: MIT
/// @file JSON of vocabularies and tokenizers, checked as it is read. `text/vocabulary.hpp` and its like are what programs include.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/io/json_tree.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace espalier::inline ESPALIER_ABI::text::detail {

using Json = nlohmann::json;

/// A key that comes twice in an object is refused: of one token with two ids nobody would know which is meant. So is what is deeper than
/// such files are. @throws IoError naming the byte, or the key and the field it stands in
[[nodiscard]] inline Json parse_json(const char* operation, std::string_view text) {
    using Kind = io::detail::JsonProblem::Kind;
    constexpr std::size_t deepest = 64;
    require<IoError>(text.find('\0') == std::string_view::npos, operation, "expected JSON in UTF-8, got a zero byte");
    try {
        return io::detail::json_tree(text, {.deepest = deepest});
    } catch (const io::detail::JsonProblem& problem) {
        std::string field;
        for (const std::string& key : problem.path)
            field += (field.empty() ? "" : ".") + key;
        switch (problem.kind) {
            case Kind::too_deep: fail<IoError>(operation, "expected JSON of at most ", deepest, " levels, got more");
            case Kind::twice:
                fail<IoError>(operation, "expected each key of ", field.empty() ? "the file" : field, " once, got '", problem.key,
                              "' twice");
            case Kind::too_large_a_number: fail<IoError>(operation, "expected JSON of numbers of 64 bits, got a larger one");
            case Kind::malformed: break;
        }
        fail<IoError>(operation, "expected JSON in UTF-8, got an error at byte ", problem.byte);
    }
}

}  // namespace espalier::inline ESPALIER_ABI::text::detail
