// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/core/random.hpp>
#include <espalier/kernels/strip_plan.hpp>

#include <algorithm>
#include <atomic>
#include <vector>

using namespace espalier;
using kernels::Strip;
using kernels::StripPlan;

namespace {

/// How often each row of all images is in a strip of those in [first, last).
std::vector<int> times_of_rows(const StripPlan& plan, Index images, Index height, Index first, Index last) {
    std::vector<int> times(static_cast<std::size_t>(images * height));
    for (Index i = first; i < last; ++i) {
        const Strip strip = plan[i];
        REQUIRE(strip.images >= 1);
        REQUIRE(strip.images <= plan.together());
        REQUIRE(strip.rows >= 1);
        REQUIRE(strip.rows <= plan.rows());
        REQUIRE(strip.end() == strip.first + strip.rows);
        for (Index image = strip.image; image < strip.image + strip.images; ++image)
            for (Index row = strip.first; row < strip.end(); ++row)
                ++times.at(static_cast<std::size_t>(image * height + row));
    }
    return times;
}

bool each_once(const std::vector<int>& times) {
    return std::all_of(times.begin(), times.end(), [](int count) { return count == 1; });
}

}  // namespace

TEST_CASE("strips hold every row of every image once, image by image and from above to below", "[strip_plan]") {
    Random random{1};
    for (int round = 0; round < 200; ++round) {
        const Index images = 1 + random.below(9), height = 1 + random.below(20), rows = 1 + random.below(22);
        const Index together = rows >= height ? 1 + random.below(4) : 1;
        const StripPlan plan{images, height, rows, together};
        CAPTURE(images, height, rows, together);
        CHECK(each_once(times_of_rows(plan, images, height, 0, plan.size())));
        for (Index i = 1; i < plan.size(); ++i) {
            const Strip before = plan[i - 1], strip = plan[i];
            REQUIRE((strip.image == before.image ? strip.first == before.end()
                                                 : strip.image == before.image + before.images && strip.first == 0));
        }
    }
}

TEST_CASE("the strips of an image follow each other", "[strip_plan]") {
    const StripPlan plan{3, 5, 2};
    REQUIRE(plan.of_image() == 3);
    REQUIRE(plan.size() == 9);
    for (Index n = 0; n < 3; ++n)
        for (Index i = 0; i < 3; ++i) {
            const Strip strip = plan[n * 3 + i];
            CHECK(strip.image == n);
            CHECK(strip.images == 1);
            CHECK(strip.first == 2 * i);
            CHECK(strip.rows == (i < 2 ? 2 : 1));
        }
}

TEST_CASE("small images make strips of several, the last of those that are left", "[strip_plan]") {
    const StripPlan plan{7, 4, 4, 3};
    REQUIRE(plan.size() == 3);
    CHECK(plan[0].images == 3);
    CHECK(plan[2].image == 6);
    CHECK(plan[2].images == 1);
    CHECK(plan[2].rows == 4);
}

TEST_CASE("a loop over strips sees each part of each strip once, with memory of its own", "[strip_plan]") {
    const StripPlan plan{4, 10, 3};
    std::vector<std::atomic<int>> times(static_cast<std::size_t>(plan.size() * 5));
    std::atomic<bool> had_memory{true};
    plan.for_each(5, 64, [&](const Strip& strip, Index part, void* scratch) {
        had_memory = had_memory && scratch;
        const Index i = strip.image * plan.of_image() + strip.first / plan.rows();
        ++times.at(static_cast<std::size_t>(i * 5 + part));
    });
    CHECK(had_memory);
    CHECK(std::all_of(times.begin(), times.end(), [](const auto& count) { return count == 1; }));
    (StripPlan{0, 10, 3}).for_each(5, 64, [](const Strip&, Index, void*) { FAIL("expected no strip of no image"); });
}

TEST_CASE("long strips are some for every thread, as long as there are rows", "[strip_plan]") {
    CHECK(kernels::long_strips(1, 100).rows() == 7);
    CHECK(kernels::long_strips(1, 100).size() == 15);
    CHECK(kernels::long_strips(1, 5).rows() == 1);
    CHECK(kernels::long_strips(3, 12).rows() == 2);
    CHECK(kernels::long_strips(16, 12).rows() == 12);
    CHECK(kernels::long_strips(100, 12).size() == 100);
    CHECK(kernels::long_strips(0, 12).size() == 0);
}
