// SPDX-License-Identifier: MIT
/// @file Two regressions whose relatedness is a number: the synthetic tasks of Ma et al. (KDD 2018), section 3.2.
///
/// With orthonormal u1, u2 of 100 elements, w1 = c u1 and w2 = c (p u1 + sqrt(1 - p^2) u2), and
/// y_k = w_k x + sum over j of sin(a_j w_k x + b_j) + noise, with a_j and b_j the same for both tasks: p is the cosine of their weights.
#pragma once

#include <espalier/data/dataset.hpp>

#include <array>
#include <cmath>

namespace task_correlation {

using namespace espalier;

constexpr Index inputs = 100;
constexpr double noise = 0.1;  ///< its standard deviation: no mean squared error is below its square for long

struct Problem {
    data::Dataset<float> train, test;
};

/// `length` is c: the longer the weights, the more often the sines turn. All of it depends on these and the seed alone.
[[nodiscard]] inline Problem draw_problem(double correlation, double length, std::uint64_t seed, Index train_samples, Index test_samples) {
    constexpr std::size_t sines = 5;
    Random random{seed, 1};
    std::array<double, inputs> first{}, second{};
    double square = 0, along = 0;
    for (double& u : first) {
        u = random.normal();
        square += u * u;
    }
    for (double& u : first)
        u /= std::sqrt(square);
    for (std::size_t i = 0; i < second.size(); ++i)
        along += (second[i] = random.normal()) * first[i];
    square = 0;
    for (std::size_t i = 0; i < second.size(); ++i) {
        second[i] -= along * first[i];
        square += second[i] * second[i];
    }
    for (double& u : second)
        u /= std::sqrt(square);
    std::array<double, sines> rate{}, phase{};
    for (std::size_t j = 0; j < sines; ++j) {
        rate[j] = random.normal();
        phase[j] = random.normal();
    }

    const auto draw = [&](Index samples) {
        auto x = Tensor<float>::normal({samples, inputs}, random);
        Tensor<float> y1{{samples, 1}}, y2{{samples, 1}};
        for (Index n = 0; n < samples; ++n) {
            double on_first = 0, on_second = 0;
            for (Index i = 0; i < inputs; ++i) {
                on_first += first[static_cast<std::size_t>(i)] * static_cast<double>(x[n * inputs + i]);
                on_second += second[static_cast<std::size_t>(i)] * static_cast<double>(x[n * inputs + i]);
            }
            const auto value = [&](double z) {
                double sum = z + noise * random.normal();
                for (std::size_t j = 0; j < sines; ++j)
                    sum += std::sin(rate[j] * z + phase[j]);
                return static_cast<float>(sum);
            };
            y1[n] = value(length * on_first);
            y2[n] = value(length * (correlation * on_first + std::sqrt(1 - correlation * correlation) * on_second));
        }
        return data::Dataset<float>{std::move(x), {{"first", std::move(y1)}, {"second", std::move(y2)}}};
    };
    auto train = draw(train_samples);
    return {std::move(train), draw(test_samples)};
}

}  // namespace task_correlation
