// SPDX-License-Identifier: MIT
/// @file What a convolution chooses, held to what the choice is for: whoever changes a constant sees here what follows.
#include "catch.hpp"

#include <espalier/kernels/conv_choice.hpp>

#include <utility>

using namespace espalier;
using kernels::ConvShape;
using kernels::StripPlan;
using kernels::Window;
namespace tiled = kernels::tiled;

namespace {

ConvShape shape(Index batch, Index side, Index in, Index out, const Window& window, Index groups = 1) {
    return {batch, side, window.output("test", side), in, out, groups, window};
}

const Window same3{3, 1, 1};

}  // namespace

TEST_CASE("tiles serve a convolution unless its padding or window is beyond all proportion", "[conv_choice]") {
    CHECK(tiled::serves(shape(8, 32, 32, 64, same3)));
    CHECK(tiled::serves(shape(1, 8, 3, 4, {3, 1, 20})));
    CHECK_FALSE(tiled::serves(shape(1, 8, 3, 4, {3, 1, 4000, 4000})));
    CHECK_FALSE(tiled::serves(shape(1, 8, 0, 4, same3)));
    CHECK(tiled::serves(shape(1, 32, 8, 8, {32, 1, 0}, 8)));
    CHECK_FALSE(tiled::serves(shape(1, 33, 8, 8, {33, 1, 0}, 8)));  // depthwise, of 1089 taps
}

TEST_CASE("few channels scatter the gradient of the input and unfold the windows, many do not", "[conv_choice]") {
    const ConvShape lenet = shape(64, 14, 10, 20, Window{5});
    CHECK(tiled::scatters_input(lenet, 64));
    CHECK_FALSE(tiled::scatters_input(lenet, 3));  // would leave threads idle
    CHECK(tiled::unfolds_windows(lenet));
    for (const Index channels : {16, 32, 64, 128}) {
        CHECK_FALSE(tiled::scatters_input(shape(64, 32, channels, channels, same3), 64));
        CHECK_FALSE(tiled::unfolds_windows(shape(64, 32, channels, channels, same3)));
    }
    ConvShape grouped = lenet;
    grouped.groups = 2;
    ConvShape dilated = lenet;
    dilated.window.dilation = 2;
    for (const ConvShape& s : {grouped, dilated}) {
        CHECK_FALSE(tiled::scatters_input(s, 64));
        CHECK_FALSE(tiled::unfolds_windows(s));
    }
}

TEST_CASE("strips have the pixels that they are to have, in whole rows", "[conv_choice]") {
    CHECK(tiled::tile_strips(1, {100, 32}, 1).rows() == 6);    // 192 pixels
    CHECK(tiled::tile_strips(1, {100, 50}, 1).rows() == 4);    // or some more
    CHECK(tiled::tile_strips(1, {100, 64}, 2).rows() == 4);    // of pooled windows
    CHECK(tiled::tile_strips(1, {100, 1000}, 1).rows() == 1);  // a row at least
    CHECK(tiled::tile_strips(1, {4, 7}, 1).rows() == 4);       // an image at most
    CHECK(tiled::window_strips(shape(1, 32, 3, 4, same3), 1).rows() == 3);
    CHECK(tiled::window_strips(shape(1, 200, 3, 4, same3), 1).rows() == 1);
}

TEST_CASE("columns are parted where there are few strips", "[conv_choice]") {
    CHECK(tiled::column_parts(StripPlan{1, 4, 4}.size(), 20) == 8);
    CHECK(tiled::column_parts(StripPlan{1, 4, 4}.size(), 3) == 3);
    CHECK(tiled::column_parts(StripPlan{3, 4, 4}.size(), 20) == 3);
    CHECK(tiled::column_parts(StripPlan{8, 4, 4}.size(), 20) == 1);
    CHECK(tiled::column_parts(StripPlan{0, 4, 4}.size(), 20) == 8);
}

TEST_CASE("the gradient of the weights sums strips that a cache holds, in chunks that the problem gives", "[conv_choice]") {
    const ConvShape small = shape(40, 8, 16, 16, same3);
    const StripPlan together = tiled::weight_strips(small);
    CHECK(together.rows() == 8);
    CHECK(together.together() == 16);  // images of 64 pixels: 1024 of 32 channels in 128 KiB
    CHECK(together.size() == 3);
    CHECK(tiled::weight_chunks(small, together.size()) == 2);  // 2560 pixels

    const ConvShape large = shape(2, 128, 64, 64, same3);
    const StripPlan strips = tiled::weight_strips(large);
    CHECK(strips.together() == 1);
    CHECK(strips.rows() == 2);  // 256 pixels
    CHECK(tiled::weight_chunks(large, strips.size()) == 16);
    CHECK(tiled::weight_parts(large, 16, 8) == 1);

    const ConvShape one = shape(1, 8, 16, 16, same3);
    CHECK(tiled::weight_chunks(one, 1) == 1);
    CHECK(tiled::weight_parts(one, 1, 8) == 4);
    CHECK(tiled::weight_parts(shape(1, 8, 16, 16, Window{1}), 1, 8) == 2);  // 16 weights of a filter are two tiles
}

TEST_CASE("the chunks of a depthwise gradient have pixels enough", "[conv_choice]") {
    const ConvShape s = shape(2, 16, 8, 8, same3, 8);
    const StripPlan strips = kernels::long_strips(2, 16);
    CHECK(kernels::depthwise::weight_chunks(s, strips) == 8);
    CHECK(kernels::depthwise::weight_chunks(shape(1, 4, 8, 8, same3, 8), kernels::long_strips(1, 4)) == 1);
    CHECK(kernels::depthwise::weight_chunks(shape(64, 32, 8, 8, same3, 8), kernels::long_strips(64, 32)) == 16);
}
