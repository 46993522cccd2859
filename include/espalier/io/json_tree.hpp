// SPDX-License-Identifier: MIT
/// @file JSON as a tree, checked as it grows. `io/safetensors.hpp`, `text/vocabulary.hpp` and their like are what programs include.
///
/// The JSON library's own parser with a callback looks through a whole list or object for what the callback left out, each time that an
/// object in it ends: a list of a million objects would take hours.
#pragma once

#include <espalier/core/error.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io::detail {

/// What a tree may be. Designated initialisers stand in this order.
struct JsonRules {
    std::size_t deepest = std::numeric_limits<std::size_t>::max();  ///< levels of lists and objects around a value
    bool keys_once = true;  ///< whether a key that comes twice in an object is a problem; else the last of them counts
    std::string_view left_out = {};  ///< values of this key are read past, wherever they are
};

/// What is wrong with a text, thrown by `json_tree` to whom it is for: readers tell it in their own words.
struct JsonProblem {
    enum class Kind { malformed, too_large_a_number, too_deep, twice };
    Kind kind;
    std::size_t byte = 0;                ///< of what is malformed
    std::string key = {};                ///< that comes twice
    std::vector<std::string> path = {};  ///< the keys that lead there
};

/// Grows a tree from the events of the JSON library's parser, in time that grows with their number alone.
class JsonTree final : public nlohmann::json_sax<nlohmann::json> {
public:
    using Json = nlohmann::json;

    explicit JsonTree(const JsonRules& rules) : rules_{rules} {}

    [[nodiscard]] Json take() { return std::move(root_); }

    bool null() override { return scalar(nullptr); }
    bool boolean(bool value) override { return scalar(value); }
    bool number_integer(number_integer_t value) override { return scalar(value); }
    bool number_unsigned(number_unsigned_t value) override { return scalar(value); }
    bool number_float(number_float_t value, const string_t&) override { return scalar(value); }
    bool string(string_t& value) override { return scalar(std::move(value)); }
    bool binary(binary_t&) override { return true; }  // text has none
    bool start_object(std::size_t) override { return begin(Json::object()); }
    bool end_object() override { return end(); }
    bool start_array(std::size_t) override { return begin(Json::array()); }
    bool end_array() override { return end(); }
    bool key(string_t& value) override {
        if (skipping_)
            return true;
        check_depth();
        if (!rules_.left_out.empty() && value == rules_.left_out) {
            skipping_ = true;
            return true;
        }
        const auto [place, is_new] = open_.back().node->get_ref<Json::object_t&>().try_emplace(value, nullptr);
        if (!is_new && rules_.keys_once)
            throw JsonProblem{.kind = JsonProblem::Kind::twice, .key = value, .path = path(open_.size() - 1)};
        open_.back().key = std::move(value);
        slot_ = &place->second;
        return true;
    }
    bool parse_error(std::size_t byte, const std::string&, const Json::exception& error) override {
        const bool overflow = error.id == 406;  // a number that no double holds
        throw JsonProblem{.kind = overflow ? JsonProblem::Kind::too_large_a_number : JsonProblem::Kind::malformed, .byte = byte};
    }

private:
    struct Open {
        Json* node;
        std::string key = {};  ///< of an object the last one
    };

    template <class T>
    bool scalar(T&& value) {
        if (skipping_)
            skipping_ = skipped_levels_ > 0;
        else
            place(Json(std::forward<T>(value)));
        return true;
    }
    bool begin(Json&& empty) {
        if (skipping_)
            ++skipped_levels_;
        else
            open_.push_back({place(std::move(empty))});
        return true;
    }
    bool end() {
        if (skipping_)
            skipping_ = --skipped_levels_ > 0;
        else
            open_.pop_back();
        return true;
    }
    /// Puts a value where the text has it. Nobody adds to what is around while it is open, so that it stays there.
    Json* place(Json&& value) {
        check_depth();
        if (open_.empty()) {
            root_ = std::move(value);
            return &root_;
        }
        if (Json& around = *open_.back().node; around.is_array())
            return &around.get_ref<Json::array_t&>().emplace_back(std::move(value));
        *slot_ = std::move(value);
        return slot_;
    }
    void check_depth() const {
        if (open_.size() > rules_.deepest)
            throw JsonProblem{.kind = JsonProblem::Kind::too_deep, .path = path(open_.size())};
    }
    [[nodiscard]] std::vector<std::string> path(std::size_t levels) const {
        std::vector<std::string> keys;
        for (std::size_t i = 0; i < levels; ++i)
            if (open_[i].node->is_object())
                keys.push_back(open_[i].key);
        return keys;
    }

    JsonRules rules_;
    Json root_;
    std::vector<Open> open_;  ///< lists and objects that have not ended
    Json* slot_ = nullptr;    ///< of the last key
    bool skipping_ = false;   ///< a value of `left_out`
    std::size_t skipped_levels_ = 0;
};

/// The tree of a text in UTF-8, before which a byte order mark may stand. @throws JsonProblem
[[nodiscard]] inline nlohmann::json json_tree(std::string_view text, const JsonRules& rules = {}) {
    JsonTree tree{rules};
    static_cast<void>(nlohmann::json::sax_parse(text.begin(), text.end(), &tree));  // what is wrong is thrown
    return tree.take();
}

}  // namespace espalier::inline ESPALIER_ABI::io::detail
