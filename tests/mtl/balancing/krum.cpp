// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "registry.hpp"
#include "saved_state.hpp"

#include <espalier/mtl/balancing/krum.hpp>

using namespace espalier;
using mtl::Krum;

TEST_CASE("Krum leaves out the gradient that is far from all") {
    const Tensor<double> rows{{5, 3}, {1, 1, 1, 1, 0, 1, 75, -666, 23, 1, 2, 3, 2, 0, 1}};
    const mtl::Weights ones(5, 1.0);
    const mtl::Gramian gramian{testing::products(rows), mtl::StepContext{ones}};
    for (const bool squared : {true, false}) {
        CHECK(Krum{{.byzantine = 1, .selected = 4, .squared = squared}}(gramian) == mtl::Weights{0.25, 0.25, 0, 0.25, 0.25});
        CHECK(Krum{{.byzantine = 1, .squared = squared}}(gramian) == mtl::Weights{0, 1, 0, 0, 0});
    }
}

TEST_CASE("Krum's distances are squared if they are not asked for as they are") {
    // Of the sums to two others that of 0.1 is the least, 0.1 + 3; of the squares that of 102 is, 4 + 4.
    const Tensor<double> rows{{6, 1}, {0, 0.1, 3.1, 100, 102, 104}};
    const mtl::Weights ones(6, 1.0);
    const mtl::Gramian gramian{testing::products(rows), mtl::StepContext{ones}};
    CHECK(Krum{{.byzantine = 2}}(gramian) == mtl::Weights{0, 0, 0, 0, 1, 0});
    CHECK(Krum{{.byzantine = 2, .squared = false}}(gramian) == mtl::Weights{0, 1, 0, 0, 0, 0});
}

TEST_CASE("Krum in steps with few tasks, and with too few") {
    const Krum rule{{.byzantine = 1, .selected = 4}};
    CHECK(rule(testing::some_active({{4}}, {2}, 5)) == mtl::Weights{1});
    CHECK(rule(testing::some_active({{4, 1}, {1, 9}}, {2, 3}, 5)) == mtl::Weights{0.5, 0.5});
    CHECK_NOTHROW(rule.start(4));
    CHECK_THROWS_WITH(rule.start(3), ContainsSubstring("[Krum] expected at least 4 tasks, got 3"));
    CHECK_THROWS_WITH((Krum{{.byzantine = 3}}).start(5), ContainsSubstring("expected at least 6 tasks, got 5"));
    CHECK_THROWS_AS((Krum{{.selected = 0}}), ValueError);
}
