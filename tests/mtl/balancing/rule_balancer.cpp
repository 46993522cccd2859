// SPDX-License-Identifier: MIT
// A criterion under a rule: what the rule is shown, what becomes of its answer, and what becomes of anything else.
#include <espalier/autograd/reduction.hpp>
#include <espalier/losses/cross_entropy.hpp>
#include <espalier/losses/mse.hpp>
#include <espalier/mtl/multi_task_loss.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn/activation.hpp>
#include <espalier/nn/embedding.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/optim/sgd.hpp>

#include "nn/testing.hpp"
#include "threads.hpp"

#include <limits>
#include <optional>
#include <string>
#include <vector>

using namespace espalier;
using mtl::Gramian;
using mtl::Jacobian;
using mtl::Losses;
using mtl::Scope;
using mtl::Weights;
using testing::flat_gradients;
using testing::normal;
using testing::same_bits;
using Net = mtl::MultiTaskNet<double>;
using Criterion = mtl::MultiTaskLoss<double>;

namespace {

Net net_of_three(std::uint64_t seed = 1) {
    manual_seed(seed);
    return {nn::Sequential{nn::Linear<double>{4, 6}, nn::Tanh{}, nn::Linear<double>{6, 5}, nn::Tanh{}},
            {{"a", nn::Linear<double>{5, 3}}, {"b", nn::Linear<double>{5, 2}}, {"c", nn::Linear<double>{5, 1}}}};
}
Criterion criterion_of_three(double weight_of_b = 1) {
    return {{"a", losses::CrossEntropy<double>{}}, {"b", losses::MSE<double>{}, weight_of_b}, {"c", losses::MSE<double>{}}};
}

struct Batch {
    Tensor<double> input;
    losses::Targets<double> targets;
};
/// `labelled_b` of the 8 samples have a target of task b.
Batch batch_of(std::uint64_t seed = 1, Index labelled_b = 8) {
    auto mask = Tensor<bool>::full({8}, false);
    std::fill_n(mask.begin(), labelled_b, true);
    return {normal<double>({8, 4}, seed),
            {{"a", Tensor<Index>{{8}, {0, 1, 2, 1, 0, 2, 2, 1}}},
             {"b", {normal<double>({8, 2}, seed + 10), mask}},
             {"c", normal<double>({8, 1}, seed + 20)}}};
}

Tensor<double> gradients_of(const Net& net) {
    Tensor<double> all{Shape{net.parameter_count()}};
    Index i = 0;
    for (const auto& parameter : net.parameters())
        for (Index k = 0; k < parameter.numel(); ++k)
            all[i++] = parameter.has_grad() ? parameter.grad()[k] : 0;
    return all;
}
void zero(const Net& net) {
    for (auto parameter : net.parameters())
        parameter.zero_grad();
}
/// The gradients of the tasks' own losses, one after the other by plain backward passes.
template <class Given>
std::vector<Tensor<double>> rows_of(Net& net, const Given& batch, const std::vector<std::string>& tasks = {"a", "b", "c"}) {
    std::vector<Tensor<double>> rows;
    for (const auto& task : tasks) {
        zero(net);
        criterion_of_three()(net(batch.input), batch.targets).tasks().at(task).backward();
        rows.push_back(gradients_of(net));
    }
    zero(net);
    return rows;
}
double dot(const Tensor<double>& a, const Tensor<double>& b, Index size) {
    double sum = 0;
    for (Index i = 0; i < size; ++i)
        sum += a[i] * b[i];
    return sum;
}
void require_same(const Tensor<double>& actual, const Tensor<double>& expected, double tolerance = 1e-10) {
    testing::require_close(actual, expected, tolerance);
}
/// Trunk by `weights`, heads by `own`.
Tensor<double> combined(const Net& net, const std::vector<Tensor<double>>& rows, const std::vector<double>& weights,
                        const std::vector<double>& own) {
    Tensor<double> result{rows[0].shape()};
    for (std::size_t t = 0; t < rows.size(); ++t)
        for (Index i = 0; i < result.numel(); ++i)
            result[i] += (i < net.shared_size() ? weights[t] : own[t]) * rows[t][i];
    return result;
}
const auto ones = [](const Gramian& gramian) { return Weights(gramian.size(), 1.0); };

}  // namespace

