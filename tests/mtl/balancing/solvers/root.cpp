// SPDX-License-Identifier: MIT
#include <espalier/mtl/balancing/solvers/root.hpp>

#include "catch.hpp"

#include <cmath>

using espalier::mtl::solvers::find_root;

namespace {

template <class Function>
double root_of(const Function& function, double low, double high) {
    double last = 0;
    find_root([&](double x) { return function(last = x); }, low, high);
    return last;
}

}  // namespace

TEST_CASE("the last call is at the root of a rising function", "[mtl][balancing]") {
    CHECK(root_of([](double x) { return x * x * x - 2; }, 0, 2) == Approx(std::cbrt(2.0)).epsilon(1e-12));
    CHECK(root_of([](double x) { return std::exp(x) - 1e-3; }, -100, 1) == Approx(std::log(1e-3)).epsilon(1e-9));
    CHECK(root_of([](double x) { return x < 1 ? -1.0 : 8 * (x - 1.5); }, 0, 100) == Approx(1.5));  // a step, and pieces that are straight
    CHECK(root_of([](double x) { return x < 1 ? -1.0 : 1.0; }, 0, 3) == Approx(1));
    CHECK(root_of([](double x) { return x; }, 0, 1) == 0);  // at an end
    CHECK(root_of([](double x) { return x - 1; }, 0, 1) == 1);
}
