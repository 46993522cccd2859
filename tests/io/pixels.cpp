// SPDX-License-Identifier: MIT
#include <espalier/io/pixels.hpp>

#include "catch.hpp"

#include <limits>

using namespace espalier;
using Bytes = io::Image<std::uint8_t>;
using Words = io::Image<std::uint16_t>;

TEMPLATE_TEST_CASE("images become tensors in [0, 1] and come back", "[io][image]", float, double) {
    const Bytes image{1, 2, 2, {0, 255, 51, 102}};
    CHECK(io::to_tensor<TestType>(image) == Tensor<TestType>{{1, 2, 2}, {0, 1, TestType(51) / 255, TestType(102) / 255}});
    CHECK(io::from_tensor(io::to_tensor<TestType>(image)) == image);
    const Words deep{2, 1, 1, {65535, 13107}};
    CHECK(io::to_tensor<TestType>(deep) == Tensor<TestType>{{2, 1, 1}, {1, TestType(13107) / 65535}});
    CHECK(io::from_tensor<std::uint16_t>(io::to_tensor<TestType>(deep)) == deep);
    CHECK(io::from_tensor(Tensor<TestType>{{1, 3}, {-2, 2, TestType(0.5)}}) == Bytes{1, 3, 1, {0, 255, 128}});
    CHECK(io::to_tensor<TestType>(Bytes{0, 3, 3, {}}).shape() == Shape{0, 3, 3});
    CHECK(io::from_tensor(Tensor<TestType>{Shape{0, 3, 3}}) == Bytes{0, 3, 3, {}});
    CHECK_THROWS_AS(io::from_tensor(Tensor<TestType>{{1, 1}, {std::numeric_limits<TestType>::quiet_NaN()}}), ValueError);
    CHECK_THROWS_AS(io::from_tensor(Tensor<TestType>{Shape{1, 1, 5}}), ShapeError);
    CHECK_THROWS_AS(io::from_tensor(Tensor<TestType>{Shape{3}}), ShapeError);
}

TEST_CASE("label maps and depth maps come back", "[io][image]") {
    const Bytes labels{2, 2, 1, {0, 255, 3, 7}};
    CHECK(io::to_labels(labels) == Tensor<Index>{{2, 2}, {0, 255, 3, 7}});
    CHECK(io::from_labels(io::to_labels(labels)) == labels);
    CHECK(io::from_labels<std::uint16_t>(Tensor<Index>{{1, 1}, {256}}) == Words{1, 1, 1, {256}});
    CHECK_THROWS_WITH(io::from_labels(Tensor<Index>{{1, 1}, {256}}), "[from_labels] expected labels from 0 to 255, got 256");
    CHECK_THROWS_AS(io::from_labels(Tensor<Index>{{1, 1}, {-1}}), ValueError);
    CHECK_THROWS_AS(io::from_labels(Tensor<Index>{Shape{3}}), ShapeError);
    CHECK_THROWS_WITH(io::to_labels(Bytes{1, 1, 3, {1, 2, 3}}), "[to_labels] expected one channel, got 3");

    const Words depth{1, 3, 1, {0, 1500, 65535}};
    CHECK(io::to_depth<double>(depth, 0.5) == Tensor<double>{{1, 3}, {0, 750, 32767.5}});
    CHECK(io::from_depth(io::to_depth(depth, 0.001), 0.001) == depth);
    CHECK_THROWS_AS(io::from_depth(Tensor<float>{{1, 1}, {66}}, 0.001), ValueError);
    CHECK_THROWS_AS(io::from_depth(Tensor<float>{{1, 1}, {-1}}, 0.001), ValueError);
    CHECK_THROWS_AS(io::from_depth(Tensor<float>{{1, 1}, {std::numeric_limits<float>::quiet_NaN()}}, 1), ValueError);
    for (const double scale : {0.0, -1.0, std::numeric_limits<double>::infinity()})
        CHECK_THROWS_AS(io::to_depth(depth, scale), ValueError);
    CHECK_THROWS_AS(io::to_depth(Words{1, 1, 2, {1, 2}}, 1), ShapeError);
}

TEST_CASE("channels are added and left out", "[io][image]") {
    const Bytes grey{1, 2, 1, {10, 20}};
    CHECK(io::with_channels(grey, 0) == grey);
    CHECK(io::with_channels(grey, 2) == Bytes{1, 2, 2, {10, 255, 20, 255}});
    CHECK(io::with_channels(grey, 3) == Bytes{1, 2, 3, {10, 10, 10, 20, 20, 20}});
    CHECK(io::with_channels(grey, 4) == Bytes{1, 2, 4, {10, 10, 10, 255, 20, 20, 20, 255}});
    CHECK(io::with_channels(Bytes{1, 1, 2, {9, 8}}, 4) == Bytes{1, 1, 4, {9, 9, 9, 8}});
    const Bytes colours{1, 1, 4, {255, 0, 0, 7}};
    CHECK(io::with_channels(colours, 3) == Bytes{1, 1, 3, {255, 0, 0}});
    CHECK(io::with_channels(colours, 2) == Bytes{1, 1, 2, {76, 7}});
    CHECK(io::with_channels(colours, 1) == Bytes{1, 1, 1, {76}});
    CHECK(io::with_channels(Words{1, 1, 3, {65535, 65535, 65535}}, 1) == Words{1, 1, 1, {65535}});
    CHECK_THROWS_AS(io::with_channels(grey, 5), ValueError);
    CHECK_THROWS_AS(io::with_channels(Bytes{1, 2, 1, {10}}, 3), ShapeError);
    CHECK_THROWS_AS(io::with_channels(Bytes{1, 2, 0, {}}, 3), ShapeError);
    CHECK_THROWS_AS(io::with_channels(Bytes{Index{1} << 40, Index{1} << 40, 1, {1}}, 3), ShapeError);
}