TEST_CASE("a weighting sees inner products and losses, and weighs what is shared", "[mtl][balancing]") {
    auto net = net_of_three();
    const auto batch = batch_of();
    const auto rows = rows_of(net, batch);
    auto criterion = criterion_of_three();
    int calls = 0;
    criterion.balance([&](const Gramian& gramian) {
        REQUIRE(gramian.size() == 3);
        CHECK(gramian.context().step == calls++);
        CHECK(gramian.context().task_count == 3);
        for (std::size_t i = 0; i < 3; ++i) {
            CHECK(gramian.context().tasks[i] == i);
            for (std::size_t j = 0; j < 3; ++j)
                CHECK(gramian(i, j) == Approx(dot(rows[i], rows[j], net.shared_size())));
        }
        return std::vector<double>{0.5, 2, -1};
    });
    for (int step = 0; step < 2; ++step) {
        zero(net);
        const auto loss = criterion(net(batch.input), batch.targets);
        CHECK(loss.item() == Approx(loss.item("a") + loss.item("b") + loss.item("c")));
        CHECK_THROWS_WITH(loss.weights(), "[weights] expected a backward pass under a rule that gives weights, got none");
        CHECK_THROWS_AS(loss.gramian(), StateError);
        loss.backward();
        require_same(gradients_of(net), combined(net, rows, {0.5, 2, -1}, {1, 1, 1}));
        CHECK(loss.weights() == std::vector<double>{0.5, 2, -1});
        CHECK(loss.gramian()(0, 2) == Approx(dot(rows[0], rows[2], net.shared_size())));
    }
    CHECK(calls == 2);
}

TEST_CASE("the parameters of an encoder are balanced with those of the trunk", "[mtl][balancing][encoder]") {
    manual_seed(1);
    Net net{nn::Concatenated{nn::From{"x", nn::Linear<double>{4, 3}}, nn::From{"word", nn::Embedding<double>{6, 3}}},
            nn::Sequential{nn::Linear<double>{6, 5}, nn::Tanh{}},
            {{"a", nn::Linear<double>{5, 3}}, {"b", nn::Linear<double>{5, 2}}, {"c", nn::Linear<double>{5, 1}}}};
    const auto plain = batch_of();
    struct {
        data::Inputs<double> input;
        losses::Targets<double> targets;
    } const batch{{{"x", plain.input}, {"word", Tensor<Index>{{8}, {0, 5, 5, 1, 2, 0, 5, 3}}}}, plain.targets};
    const auto rows = rows_of(net, batch);
    auto criterion = criterion_of_three();
    criterion.balance([&](const Gramian& gramian) {
        for (std::size_t i = 0; i < 3; ++i)
            for (std::size_t j = 0; j < 3; ++j)
                CHECK(gramian(i, j) == Approx(dot(rows[i], rows[j], net.shared_size())));
        return Weights{0.5, 2, -1};
    });
    zero(net);
    criterion(net(batch.input), batch.targets).backward();
    require_same(gradients_of(net), combined(net, rows, {0.5, 2, -1}, {1, 1, 1}));
}

TEST_CASE("heads are weighed if one asks for it", "[mtl][balancing]") {
    auto net = net_of_three();
    const auto batch = batch_of();
    const auto rows = rows_of(net, batch);
    auto criterion = criterion_of_three();
    criterion.balance([](const Gramian&) { return Weights{0.5, 2, -1}; }, {.weigh_heads = true});
    criterion(net(batch.input), batch.targets).backward({.scale = 2});
    require_same(gradients_of(net), combined(net, rows, {1, 4, -2}, {1, 4, -2}));
}

TEST_CASE("a criterion's weights come before the rule", "[mtl][balancing]") {
    auto net = net_of_three();
    const auto batch = batch_of();
    auto rows = rows_of(net, batch);
    for (double& v : rows[1])
        v *= 3;
    auto criterion = criterion_of_three(3);
    criterion.balance([&](const Gramian& gramian) {
        CHECK(gramian(1, 1) == Approx(dot(rows[1], rows[1], net.shared_size())));
        return Weights{1, 2, 1};
    });
    const auto loss = criterion(net(batch.input), batch.targets);
    loss.backward();
    require_same(gradients_of(net), combined(net, rows, {1, 2, 1}, {1, 1, 1}));
    criterion.set_weight("b", 0);  // as if it were masked
    criterion.balance([](const Gramian& gramian) {
        CHECK(gramian.size() == 2);
        return Weights{1, 2};
    });
    zero(net);
    const auto without = criterion(net(batch.input), batch.targets);
    without.backward();
    CHECK(without.weights() == std::vector<double>{1, 0, 2});
    require_same(gradients_of(net), combined(net, rows, {1, 0, 2}, {1, 0, 1}));
}

