// SPDX-License-Identifier: MIT
#include <espalier/optim/adam.hpp>
#include <espalier/optim/parameter_group.hpp>
#include <espalier/optim/schedule.hpp>
#include <espalier/optim/sgd.hpp>

#include "optim/testing.hpp"

#include <cmath>
#include <limits>

using namespace espalier;
using namespace testing;
using optim::Adam;
using optim::AdamW;
using optim::ParameterGroup;
using optim::SGD;

namespace {

struct Parts {
    std::vector<Variable<double>> a = leaves({Tensor<double>{{3}, {1, -2, 0.5}}});
    std::vector<Variable<double>> b = leaves({Tensor<double>{{2}, {0.25, -0.5}}, Tensor<double>{{1}, {2}}});
};

/// An optimizer with groups takes the steps of two optimizers with the options of these groups, to the bit.
template <class Optimizer, class Options>
void require_as_two(Options options) {
    const Parts one, two;
    options.learning_rate = 0.05;
    options.weight_decay = 0.1;
    Optimizer together{{{.parameters = one.a, .learning_rate = 0.01}, {.parameters = one.b, .weight_decay = 0}}, options};
    auto of_a = options, of_b = options;
    of_a.learning_rate = 0.01;
    of_b.weight_decay = 0;
    Optimizer first{two.a, of_a}, second{two.b, of_b};
    train(together, 6);
    train(first, 6);
    train(second, 6);
    CHECK(together.passes() == 2);
    CHECK(one.a[0].value() == two.a[0].value());
    CHECK(one.b[0].value() == two.b[0].value());
    CHECK(one.b[1].value() == two.b[1].value());
}

}  // namespace

TEST_CASE("Groups train with learning rates and weight decays of their own", "[optim][groups]") {
    require_as_two<SGD<double>>(optim::SGDOptions{});
    require_as_two<SGD<double>>(optim::SGDOptions{.momentum = 0.9, .nesterov = true});
    require_as_two<Adam<double>>(optim::AdamOptions{});
    require_as_two<AdamW<double>>(optim::AdamWOptions{});
}

TEST_CASE("Groups take PyTorch's steps", "[optim][groups]") {
    // torch 2.13, float64: [{params: a, lr: .01}, {params: b, weight_decay: 0}], lr=.05, weight_decay=.1, momentum=.9 for SGD;
    // six steps on the problem of testing.hpp
    const auto require_six_steps = [](auto make, const std::vector<double>& a, const std::vector<double>& b) {
        const Parts p;
        auto optimizer = make(std::vector<ParameterGroup<double>>{{.parameters = p.a, .learning_rate = 0.01},
                                                                  {.parameters = p.b, .weight_decay = 0}});
        train(optimizer, 6);
        require_close(p.a[0].value(), a);
        require_close(p.b[0].value(), {b[0], b[1]});
        require_close(p.b[1].value(), {b[2]});
    };
    require_six_steps(
        [](auto g) {
            return SGD{g, {.learning_rate = 0.05, .momentum = 0.9, .weight_decay = 0.1}};
        },
        {0.4104220069680201, -2.80270244120257, 0.180689738297499}, {-0.7470799783504936, -1.3732490908872372, -2.754510109674306});
    require_six_steps(
        [](auto g) {
            return AdamW{g, {.learning_rate = 0.05, .weight_decay = 0.1}};
        },
        {0.9342745696478673, -2.0479327649427113, 0.43727212274077376}, {-0.047108682777148525, -0.801080908927339, 1.7023089565373675});
}

TEST_CASE("Neighbours with equal factors are one pass, in whatever groups", "[optim][groups]") {
    const Parts p;
    SGD<double> sgd{{{.parameters = p.a, .learning_rate = 0.1}, {}, {.parameters = p.b}}, {.learning_rate = 0.1}};
    REQUIRE(sgd.group_count() == 3);
    train(sgd);
    CHECK(sgd.passes() == 1);
    sgd.set_learning_rate(0.2, 2);
    train(sgd);
    CHECK(sgd.passes() == 2);
    CHECK(sgd.parameters().size() == 3);
}

