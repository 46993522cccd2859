// SPDX-License-Identifier: MIT
#include <espalier/autograd/backward.hpp>
#include <espalier/io/safetensors.hpp>
#include <espalier/nn/trunks/feature_pyramid.hpp>
#include <espalier/nn/trunks/resnet.hpp>

#include "nn/testing.hpp"

using namespace espalier;
using testing::names;
using testing::normal;
using testing::require_close;
namespace trunks = nn::trunks;

namespace {

/// A convolution and ReLU each, halving the map, but for the second.
template <class Scalar>
nn::Sequential<Scalar> stages_of(Index channels, const std::vector<Index>& widths) {
    nn::Sequential<Scalar> body;
    for (const Index width : widths) {
        nn::Sequential<Scalar> stage{nn::Conv2d<Scalar>{channels, width, 3, {.stride = body.size() == 1 ? 1 : 2, .padding = 1}},
                                     nn::ReLU{}};
        body.add(std::move(stage));
        channels = width;
    }
    return body;
}

/// Of tests/golden/dense_layers.py, with its parameters.
template <class Scalar>
trunks::FeaturePyramid<Scalar> golden_pyramid(const io::TensorFile& golden) {
    trunks::FeaturePyramid<Scalar> pyramid{stages_of<Scalar>(3, {4, 5, 6, 7}), {{0, 4}, {2, 6}, {3, 7}}, {.channels = 4}};
    for (auto& [name, parameter] : pyramid.named_parameters())
        parameter.mutable_value() = golden.get<Scalar>("pyramid/parameter/" + name);
    return pyramid;
}

template <class Scalar>
trunks::FeaturePyramid<Scalar> small_pyramid() {
    return {stages_of<Scalar>(2, {3, 2, 2}), {{0, 3}, {2, 2}}, {.channels = 2}};
}

}  // namespace

TEMPLATE_TEST_CASE("a feature pyramid gives PyTorch's maps and gradients", "[nn][trunks]", float, double) {
    using T = TestType;
    const auto golden = io::load_safetensors(ESPALIER_GOLDEN_DIR "/dense_layers.safetensors");
    const double tolerance = std::is_same_v<T, double> ? 1e-10 : 2e-5;
    auto pyramid = golden_pyramid<T>(golden);
    const auto parameters = pyramid.named_parameters();
    CHECK(parameters.contains("inner_blocks.2.0.bias"));
    CHECK(parameters.contains("layer_blocks.0.0.weight"));
    const Variable<T> x{golden.get<T>("pyramid/input"), true};
    const auto maps = pyramid.levels(x);
    REQUIRE(maps.size() == 3);
    std::vector<Variable<T>> terms;
    for (std::size_t i = 0; i < maps.size(); ++i) {
        CAPTURE(i);
        require_close(maps[i].value(), golden.get<T>("pyramid/output" + std::to_string(i)), tolerance);
        terms.push_back(sum(maps[i] * Variable<T>{golden.get<T>("pyramid/cotangent" + std::to_string(i))}));
    }
    CHECK(testing::same_bits(pyramid(x).value(), maps[0].value()));
    (terms[0] + terms[1] + terms[2]).backward();
    require_close(x.grad(), golden.get<T>("pyramid/input_gradient"), tolerance);
    for (const auto& [name, parameter] : parameters) {
        CAPTURE(name);
        require_close(parameter.grad(), golden.get<T>("pyramid/gradient/" + name), tolerance);
    }
}

TEST_CASE("T cotangents of a feature pyramid are T passes", "[nn][trunks]") {
    auto pyramid = small_pyramid<double>();
    const Variable<double> x{normal<double>({2, 5, 4, 2}), true};
    const auto y = pyramid(x);
    const auto cotangents = normal<double>(y.shape().prepended(3), 7);
    const auto together = autograd::vjp(y, cotangents, std::span{&x, 1}, true)[0];
    REQUIRE(together.shape() == x.shape().prepended(3));
    for (Index t = 0; t < 3; ++t)
        require_close(together.slice(t, t + 1), autograd::vjp(y, cotangents.slice(t, t + 1), std::span{&x, 1}, true)[0], 1e-12);
    const auto report = gradcheck([&](const auto& in) { return pyramid(in[0]); }, {x.value()});
    CAPTURE(report);
    CHECK(report);
}

