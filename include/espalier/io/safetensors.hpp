// SPDX-License-Identifier: MIT
/// @file Tensors in the safetensors format: 8 bytes of length, a JSON header, then the bytes of the tensors.
///
/// A file that breaks any rule of the format is refused before anything is allocated for what its header claims.
#pragma once

#include <espalier/io/file.hpp>
#include <espalier/io/safetensors_header.hpp>
#include <espalier/io/tensor_file.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io {
namespace detail {

inline constexpr std::uint64_t max_header_size = 100'000'000;

/// @throws IoError if a header of that length cannot be in a file of that size
inline void check_header_size(std::uint64_t length, std::uint64_t file_size, const std::string& where) {
    require<IoError>(length <= max_header_size, "load_safetensors", "expected a header of at most ", max_header_size, " bytes", where,
                     ", got ", length);
    require<IoError>(length <= file_size - 8, "load_safetensors", "expected a header of ", length, " bytes", where,
                     ", got a file that holds only ", file_size - 8, " more");
}

/// Bytes of a tensor by its shape and type. @throws IoError if they cannot be counted or are no whole number
[[nodiscard]] inline std::uint64_t size_of(const HeaderEntry& entry, const std::string& where) {
    std::uint64_t bits = 1;
    const auto multiply = [&](std::uint64_t factor) {
        require<IoError>(factor == 0 || bits <= std::numeric_limits<std::uint64_t>::max() / factor, "load_safetensors",
                         "expected a size of '", entry.name, "' that can be counted", where, ", got a product above 2^64");
        bits *= factor;
    };
    for (const std::uint64_t extent : entry.extents)
        multiply(extent);
    multiply(bits_of(entry.dtype));
    require<IoError>(bits % 8 == 0, "load_safetensors", "expected whole bytes in '", entry.name, "'", where, ", got ", bits, " bits");
    return bits / 8;
}

/// Checks that the tensors tile the data exactly: no hole, no overlap, nothing before or behind. Sorts them by offset.
inline void check_entries(std::vector<HeaderEntry>& entries, std::uint64_t data_size, const std::string& where) {
    std::sort(entries.begin(), entries.end(),
              [](const HeaderEntry& a, const HeaderEntry& b) { return a.begin != b.begin ? a.begin < b.begin : a.end < b.end; });
    std::uint64_t reached = 0;
    for (const HeaderEntry& entry : entries) {
        require<IoError>(entry.begin == reached && entry.end >= entry.begin, "load_safetensors", "expected '", entry.name, "' at [",
                         reached, ", ...)", where, ", got data_offsets [", entry.begin, ", ", entry.end, ")");
        const std::uint64_t size = size_of(entry, where);
        require<IoError>(entry.end - entry.begin == size, "load_safetensors", "expected ", size, " bytes for '", entry.name,
                         "' by its shape and dtype", where, ", got ", entry.end - entry.begin);
        reached = entry.end;
    }
    require<IoError>(reached == data_size, "load_safetensors", "expected ", reached, " bytes of tensors", where, ", got ", data_size);
}

[[nodiscard]] inline TensorFile assemble(Header header, std::string data) {
    const auto owner = std::make_shared<const std::string>(std::move(data));
    TensorFile file;
    file.metadata() = std::move(header.metadata);
    for (HeaderEntry& entry : header.entries) {
        const auto bytes = std::string_view{*owner}.substr(static_cast<std::size_t>(entry.begin),
                                                           static_cast<std::size_t>(entry.end - entry.begin));
        file.insert(std::move(entry.name), StoredTensor{entry.dtype, std::move(entry.extents), owner, bytes});
    }
    return file;
}

/// Length and header of a file, and the order of its tensors.
[[nodiscard]] inline std::pair<std::string, std::vector<TensorFile::Tensors::const_iterator>> lay_out(const TensorFile& file) {
    std::vector<TensorFile::Tensors::const_iterator> order;
    for (auto item = file.begin(); item != file.end(); ++item)
        order.push_back(item);
    std::stable_sort(order.begin(), order.end(), [](auto a, auto b) { return a->second.dtype() > b->second.dtype(); });
    const std::string header = write_header(order, file.metadata());
    require<ValueError>(header.size() <= max_header_size, "save_safetensors", "expected a header of at most ", max_header_size,
                        " bytes, got ", header.size());
    std::string start;
    append<std::endian::little>(start, std::uint64_t{header.size()});
    return {start + header, std::move(order)};
}

}  // namespace detail

/// Reads a file from memory; `name` stands for it in errors. @throws IoError as `load_safetensors`
[[nodiscard]] inline TensorFile parse_safetensors(std::string_view bytes, const std::filesystem::path& name = {}) {
    const std::string where = name.empty() ? "" : concat(" of ", name);
    require<IoError>(bytes.size() >= 8, "load_safetensors", "expected at least 8 bytes", where, ", got ", bytes.size());
    const auto length = decode<std::uint64_t, std::endian::little>(bytes.data());
    detail::check_header_size(length, bytes.size(), where);
    detail::Header header = detail::read_header(bytes.substr(8, static_cast<std::size_t>(length)), where);
    const std::string_view data = bytes.substr(8 + static_cast<std::size_t>(length));
    detail::check_entries(header.entries, data.size(), where);
    return detail::assemble(std::move(header), std::string{data});
}

/// Reads a file. Types that this library does not compute in are kept as bytes and refused only by `get`.
/// @throws IoError naming the path and the tensor for a file that is missing, truncated, too long or malformed
[[nodiscard]] inline TensorFile load_safetensors(const std::filesystem::path& path) {
    InputFile file{path};
    const std::string where = concat(" of ", path);
    require<IoError>(file.size() >= 8, "load_safetensors", "expected at least 8 bytes", where, ", got ", file.size());
    const auto length = decode<std::uint64_t, std::endian::little>(file.read_exactly(8).data());
    detail::check_header_size(length, file.size(), where);
    detail::Header header = detail::read_header(file.read_exactly(static_cast<std::size_t>(length)), where);
    const std::uint64_t data_size = file.size() - 8 - length;
    detail::check_entries(header.entries, data_size, where);
    return detail::assemble(std::move(header), file.read_exactly(static_cast<std::size_t>(data_size)));
}

/// The bytes of the file that `save_safetensors` writes: the same for the same tensors and metadata.
[[nodiscard]] inline std::string to_safetensors(const TensorFile& file) {
    auto [bytes, order] = detail::lay_out(file);
    for (const auto& item : order)
        bytes += item->second.bytes();
    return bytes;
}

/// Writes a file in one atomic step (see `write_file`); tensors of wider types come first, then by name.
/// @throws ValueError for a name or a note that is not UTF-8; IoError naming the path
inline void save_safetensors(const std::filesystem::path& path, const TensorFile& file) {
    const auto [start, order] = detail::lay_out(file);
    std::vector<std::string_view> parts{start};
    for (const auto& item : order)
        parts.push_back(item->second.bytes());
    write_file(path, parts);
}

}  // namespace espalier::inline ESPALIER_ABI::io
