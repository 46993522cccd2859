// SPDX-License-Identifier: MIT
#include <espalier/autograd/reshape.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/optim/adam.hpp>
#include <espalier/optim/layout.hpp>
#include <espalier/optim/sgd.hpp>

#include "optim/testing.hpp"
#include "threads.hpp"

using namespace espalier;
using namespace testing;
using optim::SGD;

namespace {

/// Whether values and gradients lie one after the other.
template <class Scalar>
bool side_by_side(const std::vector<Variable<Scalar>>& p) {
    for (std::size_t i = 1; i < p.size(); ++i) {
        auto& a = *p[i - 1].node();
        auto& b = *p[i].node();
        if (!a.value.data() || !a.gradient().data() || a.value.data() + a.value.numel() != b.value.data() ||
            a.gradient().data() + a.gradient().numel() != b.gradient().data())
            return false;
    }
    return true;
}

template <class Scalar>
std::vector<const Scalar*> places(const std::vector<Variable<Scalar>>& p) {
    std::vector<const Scalar*> result;
    for (const auto& parameter : p) {
        result.push_back(parameter.value().data());
        result.push_back(parameter.node()->gradient().data());
    }
    return result;
}

nn::Sequential<double> layers() {
    manual_seed(3);
    return {nn::Linear<double>{3, 4}, nn::ReLU{}, nn::Linear<double>{4, 2}};
}

}  // namespace

TEMPLATE_TEST_CASE("An optimizer lays its parameters side by side, also those of a plain sequential", "[optim][layout]", float, double) {
    using T = TestType;
    auto p = leaves<T>({Tensor<T>{{2, 1}, {1, 2}}, Tensor<T>{{3}, {3, 4, 5}}, Tensor<T>{Shape{}, {6}}});
    const Variable<T> handle = p[1];
    const Tensor<T>& value = p[1].value();
    (autograd::sum(p[1]) * T(2)).backward();
    SGD<T> sgd{p, {.learning_rate = 1}};
    CHECK(side_by_side(p));
    CHECK(p[0].value() == Tensor<T>{{2, 1}, {1, 2}});
    CHECK(value == Tensor<T>{{3}, {3, 4, 5}});  // handles and references stay valid
    CHECK(p[1].grad() == Tensor<T>::full({3}, T(2)));  // a gradient is kept
    CHECK_FALSE(p[0].has_grad());
    CHECK_FALSE(p[2].has_grad());
    (autograd::sum(p[0]) + autograd::sum(p[1]) + p[2]).backward();
    CHECK(handle.grad() == Tensor<T>::full({3}, T(3)));
    sgd.step();
    CHECK(sgd.passes() == 1);
    CHECK(handle.value() == Tensor<T>{{3}, {0, 1, 2}});
    CHECK(p[0].value() == Tensor<T>{{2, 1}, {0, 1}});

    auto net = layers();
    optim::Adam adam{net.parameters()};
    autograd::sum(net(Tensor<double>::ones({2, 3}))).backward();
    adam.step();
    CHECK(adam.passes() == 1);
}

TEST_CASE("A large parameter stays where it is, with small ones around it side by side", "[optim][layout]") {
    const Index large = optim::detail::large_leaf;
    const auto p = leaves<float>({Tensor<float>{{1}, {1}}, Tensor<float>{{2}, {2, 2}}, Tensor<float>::ones({large}),
                                  Tensor<float>{{1}, {3}}, Tensor<float>::ones({large - 1})});
    const float* const place = p[2].value().data();
    SGD<float> sgd{p, {.learning_rate = 0.5, .momentum = 0.5}};
    CHECK(p[2].value().data() == place);
    CHECK(side_by_side<float>({p[0], p[1], p[3], p[4]}));
    for (int step = 1; step <= 2; ++step) {
        sgd.zero_grad();
        auto loss = autograd::sum(p[0]);
        for (std::size_t i = 1; i < p.size(); ++i)
            loss = loss + autograd::sum(p[i]);
        loss.backward();
        sgd.step();
    }
    const std::vector<float> expected{1 - 1.25F, 2 - 1.25F, 1 - 1.25F, 3 - 1.25F, 1 - 1.25F};  // steps of 0.5 and 0.75
    for (std::size_t i = 0; i < p.size(); ++i)
        CHECK(p[i].value() == Tensor<float>::full(p[i].shape(), expected[i]));
    SGD<float> another{p, {.learning_rate = 1}};  // and nothing is moved again
    CHECK(p[2].value().data() == place);
}

