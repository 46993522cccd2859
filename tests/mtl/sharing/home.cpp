// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/home.hpp>

#include <espalier/nn/linear.hpp>

#include "mtl/sharing/ways.hpp"
#include "nn/testing.hpp"

#include <limits>

using namespace espalier;
using testing::normal;
using testing::same_bits;
using Layers = std::vector<nn::Layer<>>;

namespace {

Layers linear(std::size_t count, Index in, Index out) {
    return mtl::repeat(count, [=] { return nn::Linear{in, out}; });
}

/// One category of one task, with an expert of each kind.
mtl::HoMEParts<> least() {
    mtl::HoMEParts<> parts;
    parts.meta = {.own = {linear(1, 3, 4)}, .shared = linear(1, 3, 4), .gates = linear(1, 3, 2), .shared_gate = linear(1, 3, 2)};
    parts.meta_self_gates = linear(2, 3, 1);
    parts.tasks = {.own = {linear(1, 8, 4)}, .shared = linear(1, 8, 4), .gates = linear(1, 8, 3)};
    parts.of_categories = {linear(1, 8, 4)};
    parts.self_gates = linear(1, 8, 1);
    return parts;
}

}  // namespace

TEST_CASE("a feature gate whose scores are 0 passes on what it reads", "[mtl][sharing]") {
    mtl::FeatureGate<> gate{5, 2};
    const auto x = normal<float>({3, 5});
    CHECK_FALSE(same_bits(gate(x).value(), x));
    gate.named_parameters().at("a.weight").mutable_value().fill(0);
    CHECK(same_bits(gate(x).value(), x));
    CHECK_THROWS_WITH(gate(normal<float>({3, 4})), "[linear] expected 5 input features, got input (3, 4)");
}

TEST_CASE("an expert that its gate leaves out is trained by the self gate", "[mtl][sharing]") {
    manual_seed(1);
    mtl::HoME<> home{{0}, least()};
    auto parameters = home.named_parameters();
    parameters.at("tasks.gates.0.bias").mutable_value()[0] = -std::numeric_limits<float>::infinity();
    const auto x = normal<float>({3, 3});
    sum(home(x)[0]).backward();
    auto own = parameters.at("tasks.own.0.0.bias");
    CHECK(own.grad()[0] > 0);
    parameters.at("self_gates.0.bias").mutable_value()[0] = -std::numeric_limits<float>::infinity();
    own.zero_grad();
    sum(home(x)[0]).backward();
    CHECK(own.grad()[0] == 0);
}

TEST_CASE("tasks of a category read what it found, and what all found", "[mtl][sharing]") {
    manual_seed(1);
    auto home = ways::home<float>(3, false);
    const auto x = ways::input<float>(false);
    const auto before = home(x);
    auto parameters = home.named_parameters();
    parameters.at("of_categories.1.0.0.bias").mutable_value().fill(3);
    const auto other = home(x);
    CHECK(same_bits(other[0].value(), before[0].value()));
    CHECK_FALSE(same_bits(other[1].value(), before[1].value()));
    CHECK(same_bits(other[2].value(), before[2].value()));
    parameters.at("meta.own.1.0.0.1.weight").mutable_value().fill(3);
    CHECK_FALSE(same_bits(home(x)[0].value(), before[0].value()));  // by what is shared of all categories
}

TEST_CASE("levels that lack experts or gates are refused", "[mtl][sharing]") {
    auto parts = least();
    parts.meta_self_gates = linear(1, 3, 1);
    CHECK_THROWS_WITH((mtl::HoME<>{{0}, parts}),
                      "[HoME] expected experts and gates of 1 groups and 2 self gates on the meta level, got 1, 1 and 1");
    parts = least();
    CHECK_THROWS_WITH((mtl::HoME<>{{0, 0}, parts}),
                      "[HoME] expected experts and gates of 2 groups and 2 self gates on the level of tasks, got 1, 1 and 1");
    CHECK_THROWS_WITH((mtl::HoME<>{{1}, parts}), "[HoME] expected a category below 1, got 1 for task 0");
    parts.of_categories = {};
    CHECK_THROWS_WITH((mtl::HoME<>{{0}, parts}), "[HoME] expected experts beside those of tasks for 1 categories, got 0");
    parts.tasks.own = {Layers{}};
    CHECK_THROWS_WITH((mtl::HoME<>{{0}, parts}), "[HoME] expected an own expert in group 0 of the level of tasks, got none");
    parts.meta.shared = {};
    CHECK_THROWS_WITH((mtl::HoME<>{{0}, parts}), "[HoME] expected shared experts and one shared gate on the meta level, got 0 and 1");
    parts = least();
    parts.self_gates = linear(1, 8, 2);
    mtl::HoME<> wrong{{0}, parts};
    CHECK_THROWS_WITH(wrong(normal<float>({3, 3})),
                      "[HoME] expected one score from gate 0, got (3, 2) for input (3, 8), in a self gate, in task 0, in "
                      "the level of tasks");
    CHECK_THROWS_WITH(wrong(normal<float>({3, 2})),
                      "[linear] expected 3 input features, got input (3, 2), in shared expert 0, in the meta level");
}
