// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "sanitized.hpp"

#include <espalier/kernels/conv_rows.hpp>
#include <espalier/tensor/tensor.hpp>

using namespace espalier;
using kernels::ConvCotangent;
using kernels::ConvShape;
using kernels::ConvTail;
using kernels::Window;
using kernels::detail::Frame;

namespace {

/// Frames of every place and extent around an image of 5 x 6: each value is that of `expected(y, x, c)`, 0 outside.
template <class Fill, class Expected>
void check_frames(Index channels, Index pitch, const Fill& fill, const Expected& expected) {
    Random random{2};
    for (int round = 0; round < 100; ++round) {
        const Frame frame{random.below(9) - 3, random.below(9) - 3, 1 + random.below(6), 1 + random.below(6), pitch};
        auto to = Tensor<float>::full({frame.size() + 1}, 99);
        fill(frame, to.data());
        REQUIRE(to[frame.size()] == 99);
        for (Index r = 0; r < frame.rows; ++r)
            for (Index q = 0; q < frame.columns; ++q)
                for (Index c = 0; c < channels; ++c) {
                    const Index y = frame.row + r;
                    const Index x = frame.column + q;
                    const bool inside = y >= 0 && y < 5 && x >= 0 && x < 6;
                    CAPTURE(y, x, c);
                    REQUIRE(to[(r * frame.columns + q) * pitch + c] == (inside ? expected(y, x, c) : 0));
                }
    }
}

}  // namespace

TEST_CASE("a frame holds an image's pixels, and zeros around it", "[conv_rows]") {
    Random random{1};
    const auto image = Tensor<float>::normal({5, 6, 3}, random);
    check_frames(
        3, 3,
        [&](const Frame& f, float* to) {
            kernels::detail::frame_of_image(f, {5, 6}, 3, image.data(), to);
        },
        [&](Index y, Index x, Index c) { return image.at(y, x, c); });
}

TEST_CASE("a frame of a cotangent is that before ReLU and pooling", "[conv_rows][long]") {
    Random random{3};
    const ConvShape s{2, {5, 6}, {5, 6}, 1, 19, 1, Window{1}};
    const auto dy = Tensor<float>::normal({3, 2, 5, 6, 19}, random);  // three tasks
    const auto y = Tensor<float>::normal({2, 5, 6, 19}, random);
    const auto pooled = Tensor<float>::normal({3, 2, 2, 3, 19}, random);
    auto winners = Tensor<std::uint8_t>::empty({2 * 2 * 3 * 19 + kernels::winners_slack});
    for (auto& winner : winners)
        winner = static_cast<std::uint8_t>(random.below(5));
    for (Index n = 0; n < 6; n += testing::sanitized ? 5 : 1) {
        const Index image = n % 2;
        for (const Index pitch : {19, 32}) {
            const auto frames = [&](const ConvCotangent<float>& cotangent, const auto& expected) {
                check_frames(
                    19, pitch, [&](const Frame& f, float* to) { kernels::detail::frame_of_cotangent(f, s, cotangent, n, to); }, expected);
            };
            const auto at = [&](Index row, Index column, Index c) { return dy.at(n / 2, image, row, column, c); };
            frames({.dy = dy.data()}, at);
            frames({ConvTail::relu, dy.data(), y.data()},
                   [&](Index row, Index column, Index c) { return y.at(image, row, column, c) > 0 ? at(row, column, c) : 0; });
            frames({ConvTail::relu_max_pool, pooled.data(), nullptr, winners.data()}, [&](Index row, Index column, Index c) {
                if (row >= 4)
                    return 0.0F;  // the last row is in no window
                const Index winner = winners[((image * 2 + row / 2) * 3 + column / 2) * 19 + c];
                return winner == row % 2 * 2 + column % 2 ? pooled.at(n / 2, image, row / 2, column / 2, c) : 0;
            });
        }
    }
}

TEST_CASE("the windows of a strip read the pixels of its image, in place or from a frame, and zeros beyond", "[conv_rows]") {
    Random random{4};
    for (int round = 0; round < 60; ++round) {
        const Window w{{1 + random.below(3), 1 + random.below(3)},
                       {1 + random.below(2), 1 + random.below(2)},
                       round % 3 ? Pair{random.below(3), random.below(3)} : Pair{0},
                       {1 + random.below(2), 1 + random.below(2)}};
        const Pair input{6 + random.below(4), 6 + random.below(4)};
        const Index groups = 1 + random.below(2), depth = 1 + random.below(3);
        const ConvShape s{5, input, w.output("test", input), groups * depth, groups, groups, w};
        const auto x = Tensor<float>::normal({s.batch, input.height, input.width, s.in_channels}, random);
        const Index rows = 1 + random.below(s.output.height);
        const kernels::StripPlan strips{s.batch, s.output.height, rows, rows == s.output.height ? 2 : 1};
        const kernels::detail::StripSource source{s, rows, s.output.width};
        CAPTURE(round, input, s.output, w.kernel, w.stride, w.padding, w.dilation, rows, groups, depth);
        REQUIRE((source.copied() == 0) == (w.padding == Pair{0}));
        auto memory = Tensor<float>::full({strips.together() * source.copied() + 1}, 99);
        for (Index i = 0; i < strips.size(); ++i) {
            const kernels::Strip strip = strips[i];
            const float* const from = source.read(strip, x.data(), memory.data());
            for (Index n = 0; n < strip.images; ++n)
                for (Index oy = 0; oy < strip.rows; ++oy)
                    for (Index ox = 0; ox < s.output.width; ++ox)
                        for (Index k = 0; k < s.patch(); ++k) {
                            const Index tap = k / depth;
                            const Index row = (strip.first + oy) * w.stride.height - w.padding.height +
                                              tap / w.kernel.width * w.dilation.height;
                            const Index column = ox * w.stride.width - w.padding.width + tap % w.kernel.width * w.dilation.width;
                            const bool inside = row >= 0 && row < input.height && column >= 0 && column < input.width;
                            const float expected = inside ? x.at(strip.image + n, row, column, k % depth) : 0;
                            REQUIRE(from[n * source.image_size() + source.window(oy, ox) + source.product(k)] == expected);
                        }
        }
        REQUIRE(memory[memory.numel() - 1] == 99);
    }
}
