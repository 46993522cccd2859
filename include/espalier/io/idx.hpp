// SPDX-License-Identifier: MIT
/// @file IDX files, plain or gzipped: the format of MNIST and of the sets that came after it.
///
/// Two zero bytes, one byte for the type, one for the rank, then the extents as 32-bit and the values as big-endian numbers.
#pragma once

#include <espalier/io/endian.hpp>
#include <espalier/io/gzip.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io {
namespace detail {

/// Bytes of one value, 0 for a type that IDX does not have.
[[nodiscard]] constexpr std::size_t idx_value_size(unsigned type) noexcept {
    switch (type) {
        case 0x08:  // unsigned byte
        case 0x09: return 1;  // signed byte
        case 0x0B: return 2;  // short
        case 0x0C:  // int
        case 0x0D: return 4;  // float
        case 0x0E: return 8;  // double
        default: return 0;
    }
}

/// A stored number as `Scalar`; an integer type gets only what it can hold.
template <class Scalar, class Stored>
[[nodiscard]] Scalar idx_value(Stored value, const std::filesystem::path& path) {
    if constexpr (std::integral<Scalar> && std::integral<Stored>) {
        require<IoError>(std::in_range<Scalar>(value), "load_idx", "expected values from ", +std::numeric_limits<Scalar>::min(), " to ",
                         +std::numeric_limits<Scalar>::max(), " in ", path, ", got ", +value);
    } else if constexpr (std::integral<Scalar>) {
        fail<IoError>("load_idx", "expected integers in ", path, ", got floating-point values");
    }
    return static_cast<Scalar>(value);
}

/// Reads `result.numel()` values through a small buffer, so that the file's own type is never held as a whole.
template <class Stored, class Scalar, class Source>
void read_idx_values(Source& source, Tensor<Scalar>& result) {
    std::vector<char> buffer(std::size_t{1} << 16);
    const auto per_chunk = static_cast<Index>(buffer.size() / sizeof(Stored));
    for (Index first = 0; first < result.numel(); first += per_chunk) {
        const Index count = std::min(per_chunk, result.numel() - first);
        const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(Stored);
        require<IoError>(source.read(buffer.data(), bytes) == bytes, "load_idx", "expected ", result.numel(), " values in ", source.path(),
                         ", got a file that ends before value ", first + count);
        for (Index i = 0; i < count; ++i)
            result[first + i] = idx_value<Scalar>(
                decode<Stored, std::endian::big>(buffer.data() + static_cast<std::size_t>(i) * sizeof(Stored)), source.path());
    }
}

/// Shape and type of the values that follow, checked against what the file can hold at most.
template <class Source>
[[nodiscard]] std::pair<Shape, unsigned> read_idx_header(Source& source) {
    char magic[4];
    require<IoError>(source.read(magic, 4) == 4, "load_idx", "expected an IDX file, got ", source.path(), " of less than 4 bytes");
    const auto type = static_cast<unsigned char>(magic[2]);
    const auto rank = static_cast<unsigned char>(magic[3]);
    require<IoError>(magic[0] == 0 && magic[1] == 0 && idx_value_size(type) > 0, "load_idx",
                     "expected an IDX file (bytes 0, 0, and a type of 8, 9, 11, 12, 13 or 14), got ", source.path(), " that begins with ",
                     +static_cast<unsigned char>(magic[0]), ", ", +static_cast<unsigned char>(magic[1]), ", ", +type);
    require<IoError>(rank >= 1 && rank <= 4, "load_idx", "expected 1 to 4 axes in ", source.path(), ", got ", +rank);
    Shape shape;
    std::uint64_t claimed = idx_value_size(type);  // bytes, extents of 0 left out: a shape is bounded by the others as well
    bool nothing = false;
    for (int axis = 0; axis < rank; ++axis) {
        char field[4];
        require<IoError>(source.read(field, 4) == 4, "load_idx", "expected ", +rank, " extents in ", source.path(),
                         ", got a file that ends before");
        const auto extent = decode<std::uint32_t, std::endian::big>(field);
        constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<Index>::max() / 16);  // as Shape allows
        require<IoError>(extent <= most / claimed, "load_idx", "expected extents whose product can be addressed in ", source.path(),
                         ", got more");
        claimed *= std::max(extent, std::uint32_t{1});
        nothing = nothing || extent == 0;
        shape.append(static_cast<Index>(extent));
    }
    const std::uint64_t bytes = nothing ? 0 : claimed;
    const std::uint64_t header = 4 + 4 * std::uint64_t{rank};
    const bool exact = !source.compressed();
    require<IoError>(exact ? source.at_most() == header + bytes : source.at_most() >= header + bytes, "load_idx", "expected ",
                     header + bytes, " bytes in ", source.path(), " for shape ", shape, ", got ", exact ? "" : "at most ",
                     source.at_most());
    return {shape, type};
}

