// SPDX-License-Identifier: MIT
#include <espalier/mtl/affinity.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/sequential.hpp>

#include "mtl/balancing/beside.hpp"

using namespace espalier;
using testing::beside::Model;
using testing::beside::tolerance;

TEMPLATE_TEST_CASE("a step for one task changes the losses of the others", "[mtl][affinity]", float, double) {
    const Model<TestType> model{GENERATE("three", "masked")};
    auto net = model.net();
    const auto before = testing::flat_values(net);
    const auto batch = model.batch(2);
    const mtl::Matrix actual = inter_task_affinity(net, model.criterion(), batch.input, batch.targets, 0.1);
    const auto expected = model.expected("affinity");
    for (std::size_t i = 0; i < 3; ++i)
        for (std::size_t j = 0; j < 3; ++j)
            CHECK(
                actual(i, j) ==
                Approx(expected.at(static_cast<Index>(i), static_cast<Index>(j))).epsilon(tolerance<TestType>).margin(tolerance<TestType>));
    CHECK(testing::same_bits(testing::flat_values(net), before));
    CHECK_FALSE(net.parameters()[0].has_grad());
}

TEST_CASE("with one task nothing is shared, and nothing changes", "[mtl][affinity]") {
    const Model<double> model{"one"};
    auto net = model.net();
    const auto batch = model.batch(2);
    CHECK(inter_task_affinity(net, model.criterion(), batch.input, batch.targets, 0.1)(0, 0) == 0);
}

TEST_CASE("to measure affinity leaves running statistics, and parameters after an error", "[mtl][affinity]") {
    const Model<double> model{"three"};
    const auto batch = model.batch(2);
    manual_seed(1);
    mtl::MultiTaskNet<double> net{nn::Sequential{nn::Linear<double>{2, 2}, nn::BatchNorm<double>{2}},
                                  {{"a", nn::Linear<double>{2, 1}}, {"b", nn::Linear<double>{2, 1}}, {"c", nn::Linear<double>{2, 1}}}};
    const auto before = net.state_dict();
    (void)inter_task_affinity(net, model.criterion(), batch.input, batch.targets, 0.1);
    CHECK(testing::same_bits(net.state_dict(), before));
    CHECK_THROWS_AS(inter_task_affinity(net, model.criterion(), batch.input, batch.targets, 1e300), ValueError);
    CHECK(testing::same_bits(net.state_dict(), before));
    CHECK_THROWS_WITH(inter_task_affinity(net, model.criterion(), batch.input, batch.targets, 0),
                      "[inter_task_affinity] expected a learning rate above 0, got 0");
}
