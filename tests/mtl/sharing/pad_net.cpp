// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/pad_net.hpp>

#include "mtl/sharing/ways.hpp"
#include "nn/testing.hpp"

#include <utility>
#include <vector>

using namespace espalier;
using testing::same_bits;

namespace {

/// Gates all of one number, whatever is read.
nn::Layer<> constant_gate(float score) {
    nn::Linear<> gate{4, 4};
    gate.weight().mutable_value().fill(0);
    gate.bias().mutable_value().fill(score);
    return gate;
}

}  // namespace

TEST_CASE("a closed gate leaves features as they are, and an open one adds what the other tasks say", "[mtl][sharing]") {
    const auto networks = ways::networks<float>(3, true);
    const std::vector<nn::Layer<>> as_it_is(2, nn::Identity{});
    mtl::PADNet distilled{networks,
                          {{.gate = constant_gate(-1000), .messages = as_it_is}, {.gate = constant_gate(1000), .messages = as_it_is}}};
    const auto x = ways::input<float>(true);
    const auto features = distilled(x), first = mtl::Separate{networks}(x);
    REQUIRE(features.size() == 5);
    CHECK(same_bits(features[0].value(), first[0].value()));
    testing::require_close(features[1].value(), (first[0] + first[1] + first[2]).value(), 1e-6);
    for (std::size_t i = 0; i < 3; ++i)
        CHECK(same_bits(features[2 + i].value(), first[i].value()));
}

TEST_CASE("images are refined pixel by pixel", "[mtl][sharing]") {
    const auto convolution = [](Index channels) { return [=] { return nn::Conv2d{channels, 4, 3, {.padding = 1}}; }; };
    mtl::PADNet distilled{mtl::repeat(2, convolution(2)), {{.gate = convolution(4)(), .messages = mtl::repeat(1, convolution(4))}}};
    mtl::MultiTaskNet<> net{distilled,
                            {{"depth", nn::Conv2d{4, 1, 1}}, {"first depth", nn::Conv2d{4, 1, 1}}, {"edges", nn::Conv2d{4, 1, 1}}}};
    const auto outputs = net(ways::input<float>(true));
    CHECK(outputs.at("depth").shape() == Shape{3, 6, 5, 1});
    sum(outputs.at("depth")).backward();
    CHECK(net.named_parameters().at("trunk.networks.1.weight").has_grad());
    CHECK_FALSE(net.task_parameters("edges")[0].has_grad());
}

TEST_CASE("refinements that do not fit are refused", "[mtl][sharing]") {
    using Refinements = std::vector<mtl::Refinement<>>;
    const auto networks = ways::networks<float>(2, false);
    const auto layers = ways::linears<float>(1);
    const mtl::Refinement<> whole{.gate = layers[0], .messages = layers};
    CHECK_THROWS_WITH((mtl::PADNet{networks, Refinements(3, whole)}),
                      "[PADNet] expected a network for each task and at most as many refinements, got 2 and 3");
    CHECK_THROWS_WITH((mtl::PADNet<>{{}, Refinements{}}),
                      "[PADNet] expected a network for each task and at most as many refinements, got 0 and 0");
    CHECK_THROWS_WITH((mtl::PADNet{networks, Refinements{whole, {.gate = layers[0], .messages = {}}}}),
                      "[PADNet] expected 1 messages, one of each other task, got 0 for task 1");
    const auto x = ways::input<float>(false);
    mtl::PADNet wide{networks, Refinements{{.gate = nn::Linear{4, 5}, .messages = layers}}};
    CHECK_THROWS_WITH(wide(x), "[PADNet] expected a gate (3, 4), got (3, 5), in task 0");
    mtl::PADNet loud{networks, Refinements{whole, {.gate = layers[0], .messages = {nn::Linear{4, 5}}}}};
    CHECK_THROWS_WITH(loud(x), "[PADNet] expected a message (3, 4), got (3, 5) at 0, in task 1");
}
