// SPDX-License-Identifier: MIT
/// @file What every balancing rule makes of two gradients that point apart, as one picture: the one of docs/balancing_rules.md.
///
/// Two losses of a parameter of two elements are planes, so that their gradients are the same everywhere. The arrows are steps
/// down: against task 1's gradient, task 2's, and the one that the rule makes. Along arrows within the shaded cone both losses fall.

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/reduction.hpp>
#include <espalier/mtl/balancing/by_name.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

using namespace espalier;

namespace {

struct Vector {
    double x, y;
};

const Vector slopes[] = {{-2.0, -0.6}, {1.5, -0.9}};  // of the two losses

/// The step that a rule takes, minus its gradient, and whether it has one for two tasks.
bool step_of(const std::string& rule, Vector& step) {
    manual_seed(3);
    const auto plane = [](int t) {
        return [t](const Variable<double>& p, const losses::Target<double>& target) {
            const Variable<double> slope{Tensor<double>{{2}, {slopes[t].x, slopes[t].y}}};
            return autograd::sum(p * slope) + autograd::sum(Variable<double>{target.values()});
        };
    };
    mtl::MultiTaskLoss<double> criterion{{"1", plane(0)}, {"2", plane(1)}};
    try {
        mtl::balance_by_name(criterion, rule);
    } catch (const ValueError&) {  // Krum asks for more tasks
        return false;
    }
    const Variable<double> parameter{Tensor<double>{Shape{2}}, true};
    const Named<Variable<double>> outputs{{"1", parameter}, {"2", parameter}};
    const losses::Targets<double> heights{{"1", Tensor<double>{{1}, {1}}}, {"2", Tensor<double>{{1}, {2}}}};  // the losses at 0
    criterion(outputs, heights).backward();
    step = {-parameter.grad()[0], -parameter.grad()[1]};
    return true;
}

class Picture {
public:
    Picture(std::size_t panels, int columns) : columns_{columns} {
        const int rows = (static_cast<int>(panels) + columns - 1) / columns;
        svg_ = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " + std::to_string(columns * side) + ' ' +
               std::to_string(rows * side) +
               "' font-family='sans-serif' font-size='13'>\n<rect width='100%' height='100%' fill='white'/>\n";
        for (const char* color : {blue, red, black})
            svg_ += std::string{"<marker id='"} + (color + 1) +
                    "' viewBox='0 0 10 10' refX='8' refY='5' markerWidth='5' markerHeight='5' "
                    "orient='auto'><path d='M0 0 10 5 0 10z' fill='" +
                    color + "'/></marker>\n";
    }

    void add(const std::string& title, Vector step) {
        const double x = side * (panel_ % columns_ + 0.5), y = side * (panel_ / columns_ + 0.62);
        ++panel_;
        const double length = std::hypot(step.x, step.y);
        const double shown = length > 0 ? std::clamp(length, 0.8, 2.4) / length : 0;  // what is too short or too long for the eye
        cone(x, y);
        arrow(x, y, {-slopes[0].x, -slopes[0].y}, blue, 2);
        arrow(x, y, {-slopes[1].x, -slopes[1].y}, red, 2);
        if (length > 1e-9)
            arrow(x, y, {shown * step.x, shown * step.y}, black, 3);
        else
            svg_ += "<circle cx='" + text(x) + "' cy='" + text(y) + "' r='4'/>\n";
        svg_ += "<text x='" + text(x) + "' y='" + text(y - side * 0.45) + "' text-anchor='middle'>" + title + "</text>\n";
    }
    [[nodiscard]] std::string finished() const { return svg_ + "</svg>\n"; }

private:
    static constexpr int side = 120;
    static constexpr double unit = 21;  // pixels of a step of length 1
    static constexpr const char* blue = "#2166ac";
    static constexpr const char* red = "#b2182b";
    static constexpr const char* black = "#000000";

    static std::string text(double value) { return std::to_string(std::round(10 * value) / 10).substr(0, 6); }
    void arrow(double x, double y, Vector to, const char* color, int width) {
        svg_ += "<path d='M" + text(x) + ' ' + text(y) + ' ' + text(x + unit * to.x) + ' ' + text(y - unit * to.y) + "' stroke='" + color +
                "' stroke-width='" + std::to_string(width) + "' marker-end='url(#" + (color + 1) + ")'/>\n";
    }
    /// Of the directions along which neither loss rises: between the lines at right angles to the two gradients.
    void cone(double x, double y) {
        const auto edge = [](Vector g, Vector other) {  // at a right angle to g, on the side where the other loss falls
            const Vector e{-g.y / std::hypot(g.x, g.y), g.x / std::hypot(g.x, g.y)};
            const double sign = e.x * other.x + e.y * other.y > 0 ? -1 : 1;
            return Vector{sign * e.x, sign * e.y};
        };
        const Vector a = edge(slopes[0], slopes[1]), b = edge(slopes[1], slopes[0]);
        const double reach = unit * 2.4;
        svg_ += "<path d='M" + text(x) + ' ' + text(y) + ' ' + text(x + reach * a.x) + ' ' + text(y - reach * a.y) + ' ' +
                text(x + reach * b.x) + ' ' + text(y - reach * b.y) + "z' fill='#ddeedd'/>\n";
    }

    std::string svg_;
    int columns_;
    int panel_ = 0;
};

}  // namespace

int main(int argc, char* argv[]) {
    std::string output = "two_gradients.svg";
    CLI::App app{"Draws what every balancing rule makes of two gradients that point apart."};
    app.add_option("--output", output, "the picture")->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    const auto names = mtl::rule_names();
    Picture picture{names.size(), 8};
    for (const auto& name : names) {
        Vector step{};
        if (step_of(name, step))
            picture.add(name, step);
    }
    std::ofstream file{output};
    file << picture.finished() << std::flush;
    if (file)
        return 0;
    std::cerr << "two_gradients: expected to write " << output << '\n';
    return 1;
}
