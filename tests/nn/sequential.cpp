// SPDX-License-Identifier: MIT
#include <espalier/nn/activation.hpp>
#include <espalier/nn/conv2d.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/pooling.hpp>
#include <espalier/nn/reshape.hpp>
#include <espalier/nn/sequential.hpp>

#include "nn/testing.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

using namespace espalier;
using testing::names;
using testing::normal;
using testing::same_bits;
using Names = std::vector<std::string>;

TEST_CASE("the scalar is that of the first layer that has one", "[nn][sequential]") {
    nn::Sequential f{nn::Flatten{}, nn::Linear{4, 2}, nn::ReLU{}};
    nn::Sequential d{nn::Flatten{}, nn::Linear<double>{4, 2}, nn::ReLU{}};
    nn::Sequential none{nn::ReLU{}, nn::Flatten{}};
    nn::Sequential nested{nn::ReLU{}, nn::Sequential{nn::Linear<double>{2, 2}}};
    nn::Sequential<double> said{nn::ReLU{}};
    CHECK(std::is_same_v<decltype(f), nn::Sequential<float>>);
    CHECK(std::is_same_v<decltype(d), nn::Sequential<double>>);
    CHECK(std::is_same_v<decltype(none), nn::Sequential<float>>);
    CHECK(std::is_same_v<decltype(nested), nn::Sequential<double>>);
    CHECK(said(Variable<double>{Tensor<double>{{1}, {-1}}}).item() == 0);
    CHECK(nested.size() == 2);
}

TEMPLATE_TEST_CASE("each layer is fed the output of the one before", "[nn][sequential]", float, double) {
    using T = TestType;
    nn::Linear<T> first{3, 4};
    nn::Linear<T> second{4, 2};
    nn::Sequential net{first, nn::Tanh{}, second};
    const Variable<T> x{normal<T>({5, 3})};
    CHECK(net(x).value() == second(nn::Tanh{}(first(x))).value());
    CHECK(names(net.named_parameters()) == Names{"0.weight", "0.bias", "2.weight", "2.bias"});
    CHECK(net.parameter_count() == 12 + 4 + 8 + 2);

    net.add([](const Variable<T>& v) { return v * 2; });
    CHECK(net.size() == 4);
    CHECK(std::distance(net.begin(), net.end()) == 4);
    CHECK(net(x).value() == (second(nn::Tanh{}(first(x))) * 2).value());
    CHECK(nn::Sequential<T>{}(x).value() == x.value());
}

TEST_CASE("a copy of a sequence is another model", "[nn][sequential]") {
    nn::Sequential a{nn::Linear{2, 2}, nn::Sequential{nn::ReLU{}, nn::Linear{2, 1}}};
    nn::Sequential b = a;
    nn::Sequential c(a);
    CHECK(names(c.named_parameters()) == Names{"0.weight", "0.bias", "1.1.weight", "1.1.bias"});
    CHECK(same_bits(a.state_dict(), b.state_dict()));
    b.named_parameters().at("1.1.bias").mutable_value()[0] = 9;
    CHECK(a.state_dict().at("1.1.bias")[0] != 9);
    const auto kept = a.named_parameters().at("1.1.bias");
    a = b;
    CHECK(a.state_dict().at("1.1.bias")[0] == 9);
    CHECK(kept.value()[0] == 9);
    a = nn::Sequential{nn::Linear{2, 2}};
    CHECK(names(a.named_parameters()) == Names{"0.weight", "0.bias"});
    a = c;
    CHECK(a.named_parameters().at("0.weight").node() != b.named_parameters().at("0.weight").node());

    const auto handle = b.parameters()[0];
    nn::Sequential moved = std::move(b);
    CHECK(moved.parameters()[0].node() == handle.node());
}

