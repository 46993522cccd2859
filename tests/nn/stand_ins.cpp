// SPDX-License-Identifier: MIT
#include <espalier/nn/stand_ins.hpp>

#include <espalier/nn/layer.hpp>
#include <espalier/nn/linear.hpp>

#include "nn/testing.hpp"

#include <thread>

using namespace espalier;
using nn::detail::StandIns;

namespace {

Variable<float> one_number(float value) { return Variable<float>{Tensor<float>{{1, 1}, {value}}, true}; }

}  // namespace

TEST_CASE("a layer computes with what stands in for its parameter, and is not changed", "[nn]") {
    nn::Linear<float> line{1, 1, {.bias = false}};
    line.weight().mutable_value()[0] = 2;
    nn::Layer<float> layer = line;
    const auto parameter = layer.parameters()[0];
    const auto given = one_number(5);
    const Tensor<float> x{{1, 1}, {3}};
    {
        const StandIns<float> stand_ins{{{parameter.node().get(), given}}};
        const auto y = layer(x);
        CHECK(y.item() == 15);
        sum(y).backward();
        CHECK(nn::Linear<float>{*layer.get_if<nn::Linear<float>>()}.weight().value()[0] == 2);  // a copy has its own
        float elsewhere = 0;
        std::thread{[&] { elsewhere = layer(x).item(); }}.join();
        CHECK(elsewhere == 6);
        {
            const auto last = one_number(7);
            const StandIns<float> inner{{{given.node().get(), last}}};  // what a hypernetwork within one would do
            CHECK(layer(x).item() == 21);
        }
        CHECK(layer(x).item() == 15);
    }
    CHECK(given.grad()[0] == 3);
    CHECK_FALSE(parameter.has_grad());
    CHECK(layer(x).item() == 6);
    CHECK(layer.state_dict().at("weight")[0] == 2);
}
