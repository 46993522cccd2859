// SPDX-License-Identifier: MIT
// Terms beside the tasks: what training adds to the loss for layers, and what a rule does not see.
#include <espalier/mtl/multi_task_loss_value.hpp>

#include <espalier/autograd/reduction.hpp>
#include <espalier/losses/mse.hpp>
#include <espalier/mtl/balancing/rows.hpp>
#include <espalier/mtl/balancing/scalarize.hpp>
#include <espalier/mtl/multi_task_loss.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/sequential.hpp>

#include "nn/testing.hpp"

#include <limits>
#include <stdexcept>
#include <string>

using namespace espalier;
using testing::normal;
using testing::require_close;
using Net = mtl::MultiTaskNet<double>;
using Criterion = mtl::MultiTaskLoss<double>;

namespace {

/// Scales its input, and draws the scale to 0.
struct Decayed : nn::Module<Decayed, double> {
    nn::Parameter<double> scale{Tensor<double>::full({1}, 2)};
    double factor = 0.5;
    Variable<double> operator()(const Variable<double>& x) { return x * scale.variable(); }
    void visit(nn::Visitor<double>& visitor) {
        visitor("scale", scale);
        visitor.penalty([&] { return scale.variable() * scale.variable() * factor; });
    }
};

Decayed decayed(double factor) {
    Decayed result;
    result.factor = factor;
    return result;
}

Net net_of_two() {
    manual_seed(1);
    return {nn::Sequential{nn::Linear<double>{3, 4}, Decayed{}}, {{"a", nn::Linear<double>{4, 2}}, {"b", nn::Linear<double>{4, 1}}}};
}
Criterion criterion_of_two() { return {{"a", losses::MSE<double>{}, 3}, {"b", losses::MSE<double>{}}}; }
mtl::MultiTaskLossValue<double> loss_of(Net& net, const Criterion& criterion, bool labelled = true) {
    const auto mask = Tensor<bool>::full({5}, labelled);
    return criterion(net(normal<double>({5, 3}, 2)), {{"a", {normal<double>({5, 2}, 3), mask}}, {"b", {normal<double>({5, 1}, 4), mask}}});
}
Tensor<double> gradients_of(const Net& net) {
    Tensor<double> all{Shape{net.parameter_count()}};
    Index i = 0;
    for (const auto& parameter : net.parameters())
        for (Index k = 0; k < parameter.numel(); ++k, ++i)
            all[i] = parameter.has_grad() ? parameter.grad()[k] : 0;
    return all;
}
template <class Run>
Tensor<double> gradients_after(const Net& net, const Run& run) {
    for (auto parameter : net.parameters())
        parameter.zero_grad();
    run();
    return gradients_of(net);
}
Tensor<double> sum_of(Tensor<double> a, const Tensor<double>& b, double times = 1) {
    for (Index i = 0; i < a.numel(); ++i)
        a[i] += times * b[i];
    return a;
}

struct ByGramian {
    mtl::Weights operator()(const mtl::Gramian& gramian) {
        if (fails)
            throw std::runtime_error{"no"};
        REQUIRE(gramian.size() == 2);
        return {0.25, 2};
    }
    bool fails = false;
};
struct ByRows {
    template <class Scalar>
    Tensor<Scalar> operator()(const mtl::Jacobian<Scalar>& jacobian) {
        return mtl::combine(jacobian.matrix(), mtl::Weights{0.25, 2});
    }
};
struct ByLosses {
    template <class Scalar>
    Variable<Scalar> operator()(const mtl::Losses<Scalar>& losses) {
        return mtl::weighted(losses, mtl::Weights{0.25, 2});
    }
};

/// The gradient without a term under the criterion, and that of the term alone.
void require_term_beside(Criterion criterion) {
    auto net = net_of_two();
    const auto tasks = gradients_after(net, [&] { loss_of(net, criterion).backward(); });
    const auto term = gradients_after(net, [&] { net.penalty().backward(); });
    REQUIRE(term[16] == 2);
    require_close(gradients_after(net, [&] { loss_of(net, criterion).add(net.penalty()).backward(); }), sum_of(tasks, term), 1e-12);
    require_close(gradients_after(net, [&] { loss_of(net, criterion).add(net.penalty()).add(net.penalty()).backward({.scale = 0.5}); }),
                  sum_of(sum_of(tasks, tasks, -0.5), term), 1e-12);
    const auto twice = [&] {
        const auto loss = loss_of(net, criterion).add(net.penalty());
        loss.backward(true);
        loss.backward();
    };
    require_close(gradients_after(net, twice), sum_of(sum_of(tasks, tasks), term, 2), 1e-12);
    const auto in_parts = [&] {
        loss_of(net, criterion).add(net.penalty()).backward({.scale = 0.5, .more = true});
        loss_of(net, criterion).add(net.penalty()).backward({.scale = 0.5});
    };
    require_close(gradients_after(net, in_parts), sum_of(tasks, term), 1e-12);
}

}  // namespace

