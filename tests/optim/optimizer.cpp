// SPDX-License-Identifier: MIT
#include <espalier/core/threads.hpp>
#include <espalier/nn/parameter.hpp>
#include <espalier/optim/adam.hpp>
#include <espalier/optim/optimizer.hpp>
#include <espalier/optim/sgd.hpp>

#include "optim/testing.hpp"
#include "threads.hpp"

#include <cmath>
#include <limits>
#include <type_traits>

using namespace espalier;
using namespace testing;
using optim::SGD;

TEST_CASE("An optimizer refuses parameters that it cannot train", "[optim]") {
    REQUIRE_THROWS_AS(SGD{std::vector<Variable<float>>{}}, ValueError);
    REQUIRE_THROWS_WITH(SGD{std::vector<Variable<float>>{}}, "[sgd] expected at least one parameter, got none");
    auto p = leaves({Tensor<double>{{2}}, Tensor<double>{{3, 4}}});
    p.push_back(p[1]);
    REQUIRE_THROWS_WITH(SGD{p}, "[sgd] expected each parameter once, got that of shape (3, 4) at 1 and at 2");
    p[2] = autograd::exp(p[0]);
    REQUIRE_THROWS_WITH(SGD{p}, "[sgd] expected parameters, got at 2 the exp (2,)");
    p[2] = Variable<double>{Tensor<double>{{5}}};
    REQUIRE_THROWS_WITH(SGD{p}, "[sgd] expected parameters, got at 2 the constant (5,)");
    const auto moved_to = std::move(p[0]);
    REQUIRE_THROWS_WITH(SGD{p}, "[sgd] expected parameters, got at 0 the variable that was moved from");
}

TEST_CASE("zero_grad forgets, and a step without gradients changes nothing", "[optim]") {
    const auto p = leaves({Tensor<double>{{2}, {1, 2}}});
    SGD sgd{p, {.learning_rate = 0.1, .momentum = 0.9}};
    autograd::sum(p[0]).backward();
    sgd.zero_grad();
    REQUIRE_FALSE(p[0].has_grad());
    sgd.step();
    REQUIRE(p[0].value() == Tensor<double>{{2}, {1, 2}});
    REQUIRE(sgd.passes() == 0);
    REQUIRE(sgd.state_dict().steps == Tensor<Index>{{1}, {0}});
}

TEST_CASE("A parameter without gradient ends a pass over memory", "[optim]") {
    auto p = Three<double>{false}.parameters;
    SGD sgd{p, {.learning_rate = 0.1, .momentum = 0.9}};
    const Tensor<double> before = p[1].value();
    autograd::backward({autograd::sum(p[0] * p[0]), autograd::sum(p[2] * p[2])});
    sgd.step();
    REQUIRE(sgd.passes() == 2);
    REQUIRE(p[1].value() == before);
    train(sgd);  // the middle one is now a step behind
    REQUIRE(sgd.passes() == 3);
}

TEST_CASE("The learning rate can be changed, to what is one", "[optim]") {
    const auto p = leaves({Tensor<double>{{1}, {1}}});
    SGD sgd{p, {.learning_rate = 0.1}};
    sgd.set_learning_rate(0.5);
    REQUIRE(sgd.learning_rate() == 0.5);
    autograd::sum(p[0]).backward();
    sgd.step();
    REQUIRE(p[0].item() == 0.5);
    REQUIRE_THROWS_AS(sgd.set_learning_rate(-1), ValueError);
    REQUIRE_THROWS_WITH(sgd.set_learning_rate(std::nan("")), "[sgd] expected a finite learning_rate of at least 0, got nan");
    REQUIRE(sgd.learning_rate() == 0.5);
}

TEST_CASE("A step refuses a parameter of another shape before it changes any", "[optim]") {
    auto p = leaves({Tensor<double>{{2}, {1, 2}}, Tensor<double>{{1, 3}}});
    SGD sgd{p};
    const auto refused = [&](const Shape& shape) {
        p[1].mutable_value() = Tensor<double>{shape};
        sgd.zero_grad();
        autograd::backward({autograd::sum(p[0]), autograd::sum(p[1])});
        REQUIRE_THROWS_AS(sgd.step(), StateError);
        REQUIRE_THROWS_WITH(sgd.step(), concat("[sgd] expected parameter 1 of shape (1, 3) as before, got ", shape));
        REQUIRE(p[0].value() == Tensor<double>{{2}, {1, 2}});
        REQUIRE(sgd.state_dict().steps == Tensor<Index>{{2}, {0, 0}});
    };
    refused({4});
    refused({3, 1});  // as many elements: its moments would be those of others
    refused({0});
    p[1].mutable_value() = Tensor<double>{{1, 3}};  // the gradient is still that of the (0,)
    REQUIRE_THROWS_WITH(sgd.step(), "[sgd] expected a gradient of shape (1, 3) for parameter 1, got another");
    sgd.zero_grad();
    autograd::backward({autograd::sum(p[0]), autograd::sum(p[1])});
    sgd.step();
    REQUIRE(p[0].value()[0] == 1 - 1e-3);
}