TEST_CASE("Learning rates of one group and of all", "[optim][groups]") {
    const Parts p;
    AdamW<double> adam{{{.parameters = p.a, .learning_rate = 1}, {.parameters = p.b}}, {.learning_rate = 0.5}};
    CHECK(adam.learning_rate() == 1);
    CHECK(adam.learning_rate(1) == 0.5);
    CHECK(adam.learning_rates() == Tensor<double>{{2}, {1, 0.5}});
    CHECK(adam.options().learning_rate == 0.5);
    adam.set_learning_rate(0.25, std::size_t{1});
    CHECK(adam.learning_rates() == Tensor<double>{{2}, {1, 0.25}});
    adam.set_learning_rate(2);
    CHECK(adam.learning_rates() == Tensor<double>{{2}, {2, 2}});
    CHECK_THROWS_AS(adam.learning_rate(2), ValueError);
    CHECK_THROWS_WITH(adam.learning_rate(2), "[adamw] expected a group in [0, 2), got 2");
    CHECK_THROWS_WITH(adam.set_learning_rate(1, -1), "[adamw] expected a group in [0, 2), got -1");
    CHECK_THROWS_AS(adam.set_learning_rate(1, std::numeric_limits<std::size_t>::max()), ValueError);
    CHECK_THROWS_AS(adam.set_learning_rate(-1, 1), ValueError);
    CHECK_THROWS_AS(adam.set_learning_rate(INFINITY), ValueError);
    CHECK(adam.learning_rates() == Tensor<double>{{2}, {2, 2}});
    // a rate and a group the wrong way round do not compile
    const auto takes_group = [](auto group) { return requires(AdamW<double>& o) { o.set_learning_rate(1, group); }; };
    STATIC_REQUIRE(takes_group(1));
    STATIC_REQUIRE_FALSE(takes_group(0.1));
}

TEST_CASE("A scheduler moves every group from its own base", "[optim][groups]") {
    const Parts p;
    SGD<double> sgd{{{.parameters = p.a, .learning_rate = 1}, {.parameters = p.b}}, {.learning_rate = 0.5}};
    optim::Scheduler scheduler{sgd, optim::ExponentialLR{0.5}};
    scheduler.step();
    scheduler.step();
    CHECK(sgd.learning_rates() == Tensor<double>{{2}, {0.25, 0.125}});
    CHECK(scheduler.state_dict().base_learning_rates == Tensor<double>{{2}, {1, 0.5}});

    SGD<double> other{{{.parameters = p.a, .learning_rate = 7}, {.parameters = p.b}}, {.learning_rate = 3}};
    optim::Scheduler resumed{other, optim::ExponentialLR{0.5}};
    resumed.load_state_dict(scheduler.state_dict());
    resumed.step();
    CHECK(other.learning_rates() == Tensor<double>{{2}, {0.125, 0.0625}});

    // the second group's would be no learning rate: the first one's is not set either
    optim::Scheduler bad{sgd, [](double base, Index t) { return base - static_cast<double>(t) * 0.2; }};
    CHECK_THROWS_AS(bad.step(), ValueError);
    CHECK_THROWS_WITH(bad.step(), ContainsSubstring("[sgd] expected a finite learning_rate of at least 0, got -0.075, in group 1"));
    CHECK(sgd.learning_rates() == Tensor<double>{{2}, {0.25, 0.125}});
    CHECK(bad.time() == 0);
}

TEST_CASE("A state carries the learning rates of all groups", "[optim][groups]") {
    const Parts one, two;
    const auto make = [](const Parts& p) {
        return Adam<double>{{{.parameters = p.a, .learning_rate = 0.01}, {.parameters = p.b}}, {.learning_rate = 0.05}};
    };
    auto first = make(one), second = make(two);
    train(first, 3);
    first.set_learning_rate(0.3, 1);
    for (std::size_t i = 0; i < 3; ++i)
        second.parameters()[i].node()->value = first.parameters()[i].value();
    second.load_state_dict(first.state_dict());
    CHECK(second.learning_rates() == Tensor<double>{{2}, {0.01, 0.3}});
    train(first, 3);
    train(second, 3);
    for (std::size_t i = 0; i < 3; ++i)
        CHECK(second.parameters()[i].value() == first.parameters()[i].value());
    Adam<double> ungrouped{first.parameters()};
    CHECK_THROWS_WITH(ungrouped.load_state_dict(first.state_dict()), "[adam] expected learning_rates of shape (1,), got (2,)");
    CHECK_THROWS_AS(first.load_state_dict(ungrouped.state_dict()), ShapeError);
}

