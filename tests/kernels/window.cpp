// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/kernels/window.hpp>

#include <limits>
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

TEST_CASE("with ceil_mode a last window may reach over the end, if it begins before it", "[window]") {
    for (Index size = 1; size <= 7; ++size)
        for (Index kernel = 1; kernel <= 4; ++kernel)
            for (Index stride = 1; stride <= 5; ++stride)
                for (Index padding = 0; 2 * padding <= kernel; ++padding) {
                    Index count = 0;  // from stride to stride, as long as there is something that no window has reached
                    for (Index first = -padding; first < size; first += stride) {
                        ++count;
                        if (first + kernel >= size + padding)
                            break;
                    }
                    CAPTURE(size, kernel, stride, padding);
                    if (size + 2 * padding - kernel <= -stride)
                        continue;  // PyTorch refuses an image that much smaller than the window
                    const Window window{{kernel, 1}, {stride, 1}, {padding, 0}, 1, true};
                    CHECK(window.output("slide", {size, 5}) == Pair{count, 5});
                }
    CHECK_THROWS_AS((Window{{4, 1}, {2, 1}, 0, 1, true}.output("slide", {2, 5})), ShapeError);
    CHECK(Window{{4, 1}, {3, 1}, 0, 1, true}.output("slide", {2, 5}) == Pair{1, 5});
}

TEST_CASE("options are bounded before they are multiplied and added", "[window]") {
    constexpr Index largest = std::numeric_limits<Index>::max();
    for (const Index bad : {largest, Index{1} << 62, Index{1} << 31})
        for (const Pair pair : {Pair{bad, 1}, Pair{1, bad}, Pair{bad}}) {
            CHECK_THROWS_AS((Window{pair}.output("op", 8)), ValueError);
            CHECK_THROWS_AS((Window{3, pair}.output("op", 8)), ValueError);
            CHECK_THROWS_AS((Window{3, 1, pair}.output("op", 8)), ValueError);
            CHECK_THROWS_AS((Window{3, 1, 1, pair}.output("op", 8)), ValueError);
        }
    const Index most = Window::most;
    CHECK(Window{1, most, most, most}.output("op", 8) == Pair{3});
    CHECK_THROWS_AS((Window{most, 1, 0, most}.output("op", 8)), ShapeError);
    CHECK_THROWS_AS((Window{3, 1, 0, most}.output("op", {largest / 16, 8})), ShapeError);
}

TEST_CASE("a window tells the same by numbers no larger than the padded image", "[window]") {
    const Window window{{1, 3}, {100, 2}, {1, 0}, {50, 2}};
    const Window same = window.within({5, 9});
    CHECK((same.stride == Pair{7, 2} && same.dilation == Pair{7, 2} && same.kernel == window.kernel && same.padding == window.padding));
    CHECK(same.output("op", {5, 9}) == window.output("op", {5, 9}));
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
