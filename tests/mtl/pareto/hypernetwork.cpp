// SPDX-License-Identifier: MIT
#include <espalier/mtl/pareto/hypernetwork.hpp>

#include <espalier/losses/mse.hpp>
#include <espalier/mtl/balancing/epo.hpp>
#include <espalier/mtl/balancing/fixed_weights.hpp>
#include <espalier/mtl/balancing/upgrad.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/mtl/sharing/cross_stitch.hpp>
#include <espalier/nn/conv2d.hpp>
#include <espalier/nn/encoder.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/reshape.hpp>
#include <espalier/optim/adam.hpp>
#include <espalier/optim/sgd.hpp>

#include "nn/testing.hpp"
#include "threads.hpp"

#include <atomic>
#include <cmath>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace espalier;
using mtl::Hypernetwork;
using testing::normal;
using testing::same_bits;

namespace {

using Ray = std::vector<double>;
const Ray middle{0.5, 0.5}, aside{0.2, 0.8};

template <class S>
mtl::MultiTaskNet<S> convolutional() {
    return {nn::Sequential<S>{nn::Conv2d<S>{1, 3, 3}, nn::BatchNorm<S>{3}, nn::ReLU{}, nn::MaxPool2d{2}, nn::Flatten{},
                              nn::Linear<S>{12, 4}, nn::Tanh{}},
            {{"a", nn::Linear<S>{4, 2}}, {"b", nn::Linear<S>{4, 1}}}};
}
/// Values of which none is 0.
template <class Model>
void draw_values(Model& model, std::uint64_t seed = 5) {
    Random random{seed};
    for (auto& parameter : model.parameters())
        for (auto& value : parameter.mutable_value())
            value = static_cast<typename Model::value_type>(0.4 * random.normal());
}
template <class S>
mtl::MultiTaskLoss<S> squares() {
    return {{"a", losses::MSE<S>{}}, {"b", losses::MSE<S>{}}};
}
template <class S>
losses::Targets<S> zeros(Index samples) {
    return {{"a", Tensor<S>{Shape{samples, 2}}}, {"b", Tensor<S>{Shape{samples, 1}}}};
}

/// For the checks of a layer: both outputs side by side.
struct Whole {
    Hypernetwork<mtl::MultiTaskNet<double>>& net;

    Variable<double> operator()(const Variable<double>& x) {
        const auto outputs = net(x, aside);
        return autograd::cat({outputs.at("a"), outputs.at("b")}, 1);
    }
    Named<Variable<double>> named_parameters() const { return net.named_parameters(); }
};

}  // namespace

TEST_CASE("a hypernetwork begins as its target, whatever the preference", "[mtl][pareto]") {
    manual_seed(1);
    auto target = convolutional<float>();
    Hypernetwork net{target, 2, {.hidden = 5}};
    const auto x = normal<float>({4, 6, 6, 1});
    CHECK(same_bits(net.predict(x, middle), target.predict(x)));
    CHECK(same_bits(net.predict(x, aside, 3), target.predict(x)));
    const auto names = testing::names(net.named_parameters());
    REQUIRE(names.size() == 6 + 10 + 10);
    CHECK(names[5] == "hidden.4.bias");
    CHECK(names[6] == "maps.0");
    CHECK(names[16] == "target.trunk.0.weight");
    CHECK(net.named_parameters().at("maps.0").shape() == Shape{27, 5});
    CHECK(net.target().tasks() == std::vector<std::string>{"a", "b"});
    draw_values(net);
    CHECK_FALSE(same_bits(net.predict(x, middle), net.predict(x, aside)));
}

