// SPDX-License-Identifier: MIT
#include <espalier/data/batch.hpp>
#include <espalier/mtl/balancing/rotograd.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/optim/sgd.hpp>
#include <espalier/tensor/eigen.hpp>

#include "mtl/balancing/beside.hpp"

using namespace espalier;
using mtl::Gramian;
using mtl::RotoScale;
using mtl::Scope;
using mtl::StepContext;
using testing::beside::gradients_of;
using testing::beside::Model;
using testing::beside::numbers;
using testing::beside::tolerance;

namespace {

/// The script's: the numbers of the plain model, and rotations of their own.
template <class T>
mtl::MultiTaskNet<T> rotating(const Model<T>& model) {
    auto plain = model.net();
    std::vector<mtl::Head<T>> heads;
    for (const auto& task : model.tasks)
        heads.push_back({task, nn::Sequential<T>{mtl::Rotation<T>{2}, nn::Layer<T>{plain.head(task)}}});
    mtl::MultiTaskNet<T> net{plain.trunk(), heads};
    Index seed = 20;
    for (auto& rotation : split_rotations(net).rotations)
        rotation.mutable_value() = numbers<T>({2, 2}, seed++);
    return net;
}
template <class T>
mtl::MultiTaskLoss<T> scaling(const Model<T>& model) {
    auto criterion = model.criterion(false);
    if (model.tasks.size() > 1)
        criterion.balance(RotoScale{}, {.scope = Scope::features});
    return criterion;
}
Gramian gramian_of(std::initializer_list<double> lengths, Index step, std::vector<std::size_t> tasks = {0, 1}) {
    StepContext context;
    context.task_count = 2;
    context.step = step;
    context.tasks.assign(tasks.begin(), tasks.end());
    context.losses.assign(tasks.size(), 1.0);
    mtl::Matrix products{tasks.size(), tasks.size()};
    for (std::size_t t = 0; t < tasks.size(); ++t)
        products(t, t) = lengths.begin()[t] * lengths.begin()[t];
    return {products, context};
}

}  // namespace

TEST_CASE("a rotation is orthogonal, and none at first", "[mtl][balancing]") {
    mtl::Rotation<double> layer{5};
    const auto x = testing::normal<double>({3, 5});
    CHECK(testing::same_bits(layer(x).value(), x));
    layer.parameters()[0].mutable_value() = testing::normal<double>({5, 5}, 2);
    const Tensor<double> r = layer.matrix();
    const auto product = (as_matrix(r) * as_matrix(r).transpose()).eval();
    CHECK((product - Eigen::MatrixXd::Identity(5, 5)).norm() < 1e-13);
    CHECK((as_matrix(r) - Eigen::MatrixXd::Identity(5, 5)).norm() > 0.5);
    const Tensor<double> y = layer(x).value();
    CHECK((as_matrix(y) - as_matrix(x) * as_matrix(r).transpose()).norm() < 1e-13);
    const Variable<double> leaf{x, true};
    autograd::sum(layer(leaf)).backward();
    CHECK(leaf.has_grad());
    CHECK_FALSE(layer.parameters()[0].has_grad());
    CHECK_THROWS_WITH(mtl::Rotation<double>{0}, "[Rotation] expected at least one feature, got 0");
    CHECK_THROWS_AS(layer(testing::normal<double>({3, 4})), ShapeError);
}

TEMPLATE_TEST_CASE("RotoGrad's gradients are those of the published formula", "[mtl][balancing]", float, double) {
    const Model<TestType> model{GENERATE("one", "three", "masked")};
    CAPTURE(model.name);
    auto net = rotating(model);
    const auto [rotations, others] = split_rotations(net);
    REQUIRE(rotations.size() == model.tasks.size());
    CHECK(others.size() == 2 + 2 * model.tasks.size());
    const auto loss = rotograd_backward(net, scaling(model), model.batch(2));
    const auto turns = model.expected("rotograd_turns");
    const double margin = sizeof(TestType) == sizeof(float) ? 1e-4 : 1e-8;
    for (std::size_t t = 0; t < rotations.size(); ++t) {
        CHECK(rotations[t].has_grad() == loss.active()[t]);
        for (Index i = 0; i < 4 && loss.active()[t]; ++i)
            CHECK(static_cast<double>(rotations[t].grad()[i]) == Approx(turns.at(static_cast<Index>(t), i)).margin(margin));
    }
    const auto trunk = model.expected("rotograd");
    for (Index i = 0; i < trunk.numel(); ++i)
        CHECK(gradients_of(net)[i] == Approx(trunk[i]).epsilon(tolerance<TestType>).margin(tolerance<TestType>));
}

TEST_CASE("heads get their own gradients, and those of rotations accumulate", "[mtl][balancing]") {
    const Model<double> model{"three"};
    auto net = rotating(model);
    auto plain = net;
    const auto batch = model.batch(2);
    rotograd_backward(net, scaling(model), batch);
    model.criterion(false)(plain(batch.input), batch.targets).backward();
    const auto own = [](const auto& from) { return from.task_parameters("b")[1].grad(); };
    testing::require_close(own(net), own(plain), 1e-12);
    const auto once = split_rotations(net).rotations[0].grad();
    rotograd_backward(net, scaling(model), batch);
    CHECK(split_rotations(net).rotations[0].grad()[1] == Approx(2 * once[1]));
}

