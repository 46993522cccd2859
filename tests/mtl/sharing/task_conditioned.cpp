// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/task_conditioned.hpp>

#include <espalier/mtl/describe.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/sequential.hpp>

#include "nn/testing.hpp"

using namespace espalier;
using testing::normal;
using testing::same_bits;

TEST_CASE("a layer of each task is its own at first, and after steps another's no more", "[mtl][sharing]") {
    manual_seed(1);
    const nn::Linear<> first{3, 4}, last{4, 2};
    mtl::TaskConditioned sharing{nn::Sequential{first, nn::Tanh{}, mtl::OfEachTask{last, 2}}, 2};
    const auto x = normal<float>({5, 3});
    auto features = sharing(x);
    REQUIRE(features.size() == 2);
    CHECK(same_bits(features[0].value(), nn::Sequential{first, nn::Tanh{}, last}(x).value()));
    CHECK(same_bits(features[0].value(), features[1].value()));
    CHECK(testing::names(sharing.named_parameters()) ==
          std::vector<std::string>{"0.weight", "0.bias", "2.0.weight", "2.0.bias", "2.1.weight", "2.1.bias"});
    const auto parameters = sharing.named_parameters();
    sum(features[0]).backward();
    CHECK(parameters.at("0.weight").has_grad());
    CHECK(parameters.at("2.0.weight").has_grad());
    CHECK_FALSE(parameters.at("2.1.weight").has_grad());
    auto moved = parameters.at("2.1.bias");
    moved.mutable_value()[0] += 1;
    features = sharing(x);
    CHECK(features[0].value().at(0, 1) == features[1].value().at(0, 1));
    CHECK(features[0].value().at(0, 0) != features[1].value().at(0, 0));
}

TEST_CASE("parts of one task are described as such", "[mtl][sharing]") {
    mtl::MultiTaskNet net{mtl::TaskConditioned{nn::Sequential{nn::Linear{3, 4}, mtl::OfEachTask{nn::Linear{4, 2}, 2}}, 2},
                          {{"a", nn::Linear{2, 1}}, {"b", nn::Linear{2, 1}}}};
    const auto description = mtl::describe(net, {3});
    REQUIRE(description.parts.size() == 5);
    CHECK(description.parts[0].tasks == std::vector<bool>{true, true});
    CHECK(description.parts[1].path == "trunk.1.0");
    CHECK(description.parts[1].tasks == std::vector<bool>{true, false});
    CHECK(description.parts[2].tasks == std::vector<bool>{false, true});
}

TEST_CASE("layers of tasks are run for a task that they have", "[mtl][sharing]") {
    const mtl::OfEachTask<nn::Linear<>> own{nn::Linear{3, 4}, 2};
    const auto x = normal<float>({5, 3});
    CHECK_THROWS_WITH((mtl::OfEachTask<nn::Linear<>>{own}(x)), "[OfEachTask] expected to be run for one of 2 tasks, by a TaskConditioned");
    mtl::TaskConditioned<> three{own, 3};
    CHECK_THROWS_WITH(three(x), "[OfEachTask] expected to be run for one of 2 tasks, got task 2");
    CHECK_THROWS_WITH((mtl::OfEachTask<nn::Linear<>>{own}(x)),  // the exception has left no task behind
                      "[OfEachTask] expected to be run for one of 2 tasks, by a TaskConditioned");
    mtl::TaskConditioned<> two{own, 2};
    CHECK_THROWS_WITH(two(normal<float>({5, 4})), "[linear] expected 3 input features, got input (5, 4), in the trunk for task 0");
    CHECK_THROWS_WITH((mtl::TaskConditioned<>{own, 0}), "[TaskConditioned] expected at least one task, got none");
    CHECK_THROWS_WITH((mtl::OfEachTask<nn::Linear<>>{nn::Linear{3, 4}, 0}), "[OfEachTask] expected at least one task, got none");
}