TEST_CASE("a scalarizer makes the total, which learned weights are part of", "[mtl][balancing]") {
    auto net = net_of_three();
    const auto batch = batch_of();
    const auto rows = rows_of(net, batch);
    auto criterion = criterion_of_three(2);
    criterion.balance([](const Losses<double>& losses) {
        REQUIRE(losses.size() == 3);
        CHECK(losses.values()[1] == Approx(losses[1].item()));
        return losses[0] * losses[0] + losses[1] * 3.0 + losses[2];
    });
    const auto loss = criterion(net(batch.input), batch.targets);
    const double a = loss.item("a");
    CHECK(loss.item() == Approx(a * a + 6 * loss.item("b") + loss.item("c")));
    loss.backward({.scale = 0.5});
    require_same(gradients_of(net), combined(net, rows, {a, 3, 0.5}, {a, 3, 0.5}));
    CHECK(loss.weights()[0] == Approx(2 * a));
    CHECK(loss.weights()[1] == Approx(6));
    CHECK_THROWS_AS(loss.gramian(), StateError);
    const auto nothing = criterion(net(batch.input), batch.targets);
    nothing.backward({.retain_graph = true, .scale = 0});
    CHECK_FALSE(nothing.has_weights());  // not 0 / 0
    CHECK_THROWS_AS(nothing.weights(), StateError);
    nothing.backward({.scale = 0.5});
    CHECK(nothing.weights() == loss.weights());
    const auto of_prediction = criterion(net.predict(batch.input), batch.targets);  // without a graph: the sum
    CHECK(of_prediction.item() == Approx(a + 2 * loss.item("b") + loss.item("c")));
}

TEST_CASE("an aggregator sees the rows and gives the direction", "[mtl][balancing]") {
    auto net = net_of_three();
    const auto batch = batch_of();
    const auto rows = rows_of(net, batch);
    auto criterion = criterion_of_three();
    criterion.balance([&](const Jacobian<double>& jacobian) {
        REQUIRE(jacobian.size() == 3);
        REQUIRE(jacobian.columns() == net.shared_size());
        CHECK(jacobian.blocks().size() == 4);
        CHECK(jacobian.blocks()[0].name == "trunk.0.weight");
        CHECK(jacobian.blocks()[3].first + jacobian.blocks()[3].size == jacobian.columns());
        Tensor<double> direction{Shape{jacobian.columns()}};
        for (Index p = 0; p < jacobian.columns(); ++p) {
            CHECK(jacobian.row(1)[static_cast<std::size_t>(p)] == Approx(rows[1][p]).margin(1e-12));
            direction[p] = 2 * jacobian.row(0)[static_cast<std::size_t>(p)] - jacobian.row(2)[static_cast<std::size_t>(p)];
        }
        return direction;
    });
    const auto loss = criterion(net(batch.input), batch.targets);
    loss.backward({.scale = 0.5});
    require_same(gradients_of(net), combined(net, rows, {1, 0, -0.5}, {0.5, 0.5, 0.5}));
    CHECK_THROWS_AS(loss.weights(), StateError);
}

TEST_CASE("several losses of one task are one loss to a rule of any kind", "[mtl][balancing]") {
    const auto both = [](const Variable<double>& output, const losses::Target<double>& target) {
        return losses::CrossEntropy<double>{}(output, target) + autograd::mean(output * output) * 0.5;
    };
    auto net = net_of_three();
    const auto batch = batch_of();
    auto rows = rows_of(net, batch);
    autograd::mean(net(batch.input).at("a") * net(batch.input).at("a")).backward();
    const auto second = gradients_of(net);
    for (Index i = 0; i < second.numel(); ++i)
        rows[0][i] += 0.5 * second[i];
    Criterion criterion{{"a", both}, {"b", losses::MSE<double>{}}, {"c", losses::MSE<double>{}}};
    const auto check = [&](const auto& rule, const std::vector<double>& own) {
        criterion.balance(rule);
        zero(net);
        const auto loss = criterion(net(batch.input), batch.targets);
        CHECK(loss.item("a") > criterion_of_three()(net(batch.input), batch.targets).item("a"));
        loss.backward();
        require_same(gradients_of(net), combined(net, rows, {0.5, 2, -1}, own));
    };
    check([](const Losses<double>& losses) { return losses[0] * 0.5 + losses[1] * 2.0 - losses[2]; }, {0.5, 2, -1});
    check(
        [&](const Gramian& gramian) {
            CHECK(gramian(0, 0) == Approx(dot(rows[0], rows[0], net.shared_size())));
            return Weights{0.5, 2, -1};
        },
        {1, 1, 1});
    check(
        [&](const Jacobian<double>& jacobian) {
            CHECK(jacobian.row(0)[0] == Approx(rows[0][0]));
            Tensor<double> direction{Shape{jacobian.columns()}};
            for (Index i = 0; i < direction.numel(); ++i) {
                const auto k = static_cast<std::size_t>(i);
                direction[i] = 0.5 * jacobian.row(0)[k] + 2 * jacobian.row(1)[k] - jacobian.row(2)[k];
            }
            return direction;
        },
        {1, 1, 1});
}