TEST_CASE("A frozen parameter is accepted, left alone, and trained when it is thawed", "[optim]") {
    const nn::Parameter<double> one{Tensor<double>{{1}, {1}}}, other{Tensor<double>{{1}, {2}}};
    const std::vector<Variable<double>> p{one, other};
    const auto freeze = [&](bool on) { other.variable().node()->requires_grad = !on; };
    freeze(true);
    SGD sgd{p, {.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 1}};
    autograd::sum(p[0] * p[1]).backward();
    sgd.step();
    REQUIRE(p[1].item() == 2);
    REQUIRE(sgd.state_dict().steps == Tensor<Index>{{2}, {1, 0}});
    freeze(false);
    sgd.zero_grad();
    autograd::sum(p[0] * p[1]).backward();
    freeze(true);  // with a gradient from before
    sgd.step();
    REQUIRE(p[1].item() == 2);
    freeze(false);
    sgd.step();
    REQUIRE(p[1].item() != 2);
    REQUIRE(sgd.state_dict().steps == Tensor<Index>{{2}, {3, 1}});
    sgd.zero_grad();
    train(sgd);
    REQUIRE(sgd.passes() == 2);  // of other step counts
}

TEST_CASE("A state of other parameters or of another optimizer is refused, and changes nothing", "[optim]") {
    const auto p = leaves({Tensor<double>{{2}, {1, 2}}, Tensor<double>{{3}}});
    SGD sgd{p, {.learning_rate = 0.1, .momentum = 0.9}};
    train(sgd, 2);
    const auto good = sgd.state_dict();
    REQUIRE(good.moments.at("momentum_buffer").shape() == Shape{5});
    REQUIRE_THROWS_AS(sgd.load_state_dict(optim::Adam{p}.state_dict()), StateError);
    REQUIRE_THROWS_WITH(sgd.load_state_dict(optim::Adam{p}.state_dict()),
                        "[sgd] expected a state of 'momentum_buffer', got 'exp_avg', 'exp_avg_sq'");
    REQUIRE_THROWS_WITH(sgd.load_state_dict(SGD{p}.state_dict()), "[sgd] expected a state of 'momentum_buffer', got nothing");
    auto bad = good;
    bad.moments.at("momentum_buffer") = Tensor<double>{{6}};
    REQUIRE_THROWS_WITH(sgd.load_state_dict(bad), "[sgd] expected momentum_buffer of shape (5,), got (6,)");
    bad = good;
    bad.steps = Tensor<Index>{{3}};
    REQUIRE_THROWS_WITH(sgd.load_state_dict(bad), "[sgd] expected steps of shape (2,), got (3,)");
    bad = good;
    bad.steps[1] = -1;
    REQUIRE_THROWS_WITH(sgd.load_state_dict(bad), "[sgd] expected step counts in [0, 9007199254740992], got -1");
    bad.steps[1] = std::numeric_limits<Index>::max();
    REQUIRE_THROWS_AS(sgd.load_state_dict(bad), ValueError);
    bad = good;
    bad.learning_rates = Tensor<double>{{2}};
    REQUIRE_THROWS_WITH(sgd.load_state_dict(bad), "[sgd] expected learning_rates of shape (1,), got (2,)");
    bad = good;
    bad.learning_rates[0] = -2;
    REQUIRE_THROWS_WITH(sgd.load_state_dict(bad), "[sgd] expected a finite learning_rate of at least 0, got -2");
    REQUIRE(sgd.state_dict().moments.at("momentum_buffer") == good.moments.at("momentum_buffer"));
    REQUIRE(sgd.state_dict().steps == good.steps);
    REQUIRE(sgd.learning_rate() == 0.1);
}

TEST_CASE("A step has the same bits for any number of threads", "[optim][threads]") {
    std::vector<Tensor<float>> results;
    for (const int threads : {1, 2, 4}) {
        const testing::Threads guard{threads};
        Random random{9};
        const auto p = leaves<float>({Tensor<float>::uniform({100003}, random, -1, 1)});
        optim::AdamW adam{p, {.learning_rate = 0.01}};
        train(adam, 2);
        results.push_back(p[0].value());
    }
    REQUIRE(results[0] == results[1]);
    REQUIRE(results[0] == results[2]);
}

