// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/kernels/softmax.hpp>

#include <cmath>
#include <vector>

using namespace espalier;

TEMPLATE_TEST_CASE("softmax_row tells the logarithm of the sum apart from the largest", "[kernels][softmax]", float, double) {
    using S = TestType;
    const std::vector<S> x{1000, 999, 1001};
    std::vector<S> p(3);
    const auto total = kernels::softmax_row<S>(3, x.data(), p.data());
    const S top = total.top, log_sum = total.log_sum();
    const double sum = 1 + std::exp(-1.0) + std::exp(-2.0);
    CHECK(top == 1001);
    CHECK(static_cast<double>(log_sum) == Approx(std::log(sum)).epsilon(1e-6));
    CHECK(static_cast<double>(p[0]) == Approx(std::exp(-1.0) / sum).epsilon(1e-6));
    CHECK(static_cast<double>(p[2]) == Approx(1 / sum).epsilon(1e-6));
    std::vector<S> again = x;
    kernels::softmax_again<S>(1, again.data(), total, again.data());
    kernels::softmax_again<S>(2, again.data() + 1, total, again.data() + 1);
    CHECK(again == p);
}

TEMPLATE_TEST_CASE("log_softmax_rows keeps the digits of what is far from the largest", "[kernels][softmax]", float, double) {
    using S = TestType;
    std::vector<S> x(20, S(-200));
    x[3] = 100;
    std::vector<S> y(20);
    kernels::log_softmax_rows<S>(1, 20, x.data(), y.data());
    CHECK(y[3] == 0);
    CHECK(y[4] == -300);
}
