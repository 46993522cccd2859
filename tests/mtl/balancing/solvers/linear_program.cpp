// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "mtl/balancing/jacobians.hpp"

#include <espalier/mtl/balancing/solvers/linear_program.hpp>

using namespace espalier;
using mtl::Matrix;
using mtl::Weights;
using mtl::solvers::LinearProgram;
using testing::hashed;

TEST_CASE("linear programs that a person can solve", "[mtl]") {
    // max 3x + 5y with x <= 4, 2y <= 12, 3x + 2y <= 18 (Wyndor's of every textbook)
    const Matrix rows{{1, 0}, {0, 2}, {3, 2}};
    CHECK(LinearProgram{rows, Weights{4, 12, 18}, 0}.maximise(Weights{3, 5}) == Weights{2, 6});
    // The first row as an equation, and x >= 1 as -x <= -1.
    const Matrix simplex{{1, 1, 1}, {-1, 0, 0}};
    CHECK(LinearProgram{simplex, Weights{1, -0.25}, 1}.maximise(Weights{0, 1, 2}) == Weights{0.25, 0, 0.75});
}

TEST_CASE("linear programs without a solution say so", "[mtl]") {
    CHECK_FALSE(LinearProgram{Matrix{{1, 1}, {-1, -1}}, Weights{1, -2}, 1}.maximise(Weights{1, 0}));  // x + y = 1 and >= 2
    CHECK_FALSE(LinearProgram{Matrix{{1, -1}}, Weights{1}, 0}.maximise(Weights{1, 0}));               // no bound
}

TEST_CASE("the simplex method ends where it may turn in a circle, and where rows repeat each other", "[mtl]") {
    // Beale's: the rule of the steepest column visits six corners at the same place for ever.
    const Matrix beale{{0.25, -60, -1.0 / 25, 9}, {0.5, -90, -1.0 / 50, 3}, {0, 0, 1, 0}};
    const auto x = LinearProgram{beale, Weights{0, 0, 1}, 0}.maximise(Weights{0.75, -150, 0.02, -6});
    REQUIRE(x);
    CHECK(0.75 * (*x)[0] - 150 * (*x)[1] + 0.02 * (*x)[2] - 6 * (*x)[3] == Approx(0.05));
    const Matrix twice{{1, 1}, {2, 2}, {1, 0}, {1, 0}};
    CHECK(LinearProgram{twice, Weights{1, 2, 0.5, 0.5}, 2}.maximise(Weights{1, 0}) == Weights{0.5, 0.5});
}

TEST_CASE("an optimum satisfies the constraints, and its dual proves it", "[mtl]") {
    // max c x on the simplex with -G x <= 0 is min t with y >= 0, t >= c + G y: solved as a program of its own, both have one value.
    for (std::uint64_t stream = 0; stream < 60; ++stream) {
        const std::size_t n = 1 + stream % 40;
        const Index rank = static_cast<Index>(1 + stream % 23);
        Matrix a{1 + n, n}, dual{n, n + 2};
        Weights b(1 + n, 0.0), c(n), dual_b(n), dual_c(n + 2, 0.0);
        b[0] = 1;
        for (std::size_t i = 0; i < n; ++i) {
            c[i] = hashed(stream, 5000 + i);
            a(0, i) = 1;
            for (std::size_t j = 0; j < n; ++j)
                for (Index k = 0; k < rank; ++k)
                    a(1 + i, j) -= hashed(stream, i * 100 + static_cast<std::uint64_t>(k)) *
                                   hashed(stream, j * 100 + static_cast<std::uint64_t>(k));
        }
        for (std::size_t j = 0; j < n; ++j) {  // -t + (G y)_j <= -c_j, t = t1 - t2
            dual(j, n) = -1;
            dual(j, n + 1) = 1;
            dual_b[j] = -c[j];
            for (std::size_t i = 0; i < n; ++i)
                dual(j, i) = -a(1 + i, j);
        }
        dual_c[n] = -1;
        dual_c[n + 1] = 1;
        const auto x = LinearProgram{a, b, 1}.maximise(c);
        const auto y = LinearProgram{dual, dual_b, 0}.maximise(dual_c);
        CAPTURE(stream, n, rank);
        REQUIRE(x);
        REQUIRE(y);
        double sum = 0, value = 0;
        for (std::size_t i = 0; i < n; ++i) {
            CHECK((*x)[i] >= 0);
            sum += (*x)[i];
            value += c[i] * (*x)[i];
            double left = 0;
            for (std::size_t j = 0; j < n; ++j)
                left += a(1 + i, j) * (*x)[j];
            CHECK(left <= 1e-9);
        }
        CHECK(sum == Approx(1));
        CHECK(value == Approx((*y)[n] - (*y)[n + 1]).margin(1e-8));
    }
}
