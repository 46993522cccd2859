// SPDX-License-Identifier: MIT
#include "mtl/balancing/stateful.hpp"

#include <espalier/mtl/balancing/epo.hpp>

using namespace espalier;
using namespace testing;
using mtl::EPO;

namespace {

mtl::Gramian conflicting(double first_loss, double second_loss) {
    auto context = step_of({0, 1}, 2, 0);
    context.losses = {first_loss, second_loss};
    return {mtl::Matrix{{18, -22}, {-22, 38}}, context};
}

}  // namespace

TEST_CASE("EPO balances r L as far as the other loss may rise", "[mtl]") {
    // p = G a = (-13.400848, 18.946018): as much of the second as leaves (G w)_1 = 40 w_1 - 22 = p_1.
    const auto w = EPO{}(conflicting(1, 2));
    const double m = std::log(2.0 / 3) / 3 + 2 * std::log(4.0 / 3) / 3;
    const double p = 18 * (std::log(2.0 / 3) - m) - 22 * (std::log(4.0 / 3) - m);
    CHECK(w[0] == Approx((p + 22) / 40).margin(1e-9));
    CHECK(w[0] == Approx(0.214979).margin(1e-6));
    CHECK(w[1] == Approx(1 - w[0]));
    // Losses of 2 and 1 with preferences of 1 and 4 are uneven to the same side.
    CHECK(EPO{{.preference = {1, 4}}}(conflicting(2, 1))[1] > 0.5);
}

TEST_CASE("EPO descends where r L is even", "[mtl]") {
    for (const auto& w : {EPO{}(conflicting(3, 3)), EPO{{.preference = {2, 1}}}(conflicting(1, 2))}) {
        // max -4 w1 + 16 w2 with 18 w1 - 22 w2 >= 0
        CHECK(w[0] == Approx(0.55).margin(1e-9));
        CHECK(w[1] == Approx(0.45).margin(1e-9));
    }
}

TEST_CASE("EPO ends at the Pareto-optimal point of its preference", "[mtl]") {
    // L_1 = |x|^2 and L_2 = |x - (1, 0)|^2, optimal between the two.
    const double ratio = GENERATE(0.25, 1.0, 9.0);
    double x = 0.3, y = 0.8;
    for (int step = 0; step < 3000; ++step) {
        auto context = step_of({0, 1}, 2, step);
        context.losses = {x * x + y * y, (x - 1) * (x - 1) + y * y};
        const Tensor<double> rows{{2, 2}, {2 * x, 2 * y, 2 * (x - 1), 2 * y}};
        const auto w = EPO{{.preference = {ratio, 1}}}(gramian_of_rows(rows, context));
        x -= 0.005 * (w[0] * rows[0] + w[1] * rows[2]);
        y -= 0.005 * (w[0] * rows[1] + w[1] * rows[3]);
    }
    CHECK(y == Approx(0).margin(0.01));
    CHECK(ratio * x * x == Approx((x - 1) * (x - 1)).margin(0.03));
}

TEST_CASE("EPO as a rule", "[mtl]") {
    const auto make = [] { return EPO{{.preference = std::vector<double>{1, 2, 3, 4}}}; };
    check_state<double>(make, gramian_of_rows<double>);
    check_finite<double>([] { return EPO{}; }, gramian_of_rows<double>);
    CHECK(all_finite(EPO{}(conflicting(0, 1))));
    CHECK(all_finite(EPO{}(conflicting(0, 0))));
}

TEST_CASE("EPO refuses what it cannot use", "[mtl]") {
    REQUIRE_THROWS_WITH((EPO{{.preference = {1, 0}}}), "[EPO] expected positive preferences, got 0");
    REQUIRE_THROWS_WITH((EPO{{.preference = {1}}}(conflicting(1, 2))), "[EPO] expected 2 preferences, got 1");
    REQUIRE_THROWS_WITH(EPO{{.tolerance = -1}}, "[EPO] expected a tolerance of at least 0, got -1");
    REQUIRE_THROWS_WITH(EPO{}(conflicting(1, -2)), "[EPO] expected losses of at least 0, got -2");
}
