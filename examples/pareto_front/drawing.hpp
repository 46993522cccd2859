// SPDX-License-Identifier: MIT
/// @file Fronts in the plane of both losses, as an SVG file that any browser shows.
#pragma once

#include "../multi_fashion/progress.hpp"
#include "learners.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

namespace pareto_front {

using multi_fashion::text;

/// What was reached with one preference.
struct Point {
    Ray ray;
    std::array<double, 2> losses;
    std::array<double, 2> accuracies;
};

/// What one method reached, in the order of the preferences.
struct Curve {
    std::string name;
    bool along_rays;  ///< as the learner's
    std::vector<Point> points;
};

/// (N, 2), as `mtl::hypervolume` and the others take them.
[[nodiscard]] inline Tensor<double> losses_of(const Curve& curve) {
    Tensor<double> result{{static_cast<Index>(curve.points.size()), 2}};
    double* to = result.data();
    for (const Point& point : curve.points)
        to = std::copy(point.losses.begin(), point.losses.end(), to);
    return result;
}
/// As `mtl::uniformity` takes them: a larger number for a smaller loss.
[[nodiscard]] inline Tensor<double> rays_of(const Curve& curve) {
    Tensor<double> result{{static_cast<Index>(curve.points.size()), 2}};
    double* to = result.data();
    for (const Point& point : curve.points)
        to = std::transform(point.ray.begin(), point.ray.end(), to, [&](double r) { return curve.along_rays ? 1 / r : r; });
    return result;
}

/// The loss of the first task to the right, that of the second one upwards: the nearer to the lower left the better. A curve is drawn
/// through its points, and a last one that stands for networks of one preference each as diamonds.
[[nodiscard]] inline std::string draw_front(const std::vector<Curve>& curves, const std::string& subtitle) {
    constexpr int left = 84, top = 112, side = 560, legend = 250, bottom = 70;
    constexpr std::array colours{"#0b6e8f", "#b8430b", "#2a8a4a", "#8a3fa0", "#1b1f26"};
    double low = 1e9, high = 0;
    for (const Curve& curve : curves)
        for (const Point& point : curve.points)
            for (const double loss : point.losses) {
                low = std::min(low, loss);
                high = std::max(high, loss);
            }
    const double step = high - low > 4 ? 1 : high - low > 0.8 ? 0.2 : 0.1;
    low = std::floor(low / step) * step;
    high = std::max(std::ceil(high / step) * step, low + step);
    const auto along = [&](double loss) { return side * (loss - low) / (high - low); };
    const auto x = [&](const Point& point) { return left + along(point.losses[0]); };
    const auto y = [&](const Point& point) { return top + side - along(point.losses[1]); };
    const int width = left + side + legend, height = top + side + bottom;
    std::string svg = text(
        "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' viewBox='0 0 %d %d' font-family='Helvetica, "
        "Arial, \"DejaVu Sans\", sans-serif' font-size='13' fill='#1b1f26'>\n<rect width='100%%' height='100%%' "
        "fill='#fff'/>\n<text x='24' y='38' font-size='20' font-weight='bold'>One network for all preferences</text>\n"
        "<text x='24' y='62' font-size='12' fill='#636b78'>%s</text>\n",
        width, height, width, height, subtitle.c_str());
    for (int i = 0; low + i * step < high + step / 2; ++i) {
        const double at = along(low + i * step);
        svg += text(
            "<path d='M%.1f %dV%dM%d %.1fH%d' stroke='#dfe2e7'/><text x='%.1f' y='%d' text-anchor='middle' fill='#636b78'>%.1f"
            "</text><text x='%d' y='%.1f' text-anchor='end' fill='#636b78'>%.1f</text>\n",
            left + at, top, top + side, left, top + side - at, left + side, left + at, top + side + 20, low + i * step, left - 10,
            top + side - at + 4.5, low + i * step);
    }
    svg += text(
        "<text x='%d' y='%d' text-anchor='middle'>loss of the left garment</text>\n<text transform='translate(26 %d) rotate(-90)' "
        "text-anchor='middle'>loss of the right garment</text>\n",
        left + side / 2, top + side + 48, top + side / 2);
    for (std::size_t i = 0; i < curves.size(); ++i) {
        const Curve& curve = curves[i];
        const bool of_one = curve.name == "a network for each";
        const char* const colour = of_one ? colours.back() : colours[i % (colours.size() - 1)];
        const auto mark = [&](double at_x, double at_y) {
            return of_one ? text("<path d='M%.1f %.1fl6 6-6 6-6-6z' fill='#fff' stroke='%s' stroke-width='2'/>", at_x, at_y - 6, colour)
                          : text("<circle cx='%.1f' cy='%.1f' r='3.4' fill='%s'/>", at_x, at_y, colour);
        };
        std::string path;
        for (const Point& point : curve.points)
            path += text("%c%.1f %.1f", path.empty() ? 'M' : 'L', x(point), y(point));
        if (!of_one)
            svg += text("<path d='%s' fill='none' stroke='%s' stroke-width='1.4' opacity='.6'/>\n", path.c_str(), colour);
        for (const Point& point : curve.points)
            svg += mark(x(point), y(point));
        const double row = top + 14 + 26 * static_cast<double>(i);
        svg += text("\n%s<text x='%d' y='%.1f'>%s</text>\n", mark(left + side + 30, row).c_str(), left + side + 46, row + 4.5,
                    curve.name.c_str());
    }
    return svg + "</svg>\n";
}

}  // namespace pareto_front
