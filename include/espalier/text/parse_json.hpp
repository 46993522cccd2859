// SPDX-License-Identifier: MIT
/// @file JSON of vocabularies and tokenizers, checked as it is read. `text/vocabulary.hpp` and its like are what programs include.
#pragma once

#include <espalier/core/error.hpp>

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace espalier::inline ESPALIER_ABI::text::detail {

using Json = nlohmann::json;

/// The tree keeps only the last of two equal keys, so that one token with two ids would not be seen: they are looked for as it grows. Nor
/// does it grow deeper than such files are. @throws IoError naming the byte, or the key and the field it stands in
[[nodiscard]] inline Json parse_json(const char* operation, std::string_view text) {
    constexpr int deepest = 64;
    require<IoError>(text.find('\0') == std::string_view::npos, operation, "expected JSON in UTF-8, got a zero byte");
    std::vector<std::unordered_set<std::string>> keys;  // of the objects around
    std::vector<std::string> path;                      // the last key of each
    const auto check = [&](int depth, Json::parse_event_t event, Json& value) {
        require<IoError>(depth <= deepest, operation, "expected JSON of at most ", deepest, " levels, got more");
        if (event == Json::parse_event_t::object_start) {
            keys.emplace_back();
            path.emplace_back();
        } else if (event == Json::parse_event_t::object_end) {
            keys.pop_back();
            path.pop_back();
        } else if (event == Json::parse_event_t::key) {
            path.back() = value.get_ref<const std::string&>();
            if (!keys.back().insert(path.back()).second) {
                std::string field;
                for (std::size_t i = 0; i + 1 < path.size(); ++i)
                    field += (i ? "." : "") + path[i];
                fail<IoError>(operation, "expected each key of ", field.empty() ? "the file" : field, " once, got '", path.back(),
                              "' twice");
            }
        }
        return true;
    };
    try {
        return Json::parse(text.begin(), text.end(), check);
    } catch (const Json::parse_error& error) {
        fail<IoError>(operation, "expected JSON in UTF-8, got an error at byte ", error.byte);
    } catch (const Json::exception&) {  // a number that no double holds
        fail<IoError>(operation, "expected JSON of numbers of 64 bits, got a larger one");
    }
}

}  // namespace espalier::inline ESPALIER_ABI::text::detail
