// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/from_stages.hpp>

#include <espalier/losses/cross_entropy.hpp>
#include <espalier/mtl/multi_task_loss.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn/trunks/resnet.hpp>

#include "mtl/sharing/ways.hpp"
#include "nn/testing.hpp"

using namespace espalier;
using testing::normal;
using testing::same_bits;

namespace {

nn::Sequential<> three_layers() { return {nn::Linear{4, 5}, nn::Tanh{}, nn::Linear{5, 6}}; }

}  // namespace

TEST_CASE("each head reads what the layers up to its stage make", "[mtl][sharing]") {
    manual_seed(1);
    auto trunk = three_layers();
    mtl::FromStages stages{trunk, {3, 2, 3, 1}};
    const Variable<> x{normal<float>({7, 4})};
    const auto features = stages(x);
    REQUIRE(features.size() == 4);
    CHECK(same_bits(features[0].value(), trunk(x).value()));
    CHECK(same_bits(features[1].value(), trunk.run(x, 0, 2).value()));
    CHECK(features[2].node() == features[0].node());
    CHECK(features[3].shape() == Shape{7, 5});
    CHECK(stages.named_parameters().names() == trunk.named_parameters().names());
}

TEST_CASE("an auxiliary head brings a gradient to the layers below it, and to no other", "[mtl][sharing]") {
    manual_seed(1);
    mtl::MultiTaskNet net{mtl::FromStages{three_layers(), {3, 2}}, {{"kind", nn::Linear{6, 3}}, {"kind, early", nn::Linear{5, 3}}}};
    const auto x = normal<float>({7, 4});
    const losses::Target<> kind{Tensor<Index>::full({7}, 2)};
    const mtl::MultiTaskLoss criterion{{"kind", losses::CrossEntropy{}}, {"kind, early", losses::CrossEntropy{}, 0.3}};
    const auto of = [&](double weight) {
        auto weighed = criterion;
        weighed.set_weight("kind", weight);
        for (auto& parameter : net.parameters())
            parameter.zero_grad();
        weighed(net(x), {{"kind", kind}, {"kind, early", kind}}).backward();
        return net.named_parameters().map([](const auto&, const auto& p) { return p.grad(); });
    };
    const auto aux = of(0), both = of(1);
    for (const float value : aux.at("trunk.2.weight"))
        CHECK(value == 0);
    CHECK(aux.at("trunk.0.weight") != both.at("trunk.0.weight"));
    CHECK(aux.at("trunk.0.weight") != Tensor<float>{Shape{5, 4}});
    CHECK(same_bits(aux.at("heads.kind, early.weight"), both.at("heads.kind, early.weight")));
}

TEST_CASE("stages of a trunk are maps of different sizes", "[mtl][sharing]") {
    manual_seed(1);
    mtl::FromStages stages{nn::trunks::resnet20(3), {1, 2, 3, 4}};
    const auto features = stages(Variable<>{normal<float>({2, 16, 16, 3})});
    CHECK(features[0].shape() == Shape{2, 16, 16, 16});
    CHECK(features[1].shape() == Shape{2, 16, 16, 16});
    CHECK(features[2].shape() == Shape{2, 8, 8, 32});
    CHECK(features[3].shape() == Shape{2, 64});
}

TEST_CASE("stages that are not there are refused", "[mtl][sharing]") {
    CHECK_THROWS_WITH((mtl::FromStages{three_layers(), {}}), "[FromStages] expected a number of layers for each head, got none");
    CHECK_THROWS_WITH((mtl::FromStages{three_layers(), {3, 4}}), "[FromStages] expected 1 to 3 layers, as the trunk has, got 4 for head 1");
    CHECK_THROWS_WITH((mtl::FromStages{three_layers(), {0, 3}}), "[FromStages] expected 1 to 3 layers, as the trunk has, got 0 for head 0");
    CHECK_THROWS_WITH((mtl::FromStages{three_layers(), {2, 1}}),
                      "[FromStages] expected a head behind the last of 3 layers, got none behind layer 2");
    mtl::FromStages stages{three_layers(), {3}};
    CHECK_THROWS_AS(stages(Variable<>{normal<float>({7, 3})}), ShapeError);
}