TEST_CASE("A copy of an optimizer has its own state, and the same parameters", "[optim]") {
    const auto p = leaves({Tensor<double>{{2}, {1, 2}}, Tensor<double>{{1}, {3}}});
    SGD sgd{p, {.learning_rate = 0.1, .momentum = 0.9}};
    train(sgd, 2);
    SGD copy = sgd;
    const auto before = sgd.state_dict();
    copy.set_learning_rate(0.3);
    train(copy);
    REQUIRE(copy.passes() == 1);
    REQUIRE(copy.parameters()[0].node() == p[0].node());
    REQUIRE(sgd.state_dict().moments.at("momentum_buffer") == before.moments.at("momentum_buffer"));
    REQUIRE(sgd.state_dict().steps == Tensor<Index>{{2}, {2, 2}});
    REQUIRE(copy.state_dict().steps == Tensor<Index>{{2}, {3, 3}});
    REQUIRE(sgd.learning_rate() == 0.1);

    auto& same = copy;
    copy = same;
    REQUIRE(copy.state_dict().steps == Tensor<Index>{{2}, {3, 3}});
    copy = sgd;
    REQUIRE(copy.state_dict().steps == before.steps);
    REQUIRE(copy.learning_rate() == 0.1);
    train(copy);
    REQUIRE(sgd.state_dict().moments.at("momentum_buffer") == before.moments.at("momentum_buffer"));

    const auto q = leaves({Tensor<double>{{4}}});
    copy = SGD{q};  // of other parameters, and without momentum
    REQUIRE(copy.parameters().size() == 1);
    train(copy);
    REQUIRE_FALSE(q[0].value() == Tensor<double>{{4}});
}

TEST_CASE("An optimizer that was moved from says so", "[optim]") {
    const auto p = leaves({Tensor<double>{{2}, {1, 2}}});
    optim::Adam adam{p, {.learning_rate = 0.1}};
    train(adam, 2);
    optim::Adam moved = std::move(adam);
    train(moved);
    REQUIRE(moved.state_dict().steps == Tensor<Index>{{1}, {3}});
    adam.zero_grad();
    REQUIRE_THROWS_AS(adam.step(), StateError);
    REQUIRE_THROWS_WITH(adam.step(), "[adam] expected an optimizer, got one that was moved from");
    REQUIRE_THROWS_AS(adam.state_dict(), StateError);
    REQUIRE_THROWS_AS(adam.load_state_dict(moved.state_dict()), StateError);
    REQUIRE_THROWS_AS(adam.learning_rate(), StateError);
    REQUIRE_THROWS_AS(adam.set_learning_rate(1), StateError);
    REQUIRE_THROWS_AS(adam.set_learning_rate(1, 0), StateError);
    REQUIRE_THROWS_AS(adam.group_count(), StateError);
    REQUIRE(adam.parameters().empty());
    const optim::Adam copy = adam;
    REQUIRE_THROWS_AS(copy.state_dict(), StateError);
    adam = moved;
    train(adam);
    REQUIRE(adam.state_dict().steps == Tensor<Index>{{1}, {4}});
    REQUIRE(moved.state_dict().steps == Tensor<Index>{{1}, {3}});
    moved = copy;
    REQUIRE_THROWS_AS(moved.step(), StateError);
    moved = std::move(adam);
    REQUIRE(moved.state_dict().steps == Tensor<Index>{{1}, {4}});
}

TEST_CASE("What an optimizer that is gone would refer to comes by value", "[optim]") {
    const auto p = leaves({Tensor<double>{{2}, {1, 2}}});
    const auto& parameters = SGD{p}.parameters();
    REQUIRE(parameters[0].node() == p[0].node());
    const auto& options = SGD{p, {.momentum = 0.5}}.options();
    REQUIRE(options.momentum == 0.5);
    STATIC_REQUIRE_FALSE(std::is_reference_v<decltype(SGD{p}.parameters())>);
    STATIC_REQUIRE_FALSE(std::is_reference_v<decltype(optim::Adam{p}.options())>);
    SGD sgd{p};
    STATIC_REQUIRE(std::is_reference_v<decltype(sgd.parameters())>);
    STATIC_REQUIRE(std::is_reference_v<decltype(sgd.options())>);
    for (const auto& parameter : SGD{p}.parameters())
        REQUIRE(parameter.numel() == 2);
}
