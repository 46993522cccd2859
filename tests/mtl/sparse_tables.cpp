// SPDX-License-Identifier: MIT
// Tables with sparse gradients under several tasks: what is learnt is what tables with whole ones learn.
#include <espalier/losses.hpp>
#include <espalier/mtl.hpp>
#include <espalier/mtl/balancing/by_name.hpp>
#include <espalier/nn.hpp>
#include <espalier/optim.hpp>

#include "catch.hpp"

#include <string>
#include <vector>

using namespace espalier;

namespace {

/// A table that both tasks read through a trunk.
mtl::MultiTaskNet<double> make_net(bool sparse) {
    manual_seed(4);
    nn::Sequential<double> trunk{nn::Embedding<double>{40, 3, {.sparse = sparse}}, nn::Flatten{}, nn::Linear<double>{9, 6}, nn::Tanh{}};
    return {std::move(trunk), {{"a", nn::Linear<double>{6, 2}}, {"b", nn::Linear<double>{6, 1}}}};
}

/// All parameters after five steps.
std::vector<Tensor<double>> trained(bool sparse, const std::string& rule) {
    auto net = make_net(sparse);
    mtl::MultiTaskLoss<double> criterion{{"a", losses::CrossEntropy<double>{}}, {"b", losses::MSE<double>{}}};
    if (!rule.empty())
        mtl::balance_by_name(criterion, rule);
    optim::SGD<double> sgd{net.parameters(), {.learning_rate = 0.1}};
    Random random{8};
    for (int step = 0; step < 5; ++step) {
        Tensor<double> x{{6, 3}};
        for (double& value : x)
            value = static_cast<double>(random.below(30));
        Tensor<Index> classes{{6}};
        for (Index& label : classes)
            label = random.below(2);
        const auto numbers = Tensor<double>::uniform({6, 1}, random, -1, 1);
        const auto loss = criterion(net(x), {{"a", classes}, {"b", numbers}});
        sgd.zero_grad();
        loss.backward();
        sgd.step();
    }
    std::vector<Tensor<double>> result;
    for (const auto& parameter : net.parameters())
        result.push_back(parameter.value());
    return result;
}

}  // namespace

TEST_CASE("sparse tables learn the same under the sum and under rules", "[mtl][sparse]") {
    for (const std::string rule : {"", "UPGrad", "PCGrad", "MGDA"}) {
        CAPTURE(rule);
        const auto sparse = trained(true, rule), dense = trained(false, rule);
        REQUIRE(sparse.size() == dense.size());
        for (std::size_t i = 0; i < dense.size(); ++i)
            for (Index k = 0; k < dense[i].numel(); ++k)
                REQUIRE(sparse[i][k] == Approx(dense[i][k]).epsilon(1e-9).margin(1e-12));
    }
}
