// SPDX-License-Identifier: MIT
#include "mtl/balancing/stateful.hpp"

#include <espalier/mtl/balancing/pe_ltr.hpp>

using namespace espalier;
using namespace testing;
using mtl::PELTR;

TEST_CASE("PELTR without bounds is MGDA, and never gives less than its bounds", "[mtl]") {
    const mtl::Gramian gramian{{18, -22}, {-22, 38}};
    const auto free = PELTR{}(gramian);
    CHECK(free[0] == Approx(0.6).margin(1e-9));
    CHECK(free[1] == Approx(0.4).margin(1e-9));
    const auto bound = PELTR{{.lowest = {0.7, 0}}}(gramian);
    CHECK(bound[0] == Approx(0.7).margin(1e-9));
    CHECK(bound[1] == Approx(0.3).margin(1e-9));
    const auto all = PELTR{{.lowest = {0.25, 0.75}}}(gramian);
    CHECK(all[0] == Approx(0.25));
    CHECK(all[1] == Approx(0.75));
}

TEST_CASE("PELTR's weights are shorter than any in the bounds", "[mtl]") {
    for (std::uint64_t salt = 0; salt < 20; ++salt) {
        const auto gramian = gramian_of_rows(hashed_rows<double>(4, 6, salt), step_of({0, 1, 2, 3}, 4, 0));
        const std::vector<double> lowest{0.1, 0.3, 0, 0.2};
        const auto w = PELTR{{.lowest = lowest}}(gramian);
        double sum = 0;
        mtl::Weights slope(4, 0.0);
        for (std::size_t i = 0; i < 4; ++i) {
            CHECK(w[i] >= lowest[i] - 1e-12);
            sum += w[i];
            for (std::size_t j = 0; j < 4; ++j)
                slope[i] += gramian(i, j) * w[j];
        }
        CHECK(sum == Approx(1));
        // Moving weight from a task above its bound to any other does not shorten.
        for (std::size_t i = 0; i < 4; ++i)
            for (std::size_t j = 0; j < 4 && w[i] > lowest[i] + 1e-9; ++j)
                CHECK(slope[j] >= slope[i] - 1e-9);
    }
}

TEST_CASE("PELTR as a rule", "[mtl]") {
    check_state<double>([] { return PELTR{{.lowest = {0.1, 0.2, 0, 0.3}}}; }, gramian_of_rows<double>);
    check_finite<double>([] { return PELTR{}; }, gramian_of_rows<double>);
}

TEST_CASE("PELTR refuses bounds that cannot be", "[mtl]") {
    REQUIRE_THROWS_WITH((PELTR{{.lowest = {-0.5, 0}}}), "[PELTR] expected weights of at least 0, got -0.5");
    REQUIRE_THROWS_WITH((PELTR{{.lowest = {0.75, 0.5}}}), "[PELTR] expected lowest weights that together are at most 1, got 1.25");
    REQUIRE_THROWS_WITH((PELTR{{.lowest = {0.75}}}.start(2)), "[PELTR] expected a lowest weight for each of 2 tasks, got 1");
}
