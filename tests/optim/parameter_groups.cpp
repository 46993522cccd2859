// SPDX-License-Identifier: MIT
#include <espalier/nn/linear.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/optim/adam.hpp>
#include <espalier/optim/parameter_groups.hpp>
#include <espalier/optim/sgd.hpp>

#include "catch.hpp"

#include <algorithm>

using namespace espalier;

namespace {

using Paths = std::vector<std::string>;

/// For each group the paths of its parameters.
std::vector<Paths> paths_of(const nn::Sequential<float>& net, const std::vector<optim::ParameterGroup<float>>& groups) {
    std::vector<Paths> result;
    for (const auto& group : groups) {
        result.emplace_back();
        for (const auto& parameter : group.parameters)
            for (const auto& [path, own] : net.named_parameters())
                if (own.node() == parameter.node())
                    result.back().push_back(path);
    }
    return result;
}

nn::Sequential<float> net_of_three() { return {nn::Linear{2, 3}, nn::BatchNorm{3}, nn::Linear{3, 1}}; }

}  // namespace

TEST_CASE("parts of a model have learning rates and weight decays of their own", "[optim][groups]") {
    const auto net = net_of_three();
    const auto groups = optim::parameter_groups(
        net,
        {.by_path = {{.path = "0", .learning_rate = 0.5}, {.path = "2", .weight_decay = 0.25}, {.path = "0.bias", .learning_rate = 0}}});
    CHECK(paths_of(net, groups) == std::vector<Paths>{{"1.weight", "1.bias"}, {"0.weight"}, {"2.weight", "2.bias"}, {"0.bias"}});
    const optim::SGD sgd{groups, {.learning_rate = 0.125}};
    CHECK(sgd.learning_rates() == Tensor<double>{{4}, {0.125, 0.5, 0.125, 0}});
    CHECK(groups[2].weight_decay == 0.25);
    CHECK_FALSE(groups[0].weight_decay.has_value());

    CHECK(paths_of(net, optim::parameter_groups(net, {.by_path = {{.path = "*.weight"}, {.path = "1"}}})) ==
          std::vector<Paths>{{"0.bias", "2.bias"}, {"0.weight", "2.weight"}, {"1.weight", "1.bias"}});
    CHECK(optim::parameter_groups(net, {}).size() == 1);
    CHECK(optim::parameter_groups(net, {})[0].parameters.size() == 6);
}

TEST_CASE("biases and normalisation without weight decay, in one line", "[optim][groups]") {
    manual_seed(1);
    auto net = net_of_three();
    optim::AdamW adamw{optim::parameter_groups(net, {.decay_vectors = false}), {.learning_rate = 0.5, .weight_decay = 0.5}};
    CHECK(adamw.group_count() == 2);
    for (auto& parameter : net.parameters()) {
        parameter.mutable_value().fill(2);
        const Tensor<float> nothing{parameter.shape()};
        parameter.add_grad(nothing.span());
    }
    adamw.step();  // by nothing but decay
    for (const auto& [path, parameter] : net.named_parameters())
        CHECK(parameter.value()[0] == (parameter.rank() > 1 ? 1.5F : 2.0F));

    const auto groups = optim::parameter_groups(net, {.by_path = {{.path = "1"}, {.path = "2", .learning_rate = 1, .weight_decay = 0.25}},
                                                      .decay_vectors = false});
    CHECK(paths_of(net, groups) == std::vector<Paths>{{"0.weight"}, {}, {"2.weight"}, {"0.bias"}, {"1.weight", "1.bias"}, {"2.bias"}});
    CHECK(groups[2].weight_decay == 0.25);
    CHECK(groups[5].weight_decay == 0.0);
    CHECK(groups[5].learning_rate == 1.0);
    CHECK(groups[3].weight_decay == 0.0);
    CHECK_FALSE(groups[3].learning_rate.has_value());
}

TEST_CASE("a path without parameters is refused with those that there are", "[optim][groups]") {
    const auto net = net_of_three();
    const auto bad = [&] { return optim::parameter_groups(net, {.by_path = {{.path = "0"}, {.path = "3", .learning_rate = 1}}}); };
    CHECK_THROWS_AS(bad(), StateError);
    CHECK_THROWS_WITH(bad(), "[parameter_groups] expected the path of a part of the model, as '0', '1', '2', got '3'");
    CHECK_THROWS_AS((optim::SGD{optim::parameter_groups(net, {.by_path = {{.path = "0", .learning_rate = -1}}})}), ValueError);
}
