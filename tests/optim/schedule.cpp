// SPDX-License-Identifier: MIT
#include <espalier/optim/schedule.hpp>
#include <espalier/optim/sgd.hpp>

#include "optim/testing.hpp"

#include <cmath>
#include <limits>
#include <memory>
#include <type_traits>

using namespace espalier;
using namespace testing;

namespace {

/// The learning rates of times 0, 1, ... from a base of 0.2. Those of this file: torch 2.13, lr=.2.
void require_rates(const optim::Schedule& schedule, const std::vector<double>& expected) {
    optim::SGD sgd{leaves({Tensor<double>{{1}}}), {.learning_rate = 0.2}};
    optim::Scheduler scheduler{sgd, schedule};
    for (std::size_t t = 0; t < expected.size(); ++t) {
        REQUIRE(scheduler.time() == static_cast<Index>(t));
        REQUIRE(sgd.learning_rate() == Approx(expected[t]).epsilon(1e-12));
        REQUIRE(scheduler.learning_rate() == sgd.learning_rate());
        scheduler.step();
    }
}

}  // namespace

TEST_CASE("StepLR equals PyTorch's", "[optim]") {
    require_rates(optim::StepLR{{.step_size = 3, .gamma = 0.5}}, {0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05});
    REQUIRE_THROWS_AS(optim::StepLR{{.step_size = 0}}, ValueError);
    REQUIRE_THROWS_WITH(optim::StepLR{{.step_size = 0}}, "[step_lr] expected a step_size above 0, got 0");
    REQUIRE_THROWS_WITH((optim::StepLR{{.step_size = 1, .gamma = -1}}), "[step_lr] expected a finite gamma of at least 0, got -1");
}

TEST_CASE("ExponentialLR equals PyTorch's", "[optim]") {
    require_rates(optim::ExponentialLR{0.9}, {0.2, 0.18, 0.162, 0.1458, 0.13122, 0.118098});
    REQUIRE_THROWS_WITH(optim::ExponentialLR{-0.5}, "[exponential_lr] expected a finite gamma of at least 0, got -0.5");
}

TEST_CASE("CosineAnnealingLR equals PyTorch's, also after its end", "[optim]") {
    require_rates(optim::CosineAnnealingLR{{.t_max = 5, .eta_min = 0.01}}, {0.2, 0.18185661446562001, 0.13435661446562, 0.07564338553437999,
                                                                            0.02814338553438, 0.01, 0.02814338553437999, 0.07564338553438});
    REQUIRE_THROWS_WITH(optim::CosineAnnealingLR{{.t_max = -1}}, "[cosine_annealing_lr] expected a t_max above 0, got -1");
    REQUIRE_THROWS_WITH((optim::CosineAnnealingLR{{.t_max = 1, .eta_min = INFINITY}}),
                        "[cosine_annealing_lr] expected a finite eta_min of at least 0, got inf");
}

TEST_CASE("LinearWarmup equals PyTorch's LinearLR, alone and before another schedule", "[optim]") {
    require_rates(optim::LinearWarmup{{.steps = 4}}, {0.06666666666666667, 0.1, 0.13333333333333336, 0.16666666666666669, 0.2, 0.2, 0.2});
    require_rates(optim::LinearWarmup{{.steps = 3, .start_factor = 0.25}, optim::CosineAnnealingLR{{.t_max = 4, .eta_min = 0.01}}},
                  {0.05, 0.1, 0.15, 0.2, 0.172175144212722, 0.105, 0.03782485578727799, 0.01});
    REQUIRE_THROWS_WITH(optim::LinearWarmup{{.steps = 0}}, "[linear_warmup] expected steps above 0, got 0");
    REQUIRE_THROWS_WITH((optim::LinearWarmup{{.steps = 1, .start_factor = 0}}), "[linear_warmup] expected a start_factor in (0, 1], got 0");
}

TEST_CASE("Any function of base and time is a schedule", "[optim]") {
    require_rates([](double base, Index t) { return base / static_cast<double>(1 + t); }, {0.2, 0.1, 0.2 / 3});
}

