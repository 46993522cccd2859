// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/nddr.hpp>

#include "mtl/sharing/ways.hpp"
#include "nn/testing.hpp"

#include <algorithm>

using namespace espalier;
using testing::require_close;

TEST_CASE("a fusion begins as a weighted sum of the columns, channel by channel", "[mtl][sharing]") {
    for (const bool image : {false, true}) {
        const auto networks = ways::networks<float>(3, image);
        const std::vector<Index> channels{image ? 3 : 4};
        mtl::NDDR fused{networks, {.channels = channels, .after = {1}, .own = 0.8, .batch_norm = false}};
        mtl::CrossStitch stitched{networks, {.after = {1}, .own = 0.8}};
        const auto x = ways::input<float>(image);
        const auto a = fused(x), b = stitched(x);
        for (std::size_t i = 0; i < a.size(); ++i)
            require_close(a[i].value(), b[i].value(), 1e-5);
    }
}

TEST_CASE("fusions are normalised as batches, and by running statistics in evaluation", "[mtl][sharing]") {
    mtl::NDDR fused{ways::networks<float>(2, false), {.channels = {4}, .after = {3}}};
    const auto features = fused(ways::input<float>(false, 64));
    for (Index c = 0; c < 4; ++c) {
        double sum = 0;
        for (Index n = 0; n < 64; ++n)
            sum += static_cast<double>(features[1].value().at(n, c));
        CHECK(std::abs(sum) < 1e-3);
    }
    CHECK(fused.state_dict().contains("norms.0.1.running_mean"));
    fused.eval();
    CHECK(fused(ways::input<float>(false, 1))[0].shape() == Shape{1, 4});  // one sample has no statistics of its own
}

TEST_CASE("channels that were not told, or told wrong", "[mtl][sharing]") {
    const auto networks = ways::networks<float>(2, false);
    CHECK_THROWS_WITH((mtl::NDDR<>{networks, {.channels = {4}}}), "[NDDR] expected the channels at 3 places, got 1");
    mtl::NDDR<> wrong{networks, {.channels = {5}, .after = {1}}};
    CHECK_THROWS_WITH(wrong(ways::input<float>(false)),
                      "[linear] expected 10 input features, got input (3, 8), in the exchange after layer 1");
}
