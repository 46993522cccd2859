// SPDX-License-Identifier: MIT
#include <espalier/nn/trunks/hardnet.hpp>

#include "nn/trunks/testing.hpp"

#include <string>
#include <utility>

using namespace espalier;
using testing::compare_with_pytorch;
using testing::normal;
using testing::parameters_with_classifier;
using testing::shape_out;
namespace trunks = nn::trunks;

namespace {

/// As `hardnet_small` of make_trunks.py.
trunks::HarDNetConfig few(bool depthwise) {
    return {.first = 8, .second = 12, .multiplier = 1.6, .blocks = {{6, 4, 16, true}, {8, 8, 24, false}}, .depthwise = depthwise};
}

}  // namespace

TEST_CASE("a harmonic dense block has the paper's links and filters", "[nn][trunks]") {
    const trunks::HarDBlock block{64, {.growth = 14, .multiplier = 1.7, .layers = 8}};
    CHECK(block.out_channels() == 124);
    const auto shapes = block.named_parameters();
    const Index in[] = {64, 78, 24, 102, 40, 54, 24, 142};
    const Index out[] = {14, 24, 14, 40, 14, 24, 14, 68};
    for (std::size_t i = 0; i < 8; ++i)
        CHECK(shapes.at("layers." + std::to_string(i) + ".0.weight").shape() == Shape{out[i], 3, 3, in[i]});
    CHECK(trunks::HarDBlock{48, {.growth = 16, .multiplier = 1.6, .layers = 4}}.out_channels() == 72);
    // One layer alone is its own result, two are both.
    CHECK(trunks::HarDBlock{5, {.growth = 4, .layers = 1}}.out_channels() == 4);
    CHECK(trunks::HarDBlock{5, {.growth = 4, .layers = 2}}.out_channels() == 4 + 6);
}

TEST_CASE("HarDNet takes images of any size and channels", "[nn][trunks]") {
    CHECK(shape_out(trunks::hardnet(1, few(false)), {1, 64, 64, 1}) == Shape{1, 24});
    CHECK(shape_out(trunks::hardnet(3, few(true)), {2, 9, 30, 3}) == Shape{2, 24});
    CHECK(shape_out(trunks::hardnet(3, few(false), {.pool = false}), {1, 40, 65, 3}) == Shape{1, 5, 8, 24});
    CHECK(shape_out(trunks::hardnet(3, few(true), {.pool = false}), {1, 40, 65, 3}) == Shape{1, 5, 9, 24});
    CHECK(trunks::hardnet(3, few(true)).size() == 3);
}

TEST_CASE("small HarDNets equal PyTorch's", "[nn][trunks]") {
    for (const char* const size : {"64x64", "56x76"}) {
        const bool square = size == std::string{"64x64"};
        const auto input = [&](Index channels) { return square ? Shape{2, 64, 64, channels} : Shape{2, 56, 76, channels}; };
        compare_with_pytorch(trunks::hardnet<double>(3, few(false)), std::string{"hardnet_small/"} + size, input(3));
        compare_with_pytorch(trunks::hardnet(3, few(false)), std::string{"hardnet_small/"} + size, input(3));
        compare_with_pytorch(trunks::hardnet<double>(1, few(true)), std::string{"hardnet_small_ds/"} + size, input(1));
        compare_with_pytorch(trunks::hardnet(1, few(true)), std::string{"hardnet_small_ds/"} + size, input(1));
    }
}