TEST_CASE("a feature pyramid of a trunk with names and counts of torchvision's", "[nn][trunks]") {
    trunks::FeaturePyramid pyramid{trunks::resnet18(3, {.pool = false}), {{1, 64}, {2, 128}, {3, 256}, {4, 512}}};
    CHECK(pyramid.parameter_count() == 11'176'512 + 2'607'104);  // torchvision's FeaturePyramidNetwork([64, 128, 256, 512], 256)
    const auto all = names(pyramid.named_parameters());
    CHECK(all.front() == "body.0.0.weight");
    CHECK(std::vector<std::string>(all.end() - 2, all.end()) ==
          std::vector<std::string>{"layer_blocks.3.0.weight", "layer_blocks.3.0.bias"});

    // As it starts: uniform within sqrt(3 / fan in).
    const auto state = pyramid.state_dict();
    const auto& weight = state.at("layer_blocks.1.0.weight");
    const float bound = std::sqrt(3.0F / (9 * 256));
    CHECK(*std::max_element(weight.begin(), weight.end()) <= bound);
    CHECK(*std::max_element(weight.begin(), weight.end()) > 0.99F * bound);
    CHECK(state.at("layer_blocks.1.0.bias") == Tensor<float>{Shape{256}});

    trunks::FeaturePyramid less{trunks::resnet18(3, {.pool = false}), {{1, 64}, {2, 128}}, {.channels = 8}};
    CHECK_FALSE(less.state_dict().contains("body.3.0.conv1.weight"));  // what would not be run
    const auto levels = less.levels(normal<float>({1, 40, 33, 3}));
    REQUIRE(levels.size() == 2);
    CHECK(levels[0].shape() == Shape{1, 10, 9, 8});
    CHECK(levels[1].shape() == Shape{1, 5, 5, 8});
    nn::Layer<float> layer{less};
    less.eval();
    layer.eval();
    const auto x = normal<float>({1, 9, 17, 3}, 3);
    CHECK(testing::same_bits(layer(x).value(), less.levels(x)[0].value()));  // a copy, behind a layer
}

TEMPLATE_TEST_CASE("small images, none, and one level alone", "[nn][trunks]", float, double) {
    using T = TestType;
    auto pyramid = small_pyramid<T>();
    CHECK(pyramid(normal<T>({1, 1, 1, 2})).shape() == Shape{1, 1, 1, 2});
    CHECK(pyramid(Tensor<T>{Shape{0, 5, 4, 2}}).shape() == Shape{0, 3, 2, 2});
    CHECK(pyramid.levels(Tensor<T>{Shape{0, 5, 4, 2}})[1].shape() == Shape{0, 2, 1, 2});
    const auto x = normal<T>({2, 5, 4, 2});
    CHECK(testing::same_bits(pyramid(x).value(), pyramid(x).value()));

    // Convolutions that change nothing: each map and the coarser one under it. 1x1 over one channel, 3x3 with the middle alone.
    trunks::FeaturePyramid<T> plain{nn::Sequential<T>{nn::Identity{}, nn::AvgPool2d{2}}, {{0, 1}, {1, 1}}, {.channels = 1}};
    for (auto& [name, parameter] : plain.named_parameters()) {
        parameter.mutable_value().fill(0);
        if (parameter.rank() == 4)
            parameter.mutable_value()[parameter.numel() / 2] = 1;
    }
    const auto maps = plain.levels(Tensor<T>{{1, 2, 4, 1}, {0, 4, 1, 3, 8, 0, 2, 2}});
    CHECK(maps[1].value() == Tensor<T>{{1, 1, 2, 1}, {3, 2}});
    CHECK(maps[0].value() == Tensor<T>{{1, 2, 4, 1}, {3, 7, 3, 5, 11, 3, 4, 4}});
    trunks::FeaturePyramid<T> one{nn::Sequential<T>{nn::Identity{}, nn::AvgPool2d{2}}, {{1, 1}}, {.channels = 3}};
    CHECK(one.levels(Tensor<T>{Shape{1, 4, 4, 1}}).size() == 1);
    CHECK(one(Tensor<T>{Shape{1, 4, 4, 1}}).shape() == Shape{1, 2, 2, 3});
}

TEST_CASE("what a feature pyramid refuses", "[nn][trunks]") {
    using Pyramid = trunks::FeaturePyramid<float>;
    const auto body = stages_of<float>(2, {3, 2});
    CHECK_THROWS_WITH((Pyramid{body, {}}), "[FeaturePyramid] expected at least one stage, got none");
    CHECK_THROWS_WITH((Pyramid{body, {{0, 3}, {2, 2}}}),
                      "[FeaturePyramid] expected rising stages of the 2 that the trunk has, got 2 at place 1");
    CHECK_THROWS_WITH((Pyramid{body, {{1, 2}, {0, 3}}}),
                      "[FeaturePyramid] expected rising stages of the 2 that the trunk has, got 0 at place 1");
    CHECK_THROWS_AS((Pyramid{body, {{1, 2}, {1, 2}}}), ValueError);
    CHECK_THROWS_WITH((Pyramid{body, {{0, 0}}}), "[FeaturePyramid] expected channels above 0, got 0 of stage 0 and 256 of the maps");
    CHECK_THROWS_AS((Pyramid{body, {{0, 3}}, {.channels = 0}}), ValueError);
    auto pyramid = small_pyramid<float>();
    CHECK_THROWS_WITH(pyramid(normal<float>({1, 4, 4, 3})),
                      "[conv2d] expected 2 input channels, got input (1, 4, 4, 3), in layer 0, in layer 0, in body");
    Pyramid other{body, {{0, 3}, {1, 5}}};
    CHECK_THROWS_WITH(other.levels(normal<float>({1, 4, 4, 2})),
                      "[FeaturePyramid] expected a map (N, H, W, 5) of stage 1, got (1, 2, 2, 2)");
    Pyramid pooled{nn::Sequential<float>{nn::GlobalAvgPool2d{}}, {{0, 2}}};
    CHECK_THROWS_WITH(pooled(normal<float>({1, 4, 4, 2})), "[FeaturePyramid] expected a map (N, H, W, 2) of stage 0, got (1, 2)");
}