TEST_CASE("a target computes with biases plus maps of what the hidden layers make of the preference", "[mtl][pareto]") {
    manual_seed(1);
    Hypernetwork net{convolutional<double>(), 2, {.hidden = 5}};
    draw_values(net);
    const auto state = net.state_dict();
    nn::Sequential<double> hidden{nn::Linear<double>{2, 5}, nn::ReLU{}, nn::Linear<double>{5, 5}, nn::ReLU{}, nn::Linear<double>{5, 5}};
    auto target = convolutional<double>();
    Named<Tensor<double>> of_hidden;
    for (const auto& [name, value] : hidden.state_dict())
        of_hidden.insert(name, state.at("hidden." + name));
    hidden.load_state_dict(of_hidden);
    const auto h = hidden(Tensor<double>{{1, 2}, {0.2, 0.8}}).value();
    Index place = 0;
    for (auto& [name, parameter] : target.named_parameters()) {
        const auto& map = state.at("maps." + std::to_string(place++));
        for (Index i = 0; i < parameter.numel(); ++i) {
            double value = state.at("target." + name)[i];
            for (Index k = 0; k < 5; ++k)
                value += map.at(i, k) * h[k];
            parameter.mutable_value()[i] = value;
        }
    }
    const auto x = normal<double>({4, 6, 6, 1});
    const auto made = net(x, aside), expected = target(x);
    for (const char* const task : {"a", "b"})
        testing::require_close(made.at(task).value(), expected.at(task).value(), 1e-12);
    target.load_state_dict(net.target().state_dict());  // statistics moved as those of any net, and the biases did not
    CHECK(target.state_dict().at("trunk.0.weight") == state.at("target.trunk.0.weight"));
    CHECK_FALSE(target.state_dict().at("trunk.1.running_mean") == state.at("target.trunk.1.running_mean"));
    const auto after = net.state_dict();
    (void)net.predict(x, aside);
    CHECK(same_bits(net.state_dict(), after));
}

TEST_CASE("a hypernetwork has right gradients", "[mtl][pareto]") {
    manual_seed(1);
    mtl::MultiTaskNet<double> target{nn::Sequential<double>{nn::Linear<double>{3, 4}, nn::Tanh{}},
                                     {{"a", nn::Linear<double>{4, 2}}, {"b", nn::Linear<double>{4, 1}}}};
    Hypernetwork net{target, 2, {.hidden = 4}};
    draw_values(net);
    Whole whole{net};
    testing::require_gradients(whole, normal<double>({3, 3}));
}

TEST_CASE("a hypernetwork: all tasks' gradients in one traversal are those of one after the other", "[mtl][pareto]") {
    manual_seed(1);
    Hypernetwork net{convolutional<double>(), 2, {.hidden = 5}};
    draw_values(net);
    auto criterion = squares<double>();
    criterion.balance(mtl::UPGrad{});
    const auto loss = criterion(net(normal<double>({4, 6, 6, 1}), aside), zeros<double>(4));
    std::vector<Variable<double>> losses;
    for (const auto& [task, value] : loss.tasks())
        losses.push_back(value);
    const auto parameters = net.parameters();
    const auto rows = autograd::jacobian<double>(losses, parameters, {.retain_graph = true});
    std::vector<double> gramian(4);
    for (Index task = 0; task < 2; ++task) {
        for (auto parameter : parameters)
            parameter.zero_grad();
        losses[static_cast<std::size_t>(task)].backward(true);
        Index column = 0;
        for (const auto& parameter : parameters)
            for (Index i = 0; i < parameter.numel(); ++i, ++column) {
                const double alone = parameter.has_grad() ? parameter.grad()[i] : 0;
                REQUIRE(rows.at(task, column) == Approx(alone).epsilon(1e-10).margin(1e-13));
            }
    }
    // What rules see is shared: all but the maps and biases of heads.
    Index column = 0;
    for (const auto& [name, parameter] : net.named_parameters()) {
        const bool own = name.find("heads") != name.npos || (name.rfind("maps.", 0) == 0 && std::stoi(name.substr(5)) >= 6);
        for (Index i = 0; i < parameter.numel(); ++i, ++column)
            for (std::size_t k = 0; !own && k < 4; ++k)
                gramian[k] += rows.at(static_cast<Index>(k / 2), column) * rows.at(static_cast<Index>(k % 2), column);
    }
    loss.backward();
    for (std::size_t k = 0; k < 4; ++k)
        CHECK(loss.gramian()(k / 2, k % 2) == Approx(gramian[k]).epsilon(1e-10));
}