TEST_CASE("a shape error says in which layer it came up", "[nn][sequential]") {
    nn::Sequential net{nn::Conv2d{1, 2, 3}, nn::ReLU{}, nn::Sequential{nn::MaxPool2d{2}, nn::Flatten{}, nn::Linear{8, 3}}};
    const auto run = [&](const Shape& shape) { return net(Variable<float>{Tensor<float>{shape}}); };
    CHECK(run({2, 6, 6, 1}).shape() == Shape{2, 3});
    CHECK_THROWS_AS(run({2, 6, 6, 3}), ShapeError);
    CHECK_THROWS_WITH(run({2, 6, 6, 3}), "[conv2d] expected 1 input channels, got input (2, 6, 6, 3), in layer 0");
    CHECK_THROWS_WITH(run({2, 6, 6}), "[conv2d] expected images (N, H, W, C), got input (2, 6, 6), in layer 0");
    CHECK_THROWS_WITH(run({2, 2, 6, 1}), "[conv2d] expected a padded image of at least 3x3, got 2x6 with padding 0x0, in layer 0");
    CHECK_THROWS_WITH(run({2, 9, 6, 1}), "[linear] expected 8 input features, got input (2, 12), in layer 2, in layer 2");
    CHECK_THROWS_WITH(run({2, 3, 3, 1}),
                      "[max_pool2d] expected a padded image of at least 2x2, got 1x1 with padding 0x0, in layer 0, in layer 2");
}

TEST_CASE("a part of a sequence runs alone, joined with nothing beyond it", "[nn][sequential]") {
    nn::Sequential net{nn::Conv2d{1, 2, 3, {.padding = 1}}, nn::ReLU{}, nn::MaxPool2d{2}, nn::Flatten{}, nn::Linear{8, 3}, nn::ReLU{}};
    const auto x = normal<float>({2, 4, 4, 1});
    const auto whole = net(x);
    for (std::size_t cut = 0; cut <= net.size(); ++cut) {
        const auto before = net.run(x, 0, cut);
        CHECK(testing::same_bits(net.run(before, cut, net.size()).value(), whole.value()));
    }
    CHECK(net.run(x, 0, 1).shape() == Shape{2, 4, 4, 2});
    bool negative = false;
    for (const float value : net.run(x, 0, 1).value())
        negative = negative || value < 0;
    CHECK(negative);  // without the ReLU that follows
}

TEST_CASE("gradients go through a sequence", "[nn][sequential]") {
    manual_seed(3);
    nn::Sequential net{
        nn::Conv2d<double>{2, 3, 3, {.padding = 1}}, nn::Tanh{}, nn::AvgPool2d{2}, nn::Flatten{}, nn::Linear<double>{12, 4}, nn::GELU{}};
    testing::require_gradients(net, normal<double>({2, 4, 4, 2}));
}

namespace {

/// Output and gradients of the parameters and the input for a convolution and what follows it, in one sequence, which may
/// join them, and in a sequence for each layer, which cannot.
template <class T>
void compare_joined(const nn::Sequential<T>& layers, const Tensor<T>& image) {
    nn::Sequential<T> joined = layers;
    nn::Sequential<T> apart;
    nn::Sequential<T> copy = layers;
    for (auto& layer : copy)
        apart.add(nn::Sequential<T>{layer});
    const auto run = [&](nn::Sequential<T>& net) {
        const Variable<T> x{image, true};
        const Variable<T> y = net(x);
        const Variable<T> scores{normal<T>(y.shape(), 9)};
        // Two cotangents at once, so that their images are stacked.
        const std::vector<Variable<T>> losses{sum(y * scores), sum(y * y)};
        std::vector<Variable<T>> leaves = net.parameters();
        leaves.push_back(x);
        return std::pair{y.value(), autograd::jacobian<T>(losses, leaves)};
    };
    const auto [y, gradients] = run(joined);
    const auto [y_apart, gradients_apart] = run(apart);
    CHECK(testing::same_bits(y, y_apart));
    REQUIRE(gradients.shape() == gradients_apart.shape());
    for (Index i = 0; i < gradients.numel(); ++i)
        REQUIRE(((std::isnan(gradients[i]) && std::isnan(gradients_apart[i])) || gradients[i] == gradients_apart[i]));
    const auto state = joined.state_dict(), state_apart = apart.state_dict();  // of other names
    CHECK(std::equal(state.begin(), state.end(), state_apart.begin(), state_apart.end(),
                     [](const auto& a, const auto& b) { return testing::same_bits(a.second, b.second); }));
}

}  // namespace

