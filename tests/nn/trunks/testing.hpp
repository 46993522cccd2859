// SPDX-License-Identifier: MIT
/// @file What the tests of trunks have in common: comparison with PyTorch, number of parameters, what every trunk must be able to do.
#pragma once

#include <espalier/autograd/reduction.hpp>
#include <espalier/io/safetensors.hpp>
#include <espalier/nn/freeze.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/optim/sgd.hpp>

#include "conv_way.hpp"
#include "nn/testing.hpp"
#include "sanitized.hpp"

#include <string>
#include <type_traits>
#include <vector>

namespace testing {

/// n numbers in [-1, 1), as `hashed` of tests/golden/make_trunks.py.
inline double hashed(Index i, std::uint64_t salt) {
    auto x = static_cast<std::uint32_t>((static_cast<std::uint64_t>(i) + salt * 1000003) * 2654435761);
    x ^= x >> 16;
    x *= 0x45D9F3B;
    x ^= x >> 16;
    return static_cast<double>(x) / 2147483648.0 - 1;
}

template <class Scalar>
Tensor<Scalar> hashed(const Shape& shape, std::uint64_t salt, double factor = 1) {
    auto result = Tensor<Scalar>::empty(shape);
    for (Index i = 0; i < result.numel(); ++i)
        result[i] = static_cast<Scalar>(factor * hashed(i, salt));
    return result;
}

/// Weights by formula, as make_trunks.py has them.
template <class Scalar>
void fill_with_hashed(espalier::nn::Sequential<Scalar>& trunk) {
    std::uint64_t salt = 1;
    bool of_norm = false;
    for (auto& [path, parameter] : trunk.named_parameters()) {
        const bool is_weight = path.ends_with("weight");
        if (is_weight)
            of_norm = parameter.rank() == 1;
        const double factor = parameter.rank() > 1 ? std::sqrt(6 / static_cast<double>(parameter.shape().product(1, parameter.rank())))
                              : !of_norm           ? 0.1
                              : is_weight          ? 0.25
                                                   : 0.5;
        const double middle = !of_norm ? 0 : is_weight ? 0.75 : 2.5;
        auto& values = parameter.mutable_value();
        for (Index i = 0; i < values.numel(); ++i)
            values[i] = static_cast<Scalar>(middle + factor * hashed(i, salt));
        ++salt;
    }
}

/// Rows of the golden file: sum, sum of sizes, largest size, first, middle and last element of each tensor.
template <class Scalar>
std::vector<double> summary(const Tensor<Scalar>& tensor) {
    std::vector<double> row(3, 0.0);
    for (const Scalar value : tensor) {
        row[0] += static_cast<double>(value);
        row[1] += std::abs(static_cast<double>(value));
        row[2] = std::max(row[2], std::abs(static_cast<double>(value)));
    }
    for (const Index i : {Index{0}, tensor.numel() / 2, tensor.numel() - 1})
        row.push_back(static_cast<double>(tensor[i]));
    return row;
}

/// Rows against those of the file, by the norm of `off` in make_trunks.py: relative to the largest element of the tensor or `floor`
/// times the largest of all, as a bias before a normalisation has a gradient of 0.
inline double rows_off(const std::vector<std::vector<double>>& got, const Tensor<double>& expected, double floor = 1e-3) {
    if (static_cast<Index>(got.size()) != expected.size(0))
        return INFINITY;
    double largest = 0;
    for (Index i = 0; i < expected.size(0); ++i)
        largest = std::max(largest, expected.at(i, 2));
    double worst = 0;
    for (Index i = 0; i < expected.size(0); ++i) {
        const auto& row = got[static_cast<std::size_t>(i)];
        const double size = std::max(expected.at(i, 2), largest * floor);
        const double count = std::max(1.0, expected.at(i, 2) > 0 ? expected.at(i, 1) / expected.at(i, 2) : 1.0);
        for (const std::size_t k : {0U, 2U, 3U, 4U, 5U}) {
            const double error = std::abs(row[k] - expected.at(i, static_cast<Index>(k))) / (k == 0 ? size * count : size);
            worst = std::isnan(error) ? INFINITY : std::max(worst, error);
        }
    }
    return worst;
}

template <class Scalar>
double features_off(const Tensor<Scalar>& got, const Tensor<double>& expected) {
    if (got.shape() != expected.shape())
        return INFINITY;
    double worst = 0;
    double largest = 0;
    for (Index i = 0; i < got.numel(); ++i) {
        const double error = std::abs(static_cast<double>(got[i]) - expected[i]);
        worst = std::isnan(error) ? INFINITY : std::max(worst, error);
        largest = std::max(largest, std::abs(expected[i]));
    }
    return worst / largest;
}

/// Features, gradients, three steps of SGD, and features in evaluation afterwards, against PyTorch's: in double to 1e-10; in float to
/// 1e-5, gradients to 1e-4 of the largest and to 1e-2 of each tensor's own, or to three times what PyTorch's own floats are off where
/// that is more. One value on the other side of a kink of ReLU is enough for it, so results are those of the convolutions that round least,
/// of the direct way, and gradients those of Winograd's.
template <class Scalar>
void compare_with_pytorch(espalier::nn::Sequential<Scalar> trunk, const std::string& key, const Shape& input) {
    if (sanitized && trunk.parameter_count() > (std::is_same_v<Scalar, double> ? 100'000 : 300'000))
        return;  // the same layers as in the small ones, for minutes
    using namespace espalier;
    static const auto file = io::load_safetensors(ESPALIER_GOLDEN_DIR "/trunks.safetensors");
    CAPTURE(key);
    const ConvWay of_results{ConvAlgorithm::direct};
    const auto expected = [&](const char* part) { return file.template get<double>(key + "/" + part); };
    const auto single = expected("single");
    const auto limit = [&](Index part, Index column, double least) {
        return std::is_same_v<Scalar, double> ? 1e-10 : std::max(least, 3 * single.at(part, column));
    };
    fill_with_hashed(trunk);
    const auto parameters = trunk.parameters();
    const auto rows_of = [&](const auto& tensor_of) {
        std::vector<std::vector<double>> rows;
        for (const auto& parameter : parameters)
            rows.push_back(summary<Scalar>(tensor_of(parameter)));
        return rows;
    };
    optim::SGD<Scalar> sgd{parameters, {.learning_rate = 0.1}};
    const Variable<Scalar> x{hashed<Scalar>(input, 0, 2)};
    for (int step = 0; step < 3; ++step) {
        const auto features = trunk(x);
        sgd.zero_grad();
        const auto loss = mean(features * Variable<Scalar>{hashed<Scalar>(features.shape(), 1000)});
        {
            const ConvWay of_gradients{ConvAlgorithm::winograd};
            loss.backward();
        }
        if (step == 0) {
            CHECK(features_off(features.value(), expected("output")) <= limit(0, 0, 1e-5));
            const auto rows = rows_of([](const auto& p) -> const auto& { return p.grad(); });
            CHECK(rows_off(rows, expected("gradient"), 1) <= limit(2, 1, 1e-4));
            CHECK(rows_off(rows, expected("gradient")) <= limit(2, 0, 1e-2));
        }
        sgd.step();
    }
    CHECK(rows_off(rows_of([](const auto& p) -> const auto& { return p.value(); }), expected("after")) <= limit(3, 0, 1e-5));
    std::vector<std::vector<double>> buffers;
    const auto learned = trunk.named_parameters();
    for (const auto& [path, tensor] : trunk.state_dict())
        if (!learned.contains(path))
            buffers.push_back(summary(tensor));
    CHECK(rows_off(buffers, expected("buffers")) <= limit(4, 0, 1e-5));
    trunk.eval();
    CHECK(features_off(trunk(x).value(), expected("final")) <= limit(1, 0, 1e-5));
}

/// With a linear layer of so many classes behind it.
template <class Scalar>
Index parameters_with_classifier(const espalier::nn::Sequential<Scalar>& trunk, Index features, Index classes) {
    return trunk.parameter_count() + features * classes + classes;
}

/// The shape of what comes out in evaluation, so that a single small image will do.
inline Shape shape_out(espalier::nn::Sequential<float> trunk, const Shape& input) {
    trunk.eval();
    return espalier::no_grad([&] { return trunk(Variable<float>{normal<float>(input)}); }).shape();
}

/// A copy is a model of its own with the same bits, assignment keeps the parameters that are there, state goes out and in, and freezing
/// takes every layer out of training.
inline void require_regular(espalier::nn::Sequential<float> trunk, const Shape& input) {
    using namespace espalier;
    const Variable<float> x{normal<float>(input)};
    const auto run = [&](nn::Sequential<float>& net) { return no_grad([&] { return net(x); }).value(); };
    nn::Sequential<float> copy = trunk;
    REQUIRE(names(copy.state_dict()) == names(trunk.state_dict()));
    REQUIRE(same_bits(copy.state_dict(), trunk.state_dict()));
    const auto handles = copy.parameters();
    const auto y = run(trunk);  // in training: moves the running statistics
    REQUIRE(same_bits(run(copy), y));
    for (auto& parameter : copy.parameters())
        parameter.mutable_value().fill(0.5F);
    REQUIRE_FALSE(same_bits(copy.state_dict(), trunk.state_dict()));
    copy = trunk;
    REQUIRE(same_bits(copy.state_dict(), trunk.state_dict()));
    for (std::size_t i = 0; i < handles.size(); ++i)
        REQUIRE(copy.parameters()[i].node() == handles[i].node());
    for (auto& parameter : copy.parameters())
        parameter.mutable_value().fill(0.5F);
    copy.load_state_dict(trunk.state_dict());
    nn::freeze(copy);
    trunk.eval();
    REQUIRE(same_bits(run(copy), run(trunk)));
    REQUIRE(same_bits(copy.state_dict(), trunk.state_dict()));
}

}  // namespace testing