TEST_CASE("a hypernetwork has the same bits for any number of threads", "[mtl][pareto]") {
    std::vector<Tensor<float>> results;
    for (const int threads : {1, 2, 4}) {
        const testing::Threads guard{threads};
        manual_seed(1);
        Hypernetwork net{convolutional<float>(), 2};
        auto criterion = squares<float>();
        optim::SGD<float> sgd{net.parameters(), {.learning_rate = 0.05, .momentum = 0.9}};
        for (const Ray& ray : {middle, aside, middle}) {
            criterion.balance(mtl::EPO{{.preference = ray}});
            const auto loss = criterion(net(normal<float>({65, 6, 6, 1}), ray), zeros<float>(65));
            sgd.zero_grad();
            loss.backward();
            sgd.step();
        }
        results.push_back(testing::flat_values(net));
    }
    CHECK(same_bits(results[0], results[1]));
    CHECK(same_bits(results[0], results[2]));
}

TEST_CASE("a hypernetwork is a value: saved, loaded, copied, assigned", "[mtl][pareto]") {
    manual_seed(1);
    Hypernetwork net{convolutional<float>(), 2, {.hidden = 5}};
    auto other = net;
    draw_values(net, 1);
    draw_values(other, 2);
    const auto x = normal<float>({4, 6, 6, 1});
    const auto own = net.predict(x, aside), others = other.predict(x, aside);
    CHECK_FALSE(same_bits(own, others));
    auto copy = net;
    const auto handles = net.parameters();
    net.load_state_dict(other.state_dict());
    CHECK(same_bits(net.predict(x, aside), others));
    CHECK(same_bits(copy.predict(x, aside), own));
    net = copy;  // the values come, the places stay
    CHECK(same_bits(net.predict(x, aside), own));
    for (std::size_t i = 0; i < handles.size(); ++i)
        CHECK(handles[i].node() == net.parameters()[i].node());
    sum(copy(x, aside).at("a")).backward();  // whose layers have not yet been looked at
    CHECK(copy.parameters()[0].has_grad());
    CHECK_FALSE(net.parameters()[0].has_grad());
}

TEST_CASE("threads predict with one hypernetwork, each for a preference of its own", "[mtl][pareto]") {
    manual_seed(1);
    Hypernetwork made{convolutional<float>(), 2, {.hidden = 5}};
    draw_values(made);
    const auto& net = made;
    const auto x = normal<float>({4, 6, 6, 1});
    const std::vector<Ray> rays{middle, aside, {1, 0}, {0, 1}};
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (const Ray& ray : rays)
        threads.emplace_back([&, expected = net.predict(x, ray)] {
            for (int i = 0; i < 20; ++i)
                wrong += !same_bits(net.predict(x, ray), expected);
        });
    for (auto& thread : threads)
        thread.join();
    CHECK(wrong == 0);
}

TEST_CASE("any net is a target: a layer, a way of sharing, one that reads inputs by name", "[mtl][pareto]") {
    manual_seed(1);
    nn::Sequential<float> twice;
    const nn::Linear<float> line{3, 3};
    twice.add(line);
    Hypernetwork layer{nn::Layer<float>{twice}, 3, {.hidden = 4}};
    draw_values(layer);
    const Ray three{0.2, 0.3, 0.5};
    const auto x = normal<float>({4, 3});
    CHECK(layer(x, three).shape() == Shape{4, 3});

    Hypernetwork columns{mtl::CrossStitch<float>{{twice, twice}}, 2, {.hidden = 4}};
    draw_values(columns);
    const auto features = columns(x, aside);
    REQUIRE(features.size() == 2);
    (sum(features[0]) + sum(features[1])).backward();
    for (const auto& [name, parameter] : columns.named_parameters()) {
        CAPTURE(name);
        CHECK(parameter.has_grad());
    }

    mtl::MultiTaskNet<float> named{nn::Concatenated{nn::From{"x", line}}, twice, {{"a", nn::Linear{3, 1}}}};
    Hypernetwork reading{named, 2, {.hidden = 4}};
    const data::Inputs<float> inputs{{"x", x}};
    CHECK(same_bits(reading.predict(inputs, aside), named.predict(inputs)));
    CHECK(reading(inputs, aside).at("a").requires_grad());
}