TEMPLATE_TEST_CASE("batch normalisation and the ReLU behind it are joined, with the bits of the layers apart", "[nn][sequential]", float,
                   double) {
    using T = TestType;
    manual_seed(8);
    for (const Index channels : {1, 5, 33, 300})
        for (const bool training : {true, false}) {
            nn::Sequential<T> net{nn::BatchNorm<T>{channels}, nn::ReLU{}, nn::BatchNorm<T>{channels}};
            net.train(training);
            compare_joined(net, normal<T>({3, 4, 7, channels}));
            compare_joined(net, Tensor<T>{Shape{0, 4, 7, channels}});
        }
    compare_joined(nn::Sequential<T>{nn::Conv2d<T>{3, 20, 3, {.padding = 1, .bias = false}}, nn::BatchNorm<T>{20}, nn::ReLU{},
                                     nn::MaxPool2d{2}},
                   normal<T>({2, 8, 9, 3}));
}

TEMPLATE_TEST_CASE("the sum with a shortcut and ReLU are joined with the last normalisation, with the bits of the layers apart",
                   "[nn][sequential]", float, double) {
    using T = TestType;
    manual_seed(9);
    for (const bool normalised : {true, false})
        for (const bool training : {true, false})
            for (const bool of_summand : {true, false}) {
                nn::Sequential<T> net{nn::Linear<T>{6, 20}};
                if (normalised)
                    net.add(nn::BatchNorm<T>{20});
                net.train(training);
                nn::Sequential<T> apart = net;
                const auto x = normal<T>({9, 6}, 1), z = normal<T>({9, 20}, 2), scores = normal<T>({9, 20}, 3);
                const auto run = [&](nn::Sequential<T>& layers, const auto& result_of) {
                    const Variable<T> input{x, true}, summand{z, of_summand};
                    const Variable<T> y = result_of(input, summand);
                    std::vector<Variable<T>> leaves = layers.parameters();
                    leaves.push_back(input);
                    if (of_summand)
                        leaves.push_back(summand);
                    const std::vector<Variable<T>> losses{sum(y * Variable<T>{scores}), sum(y * y)};
                    return std::pair{y.value(), autograd::jacobian<T>(losses, leaves)};
                };
                const auto joined = run(net, [&](const auto& a, const auto& b) { return net.with_sum_and_relu(a, b); });
                const auto expected = run(apart, [&](const auto& a, const auto& b) { return relu(apart(a) + b); });
                CHECK(testing::same_bits(joined.first, expected.first));
                CHECK(testing::same_bits(joined.second, expected.second));
                CHECK(testing::same_bits(net.state_dict(), apart.state_dict()));
            }
    nn::Sequential<T> net{nn::BatchNorm<T>{3}};
    CHECK_THROWS_AS(net.with_sum_and_relu(normal<T>({4, 3}), normal<T>({4, 2})), ShapeError);
    CHECK_THROWS_WITH(net.with_sum_and_relu(normal<T>({4, 2}), normal<T>({4, 2})),
                      "[batch_norm_add_relu] expected 3 channels, got input (4, 2), weight (3,), bias (3,), in layer 0");
    CHECK(nn::Sequential<T>{}.with_sum_and_relu(Tensor<T>{{2}, {1, -3}}, Tensor<T>{{2}, {1, 1}}).value() == Tensor<T>{{2}, {2, 0}});
}

