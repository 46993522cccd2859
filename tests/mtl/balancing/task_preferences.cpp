// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "saved_state.hpp"

#include <espalier/mtl/balancing/task_preferences.hpp>

#include <limits>

using namespace espalier;
using mtl::detail::check_preference;
using mtl::detail::preference_of;

TEST_CASE("a preference belongs to the criterion's tasks, of which some are active") {
    const auto step = testing::some_active({{1, 0}, {0, 1}}, {0, 2}, 3).context();
    CHECK(preference_of({5, 6, 7}, step, "rule") == mtl::Weights{5, 7});
    CHECK(preference_of({}, step, "rule") == mtl::Weights{0.5, 0.5});
    CHECK_THROWS_WITH(preference_of({1, 2}, step, "rule"), ContainsSubstring("[rule] expected 3 preferences, got 2"));
}

TEST_CASE("preferences are numbers of at least 0") {
    CHECK_NOTHROW(check_preference({}, "rule"));
    CHECK_NOTHROW(check_preference({0, 2}, "rule"));
    for (const double bad : {-1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()})
        CHECK_THROWS_WITH(check_preference({1, bad}, "rule"), ContainsSubstring("[rule] expected preferences of at least 0, got "));
}