TEST_CASE("a rule may look at layers, groups or features", "[mtl][balancing]") {
    auto net = net_of_three();
    const auto batch = batch_of();
    const auto rows = rows_of(net, batch);
    const Index first = 4 * 6 + 6;  // the first layer's
    auto criterion = criterion_of_three();
    SECTION("layers, each by itself") {
        std::vector<double> squares;
        criterion.balance(
            [&](const Gramian& gramian) {
                squares.push_back(gramian(0, 0));
                return Weights{static_cast<double>(squares.size()), 0, 0};
            },
            {.scope = Scope::layers});
        const auto loss = criterion(net(batch.input), batch.targets);
        loss.backward();
        REQUIRE(squares.size() == 2);
        CHECK(squares[0] == Approx(dot(rows[0], rows[0], first)));
        CHECK(squares[0] + squares[1] == Approx(dot(rows[0], rows[0], net.shared_size())));
        const auto gradient = gradients_of(net);
        CHECK(gradient[0] == Approx(rows[0][0]));
        CHECK(gradient[first] == Approx(2 * rows[0][first]));
        CHECK(loss.weights() == std::vector<double>{1.5, 0, 0});  // the mean
        CHECK(loss.gramian()(0, 0) == Approx(squares[0] + squares[1]));
    }
    SECTION("a named group, and the rest") {
        int calls = 0;
        criterion.balance(
            [&](const Gramian& gramian) {
                ++calls;
                const bool is_first = gramian(0, 0) == Approx(dot(rows[0], rows[0], first));
                return Weights{is_first ? 1.0 : 5.0, 0, 0};
            },
            {.groups = {"trunk.2"}});
        criterion(net(batch.input), batch.targets).backward();
        CHECK(calls == 2);
        CHECK(gradients_of(net)[0] == Approx(rows[0][0]));
        CHECK(gradients_of(net)[first] == Approx(5 * rows[0][first]));
    }
    SECTION("features: the trunk is traversed once") {
        const auto features = net.features(batch.input);
        const Variable<double> leaf{features.value(), true};
        const auto of_features = criterion_of_three()(net.heads(leaf), batch.targets);
        std::vector<Variable<double>> losses;
        for (const auto& [task, loss] : of_features.tasks())
            losses.push_back(loss);
        const auto jacobian = autograd::jacobian<double>(losses, std::vector{leaf});
        criterion.balance(
            [&](const Gramian& gramian) {
                double product = 0;
                for (Index p = 0; p < jacobian.size(1); ++p)
                    product += jacobian.at(0, p) * jacobian.at(2, p);
                CHECK(gramian(0, 2) == Approx(product));
                return Weights{0.5, 2, -1};
            },
            {.scope = Scope::features});
        criterion(net(batch.input), batch.targets).backward();
        require_same(gradients_of(net), combined(net, rows, {0.5, 2, -1}, {1, 1, 1}));
        criterion.balance(
            [&](const Jacobian<double>& rows_at_features) {
                CHECK(rows_at_features.columns() == 8 * 5);
                CHECK(rows_at_features.row(1)[3] == Approx(jacobian.at(1, 3)));
                return Tensor<double>{{40}, rows_at_features.row(2)};
            },
            {.scope = Scope::features});
        zero(net);
        criterion(net(batch.input), batch.targets).backward();
        require_same(gradients_of(net), combined(net, rows, {0, 0, 1}, {1, 1, 1}));
    }
}

