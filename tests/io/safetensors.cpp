// SPDX-License-Identifier: MIT
#if __has_include(<nlohmann/json.hpp>)

#include <espalier/io/safetensors.hpp>

#include "catch.hpp"
#include "io/files.hpp"

#include <cstdint>
#include <string>

using namespace espalier;

namespace {

/// A file of that header and those bytes of data; the length is right unless given.
std::string bytes_of(const std::string& header, const std::string& data = "", std::uint64_t length = ~std::uint64_t{0}) {
    std::string bytes;
    io::append<std::endian::little>(bytes, length == ~std::uint64_t{0} ? std::uint64_t{header.size()} : length);
    return bytes + header + data;
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return '"' + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + '}';
}

std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets, std::size_t data = 8) {
    return bytes_of('{' + entry("w", dtype, shape, offsets) + '}', std::string(data, '\1'));
}

void refused(const std::string& bytes, const std::string& message) {
    INFO(bytes);
    CHECK_THROWS_AS(io::parse_safetensors(bytes), IoError);
    CHECK_THROWS_WITH(io::parse_safetensors(bytes), ContainsSubstring("[load_safetensors] ") && ContainsSubstring(message));
}

const std::string golden_header = R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}  )";
const std::string golden("\x38\0\0\0\0\0\0\0{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}  \0\0\x80\x3f\0\0\0\xc0", 72);

}  // namespace

TEST_CASE("the golden file is written byte for byte and read back", "[io][safetensors]") {
    const TemporaryFolder folder;
    io::TensorFile file;
    file.insert("w", Tensor<float>{{2}, {1, -2}});
    CHECK(io::to_safetensors(file) == golden);
    io::save_safetensors(folder / "w.safetensors", file);
    CHECK(contents(folder / "w.safetensors") == golden);
    CHECK(io::load_safetensors(folder / "w.safetensors").get<float>("w") == Tensor<float>{{2}, {1, -2}});
    CHECK(io::parse_safetensors(golden).get<float>("w") == Tensor<float>{{2}, {1, -2}});
}

TEST_CASE("wider types come first, then names; metadata comes before all", "[io][safetensors]") {
    io::TensorFile file;
    file.insert("b", Tensor<float>{{1}, {1}});
    file.insert("a", Tensor<float>{{1}, {2}});
    file.insert("flag", Tensor<bool>{{3}, {true, false, true}});
    file.insert("steps", Tensor<std::int64_t>::scalar(7));
    file.insert("empty", Tensor<double>{Shape{0, 4}});
    file.metadata() = {{"epoch", "3"}, {"note", "a \"quote\" and \n\xc3\xbc"}};
    const std::string bytes = io::to_safetensors(file);
    CHECK(bytes.substr(8).starts_with(R"({"__metadata__":{"epoch":"3","note":"a \"quote\" and \n)"
                                      "\xc3\xbc"
                                      R"("},)" +
                                      entry("steps", "I64", "[]", "[0,8]") + ',' + entry("empty", "F64", "[0,4]", "[8,8]") + ',' +
                                      entry("a", "F32", "[1]", "[8,12]") + ',' + entry("b", "F32", "[1]", "[12,16]") + ',' +
                                      entry("flag", "BOOL", "[3]", "[16,19]") + '}'));
    CHECK(io::decode<std::uint64_t, std::endian::little>(bytes.data()) % 8 == 0);
    const auto back = io::parse_safetensors(bytes);
    CHECK(back.metadata() == file.metadata());
    CHECK(back.get<bool>("flag") == Tensor<bool>{{3}, {true, false, true}});
    CHECK(back.get<std::int64_t>("steps").item() == 7);
    CHECK(io::to_safetensors(back) == bytes);
}

