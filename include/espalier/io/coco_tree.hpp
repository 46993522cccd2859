// SPDX-License-Identifier: MIT
/// @file The JSON of a file in COCO's format as a tree, without outlines: a part of coco.hpp.
#pragma once

#include <espalier/core/config.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io::detail {

/// The tree of a text, without what lies under the key "segmentation": outlines are most of a file. The JSON library's own filter looks
/// through all entries of a list again behind each of them.
class CocoTree {
    using Json = nlohmann::json;

public:
    explicit CocoTree(Json& root) : root_{root} {}

    /// Of the error that ended the reading: where, and whether it was a number that no double holds.
    [[nodiscard]] std::size_t byte() const noexcept { return byte_; }
    [[nodiscard]] bool is_number() const noexcept { return is_number_; }

    bool null() { return put(nullptr); }
    bool boolean(bool value) { return put(value); }
    bool number_integer(Json::number_integer_t value) { return put(value); }
    bool number_unsigned(Json::number_unsigned_t value) { return put(value); }
    bool number_float(Json::number_float_t value, const Json::string_t&) { return put(value); }
    bool string(Json::string_t& value) { return put(std::move(value)); }
    bool binary(Json::binary_t& value) { return put(std::move(value)); }
    bool start_object(std::size_t) { return start(Json::value_t::object); }
    bool start_array(std::size_t) { return start(Json::value_t::array); }
    bool end_object() { return end(); }
    bool end_array() { return end(); }
    bool key(Json::string_t& name) {
        if (left_out_)
            return true;
        left_out_ = name == "segmentation";
        if (!left_out_)
            member_ = &(*open_.back())[name];
        return true;
    }
    bool parse_error(std::size_t byte, const std::string&, const Json::exception& error) {
        byte_ = byte;
        is_number_ = error.id == 406;  // out of range
        return false;
    }

private:
    /// Where the next value belongs.
    [[nodiscard]] Json& place() {
        if (open_.empty())
            return root_;
        Json& parent = *open_.back();
        return parent.is_array() ? parent.emplace_back() : *member_;
    }
    template <class Value>
    bool put(Value&& value) {
        if (!left_out_)
            place() = std::forward<Value>(value);
        else if (below_ == 0)
            left_out_ = false;
        return true;
    }
    bool start(Json::value_t type) {
        if (left_out_)
            ++below_;
        else
            open_.push_back(&(place() = Json(type)));
        return true;
    }
    bool end() {
        if (!left_out_)
            open_.pop_back();
        else if (--below_ == 0)
            left_out_ = false;
        return true;
    }

    Json& root_;
    // Lists and objects around the next value, each the last element of the one before, which does not grow meanwhile.
    std::vector<Json*> open_;
    Json* member_ = nullptr;   // of the key before the next value
    bool left_out_ = false;
    std::size_t below_ = 0;  // lists and objects around it that are left out
    std::size_t byte_ = 0;
    bool is_number_ = false;
};

}  // namespace espalier::inline ESPALIER_ABI::io::detail
