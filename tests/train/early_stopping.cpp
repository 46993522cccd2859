// SPDX-License-Identifier: MIT
#include <espalier/train/early_stopping.hpp>

#include <espalier/autograd/reduction.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/optim/sgd.hpp>

#include "catch.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>

using namespace espalier;
using train::EarlyStopping;

namespace {

/// The least that can be watched; counts how often it was.
struct Number {
    int value = 0;
    mutable int copies = 0;
    [[nodiscard]] int state_dict() const {
        ++copies;
        return value;
    }
    void load_state_dict(int state) { value = state; }
};

/// Updates with all values, the model's number that of the epoch, until it should stop; returns the number of updates.
int epochs_until_stop(EarlyStopping& stopping, Number& model, std::initializer_list<double> values) {
    int epochs = 0;
    for (const double value : values) {
        if (stopping.should_stop())
            break;
        model.value = epochs++;
        stopping.update(value, model);
    }
    return epochs;
}

}  // namespace

TEST_CASE("early stopping ends when nothing has been better for as long as its patience", "[train]") {
    EarlyStopping stopping{{.patience = 2}};
    Number model;
    CHECK(epochs_until_stop(stopping, model, {3, 2, 2.5, 1, 1, 5, 0}) == 6);  // an equal value is not better
    CHECK(stopping.should_stop());
    CHECK(stopping.best() == 1);
    CHECK(stopping.best_epoch() == 3);
    CHECK(model.copies == 3);  // copied when better, and only then
    stopping.restore(model);
    CHECK(model.value == 3);
    stopping.update(0.5, model);
    CHECK_FALSE(stopping.should_stop());
    CHECK(stopping.best_epoch() == 6);
}

TEST_CASE("early stopping of what is to grow, and by more than a little", "[train]") {
    Number model;
    EarlyStopping growing{{.patience = 1, .mode = train::Mode::max}};
    CHECK(epochs_until_stop(growing, model, {-3, -2, -2}) == 3);
    CHECK(growing.should_stop());
    CHECK(growing.best() == -2);
    EarlyStopping by_half{{.patience = 3, .min_delta = 0.5}};
    CHECK(epochs_until_stop(by_half, model, {2, 1.6, 1.5, 1.4, 1.3, 0.9}) == 6);  // 1.4 is the next that beats 2 by more
    CHECK(by_half.best_epoch() == 3);
    CHECK_FALSE(by_half.should_stop());
}

TEST_CASE("a value that is no number is never better", "[train]") {
    const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
    for (const auto mode : {train::Mode::min, train::Mode::max}) {
        const double worst = mode == train::Mode::min ? infinity : -infinity;
        EarlyStopping stopping{{.patience = 3, .mode = mode}};
        Number model;
        CHECK(epochs_until_stop(stopping, model, {nan, worst, nan, 1}) == 3);
        CHECK_THROWS_AS(stopping.best(), StateError);
        CHECK_THROWS_WITH(stopping.best_epoch(), "[early_stopping] expected an update with a value before, got none");
        CHECK_THROWS_AS(stopping.restore(model), StateError);
        CHECK(model.value == 2);
        stopping.update(1, model);
        stopping.update(nan, model);
        CHECK(stopping.best() == 1);
        CHECK(stopping.best_epoch() == 3);
    }
}

TEST_CASE("early stopping refuses bad options and another kind of model", "[train]") {
    CHECK_THROWS_AS((EarlyStopping{{.patience = 0}}), ValueError);
    CHECK_THROWS_WITH((EarlyStopping{{.patience = 0}}), "[early_stopping] expected a patience of at least 1, got 0");
    CHECK_THROWS_WITH((EarlyStopping{{.min_delta = -1}}), "[early_stopping] expected a finite min_delta of at least 0, got -1");
    CHECK_THROWS_AS((EarlyStopping{{.min_delta = std::nan("")}}), ValueError);
    CHECK_THROWS_AS((EarlyStopping{{.min_delta = std::numeric_limits<double>::infinity()}}), ValueError);
    CHECK_FALSE(EarlyStopping{}.should_stop());
    CHECK_FALSE(EarlyStopping{{.patience = std::numeric_limits<Index>::max()}}.should_stop());

    EarlyStopping stopping;
    stopping.update(1, Number{});
    nn::Linear<float> other{2, 1};
    CHECK_THROWS_WITH(stopping.restore(other), "[early_stopping] expected a model of the kind that was watched, got another");
    stopping.update(0.5, other);
    nn::Linear<float> wider{3, 1};
    const Tensor<float> before = wider.parameters()[0].value();
    CHECK_THROWS_AS(stopping.restore(wider), StateError);
    CHECK(wider.parameters()[0].value() == before);
}

TEST_CASE("a model that cannot give its state leaves early stopping as it was", "[train]") {
    struct Failing : Number {
        [[nodiscard]] int state_dict() const { return value < 0 ? throw std::runtime_error{"no"} : value; }
    };
    EarlyStopping stopping{{.patience = 1}};
    stopping.update(2, Failing{{.value = 7}});
    CHECK_THROWS_AS(stopping.update(1, Failing{{.value = -1}}), std::runtime_error);
    CHECK(stopping.best() == 2);
    CHECK_FALSE(stopping.should_stop());
    Failing model;
    EarlyStopping copy = stopping;
    stopping.update(1, Failing{{.value = 8}});
    copy.restore(model);
    CHECK(model.value == 7);  // a copy has its own best
    stopping.restore(model);
    CHECK(model.value == 8);
}

TEST_CASE("after the best weights came back, the optimizer still has its grip", "[train]") {
    manual_seed(1);
    mtl::MultiTaskNet net{nn::Sequential{nn::Linear{2, 3}}, {{"a", nn::Linear{3, 1}}}};
    optim::SGD sgd{net.parameters(), {.learning_rate = 0.1}};
    const Tensor<float> input = Tensor<float>::ones({4, 2});
    const auto step = [&] {
        sgd.zero_grad();
        autograd::sum(net(input).at("a")).backward();
        sgd.step();
        return static_cast<double>(autograd::sum(net(input).at("a")).item());
    };
    EarlyStopping stopping{{.patience = 2, .mode = train::Mode::max}};  // the training goes down: the first is the best
    while (!stopping.should_stop())
        stopping.update(step(), net);
    CHECK(stopping.best_epoch() == 0);
    stopping.restore(net);
    CHECK(autograd::sum(net(input).at("a")).item() == static_cast<float>(stopping.best()));
    CHECK(step() < stopping.best());
    CHECK(sgd.passes() == 1);
}