TEST_CASE("a task without labels is left out of the rule", "[mtl][balancing]") {
    auto net = net_of_three();
    const auto batch = batch_of(1, 0);
    const auto rows = rows_of(net, batch, {"a", "c"});
    auto criterion = criterion_of_three();
    const auto two = [](const auto& evidence) {
        REQUIRE(evidence.context().tasks == PoolVector<std::size_t>{0, 2});
        CHECK(evidence.context().task_count == 3);
        CHECK(evidence.size() == 2);
    };
    const std::vector<double> own{1, 1};
    criterion.balance([&](const Gramian& gramian) {
        two(gramian);
        CHECK(gramian(0, 1) == Approx(dot(rows[0], rows[1], net.shared_size())));
        return Weights{2, 3};
    });
    const auto loss = criterion(net(batch.input), batch.targets);
    loss.backward();
    require_same(gradients_of(net), combined(net, rows, {2, 3}, own));
    CHECK(loss.weights() == std::vector<double>{2, 0, 3});
    CHECK(loss.gramian()(1, 1) == 0);
    CHECK_FALSE(net.task_parameters("b")[0].has_grad());
    criterion.balance([&](const Jacobian<double>& jacobian) {
        two(jacobian);
        return Tensor<double>{{jacobian.columns()}, jacobian.row(1)};
    });
    zero(net);
    criterion(net(batch.input), batch.targets).backward();
    require_same(gradients_of(net), combined(net, rows, {0, 1}, own));
    criterion.balance([&](const Losses<double>& losses) {
        two(losses);
        return losses[1] * 4.0;
    });
    zero(net);
    criterion(net(batch.input), batch.targets).backward();
    require_same(gradients_of(net), combined(net, rows, {0, 4}, {0, 4}));
}

TEST_CASE("with one active task, none, or nothing shared there is nothing to decide", "[mtl][balancing]") {
    const auto never = [](const Gramian&) -> Weights { throw std::logic_error{"asked"}; };
    auto criterion = criterion_of_three();
    criterion.balance(never);
    SECTION("one") {
        auto net = net_of_three();
        auto batch = batch_of(1, 0);
        batch.targets.at("a") = losses::Target<double>{Tensor<Index>{{8}}, Tensor<bool>::full({8}, false)};
        const auto rows = rows_of(net, batch, {"c"});
        const auto loss = criterion(net(batch.input), batch.targets);
        loss.backward({.scale = 2});
        require_same(gradients_of(net), combined(net, rows, {2}, {2}));
        CHECK(loss.weights() == std::vector<double>{0, 0, 1});
        batch.targets.at("c") = losses::Target<double>{normal<double>({8, 1}), Tensor<bool>::full({8}, false)};
        zero(net);
        criterion(net(batch.input), batch.targets).backward();
        CHECK_FALSE(net.parameters()[0].has_grad());
    }
    SECTION("a frozen trunk") {
        auto net = net_of_three();
        for (auto parameter : net.shared_parameters())
            parameter.set_requires_grad(false);
        const auto batch = batch_of();
        const auto loss = criterion(net(batch.input), batch.targets);
        loss.backward();
        CHECK(net.task_parameters("a")[0].has_grad());
        CHECK(loss.weights() == std::vector<double>{1, 1, 1});
    }
}

