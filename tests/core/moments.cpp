// SPDX-License-Identifier: MIT
#include <espalier/core/moments.hpp>

#include "catch.hpp"

#include <cmath>

using namespace espalier;

TEST_CASE("mean and deviation of numbers that come one by one", "[core][moments]") {
    Moments moments;
    CHECK(moments.count() == 0);
    CHECK(moments.mean() == 0);
    CHECK(moments.deviation() == 0);
    CHECK(moments.sample_deviation() == 0);
    moments.add(3);
    CHECK(moments.sample_deviation() == 0);
    moments = {};
    for (const double x : {2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0})
        moments.add(x);
    CHECK(moments.count() == 8);
    CHECK(moments.mean() == Approx(5));
    CHECK(moments.deviation() == Approx(2));
    CHECK(moments.sample_deviation() == Approx(2 * std::sqrt(8.0 / 7)));
}

TEST_CASE("equal numbers have no deviation, far ones keep theirs", "[core][moments]") {
    Moments equal, far;
    for (int i = 0; i < 1000; ++i) {
        equal.add(0.1);
        far.add(1e9 + (i % 2 ? 0.25 : -0.25));
    }
    CHECK(equal.mean() == 0.1);
    CHECK(equal.deviation() == 0);
    CHECK(far.deviation() == Approx(0.25).epsilon(1e-6));
    CHECK((equal.constant() && !far.constant() && Moments{}.constant()));
}

TEST_CASE("numbers that differ by rounding alone are constant", "[core][moments]") {
    Moments rounded, small;
    for (int i = 0; i < 1000; ++i) {
        rounded.add(i % 2 ? 0.3 : 0.1 + 0.2);
        small.add(i % 2 ? 1e-100 : 1.00001e-100);
    }
    CHECK(rounded.deviation() > 0);
    CHECK(rounded.constant());
    CHECK_FALSE(small.constant());
}
