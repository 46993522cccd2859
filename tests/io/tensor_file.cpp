// SPDX-License-Identifier: MIT
#include <espalier/io/dtype.hpp>
#include <espalier/io/tensor_file.hpp>

#include "catch.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace espalier;

namespace {

template <class T>
concept has_bytes = requires(T&& tensor) { std::forward<T>(tensor).bytes(); };
template <class T>
concept has_begin = requires(T&& file) { std::forward<T>(file).begin(); };

}  // namespace

TEST_CASE("element types and their names", "[io][dtype]") {
    CHECK(io::dtype_of<float>() == io::Dtype::F32);
    CHECK(io::dtype_of<double>() == io::Dtype::F64);
    CHECK(io::dtype_of<bool>() == io::Dtype::BOOL);
    CHECK(io::dtype_of<std::int64_t>() == io::Dtype::I64);
    CHECK(io::dtype_of<std::uint8_t>() == io::Dtype::U8);
    for (std::size_t i = 0; i < io::detail::dtypes.size(); ++i)
        CHECK(io::dtype_named(io::name_of(static_cast<io::Dtype>(i))) == static_cast<io::Dtype>(i));
    CHECK_FALSE(io::dtype_named("F33"));
    CHECK(io::name_of(io::Dtype::U64) == "U64");
    CHECK(io::name_of(io::Dtype::F8_E5M2FNUZ) == "F8_E5M2FNUZ");
    CHECK(io::bits_of(io::Dtype::F6_E2M3) == 6);
    CHECK(io::bits_of(io::Dtype::BF16) == 16);
}

TEMPLATE_TEST_CASE("tensors of every native type come back", "[io][tensor_file]", float, double, std::int8_t, std::uint8_t, std::int16_t,
                   std::uint16_t, std::int32_t, std::uint32_t, std::int64_t, std::uint64_t, bool, Index) {
    io::TensorFile file;
    const Tensor<TestType> tensor{{2, 2}, {TestType(1), TestType(0), TestType(1), TestType(1)}};
    file.insert("t", tensor);
    file.insert("scalar", Tensor<TestType>::scalar(TestType(1)));
    file.insert("none", Tensor<TestType>{Shape{0, 3}});
    CHECK(file.get<TestType>("t") == tensor);
    CHECK(file.get<TestType>("scalar").shape() == Shape{});
    CHECK(file.get<TestType>("none").shape() == Shape{0, 3});
    CHECK(file.size() == 3);
}

TEST_CASE("floating-point types are read as one another, and integers are no floats", "[io][tensor_file]") {
    io::TensorFile file;
    file.insert("f", Tensor<float>{{2}, {0.1F, -2}});
    file.insert("d", Tensor<double>{{2}, {0.1, -2}});
    file.insert("i", Tensor<std::int32_t>{{1}, {1}});
    CHECK(file.get<double>("f") == Tensor<double>{{2}, {double{0.1F}, -2}});
    CHECK(file.get<float>("d") == Tensor<float>{{2}, {0.1F, -2}});
    CHECK_THROWS_WITH(file.get<float>("i"), ContainsSubstring("[tensor_file] expected 'i' of type F16, BF16, F32 or F64, got I32"));
    CHECK_THROWS_WITH(file.get<std::int64_t>("f"), ContainsSubstring("expected 'f' of type BOOL or of integers, got F32"));
    CHECK_THROWS_AS(file.get<bool>("f"), IoError);
}

TEMPLATE_TEST_CASE("integers and truth values of any stored type are read where they fit", "[io][tensor_file]", std::int8_t, std::uint8_t,
                   std::int16_t, std::uint16_t, std::int32_t, std::uint32_t, std::int64_t, std::uint64_t) {
    using T = TestType;
    using Limits = std::numeric_limits<T>;
    io::TensorFile file;
    file.insert("bits", Tensor<T>{{2}, {0, 1}});
    file.insert("flags", Tensor<bool>{{2}, {true, false}});
    file.insert("ends", Tensor<T>{{2}, {Limits::min(), Limits::max()}});
    file.insert("none", Tensor<T>{Shape{0}});
    CHECK(file.get<Index>("bits") == Tensor<Index>{{2}, {0, 1}});
    CHECK(file.get<std::uint8_t>("bits") == Tensor<std::uint8_t>{{2}, {0, 1}});
    CHECK(file.get<bool>("bits") == Tensor<bool>{{2}, {false, true}});
    CHECK(file.get<T>("flags") == Tensor<T>{{2}, {1, 0}});
    CHECK(file.get<T>("ends") == Tensor<T>{{2}, {Limits::min(), Limits::max()}});
    CHECK(file.get<std::int8_t>("none").numel() == 0);
    CHECK_THROWS_AS(file.get<bool>("ends"), IoError);
    if constexpr (sizeof(T) > 1)
        CHECK_THROWS_AS(file.get<std::uint8_t>("ends"), IoError);
    if constexpr (std::is_signed_v<T>)
        CHECK_THROWS_AS(file.get<std::uint64_t>("ends"), IoError);
    else
        CHECK_THROWS_WITH(file.get<std::int8_t>("ends"),
                          concat("[tensor_file] expected values from -128 to 127 in 'ends', got ", +Limits::max(), " at 1"));
}