TEST_CASE("A scheduler goes on from its state", "[optim]") {
    optim::SGD sgd{leaves({Tensor<double>{{1}}}), {.learning_rate = 0.2}};
    optim::Scheduler scheduler{sgd, optim::ExponentialLR{0.5}};
    scheduler.step();
    scheduler.step();
    optim::SGD other{leaves({Tensor<double>{{1}}}), {.learning_rate = 7}};
    optim::Scheduler resumed{other, optim::ExponentialLR{0.5}};
    resumed.load_state_dict(scheduler.state_dict());
    REQUIRE(other.learning_rate() == 0.05);
    REQUIRE(resumed.time() == 2);
    resumed.step();
    REQUIRE(other.learning_rate() == 0.025);
    auto bad = scheduler.state_dict();
    bad.time = -1;
    REQUIRE_THROWS_WITH(resumed.load_state_dict(bad), "[scheduler] expected a time in [0, 9007199254740992], got -1");
    bad = scheduler.state_dict();
    bad.base_learning_rates = Tensor<double>{{2}, {1, 1}};
    REQUIRE_THROWS_WITH(resumed.load_state_dict(bad), "[sgd] expected 1 learning rates, got 2");
    bad = scheduler.state_dict();
    bad.base_learning_rates[0] = std::nan("");
    REQUIRE_THROWS_AS(resumed.load_state_dict(bad), ValueError);
    REQUIRE(resumed.time() == 3);
    REQUIRE(other.learning_rate() == 0.025);
}

TEST_CASE("A scheduler refuses what is no schedule or gives no learning rate", "[optim]") {
    optim::SGD sgd{leaves({Tensor<double>{{1}}}), {.learning_rate = 0.2}};
    REQUIRE_THROWS_AS((optim::Scheduler{sgd, optim::Schedule{}}), ValueError);
    REQUIRE_THROWS_WITH((optim::Scheduler{sgd, optim::Schedule{}}), "[scheduler] expected a schedule, got an empty function");
    optim::Scheduler scheduler{sgd, [](double base, Index t) { return base - static_cast<double>(t); }};
    REQUIRE_THROWS_WITH(scheduler.step(), ContainsSubstring("[sgd] expected a finite learning_rate of at least 0, got -0.8"));
    REQUIRE(scheduler.time() == 0);
    REQUIRE(sgd.learning_rate() == 0.2);
}

TEST_CASE("Schedules refuse options that are no numbers", "[optim]") {
    const double nan = std::nan("");
    REQUIRE_THROWS_AS((optim::StepLR{{.step_size = 1, .gamma = nan}}), ValueError);
    REQUIRE_THROWS_AS((optim::StepLR{{.step_size = 1, .gamma = INFINITY}}), ValueError);
    REQUIRE_THROWS_AS((optim::StepLR{{.step_size = -1}}), ValueError);
    REQUIRE_THROWS_AS(optim::ExponentialLR{nan}, ValueError);
    REQUIRE_THROWS_AS(optim::ExponentialLR{INFINITY}, ValueError);
    REQUIRE_THROWS_AS((optim::CosineAnnealingLR{{.t_max = 0}}), ValueError);
    REQUIRE_THROWS_AS((optim::CosineAnnealingLR{{.t_max = 1, .eta_min = nan}}), ValueError);
    REQUIRE_THROWS_AS((optim::CosineAnnealingLR{{.t_max = 1, .eta_min = -1}}), ValueError);
    REQUIRE_THROWS_AS((optim::LinearWarmup{{.steps = -1}}), ValueError);
    REQUIRE_THROWS_AS((optim::LinearWarmup{{.steps = 1, .start_factor = nan}}), ValueError);
    REQUIRE_THROWS_AS((optim::LinearWarmup{{.steps = 1, .start_factor = 2}}), ValueError);
}

TEST_CASE("Schedules give learning rates at any time", "[optim]") {
    const Index most = std::numeric_limits<Index>::max();
    for (const Index length : {Index{1}, Index{7}, most}) {
        const std::vector<optim::Schedule> schedules{optim::StepLR{{.step_size = length, .gamma = 0.5}}, optim::ExponentialLR{0.5},
                                                     optim::CosineAnnealingLR{{.t_max = length, .eta_min = 0.01}},
                                                     optim::LinearWarmup{{.steps = length}},
                                                     optim::LinearWarmup{{.steps = length}, optim::CosineAnnealingLR{{.t_max = length}}}};
        for (const auto& schedule : schedules)
            for (const Index t : {Index{0}, Index{1}, most / 2, most - 1, most}) {
                const double rate = schedule(0.2, t);
                REQUIRE(rate >= 0);
                REQUIRE(rate <= 0.2);
            }
    }
}

