// SPDX-License-Identifier: MIT
#include "autograd/registry.hpp"
#include "catch.hpp"

#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/normalization.hpp>
#include <espalier/io/safetensors.hpp>

#include <nlohmann/json.hpp>

using namespace espalier;
using nlohmann::json;
using registry::difference;

namespace {

template <class Scalar>
Tensor<Scalar> list(const json& numbers) {
    const auto values = numbers.get<std::vector<double>>();
    return Tensor<double>{{static_cast<Index>(values.size())}, std::span<const double>{values}}.cast<Scalar>();
}

template <class Scalar>
void compare_statistics(double tolerance) {
    const auto file = io::load_safetensors(ESPALIER_GOLDEN_DIR "/ops.safetensors");
    const json cases = json::parse(file.metadata().at("cases"));
    int compared = 0;
    for (const auto& item : cases.items()) {
        const std::string& key = item.key();
        const json& attributes = item.value();
        if (!file.contains(key + "/running_mean"))
            continue;
        ++compared;
        CAPTURE(key);
        const Variable<Scalar> x{file.get<Scalar>(key + "/input0")};
        const Variable<Scalar> weight{file.get<Scalar>(key + "/input1")};
        const Variable<Scalar> bias{file.get<Scalar>(key + "/input2")};
        autograd::RunningStatistics<Scalar> running{list<Scalar>(attributes["running_mean"]), list<Scalar>(attributes["running_variance"])};
        (void)autograd::batch_norm(x, weight, bias, running, true, attributes["momentum"].get<double>());
        CHECK(difference(running.mean, file.get<double>(key + "/running_mean")) <= tolerance);
        CHECK(difference(running.variance, file.get<double>(key + "/running_variance")) <= tolerance);
        const auto before = running.mean;
        (void)autograd::batch_norm(x, weight, bias, running, false);
        CHECK(running.mean == before);  // evaluation moves nothing
    }
    CHECK(compared >= 3);
}

}  // namespace

TEST_CASE("running statistics move as PyTorch's do", "[batch_norm]") {
    compare_statistics<double>(1e-10);
    compare_statistics<float>(1e-5);
}

TEST_CASE("a refused batch leaves the running statistics alone", "[batch_norm]") {
    autograd::RunningStatistics<float> running{Tensor<float>::full({3}, 5), Tensor<float>::full({3}, 6)};
    const Variable<float> affine{Tensor<float>::ones({3})};
    CHECK_THROWS_AS(autograd::batch_norm(Variable<float>{Tensor<float>::ones({1, 3})}, affine, affine, running, true), ValueError);
    CHECK_THROWS_AS(autograd::batch_norm(Variable<float>{Tensor<float>::ones({4, 2})}, affine, affine, running, true), ShapeError);
    CHECK(running.mean == Tensor<float>::full({3}, 5));
    CHECK(running.variance == Tensor<float>::full({3}, 6));
}

TEST_CASE("one sample is enough for batch norm in evaluation, and gives what it gives in a batch", "[batch_norm]") {
    Random random{3};
    const auto x = Tensor<float>::normal({4, 3}, random);
    autograd::RunningStatistics<float> running{Tensor<float>::normal({3}, random), Tensor<float>::uniform({3}, random, 1, 2)};
    const Variable<float> affine{Tensor<float>::normal({3}, random)};
    const auto all = autograd::batch_norm(Variable<float>{x}, affine, affine, running, false).value();
    CHECK(autograd::batch_norm(Variable<float>{x.slice(2, 3)}, affine, affine, running, false).value() == all.slice(2, 3));
}

TEST_CASE("a channel that is constant is normalised to its bias", "[batch_norm]") {
    autograd::RunningStatistics<float> running{Tensor<float>({1}), Tensor<float>::ones({1})};
    const auto y = autograd::batch_norm(Variable<float>{Tensor<float>::full({64, 1}, 1e4f)}, Variable<float>{Tensor<float>::ones({1})},
                                        Variable<float>{Tensor<float>::full({1}, 0.5f)}, running, true);
    CHECK(y.value() == Tensor<float>::full({64, 1}, 0.5f));
}

TEST_CASE("normalisation keeps its digits far from 0", "[batch_norm]") {
    Random random{6};
    const auto small = Tensor<double>::normal({256, 2}, random);
    Tensor<double> large = small;
    for (double& v : large)
        v += 1e6;
    const Variable<double> weight{Tensor<double>::ones({2})};
    const Variable<double> bias{Tensor<double>{{2}}};
    autograd::RunningStatistics<double> running{Tensor<double>{{2}}, Tensor<double>::ones({2})};
    const auto expected = autograd::batch_norm(Variable<double>{small}, weight, bias, running, true).value();
    CHECK(difference(autograd::batch_norm(Variable<double>{large}, weight, bias, running, true).value(), expected) < 1e-8);
}

TEST_CASE("a frozen batch norm gives its input the gradient that one with parameters to learn gives", "[batch_norm]") {
    Random random{7};
    const auto x = Tensor<float>::normal({4, 5, 3}, random);
    const auto affine = Tensor<float>::normal({3}, random);
    const auto cotangent = Tensor<float>::normal({2, 4, 5, 3}, random);
    autograd::RunningStatistics<float> running{Tensor<float>::normal({3}, random), Tensor<float>::uniform({3}, random, 1, 2)};
    for (const bool training : {false, true}) {
        std::vector<Tensor<float>> gradients;
        for (const bool learns : {false, true}) {
            const std::vector<Variable<float>> input{Variable<float>{x, true}};
            const Variable<float> parameter{affine, learns};
            const auto y = autograd::batch_norm(input[0], parameter, parameter, running, training);
            gradients.push_back(autograd::vjp<float>(y, cotangent, input)[0]);
        }
        CHECK(gradients[0] == gradients[1]);
    }
}
