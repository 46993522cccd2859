// SPDX-License-Identifier: MIT
/// @file Every balancing rule on a problem that one can see: two losses of a point in the plane, from five starts, as one picture.
/// Its defaults are the setting of Nash-MTL's study (Navon et al., ICML 2022).
///
/// The point is the only parameter, so each step is one of multi-task training without a network: two losses, a criterion that balances
/// them, an optimizer. `pareto_toy/` holds the losses and the drawing.

#include "pareto_toy/drawing.hpp"
#include "pareto_toy/problem.hpp"
#include "program.hpp"

#include <espalier/autograd/record.hpp>
#include <espalier/espalier.hpp>
#include <espalier/io/file.hpp>
#include <espalier/mtl/balancing/by_name.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

using namespace espalier;
using namespace pareto_toy;

namespace {

constexpr double front_width = 0.5;  ///< who ends within it has reached the front, as far as one can see

struct Options {
    std::vector<std::string> rules = {"all"};
    int steps = 35'000;
    double learning_rate = 1e-3;
    double scale = first_scale;
    std::filesystem::path output = "pareto_toy.svg";
};

/// An operation of one's own on the tape: its value, and what its backward adds for the cotangent of each task.
Variable<double> loss_at(int task, const Variable<double>& x, double scale) {
    const Point point{x.value()[0], x.value()[1]};
    const Loss loss = pareto_toy::loss(task, point);
    constexpr double lowest = -21;  // no value lies below: rules that take logarithms or roots of losses want positive ones
    return autograd::record<double>("toy", Tensor<double>{{}, {scale * (loss.value - lowest)}}, {x}, [=](autograd::Gradients<double>& g) {
        Tensor<double> gradient{{g.rows(), 2}};
        for (Index row = 0; row < g.rows(); ++row)
            for (Index i = 0; i < 2; ++i)
                gradient[2 * row + i] = scale * g.cotangent()[row] * loss.gradient[static_cast<std::size_t>(i)];
        g.add(0, std::move(gradient));
    });
}

Trajectory descend(const std::string& rule, const Point& start, const Options& options) {
    manual_seed(1);
    Variable<double> x{Tensor<double>{{2}, {start[0], start[1]}}, true};
    mtl::MultiTaskLoss<double> criterion{
        {"first", [&](const Variable<double>& at, const losses::Target<double>&) { return loss_at(0, at, options.scale); }},
        {"second", [&](const Variable<double>& at, const losses::Target<double>&) { return loss_at(1, at, 1); }}};
    mtl::balance_by_name(criterion, rule);
    auto parameters = criterion.parameters();  // as uncertainty weighting has
    parameters.push_back(x);
    optim::Adam<double> adam{parameters, {.learning_rate = options.learning_rate}};
    const Named<Variable<double>> outputs{{"first", x}, {"second", x}};
    const losses::Targets<double> targets{{"first", Tensor<double>{{1}}}, {"second", Tensor<double>{{1}}}};  // not looked at

    Trajectory trajectory{{start}};
    const auto here = [&] { return Point{x.value()[0], x.value()[1]}; };
    for (int step = 0; step < options.steps; ++step) {
        const auto loss = criterion(outputs, targets);
        adam.zero_grad();
        loss.backward();
        adam.step();
        criterion.after_step(outputs, targets);
        const Point now = here(), last = trajectory.points.back();
        if (std::hypot(now[0] - last[0], now[1] - last[1]) > 0.1)
            trajectory.points.push_back(now);
    }
    trajectory.points.push_back(here());
    trajectory.on_front = distance_to_front(here()) < front_width;
    return trajectory;
}

void run(const Options& options) {
    std::printf("%d steps of Adam at %g, the first loss times %g\n\n%-12s  %13s  %17s  %8s  %8s  %8s\n", options.steps,
                options.learning_rate, options.scale, "rule", "start", "end", "to front", "loss 1", "loss 2");
    std::vector<Panel> panels;
    for (const std::string& rule : options.rules) {
        Panel panel{rule, {}};
        for (const Point& start : starts) {
            try {
                panel.trajectories.push_back(descend(rule, start, options));
            } catch (const ValueError& error) {  // as of a rule for more tasks than two
                std::printf("%-12s  %s\n", rule.c_str(), error.what());
                break;
            }
            const Point end = panel.trajectories.back().points.back();
            const auto losses = pareto_toy::losses(end, options.scale);
            std::printf("%-12s  (%5.1f, %4.1f)  (%7.3f, %7.3f)  %8.4f  %8.3f  %8.3f\n", rule.c_str(), start[0], start[1], end[0], end[1],
                        distance_to_front(end), losses[0].value, losses[1].value);
            std::fflush(stdout);
        }
        if (!panel.trajectories.empty())
            panels.push_back(std::move(panel));
    }
    require<ValueError>(!panels.empty(), "pareto_toy", "expected at least one rule for two tasks, got none");
    char subtitle[160];
    std::snprintf(subtitle, sizeof subtitle,
                  "%d steps of Adam at %g, the first loss times %g. Beside each name: how many starts reach the front.", options.steps,
                  options.learning_rate, options.scale);
    io::write_file(options.output, draw_panels(panels, subtitle));
    std::printf("\n%s\n", std::filesystem::canonical(options.output).c_str());
}

/// Nothing after `--help`, which is answered here. @throws CLI::ParseError, one line, for a command line that is wrong
std::optional<Options> parse(int argc, char* argv[]) {
    Options options;
    const std::vector<std::string> known = mtl::rule_names();
    CLI::App app{"Lets balancing rules descend on two losses of a point in the plane, and draws where each leads from five starts."};
    app.get_formatter()->column_width(36);
    using examples::within;
    app.add_option("--rule", options.rules, "'all', or names of rules, as UPGrad,Nash-MTL")->type_name("NAMES")->delimiter(',');
    app.add_option("--steps", options.steps, "of Adam")->type_name("N")->check(within(1, 10'000'000))->capture_default_str();
    app.add_option("--learning-rate", options.learning_rate, "of Adam")->type_name("X")->check(within(0.0, 1e3))->capture_default_str();
    app.add_option("--scale", options.scale, "of the first loss")->type_name("X")->check(within(1e-9, 1e9))->capture_default_str();
    app.add_option("--output", options.output, "for the picture")->type_name("FILE")->capture_default_str();
    if (!examples::parse(app, argc, argv))
        return std::nullopt;
    if (options.rules == std::vector<std::string>{"all"})
        options.rules = known;
    for (const std::string& rule : options.rules)
        require<ValueError>(std::find(known.begin(), known.end(), rule) != known.end(), "--rule", "expected 'all' or names of rules, got '",
                            rule, "'");
    return options;
}

}  // namespace

int main(int argc, char* argv[]) {
    return examples::program(
        "pareto_toy", [&] { return parse(argc, argv); }, run);
}
