// SPDX-License-Identifier: MIT
/// @file The JSON header of a safetensors file, both ways. `io/safetensors.hpp` is what programs include.
#pragma once

#include <espalier/io/json_tree.hpp>
#include <espalier/io/tensor_file.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io::detail {

/// A tensor as the header describes it, not yet checked.
struct HeaderEntry {
    std::string name;
    Dtype dtype = Dtype::F32;
    std::vector<std::uint64_t> extents;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};

struct Header {
    std::vector<HeaderEntry> entries;
    TensorFile::Metadata metadata;
};

/// What stands in a header, in the words of its errors.
class HeaderReader {
public:
    using Json = nlohmann::json;

    explicit HeaderReader(const std::string& where) : where_{where} {}

    /// Everything but the sizes is checked. @throws IoError
    [[nodiscard]] Header read(std::string_view text) const {
        const Json root = parse(text);
        expect(root.is_object(), "an object", root);
        Header header;
        for (const auto& [name, value] : root.items())
            if (name == metadata_key)
                header.metadata = metadata(value);
            else
                header.entries.push_back(entry(name, value));
        return header;
    }

private:
    static constexpr const char* metadata_key = "__metadata__";
    static constexpr std::size_t deepest = 4;  ///< one more than a header is, so that a list in a shape is still told by its name

    template <class... Parts>
    [[noreturn]] ESPALIER_COLD void refuse(const Parts&... expected_and_got) const {
        fail<IoError>("load_safetensors", "expected in the header", where_, ' ', expected_and_got...);
    }
    void expect(bool ok, const std::string& expected, const Json& value) const {
        if (!ok)
            refuse(expected, ", got ", described(value));
    }
    [[nodiscard]] static std::string described(const Json& value) {
        switch (value.type()) {
            case Json::value_t::object: return "an object";
            case Json::value_t::array: return "an array";
            case Json::value_t::string: return "a string";
            case Json::value_t::boolean: return "true or false";
            case Json::value_t::number_integer: return "the negative number " + value.dump();
            case Json::value_t::number_float: return "the number " + value.dump() + ", which is no integer of 64 bits";
            case Json::value_t::number_unsigned: return "a number";
            default: return "null";
        }
    }

    /// Each key once, and nothing deeper than a header is.
    [[nodiscard]] Json parse(std::string_view text) const {
        // The JSON library takes a zero byte for the end of its input and skips a byte order mark; the format has neither.
        if (text.find('\0') != std::string_view::npos || text.starts_with("\xEF\xBB\xBF"))
            refuse("JSON in UTF-8, got a zero byte or a byte order mark");
        try {
            return json_tree(text, {.deepest = deepest});
        } catch (const JsonProblem& problem) {
            refuse_tree(problem);
        }
    }
    [[noreturn]] ESPALIER_COLD void refuse_tree(const JsonProblem& problem) const {
        const std::string entry = problem.path.empty() ? "" : problem.path.front();
        const std::string of = problem.path.empty() ? "" : entry == metadata_key ? "of __metadata__ " : "of '" + entry + "' ";
        switch (problem.kind) {
            case JsonProblem::Kind::too_deep: refuse("dtype, shape and data_offsets of '", entry, "', got lists in lists");
            case JsonProblem::Kind::twice: refuse("each key ", of, "once, got '", problem.key, "' twice");
            case JsonProblem::Kind::too_large_a_number: refuse("JSON of numbers of 64 bits, got a larger one");
            case JsonProblem::Kind::malformed: break;
        }
        refuse("JSON in UTF-8, got an error at byte ", problem.byte);
    }

    [[nodiscard]] TensorFile::Metadata metadata(const Json& value) const {
        expect(value.is_object(), "an object as __metadata__", value);
        TensorFile::Metadata result;
        for (const auto& [key, text] : value.items()) {
            expect(text.is_string(), "a string as '" + key + "' of __metadata__", text);
            result.emplace(key, text.template get<std::string>());
        }
        return result;
    }

    [[nodiscard]] HeaderEntry entry(const std::string& name, const Json& value) const {
        const std::string of = "of '" + name + "'";
        expect(value.is_object(), "an object as '" + name + "'", value);
        HeaderEntry result;
        result.name = name;
        for (const auto& [key, field] : value.items()) {
            if (key == "dtype")
                result.dtype = dtype(of, field);
            else if (key == "shape")
                result.extents = sizes("shape " + of, field);
            else if (key != "data_offsets")
                refuse("only dtype, shape and data_offsets in '", name, "', got '", key, "'");
            else if (const auto offsets = sizes("data_offsets " + of, field); offsets.size() == 2)
                std::tie(result.begin, result.end) = std::pair{offsets[0], offsets[1]};
            else
                refuse("two data_offsets ", of, ", got ", offsets.size());
        }
        if (value.size() != 3)
            refuse("dtype, shape and data_offsets ", of, ", got not all of them");
        return result;
    }

    [[nodiscard]] Dtype dtype(const std::string& of, const Json& value) const {
        expect(value.is_string(), "a string as dtype " + of, value);
        const auto result = dtype_named(value.get_ref<const std::string&>());
        if (!result)
            refuse("a known dtype ", of, ", got '", value.get_ref<const std::string&>(), "'");
        return *result;
    }

    [[nodiscard]] std::vector<std::uint64_t> sizes(const std::string& what, const Json& value) const {
        expect(value.is_array(), "a list of sizes as " + what, value);
        for (const Json& size : value)
            expect(size.is_number_unsigned(), "a list of sizes as " + what, size);
        return value.get<std::vector<std::uint64_t>>();
    }

    const std::string& where_;
};

/// Everything but the sizes is checked. @throws IoError
[[nodiscard]] inline Header read_header(std::string_view text, const std::string& where) { return HeaderReader{where}.read(text); }

/// Compact JSON: `__metadata__` first, then the tensors in the order of their bytes; padded with spaces to a multiple
/// of 8. @throws ValueError for text that is not UTF-8
[[nodiscard]] inline std::string write_header(const std::vector<TensorFile::Tensors::const_iterator>& order,
                                              const TensorFile::Metadata& metadata) {
    nlohmann::ordered_json entries = nlohmann::ordered_json::object();
    // A list of pairs, appended to: its `[]` would look through all keys before.
    auto& list = entries.get_ref<nlohmann::ordered_json::object_t&>();
    if (!metadata.empty())
        list.emplace_back("__metadata__", metadata);
    std::uint64_t begin = 0;
    for (const auto& item : order) {
        const auto& [name, tensor] = *item;
        const std::uint64_t end = begin + tensor.bytes().size();
        list.emplace_back(
            name, nlohmann::ordered_json{{"dtype", name_of(tensor.dtype())}, {"shape", tensor.extents()}, {"data_offsets", {begin, end}}});
        begin = end;
    }
    try {
        std::string header = entries.dump();
        header.append((8 - header.size() % 8) % 8, ' ');
        return header;
    } catch (const nlohmann::json::exception&) {
        fail<ValueError>("save_safetensors", "expected names and metadata in UTF-8, got other bytes");
    }
}

}  // namespace espalier::inline ESPALIER_ABI::io::detail