TEST_CASE("batches that count as one are decided on once", "[mtl][balancing]") {
    auto net = net_of_three();
    const auto whole = batch_of();
    const auto part = [](Index first, Index last) {
        const auto all = batch_of();
        const auto of = [&](const auto& values) { return values.slice(first, last); };
        return Batch{of(all.input),
                     {{"a", of(Tensor<Index>{{8}, {0, 1, 2, 1, 0, 2, 2, 1}})},
                      {"b", of(normal<double>({8, 2}, 11))},
                      {"c", of(normal<double>({8, 1}, 21))}}};
    };
    auto criterion = criterion_of_three(2);
    const auto require_same_as_whole = [&](auto rule, mtl::BalanceOptions options, const std::vector<Index>& cuts) {
        criterion.balance(rule, options);
        zero(net);
        const auto loss = criterion(net(whole.input), whole.targets);
        loss.backward();
        const auto expected = gradients_of(net);
        criterion.balance(rule, options);
        for (int round = 0; round < 2; ++round) {
            zero(net);
            for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
                const auto micro = part(cuts[i], cuts[i + 1]);
                const double share = static_cast<double>(cuts[i + 1] - cuts[i]) / 8;
                criterion(net(micro.input), micro.targets).backward({.scale = share, .more = i + 2 < cuts.size()});
            }
            require_same(gradients_of(net), expected);
        }
    };
    const auto weighting = [](const Gramian& g) {
        Weights weights;
        for (std::size_t i = 0; i < g.size(); ++i)
            weights.push_back(g.losses()[i] / g.norm(i));
        return weights;
    };
    const auto scalarizer = [](const Losses<double>& l) { return l[0] * l[1] + autograd::log(l[2]); };
    const auto aggregator = [](const Jacobian<double>& j) {
        Tensor<double> direction{Shape{j.columns()}};
        for (Index p = 0; p < j.columns(); ++p)
            direction[p] = std::max(j.row(0)[static_cast<std::size_t>(p)], j.row(1)[static_cast<std::size_t>(p)]);
        return direction;
    };
    for (const auto& cuts : {std::vector<Index>{0, 4, 8}, {0, 2, 4, 6, 8}, {0, 8}}) {
        require_same_as_whole(weighting, {}, cuts);
        require_same_as_whole(weighting, {.scope = Scope::layers}, cuts);
        require_same_as_whole(weighting, {.scope = Scope::features}, cuts);
        require_same_as_whole(weighting, {.weigh_heads = true}, cuts);
        require_same_as_whole(scalarizer, {}, cuts);
        require_same_as_whole(aggregator, {}, cuts);
        require_same_as_whole(aggregator, {.scope = Scope::layers}, cuts);
    }
}

TEST_CASE("what a rule must not say is refused, and the next step works", "[mtl][balancing]") {
    auto net = net_of_three();
    const auto batch = batch_of();
    auto criterion = criterion_of_three();
    zero(net);
    criterion(net(batch.input), batch.targets).backward();
    const auto before = gradients_of(net);
    const auto refuse = [&](const auto& rule, const char* message) {
        criterion.balance(rule);
        CHECK_THROWS_WITH(criterion(net(batch.input), batch.targets).backward(), message);
        CHECK(same_bits(gradients_of(net), before));
    };
    refuse([](const Gramian&) { return Weights{1, 2}; }, "[backward] expected from the rule a weight for each of 3 active tasks, got 2");
    refuse(
        [](const Gramian&) {
            return Weights{1, std::numeric_limits<double>::infinity(), 1};
        },
        "[backward] expected finite weights from the rule, got inf");
    refuse([](const Gramian&) -> Weights { throw std::runtime_error{"no"}; }, "no");
    refuse([](const Jacobian<double>&) { return Tensor<double>{Shape{3}}; },
           "[backward] expected from the rule a direction of shape (65,), got (3,)");
    refuse([](const Jacobian<double>& j) { return Tensor<double>::full({j.columns()}, std::numeric_limits<double>::quiet_NaN()); },
           "[backward] expected a finite direction from the rule, got nan");
    refuse([](const Losses<double>& l) { return autograd::log(l[0] * 0.0); },
           "[MultiTaskLoss] expected a finite total of one element from the rule, got () -inf");
    criterion.balance(ones);
    criterion(net(batch.input), batch.targets).backward();
    auto twice = before;
    for (double& v : twice)
        v *= 2;
    require_same(gradients_of(net), twice);
}

TEST_CASE("gradients that are not finite are refused by the name of their task", "[mtl][balancing]") {
    auto net = net_of_three();
    const auto batch = batch_of();
    auto criterion = mtl::MultiTaskLoss<double>{
        {"a", losses::CrossEntropy<double>{}},
        {"b", [](const Variable<double>& y, const losses::Target<double>&) { return autograd::sum(autograd::sqrt(y * 0.0)); }},
        {"c", losses::MSE<double>{}}};  // finite, with a slope that is not
    for (const bool rows : {false, true}) {
        if (rows)
            criterion.balance([](const Jacobian<double>& j) { return Tensor<double>{Shape{j.columns()}}; });
        else
            criterion.balance(ones);
        CHECK_THROWS_WITH(criterion(net(batch.input), batch.targets).backward(),
                          ContainsSubstring("[backward] expected finite gradients to balance, got ") && ContainsSubstring("task 'b'"));
        CHECK_FALSE(net.parameters()[0].has_grad());
        CHECK_FALSE(net.task_parameters("c")[0].has_grad());
    }
}

