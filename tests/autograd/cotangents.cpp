// SPDX-License-Identifier: MIT
#include <espalier/autograd/cotangents.hpp>

#include "catch.hpp"

#include <utility>
#include <vector>

using namespace espalier;
using autograd::detail::Cotangents;
using autograd::detail::Rows;

namespace {

std::vector<Index> list(const Rows& rows) { return {rows.begin(), rows.end()}; }

}  // namespace

TEST_CASE("rows are the tasks in their order, none of them twice", "[autograd][cotangents]") {
    CHECK(list(Rows::all(3)) == std::vector<Index>{0, 1, 2});
    CHECK(list(Rows::either(Rows{1, 4}, Rows{0, 4, 7})) == std::vector<Index>{0, 1, 4, 7});
    CHECK(list(Rows::either(Rows{}, Rows{2})) == std::vector<Index>{2});
    CHECK(Rows{3, 5, 9}.place(5) == 1);
}

TEST_CASE("rows are equal by what they list, and shared when copied", "[autograd][cotangents]") {
    const Rows rows{{1, 2}};
    const Rows copy = rows;
    CHECK(copy.begin() == rows.begin());
    CHECK(copy == Rows{1, 2});
    CHECK(rows != Rows{1});
    CHECK(rows != Rows{1, 3});
    CHECK(Rows{} == Rows::all(0));
    CHECK(Rows::all(0).empty());
    CHECK(Rows::either(Rows{}, Rows{}).empty());
    CHECK(rows != Rows{});
}

TEST_CASE("cotangents of other tasks are taken as they are, those of the same are added", "[autograd][cotangents]") {
    Cotangents<double> gathered{Rows{1}, Tensor<double>{{1, 2}, {1, 2}}};
    gathered.add(Rows{1}, Tensor<double>{{1, 2}, {10, 20}});
    CHECK(gathered.value == Tensor<double>{{1, 2}, {11, 22}});
    gathered.add(Rows{0, 1, 3}, Tensor<double>{{3, 2}, {5, 6, 100, 200, 7, 8}});
    CHECK(list(gathered.rows) == std::vector<Index>{0, 1, 3});
    CHECK(gathered.value == Tensor<double>{{3, 2}, {5, 6, 111, 222, 7, 8}});
    gathered.add(Rows{3}, Tensor<double>{{1, 2}, {1, 1}});
    CHECK(gathered.value == Tensor<double>{{3, 2}, {5, 6, 111, 222, 8, 9}});
}

TEST_CASE("cotangents of a scalar, and of nothing", "[autograd][cotangents]") {
    Cotangents<float> scalar{Rows{0}, Tensor<float>{{1}, {2}}};
    scalar.add(Rows{2}, Tensor<float>{{1}, {3}});
    CHECK(scalar.value == Tensor<float>{{2}, {2, 3}});
    Cotangents<float> nothing{Rows{0}, Tensor<float>{{1, 0}}};
    nothing.add(Rows{1}, Tensor<float>{{1, 0}});
    CHECK(nothing.value.shape() == Shape{2, 0});
}