TEST_CASE("One parameter, and parameters of no elements", "[optim][layout]") {
    const auto one = leaves({Tensor<double>{{2}}});
    const auto place = one[0].value().data();
    SGD alone{one};
    CHECK(one[0].value().data() == place);

    const auto p = leaves({Tensor<double>{}, Tensor<double>{{2}, {1, 2}}, Tensor<double>{{0, 3}}, Tensor<double>{{1}, {3}},
                           Tensor<double>{{0}}});
    SGD sgd{p, {.learning_rate = 1}};
    CHECK(side_by_side(p));
    const auto before = places(p);
    SGD second{p, {.learning_rate = 1}};
    CHECK(places(p) == before);
    for (const auto& parameter : p)
        autograd::sum(parameter).backward();
    sgd.step();
    CHECK(sgd.passes() == 1);
    CHECK(p[1].value() == Tensor<double>{{2}, {0, 1}});
    CHECK(p[2].shape() == Shape{0, 3});

    const auto nothing = leaves({Tensor<double>{}, Tensor<double>{}});
    SGD of_nothing{nothing, {.momentum = 0.9}};
    autograd::sum(nothing[0]).backward();
    of_nothing.step();
    CHECK(of_nothing.passes() == 0);
}

TEST_CASE("Two optimizers of one net: each has its part side by side", "[optim][layout]") {
    auto trunk = layers();
    nn::Linear<double> a{2, 1}, b{2, 3};
    std::vector<Variable<double>> heads = a.parameters();
    for (const auto& parameter : b.parameters())
        heads.push_back(parameter);
    SGD of_trunk{trunk.parameters(), {.learning_rate = 0.1}};
    SGD of_heads{heads, {.learning_rate = 0.2}};
    CHECK(side_by_side(trunk.parameters()));
    CHECK(side_by_side(heads));

    const auto before = places(heads);
    SGD of_one_head{b.parameters(), {.learning_rate = 0.3}};  // side by side already
    CHECK(places(heads) == before);
    SGD backwards{std::vector{heads[2], heads[0]}, {.learning_rate = 0.3}};  // others lie in the same memory: they stay together
    CHECK(places(heads) == before);
    CHECK(side_by_side(heads));
    for (const auto& head : heads)
        autograd::sum(head).backward();
    backwards.step();
    CHECK(backwards.passes() == 2);
    of_heads.step();
    CHECK(of_heads.passes() == 1);
}

TEST_CASE("One optimizer after another over the same net leaves it where it is", "[optim][layout]") {
    auto net = layers();
    const auto p = net.parameters();
    { const SGD first{p}; }
    CHECK(side_by_side(p));
    const auto before = places(p);
    const optim::Adam second{p};
    const SGD third{p};
    const SGD part{nn::Layer<double>{net}.parameters()};  // of a copy
    CHECK(places(p) == before);

    auto more = p;
    more.emplace_back(Tensor<double>{{2}, {1, 2}}, true);  // as the learned weights of a loss
    SGD all{more};
    CHECK(side_by_side(more));
    CHECK(side_by_side(p));
}

