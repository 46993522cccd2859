// SPDX-License-Identifier: MIT
/// @file The JSON header of a safetensors file, both ways. `io/safetensors.hpp` is what programs include.
///
/// The header is read as a stream of JSON events: a document tree could not tell that a key came twice.
#pragma once

#include <espalier/io/tensor_file.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
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

/// Receives JSON events; the first that does not belong is put into words and ends the reading.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
public:
    Header header;
    std::string problem;

    bool start_object(std::size_t) override {
        switch (place_) {
            case Place::start: place_ = Place::top; return true;
            case Place::entry_value: place_ = Place::entry; entry_ = {}; fields_ = 0; return true;
            case Place::metadata_value: place_ = Place::metadata; return true;
            default: return refuse("an object");
        }
    }
    bool key(string_t& key) override {
        switch (place_) {
            case Place::top:
                if (!names_.insert(key).second)
                    return stop("each key once, got '" + key + "' twice");
                place_ = key == "__metadata__" ? Place::metadata_value : Place::entry_value;
                name_ = key;
                return true;
            case Place::metadata:
                if (header.metadata.contains(key))
                    return stop("each key of __metadata__ once, got '" + key + "' twice");
                name_ = key;
                place_ = Place::metadata_text;
                return true;
            default: return entry_key(key);
        }
    }
    bool end_object() override {
        if (place_ == Place::entry) {
            if (fields_ != 7)
                return stop("dtype, shape and data_offsets of '" + name_ + "', got not all of them");
            entry_.name = name_;
            header.entries.push_back(std::move(entry_));
        }
        place_ = place_ == Place::top ? Place::done : Place::top;
        return true;
    }
    bool string(string_t& text) override {
        if (place_ == Place::metadata_text) {
            header.metadata.emplace(name_, text);
            place_ = Place::metadata;
            return true;
        }
        if (place_ != Place::dtype)
            return refuse("a string");
        const auto dtype = dtype_named(text);
        if (!dtype)
            return stop("a known dtype of '" + name_ + "', got '" + text + "'");
        entry_.dtype = *dtype;
        place_ = Place::entry;
        return true;
    }
    bool start_array(std::size_t) override {
        if (place_ != Place::shape && place_ != Place::offsets)
            return refuse("an array");
        place_ = place_ == Place::shape ? Place::shape_list : Place::offsets_list;
        return true;
    }
    bool end_array() override {
        if (place_ == Place::offsets_list) {
            if (offsets_.size() != 2)
                return stop("two data_offsets of '" + name_ + "', got " + std::to_string(offsets_.size()));
            entry_.begin = offsets_[0];
            entry_.end = offsets_[1];
        }
        place_ = Place::entry;
        return true;
    }
    bool number_unsigned(number_unsigned_t number) override {
        if (place_ == Place::shape_list)
            entry_.extents.push_back(number);
        else if (place_ == Place::offsets_list)
            offsets_.push_back(number);
        else
            return refuse("a number");
        return true;
    }
    bool number_integer(number_integer_t number) override { return refuse("the negative number " + std::to_string(number)); }
    bool number_float(number_float_t, const string_t& text) override {
        return refuse("the number " + text + ", which is no integer of 64 bits");
    }
    bool null() override { return refuse("null"); }
    bool boolean(bool) override { return refuse("true or false"); }
    bool binary(binary_t&) override { return refuse("binary data"); }
    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
        return stop("JSON in UTF-8, got an error at byte " + std::to_string(position));
    }