TEMPLATE_TEST_CASE("a convolution joined with ReLU and pooling gives what the layers one by one give", "[nn][sequential]", float, double) {
    using T = TestType;
    for (const bool bias : {true, false})
        for (const Index side : {7, 12, 31}) {
            const nn::Conv2d<T> conv{3, 21, 3, {.padding = 1, .bias = bias}};
            const auto image = normal<T>({2, side, side + 1, 3}, 4);
            compare_joined<T>({conv, nn::ReLU{}}, image);
            compare_joined<T>({conv, nn::ReLU{}, nn::MaxPool2d{2}}, image);
            compare_joined<T>({conv, nn::MaxPool2d{2}, nn::ReLU{}}, image);
            compare_joined<T>({conv, nn::ReLU{}, nn::MaxPool2d{3}}, image);
            compare_joined<T>({conv, nn::ReLU{}, nn::MaxPool2d{2, {.stride = Pair{1}}}}, image);
            compare_joined<T>(
                {nn::Conv2d<T>{3, 8, {3, 2}, {.stride = 2}}, nn::ReLU{}, nn::MaxPool2d{2}, nn::Conv2d<T>{8, 5, 1}, nn::ReLU{}}, image);
            compare_joined<T>({conv, nn::ReLU{}, nn::Conv2d<T>{21, 21, 3, {.groups = 21}}, nn::ReLU{}, nn::MaxPool2d{2}}, image);
        }
    // Equal values, of which the first wins, and NaN.
    auto image = normal<T>({2, 8, 8, 1}, 5);
    for (T& value : image)
        value = std::round(value);
    nn::Conv2d<T> blur{1, 4, 2};
    blur.weight().mutable_value().fill(1);
    compare_joined<T>({blur, nn::ReLU{}, nn::MaxPool2d{2}}, image);
    image[11] = std::numeric_limits<T>::quiet_NaN();
    compare_joined<T>({blur, nn::ReLU{}, nn::MaxPool2d{2}}, image);
    compare_joined<T>({blur, nn::MaxPool2d{2}, nn::ReLU{}}, image);
}

TEMPLATE_TEST_CASE("a Linear joined with ReLU gives what the layers one by one give", "[nn][sequential]", float, double) {
    using T = TestType;
    for (const bool bias : {true, false})
        for (const Index features : {1, 5, 70, 2100}) {
            auto x = normal<T>({7, features}, 4);
            const nn::Linear<T> linear{features, 13, {.bias = bias}};
            compare_joined<T>({linear, nn::ReLU{}, nn::Linear<T>{13, 6}, nn::ReLU{}}, x);
            x[3] = std::numeric_limits<T>::quiet_NaN();
            compare_joined<T>({linear, nn::ReLU{}}, x);
        }
    // Equals 0 from either side.
    nn::Linear<T> twice{2, 3};
    twice.weight().mutable_value().fill(1);
    twice.bias().mutable_value().fill(0);
    compare_joined<T>({twice, nn::ReLU{}}, Tensor<T>{{3, 2}, {1, -1, -T(0), -T(0), 2, 1}});
}

TEST_CASE("errors of joined layers name the layer that is to blame", "[nn][sequential]") {
    nn::Sequential net{nn::Conv2d{1, 2, 3}, nn::ReLU{}, nn::MaxPool2d{2}};
    CHECK_THROWS_WITH(net(Tensor<float>{Shape{1, 3, 8, 1}}),
                      "[max_pool2d] expected a padded image of at least 2x2, got 1x6 with padding 0x0, in layer 2");
    CHECK_THROWS_WITH(net(Tensor<float>{Shape{1, 8, 8, 2}}), "[conv2d] expected 1 input channels, got input (1, 8, 8, 2), in layer 0");
    nn::Sequential dense{nn::Flatten{}, nn::Linear{4, 2}, nn::ReLU{}};
    CHECK_THROWS_WITH(dense(Tensor<float>{Shape{1, 5}}), "[linear] expected 4 input features, got input (1, 5), in layer 1");
}

TEST_CASE("one sequence in the braces of another is a copy, and add() nests it", "[nn][sequential]") {
    const nn::Sequential inner{nn::Linear{2, 3}, nn::ReLU{}};
    const nn::Sequential braced{inner};
    CHECK(names(braced.named_parameters()) == Names{"0.weight", "0.bias"});
    CHECK(names(nn::Sequential{nn::Sequential{nn::Linear{2, 3}}}.named_parameters()) == Names{"0.weight", "0.bias"});
    nn::Sequential<float> outer;
    outer.add(inner);
    CHECK(names(outer.named_parameters()) == Names{"0.0.weight", "0.0.bias"});
    CHECK(names(nn::Sequential{inner, nn::Tanh{}}.named_parameters()) == Names{"0.0.weight", "0.0.bias"});
    CHECK(names(nn::Sequential{nn::Layer<float>{inner}}.named_parameters()) == Names{"0.0.weight", "0.0.bias"});
    CHECK(nn::Sequential<float>{}.size() == 0);
}
