// SPDX-License-Identifier: MIT
/// @file Reductions and pooling at ties and NaN, where the registry's inputs never are.
#include "catch.hpp"

#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/pooling.hpp>
#include <espalier/autograd/reduction.hpp>

#include <cmath>
#include <limits>

using namespace espalier;
using V = Variable<double>;
using T = Tensor<double>;

TEST_CASE("the gradient of a maximum goes to the first of equals", "[reduction]") {
    V x{T({2, 3}, {1, 3, 3, 2, 2, 2}), true};
    const auto y = autograd::max(x, 1);
    CHECK(y.value() == T({2}, {3, 2}));
    autograd::sum(y).backward();
    CHECK(x.grad() == T({2, 3}, {0, 1, 0, 1, 0, 0}));
    V image{T::ones({1, 2, 2, 1}), true};
    autograd::sum(autograd::max_pool2d(image, 2)).backward();
    CHECK(image.grad() == T({1, 2, 2, 1}, {1, 0, 0, 0}));
}

TEST_CASE("NaN reaches every maximum over it, and minus infinity may be one", "[reduction]") {
    const double infinity = std::numeric_limits<double>::infinity();
    for (const Index at : {0, 1, 2, 3}) {
        T x({4}, {1, 5, 2, 3});
        x[at] = NAN;
        CHECK(std::isnan(autograd::max(V{x}, 0).item()));
        V image{x.reshape({1, 2, 2, 1}), true};
        const auto y = autograd::max_pool2d(image, 2);
        CHECK(std::isnan(y.item()));
        autograd::sum(y).backward();
        T expected{{1, 2, 2, 1}};
        expected[at] = 1;
        CHECK(image.grad() == expected);
    }
    CHECK(autograd::max(V{T::full({3}, -infinity)}, 0).item() == -infinity);
    V low{T::full({1, 2, 2, 1}, -infinity), true};
    const auto y = autograd::max_pool2d(low, 2, {.padding = 1});
    CHECK(y.value() == T::full({1, 2, 2, 1}, -infinity));
    autograd::sum(y).backward();
    CHECK(low.grad() == T::ones({1, 2, 2, 1}));
}

TEST_CASE("sums are made in double, in an order that does not lose the small", "[reduction]") {
    auto x = Tensor<float>::ones({1001});
    x[0] = 3e7f;
    CHECK(autograd::sum(Variable<float>{x}).item() == 30'001'000.0f);  // in float each 1 would be lost
    CHECK(autograd::sum(Variable<float>{x}, 0).item() == 30'001'000.0f);
    CHECK(autograd::sum(V{T({0, 3})}).item() == 0);
    CHECK(autograd::sum(V{T({0, 3})}, 0).value() == T({3}));
}

TEMPLATE_TEST_CASE("sums over an axis are those of their elements, whatever its place and length", "[reduction]", float, double) {
    using S = TestType;
    Random random{4};
    for (const Shape& shape : {Shape{3, 40, 700}, Shape{700, 3}, Shape{2, 9000}, Shape{5, 0, 3}, Shape{0, 4}, Shape{4, 3, 0}, Shape{1, 1}})
        for (Index axis = 0; axis < shape.rank(); ++axis) {
            CAPTURE(shape, axis);
            Variable<S> x{Tensor<S>::normal(shape, random), true};
            const auto y = autograd::sum(x, axis);
            const Index inner = shape.product(axis + 1, shape.rank()), outer = shape.product(0, axis);
            REQUIRE(y.shape() == shape.without(axis));
            const auto weight = Tensor<S>::normal(y.shape(), random);
            autograd::sum(y * Variable<S>{weight}).backward();
            for (Index o = 0; o < outer; ++o)
                for (Index i = 0; i < inner; ++i) {
                    double total = 0;
                    for (Index e = 0; e < shape[axis]; ++e) {
                        const Index at = (o * shape[axis] + e) * inner + i;
                        total += static_cast<double>(x.value()[at]);
                        REQUIRE(x.grad()[at] == weight[o * inner + i]);
                    }
                    REQUIRE(y.value()[o * inner + i] == static_cast<S>(total));
                }
        }
}
