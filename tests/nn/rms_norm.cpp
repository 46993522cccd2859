// SPDX-License-Identifier: MIT
#include <espalier/nn/rms_norm.hpp>

#include "nn/testing.hpp"

using namespace espalier;

TEMPLATE_TEST_CASE("RMSNorm divides rows by the root of their mean square", "[nn][rms_norm]", float, double) {
    using T = TestType;
    nn::RMSNorm<T> norm{2};
    const auto y = norm(Variable<T>{Tensor<T>{{2, 2}, {3, 4, 0, 0}}});
    const double root = std::sqrt(12.5);
    testing::require_close(y.value(), Tensor<T>{{2, 2}, {T(3 / root), T(4 / root), 0, 0}}, 1e-6);
    CHECK(norm.named_parameters().names() == "'weight'");
    CHECK(norm.parameters()[0].value() == Tensor<T>::ones({2}));
    CHECK(norm(Variable<T>{Tensor<T>{Shape{0, 5, 2}}}).shape() == Shape{0, 5, 2});
}

TEST_CASE("RMSNorm has the gradients of differences, copies of its own, and refusals", "[nn][rms_norm]") {
    nn::RMSNorm<double> norm{3, 0.1};
    testing::require_gradients(norm, testing::normal<double>({2, 4, 3}));
    const auto copy = norm;
    norm.parameters()[0].mutable_value()[0] = 7;
    CHECK(copy.parameters()[0].value()[0] == 1);
    CHECK_THROWS_WITH((nn::RMSNorm{0}), "[RMSNorm] expected at least one feature, got 0");
    CHECK_THROWS_WITH((nn::RMSNorm{3, 0.0}), "[RMSNorm] expected an eps above 0, got 0");
    CHECK_THROWS_WITH(norm(Variable<double>{Tensor<double>{Shape{2, 4}}}),
                      "[rms_norm] expected (..., C) and a weight (C,), got input (2, 4) and weight (3,)");
}
