// SPDX-License-Identifier: MIT
/// @file The reference network against PyTorch: outputs, losses, every parameter's gradient, weights after three steps.
#include "catch.hpp"

#include <espalier/io/safetensors.hpp>
#include <espalier/losses.hpp>
#include <espalier/mtl.hpp>
#include <espalier/nn.hpp>
#include <espalier/optim/sgd.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <string>

using namespace espalier;
using nlohmann::json;

namespace {

/// n numbers in [-1, 1), as `hashed` of tests/golden/make_golden.py.
template <class Scalar>
Tensor<Scalar> hashed(const Shape& shape, std::uint64_t salt) {
    auto result = Tensor<Scalar>::empty(shape);
    for (Index i = 0; i < result.numel(); ++i) {
        auto x = static_cast<std::uint32_t>((static_cast<std::uint64_t>(i) + salt * 1000003) * 2654435761);
        x ^= x >> 16;
        x *= 0x45D9F3B;
        x ^= x >> 16;
        result[i] = static_cast<Scalar>(static_cast<double>(x) / 2147483648.0 - 1);
    }
    return result;
}

template <class Scalar>
mtl::MultiTaskNet<Scalar> make_net(const json& size) {
    const Index c1 = size["channels"][0];
    const Index c2 = size["channels"][1];
    const Index c3 = size["channels"][2];
    const Index width = size["width"];
    const Index cell = size["side"].get<Index>() / 8;
    using Conv = nn::Conv2d<Scalar>;
    using Linear = nn::Linear<Scalar>;
    nn::Sequential<Scalar> trunk{Conv{1, c1, 3, {.padding = 1}},
                                 nn::ReLU{},
                                 nn::MaxPool2d{2},
                                 Conv{c1, c2, 3, {.padding = 1}},
                                 nn::ReLU{},
                                 nn::MaxPool2d{2},
                                 Conv{c2, c3, 3, {.padding = 1}},
                                 nn::ReLU{},
                                 nn::MaxPool2d{2},
                                 nn::Flatten{},
                                 Linear{c3 * cell * cell, width},
                                 nn::ReLU{}};
    mtl::MultiTaskNet<Scalar> net{std::move(trunk), {{"left", Linear{width, 10}}, {"right", Linear{width, 10}}}};
    std::uint64_t salt = 1;
    double fan_in = 1;
    for (auto& [path, parameter] : net.named_parameters()) {
        if (parameter.rank() > 1)  // a bias follows its weights, and has their scale
            fan_in = static_cast<double>(parameter.shape().product(1, parameter.rank()));
        const auto start = hashed<double>(parameter.shape(), salt++);
        for (Index i = 0; i < parameter.numel(); ++i)
            parameter.mutable_value()[i] = static_cast<Scalar>(start[i] / std::sqrt(fan_in));
    }
    return net;
}

/// Entries 0, stride, 2 stride, ... of `got` against `expected`: the largest difference over the largest entry.
template <class Scalar>
double difference(const Tensor<Scalar>& got, const Tensor<double>& expected, Index stride = 1) {
    if ((got.numel() + stride - 1) / stride != expected.numel())
        return INFINITY;
    double worst = 0;
    double largest = 1e-30;
    for (Index i = 0; i < expected.numel(); ++i) {
        const double error = std::abs(static_cast<double>(got[i * stride]) - expected[i]);
        worst = std::isnan(error) ? INFINITY : std::max(worst, error);
        largest = std::max(largest, std::abs(expected[i]));
    }
    return worst / largest;
}

template <class Scalar>
void compare(const std::string& name, double tolerance) {
    const auto file = io::load_safetensors(ESPALIER_GOLDEN_DIR "/reference_network.safetensors");
    const json size = json::parse(file.metadata().at("networks")).at(name);
    const Index stride = size["stride"];
    const Index side = size["side"];
    const auto input = hashed<Scalar>({4, side, side, 1}, 0);
    const losses::Targets<Scalar> targets{{"left", Tensor<Index>({4}, {0, 3, 6, 9})}, {"right", Tensor<Index>({4}, {2, 9, 6, 3})}};
    const mtl::MultiTaskLoss<Scalar> criterion{{"left", losses::CrossEntropy<Scalar>{}}, {"right", losses::CrossEntropy<Scalar>{}}};
    for (const std::string rate : {"0.001", "0.05"}) {
        auto net = make_net<Scalar>(size);
        optim::SGD<Scalar> sgd{net.parameters(), {.learning_rate = std::stod(rate), .momentum = 0.9}};
        for (int step = 0; step < 3; ++step) {
            const auto outputs = net(input);
            const auto loss = criterion(outputs, targets);
            sgd.zero_grad();
            loss.backward();
            if (step == 0) {
                CHECK(difference(loss.total().value(), file.get<double>(name + "/loss")) <= tolerance);
                for (const std::string task : {"left", "right"}) {
                    CAPTURE(name, task);
                    CHECK(difference(outputs.at(task).value(), file.get<double>(name + "/logits/" + task)) <= tolerance);
                    CHECK(difference(loss.tasks().at(task).value(), file.get<double>(name + "/loss/" + task)) <= tolerance);
                }
                for (const auto& [path, parameter] : net.named_parameters()) {
                    CAPTURE(name, path);
                    CHECK(difference(parameter.grad(), file.get<double>(name + "/gradient/" + path), stride) <= tolerance);
                }
            }
            sgd.step();
        }
        for (const auto& [path, parameter] : net.named_parameters()) {
            CAPTURE(name, rate, path);
            CHECK(difference(parameter.value(), file.get<double>(name + "/after/" + rate + "/" + path), stride) <= tolerance);
        }
    }
}

}  // namespace

TEST_CASE("the reference network equals PyTorch's, in double to 1e-10", "[reference]") {
    compare<double>("small", 1e-10);
    compare<double>("real", 1e-10);
}

TEST_CASE("the reference network equals PyTorch's, in float to 1e-5", "[reference]") {
    compare<float>("small", 1e-5);
    compare<float>("real", 1e-5);
}