TEST_CASE("what the format allows is read", "[io][safetensors]") {
    CHECK(io::parse_safetensors(bytes_of("{}")).empty());
    CHECK(io::parse_safetensors(bytes_of(" \t\r\n{} \t\r\n")).empty());  // white space on both sides
    CHECK(io::parse_safetensors(bytes_of(R"({"__metadata__":{}})")).metadata().empty());
    CHECK(io::parse_safetensors(one("F32", "[]", "[0,4]", 4)).at("w").shape() == Shape{});
    CHECK(io::parse_safetensors(one("F32", "[0,7]", "[0,0]", 0)).get<float>("w").shape() == Shape{0, 7});
    const auto narrow = io::parse_safetensors(one("F4", "[2,2]", "[0,2]", 2));
    CHECK(narrow.at("w").bytes().size() == 2);
    CHECK(io::parse_safetensors(bytes_of(R"({"w":{"data_offsets":[0,1],"shape":[1],"dtype":"U8"}})", "\1")).contains("w"));
    // Tensors may be named in any order, and several without elements may begin at one place.
    const auto file = io::parse_safetensors(bytes_of('{' + entry("b", "U8", "[1]", "[1,2]") + ',' + entry("n", "U8", "[0]", "[1,1]") + ',' +
                                                         entry("m", "U8", "[0]", "[1,1]") + ',' + entry("a", "U8", "[1]", "[0,1]") + '}',
                                                     "\5\6"));
    CHECK(file.get<std::uint8_t>("a").item() == 5);
    CHECK(file.get<std::uint8_t>("b").item() == 6);
    // A type this library does not compute in is kept, written again, and refused only when asked for as what it is not.
    const std::string half = one("BF16", "[4]", "[0,8]");
    const auto kept = io::parse_safetensors(half);
    const auto again = io::parse_safetensors(io::to_safetensors(kept));
    CHECK(again.at("w").bytes() == std::string(8, '\1'));
    CHECK_THROWS_WITH(kept.get<Index>("w"), ContainsSubstring("expected 'w' of type BOOL or of integers, got BF16"));
}

TEST_CASE("rule 1: a file shorter than its length field", "[io][safetensors]") {
    refused("", "expected at least 8 bytes, got 0");
    refused(std::string(7, '\0'), "expected at least 8 bytes, got 7");
}

TEST_CASE("rule 2: a header of more than 100 million bytes", "[io][safetensors]") {
    refused(bytes_of("{}", "", 100'000'001), "expected a header of at most 100000000 bytes, got 100000001");
}

TEST_CASE("rule 3: a header longer than the file", "[io][safetensors]") {
    refused(bytes_of("{}", "", 3), "expected a header of 3 bytes");
    refused(bytes_of("{}", "", ~std::uint64_t{0} - 1), "got 18446744073709551614");  // 8 + N would wrap
}

TEST_CASE("rule 4: a header that is not UTF-8", "[io][safetensors]") {
    refused(bytes_of("{\"\xff\":{}}"), "expected in the header JSON in UTF-8");
    refused(bytes_of("\xEF\xBB\xBF{}"), "byte order mark");
    refused(bytes_of(std::string("{}\0\0\0", 5)), "got a zero byte");  // the JSON library would stop there in peace
}

TEST_CASE("rule 5: JSON of another form", "[io][safetensors]") {
    for (const char* text : {"", "{", "{}x", "{} {}", "{'w':1}", "{\"w\":}", "{,}", "// no\n{}", "{\"__metadata__\":{\"a\":\"b\"},}"})
        refused(bytes_of(text), "JSON in UTF-8, got an error at byte");
    refused(bytes_of("[]"), "an object, got an array");
    refused(bytes_of("3"), "an object, got a number");
    refused(bytes_of("null"), "an object, got null");
    refused(bytes_of(R"({"w":[1]})"), "an object as 'w', got an array");
    refused(bytes_of(R"({"w":null})"), "an object as 'w', got null");
    refused(bytes_of(R"({"__metadata__":"x"})"), "an object as __metadata__, got a string");
    refused(bytes_of(R"({"__metadata__":{"a":1}})"), "a string as 'a' of __metadata__, got a number");
    refused(bytes_of(R"({"__metadata__":{"a":{}}})"), "a string as 'a' of __metadata__, got an object");
    refused(bytes_of(R"({"w":{"dtype":7}})"), "a string as dtype of 'w', got a number");
    refused(bytes_of(R"({"w":{"shape":3}})"), "a list of sizes as shape of 'w', got a number");
    refused(bytes_of(R"({"w":{"shape":[[1]]}})"), "a list of sizes as shape of 'w', got an array");
    refused(bytes_of(R"({"w":{"shape":["1"]}})"), "a list of sizes as shape of 'w', got a string");
    refused(bytes_of(R"({"w":{"shape":[true]}})"), "got true or false");
    refused(bytes_of(R"({"w":{"more":1}})"), "only dtype, shape and data_offsets in 'w', got 'more'");
    refused(bytes_of(R"({"w":{"dtype":"F32","shape":[1]}})"), "dtype, shape and data_offsets of 'w', got not all of them");
    refused(bytes_of(R"({"w":{}})"), "got not all of them");
    refused(one("F32", "[2]", "[0]"), "two data_offsets of 'w', got 1");
    refused(one("F32", "[2]", "[0,8,8]"), "two data_offsets of 'w', got 3");
    const std::string deep(1'000'000, '[');  // the stack must not be as deep
    refused(bytes_of(R"({"w":{"shape":)" + deep + "}}"), "of 'w', got lists in lists");
    refused(bytes_of(deep), "got lists in lists");
}

