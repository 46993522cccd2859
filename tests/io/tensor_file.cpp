// SPDX-License-Identifier: MIT
#include <espalier/io/dtype.hpp>
#include <espalier/io/tensor_file.hpp>

#include "catch.hpp"

#include <cstdint>
#include <memory>
#include <string>

using namespace espalier;

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

TEMPLATE_TEST_CASE("tensors of every native type come back", "[io][tensor_file]", float, double, std::int8_t, std::uint8_t,
                   std::int16_t, std::uint16_t, std::int32_t, std::uint32_t, std::int64_t, std::uint64_t, bool, Index) {
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

TEST_CASE("floating-point types are read as one another, others are not", "[io][tensor_file]") {
    io::TensorFile file;
    file.insert("f", Tensor<float>{{2}, {0.1F, -2}});
    file.insert("d", Tensor<double>{{2}, {0.1, -2}});
    file.insert("i", Tensor<std::int32_t>{{1}, {1}});
    CHECK(file.get<double>("f") == Tensor<double>{{2}, {double{0.1F}, -2}});
    CHECK(file.get<float>("d") == Tensor<float>{{2}, {0.1F, -2}});
    CHECK_THROWS_WITH(file.get<float>("i"), ContainsSubstring("[tensor_file] expected 'i' of type F32 or F64, got I32"));
    CHECK_THROWS_WITH(file.get<std::int64_t>("i"), ContainsSubstring("expected 'i' of type I64, got I32"));
    CHECK_THROWS_AS(file.get<bool>("f"), IoError);
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
    file.insert("half", io::StoredTensor{io::Dtype::F16, {1}, bytes, *bytes});
    file.insert("wide", io::StoredTensor{io::Dtype::F32, {std::uint64_t{1} << 63, 0}, bytes, {}});
    file.insert("deep", io::StoredTensor{io::Dtype::U8, {1, 1, 1, 1, 1, 1, 1, 1, 2}, bytes, *bytes});
    CHECK_THROWS_WITH(file.get<bool>("flags"), ContainsSubstring("expected bytes of 0 or 1 in 'flags'"));
    CHECK_THROWS_WITH(file.get<float>("half"), ContainsSubstring("expected 'half' of type F32 or F64, got F16"));
    CHECK(file.at("half").bytes() == *bytes);
    CHECK_THROWS_AS(file.get<float>("wide"), ShapeError);
    CHECK_THROWS_AS(file.get<std::uint8_t>("deep"), ShapeError);
}
