// SPDX-License-Identifier: MIT
#include <espalier/io/numbers.hpp>
#include <espalier/io/tensor_file.hpp>

#include "catch.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>

using namespace espalier;

namespace {

/// By the definition of IEEE 754, with `exponent_bits` of 16: nothing of what the library uses.
double decoded(std::uint32_t bits, int exponent_bits) {
    const int fraction_bits = 15 - exponent_bits;
    const int bias = (1 << (exponent_bits - 1)) - 1;
    const double sign = bits >> 15 ? -1 : 1;
    const int exponent = static_cast<int>(bits >> fraction_bits) & ((1 << exponent_bits) - 1);
    const double fraction = static_cast<double>(bits & ((1U << fraction_bits) - 1)) / (1 << fraction_bits);
    if (exponent == (1 << exponent_bits) - 1)
        return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
    return exponent == 0 ? sign * std::ldexp(fraction, 1 - bias) : sign * std::ldexp(1 + fraction, exponent - bias);
}

/// A tensor of all values of 16 bits, in their order.
io::TensorFile all_of(io::Dtype dtype) {
    std::string bytes;
    for (std::uint32_t bits = 0; bits < 65536; ++bits)
        io::append<std::endian::little>(bytes, static_cast<std::uint16_t>(bits));
    const auto owner = std::make_shared<const std::string>(std::move(bytes));
    io::TensorFile file;
    file.insert("all", io::StoredTensor{dtype, {65536}, owner, *owner});
    return file;
}

}  // namespace

TEMPLATE_TEST_CASE("every half float is read as what its bits say: subnormals, infinities and NaN too", "[io][numbers]", float, double) {
    using T = TestType;
    for (const auto& [dtype, exponent_bits] : {std::pair{io::Dtype::F16, 5}, {io::Dtype::BF16, 8}}) {
        const auto values = all_of(dtype).template get<T>("all");
        for (std::uint32_t bits = 0; bits < 65536; ++bits) {
            const T value = values[static_cast<Index>(bits)];
            const double expected = decoded(bits, exponent_bits);
            CAPTURE(io::name_of(dtype), bits);
            if (std::isnan(expected))
                REQUIRE(std::isnan(value));
            else
                REQUIRE((static_cast<double>(value) == expected && std::signbit(value) == (bits >> 15 != 0)));
        }
    }
}

TEST_CASE("half floats of no elements and of rank 0", "[io][numbers]") {
    const auto one = std::make_shared<const std::string>("\x00\x3c", 2);
    io::TensorFile file;
    file.insert("scalar", io::StoredTensor{io::Dtype::F16, {}, one, *one});
    file.insert("none", io::StoredTensor{io::Dtype::BF16, {0, 3}, one, {}});
    CHECK(file.get<float>("scalar").item() == 1);
    CHECK(file.get<double>("none").shape() == Shape{0, 3});
    CHECK_THROWS_AS(file.get<Index>("scalar"), IoError);
}