TEST_CASE("rule 5: unknown types, negative and fractional numbers", "[io][safetensors]") {
    refused(one("F33", "[2]", "[0,8]"), "a known dtype of 'w', got 'F33'");
    refused(one("f32", "[2]", "[0,8]"), "a known dtype of 'w', got 'f32'");
    refused(one("F32", "[-2]", "[0,8]"), "shape of 'w', got the negative number -2");
    refused(one("F32", "[2]", "[-8,0]"), "data_offsets of 'w', got the negative number -8");
    refused(one("F32", "[2.0]", "[0,8]"), "got the number 2.0, which is no integer");
    refused(one("F32", "[2]", "[0,8e0]"), "got the number 8.0, which is no integer");
    refused(one("F32", "[18446744073709551616]", "[0,8]"), "which is no integer of 64 bits");
    refused(one("F32", "[1e400]", "[0,8]"), "numbers of 64 bits, got a larger one");
}

TEST_CASE("duplicate keys are refused at every level", "[io][safetensors]") {
    refused(bytes_of('{' + entry("w", "U8", "[1]", "[0,1]") + ',' + entry("w", "U8", "[1]", "[0,1]") + '}', "\1"),
            "each key once, got 'w' twice");
    refused(bytes_of(R"({"w":{"dtype":"U8","dtype":"U8"}})"), "each key of 'w' once, got 'dtype' twice");
    refused(bytes_of(R"({"__metadata__":{"a":"1","a":"1"}})"), "each key of __metadata__ once, got 'a' twice");
    refused(bytes_of(R"({"__metadata__":{},"__metadata__":{}})"), "each key once, got '__metadata__' twice");
    refused(bytes_of(R"({"w":{"dtype":"U8"},"\u0077":{}})"), "");
}

TEST_CASE("rule 6: tensors that do not tile the data", "[io][safetensors]") {
    refused(one("F32", "[1]", "[4,8]"), "expected 'w' at [0, ...), got data_offsets [4, 8)");
    refused(one("F32", "[2]", "[8,0]"), "got data_offsets [8, 0)");
    const auto two = [](const std::string& first, const std::string& second) {
        return bytes_of('{' + entry("a", "U8", "[4]", first) + ',' + entry("b", "U8", "[4]", second) + '}', std::string(9, '\1'));
    };
    refused(two("[0,4]", "[5,9]"), "expected 'b' at [4, ...), got data_offsets [5, 9)");  // a hole
    refused(two("[0,4]", "[3,7]"), "expected 'b' at [4, ...), got data_offsets [3, 7)");  // an overlap
    refused(two("[0,4]", "[0,4]"), "at [4, ...)");                                         // twice the same bytes
}

TEST_CASE("rule 7: sizes that wrap", "[io][safetensors]") {
    refused(one("F32", "[4294967296,4294967296]", "[0,0]", 0), "got a product above 2^64");
    refused(one("F32", "[4294967296,4294967296,0]", "[0,0]", 0), "got a product above 2^64");
    refused(one("F64", "[2305843009213693952]", "[0,0]", 0), "got a product above 2^64");  // 2^61 elements of 64 bits
    refused(one("U8", "[18446744073709551615]", "[0,8]"), "got a product above 2^64");
}

TEST_CASE("rule 8: types that end in the middle of a byte", "[io][safetensors]") {
    refused(one("F4", "[3]", "[0,2]", 2), "expected whole bytes in 'w', got 12 bits");
    refused(one("F6_E2M3", "[1]", "[0,1]", 1), "got 6 bits");
}

TEST_CASE("rule 9: offsets that contradict the shape", "[io][safetensors]") {
    refused(one("F32", "[3]", "[0,8]"), "expected 12 bytes for 'w' by its shape and dtype, got 8");
    refused(one("F32", "[1]", "[0,8]"), "expected 4 bytes for 'w' by its shape and dtype, got 8");
}

TEST_CASE("rule 10: bytes behind the last tensor, or too few", "[io][safetensors]") {
    refused(golden + 'x', "expected 8 bytes of tensors, got 9");
    refused(bytes_of("{}", "x"), "expected 0 bytes of tensors, got 1");
    refused(golden.substr(0, 71), "expected 8 bytes of tensors, got 7");
}