TEST_CASE("a term is part of the total and of the gradient, and no rule weighs it", "[mtl][multi_task_loss]") {
    auto net = net_of_two();
    Criterion criterion = criterion_of_two();
    const double alone = loss_of(net, criterion).item();
    CHECK(net.penalty().item() == 2);
    CHECK(net.penalty().shape() == Shape{});
    CHECK(loss_of(net, criterion).add(net.penalty()).item() == Approx(alone + 2));
    require_term_beside(criterion);
    SECTION("losses") {
        criterion.balance(ByLosses{});
        const auto loss = loss_of(net, criterion).add(net.penalty());
        CHECK(loss.item() == Approx(0.25 * 3 * loss.item("a") + 2 * loss.item("b") + 2));
        auto late = loss_of(net, criterion);
        const double total = late.item();
        CHECK(late.add(net.penalty()).item() == Approx(total + 2));
        late.backward();
        CHECK(late.weights() == std::vector<double>{0.75, 2});
    }
    SECTION("inner products") { criterion.balance(ByGramian{}); }
    SECTION("rows") { criterion.balance(ByRows{}); }
    require_term_beside(criterion);
}

TEST_CASE("a term is learned from where no task has labels", "[mtl][multi_task_loss]") {
    auto net = net_of_two();
    Criterion criterion = criterion_of_two();
    for (int under_rule = 0; under_rule < 2; ++under_rule) {
        const auto gradients = gradients_after(net, [&] { loss_of(net, criterion, false).add(net.penalty()).backward(); });
        CHECK(gradients[16] == 2);
        CHECK(gradients[0] == 0);
        criterion.balance(ByGramian{});
    }
}

TEST_CASE("a term of a rule's graph, a rule that throws, and a graph that is gone", "[mtl][multi_task_loss]") {
    auto net = net_of_two();
    Criterion criterion = criterion_of_two();
    criterion.balance(ByGramian{});
    // On the tasks' own graph: it is retained for the term, and freed then.
    const auto of_outputs = [&](double times) {
        const auto outputs = net(normal<double>({5, 3}, 2));
        const losses::Targets<double> targets{{"a", normal<double>({5, 2}, 3)}, {"b", normal<double>({5, 1}, 4)}};
        auto loss = criterion(outputs, targets);
        loss.add(mean(outputs.at("a") * outputs.at("b")) * times);
        loss.backward();
        CHECK_THROWS_AS(loss.backward(), StateError);
    };
    const auto tasks = gradients_after(net, [&] { of_outputs(0); });
    const auto once = gradients_after(net, [&] { of_outputs(1); });
    const auto thrice = gradients_after(net, [&] { of_outputs(3); });
    CHECK_FALSE(testing::same_bits(tasks, once));
    require_close(sum_of(thrice, tasks, -1), sum_of(sum_of(once, once, 2), tasks, -3), 1e-12);

    criterion.balance(ByGramian{.fails = true});
    CHECK_THROWS_AS(loss_of(net, criterion).add(net.penalty()).backward(), std::runtime_error);
    CHECK(testing::same_bits(gradients_of(net), thrice));
    criterion.balance(ByGramian{});
    const auto used = net.penalty();
    used.backward();
    const auto before = gradients_of(net);
    CHECK_THROWS_AS(loss_of(net, criterion).add(used).backward(), StateError);
    CHECK(testing::same_bits(gradients_of(net), before));
}

TEST_CASE("heads may have penalties too, and all are summed up", "[mtl][multi_task_loss]") {
    mtl::MultiTaskNet<double> net{nn::Sequential{decayed(0.5), decayed(2)}, {{"a", decayed(10)}}};
    CHECK(net.penalty().item() == 4 * (0.5 + 2 + 10));
    net.penalty().backward();
    CHECK(net.task_parameters("a")[0].grad()[0] == 40);
}

TEST_CASE("what cannot be added is refused", "[mtl][multi_task_loss]") {
    auto net = net_of_two();
    auto loss = loss_of(net, criterion_of_two());
    const double before = loss.item();
    CHECK_THROWS_WITH(loss.add(Tensor<double>{Shape{2}}), "[add] expected a term of one element, got (2,)");
    CHECK_THROWS_WITH(loss.add(Tensor<double>::scalar(std::numeric_limits<double>::infinity())), "[add] expected a finite term, got inf");
    CHECK(loss.item() == before);
    mtl::MultiTaskNet none{nn::Linear<double>{3, 4}, {{"a", nn::Linear<double>{4, 2}}}};
    CHECK(none.penalty().item() == 0);
    CHECK_FALSE(none.penalty().requires_grad());
}
