// SPDX-License-Identifier: MIT
#include <espalier/io/safetensors.hpp>
#include <espalier/mtl/balancing/solvers/affinity_propagation.hpp>

#include "catch.hpp"

#include <string>

using namespace espalier;
using Groups = PoolVector<std::size_t>;
using mtl::Matrix;
using mtl::solvers::AffinityPropagation;

TEST_CASE("affinity propagation finds the groups of the published formulas", "[mtl][balancing][solvers]") {
    const auto file = io::load_safetensors(ESPALIER_GOLDEN_DIR "/balancing_beside.safetensors");
    for (const int number : {0, 1, 2, 3}) {
        const auto name = "propagation" + std::to_string(number);
        const auto similarities = file.get<double>(name + "/similarities");
        const auto expected = file.get<double>(name + "/groups");
        const auto size = static_cast<std::size_t>(expected.numel());
        Matrix matrix{size, size};
        std::copy(similarities.begin(), similarities.end(), matrix.data());
        const auto groups = AffinityPropagation{matrix}.groups();
        CAPTURE(number);
        REQUIRE(groups.size() == size);
        for (std::size_t i = 0; i < size; ++i)
            CHECK(static_cast<double>(groups[i]) == expected[static_cast<Index>(i)]);
    }
}

TEST_CASE("things that are all as similar are one group, or each its own if that is preferred", "[mtl][balancing][solvers]") {
    CHECK(AffinityPropagation{Matrix{{2, 1}, {1, 2}}}.groups() == Groups{0, 1});
    CHECK(AffinityPropagation{Matrix{{0, 1}, {1, 0}}}.groups() == Groups{0, 0});
    CHECK(AffinityPropagation{Matrix{{0, 1, 1}, {1, 0, 1}, {1, 1, 0}}}.groups() == Groups{0, 0, 0});
    CHECK(AffinityPropagation{Matrix{{7}}}.groups() == Groups{0});
}

TEST_CASE("two pairs are found, the same ones each time", "[mtl][balancing][solvers]") {
    const Matrix pairs{{-2, -1, -9, -9}, {-1, -2, -9, -9}, {-9, -9, -2, -1}, {-9, -9, -1, -2}};
    CHECK(AffinityPropagation{pairs}.groups() == Groups{0, 0, 1, 1});
    CHECK(AffinityPropagation{pairs}.groups() == Groups{0, 0, 1, 1});
}
