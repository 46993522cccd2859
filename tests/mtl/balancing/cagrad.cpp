// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "jacobians.hpp"
#include "registry.hpp"
#include "saved_state.hpp"

#include <espalier/mtl/balancing/cagrad.hpp>

using namespace espalier;
using mtl::CAGrad;
using mtl::CAGradRescale;

namespace {

/// min_i g_i d, what the rule maximises.
double least_gain(const mtl::Gramian& g, const mtl::Weights& w) {
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < w.size(); ++i) {
        double gain = 0;
        for (std::size_t j = 0; j < w.size(); ++j)
            gain += g(i, j) * w[j];
        least = std::min(least, gain);
    }
    return least;
}

double distance_from_mean(const mtl::Gramian& g, mtl::Weights w) {
    for (double& weight : w)
        weight -= 1 / static_cast<double>(w.size());
    return std::sqrt(mtl::solvers::squared_length(g.matrix(), w));
}

}  // namespace

TEST_CASE("CAGrad of two conflicting gradients") {
    const auto w = CAGrad{}(testing::conflicting());
    CHECK(w[0] == Approx(0.7041241).epsilon(1e-6));
    CHECK(w[1] == Approx(0.5).epsilon(1e-6));
    const auto squared = CAGrad{{.rescale = CAGradRescale::one_plus_c_squared}}(testing::conflicting());
    CHECK(squared[0] == Approx(w[0] / 1.25));
    const auto plain = CAGrad{{.rescale = CAGradRescale::one_plus_c}}(testing::conflicting());
    CHECK(plain[1] == Approx(w[1] / 1.5));
    CHECK(CAGrad{{.c = 0}}(testing::conflicting()) == mtl::Weights{0.5, 0.5});
    CHECK(CAGrad{}(mtl::Gramian{{9}})[0] == Approx(1.5));
    CHECK_THROWS_WITH((CAGrad{{.c = -0.5}}), ContainsSubstring("[CAGrad] expected c of at least 0, got -0.5"));
}

TEST_CASE("CAGrad's direction is at the border of its ball, and none there helps the worst task more") {
    for (std::uint64_t stream = 0; stream < 20; ++stream)
        for (const double c : {0.1, 0.5, 0.9, 1.5}) {
            const Index tasks = 2 + static_cast<Index>(stream % 5);
            const mtl::Weights ones(static_cast<std::size_t>(tasks), 1.0);
            const mtl::Gramian g{testing::products(testing::hashed_jacobian(stream, tasks, 8, tasks, 1)), mtl::StepContext{ones}};
            const auto w = CAGrad{{.c = c}}(g);
            const mtl::Weights mean(w.size(), 1 / static_cast<double>(tasks));
            const double radius = c * std::sqrt(mtl::solvers::squared_length(g.matrix(), mean));
            CHECK(distance_from_mean(g, w) == Approx(radius).epsilon(1e-9));
            for (std::uint64_t trial = 0; trial < 50; ++trial) {  // others of the ball, near and far
                auto other = w;
                for (std::size_t i = 0; i < w.size(); ++i)
                    other[i] += std::pow(10.0, -static_cast<double>(trial % 6)) * testing::hashed(100 + trial, i);
                const double times = std::min(radius / distance_from_mean(g, other), 1.0);
                for (std::size_t i = 0; i < w.size(); ++i)
                    other[i] = mean[i] + times * (other[i] - mean[i]);
                CHECK(least_gain(g, other) <= least_gain(g, w) + 1e-12);
            }
        }
}

TEST_CASE("CAGrad where a combination of gradients is 0") {
    // c >= 1 reaches the directions that hurt no task, and takes the one that is nearest to the mean: 0, or along the third gradient
    const auto stopped = CAGrad{{.c = 1}}(mtl::Gramian{{1, -2}, {-2, 4}});
    CHECK(stopped[0] == Approx(2 * stopped[1]));
    const auto third = CAGrad{{.c = 1}}(mtl::Gramian{{1, -2, 0}, {-2, 4, 0}, {0, 0, 1}});
    CHECK(third[0] == Approx(2 * third[1]));
    CHECK(third[2] == Approx(1.0 / 3));
    // c < 1 goes on with part of the mean
    const auto w = CAGrad{}(mtl::Gramian{{1, -2}, {-2, 4}});
    CHECK(w[0] - 2 * w[1] == Approx(0.5 * -0.5));
    // and a mean of 0 stops all
    CHECK(CAGrad{}(mtl::Gramian{{1, -1}, {-1, 1}}) == mtl::Weights{0.5, 0.5});
}
