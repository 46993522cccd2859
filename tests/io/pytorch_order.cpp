// SPDX-License-Identifier: MIT
#include <espalier/io/pytorch_order.hpp>

#include "catch.hpp"

#include <vector>

using namespace espalier;
using io::detail::Order;
using io::detail::TensorOrder;

TEST_CASE("where the elements of a flattened image lie in PyTorch", "[io][pytorch_order]") {
    CHECK(Order::image(2, 3).positions() == std::vector<Index>{0, 2, 4, 1, 3, 5});
    CHECK(Order::plain(3).positions() == std::vector<Index>{0, 1, 2});
    Order joined = Order::plain(1);
    joined.append(Order::image(2, 2));
    CHECK(joined.positions() == std::vector<Index>{0, 1, 3, 2, 4});
    CHECK(joined.size() == 5);
    CHECK(Order{}.positions().empty());
}

TEST_CASE("orders that are the same are equal, however they were put together", "[io][pytorch_order]") {
    CHECK(Order::image(1, 6) == Order::plain(6));
    CHECK(Order::image(6, 1) == Order::plain(6));
    CHECK_FALSE(Order::image(2, 3) == Order::image(3, 2));
    Order a = Order::plain(2);
    a.append(Order::plain(4));
    a.append(Order::plain(0));
    CHECK(a == Order::plain(6));
    CHECK(a.is_plain());
    CHECK(Order::image(0, 3).is_plain());
    a.append(Order::image(2, 2));
    CHECK_FALSE(a.is_plain());
}

TEST_CASE("rows and columns are turned over and back", "[io][pytorch_order]") {
    const auto theirs = Tensor<float>::arange(4 * 6).reshape({4, 6});
    const TensorOrder order{false, Order::image(2, 2), Order::image(2, 3)};
    const auto ours = io::detail::from_pytorch(theirs, order);
    const std::vector<Index> rows{0, 2, 1, 3};
    const std::vector<Index> columns{0, 2, 4, 1, 3, 5};
    for (Index r = 0; r < 4; ++r)
        for (Index c = 0; c < 6; ++c)
            CHECK(ours.at(r, c) == theirs.at(rows[static_cast<std::size_t>(r)], columns[static_cast<std::size_t>(c)]));
    CHECK(io::detail::to_pytorch(ours, order) == theirs);
    CHECK(io::detail::shape_in_pytorch(order, {4, 6}) == Shape{4, 6});
    // Columns alone are what layout.hpp has for the one case.
    CHECK(io::detail::from_pytorch(theirs, {false, {}, Order::image(2, 3)}) == io::flatten_weight_from_nchw(theirs, 3, 1, 2));
    const auto vector = Tensor<float>::arange(6);
    CHECK(io::detail::from_pytorch(vector, {false, Order::image(2, 3), {}}) == Tensor<float>{{6}, {0, 2, 4, 1, 3, 5}});
}

TEST_CASE("images of rank 3 and 4 are turned over and back", "[io][pytorch_order]") {
    const TensorOrder image{true, {}, {}};
    const auto theirs = Tensor<double>::arange(2 * 3 * 4 * 5).reshape({2, 3, 4, 5});
    const auto ours = io::detail::from_pytorch(theirs, image);
    CHECK(ours == io::from_nchw(theirs));
    CHECK(io::detail::to_pytorch(ours, image) == theirs);
    CHECK(io::detail::shape_in_pytorch(image, ours.shape()) == theirs.shape());
    const auto one = Tensor<double>::arange(3 * 4 * 5).reshape({3, 4, 5});
    const auto turned = io::detail::from_pytorch(one, image);
    REQUIRE(turned.shape() == Shape{4, 5, 3});
    CHECK(turned.at(1, 2, 0) == one.at(0, 1, 2));
    CHECK(io::detail::to_pytorch(turned, image) == one);
    CHECK(io::detail::shape_in_pytorch(image, turned.shape()) == one.shape());
}
