// SPDX-License-Identifier: MIT
#include <espalier/mtl/balancing/auto_lambda.hpp>
#include <espalier/mtl/balancing/moml.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/optim/sgd.hpp>

#include "mtl/balancing/beside.hpp"

using namespace espalier;
using testing::flat_values;
using testing::same_bits;
using testing::beside::gradients_of;
using testing::beside::Model;
using testing::beside::tolerance;
using testing::beside::with_batch_norm;

namespace {

/// Fails in its second call.
struct Failing {
    Named<Variable<double>> operator()(const Variable<double>& x) {
        if (++calls == 2)
            throw std::runtime_error{"second"};
        return net(x);
    }
    [[nodiscard]] auto parameters() const { return net.parameters(); }
    mtl::MultiTaskNet<double> net;
    int calls = 0;
};

template <class T, class Rule>
mtl::MultiTaskLoss<T> criterion_with(const Model<T>& model, Rule rule) {
    auto criterion = model.criterion(false);
    criterion.balance(std::move(rule));
    return criterion;
}

}  // namespace

TEMPLATE_TEST_CASE("Auto-Lambda's gradients are those of the published formula", "[mtl][balancing]", float, double) {
    using T = TestType;
    const Model<T> model{GENERATE("one", "three", "masked")};
    CAPTURE(model.name);
    auto net = model.net();
    const auto before = flat_values(net);
    const auto criterion = criterion_with(model, mtl::AutoLambda<T>{});
    auto weights = criterion.parameters()[0];
    const double tolerance_of_slopes = sizeof(T) == sizeof(float) ? 5e-3 : 1e-9;
    const auto ones = Tensor<T>::ones(weights.shape());
    weights.add_grad(ones.span());  // is replaced
    auto_lambda_backward(net, criterion, model.batch(2), model.batch(3), {.learning_rate = 0.1});
    testing::require_close(weights.grad().template cast<double>(), model.expected("auto_lambda"), tolerance_of_slopes);
    auto_lambda_backward(net, criterion, model.batch(2), model.batch(3), {.learning_rate = 0.1, .primary = {"a"}});
    testing::require_close(weights.grad().template cast<double>(), model.expected("auto_lambda_primary"), tolerance_of_slopes);
    CHECK(same_bits(flat_values(net), before));
    CHECK_FALSE(net.parameters()[0].has_grad());
}

TEST_CASE("the weights of Auto-Lambda weigh the losses, and are trained by its gradients alone", "[mtl][balancing]") {
    const Model<double> model{"masked"};
    auto net = model.net();
    const auto criterion = criterion_with(model, mtl::AutoLambda<double>{0.5});
    optim::SGD<double> meta{criterion.parameters(), {.learning_rate = 1}};
    auto_lambda_backward(net, criterion, model.batch(2), model.batch(3), {.learning_rate = 0.1});
    const auto gradient = criterion.parameters()[0].grad();
    meta.step();
    const auto weights = criterion.parameters()[0].value();
    CHECK(weights[0] == Approx(0.5 - gradient[0]));
    const auto batch = model.batch(2);
    const auto loss = criterion(net(batch.input), batch.targets);
    CHECK(loss.item() == Approx(weights[0] * loss.item("a") + weights[2] * loss.item("c")));
    loss.backward();
    CHECK(same_bits(criterion.parameters()[0].grad(), gradient));
    CHECK(criterion.state_dict().contains("rule.weights"));
}

TEMPLATE_TEST_CASE("MOML's gradients are those of the published formula", "[mtl][balancing]", float, double) {
    using T = TestType;
    const Model<T> model{GENERATE("three", "masked")};
    CAPTURE(model.name);
    auto net = model.net();
    const auto before = flat_values(net);
    const auto criterion = criterion_with(model, mtl::SoftmaxWeights<T>{});
    auto logits = criterion.parameters()[0];
    const auto ones = Tensor<T>::ones(logits.shape());
    logits.add_grad(ones.span());  // is replaced
    for (Index t = 0; t < 3; ++t)
        logits.mutable_value()[t] = static_cast<T>(t) / T(8);
    moml_backward(net, criterion, model.batch(2), model.batch(3), 0.1);
    testing::require_close(logits.grad().template cast<double>(), model.expected("moml"), 10 * tolerance<T>);
    CHECK(same_bits(flat_values(net), before));
    CHECK_FALSE(net.parameters()[0].has_grad());
    const auto batch = model.batch(2);
    const auto loss = criterion(net(batch.input), batch.targets);
    const double sum = 1 + std::exp(0.125) + std::exp(0.25);
    const auto b = model.name == "three" ? std::exp(0.125) * static_cast<double>(loss.item("b")) : 0;
    CHECK(loss.item() == Approx((loss.item("a") + b + std::exp(0.25) * loss.item("c")) / sum));
}

TEST_CASE("with one task there is no weight to learn", "[mtl][balancing]") {
    const Model<double> model{"one"};
    auto net = model.net();
    const auto criterion = criterion_with(model, mtl::SoftmaxWeights<double>{});
    moml_backward(net, criterion, model.batch(2), model.batch(3), 0.1);
    CHECK(criterion.parameters()[0].grad()[0] == Approx(0).margin(1e-15));
}

TEST_CASE("who learns weights leaves the net as it is, statistics too, and after an error", "[mtl][balancing]") {
    const Model<double> model{"three"};
    auto net = with_batch_norm();
    const auto state = net.state_dict();
    const auto by_differences = criterion_with(model, mtl::AutoLambda<double>{});
    const auto by_products = criterion_with(model, mtl::SoftmaxWeights<double>{});
    auto_lambda_backward(net, by_differences, model.batch(2), model.batch(3), {.learning_rate = 0.1});
    moml_backward(net, by_products, model.batch(2), model.batch(3), 0.1);
    CHECK(same_bits(net.state_dict(), state));
    const auto gradient = by_products.parameters()[0].grad();
    Failing failing{model.net()};
    const auto before = flat_values(failing.net);
    CHECK_THROWS_WITH(auto_lambda_backward(failing, by_differences, model.batch(2), model.batch(3), {.learning_rate = 0.1}), "second");
    failing.calls = 0;
    CHECK_THROWS_WITH(moml_backward(failing, by_products, model.batch(2), model.batch(3), 0.1), "second");
    CHECK(same_bits(flat_values(failing.net), before));
    CHECK(same_bits(by_products.parameters()[0].grad(), gradient));
    CHECK_THROWS_WITH(auto_lambda_backward(net, model.criterion(), model.batch(2), model.batch(3), {.learning_rate = 0.1}),
                      ContainsSubstring("expected a criterion under a rule that learns a weight for each of 3 tasks"));
    CHECK_THROWS_AS(moml_backward(net, model.criterion(), model.batch(2), model.batch(3), 0.1), StateError);
    CHECK_THROWS_AS(auto_lambda_backward(net, by_differences, model.batch(2), model.batch(3), {.learning_rate = 0}), ValueError);
    CHECK_THROWS_AS(moml_backward(net, by_products, model.batch(2), model.batch(3), -1), ValueError);
    CHECK_THROWS_AS(auto_lambda_backward(net, by_differences, model.batch(2), model.batch(3), {.learning_rate = 1, .primary = {"d"}}),
                    StateError);
    CHECK_THROWS_AS(mtl::AutoLambda<double>{std::nan("")}, ValueError);
}
