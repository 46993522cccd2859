// SPDX-License-Identifier: MIT
#include <espalier/io/safetensors.hpp>
#include <espalier/mtl/balancing/rows.hpp>
#include <espalier/mtl/balancing/solvers/constrained_descent.hpp>

#include "catch.hpp"
#include "mtl/balancing/jacobians.hpp"

#include <cmath>
#include <limits>
#include <numeric>
#include <string>

using namespace espalier;
using mtl::solvers::ConstrainedDescent;

namespace {

/// d of rows of which the last one is q.
Tensor<double> direction_of(const Tensor<double>& rows, double rho) {
    const mtl::Matrix gramian = mtl::gramian_of(rows);
    const ConstrainedDescent program{gramian, rho};
    mtl::Weights weights = program.weights();
    weights.push_back(program.multiplier(weights));
    for (double& weight : weights)
        weight = -weight;
    return mtl::combine(rows, weights);
}
Tensor<double> times(const Tensor<double>& rows, double factor) {
    Tensor<double> result = rows;
    for (double& value : result)
        value *= factor;
    return result;
}
double length(const Tensor<double>& row) { return std::sqrt(std::inner_product(row.begin(), row.end(), row.begin(), 0.0)); }
double product(const Tensor<double>& rows, Index row, const Tensor<double>& d) {
    return std::inner_product(d.begin(), d.end(), rows.data() + row * rows.size(1), 0.0);
}

/// What makes a direction and its weights the solution.
void check_solution(const Tensor<double>& rows, double rho) {
    const Index tasks = rows.size(0) - 1;
    const mtl::Matrix gramian = mtl::gramian_of(rows);
    const ConstrainedDescent program{gramian, rho};
    const mtl::Weights weights = program.weights();
    CHECK(std::accumulate(weights.begin(), weights.end(), 0.0) == Approx(1).epsilon(1e-12));
    const Tensor<double> d = direction_of(rows, rho);
    const double squared = gramian(weights.size(), weights.size());
    double largest = -std::numeric_limits<double>::infinity();
    double magnitude = rho * squared;
    double longest = 0;
    for (Index i = 0; i < tasks; ++i) {
        const auto t = static_cast<std::size_t>(i);
        CHECK(weights[t] >= 0);
        largest = std::max(largest, product(rows, i, d));
        magnitude += weights[t] * std::sqrt(gramian(t, t)) * (std::sqrt(gramian(t, t)) + rho * std::sqrt(squared));
        longest = std::max(longest, gramian(t, t));
    }
    const double tolerance = 1e-10 * magnitude + 1e-14 * longest;
    for (Index i = 0; i < tasks; ++i) {
        CAPTURE(i, weights[static_cast<std::size_t>(i)], product(rows, i, d), largest);
        CHECK(weights[static_cast<std::size_t>(i)] * (largest - product(rows, i, d)) <= tolerance);
    }
    const double slack = -rho * squared - product(rows, tasks, d);
    CHECK(slack >= -tolerance - 1e-14 * std::sqrt(longest * squared));
    CHECK(program.multiplier(weights) * std::min(slack, squared) <= tolerance);
}

}  // namespace

TEST_CASE("a constrained descent is that of the program as it is defined, for any scale", "[mtl][balancing]") {
    static const auto file = io::load_safetensors(ESPALIER_GOLDEN_DIR "/balancing_beside.safetensors");
    int held_back = 0;
    for (int i = 0; i < 21; ++i) {
        const std::string name = "descent" + std::to_string(i);
        const auto rows = file.get<double>(name + "/rows");
        const double rho = file.get<double>(name + "/rho")[0];
        const auto expected = file.get<double>(name + "/direction");
        const auto q = mtl::combine(rows, [&] {
            mtl::Weights last(static_cast<std::size_t>(rows.size(0)), 0.0);
            last.back() = 1;
            return last;
        }());
        held_back += length(q) > 0 && std::abs(product(rows, rows.size(0) - 1, expected) / length(q) / length(q) + rho) < 1e-6;
        for (const double scale : {1.0, 1e-8, 1e8}) {
            CAPTURE(name, scale);
            const auto got = direction_of(times(rows, scale), rho);
            for (Index k = 0; k < got.numel(); ++k)
                CHECK(got[k] / scale == Approx(expected[k]).epsilon(0).margin(1e-9 * (1 + length(expected))));
        }
    }
    CHECK(held_back > 8);
    CHECK(held_back < 20);
}

TEST_CASE("a constrained descent fulfils the conditions of a minimum", "[mtl][balancing]") {
    for (const auto& [name, rows, full_rank, zero_rows] : testing::awkward_jacobians())
        if (rows.size(0) > 1)
            for (const double length_of_q : {1e-6, 1.0, 1e6})
                for (const double rho : {0.0, 0.1, 10.0}) {
                    CAPTURE(name, length_of_q, rho);
                    auto scaled = rows;
                    for (Index k = scaled.numel() - scaled.size(1); k < scaled.numel(); ++k)
                        scaled[k] *= length_of_q;
                    check_solution(scaled, rho);
                }
}

TEST_CASE("a constrained descent of one row, of none, and without a constraint", "[mtl][balancing]") {
    const mtl::Matrix one{{4, -2}, {-2, 1}};  // g = (2, 0), q = (-1, 0)
    CHECK(ConstrainedDescent{one, 0.5}.weights() == mtl::Weights{1});
    CHECK(ConstrainedDescent{one, 0.5}.multiplier(mtl::Weights{1}) == 2.5);
    const mtl::Matrix none{{9}};
    CHECK(ConstrainedDescent{none, 0.25}.weights().empty());
    CHECK(ConstrainedDescent{none, 0.25}.multiplier({}) == 0.25);
    const mtl::Matrix free{{18, -22, 0}, {-22, 38, 0}, {0, 0, 0}};
    CHECK(ConstrainedDescent{free, 0.5}.weights() == mtl::Weights{0.6, 0.4});
    CHECK(ConstrainedDescent{free, 0.5}.multiplier(mtl::Weights{0.6, 0.4}) == 0);
}