TEST_CASE("a rule is refused where it cannot be", "[mtl][balancing]") {
    mtl::MultiTaskLoss<double> one{{"a", losses::MSE<double>{}}};
    CHECK_THROWS_WITH(one.balance(ones), "[balance] expected at least two tasks to balance by their gradients, got one");
    one.balance([](const Losses<double>& l) { return l[0] * 2.0; });  // weighs it
    auto criterion = criterion_of_three();
    CHECK_THROWS_WITH(criterion.balance([](const Losses<double>& l) { return l[0]; }, {.scope = Scope::layers}),
                      "[balance] expected no scope for a rule that sees losses alone, got one");
    CHECK_THROWS_WITH(criterion.balance(ones, {.scope = Scope::features, .groups = {"trunk.0"}}),
                      "[balance] expected groups or another scope than the whole, got both");
    CHECK_THROWS_AS(criterion(net_of_three()(batch_of().input), batch_of().targets).backward({.scale = 1 / 0.0}), ValueError);
}

namespace {

/// Remembers the mean of the norms that it saw.
struct Remembering {
    Weights operator()(const Gramian& gramian) {
        Weights weights(gramian.size());
        for (std::size_t i = 0; i < gramian.size(); ++i) {
            double& mean = means[static_cast<Index>(gramian.context().tasks[i])];
            mean = 0.9 * mean + 0.1 * gramian.norm(i);
            weights[i] = random.uniform() + 1 / mean;
        }
        return weights;
    }
    void start(std::size_t tasks) { means = Tensor<double>{Shape{static_cast<Index>(tasks)}}; }
    template <class Scalar>
    void visit(mtl::RuleVisitor<Scalar>& visitor) {
        visitor("means", means);
        visitor("random", random);
    }
    void end_epoch() { means[0] += 1; }
    void after_step(std::span<const double> losses) { means[1] += losses[1]; }

    Tensor<double> means;
    Random random{7};
};

/// Learns a factor for each task.
template <class Scalar = double>
struct Learning {
    Variable<Scalar> operator()(const Losses<Scalar>& losses) {
        Variable<Scalar> total = losses[0] * 1.0;
        for (std::size_t i = 1; i < losses.size(); ++i)
            total = total + losses[i];
        return total * autograd::sum(factor.variable());
    }
    template <class S>
    void visit(mtl::RuleVisitor<S>& visitor) {
        visitor("factor", factor);
    }
    nn::Parameter<Scalar> factor{Tensor<Scalar>{{2}, {1, 2}}};
};

}  // namespace

TEST_CASE("a rule's state is copied, saved and restored", "[mtl][balancing][state]") {
    const auto scope = GENERATE(Scope::whole, Scope::layers, Scope::features);
    auto net = net_of_three();
    auto criterion = criterion_of_three();
    criterion.balance(Remembering{}, {.scope = scope});
    optim::SGD<double> sgd{net.parameters(), {.learning_rate = 0.1, .momentum = 0.9}};
    const auto step = [](Net& n, optim::SGD<double>& s, const Criterion& c, std::uint64_t seed) {
        const auto batch = batch_of(seed);
        const auto loss = c(n(batch.input), batch.targets);
        s.zero_grad();
        loss.backward();
        s.step();
        c.after_step(n(batch.input), batch.targets);
        return loss.weights();
    };
    for (std::uint64_t i = 0; i < 3; ++i)
        step(net, sgd, criterion, i);
    criterion.end_epoch();
    const auto state = criterion.state_dict();
    CHECK(state.contains(scope == Scope::layers ? "part|trunk.0|.means" : "rule.means"));
    auto copy = criterion;
    auto other_net = net;
    optim::SGD<double> other_sgd{other_net.parameters(), {.learning_rate = 0.1, .momentum = 0.9}};
    other_sgd.load_state_dict(sgd.state_dict());
    auto restored = criterion_of_three();
    restored.balance(Remembering{}, {.scope = scope});
    auto third_net = net;
    optim::SGD<double> third_sgd{third_net.parameters(), {.learning_rate = 0.1, .momentum = 0.9}};
    third_sgd.load_state_dict(sgd.state_dict());
    restored.load_state_dict(state);
    CHECK(same_bits(restored.state_dict(), state));
    for (std::uint64_t i = 3; i < 6; ++i) {
        const auto weights = step(net, sgd, criterion, i);
        CHECK(weights == step(other_net, other_sgd, copy, i));
        CHECK(weights == step(third_net, third_sgd, restored, i));
    }
    CHECK(same_bits(criterion.state_dict(), restored.state_dict()));
    CHECK_FALSE(same_bits(criterion.state_dict(), state));
    CHECK(same_bits(net.state_dict(), third_net.state_dict()));
}