TEST_CASE("bugs of other readers: entry count, order and size (mlx 3363, 3364)", "[io][safetensors]") {
    refused(one("F32", "[2]", "[]"), "two data_offsets of 'w', got 0");
    refused(one("F32", "[2]", "[8,0]"), "got data_offsets [8, 0)");
    refused(one("F32", "[2]", "[0,4]"), "expected 8 bytes for 'w'");
}
TEST_CASE("bugs of other readers: offsets beyond the file (mlx 3409)", "[io][safetensors]") {
    refused(one("F32", "[1000]", "[0,4000]"), "expected 4000 bytes of tensors, got 8");
}
TEST_CASE("bugs of other readers: a product that wraps to 0 skips the checks (LiteRT 9254, 9255)", "[io][safetensors]") {
    refused(one("F32", "[4611686018427387904,4]", "[0,0]", 0), "got a product above 2^64");
    refused(one("U8", "[4294967296,4294967296]", "[0,8]"), "got a product above 2^64");
}
TEST_CASE("bugs of other readers: a shape of 2^32 by 2^32 (stable-diffusion.cpp 1876)", "[io][safetensors]") {
    refused(one("F16", "[4294967296,4294967296]", "[0,0]", 0), "got a product above 2^64");
}
TEST_CASE("bugs of other readers: an unknown dtype skips validation (imp 1603)", "[io][safetensors]") {
    refused(one("Q4_K", "[2]", "[0,8000000]"), "a known dtype of 'w', got 'Q4_K'");
    refused(one("BF16", "[2]", "[0,8]"), "expected 4 bytes for 'w'");
}
TEST_CASE("bugs of other readers: no guard of sign or overflow (imp 1605)", "[io][safetensors]") {
    refused(one("F32", "[-1,-2]", "[0,8]"), "the negative number -1");
    refused(one("F32", "[9223372036854775807,3]", "[0,8]"), "got a product above 2^64");
}
TEST_CASE("bugs of other readers: a negative offset, an end before the begin (audio.cpp 138)", "[io][safetensors]") {
    refused(one("F32", "[2]", "[-4,4]"), "the negative number -4");
    refused(one("F32", "[2]", "[0,-8]"), "the negative number -8");
    refused(bytes_of('{' + entry("a", "U8", "[8]", "[0,8]") + ',' + entry("b", "U8", "[4]", "[8,4]") + '}', std::string(8, '\1')),
            "[8, 4)");
}

TEST_CASE("a file cut at any byte is refused by name", "[io][safetensors]") {
    const TemporaryFolder folder;
    for (std::size_t length = 0; length < golden.size(); ++length) {
        INFO(length);
        folder.file("cut.safetensors", golden.substr(0, length));
        CHECK_THROWS_AS(io::load_safetensors(folder / "cut.safetensors"), IoError);
        CHECK_THROWS_WITH(io::load_safetensors(folder / "cut.safetensors"),
                          ContainsSubstring("[load_safetensors]") && ContainsSubstring("cut.safetensors"));
        CHECK_THROWS_AS(io::parse_safetensors(golden.substr(0, length)), IoError);
    }
    CHECK_THROWS_WITH(io::load_safetensors(folder / "absent"), ContainsSubstring("absent"));
}

TEST_CASE("any one byte changed in the header is refused or read, never worse", "[io][safetensors]") {
    int read = 0;
    for (std::size_t place = 0; place < 8 + golden_header.size(); ++place)
        for (int value = 0; value < 256; ++value) {
            std::string changed = golden;
            changed[place] = static_cast<char>(value);
            try {
                for (const auto& [name, tensor] : io::parse_safetensors(changed))
                    read += tensor.bytes().size() == 8;
            } catch (const IoError&) {
            }
        }
    CHECK(read > 64);  // the name may be any letter
}

TEST_CASE("the file that fails to be written leaves the old one", "[io][safetensors]") {
    const TemporaryFolder folder;
    io::TensorFile file;
    file.insert("w", Tensor<float>{{2}, {1, -2}});
    io::save_safetensors(folder / "w", file);
    file.insert("\xff", Tensor<float>{});
    CHECK_THROWS_WITH(io::save_safetensors(folder / "w", file),
                      ContainsSubstring("[save_safetensors] expected names and metadata in UTF-8"));
    CHECK(contents(folder / "w") == golden);
    CHECK(folder.entries() == 1);
    CHECK_THROWS_AS(io::save_safetensors(folder / "no/folder", io::TensorFile{}), IoError);
}

#endif