TEST_CASE("Copies of a net are laid out by their own optimizers, and train on their own", "[optim][layout]") {
    auto net = layers();
    SGD sgd{net.parameters(), {.learning_rate = 0.1}};
    auto copy = net;
    SGD other{copy.parameters(), {.learning_rate = 0.1}};
    CHECK(side_by_side(net.parameters()));
    CHECK(side_by_side(copy.parameters()));
    const auto before = copy.state_dict();
    autograd::sum(net(Tensor<double>::ones({2, 3}))).backward();
    sgd.step();
    CHECK_FALSE(copy.parameters()[0].has_grad());
    for (const auto& [path, value] : copy.state_dict())
        CHECK(value == before.at(path));

    mtl::MultiTaskNet multi{nn::Sequential{nn::Linear{3, 4}}, {{"a", nn::Linear{4, 1}}}};
    mtl::MultiTaskNet twin = multi;
    SGD of_twin{twin.parameters()};
    autograd::sum(twin(Tensor<float>::ones({2, 3})).at("a")).backward();
    of_twin.step();
    CHECK(of_twin.passes() == 1);
    CHECK_FALSE(multi.parameters()[0].value() == twin.parameters()[0].value());
}

TEST_CASE("Memory that somebody else sees stays where it is", "[optim][layout]") {
    auto p = leaves({Tensor<double>{{2}, {1, 2}}, Tensor<double>{{2}, {3, 4}}, Tensor<double>{{2}, {5, 6}}, Tensor<double>{{2}}});
    const Tensor<double> view = p[1].mutable_value().alias({2});  // a user's window
    const auto reshaped = autograd::reshape(p[3], {1, 2});        // shares memory as well
    SGD sgd{p, {.learning_rate = 1}};
    for (const auto& parameter : p)
        autograd::sum(parameter).backward();
    sgd.step();
    CHECK(sgd.passes() == 4);
    CHECK(view == Tensor<double>{{2}, {2, 3}});
    CHECK(view.data() == p[1].value().data());
    CHECK(reshaped.value().data() == p[3].value().data());
    CHECK(p[2].value().data() == p[0].value().data() + 2);

    auto q = leaves({Tensor<double>{{2}}, Tensor<double>{{2}}});
    (autograd::sum(q[0]) + autograd::sum(q[1])).backward();
    const Tensor<double> gradient = q[1].mutable_grad().alias({2});
    SGD seen{q};
    seen.zero_grad();
    (autograd::sum(q[1]) * 7.0).backward();
    CHECK(gradient == Tensor<double>::full({2}, 7));
}

TEST_CASE("Leaves that overlap in memory on purpose go on doing so", "[optim][layout]") {
    Tensor<double> memory{{4}, {1, 2, 3, 4}};
    std::vector<Variable<double>> p;
    p.emplace_back(memory.alias({3}, 0), true);
    p.emplace_back(memory.alias({3}, 1), true);
    memory = {};  // the leaves alone hold it
    p.emplace_back(Tensor<double>{{1}}, true);
    const SGD sgd{p};
    CHECK(p[1].value().data() == p[0].value().data() + 1);
    p[0].mutable_value()[1] = 9;
    CHECK(p[1].value()[0] == 9);
}

TEST_CASE("Leaves that alone hold parts of one memory are laid out in the order of the optimizer", "[optim][layout]") {
    Tensor<double> memory{{4}, {1, 2, 3, 4}};
    std::vector<Variable<double>> p;
    p.emplace_back(memory.alias({2}, 2), true);
    p.emplace_back(memory.alias({2}, 0), true);
    memory = {};
    const SGD sgd{p};
    CHECK(side_by_side(p));
    CHECK(p[0].value() == Tensor<double>{{2}, {3, 4}});
    CHECK(p[1].value() == Tensor<double>{{2}, {1, 2}});
}

