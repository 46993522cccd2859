// SPDX-License-Identifier: MIT
/// @file The toy of CAGrad (Liu et al., NeurIPS 2021) and its successors: two losses of a point in the plane, with valleys in which
/// plain sums get stuck, and a Pareto set that is nearly a straight line.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>

namespace pareto_toy {

using Point = std::array<double, 2>;

/// Of one loss at a point.
struct Loss {
    double value;
    Point gradient;
};

/// From which Nash-MTL's and FAMO's studies start; they multiply the first loss by 0.1.
inline constexpr std::array<Point, 5> starts{{{-8.5, 7.5}, {0, 0}, {9, 9}, {-7.5, -0.5}, {9, -1}}};
inline constexpr double first_scale = 0.1;

/// Above the line x2 = 0 a logarithm with a valley along a curve, below it a parabola; tanh leads from the one to the other.
///     f = ln max(|u|, 5e-6) + 6,  s = ((x1 -+ 7)^2 + 0.1 (x2 + 8)^2) / 10 - 20,  loss = f max(tanh(x2 / 2), 0) + s max(tanh(-x2 / 2), 0)
/// On the line itself the derivative is that of both sides, as PyTorch's `clamp` has it, in which the studies were made.
[[nodiscard]] inline Loss loss(int task, const Point& x) {
    const double side = task == 0 ? 1 : -1;
    const double bent = std::tanh(x[1]);
    const double u = -0.5 * x[0] + side * (bent - 3.5);
    const bool floor = std::abs(u) < 5e-6;
    const double f = std::log(std::max(std::abs(u), 5e-6)) + 6;
    const Point df{floor ? 0 : -0.5 / u, floor ? 0 : side * (1 - bent * bent) / u};

    const double across = x[0] - side * 7;
    const double s = (across * across + 0.1 * (x[1] + 8) * (x[1] + 8)) / 10 - 20;
    const Point ds{across / 5, (x[1] + 8) / 50};

    const double half = std::tanh(x[1] / 2);
    const double slope = (1 - half * half) / 2;
    const double above = std::max(half, 0.0), below = std::max(-half, 0.0);
    return {f * above + s * below,
            {df[0] * above + ds[0] * below, df[1] * above + ds[1] * below + (x[1] >= 0 ? f * slope : 0) - (x[1] <= 0 ? s * slope : 0)}};
}

/// Of the study: the first loss is scaled.
[[nodiscard]] inline std::array<Loss, 2> losses(const Point& x, double scale = first_scale) {
    const Loss first = loss(0, x);
    return {{{scale * first.value, {scale * first.gradient[0], scale * first.gradient[1]}}, loss(1, x)}};
}

inline constexpr double front_end = 7;  ///< the Pareto set reaches from x1 = -7 to 7

/// x2 of the Pareto set: between -8.43446 at its ends and -8.35515 at x1 = 0. There the gradients are opposite, and of the sum of both
/// losses with weights (7 + x1) : (7 - x1), whatever their scales, the derivative tanh(-x2 / 2) (x2 + 8) / 50 - S (1 - tanh^2(x2 / 2)) / 2
/// is 0 with S = (49 - x1^2) / 10 + (x2 + 8)^2 / 100 - 20. It rises with x2 between the bounds.
[[nodiscard]] inline double front_height(double x1) {
    double low = -9, high = -8;
    while (high - low > 1e-13) {
        const double x2 = (low + high) / 2;
        const double half = std::tanh(-x2 / 2);
        const double weighted = (front_end * front_end - x1 * x1) / 10 + (x2 + 8) * (x2 + 8) / 100 - 20;
        (half * (x2 + 8) / 50 - weighted * (1 - half * half) / 2 < 0 ? low : high) = x2;
    }
    return high;
}

/// To the point of the front above or below, or to its end.
[[nodiscard]] inline double distance_to_front(const Point& x) {
    const double nearest = std::clamp(x[0], -front_end, front_end);
    return std::hypot(x[0] - nearest, x[1] - front_height(nearest));
}

}  // namespace pareto_toy
