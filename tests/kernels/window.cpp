// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/kernels/window.hpp>

#include <sstream>

using namespace espalier;
using kernels::Window;

TEST_CASE("a pair stands for height and width, or for both", "[window]") {
    CHECK(Pair{3} == Pair{3, 3});
    CHECK_FALSE(Pair{3, 2} == Pair{2, 3});
    std::ostringstream text;
    text << Pair{3, 2};
    CHECK(text.str() == "3x2");
}

TEST_CASE("a window fits as often as it can be slid", "[window]") {
    // Counted by sliding it, for every small geometry.
    for (Index size = 1; size <= 7; ++size)
        for (Index kernel = 1; kernel <= 3; ++kernel)
            for (Index stride = 1; stride <= 3; ++stride)
                for (Index padding = 0; padding <= 2; ++padding)
                    for (Index dilation = 1; dilation <= 3; ++dilation) {
                        Index count = 0;
                        for (Index first = -padding; first + (kernel - 1) * dilation < size + padding; first += stride)
                            ++count;
                        const Window window{{kernel, 1}, {stride, 1}, {padding, 0}, {dilation, 1}};
                        if (count == 0)
                            CHECK_THROWS_AS(window.output("slide", {size, 5}), ShapeError);
                        else
                            CHECK(window.output("slide", {size, 5}) == Pair{count, 5});
                    }
}

TEST_CASE("a malformed window is refused under the operation's name", "[window]") {
    CHECK_THROWS_WITH((Window{{0, 1}}.output("op", 4)), "[op] expected a kernel of at least 1x1, got 0x1");
    CHECK_THROWS_WITH((Window{2, {1, 0}}.output("op", 4)), "[op] expected a stride of at least 1, got 1x0");
    CHECK_THROWS_WITH((Window{2, 1, {-1, 0}}.output("op", 4)), "[op] expected a padding of at least 0, got -1x0");
    CHECK_THROWS_WITH((Window{2, 1, 0, 0}.output("op", 4)), "[op] expected a dilation of at least 1, got 0x0");
    CHECK_THROWS_WITH((Window{3, 1, {1, 0}, 2}.output("op", {9, 4})),
                      "[op] expected a padded image of at least 5x5, got 9x4 with padding 1x0");
    CHECK_THROWS_AS((Window{{0, 1}}.output("op", 4)), ValueError);
    CHECK(Window{{3, 2}}.taps() == 6);
}
