// SPDX-License-Identifier: MIT
#include <espalier/io/endian.hpp>

#include "catch.hpp"

#include <cstdint>
#include <vector>

using namespace espalier;

TEST_CASE("numbers are read and written in the stated byte order", "[io][endian]") {
    const char bytes[] = "\x01\x02\x03\x04\x05\x06\x07\x08";
    CHECK(io::decode<std::uint32_t, std::endian::big>(bytes) == 0x01020304);
    CHECK(io::decode<std::uint32_t, std::endian::little>(bytes) == 0x04030201);
    CHECK(io::decode<std::uint16_t, std::endian::big>(bytes + 1) == 0x0203);
    CHECK(io::decode<std::uint64_t, std::endian::little>(bytes) == 0x0807060504030201);

    std::string out;
    io::append<std::endian::big>(out, std::uint32_t{0x01020304});
    io::append<std::endian::little>(out, 1.0F);
    CHECK(out == std::string("\x01\x02\x03\x04\0\0\x80\x3f", 8));
}

TEST_CASE("many numbers at once give what one at a time gives", "[io][endian]") {
    const std::vector<double> numbers{1.5, -2.25, 0.0, 1e300};
    std::string big(numbers.size() * 8, '\0');
    std::string little = big;
    io::encode_all<std::endian::big>(numbers.data(), numbers.size(), big.data());
    io::encode_all<std::endian::little>(numbers.data(), numbers.size(), little.data());
    CHECK(big != little);
    std::vector<double> back(numbers.size());
    io::decode_all<double, std::endian::big>(big.data(), back.size(), back.data());
    CHECK(back == numbers);
    io::decode_all<double, std::endian::little>(little.data(), back.size(), back.data());
    CHECK(back == numbers);
    CHECK(io::decode<double, std::endian::big>(big.data() + 8) == -2.25);
}
