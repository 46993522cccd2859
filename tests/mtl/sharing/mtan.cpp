// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/mtan.hpp>

#include <espalier/nn/trunks/resnet.hpp>

#include "mtl/sharing/ways.hpp"
#include "nn/testing.hpp"

using namespace espalier;
using testing::same_bits;

namespace {

using Layers = std::vector<nn::Layer<>>;

/// Masks all of one number, whatever is read.
nn::Layer<> constant_mask(float score) {
    nn::Linear<> mask{4, 4};
    mask.weight().mutable_value() = Tensor<float>{Shape{4, 4}};
    mask.bias().mutable_value() = Tensor<float>::full({4}, score);
    return mask;
}

}  // namespace

TEST_CASE("attention that masks nothing is hard sharing, and one that masks all leaves nothing", "[mtl][sharing]") {
    const auto trunk = ways::network<float>(false);
    mtl::MTAN attention{
        trunk, {{.masks = {constant_mask(1000), constant_mask(-1000)}, .carries = Layers(2, nn::Sequential<>{})}}, {.after = {3}}};
    mtl::HardSharing<> hard{trunk};
    const auto x = ways::input<float>(false);
    const auto features = attention(x);
    REQUIRE(features.size() == 2);
    CHECK(same_bits(features[0].value(), hard(x)[0].value()));
    for (const float value : features[1].value())
        CHECK(value == 0);
}

TEST_CASE("a trunk of stages is attended at each of them", "[mtl][sharing]") {
    manual_seed(1);
    auto trunk = nn::trunks::resnet20(3, {.pool = false});
    const Index channels[] = {16, 16, 32, 64};
    REQUIRE(trunk.size() == 4);
    std::vector<mtl::AttentionStage<>> stages(4);
    for (std::size_t j = 0; j < 4; ++j)
        for (int task = 0; task < 2; ++task) {
            // A stage of one layer is read where it begins, with the stride that it has.
            const Index before = j ? channels[j - 1] : 3, stride = j < 2 ? 1 : 2;
            stages[j].masks.push_back(nn::Conv2d{j ? 2 * before : before, channels[j], 3, {.stride = stride, .padding = 1}});
            stages[j].carries.push_back(j < 3 ? nn::Layer<>{nn::Tanh{}} : nn::Layer<>{nn::GlobalAvgPool2d{}});
        }
    mtl::MTAN attention{trunk, stages};
    const auto features = attention(testing::normal<float>({2, 12, 16, 3}));
    REQUIRE(features.size() == 2);
    CHECK(features[0].shape() == Shape{2, 64});
    CHECK(attention.named_parameters().contains("stages.3.masks.1.weight"));
    CHECK(attention.named_parameters().contains("trunk.0.0.weight"));
}

TEST_CASE("attention that does not fit is refused", "[mtl][sharing]") {
    const auto trunk = ways::network<float>(false);
    const auto stage = ways::attention<float>(2, false, 0);
    CHECK_THROWS_WITH((mtl::MTAN<>{trunk, {stage}, {.after = {2}}}),
                      "[MTAN] expected stages that end after ascending layers, the last of 3 at last, got 1 that end after 2");
    CHECK_THROWS_WITH((mtl::MTAN<>{trunk, {stage}, {.after = {3, 3}}}),
                      "[MTAN] expected stages that end after ascending layers, the last of 3 at last, got 2 that end after 3");
    CHECK_THROWS_WITH((mtl::MTAN<>{nn::Sequential<>{}, {stage}}),
                      "[MTAN] expected stages that end after ascending layers, the last of 0 at last, got none");
    CHECK_THROWS_WITH((mtl::MTAN<>{trunk, {stage}, {.after = {2, 3}}}), "[MTAN] expected masks and carries at each of 2 stages, got 1");
    CHECK_THROWS_WITH((mtl::MTAN<>{trunk, {stage, ways::attention<float>(1, false, 1)}, {.after = {2, 3}}}),
                      "[MTAN] expected a mask and a carry for each of 2 tasks, got 1 and 1 at stage 1");
    mtl::MTAN<> narrow{
        trunk, {stage, {.masks = {nn::Linear{8, 4}, nn::Linear{8, 5}}, .carries = Layers(2, nn::Tanh{})}}, {.after = {2, 3}}};
    CHECK_THROWS_WITH(narrow(ways::input<float>(false)), "[MTAN] expected a mask (3, 4), got (3, 5), in task 1, in stage 1");
    CHECK_THROWS_WITH(narrow(Tensor<float>{Shape{2, 9}}),
                      "[linear] expected 3 input features, got input (2, 9), in layer 0, in trunk, in stage 0");
}
