// SPDX-License-Identifier: MIT
// The toy of CAGrad, Nash-MTL and FAMO in their settings, with the gradients by hand and the rules called on their inner products: who
// reaches the Pareto front from which start. examples/pareto_toy.cpp draws it.
#include <espalier/mtl/balancing/aligned_mtl.hpp>
#include <espalier/mtl/balancing/cagrad.hpp>
#include <espalier/mtl/balancing/famo.hpp>
#include <espalier/mtl/balancing/imtl_g.hpp>
#include <espalier/mtl/balancing/mgda.hpp>
#include <espalier/mtl/balancing/nash_mtl.hpp>
#include <espalier/mtl/balancing/pcgrad.hpp>
#include <espalier/mtl/balancing/upgrad.hpp>

#include "catch.hpp"
#include "mtl/balancing/scalarizers.hpp"
#include "sanitized.hpp"

#include "../../../examples/pareto_toy/problem.hpp"

#include <array>
#include <cmath>
#include <vector>

using namespace espalier;
using namespace pareto_toy;

namespace {

/// Adam at 1e-3 on a point, by the formulas of Kingma and Ba.
class Adam {
public:
    explicit Adam(const Point& start) : x_{start} {}

    const Point& x() const { return x_; }
    void step(const Point& gradient) {
        decay1_ *= 0.9;
        decay2_ *= 0.999;
        for (std::size_t i = 0; i < 2; ++i) {
            mean_[i] += 0.1 * (gradient[i] - mean_[i]);
            square_[i] += 0.001 * (gradient[i] * gradient[i] - square_[i]);
            x_[i] -= 1e-3 * mean_[i] / (1 - decay1_) / (std::sqrt(square_[i] / (1 - decay2_)) + 1e-8);
        }
    }

private:
    Point x_, mean_{}, square_{};
    double decay1_ = 1, decay2_ = 1;
};

double dot(const Point& a, const Point& b) { return a[0] * b[0] + a[1] * b[1]; }

/// Where `weigh`, from the losses to the weights of their gradients, leads.
template <class Weigh>
Point descend(const Point& start, int steps, double scale, Weigh weigh) {
    Adam adam{start};
    for (int step = 0; step < steps; ++step) {
        const auto at = pareto_toy::losses(adam.x(), scale);
        const std::array<double, 2> weights = weigh(at, adam);
        const auto along = [&](std::size_t i) { return weights[0] * at[0].gradient[i] + weights[1] * at[1].gradient[i]; };
        adam.step({along(0), along(1)});
    }
    return adam.x();
}

template <mtl::Weighting Rule>
Point end_point(Rule rule, const Point& start, int steps = 35'000, double scale = first_scale) {
    if constexpr (requires { rule.start(2); })
        rule.start(2);
    return descend(start, steps, scale, [&](const std::array<Loss, 2>& at, const Adam&) {
        const double across = dot(at[0].gradient, at[1].gradient);
        const double values[]{at[0].value, at[1].value};
        const auto weights = rule(
            mtl::Gramian{mtl::Matrix{{dot(at[0].gradient, at[0].gradient), across}, {across, dot(at[1].gradient, at[1].gradient)}},
                         mtl::StepContext{values}});
        return std::array{weights[0], weights[1]};
    });
}

template <class Rule>
void require_on_front(const Rule& rule, std::initializer_list<std::size_t> which) {
    for (const std::size_t i : which) {
        const Point end = end_point(rule, starts[i]);
        CAPTURE(i, end[0], end[1]);
        CHECK(distance_to_front(end) < 0.01);
    }
}

struct PlainSum {
    std::array<double, 2> operator()(const mtl::Gramian&) const { return {1, 1}; }
};

/// Of the mean of the losses with the first one scaled, in closed form.
Point minimum_of_mean(double scale) {
    const double x1 = 7 * (scale - 1) / (scale + 1);
    return {x1, front_height(x1)};
}
double distance(const Point& a, const Point& b) { return std::hypot(a[0] - b[0], a[1] - b[1]); }

/// Millions of steps, which pass no line that other tests do not.
constexpr bool skipped = testing::sanitized;

}  // namespace

TEST_CASE("toy: losses at the starts and on the front as published", "[mtl][toy]") {
    const auto check = [](const Point& x, double first, double second) {
        CAPTURE(x[0], x[1]);
        CHECK(loss(0, x).value == Approx(first).margin(1e-5));
        CHECK(loss(1, x).value == Approx(second).margin(1e-5));
    };
    check({-8.5, 7.5}, 6.55236, 7.90080);
    check({0, 0}, 0, 0);
    check({9, 9}, 7.94395, 6.69150);
    check({-7.5, -0.5}, 0.38881, -4.75448);
    check({9, -1}, -8.83106, 2.81429);
    check({-8.5, -5}, 4.05992, -19.42150);
    check({7, -8.3552}, -19.98933, -0.39855);
    check({-7, -8.3552}, -0.39855, -19.98933);
    check({0, -8.3552}, -15.09164, -15.09164);
    CHECK(pareto_toy::losses({9, 9})[0].value == Approx(0.794395).margin(1e-6));
}