TEST_CASE("Bad groups are refused with their place", "[optim][groups]") {
    const Parts p;
    using Groups = std::vector<ParameterGroup<double>>;
    CHECK_THROWS_WITH((SGD{Groups{{.parameters = p.a}, {.parameters = p.b}, {.parameters = {p.b[1]}}}}),
                      "[sgd] expected each parameter once, got that of shape (1,) at 1 of group 1 and at 0 of group 2");
    CHECK_THROWS_AS((SGD{Groups{{.parameters = p.a}, {.parameters = p.a}}}), ValueError);
    CHECK_THROWS_WITH((SGD{Groups{{.parameters = p.a}, {.parameters = {p.b[0], autograd::exp(p.b[0])}}}}),
                      "[sgd] expected parameters, got at 1 of group 1 the exp (2,)");
    CHECK_THROWS_WITH((SGD{Groups{{.parameters = p.a}, {.parameters = p.b, .learning_rate = -1}}}),
                      "[sgd] expected a finite learning_rate of at least 0, got -1, in group 1");
    CHECK_THROWS_WITH((Adam{Groups{{.parameters = p.a, .weight_decay = std::nan("")}}}),
                      "[adam] expected a finite weight_decay of at least 0, got nan, in group 0");
    CHECK_THROWS_AS((AdamW{Groups{{.parameters = p.a, .weight_decay = INFINITY}}}), ValueError);
    CHECK_THROWS_AS((AdamW{Groups{{.parameters = p.a, .learning_rate = std::nan("")}}}), ValueError);
    CHECK_THROWS_WITH(SGD{Groups{}}, "[sgd] expected at least one parameter, got none");
    CHECK_THROWS_WITH((SGD{Groups{{}, {}}}), "[sgd] expected at least one parameter, got none");
    CHECK_THROWS_AS((SGD{Groups{{.parameters = p.a}}, {.weight_decay = -1}}), ValueError);
}

TEST_CASE("Every form of a call compiles and means what it says", "[optim][groups]") {
    const Variable<float> a{Tensor<float>{{2}}, true}, b{Tensor<float>{{3}}, true};
    const std::vector<Variable<float>> both{a, b};
    const std::vector<Variable<double>> doubles = leaves({Tensor<double>{{2}}});
    CHECK(SGD{both}.group_count() == 1);
    CHECK(SGD{both, {.learning_rate = 0.1}}.learning_rate() == 0.1);
    CHECK(SGD{{a}, {.learning_rate = 0.1}}.parameters().size() == 1);
    CHECK(SGD{{a, b}, {.learning_rate = 0.1}}.parameters().size() == 2);
    CHECK(SGD({a, b}).parameters().size() == 2);
    CHECK(SGD{{{.parameters = both}}}.group_count() == 1);
    const SGD grouped{{{.parameters = {a}, .learning_rate = 1}, {.parameters = {b}, .weight_decay = 0}}, {.momentum = 0.9}};
    STATIC_REQUIRE(std::is_same_v<decltype(grouped), const SGD<float>>);
    CHECK(grouped.learning_rates() == Tensor<double>{{2}, {1, 1e-3}});
    CHECK(SGD{{{.parameters = both, .learning_rate = 2}}}.learning_rate() == 2);
    CHECK(SGD{{{.parameters = both}, {}}}.parameters().size() == 2);  // unambiguous, that is
    CHECK_THROWS_AS(SGD<float>{{}}, ValueError);
    CHECK(AdamW{{{{a}, 1}, {{b}}}}.learning_rates() == Tensor<double>{{2}, {1, 1e-3}});
    const std::vector groups{ParameterGroup{doubles, 0.5}};
    STATIC_REQUIRE(std::is_same_v<decltype(Adam{groups}), Adam<double>>);
    CHECK(Adam{groups}.learning_rate() == 0.5);
}
