// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/mmoe.hpp>

#include <espalier/losses/mse.hpp>
#include <espalier/mtl/balancing/mgda.hpp>

#include "mtl/sharing/ways.hpp"
#include "nn/testing.hpp"

#include <vector>

using namespace espalier;
using testing::same_bits;

TEST_CASE("one expert is hard sharing", "[mtl][sharing]") {
    for (const bool image : {false, true}) {
        const auto networks = ways::networks<float>(1, image);
        mtl::MMoE mixture{networks, ways::gates<float>(2, image, 1)};
        mtl::HardSharing hard{networks[0]};
        const auto x = ways::input<float>(image);
        const auto features = mixture(x);
        REQUIRE(features.size() == 2);
        CHECK(same_bits(features[0].value(), hard(x)[0].value()));
        CHECK(same_bits(features[1].value(), hard(x)[0].value()));
    }
}

TEST_CASE("one gate makes the features of all heads, a gate for each their own", "[mtl][sharing]") {
    const auto experts = ways::networks<float>(3, false);
    const mtl::Head<> heads[] = {{"a", nn::Linear{4, 1}}, {"b", nn::Linear{4, 1}}};
    mtl::MultiTaskNet one{mtl::MMoE{experts, ways::gates<float>(1, false, 3)}, {heads[0], heads[1]}};
    mtl::MultiTaskNet two{mtl::MMoE{experts, ways::gates<float>(2, false, 3)}, {heads[0], heads[1]}};
    const auto x = ways::input<float>(false);
    CHECK(one.sharing()(x).size() == 1);
    CHECK(two.sharing()(x).size() == 2);
    CHECK(one(x).size() == 2);
    CHECK(one.features(x).shape() == Shape{3, 4});
    CHECK_THROWS_WITH(two.features(x), "[features] expected features that all heads share, got 2, one for each head");
    CHECK_THROWS_WITH(two.trunk(), "[trunk] expected one trunk for all tasks, got another way of sharing");
}

TEST_CASE("rules that act on features look at what the experts found", "[mtl][sharing]") {
    auto net = ways::net<double>("MMoE", 2, false);
    mtl::MultiTaskLoss<double> criterion{{"task0", losses::MSE<double>{}}, {"task1", losses::MSE<double>{}}};
    criterion.balance(mtl::MGDA{}, {.scope = mtl::Scope::features});
    auto loss = criterion(net(ways::input<double>(false)),
                          {{"task0", Tensor<double>{Shape{3, 1}}}, {"task1", Tensor<double>{Shape{3, 2}}}});
    loss.backward();
    const auto gramian = loss.gramian();
    CHECK(gramian(0, 0) > 0);
    CHECK(gramian(0, 1) != 0);
}

TEST_CASE("experts and gates that do not fit are refused", "[mtl][sharing]") {
    using Layers = std::vector<nn::Layer<>>;
    const auto x = ways::input<float>(false);
    CHECK_THROWS_WITH((mtl::MMoE<>{Layers{}, Layers{nn::Linear{3, 1}}}), "[MMoE] expected at least one expert and one gate, got 0 and 1");
    CHECK_THROWS_WITH((mtl::MMoE<>{Layers{nn::Linear{3, 4}}, Layers{}}), "[MMoE] expected at least one expert and one gate, got 1 and 0");
    mtl::MMoE<> wrong_gate{Layers{nn::Linear{3, 4}, nn::Linear{3, 4}}, Layers{nn::Linear{3, 2}, nn::Linear{3, 3}}};
    CHECK_THROWS_WITH(wrong_gate(x), "[MMoE] expected 2 scores, one for each expert, from gate 1, got (3, 3) for input (3, 3)");
    mtl::MMoE<> widths{Layers{nn::Linear{3, 4}, nn::Linear{3, 5}}, Layers{nn::Linear{3, 2}}};
    CHECK_THROWS_WITH(widths(x), "[mix] expected terms of one shape, got (3, 4) and (3, 5) at 1, in gate 0");
    mtl::MMoE<> inputs{Layers{nn::Linear{3, 4}, nn::Linear{9, 4}}, Layers{nn::Linear{3, 2}}};
    CHECK_THROWS_WITH(inputs(x), "[linear] expected 9 input features, got input (3, 3), in expert 1");
    mtl::MultiTaskNet<> three{mtl::MMoE<>{Layers{nn::Linear{3, 4}}, Layers{nn::Linear{3, 1}, nn::Linear{3, 1}}},
                              {{"a", nn::Linear{4, 1}}, {"b", nn::Linear{4, 1}}, {"c", nn::Linear{4, 1}}}};
    CHECK_THROWS_WITH(three(x), "[heads] expected features for all heads, or one for each of 3, got 2");
}