TEST_CASE("toy: gradients are those of the losses", "[mtl][toy]") {
    for (const Point& x : {Point{-8.5, 7.5}, Point{9, 9}, Point{-7.5, -0.5}, Point{9, -1}, Point{-3, 1e-3}, Point{3, -8.4}})
        for (const int task : {0, 1})
            for (const std::size_t i : {0U, 1U}) {
                Point up = x, down = x;
                up[i] += 1e-6;
                down[i] -= 1e-6;
                CAPTURE(task, i, x[0], x[1]);
                CHECK(loss(task, x).gradient[i] ==
                      Approx((loss(task, up).value - loss(task, down).value) / 2e-6).epsilon(1e-6).margin(1e-7));
            }
}

TEST_CASE("toy: on the front the gradients are opposite, beside it they are not", "[mtl][toy]") {
    const auto sine = [](const Point& x) {  // of the angle between them
        const Point a = loss(0, x).gradient, b = loss(1, x).gradient;
        return std::abs(a[0] * b[1] - a[1] * b[0]) / std::sqrt(dot(a, a) * dot(b, b));
    };
    for (const double x1 : {-6.9, -5.7, -2.0, 0.0, 3.3, 6.9}) {
        const Point x{x1, front_height(x1)};
        CHECK(dot(loss(0, x).gradient, loss(1, x).gradient) < 0);
        CHECK(sine(x) < 1e-6);
        CHECK(sine({x1, x[1] + 0.1}) > 1e-4);
        CHECK(distance_to_front(x) == 0);
    }
    CHECK(front_height(0) == Approx(-8.35515).margin(1e-5));
    CHECK(front_height(7) == Approx(-8.43446).margin(1e-5));
    CHECK(distance_to_front({10, front_height(7) + 4}) == Approx(5));
}

TEST_CASE("toy, Nash-MTL's study: rules that reach the front from all five starts", "[mtl][toy][long]") {
    if (skipped)
        return;
    require_on_front(mtl::MGDA{}, {0, 1, 2, 3, 4});
    require_on_front(mtl::IMTLG{}, {0, 1, 2, 3, 4});
    require_on_front(mtl::FairGrad{}, {0, 1, 2, 3, 4});
    require_on_front(mtl::AlignedMTL{}, {0, 1, 2, 3, 4});
}

TEST_CASE("toy, Nash-MTL's study: Nash-MTL ends in the middle of the front, the sum at its minimum or in a valley", "[mtl][toy]") {
    if (skipped)
        return;
    for (const Point& start : starts) {
        const Point end = end_point(mtl::NashMTL{}, start);
        CAPTURE(start[0], start[1], end[0], end[1]);
        CHECK(distance_to_front(end) < 0.01);
        CHECK(std::abs(end[0]) < (start == Point{0, 0} ? 0.01 : 5));
    }
    for (const std::size_t i : {1U, 3U, 4U})
        CHECK(distance(end_point(PlainSum{}, starts[i]), minimum_of_mean(first_scale)) < 0.01);
    CHECK(end_point(PlainSum{}, starts[2])[1] > 1);
}

TEST_CASE("toy, Nash-MTL's study: rules of projections reach the front from where no valley is in between", "[mtl][toy]") {
    if (skipped)
        return;
    require_on_front(mtl::UPGrad{}, {0, 1, 3, 4});
    require_on_front(mtl::PCGrad{}, {0, 1, 3, 4});
    require_on_front(mtl::CAGrad{}, {1, 3, 4});
}

TEST_CASE("toy, CAGrad's study: CAGrad alone ends at the minimum of the mean from all three starts", "[mtl][toy]") {
    if (skipped)
        return;
    for (const Point& start : {Point{-8.5, 7.5}, Point{-8.5, -5}, Point{9, 9}}) {
        CAPTURE(start[0], start[1]);
        CHECK(distance(end_point(mtl::CAGrad{{.c = 0.5}}, start, 100'000, 1), minimum_of_mean(1)) < 0.01);
        const Point of_mgda = end_point(mtl::MGDA{}, start, 100'000, 1);  // any point of the front will do for it
        CHECK(distance_to_front(of_mgda) < 0.01);
        CHECK(distance(of_mgda, minimum_of_mean(1)) > 1);
    }
    CHECK(end_point(PlainSum{}, {-8.5, 7.5}, 100'000, 1)[1] > 1);
    CHECK(end_point(PlainSum{}, {9, 9}, 100'000, 1)[1] > 1);
}

TEST_CASE("toy, FAMO's study: FAMO reaches the front", "[mtl][toy]") {
    if (skipped)
        return;
    for (const std::size_t i : {0U, 1U, 2U, 3U, 4U}) {
        mtl::FAMO rule{{.weight_decay = 0, .min_losses = {-2.1, -21}}};
        rule.start(2);
        const Point end = descend(starts[i], 50'000, first_scale, [&](const std::array<Loss, 2>& at, const Adam& adam) {
            const auto weights = testing::outcome(rule, {at[0].value, at[1].value}).gradient;
            Adam next = adam;
            const auto along = [&](std::size_t k) { return weights[0] * at[0].gradient[k] + weights[1] * at[1].gradient[k]; };
            next.step({along(0), along(1)});
            const auto after = pareto_toy::losses(next.x());
            rule.after_step(std::vector<double>{after[0].value, after[1].value});
            return std::array<double, 2>{weights[0], weights[1]};
        });
        CAPTURE(i, end[0], end[1]);
        CHECK(distance_to_front(end) < 0.05);
    }
}
