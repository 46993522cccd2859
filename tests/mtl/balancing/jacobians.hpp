// SPDX-License-Identifier: MIT
/// @file Jacobians to try rules and their solvers with: of every rank and scale, with rows that are 0, the same or opposite.
#pragma once

#include "sanitized.hpp"

#include <espalier/tensor/tensor.hpp>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace testing {

using namespace espalier;

/// The i-th number of a stream, in [-1, 1): splitmix64, which tests/golden/make_balancing.py has as well.
[[nodiscard]] inline double hashed(std::uint64_t stream, std::uint64_t i) {
    std::uint64_t x = (stream << 32) + i + 0x9E3779B97F4A7C15;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
    x = (x ^ x >> 27) * 0x94D049BB133111EB;
    return static_cast<double>((x ^ x >> 31) >> 11) * 0x1p-52 - 1;
}

/// (tasks, columns) of hashed numbers; rows from `rank` on are the sum of two of the first ones with hashed factors.
[[nodiscard]] inline Tensor<double> hashed_jacobian(std::uint64_t stream, Index tasks, Index columns, Index rank, double scale) {
    Tensor<double> result{Shape{tasks, columns}};
    for (Index t = 0; t < tasks; ++t)
        for (Index p = 0; p < columns; ++p) {
            const auto at = [&](Index row) { return result[row * columns + p]; };
            result[t * columns + p] = t < rank ? scale * hashed(stream, static_cast<std::uint64_t>(t * columns + p))
                                               : hashed(stream, static_cast<std::uint64_t>(1000000 + 2 * t)) * at(t % rank) +
                                                     hashed(stream, static_cast<std::uint64_t>(1000001 + 2 * t)) * at((t + 1) % rank);
        }
    return result;
}

struct NamedJacobian {
    std::string name;
    Tensor<double> rows;
    bool full_rank = false;
    bool zero_rows = false;
};

[[nodiscard]] inline std::vector<NamedJacobian> awkward_jacobians() {
    std::vector<NamedJacobian> result;
    std::uint64_t stream = 1000;
    for (const Index tasks : {1, 2, 3, 11, 40})
        for (const double scale : {1e-10, 1.0, 1e10}) {
            if (sanitized && tasks == 40 && scale != 1)
                continue;
            const std::string name = "T = " + std::to_string(tasks) + ", scale " + std::to_string(static_cast<int>(std::log10(scale)));
            const Index columns = tasks + 9;
            const auto full = hashed_jacobian(stream++, tasks, columns, tasks, scale);
            result.push_back({name, full, true});
            auto uneven = full;
            for (Index i = 0; i < uneven.numel(); ++i)
                uneven[i] *= std::pow(10.0, static_cast<double>(i / columns % 5 - 2));
            result.push_back({name + ", uneven", uneven, true});
            if (tasks == 1)
                continue;
            result.push_back({name + ", deficient", hashed_jacobian(stream++, tasks, columns, (tasks + 1) / 2, scale)});
            result.push_back({name + ", wide rank 1", hashed_jacobian(stream++, tasks, 1, 1, scale)});
            auto zero = full, twice = full, opposite = full;
            for (Index p = 0; p < columns; ++p) {
                zero[p] = 0;
                twice[p] = twice[columns + p];
                opposite[p] = -opposite[columns + p];
            }
            result.push_back({name + ", zero row", zero, false, true});
            result.push_back({name + ", twice a row", twice});
            result.push_back({name + ", opposite rows", opposite});
            result.push_back({name + ", all zero", Tensor<double>{Shape{tasks, columns}}, false, true});
        }
    return result;
}

}  // namespace testing