TEST_CASE("Nothing has moved if an optimizer cannot be made", "[optim][layout]") {
    auto p = leaves({Tensor<double>{{2}}, Tensor<double>{{3}}});
    const auto before = places(p);
    CHECK_THROWS_AS((SGD{p, {.learning_rate = -1}}), ValueError);
    CHECK_THROWS_AS((SGD{p, {.momentum = 2}}), ValueError);
    CHECK_THROWS_AS((SGD{p, {.nesterov = true}}), ValueError);
    CHECK_THROWS_AS((optim::Adam{p, {.eps = -1}}), ValueError);
    CHECK_THROWS_AS((optim::AdamW{p, {.beta2 = 1}}), ValueError);
    CHECK_THROWS_AS((SGD<double>{{{.parameters = p}, {.parameters = p}}}), ValueError);
    CHECK(places(p) == before);
}

TEST_CASE("A value or gradient that was replaced after the layout is trained by a pass of its own", "[optim][layout]") {
    auto p = leaves({Tensor<double>{{2}}, Tensor<double>{{2}}, Tensor<double>{{2}}});
    SGD sgd{p, {.learning_rate = 1}};
    p[1].mutable_value() = Tensor<double>{{2}, {5, 6}};
    for (const auto& parameter : p)
        autograd::sum(parameter).backward();
    sgd.step();
    CHECK(sgd.passes() == 3);
    CHECK(p[1].value() == Tensor<double>{{2}, {4, 5}});
    p[2].mutable_grad() = Tensor<double>{{2}, {1, 3}};
    sgd.step();
    CHECK(p[2].value() == Tensor<double>{{2}, {-2, -4}});
    const SGD again{p};  // brings them together again
    CHECK(side_by_side(p));
    CHECK(p[2].grad() == Tensor<double>{{2}, {1, 3}});
}

TEST_CASE("A gradient of another shape is not touched by the layout", "[optim][layout]") {
    auto p = leaves({Tensor<double>{{2}}, Tensor<double>{{2}}, Tensor<double>{{2}}});
    autograd::sum(p[1]).backward();
    p[1].mutable_value() = Tensor<double>{{5}};
    SGD sgd{p};
    CHECK(p[1].grad().shape() == Shape{2});
    CHECK_THROWS_AS(sgd.step(), StateError);
    p[1].zero_grad();
    const SGD again{p};
    CHECK(side_by_side(p));
}

TEST_CASE("A graph recorded before the layout runs backward after it", "[optim][layout]") {
    auto net = layers();
    auto same = net;
    const auto input = Tensor<double>::ones({2, 3});
    const auto loss = autograd::sum(net(input));
    const SGD sgd{net.parameters()};
    loss.backward();
    autograd::sum(same(input)).backward();
    for (std::size_t i = 0; i < net.parameters().size(); ++i)
        CHECK(net.parameters()[i].grad() == same.parameters()[i].grad());
}

TEMPLATE_TEST_CASE("Training has the same bits side by side and apart", "[optim][layout][threads]", float, double) {
    using T = TestType;
    std::vector<Named<Tensor<T>>> results;
    for (const int threads : {1, 3})
        for (const bool apart : {false, true}) {
            const testing::Threads guard{threads};
            manual_seed(5);
            nn::Sequential<T> net{nn::Linear<T>{7, 33}, nn::ReLU{}, nn::Linear<T>{33, 3}};
            std::vector<Tensor<T>> views;
            for (auto parameter : net.parameters())
                if (apart)
                    views.push_back(parameter.mutable_value().alias(parameter.shape()));
            optim::AdamW<T> adam{net.parameters(), {.learning_rate = 0.01}};
            Random random{2};
            const auto input = Tensor<T>::normal({16, 7}, random);
            for (int step = 0; step < 5; ++step) {
                adam.zero_grad();
                const auto y = net(input);
                autograd::sum(y * y).backward();
                adam.step();
            }
            CHECK(adam.passes() == (apart ? 4 : 1));
            results.push_back(net.state_dict());
        }
    for (const auto& result : results)
        for (const auto& [path, value] : result)
            CHECK(value == results[0].at(path));
}