private:
    enum class Place {  // clang-format off
        start, top, done, metadata_value, metadata, metadata_text, entry_value, entry, dtype, shape, shape_list, offsets, offsets_list,
    };  // clang-format on

    bool entry_key(const std::string& key) {
        const unsigned field = key == "dtype" ? 1 : key == "shape" ? 2 : key == "data_offsets" ? 4 : 0;
        if (field == 0)
            return stop("only dtype, shape and data_offsets in '" + name_ + "', got '" + key + "'");
        if (fields_ & field)
            return stop("each key of '" + name_ + "' once, got '" + key + "' twice");
        fields_ |= field;
        offsets_.clear();
        place_ = field == 1 ? Place::dtype : field == 2 ? Place::shape : Place::offsets;
        return true;
    }

    bool refuse(const std::string& got) {
        switch (place_) {
            case Place::metadata_value: return stop("an object as __metadata__, got " + got);
            case Place::metadata_text: return stop("a string as '" + name_ + "' of __metadata__, got " + got);
            case Place::entry_value: return stop("an object as '" + name_ + "', got " + got);
            case Place::dtype: return stop("a string as dtype of '" + name_ + "', got " + got);
            case Place::shape:
            case Place::shape_list: return stop("a list of sizes as shape of '" + name_ + "', got " + got);
            case Place::offsets:
            case Place::offsets_list: return stop("a list of sizes as data_offsets of '" + name_ + "', got " + got);
            default: return stop("an object, got " + got);
        }
    }
    bool stop(std::string text) {
        if (problem.empty())
            problem = std::move(text);
        return false;
    }

    Place place_ = Place::start;
    std::string name_;
    std::set<std::string> names_;
    HeaderEntry entry_;
    std::vector<std::uint64_t> offsets_;
    unsigned fields_ = 0;  // bit 0 dtype, bit 1 shape, bit 2 data_offsets
};

/// Everything but the sizes is checked. @throws IoError
[[nodiscard]] inline Header read_header(std::string_view text, const std::string& where) {
    HeaderReader reader;
    // The JSON library takes a zero byte for the end of its input and skips a byte order mark; the format has neither.
    if (text.find('\0') != std::string_view::npos || text.starts_with("\xEF\xBB\xBF"))
        reader.problem = "JSON in UTF-8, got a zero byte or a byte order mark";
    else
        static_cast<void>(nlohmann::json::sax_parse(text.begin(), text.end(), &reader));
    require<IoError>(reader.problem.empty(), "load_safetensors", "expected in the header", where, ' ', reader.problem);
    return std::move(reader.header);
}

/// Compact JSON: `__metadata__` first, then the tensors in the order of their bytes; padded with spaces to a multiple
/// of 8. @throws ValueError for text that is not UTF-8
[[nodiscard]] inline std::string write_header(const std::vector<TensorFile::Tensors::const_iterator>& order,
                                              const TensorFile::Metadata& metadata) {
    const auto quoted = [](const std::string& text) {
        try {
            return nlohmann::json(text).dump();
        } catch (const nlohmann::json::exception&) {
            fail<ValueError>("save_safetensors", "expected names and metadata in UTF-8, got other bytes");
        }
    };
    std::string header = "{";
    const auto comma = [&] { header += header.size() > 1 ? "," : ""; };
    if (!metadata.empty()) {
        header += "\"__metadata__\":{";
        for (auto note = metadata.begin(); note != metadata.end(); ++note)
            header += (note == metadata.begin() ? "" : ",") + quoted(note->first) + ':' + quoted(note->second);
        header += '}';
    }
    std::uint64_t begin = 0;
    for (const auto& item : order) {
        const auto& [name, tensor] = *item;
        comma();
        header += quoted(name) + ":{\"dtype\":\"" + std::string{name_of(tensor.dtype())} + "\",\"shape\":[";
        for (std::size_t i = 0; i < tensor.extents().size(); ++i)
            header += (i ? "," : "") + std::to_string(tensor.extents()[i]);
        const std::uint64_t end = begin + tensor.bytes().size();
        header += "],\"data_offsets\":[" + std::to_string(begin) + ',' + std::to_string(end) + "]}";
        begin = end;
    }
    header += '}';
    header.append((8 - header.size() % 8) % 8, ' ');
    return header;
}

}  // namespace espalier::inline ESPALIER_ABI::io::detail
