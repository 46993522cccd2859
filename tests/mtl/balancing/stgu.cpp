// SPDX-License-Identifier: MIT
#include <espalier/mtl/balancing/rule_state.hpp>
#include <espalier/mtl/balancing/stgu.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/optim/sgd.hpp>

#include "mtl/balancing/beside.hpp"

using namespace espalier;
using testing::flat_values;
using testing::beside::Model;
using testing::beside::tolerance;

namespace {

template <class T>
void check(const Model<T>& model, const mtl::STGU& stgu, const mtl::MultiTaskNet<T>& net) {
    testing::require_close(flat_values(net).template cast<double>(), model.expected("stgu_theta"), tolerance<T>);
    const auto expected = model.expected("stgu_affinities");
    for (Index i = 0; i < expected.numel(); ++i)
        CHECK(stgu.affinities().data()[i] == Approx(expected[i]).epsilon(10 * tolerance<T>).margin(10 * tolerance<T>));
}

}  // namespace

TEMPLATE_TEST_CASE("groups of tasks are trained one after another, and found by their affinities", "[mtl][balancing]", float, double) {
    const Model<TestType> model{"three"};
    auto net = model.net();
    const auto criterion = model.criterion(false);
    optim::SGD<TestType> sgd{net.parameters(), {.learning_rate = 0.05}};
    manual_seed(0);
    mtl::STGU stgu{model.tasks, {.decay = 0.5, .warm_up = 3, .preference = 0.1}};
    for (Index step = 0; step < 8; ++step) {
        const auto batch = model.batch(2 + step);
        const auto before = criterion(net(batch.input), batch.targets);
        CHECK(stgu.step(net, criterion, batch, sgd).item("a") == before.item("a"));
    }
    check(model, stgu, net);
    const auto labels = model.expected("stgu_groups");
    std::vector<std::vector<std::string>> groups;
    for (Index t = 0; t < 3; ++t) {
        groups.resize(std::max(groups.size(), static_cast<std::size_t>(labels[t]) + 1));
        groups[static_cast<std::size_t>(labels[t])].push_back(model.tasks[static_cast<std::size_t>(t)]);
    }
    CHECK(stgu.groups() == groups);
    CHECK(groups.size() < 3);  // or the test would not see any
}

TEST_CASE("a task without labels is trained in no group, and has no affinities", "[mtl][balancing]") {
    const Model<double> model{"masked"};
    auto net = model.net();
    optim::SGD<double> sgd{net.parameters(), {.learning_rate = 0.05}};
    manual_seed(0);
    mtl::STGU stgu{model.tasks, {.decay = 0.5, .warm_up = 10}};
    for (Index step = 0; step < 2; ++step)
        stgu.step(net, model.criterion(false), model.batch(2 + step), sgd);
    check(model, stgu, net);
    CHECK(stgu.groups() == std::vector<std::vector<std::string>>{{"a"}, {"b"}, {"c"}});
}

TEST_CASE("one task is a group, and running statistics move once for each", "[mtl][balancing]") {
    const Model<double> model{"one"};
    manual_seed(1);
    mtl::MultiTaskNet<double> net{nn::Sequential{nn::Linear<double>{2, 2}, nn::BatchNorm<double>{2}}, {{"a", nn::Linear<double>{2, 1}}}};
    const auto batch = model.batch(2);
    auto once = net;
    (void)once(batch.input);
    optim::SGD<double> sgd{net.parameters(), {.learning_rate = 0.05}};
    mtl::STGU stgu{model.tasks, {.warm_up = 0}};
    stgu.step(net, model.criterion(), batch, sgd);
    for (const char* name : {"trunk.1.running_mean", "trunk.1.running_var"})
        CHECK(testing::same_bits(net.state_dict().at(name), once.state_dict().at(name)));
    stgu.step(net, model.criterion(), batch, sgd);
    CHECK(stgu.groups() == std::vector<std::vector<std::string>>{{"a"}});
    CHECK(stgu.affinities()(0, 0) > 0);
}

TEST_CASE("the state of groups is shown, and goes on elsewhere", "[mtl][balancing][state]") {
    const Model<double> model{"three"};
    auto net = model.net();
    optim::SGD<double> sgd{net.parameters(), {.learning_rate = 0.05}};
    mtl::STGU stgu{model.tasks, {.decay = 0.5, .warm_up = 1}};
    const auto run = [&](mtl::STGU& which, mtl::MultiTaskNet<double>& on, optim::SGD<double>& by) {
        for (Index step = 0; step < 3; ++step)
            which.step(on, model.criterion(), model.batch(2 + step), by);
    };
    run(stgu, net, sgd);
    mtl::detail::CollectState<double> collect;
    stgu.visit(collect);
    mtl::STGU other{model.tasks, {.decay = 0.5, .warm_up = 1}};
    mtl::detail::RestoreState<double> restore{collect.state};
    other.visit(restore);
    restore.require_fit();
    auto other_net = net;
    optim::SGD<double> other_sgd{other_net.parameters(), {.learning_rate = 0.05}};
    run(stgu, net, sgd);
    run(other, other_net, other_sgd);
    CHECK(testing::same_bits(flat_values(net), flat_values(other_net)));
    CHECK(stgu.groups() == other.groups());
}

TEST_CASE("groups refuse what they cannot train", "[mtl][balancing]") {
    const Model<double> model{"three"};
    auto net = model.net();
    const auto before = flat_values(net);
    optim::SGD<double> sgd{net.parameters(), {.learning_rate = 0.05}};
    CHECK_THROWS_AS(mtl::STGU{std::vector<std::string>{}}, StateError);
    CHECK_THROWS_WITH((mtl::STGU{model.tasks, {.decay = 0}}), "[STGU] expected a decay in (0, 1], got 0");
    CHECK_THROWS_AS((mtl::STGU{model.tasks, {.warm_up = -1}}), ValueError);
    mtl::STGU stgu{{"a", "b"}};
    CHECK_THROWS_WITH(stgu.step(net, model.criterion(), model.batch(2), sgd), ContainsSubstring("expected losses of 2 tasks"));
    CHECK(testing::same_bits(flat_values(net), before));
}
