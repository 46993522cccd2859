// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "saved_state.hpp"

#include <espalier/mtl/balancing/mgda.hpp>

using namespace espalier;
using mtl::MGDA;
using mtl::MGDANormalization;

TEST_CASE("MGDA takes the shortest average") {
    CHECK(MGDA{}(testing::conflicting()) == mtl::Weights{0.6, 0.4});
    CHECK(MGDA{}(mtl::Gramian{{5}}) == mtl::Weights{1});
    const auto w = MGDA{}(mtl::Gramian{{1, 0, 0}, {0, 4, 0}, {0, 0, 4}});  // orthogonal rows: inversely to their squared lengths
    CHECK(w[0] == Approx(4.0 / 6));
    CHECK(w[1] == Approx(1.0 / 6));
    CHECK(w[2] == Approx(1.0 / 6));
}

TEST_CASE("MGDA normalizes by length, loss or both") {
    const double losses[] = {1, 2};
    const mtl::Gramian gramian{testing::conflicting().matrix(), mtl::StepContext{losses}};
    const auto first = [&](MGDANormalization normalization) { return MGDA{{.normalization = normalization}}(gramian)[0]; };
    CHECK(first(MGDANormalization::none) == Approx(0.6));
    CHECK(first(MGDANormalization::l2) == Approx(0.5));
    CHECK(first(MGDANormalization::loss) == Approx(20.5 / 49.5));  // of [[18, -11], [-11, 9.5]]
    const double cosine = -22 / std::sqrt(18.0 * 38);
    CHECK(first(MGDANormalization::loss_l2) == Approx((0.25 - cosine / 2) / (1.25 - cosine)));
}

TEST_CASE("MGDA divides by no loss that is not above 0") {
    const double losses[] = {1, 0};
    const mtl::Gramian gramian{testing::conflicting().matrix(), mtl::StepContext{losses}};
    CHECK_THROWS_WITH((MGDA{{.normalization = MGDANormalization::loss}}(gramian)), ContainsSubstring("expected losses above 0"));
    CHECK_NOTHROW(MGDA{{.normalization = MGDANormalization::l2}}(gramian));
}
