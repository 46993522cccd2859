// SPDX-License-Identifier: MIT
#include "mtl/balancing/stateful.hpp"

#include <espalier/mtl/balancing/sdm_grad.hpp>

using namespace espalier;
using namespace testing;
using mtl::CrossGramian;
using mtl::SDMGrad;

TEST_CASE("SDMGrad descends from where it ended", "[mtl]") {
    SDMGrad rule{{.iterations = 1}};
    rule.start(3);
    const auto first = rule(CrossGramian{{1, 0, 0}, {0, 0.25, 0}, {0, 0, 0}});
    CHECK(first[0] == Approx(1.0 / 13).margin(1e-9));
    CHECK(first[1] == Approx(1.0 / 13).margin(1e-9));
    CHECK(first[2] == Approx(11.0 / 13).margin(1e-9));
    const auto second = rule(CrossGramian{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}});
    CHECK(second[0] == Approx(6.0 / 13).margin(1e-9));
    CHECK(second[1] == Approx(6.0 / 13).margin(1e-9));
    CHECK(second[2] == Approx(1.0 / 13).margin(1e-9));
}

TEST_CASE("SDMGrad does not depend on the scale, and is drawn to the preference", "[mtl]") {
    for (const double scale : {1e-20, 1e20}) {
        SDMGrad rule, scaled;
        rule.start(2);
        scaled.start(2);
        const auto w = rule(CrossGramian{{18, -20}, {-23, 38}});
        const auto v = scaled(CrossGramian{{18 * scale, -20 * scale}, {-23 * scale, 38 * scale}});
        CHECK(w[0] == Approx(v[0]).margin(1e-6));
        CHECK(w[0] + w[1] == Approx(1));
    }
    SDMGrad drawn{{.lambda = 1e6, .preference = {0.9, 0.1}}};
    drawn.start(2);
    CHECK(drawn(CrossGramian{{18, -20}, {-23, 38}})[0] == Approx(0.9).epsilon(1e-5));
}

TEST_CASE("SDMGrad as a rule with state", "[mtl]") {
    const auto make = [] { return SDMGrad{}; };
    check_state<double>(make, cross_gramian_of_rows<double>);
    check_finite<double>(make, cross_gramian_of_rows<double>);
    SDMGrad odd;
    odd.start(2);
    CHECK(all_finite(odd(CrossGramian{{-1, 5}, {3, 1e-300}})));  // a diagonal that says nothing of the lengths
}

TEST_CASE("SDMGrad refuses what it cannot use", "[mtl]") {
    REQUIRE_THROWS_WITH(SDMGrad{{.lambda = -1}}, "[SDMGrad] expected lambda of at least 0, got -1");
    REQUIRE_THROWS_WITH(SDMGrad{{.step = 0}}, "[SDMGrad] expected a step above 0, got 0");
    REQUIRE_THROWS_WITH(SDMGrad{{.momentum = 1}}, "[SDMGrad] expected a momentum in [0, 1), got 1");
    REQUIRE_THROWS_WITH(SDMGrad{{.iterations = 0}}, "[SDMGrad] expected at least 1 iteration, got 0");
    REQUIRE_THROWS_WITH((SDMGrad{{.preference = {-1, 1}}}), ContainsSubstring("[SDMGrad] expected preferences of at least 0, got"));
    SDMGrad rule{{.preference = {1}}};
    rule.start(2);
    REQUIRE_THROWS_WITH(rule(CrossGramian{{18, -20}, {-23, 38}}), "[SDMGrad] expected 2 preferences, got 1");
    REQUIRE_THROWS_WITH(SDMGrad{}(CrossGramian{{1}}), "[SDMGrad] expected a step of 0 tasks, as told by start(), got one of 1");
}
