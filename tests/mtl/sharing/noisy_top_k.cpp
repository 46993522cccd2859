// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/noisy_top_k.hpp>

#include "mtl/sharing/ways.hpp"
#include "nn/testing.hpp"

#include <cmath>
#include <limits>

using namespace espalier;
using testing::normal;

namespace {

/// How many shares of each sample differ from 0.
template <class S>
std::vector<int> counts(mtl::NoisyTopK<S>& gate, const Tensor<S>& x) {
    const auto shares = autograd::softmax(gate(x));
    std::vector<int> result;
    for (Index n = 0; n < shares.size(0); ++n) {
        double sum = 0;
        int& count = result.emplace_back(0);
        for (Index i = 0; i < shares.size(1); ++i) {
            count += shares.value().at(n, i) != 0;
            sum += static_cast<double>(shares.value().at(n, i));
        }
        CHECK(sum == Approx(1));
    }
    return result;
}
/// The penalty of a call of a copy: copies draw the same noise.
Variable<double> penalty_of(mtl::NoisyTopK<double> gate, const Tensor<double>& x) {
    (void)gate(x);
    nn::detail::CollectPenalties<double> collect;
    gate.visit(collect);
    REQUIRE(collect.terms.size() == 1);
    return collect.terms[0];
}
void randomize(mtl::NoisyTopK<double>& gate, std::uint64_t seed) {
    Random random{seed};
    for (auto parameter : gate.parameters())
        for (double& value : parameter.mutable_value())
            value = random.normal();
}

}  // namespace

TEST_CASE("an empty batch has no penalty", "[mtl][sharing]") {
    for (const bool noise : {false, true})
        CHECK(penalty_of(mtl::NoisyTopK<double>{3, 4, {.noise = noise}}, Tensor<double>{Shape{0, 3}}).item() == 0);
}

TEMPLATE_TEST_CASE("noise that is no more than rounding has finite gradients", "[mtl][sharing]", float, double) {
    using S = TestType;
    mtl::NoisyTopK<S> gate{1, 4, {.k = 2}};
    auto parameters = gate.parameters();
    for (Index i = 0; i < 4; ++i) {
        parameters[0].mutable_value()[i] = static_cast<S>(i);
        parameters[1].mutable_value()[i] = S(-1000);  // softplus of it is 0
    }
    (void)gate(Tensor<S>{{2, 1}, {1, 0.5}});
    nn::detail::CollectPenalties<S> collect;
    gate.visit(collect);
    collect.terms.at(0).backward();
    for (const auto& parameter : gate.parameters())
        for (const S slope : parameter.grad())
            CHECK(std::isfinite(slope));
}

TEMPLATE_TEST_CASE("top-k gating gives each sample k experts, also among equals", "[mtl][sharing]", float, double) {
    using S = TestType;
    const auto x = normal<S>({6, 3});
    for (const Index k : {1, 2, 4})
        for (const bool noise : {false, true}) {
            CAPTURE(k, noise);
            mtl::NoisyTopK<S> gate{3, 4, {.k = k, .noise = noise}};
            CHECK(counts(gate, x) == std::vector<int>(6, static_cast<int>(k)));
            gate.eval();
            CHECK(counts(gate, x) == std::vector<int>(6, static_cast<int>(k)));
        }
}

TEST_CASE("the first ones are kept among equals, and others are as if they were not there", "[mtl][sharing]") {
    mtl::NoisyTopK<double> gate{2, 3, {.noise = false}};
    gate.parameters()[0].mutable_value() = Tensor<double>{{3, 2}, {1, 0, 1, 0, 1, 0}};
    const auto scores = gate(Tensor<double>{{1, 2}, {5, 1}});
    const double none = -std::numeric_limits<double>::infinity();
    CHECK(scores.value() == Tensor<double>{{1, 3}, {5, 5, none}});
    sum(autograd::softmax(scores) * Variable<double>{Tensor<double>{{1, 3}, {1, 3, 100}}}).backward();
    CHECK(gate.parameters()[0].grad() == Tensor<double>{{3, 2}, {-2.5, -0.5, 2.5, 0.5, 0, 0}});
}

