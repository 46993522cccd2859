// SPDX-License-Identifier: MIT
#include "mtl/balancing/stateful.hpp"

#include <espalier/mtl/balancing/pmgda.hpp>

using namespace espalier;
using namespace testing;
using mtl::PMGDA;

namespace {

mtl::Gramian conflicting(double first_loss, double second_loss) {
    auto context = step_of({0, 1}, 2, 0);
    context.losses = {first_loss, second_loss};
    return {mtl::Matrix{{18, -22}, {-22, 38}}, context};
}

}  // namespace

TEST_CASE("PMGDA on the ray is MGDA", "[mtl]") {
    for (const auto& w : {PMGDA{}(conflicting(2, 2)), PMGDA{{.preference = {1, 3}}}(conflicting(2, 6))}) {
        CHECK(w[0] == Approx(0.6).margin(1e-9));
        CHECK(w[1] == Approx(0.4).margin(1e-9));
    }
}

TEST_CASE("PMGDA off the ray nears it, at any scale", "[mtl]") {
    for (const double scale : {1e-10, 1.0, 1e10}) {
        const auto context = step_of({0, 1, 2}, 3, 0);
        const auto rows = hashed_rows<double>(3, 8, 4, scale);
        const auto gramian = gramian_of_rows(rows, context);
        const auto w = PMGDA{{.preference = {3, 1, 2}}}(gramian);
        // The gradient of the distance h is J^T slope, slope the unit vector from the ray to the losses.
        const double along = (3 * context.losses[0] + context.losses[1] + 2 * context.losses[2]) / 14;
        mtl::Weights slope{context.losses[0] - 3 * along, context.losses[1] - along, context.losses[2] - 2 * along};
        double length = 0, falls = 0, steepest = 0;
        for (const double s : slope)
            length += s * s;
        for (std::size_t i = 0; i < 3; ++i)
            for (std::size_t j = 0; j < 3; ++j) {
                falls += slope[i] * gramian(i, j) * w[j] / std::sqrt(length);
                steepest += slope[i] * gramian(i, j) * slope[j] / length;
            }
        CHECK(falls >= 0.1 * std::sqrt(steepest) * (1 - 1e-9));
    }
}

TEST_CASE("PMGDA ends at the Pareto-optimal point of its preference", "[mtl]") {
    const double ratio = GENERATE(0.25, 1.0, 9.0);
    double x = 0.3, y = 0.8;
    for (int step = 0; step < 4000; ++step) {
        auto context = step_of({0, 1}, 2, step);
        context.losses = {x * x + y * y, (x - 1) * (x - 1) + y * y};
        const Tensor<double> rows{{2, 2}, {2 * x, 2 * y, 2 * (x - 1), 2 * y}};
        const auto w = PMGDA{{.preference = {ratio, 1}}}(gramian_of_rows(rows, context));
        x -= 0.002 * (w[0] * rows[0] + w[1] * rows[2]);
        y -= 0.002 * (w[0] * rows[1] + w[1] * rows[3]);
    }
    CHECK(y == Approx(0).margin(0.03));
    CHECK(x * x / ratio == Approx((x - 1) * (x - 1)).margin(0.05));
}

TEST_CASE("PMGDA as a rule", "[mtl]") {
    const auto make = [] { return PMGDA{{.preference = std::vector<double>{1, 2, 3, 4}}}; };
    check_state<double>(make, gramian_of_rows<double>);
    check_finite<double>([] { return PMGDA{}; }, gramian_of_rows<double>);
    CHECK(all_finite(PMGDA{}(conflicting(0, 1))));
}

TEST_CASE("PMGDA refuses what it cannot use", "[mtl]") {
    REQUIRE_THROWS_WITH((PMGDA{{.preference = {1, -1}}}), "[PMGDA] expected positive preferences, got -1");
    REQUIRE_THROWS_WITH((PMGDA{{.preference = {1}}}(conflicting(1, 2))), "[PMGDA] expected 2 preferences, got 1");
    REQUIRE_THROWS_WITH(PMGDA{{.sigma = 2}}, "[PMGDA] expected sigma in [0, 1], got 2");
    REQUIRE_THROWS_WITH(PMGDA{{.tolerance = -1}}, "[PMGDA] expected a tolerance of at least 0, got -1");
}