TEST_CASE("a state of another rule is refused, and changes nothing", "[mtl][balancing][state]") {
    auto criterion = criterion_of_three();
    criterion.balance(Remembering{});
    const auto before = criterion.state_dict();
    auto state = before;
    state.at("rule.means") = Tensor<double>{Shape{4}};
    state.insert("rule.more", Tensor<double>{Shape{1}});
    CHECK_THROWS_WITH(criterion.load_state_dict(state),
                      "[load_state_dict] expected the state of this rule, got another; rule.means of shape (3,) came as (4,); "
                      "unexpected rule.more");
    CHECK_THROWS_WITH(criterion.load_state_dict({}), ContainsSubstring("missing rule.random"));
    CHECK(same_bits(criterion.state_dict(), before));
    auto plain = criterion_of_three();
    CHECK(plain.state_dict().empty());
    plain.load_state_dict({});
    CHECK_THROWS_AS(plain.load_state_dict(before), StateError);
}

TEST_CASE("an optimizer trains what a rule learns, before and after its state is loaded", "[mtl][balancing][state]") {
    auto net = net_of_three();
    auto criterion = criterion_of_three();
    CHECK(criterion.parameters().empty());
    CHECK(criterion.parameters(net.parameters()).size() == net.parameters().size());
    criterion.balance(Learning<>{});
    const auto parameters = criterion.parameters(net.parameters());
    REQUIRE(parameters.size() == net.parameters().size() + criterion.parameters().size());
    CHECK(parameters.front().node() == net.parameters().front().node());
    CHECK(parameters.back().node() == criterion.parameters().back().node());
    optim::SGD<double> sgd{parameters, {.learning_rate = 0.01}};
    const auto batch = batch_of();
    const auto state = criterion.state_dict();
    const auto step = [&] {
        const auto loss = criterion(net(batch.input), batch.targets);
        sgd.zero_grad();
        loss.backward();
        sgd.step();
    };
    step();
    CHECK(criterion.parameters()[0].value()[0] < 1);
    const auto copy = criterion;
    criterion.load_state_dict(state);
    CHECK(criterion.parameters()[0].value()[0] == 1);
    CHECK(copy.parameters()[0].value()[0] < 1);
    step();
    CHECK(criterion.parameters()[0].value()[0] < 1);
    for (const double share : {0.5, 0.5})  // collected batches too
        criterion(net(batch.input), batch.targets).backward({.scale = share, .more = true});
    sgd.zero_grad();
    criterion(net(batch.input), batch.targets).backward({.scale = 0});
    CHECK(criterion.parameters()[0].has_grad());
}

TEST_CASE("after a step a rule sees the losses of the same tasks again", "[mtl][balancing]") {
    auto net = net_of_three();
    auto criterion = criterion_of_three();
    const auto batch = batch_of();
    int made = 0;
    const auto outputs = [&] {
        ++made;
        return net(batch.input);
    };
    criterion.after_step(outputs, batch.targets);
    CHECK(made == 0);  // no rule that wants them
    criterion.balance(Remembering{});
    criterion(net(batch.input), batch.targets).backward();
    criterion.after_step(outputs, batch.targets);
    CHECK(made == 1);
    CHECK(criterion.state_dict().at("rule.means")[1] > 0);
    CHECK_THROWS_WITH(criterion.after_step(net(batch.input), batch_of(1, 0).targets),
                      ContainsSubstring("[after_step] expected the batch of the last step"));
}

TEST_CASE("a rule's step has the same bits for any number of threads", "[mtl][balancing][same_bits]") {
    std::vector<Tensor<double>> results;
    for (const int threads : {1, 2, 4}) {
        const testing::Threads guard{threads};
        auto net = net_of_three();
        auto criterion = criterion_of_three();
        criterion.balance(Remembering{});
        const auto batch = batch_of();
        criterion(net(batch.input), batch.targets).backward();
        results.push_back(gradients_of(net));
    }
    CHECK(same_bits(results[0], results[1]));
    CHECK(same_bits(results[0], results[2]));
}
