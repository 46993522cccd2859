// SPDX-License-Identifier: MIT
/// @file The nearest direction along which no loss rises.
#pragma once

#include <espalier/mtl/balancing/solvers/non_negative.hpp>
#include <espalier/mtl/balancing/solvers/unit_rows.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

namespace espalier::inline ESPALIER_ABI::mtl::solvers {

/// Projects combinations of the rows of J on the cone of all d with J d >= 0; J is known by its Gramian.
class DualCone {
public:
    explicit DualCone(const Matrix& gramian) : rows_{gramian}, program_{rows_.cosines}, pull_(rows_.size()), raise_(rows_.size()) {}
    DualCone(const DualCone&) = delete;
    DualCone& operator=(const DualCone&) = delete;

    /// argmin v^T G v over v >= p: J^T v is the projection of J^T p. Exact; a row of 0 keeps its p.
    [[nodiscard]] Weights project(std::span<const double> p) {
        const std::size_t n = rows_.size();
        Weights result(p.begin(), p.end());
        std::fill(pull_.begin(), pull_.end(), 0.0);
        for (std::size_t i = 0; i < n; ++i)
            if (const double length = rows_.norms[i] * p[i]; length != 0)
                for (std::size_t j = 0; j < n; ++j)
                    pull_[j] -= length * rows_.cosines(i, j);
        (void)program_.solve(pull_, raise_);  // is bounded: a squared distance
        for (std::size_t i = 0; i < n; ++i)
            if (raise_[i] > 0)
                result[i] += raise_[i] / rows_.norms[i];
        return result;
    }

private:
    UnitRows rows_;
    NonNegativeProgram program_;
    Weights pull_;
    Weights raise_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl::solvers