TEST_CASE("A schedule that grows beyond all bounds, and the end of time, are errors", "[optim]") {
    optim::SGD sgd{leaves({Tensor<double>{{1}}}), {.learning_rate = 0.2}};
    optim::Scheduler growing{sgd, optim::ExponentialLR{10}};
    auto state = growing.state_dict();
    state.time = 400;
    REQUIRE_THROWS_WITH(growing.load_state_dict(state), "[sgd] expected a finite learning_rate of at least 0, got inf");
    REQUIRE(sgd.learning_rate() == 0.2);
    REQUIRE(growing.time() == 0);

    optim::Scheduler last{sgd, optim::ExponentialLR{1}};
    state.time = Index{1} << 53;
    last.load_state_dict(state);
    REQUIRE_THROWS_AS(last.step(), ValueError);
    REQUIRE_THROWS_WITH(last.step(), "[scheduler] expected a time in [0, 9007199254740992], got 9007199254740993");
    state.time = std::numeric_limits<Index>::max();
    REQUIRE_THROWS_AS(last.load_state_dict(state), ValueError);
    REQUIRE(last.time() == Index{1} << 53);
}

TEST_CASE("A scheduler stays with its optimizer when that is moved", "[optim]") {
    const auto p = leaves({Tensor<double>{{1}}});
    const auto make = [&] {  // no address of the optimizer inside outlives this
        struct Training {
            optim::SGD<double> sgd;
            optim::Scheduler<double> scheduler;
        };
        optim::SGD sgd{p, {.learning_rate = 1}};
        optim::Scheduler scheduler{sgd, optim::ExponentialLR{0.5}};
        return Training{std::move(sgd), std::move(scheduler)};
    };
    auto training = make();
    training.scheduler.step();
    REQUIRE(training.sgd.learning_rate() == 0.5);
    auto other = make();
    training = std::move(other);  // both parts of the other
    training.scheduler.step();
    training.scheduler.step();
    REQUIRE(training.sgd.learning_rate() == 0.25);
    REQUIRE_THROWS_AS(other.scheduler.step(), StateError);
    REQUIRE_THROWS_WITH(other.scheduler.learning_rate(), "[scheduler] expected an optimizer, got one that is gone");

    auto again = make();
    std::swap(training.sgd, again.sgd);
    training.scheduler.step();
    REQUIRE(again.sgd.learning_rate() == 0.125);
    REQUIRE(training.sgd.learning_rate() == 1);
}

TEST_CASE("A scheduler knows when its optimizer is gone", "[optim]") {
    const auto p = leaves({Tensor<double>{{1}}});
    auto sgd = std::make_unique<optim::SGD<double>>(p, optim::SGDOptions{.learning_rate = 1});
    optim::Scheduler scheduler{*sgd, optim::ExponentialLR{0.5}};
    *sgd = optim::SGD{p, {.learning_rate = 3}};  // another optimizer in its place, with its own learning rate
    REQUIRE_THROWS_AS(scheduler.step(), StateError);
    REQUIRE(sgd->learning_rate() == 3);
    scheduler = optim::Scheduler{*sgd, optim::ExponentialLR{0.1}};
    scheduler.step();
    REQUIRE(sgd->learning_rate() == Approx(0.3));
    sgd.reset();
    REQUIRE_THROWS_WITH(scheduler.step(), "[scheduler] expected an optimizer, got one that is gone");
    REQUIRE_THROWS_AS(scheduler.load_state_dict(scheduler.state_dict()), StateError);
    REQUIRE(scheduler.time() == 1);
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<optim::Scheduler<double>>);
    STATIC_REQUIRE_FALSE(std::is_constructible_v<optim::Scheduler<double>, optim::SGD<double>, optim::Schedule>);  // a temporary
}

TEST_CASE("A scheduler goes on when an optimizer is set to a copy of another or of itself", "[optim]") {
    const auto p = leaves({Tensor<double>{{1}}});
    optim::SGD sgd{p, {.learning_rate = 1}};
    optim::Scheduler scheduler{sgd, optim::ExponentialLR{0.5}};
    const optim::SGD before = sgd;
    scheduler.step();
    REQUIRE(before.learning_rate() == 1);
    sgd = before;  // back to how it was
    REQUIRE(sgd.learning_rate() == 1);
    scheduler.step();
    REQUIRE(sgd.learning_rate() == 0.25);
    auto& same = sgd;
    sgd = same;
    scheduler.step();
    REQUIRE(sgd.learning_rate() == 0.125);
    optim::SGD copy = sgd;
    copy.set_learning_rate(9);
    REQUIRE(sgd.learning_rate() == 0.125);

    const optim::SGD<double> grouped{{{.parameters = p, .learning_rate = 2}, {}}};
    optim::SGD single{p, {.learning_rate = 1}};
    optim::Scheduler of_single{single, optim::ExponentialLR{0.5}};
    single = grouped;  // has another number of groups now
    REQUIRE_THROWS_WITH(of_single.step(), "[sgd] expected 2 learning rates, got 1");
}
