// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/soft_sharing.hpp>

#include <espalier/losses/mse.hpp>
#include <espalier/mtl/multi_task_loss.hpp>
#include <espalier/optim/sgd.hpp>

#include "mtl/sharing/ways.hpp"
#include "nn/testing.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace espalier;
using testing::flat_values;
using testing::same_bits;

namespace {

const mtl::MultiTaskLoss<double> criterion{{"a", losses::MSE<double>{}}, {"b", losses::MSE<double>{}}};

mtl::MultiTaskNet<double> net_of(mtl::Sharing<double> sharing) {
    manual_seed(7);
    return {std::move(sharing), {{"a", nn::Linear<double>{4, 1}}, {"b", nn::Linear<double>{4, 1}}}};
}
/// After some steps, with the penalty if there is one.
void train(mtl::MultiTaskNet<double>& net, double learning_rate) {
    optim::SGD<double> sgd{net.parameters(), {.learning_rate = learning_rate}};
    for (int step = 0; step < 20; ++step) {
        const auto outputs = net(ways::input<double>(false, 8));
        const auto loss =
            criterion(outputs, {{"a", Tensor<double>::full({8, 1}, 1)}, {"b", Tensor<double>::full({8, 1}, -1)}}).add(net.penalty());
        sgd.zero_grad();
        loss.backward();
        sgd.step();
    }
}
double largest_difference(const Tensor<double>& a, const Tensor<double>& b) {
    double largest = 0;
    for (Index i = 0; i < a.numel(); ++i)
        largest = std::max(largest, std::abs(a[i] - b[i]));
    return largest;
}

}  // namespace

TEST_CASE("soft sharing without a penalty is separate networks, to the bit", "[mtl][sharing]") {
    const auto networks = ways::networks<double>(2, false);
    auto soft = net_of(mtl::SoftSharing<double>{networks, {.factor = 0}});
    auto separate = net_of(mtl::Separate<double>{networks});
    CHECK_FALSE(soft.penalty().requires_grad());
    train(soft, 0.1);
    train(separate, 0.1);
    CHECK(same_bits(flat_values(soft), flat_values(separate)));
}

TEST_CASE("soft sharing under a large penalty is hard sharing", "[mtl][sharing]") {
    const auto networks = ways::networks<double>(2, false);
    auto mean = networks[0];  // which both are at after the first step, and which goes the mean of their ways from there
    auto of_mean = mean.parameters(), of_other = networks[1].parameters();
    for (std::size_t i = 0; i < of_mean.size(); ++i)
        for (Index k = 0; k < of_mean[i].numel(); ++k)
            of_mean[i].mutable_value()[k] = (of_mean[i].value()[k] + of_other[i].value()[k]) / 2;

    const double factor = 1e6;
    auto soft = net_of(mtl::SoftSharing<double>{networks, {.factor = factor}});
    CHECK(soft.penalty().item() > 1e5);
    train(soft, 1 / (2 * factor));
    CHECK(soft.penalty().item() < 1e-5);
    const auto parameters = soft.shared_parameters();
    for (std::size_t i = 0; i < of_mean.size(); ++i) {
        const Tensor<double> a = parameters[i].value(), b = parameters[i + of_mean.size()].value();
        CHECK(largest_difference(a, b) < 1e-5);
        CHECK(largest_difference(a, of_mean[i].value()) < 1e-4);
    }
    // What hard sharing of the values computes, of which the tasks' features are copies.
    const auto x = ways::input<double>(false);
    const auto features = soft.sharing()(x);
    CHECK(largest_difference(features[0].value(), features[1].value()) < 1e-5);
    CHECK(largest_difference(features[0].value(), mean(x).value()) < 1e-4);
}

TEST_CASE("the trace norm makes networks combinations of each other", "[mtl][sharing]") {
    const auto of = [](const Tensor<double>& a, const Tensor<double>& b) {
        mtl::SoftSharing<double> soft{{nn::Linear<double>{2, 1, {.bias = false}}, nn::Linear<double>{2, 1, {.bias = false}}},
                                      {.factor = 2, .attraction = mtl::Attraction::trace_norm}};
        auto parameters = soft.parameters();
        parameters[0].mutable_value() = a;
        parameters[1].mutable_value() = b;
        return net_of(std::move(soft));
    };
    const auto row = [](double x, double y) { return Tensor<double>{{1, 2}, {x, y}}; };
    CHECK(of(row(3, 0), row(0, 4)).penalty().item() == Approx(2 * 7));   // at right angles
    CHECK(of(row(3, 0), row(-4, 0)).penalty().item() == Approx(2 * 5));  // of rank 1
    CHECK(of(row(0, 0), row(0, 0)).penalty().item() == 0);
    auto net = of(row(3, 0), row(-4, 0));
    net.penalty().backward();
    CHECK(net.shared_parameters()[0].grad()[0] == Approx(2 * 0.6));
    CHECK(net.shared_parameters()[1].grad()[0] == Approx(-2 * 0.8));
}

TEST_CASE("networks that cannot be drawn together are refused", "[mtl][sharing]") {
    using Layers = std::vector<nn::Layer<>>;
    CHECK_THROWS_WITH(mtl::SoftSharing<>{Layers{}}, "[SoftSharing] expected a network for each task, got none");
    CHECK_THROWS_WITH((mtl::SoftSharing<>{Layers{nn::Linear{3, 4}, nn::Linear{3, 4}, nn::Linear{3, 5}}}),
                      "[SoftSharing] expected networks of one structure, got weight (4, 3) in network 0 and weight (5, 3) in network 2");
    CHECK_THROWS_WITH((mtl::SoftSharing<>{Layers{nn::Linear{3, 4}, nn::Linear{3, 4, {.bias = false}}}}),
                      "[SoftSharing] expected networks of one structure, got bias (4,) in network 0 and nothing in network 1");
    const Layers two{nn::Linear{3, 4}, nn::Linear{3, 4}};
    CHECK_THROWS_WITH((mtl::SoftSharing<>{two, {.factor = -1}}), "[SoftSharing] expected a factor of at least 0, got -1");
    CHECK_THROWS_WITH((mtl::SoftSharing<>{two, {.factor = std::numeric_limits<double>::infinity()}}),
                      "[SoftSharing] expected a factor of at least 0, got inf");
    mtl::MultiTaskNet none{mtl::SoftSharing<>{Layers{nn::Tanh{}, nn::Tanh{}}}, {{"a", nn::Linear{3, 1}}, {"b", nn::Linear{3, 1}}}};
    CHECK(none.penalty().item() == 0);
    mtl::MultiTaskNet named{mtl::SoftSharing<>{two}, {{"a", nn::Linear{4, 1}}, {"b", nn::Linear{4, 1}}}};
    CHECK(named.shared_parameters()[0].node()->name() == "trunk.networks.0.weight");
}