template <class Scalar, class Source>
[[nodiscard]] Tensor<Scalar> read_idx(Source source) {
    static_assert(!std::same_as<Scalar, bool>);
    const auto [shape, type] = read_idx_header(source);
    auto result = Tensor<Scalar>::empty(shape);
    switch (type) {
        case 0x08: read_idx_values<std::uint8_t>(source, result); break;
        case 0x09: read_idx_values<std::int8_t>(source, result); break;
        case 0x0B: read_idx_values<std::int16_t>(source, result); break;
        case 0x0C: read_idx_values<std::int32_t>(source, result); break;
        case 0x0D: read_idx_values<float>(source, result); break;
        default: read_idx_values<double>(source, result); break;
    }
    char trailing;
    require<IoError>(source.read(&trailing, 1) == 0, "load_idx", "expected the end of ", source.path(), " after ", result.numel(),
                     " values of shape ", shape, ", got more bytes");
    return result;
}

}  // namespace detail

inline namespace ESPALIER_ZLIB {

/// The values of an IDX file of rank 1 to 4 and any of its types, as they are: pixels stay in [0, 255].
///
/// An integer `Scalar` refuses a value it cannot hold. Nothing is allocated for a file before its header is checked
/// against its size. @throws IoError naming the path
template <class Scalar = float>
[[nodiscard]] Tensor<Scalar> load_idx(const std::filesystem::path& path) {
    return detail::read_idx<Scalar>(ByteSource{path});
}

/// Reads such a file from memory, plain or gzipped; `name` stands for it in errors. @throws IoError as `load_idx`
template <class Scalar = float>
[[nodiscard]] Tensor<Scalar> parse_idx(std::string bytes, const std::filesystem::path& name = "bytes") {
    return detail::read_idx<Scalar>(ByteSource{std::move(bytes), name});
}

}  // namespace ESPALIER_ZLIB

/// Writes unsigned bytes as a plain IDX file. @throws ShapeError unless the rank is 1 to 4; IoError as `write_file`
inline void save_idx(const std::filesystem::path& path, const Tensor<std::uint8_t>& tensor) {
    require<ShapeError>(tensor.rank() >= 1 && tensor.rank() <= 4, "save_idx", "expected 1 to 4 axes, got shape ", tensor.shape());
    std::string header{'\0', '\0', '\x08', static_cast<char>(tensor.rank())};
    for (const Index extent : tensor.shape()) {
        require<ShapeError>(std::in_range<std::uint32_t>(extent), "save_idx", "expected extents below 2^32, got shape ", tensor.shape());
        append<std::endian::big>(header, static_cast<std::uint32_t>(extent));
    }
    const std::string_view parts[] = {header, {reinterpret_cast<const char*>(tensor.data()), static_cast<std::size_t>(tensor.numel())}};
    write_file(path, parts);
}

}  // namespace espalier::inline ESPALIER_ABI::io
