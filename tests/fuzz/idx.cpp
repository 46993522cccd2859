// SPDX-License-Identifier: MIT
// Bytes, plain or gzipped, are refused by an IoError, or are the same values in every type that can hold them.
#include <espalier/io/idx.hpp>

#include "fuzz/property.hpp"

#include <bit>
#include <cmath>
#include <optional>

using namespace espalier;

namespace {

template <class Scalar>
std::optional<Tensor<Scalar>> parsed(const std::string& bytes) {
    try {
        return io::parse_idx<Scalar>(bytes, "fuzz");
    } catch (const IoError&) {
        return std::nullopt;
    }
}

/// What `save_idx` would write.
std::string written(const Tensor<std::uint8_t>& tensor) {
    std::string bytes{'\0', '\0', '\x08', static_cast<char>(tensor.rank())};
    for (const Index extent : tensor.shape())
        io::append<std::endian::big>(bytes, static_cast<std::uint32_t>(extent));
    bytes.append(tensor.begin(), tensor.end());
    return bytes;
}

template <class Scalar>
void check_against(const std::string& bytes, const Tensor<double>& values) {
    const auto others = parsed<Scalar>(bytes);
    if (!others)
        return fuzz::expect(std::integral<Scalar>, "floating-point tensors take any values");
    fuzz::expect(others->shape() == values.shape(), "one shape for all types");
    for (Index i = 0; i < values.numel(); ++i)
        fuzz::expect((*others)[i] == static_cast<Scalar>(values[i]) || std::isnan(values[i]), "the same values in all types");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes = fuzz::text(data, size);
    const auto values = parsed<double>(bytes);
    if (!values) {
        fuzz::expect(!parsed<std::uint8_t>(bytes) && !parsed<Index>(bytes), "what is refused is so in every type");
        return 0;
    }
    check_against<float>(bytes, *values);
    check_against<Index>(bytes, *values);
    check_against<std::uint8_t>(bytes, *values);
    if (const auto pixels = parsed<std::uint8_t>(bytes)) {
        const std::string again = written(*pixels);
        fuzz::expect(parsed<std::uint8_t>(again) == pixels, "what is written is read back equal");
        fuzz::expect(bytes[0] != '\0' || bytes[2] != '\x08' || again == bytes, "a plain file of bytes is written as it was read");
    }
    return 0;
}