TEST_CASE("rotations of larger features follow their objective down", "[mtl][balancing]") {
    const auto v = testing::normal<double>({6, 4}, 1);
    const auto g = testing::normal<double>({6, 4}, 2);
    mtl::Rotation<double> layer{4};
    auto w = layer.parameters()[0];
    w.mutable_value() = testing::normal<double>({4, 4}, 3);
    const auto behind = layer(g).value();  // constant
    const auto objective = [&] {
        const auto turned = layer(v).value();
        double sum = 0;
        for (Index i = 0; i < turned.numel(); ++i)
            sum += (turned[i] - behind[i]) * (turned[i] - behind[i]);
        return sum / 3;  // of 3 samples with 2 places each
    };
    const auto gradient = mtl::detail::rotation_gradient<double>(w, v.span(), g.span(), 3);
    for (Index i = 0; i < 16; ++i) {
        const double before = w.value()[i];
        w.mutable_value()[i] = before + 1e-6;
        const double above = objective();
        w.mutable_value()[i] = before - 1e-6;
        const double below = objective();
        w.mutable_value()[i] = before;
        CHECK(gradient[i] == Approx((above - below) / 2e-6).margin(1e-7));
    }
}

TEST_CASE("RotoScale gives all gradients the length of those that have converged the least", "[mtl][balancing]") {
    RotoScale rule{{.burn_in = 2}};
    rule.start(2);
    CHECK(rule(gramian_of({2, 4}, 0)) == mtl::Weights{1.5, 0.75});  // the mean length, 3
    const auto later = rule(gramian_of({1, 4}, 1));                 // ratios 1/2 and 1: (1/2 1 + 1 4) / 1.5 = 3
    CHECK(later[0] == Approx(3));
    CHECK(later[1] == Approx(0.75));
    CHECK(rule(gramian_of({1, 3}, 2)) == mtl::Weights{2, 2.0 / 3});  // burnt in
    CHECK(rule(gramian_of({5}, 3, {1})) == mtl::Weights{1});
    CHECK(rule(gramian_of({0, 3}, 4)) == mtl::Weights{0, 1});
    CHECK(rule(gramian_of({0, 0}, 5)) == mtl::Weights{1, 1});
    CHECK_THROWS_WITH((RotoScale{{.burn_in = -1}}), "[RotoScale] expected a burn-in of at least 0 steps, got -1");
    CHECK_THROWS_AS(RotoScale{}(gramian_of({1, 1}, 0)), StateError);
}

TEST_CASE("RotoGrad needs heads that begin with a rotation, and changes nothing if it fails", "[mtl][balancing]") {
    const Model<double> model{"three"};
    auto plain = model.net();
    CHECK_THROWS_WITH(rotograd_backward(plain, scaling(model), model.batch(2)),
                      "[rotograd_backward] expected heads that begin with a Rotation, got another for task 'a'");
    auto net = rotating(model);
    auto criterion = model.criterion(false);
    criterion.balance([](const Gramian&) -> mtl::Weights { throw std::runtime_error{"rule"}; });
    CHECK_THROWS_WITH(rotograd_backward(net, criterion, model.batch(2)), "rule");
    for (const auto& parameter : net.parameters())
        CHECK_FALSE(parameter.has_grad());
}

TEST_CASE("training with RotoGrad turns the gradients together", "[mtl][balancing]") {
    const Model<double> model{"three"};
    auto net = rotating(model);
    const auto criterion = scaling(model);
    const auto [rotations, others] = split_rotations(net);
    optim::SGD<double> sgd{others, {.learning_rate = 0.05}};
    optim::SGD<double> turn{rotations, {.learning_rate = 0.5}};
    const auto batch = model.batch(2);
    const double before = criterion(net(batch.input), batch.targets).item();
    for (int step = 0; step < 50; ++step) {
        sgd.zero_grad();
        turn.zero_grad();
        rotograd_backward(net, criterion, batch);
        sgd.step();
        turn.step();
    }
    CHECK(criterion(net(batch.input), batch.targets).item() < before / 2);
}

TEST_CASE("RotoGrad takes a batch with inputs by name", "[mtl][balancing][encoder]") {
    const Model<double> model{"three"};
    auto plain = rotating(model);
    const auto batch = model.batch(2);
    mtl::MultiTaskNet<double> net{nn::From{"x", plain.trunk()}, nn::Sequential<double>{},
                                  std::vector<mtl::Head<double>>{{"a", plain.head("a")}, {"b", plain.head("b")}, {"c", plain.head("c")}}};
    rotograd_backward(plain, scaling(model), batch);
    rotograd_backward(net, scaling(model), data::Batch<double>{{}, batch.targets, {{"x", batch.input}}});
    CHECK(testing::same_bits(gradients_of(net), gradients_of(plain)));
}
