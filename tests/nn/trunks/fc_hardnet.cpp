// SPDX-License-Identifier: MIT
#include <espalier/nn/trunks/fc_hardnet.hpp>

#include "nn/trunks/testing.hpp"

#include <utility>

using namespace espalier;
using testing::compare_with_pytorch;
using testing::normal;
namespace trunks = nn::trunks;

TEST_CASE("FC-HarDNet-70 has the published number of parameters and equals PyTorch's", "[nn][trunks][long]") {
    if (testing::sanitized)
        return;  // minutes, in which first weights are drawn
    auto trunk = trunks::fc_hardnet70(3);
    CHECK(trunk.size() == 4);
    CHECK(static_cast<double>(testing::parameters_with_classifier(trunk, 48, 19)) / 1e6 == Approx(4.12).margin(5e-3));
    CHECK(testing::shape_out(trunk, {1, 61, 70, 3}) == Shape{1, 16, 18, 48});
    const auto pooled = [](auto net) {  // means of 8x8 pixels, as make_trunks.py has them
        net.add(nn::AvgPool2d{8});
        return net;
    };
    compare_with_pytorch(pooled(trunks::fc_hardnet70<double>(3)), "fc_hardnet70/128x128", {2, 128, 128, 3});
    compare_with_pytorch(pooled(trunk), "fc_hardnet70/128x128", {2, 128, 128, 3});
    compare_with_pytorch(pooled(std::move(trunk)), "fc_hardnet70/133x137", {2, 133, 137, 3});
}

TEST_CASE("FC-HarDNet-70 is a value, for images of any number of channels", "[nn][trunks][long]") {
    testing::require_regular(trunks::fc_hardnet70(1), {2, 64, 64, 1});
}

TEST_CASE("what FC-HarDNet refuses", "[nn][trunks]") {
    CHECK_THROWS_WITH(trunks::fc_hardnet70(0), "[fc_hardnet70] expected images of at least one channel, got 0");
}