TEST_CASE("the penalty of noisy top-k gating has the gradient of its differences", "[mtl][sharing]") {
    mtl::NoisyTopK<double> gate{3, 4, {.importance = 0.7, .load = 0.3}};
    randomize(gate, 3);
    const auto x = normal<double>({5, 3}, 4);
    auto copy = gate;
    (void)copy(x);
    nn::detail::CollectPenalties<double> collect;
    copy.visit(collect);
    collect.terms.at(0).backward();
    for (std::size_t p = 0; p < 2; ++p) {
        auto parameter = gate.parameters()[p];
        for (Index i = 0; i < parameter.numel(); ++i) {
            const double before = parameter.value()[i];
            parameter.mutable_value()[i] = before + 1e-6;
            const double above = penalty_of(gate, x).item();
            parameter.mutable_value()[i] = before - 1e-6;
            const double below = penalty_of(gate, x).item();
            parameter.mutable_value()[i] = before;
            CAPTURE(p, i);
            REQUIRE(copy.parameters()[p].grad()[i] == Approx((above - below) / 2e-6).epsilon(1e-5).margin(1e-8));
        }
    }
}

TEST_CASE("the penalty counts shares, and the chances of samples", "[mtl][sharing]") {
    // Two experts, one of which has all: importance and load are (2, 0) of two samples.
    mtl::NoisyTopK<double> gate{1, 2, {.k = 1, .importance = 0.5, .load = 0.25}};
    gate.parameters()[0].mutable_value() = Tensor<double>{{2, 1}, {40, -40}};
    const Tensor<double> ones{{2, 1}, {1, 1}};
    CHECK(penalty_of(gate, ones).item() == Approx(0.5 + 0.25));
    // Scores alike: the chance of each is that of its noise to pass the other's, which was drawn.
    manual_seed(5);
    gate = mtl::NoisyTopK<double>{1, 2, {.k = 1, .importance = 0, .load = 0.25}};
    Random same{5};
    const auto drawn = Tensor<double>::normal({2, 2}, same);
    double loads[2] = {0, 0};
    for (Index n = 0; n < 2; ++n)
        for (Index i = 0; i < 2; ++i)
            loads[i] += std::erfc(drawn.at(n, 1 - i) / std::sqrt(2.0)) / 2;
    const double variation = (loads[0] - loads[1]) / (loads[0] + loads[1]);
    CHECK(std::abs(variation) > 0.01);
    CHECK(penalty_of(gate, ones).item() == Approx(0.25 * variation * variation));
}

TEST_CASE("a penalty is of the last call in training, and stays with its gate", "[mtl][sharing]") {
    manual_seed(1);
    mtl::MMoE<double> experts{mtl::repeat(3,
                                          [] {
                                              return nn::Linear<double>{3, 4};
                                          }),
                              mtl::repeat(2, [] {
                                  return mtl::NoisyTopK<double>{3, 3};
                              })};
    mtl::MultiTaskNet<double> net{std::move(experts), {{"a", nn::Linear<double>{4, 1}}, {"b", nn::Linear<double>{4, 1}}}};
    CHECK(net.penalty().item() == 0);
    const auto x = normal<double>({5, 3});
    (void)net(x);
    const double first = net.penalty().item();
    CHECK(first > 0);
    auto copy = net;
    CHECK(copy.penalty().item() == 0);
    (void)net.predict(normal<double>({5, 3}, 2));
    CHECK(net.penalty().item() == first);
    (void)net(x);
    const double second = net.penalty().item();
    CHECK(second != first);  // other noise
    (void)copy(x);
    CHECK(copy.penalty().item() == second);  // which a copy goes on with
    CHECK_THROWS(net(normal<double>({5, 2})));
    CHECK(net.penalty().item() == second);
    net = copy;
    CHECK(net.penalty().item() == 0);
}

TEST_CASE("top-k gates that do not fit are refused", "[mtl][sharing]") {
    CHECK_THROWS_WITH((mtl::NoisyTopK<>{3, 2, {.k = 3}}),
                      "[NoisyTopK] expected inputs and k of 1 to the number of experts, got 3 inputs, k = 3 and 2 experts");
    CHECK_THROWS_WITH((mtl::NoisyTopK<>{0, 2}),
                      "[NoisyTopK] expected inputs and k of 1 to the number of experts, got 0 inputs, k = 2 and 2 experts");
    CHECK_THROWS_WITH((mtl::NoisyTopK<>{3, 2, {.load = -1}}), "[NoisyTopK] expected factors of at least 0, got 0.1 and -1");
    mtl::MMoE<> experts{mtl::repeat(2, [] { return nn::Linear{3, 4}; }), {mtl::NoisyTopK<>{4, 2}}};
    CHECK_THROWS_WITH(experts(ways::input<float>(false)), "[NoisyTopK] expected an input (N, 4), got (3, 3), in gate 0");
}
