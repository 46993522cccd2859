// SPDX-License-Identifier: MIT
/// @file A small problem to try optimizers on.
#pragma once

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/reduction.hpp>
#include <espalier/optim/optimizer.hpp>

#include "catch.hpp"

#include <vector>

namespace testing {

using espalier::Index;
using espalier::Tensor;
using espalier::Variable;

template <class Scalar = double>
std::vector<Variable<Scalar>> leaves(std::initializer_list<Tensor<Scalar>> values) {
    std::vector<Variable<Scalar>> result;
    for (const auto& value : values)
        result.emplace_back(value, true);
    return result;
}

/// One step on (p*p*p).sum() / 3 + exp(p).sum() over all parameters.
template <class Scalar>
void train(espalier::optim::Optimizer<Scalar>& optimizer, int steps = 1) {
    for (int i = 0; i < steps; ++i) {
        optimizer.zero_grad();
        for (const auto& p : optimizer.parameters())
            (espalier::autograd::sum(p * p * p) / Scalar(3) + espalier::autograd::sum(espalier::autograd::exp(p))).backward();
        optimizer.step();
    }
}

inline void require_close(const Tensor<double>& actual, const std::vector<double>& expected) {
    REQUIRE(static_cast<std::size_t>(actual.numel()) == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
        REQUIRE(actual[static_cast<Index>(i)] == Approx(expected[i]).epsilon(1e-12).margin(1e-14));
}

/// Three parameters, which an optimizer lays side by side; `views` keeps it from that if asked to.
template <class Scalar>
struct Three {
    explicit Three(bool apart) {
        espalier::Random random{7};
        for (const Index size : {7, 100, 33}) {
            auto& parameter = parameters.emplace_back(Tensor<Scalar>::uniform({size}, random, -1, 1), true);
            if (apart)
                views.push_back(parameter.mutable_value().alias({size}));
        }
    }
    std::vector<Variable<Scalar>> parameters;
    std::vector<Tensor<Scalar>> views;
};

/// Side by side and apart, five steps on floats give the same bits; side by side they are one pass.
template <class Make>
void require_same_bits(const Make& make) {
    const Three<float> together{false};
    const Three<float> apart{true};
    auto one = make(together.parameters);
    auto many = make(apart.parameters);
    train(one, 5);
    train(many, 5);
    REQUIRE(one.passes() == 1);
    REQUIRE(many.passes() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
        REQUIRE(together.parameters[i].value() == apart.parameters[i].value());
        REQUIRE(apart.views[i] == apart.parameters[i].value());
    }
}

/// A second optimizer that takes over the state of a first goes on with the same bits.
template <class Make>
void require_resumes(const Make& make) {
    const auto parameters = leaves({Tensor<double>{{3}, {1, -2, 0.5}}, Tensor<double>{{2}, {0.25, -0.5}}});
    auto first = make(parameters);
    train(first, 3);
    std::vector<Variable<double>> copies;
    for (const auto& p : parameters)
        copies.emplace_back(p.value(), true);
    auto second = make(copies);
    first.set_learning_rate(0.01);
    second.load_state_dict(first.state_dict());
    REQUIRE(second.learning_rate() == 0.01);
    train(first, 3);
    train(second, 3);
    for (std::size_t i = 0; i < copies.size(); ++i)
        REQUIRE(copies[i].value() == parameters[i].value());
    REQUIRE(second.state_dict().steps == Tensor<Index>{{2}, {6, 6}});
}

}  // namespace testing