TEST_CASE("a negative label, and one beyond an Index, are told with their place", "[io][tensor_file]") {
    io::TensorFile file;
    file.insert("labels", Tensor<std::int32_t>{{3}, {4, -1, 300}});
    file.insert("huge", Tensor<std::uint64_t>{{2}, {1, std::uint64_t{1} << 63}});
    CHECK(file.get<Index>("labels") == Tensor<Index>{{3}, {4, -1, 300}});
    CHECK_THROWS_WITH(file.get<std::uint8_t>("labels"), "[tensor_file] expected values from 0 to 255 in 'labels', got -1 at 1");
    CHECK_THROWS_WITH(file.get<std::int8_t>("labels"), "[tensor_file] expected values from -128 to 127 in 'labels', got 300 at 2");
    CHECK_THROWS_WITH(file.get<bool>("labels"), "[tensor_file] expected values of 0 or 1 in 'labels', got 4 at 0");
    CHECK_THROWS_WITH(file.get<std::int64_t>("huge"), ContainsSubstring("in 'huge', got 9223372036854775808 at 1"));
}

TEST_CASE("a name from a file cannot spoil a message", "[io][tensor_file]") {
    io::TensorFile file;
    file.insert("a\nb\x1b[31m", Tensor<float>{});
    file.insert(std::string(1'000'000, 'x'), Tensor<float>{});
    CHECK_THROWS_WITH(file.at("c"), ContainsSubstring("got 2 tensors: 'a?b?[31m', 'xxxx") && Catch::Matchers::EndsWith("xxx...'"));
    CHECK_THROWS_WITH(file.at(std::string(500, 'y')), ContainsSubstring(concat("named '", std::string(120, 'y'), "...'")));
    CHECK(io::printable(concat(std::string(119, 'z'), "\xc3\xbc")) == concat(std::string(119, 'z'), "..."));
}

TEST_CASE("what an accessor of a temporary gives is its own", "[io][tensor_file]") {
    const auto make = [] {
        io::TensorFile file;
        file.insert("w", Tensor<float>{{2}, {1, 2}});
        file.metadata()["classes"] = "a long text that does not fit into a string itself";
        return file;
    };
    const auto& stored = make().at("w");
    const auto& metadata = make().metadata();
    const auto& extents = io::StoredTensor{Tensor<float>{{2}, {1, 2}}}.extents();
    CHECK(stored.to<float>("w") == Tensor<float>{{2}, {1, 2}});
    CHECK(metadata.at("classes") == "a long text that does not fit into a string itself");
    CHECK(extents == std::vector<std::uint64_t>{2});
    std::size_t count = 0;
    for (const auto& [name, tensor] : make())  // the range itself lives through the loop
        count += tensor.bytes().size();
    CHECK(count == 8);
    STATIC_REQUIRE_FALSE(has_bytes<io::StoredTensor>);
    STATIC_REQUIRE(has_bytes<const io::StoredTensor&>);
    STATIC_REQUIRE_FALSE(has_begin<io::TensorFile>);
    STATIC_REQUIRE(has_begin<const io::TensorFile&>);
}

TEST_CASE("names are unique, and a missing one is told with those there are", "[io][tensor_file]") {
    io::TensorFile file;
    CHECK(file.empty());
    CHECK_THROWS_WITH(file.get<float>("w"), ContainsSubstring("expected a tensor named 'w', got 0 tensors"));
    for (int i = 0; i < 9; ++i)
        file.insert("t" + std::to_string(i), Tensor<float>{});
    CHECK(file.contains("t0"));
    CHECK_FALSE(file.contains("w"));
    CHECK_THROWS_AS(file.at("w"), IoError);
    CHECK_THROWS_WITH(file.at("w"), ContainsSubstring("got 9 tensors: 't0', 't1', 't2', 't3', 't4', 't5', 't6', 't7', ..."));
    CHECK_THROWS_WITH(file.insert("t0", Tensor<float>{}), ContainsSubstring("expected each name once, got 't0' twice"));
    CHECK_THROWS_AS(file.insert("__metadata__", Tensor<float>{}), StateError);
}

TEST_CASE("what no tensor can hold is refused when it is asked for", "[io][tensor_file]") {
    const auto bytes = std::make_shared<const std::string>("\x02\x01");
    io::TensorFile file;
    file.insert("flags", io::StoredTensor{io::Dtype::BOOL, {2}, bytes, *bytes});
    file.insert("eighth", io::StoredTensor{io::Dtype::F8_E5M2, {2}, bytes, *bytes});
    file.insert("wide", io::StoredTensor{io::Dtype::F32, {std::uint64_t{1} << 63, 0}, bytes, {}});
    file.insert("deep", io::StoredTensor{io::Dtype::U8, {1, 1, 1, 1, 1, 1, 1, 1, 2}, bytes, *bytes});
    CHECK_THROWS_WITH(file.get<bool>("flags"), ContainsSubstring("expected bytes of 0 or 1 in 'flags'"));
    CHECK_THROWS_WITH(file.get<float>("eighth"), ContainsSubstring("expected 'eighth' of type F16, BF16, F32 or F64, got F8_E5M2"));
    CHECK(file.at("eighth").bytes() == *bytes);
    CHECK_THROWS_AS(file.get<float>("wide"), ShapeError);
    CHECK_THROWS_AS(file.get<std::uint8_t>("deep"), ShapeError);
}
