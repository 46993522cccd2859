// SPDX-License-Identifier: MIT
#include <espalier/losses/mse.hpp>
#include <espalier/mtl/diagnostics.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/optim/sgd.hpp>

#include "nn/testing.hpp"

#include <cmath>

using namespace espalier;
using testing::normal;

namespace {

mtl::MultiTaskNet<double> net_of_two() {
    manual_seed(1);
    return {nn::Linear<double>{3, 4}, {{"a", nn::Linear<double>{4, 1}}, {"b", nn::Linear<double>{4, 1}}}};
}
mtl::MultiTaskLoss<double> criterion_of_two() { return {{"a", losses::MSE<double>{}}, {"b", losses::MSE<double>{}}}; }

losses::Targets<double> targets_of(std::uint64_t seed, bool label_b = true) {
    return {{"a", normal<double>({5, 1}, seed)}, {"b", {normal<double>({5, 1}, seed + 100), Tensor<bool>::full({5}, label_b)}}};
}

}  // namespace

TEST_CASE("diagnostics are means over the steps in which a task was active", "[mtl][diagnostics]") {
    auto net = net_of_two();
    auto criterion = criterion_of_two();
    criterion.balance(mtl::UnitWeights{});
    mtl::Diagnostics diagnostics{net.tasks()};
    double loss_b = 0, cosine = 0, conflicts = 0, affinity = 0;
    for (std::uint64_t step = 0; step < 9; ++step) {
        const bool label_b = step % 3 != 0;
        const auto loss = criterion(net(normal<double>({5, 3}, step)), targets_of(step, label_b));
        loss.backward();
        diagnostics.record(loss);
        CHECK(loss.has_gramian() == label_b);  // there is nothing to balance with one task
        if (label_b) {
            const auto gramian = loss.gramian();
            loss_b += loss.item("b") / 6;
            cosine += gramian(0, 1) / std::sqrt(gramian(0, 0) * gramian(1, 1)) / 6;
            conflicts += gramian(0, 1) < 0 ? 1.0 / 6 : 0;
            affinity += gramian(0, 1) / loss.item("b") / 6;
        }
    }
    const auto summary = diagnostics.summary();
    CHECK(summary.steps == 9);
    CHECK(summary.losses[1] == Approx(loss_b));
    CHECK(summary.weights[0] == 1);
    CHECK(summary.weights[1] == 1);
    CHECK(summary.cosines(0, 1) == Approx(cosine));
    CHECK(summary.cosines(1, 0) == Approx(cosine));
    CHECK(summary.cosines(0, 0) == Approx(1));
    CHECK(summary.conflicts(1, 0) == Approx(conflicts));
    CHECK(summary.conflict_rate == Approx(conflicts));
    CHECK(summary.affinities(0, 1) == Approx(affinity));
    CHECK(summary.norms[0] > 0);
    diagnostics.reset();
    CHECK(diagnostics.summary().steps == 0);
    CHECK(std::isnan(diagnostics.summary().losses[0]));
}

TEST_CASE("the plain sum has losses and weights, and gradients if one looks at them", "[mtl][diagnostics]") {
    auto net = net_of_two();
    auto criterion = criterion_of_two();
    mtl::Diagnostics diagnostics{net.tasks()};
    const auto input = normal<double>({5, 3});
    const auto plain = criterion(net(input), targets_of(1));
    plain.backward();
    diagnostics.record(plain);
    CHECK(diagnostics.summary().losses[0] == Approx(plain.item("a")));
    CHECK(diagnostics.summary().weights[0] == 1);
    CHECK(std::isnan(diagnostics.summary().norms[0]));
    CHECK(std::isnan(diagnostics.summary().cosines(0, 1)));
    CHECK(std::isnan(diagnostics.summary().conflict_rate));
    const auto gradient = testing::flat_gradients(net.parameters());
    for (const auto scope : {mtl::Scope::whole, mtl::Scope::features}) {
        for (auto parameter : net.parameters())
            parameter.zero_grad();
        criterion.balance(mtl::UnitWeights{}, {.scope = scope});
        const auto seen = criterion(net(input), targets_of(1));
        seen.backward();
        diagnostics.record(seen);
        testing::require_close(testing::flat_gradients(net.parameters()), gradient, 1e-12);
        CHECK(diagnostics.summary().norms[0] > 0);
    }
}

TEST_CASE("diagnostics refuse losses of other tasks", "[mtl][diagnostics]") {
    auto net = net_of_two();
    const auto loss = criterion_of_two()(net(normal<double>({5, 3})), targets_of(1));
    CHECK_THROWS_WITH(mtl::Diagnostics{{}}, "[Diagnostics] expected at least one task, got none");
    for (const std::vector<std::string>& tasks : {std::vector<std::string>{"a"}, {"b", "a"}, {"a", "b", "c"}}) {
        mtl::Diagnostics diagnostics{tasks};
        CHECK_THROWS_WITH(diagnostics.record(loss), ContainsSubstring("got 'a', 'b'"));
        CHECK(diagnostics.summary().steps == 0);
    }
}
