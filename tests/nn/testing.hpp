// SPDX-License-Identifier: MIT
/// @file What the tests of layers and models have in common.
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/gradcheck.hpp>
#include <espalier/autograd/reduction.hpp>
#include <espalier/nn/module.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace testing {

using espalier::Index;
using espalier::Named;
using espalier::Random;
using espalier::Shape;
using espalier::Tensor;
using espalier::Variable;

template <class Scalar>
Tensor<Scalar> normal(const Shape& shape, std::uint64_t seed = 1) {
    Random random{seed};
    return Tensor<Scalar>::normal(shape, random);
}

/// Equal as bytes: NaN equals itself, and 0 does not equal -0.
template <class T>
bool same_bits(const Tensor<T>& a, const Tensor<T>& b) {
    return a.shape() == b.shape() &&
           (a.numel() == 0 || std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.numel()) * sizeof(T)) == 0);
}
template <class T>
bool same_bits(const Named<Tensor<T>>& a, const Named<Tensor<T>>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const auto& x, const auto& y) { return x.first == y.first && same_bits(x.second, y.second); });
}

template <class Map>
std::vector<std::string> names(const Map& map) {
    std::vector<std::string> result;
    for (const auto& [name, value] : map)
        result.push_back(name);
    return result;
}

template <class Scalar>
void require_close(const Tensor<Scalar>& actual, const Tensor<Scalar>& expected, double tolerance) {
    REQUIRE(actual.shape() == expected.shape());
    for (Index i = 0; i < actual.numel(); ++i) {
        CAPTURE(i);
        REQUIRE(static_cast<double>(actual[i]) == Approx(static_cast<double>(expected[i])).epsilon(tolerance).margin(tolerance));
    }
}

/// The values, or the gradients, of all parameters of a model one behind the other.
template <class Model>
auto flat_values(const Model& model) {
    Tensor<typename Model::value_type> result{Shape{model.parameter_count()}};
    auto* to = result.data();
    for (const auto& parameter : model.parameters())
        to = std::copy(parameter.value().begin(), parameter.value().end(), to);
    return result;
}
template <class Variables>
auto flat_gradients(const Variables& parameters) {
    Index size = 0;
    for (const auto& parameter : parameters)
        size += parameter.numel();
    Tensor<typename Variables::value_type::value_type> result{Shape{size}};
    auto* to = result.data();
    for (const auto& parameter : parameters)
        to = std::copy(parameter.grad().begin(), parameter.grad().end(), to);
    return result;
}

/// The gradients of a layer as a user can check them: that of its input with the public `gradcheck`, those of its
/// parameters with differences taken through the handles.
template <class Layer>
void require_gradients(Layer& layer, const Tensor<double>& input) {
    const auto report = espalier::gradcheck([&](const auto& in) { return layer(in[0]); }, {input});
    CAPTURE(report);
    REQUIRE(report);
    const Variable<double> x{input};
    const auto weights = normal<double>(layer(x).shape(), 77);
    const auto loss = [&] { return sum(layer(x) * Variable<double>{weights}); };
    for (auto& [name, parameter] : layer.named_parameters())
        parameter.zero_grad();
    loss().backward();
    const double step = 1e-5;
    for (auto& [name, parameter] : layer.named_parameters())
        for (Index i = 0; i < parameter.numel(); ++i) {
            const double before = parameter.value()[i];
            parameter.mutable_value()[i] = before + step;
            const double above = loss().item();
            parameter.mutable_value()[i] = before - step;
            const double below = loss().item();
            parameter.mutable_value()[i] = before;
            CAPTURE(name, i);
            REQUIRE(parameter.grad()[i] == Approx((above - below) / (2 * step)).epsilon(1e-6).margin(1e-7));
        }
}

}  // namespace testing
