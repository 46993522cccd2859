// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/dselect_k.hpp>

#include <espalier/optim/sgd.hpp>

#include "mtl/sharing/ways.hpp"
#include "nn/testing.hpp"

#include <algorithm>
#include <cmath>

using namespace espalier;
using testing::normal;

namespace {

template <class S>
Tensor<S> shares_of(mtl::DSelectK<S>& gate, const Tensor<S>& x) {
    return autograd::softmax(gate(x)).value();
}
template <class S>
Variable<S> penalty_of(mtl::DSelectK<S>& gate) {
    nn::detail::CollectPenalties<S> collect;
    gate.visit(collect);
    REQUIRE(collect.terms.size() == 1);
    return collect.terms[0];
}

}  // namespace

TEMPLATE_TEST_CASE("DSelect-k begins with all experts and ends with at most k", "[mtl][sharing]", float, double) {
    using S = TestType;
    manual_seed(3);
    for (const Index experts : {4, 5})
        for (const Index inputs : {0, 3}) {
            CAPTURE(experts, inputs);
            mtl::DSelectK<S> gate{experts, {.k = 2, .inputs = inputs, .entropy = 1}};
            const auto x = normal<S>({6, 3});
            for (const S share : shares_of(gate, x))
                REQUIRE(share > 0.05);
            // To what the first two experts give; the entropy makes up its mind.
            optim::SGD<S> sgd{gate.parameters(), {.learning_rate = S(0.02), .momentum = S(0.9)}};
            Tensor<S> wanted{Shape{experts}};
            wanted[0] = wanted[1] = 3;
            for (int step = 0; step < 400; ++step) {
                const auto scores = gate(x);
                const auto loss = penalty_of(gate) - mean(autograd::softmax(scores) * Variable<S>{wanted});
                sgd.zero_grad();
                loss.backward();
                sgd.step();
            }
            const auto shares = shares_of(gate, x);
            for (Index n = 0; n < 6; ++n) {
                Index count = 0;
                S sum = 0;
                for (Index i = 0; i < experts; ++i) {
                    count += shares.at(n, i) != 0;
                    sum += shares.at(n, i);
                }
                CHECK(count >= 1);
                CHECK(count <= 2);
                CHECK(sum == Approx(1));
            }
            (void)gate(x);
            CHECK(penalty_of(gate).item() == 0);
        }
}

TEST_CASE("a bit is set by the smooth step of its code", "[mtl][sharing]") {
    mtl::DSelectK<double> gate{4, {.k = 2, .gamma = 2, .entropy = 0.5}};
    const auto of = [&](const Tensor<double>& codes, const Tensor<double>& weights) {
        gate.parameters()[0].mutable_value() = codes;
        gate.parameters()[1].mutable_value() = weights;
        return shares_of(gate, Tensor<double>{Shape{2, 7, 3}});
    };
    const auto row = [](std::vector<double> values) {
        values.insert(values.end(), values.begin(), values.end());
        return Tensor<double>{{2, 4}, values};
    };
    testing::require_close(of({{2, 2}, {1, -1, -5, 9}}, {{2}, {0, std::log(3.0)}}), row({0, 0.25, 0.75, 0}), 1e-12);
    CHECK(penalty_of(gate).item() == 0);
    // S(0.5) = -2 / 8 * 0.125 + 3 / 4 * 0.5 + 0.5 = 0.84375; the first selector is at expert 3.
    testing::require_close(of({{2, 2}, {1, 1, 0.5, 1}}, {{2}, {0, 0}}), row({0, 0, 0.5 * 0.15625, 0.5 + 0.5 * 0.84375}), 1e-12);
    CHECK(penalty_of(gate).item() == Approx(-0.5 * (0.15625 * std::log(0.15625) + 0.84375 * std::log(0.84375))));
    // Of three experts, the code of a fourth is the first one's.
    mtl::DSelectK<double> three{3, {.k = 1}};
    three.parameters()[0].mutable_value() = Tensor<double>{{1, 2}, {1, 1}};
    testing::require_close(shares_of(three, Tensor<double>{Shape{1, 2}}), Tensor<double>{{1, 3}, {1, 0, 0}}, 1e-12);
}

TEST_CASE("DSelect-k gates that do not fit are refused", "[mtl][sharing]") {
    CHECK_THROWS_WITH(mtl::DSelectK<>{1},
                      "[DSelectK] expected at least two experts, k of at least 1 and a count of inputs, got 1, 2 and 0");
    CHECK_THROWS_WITH((mtl::DSelectK<>{4, {.k = 0}}),
                      "[DSelectK] expected at least two experts, k of at least 1 and a count of inputs, got 4, 0 and 0");
    CHECK_THROWS_WITH((mtl::DSelectK<>{4, {.gamma = 0}}),
                      "[DSelectK] expected a width above 0 and a factor of at least 0, got 0 and 1e-06");
    mtl::MMoE<> inputs{mtl::repeat(4, [] { return nn::Linear{3, 4}; }), {mtl::DSelectK<>{4, {.inputs = 9}}}};
    CHECK_THROWS_WITH(inputs(ways::input<float>(false)), "[DSelectK] expected an input (N, 9), got (3, 3), in gate 0");
    mtl::MMoE<> experts{mtl::repeat(4, [] { return nn::Linear{3, 4}; }), {mtl::DSelectK<>{5}}};
    CHECK_THROWS_WITH(experts(ways::input<float>(false)),
                      "[MMoE] expected 4 scores, one for each expert, from gate 0, got (3, 5) for input (3, 3)");
}