TEST_CASE("a hypernetwork finds where rays meet the front: of a weighted sum, and of exact search", "[mtl][pareto]") {
    // One number y with the losses y^2 and (1 - y)^2, of which every y from 0 to 1 is optimal.
    const Tensor<float> x{{1, 1}, {1}}, targets[] = {{{1, 1}, {0}}, {{1, 1}, {1}}};
    for (const bool exact : {false, true}) {
        manual_seed(1);
        Hypernetwork net{mtl::MultiTaskNet<float>{nn::Linear{1, 1, {.bias = false}}, {{"low", nn::Identity{}}, {"high", nn::Identity{}}}},
                         2,
                         {.hidden = 12}};
        mtl::MultiTaskLoss<float> criterion{{"low", losses::MSE{}}, {"high", losses::MSE{}}};
        optim::Adam<float> adam{net.parameters(), {.learning_rate = 0.01}};
        Random random{3};
        const Ray concentrations{1, 1};
        for (int step = 0; step < 600; ++step) {
            const Ray ray = mtl::draw_preference(random, concentrations);
            if (exact)
                criterion.balance(mtl::EPO{{.preference = ray}});
            else
                criterion.balance(mtl::FixedWeights{ray});
            const auto loss = criterion(net(x, ray), {{"low", targets[0]}, {"high", targets[1]}});
            adam.zero_grad();
            loss.backward();
            adam.step();
        }
        for (const double r : {0.2, 0.5, 0.8}) {
            const double y = static_cast<double>(net.predict(x, Ray{r, 1 - r}).at("low")[0]);
            CAPTURE(exact, r);
            // Least r y^2 + (1 - r) (1 - y)^2; or r y^2 = (1 - r) (1 - y)^2.
            CHECK(y == Approx(exact ? std::sqrt(1 - r) / (std::sqrt(r) + std::sqrt(1 - r)) : 1 - r).margin(0.05));
        }
    }
}

TEST_CASE("a hypernetwork refuses what is no preference and no target, and an error leaves the target as it was", "[mtl][pareto]") {
    manual_seed(1);
    using Net = Hypernetwork<mtl::MultiTaskNet<float>>;
    Net net{convolutional<float>(), 2, {.hidden = 5}};
    draw_values(net);
    const auto x = normal<float>({4, 6, 6, 1});
    CHECK_THROWS_WITH(net(x, Ray{1, 2, 3}), "[Hypernetwork] expected a preference of 2 tasks, got 3 numbers");
    CHECK_THROWS_WITH(net(x, Ray{1, -1}), "[Hypernetwork] expected finite preferences of at least 0, got -1");
    CHECK_THROWS_WITH(net(x, Ray{0, 0}), "[Hypernetwork] expected a preference above 0, got none");
    CHECK_THROWS_AS(net.predict(x, Ray{1, NAN}), ValueError);
    CHECK_THROWS_WITH((Hypernetwork<nn::Layer<float>>{nn::ReLU{}, 2}), "[Hypernetwork] expected a target with parameters, got one without");
    CHECK_THROWS_WITH((Net{convolutional<float>(), 0}), "[Hypernetwork] expected at least one task and one hidden unit, got 0 and 100");
    CHECK_THROWS_AS((Net{convolutional<float>(), 2, {.hidden = 0}}), ValueError);

    const auto state = net.state_dict();
    const auto expected = net.target().predict(x);
    CHECK_THROWS_AS(net(normal<float>({4, 7, 9, 1}), aside), ShapeError);  // behind the normalisation
    CHECK(same_bits(net.state_dict(), state));
    CHECK(same_bits(net.target().predict(x), expected));
}