TEST_CASE("the paper's HarDNets have its numbers of parameters and equal PyTorch's", "[nn][trunks][long]") {
    if (testing::sanitized)
        return;  // minutes, in which first weights are drawn
    const auto millions = [](const nn::Sequential<float>& trunk, Index features) {
        return static_cast<double>(parameters_with_classifier(trunk, features, 1000)) / 1e6;
    };
    CHECK(trunks::HarDBlock{782, {.growth = 256, .multiplier = 1.7, .layers = 4}}.out_channels() == 1252);
    auto of_39 = trunks::hardnet39ds(3);
    CHECK(millions(of_39, 1024) == Approx(3.488).margin(5e-4));
    compare_with_pytorch(trunks::hardnet39ds<double>(3), "hardnet39ds/64x64", {2, 64, 64, 3});
    compare_with_pytorch(of_39, "hardnet39ds/64x64", {2, 64, 64, 3});
    compare_with_pytorch(std::move(of_39), "hardnet39ds/72x97", {2, 72, 97, 3});
    auto of_68ds = trunks::hardnet68ds(3);
    CHECK(millions(of_68ds, 1024) == Approx(4.181).margin(5e-4));
    compare_with_pytorch(std::move(of_68ds), "hardnet68ds/64x72", {2, 64, 72, 3});
    auto of_68 = trunks::hardnet68(3);
    CHECK(millions(of_68, 1024) == Approx(17.565).margin(5e-4));
    compare_with_pytorch(std::move(of_68), "hardnet68/64x72", {2, 64, 72, 3});
    auto config = trunks::detail::hardnet85_config();
    CHECK(std::exchange(config.dropout, 0) == 0.1);
    auto of_85 = trunks::hardnet(3, config);
    CHECK(millions(of_85, 1280) == Approx(36.670).margin(5e-4));
    CHECK(of_85.size() == 7);
    compare_with_pytorch(std::move(of_85), "hardnet85/64x72", {2, 64, 72, 3});
}

TEST_CASE("HarDNet is a value, its dropout drops in training alone", "[nn][trunks]") {
    testing::require_regular(trunks::hardnet(2, few(false)), {2, 40, 33, 2});
    testing::require_regular(trunks::hardnet(2, few(true)), {2, 40, 33, 2});
    manual_seed(6);
    auto config = few(false);
    config.dropout = 0.5;
    auto dropping = trunks::hardnet(2, config);
    manual_seed(6);
    auto plain = trunks::hardnet(2, few(false));
    CHECK(testing::names(plain.named_parameters()) != testing::names(dropping.named_parameters()));
    auto from = plain.parameters();
    auto to = dropping.parameters();
    for (std::size_t i = 0; i < from.size(); ++i)
        to[i].mutable_value() = from[i].value();
    const Variable<float> x{normal<float>({2, 40, 33, 2})};
    CHECK_FALSE(testing::same_bits(dropping(x).value(), plain(x).value()));
    plain.load_state_dict(plain.state_dict());
    dropping.eval();
    plain.eval();
    CHECK(dropping(x).shape() == plain(x).shape());
}

TEST_CASE("gradients of harmonic dense blocks", "[nn][trunks]") {
    manual_seed(5);
    trunks::HarDBlock<double> block{2, {.growth = 2, .multiplier = 1.5, .layers = 4}};
    testing::require_gradients(block, normal<double>({2, 2, 3, 2}));
    trunks::HarDBlock<double> depthwise{2, {.growth = 2, .multiplier = 1.5, .layers = 3, .depthwise = true}};
    testing::require_gradients(depthwise, normal<double>({2, 2, 3, 2}));
}

TEST_CASE("what HarDNet refuses", "[nn][trunks]") {
    CHECK_THROWS_WITH(trunks::hardnet39ds(0), "[hardnet] expected images of at least one channel, got 0");
    CHECK_THROWS_WITH(trunks::hardnet(3, {.first = 4, .second = 4, .multiplier = 1.7, .blocks = {}}),
                      "[hardnet] expected at least one block, got none");
    CHECK_THROWS_WITH((trunks::HarDBlock{3, {.growth = 4, .multiplier = 0.5}}), "[HarDBlock] expected a multiplier in [1, 10], got 0.5");
    CHECK_THROWS_WITH((trunks::HarDBlock{3, {.growth = 4, .layers = 0}}),
                      "[HarDBlock] expected positive channels, growth and layers, got 3, 4 and 0");
    auto trunk = trunks::hardnet(3, few(false));
    CHECK_THROWS_WITH(trunk(Tensor<float>{Shape{1, 64, 64, 1}}),
                      "[conv2d] expected 3 input channels, got input (1, 64, 64, 1), in layer 0, in layer 0, in layer 0");
    CHECK_THROWS_WITH(trunk(normal<float>({2, 4, 64, 3})),
                      "[max_pool2d] expected a padded image of at least 2x2, got 1x16 with padding 0x0, in layer 2, in layer 1");
}
