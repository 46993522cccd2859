// SPDX-License-Identifier: MIT
/// @file The whole Pareto front from one training: networks that are told how much each task shall count, on MultiFashion.
///
/// In every step a preference is drawn, the network is shown it, and the losses are balanced as it says. Afterwards each preference is
/// a point of the front. Beside it stand networks that were trained for one preference alone. The tasks and pairs are those of
/// `multi_fashion/`; `pareto_front/` holds what is trained, and the drawing.

#include "multi_fashion/dataset.hpp"
#include "multi_fashion/progress.hpp"
#include "pareto_front/drawing.hpp"
#include "pareto_front/learners.hpp"
#include "places.hpp"
#include "program.hpp"

#include <CLI/CLI.hpp>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#ifndef ESPALIER_DATA_DIR
#define ESPALIER_DATA_DIR "examples/data"
#endif

using namespace espalier;
using namespace pareto_front;
using multi_fashion::pair_side, multi_fashion::Scores, multi_fashion::text;

namespace {

struct Options {
    std::vector<std::string> methods = {"cosmos-film"};
    int epochs = 10;
    Index pairs = 20'000;
    Index batch = 64;
    double learning_rate = 0;
    double lambda = 4;
    int rays = 25;
    int alone = 3;
    std::uint64_t seed = 1;
    int threads = 0;
    std::filesystem::path data = ESPALIER_DATA_DIR "/fashion-mnist";
    std::filesystem::path output = "pareto_front.svg";
};

struct Data {
    data::Dataset<> garments;
    multi_fashion::Pairs test;
};

Data load(const Options& options) {
    const auto test = multi_fashion::load_garments(options.data, "t10k");
    return {multi_fashion::load_garments(options.data, "train"),
            multi_fashion::make_pairs(test, 2 * test.size(), pair_side, Random{options.seed, 2})};
}

/// Preferences of two tasks whose directions are evenly apart, as in the papers: from 0.1 radians beside the one axis to 0.1 beside the
/// other.
std::vector<Ray> even_rays(int count) {
    constexpr double low = 0.1, high = 1.5707963267948966 - low;
    std::vector<Ray> rays;
    for (int i = 0; i < count; ++i) {
        const double angle = count > 1 ? low + (high - low) * i / (count - 1) : (low + high) / 2;
        const double sum = std::cos(angle) + std::sin(angle);
        rays.push_back({std::cos(angle) / sum, std::sin(angle) / sum});
    }
    return rays;
}

mtl::MultiTaskLoss<> two_losses() { return {{"left", losses::CrossEntropy{}}, {"right", losses::CrossEntropy{}}}; }

void train(Learner& learner, const Data& data, const Options& options) {
    data::DataLoader<> loader{multi_fashion::DrawnPairs{data.garments, options.pairs, pair_side},
                              {.batch_size = options.batch, .seed = options.seed}};
    auto criterion = two_losses();
    optim::Adam<> adam{learner.parameters, {.learning_rate = options.learning_rate > 0 ? options.learning_rate : learner.learning_rate}};
    const auto steps = options.epochs * ((options.pairs + options.batch - 1) / options.batch);
    optim::Scheduler<> schedule{adam, optim::CosineAnnealingLR{{.t_max = steps}}};
    Random random{options.seed, 3};
    multi_fashion::Progress progress{options.epochs};
    for (int epoch = 0; epoch < options.epochs; ++epoch) {
        progress.start_epoch();
        Scores scores{{"left", {}}, {"right", {}}};
        Index seen = 0;
        for (const auto& batch : loader) {
            const Ray ray = learner.draw(random);
            learner.balance(criterion, ray);
            const auto outputs = learner.forward(batch.input, ray);
            const auto loss = criterion(outputs, batch.targets);
            adam.zero_grad();
            loss.backward();
            adam.step();
            schedule.step();
            const auto before = static_cast<double>(seen), now = static_cast<double>(seen += batch.size());
            for (auto& [task, score] : scores) {  // means over the epoch
                metrics::Accuracy accuracy;
                accuracy.update(outputs.at(task).value(), batch.targets.at(task));
                score.loss += (static_cast<double>(loss.item(task)) - score.loss) * (now - before) / now;
                score.accuracy += (accuracy.value() - score.accuracy) * (now - before) / now;
            }
            progress.update(now / static_cast<double>(options.pairs), scores);
        }
        progress.finish_epoch(scores);
    }
}

/// What a learner reaches with a preference on the test pairs.
Point evaluate(const Learner& learner, const Ray& ray, const multi_fashion::Pairs& test) {
    const auto outputs = learner.predict(test.canvases, ray);
    const auto loss = two_losses()(outputs, {{"left", test.left}, {"right", test.right}});
    Point point{ray, {}, {}};
    for (const std::size_t task : {0U, 1U}) {
        metrics::Accuracy accuracy;
        accuracy.update(outputs.at(tasks[task]), task == 0 ? test.left : test.right);
        point.losses[task] = static_cast<double>(loss.item(tasks[task]));
        point.accuracies[task] = accuracy.value();
    }
    return point;
}

void print(const Point& point) {
    std::printf("%5.3f : %5.3f  %10.4f  %6.2f  %11.4f  %7.2f\n", point.ray[0], point.ray[1], point.losses[0], 100 * point.accuracies[0],
                point.losses[1], 100 * point.accuracies[1]);
}
void print_header(const std::string& title) {
    std::printf("\n%s\n%13s  %10s  %6s  %11s  %7s\n", title.c_str(), "preference", "left loss", "left %", "right loss", "right %");
}
void print_figures(const Curve& curve) {
    const auto points = losses_of(curve);
    std::printf("hypervolume %.4f within (2, 2), uniformity %.4f, spread %.4f, %zu of %td points on their front\n",
                mtl::hypervolume(points, Ray{2, 2}), mtl::uniformity(points, rays_of(curve)), mtl::spread(points),
                mtl::pareto_filter(points).size(), points.size(0));
}

void run(const Options& options) {
    if (options.threads > 0)
        set_num_threads(options.threads);
    examples::require_output_file(options.output);
    const Data data = load(options);
    std::vector<Curve> curves;
    for (const std::string& method : options.methods) {
        manual_seed(options.seed);
        Learner learner = make_learner(method, options.lambda);
        print_header(text("%s, %td parameters, %d epochs of %td pairs", method.c_str(), learner.parameter_count(), options.epochs,
                          options.pairs));
        std::fflush(stdout);
        train(learner, data, options);
        Curve& curve = curves.emplace_back(Curve{method, learner.along_rays, {}});
        for (const Ray& ray : even_rays(options.rays)) {
            curve.points.push_back(evaluate(learner, ray, data.test));
            print(curve.points.back());
        }
        print_figures(curve);
    }
    if (options.alone > 0) {
        print_header("a network for each preference alone, by its weighted sum");
        Curve& curve = curves.emplace_back(Curve{"a network for each", false, {}});
        for (const Ray& ray : even_rays(options.alone)) {
            std::fflush(stdout);
            manual_seed(options.seed);
            Learner learner = learner_of_one(ray);
            train(learner, data, options);
            curve.points.push_back(evaluate(learner, ray, data.test));
            print(curve.points.back());
        }
        print_figures(curve);
    }
    const std::string subtitle = text("Cross-entropies on %td test pairs of MultiFashion after %d epochs of %td pairs, %d preferences.",
                                      data.test.left.numel(), options.epochs, options.pairs, options.rays);
    io::write_file(options.output, draw_front(curves, subtitle));
    std::printf("\n%s\n", std::filesystem::canonical(options.output).c_str());
}

/// Nothing after `--help`, which is answered here. @throws CLI::ParseError, one line, for a command line that is wrong
std::optional<Options> parse(int argc, char* argv[]) {
    Options options;
    CLI::App app{"Trains one network for all preferences between two tasks, and draws the front that it reaches."};
    app.get_formatter()->column_width(36);
    const auto add = [&](const char* name, auto& value, const char* type, const std::string& what) {
        return app.add_option(name, value, what)->type_name(type)->capture_default_str();
    };
    using examples::within;
    app.add_option("--method", options.methods, "of cosmos-channels, cosmos-film, phn-ls, phn-epo: one or several, or 'all'")
        ->type_name("NAMES")
        ->delimiter(',')
        ->capture_default_str();
    add("--epochs", options.epochs, "N", "of each training")->check(within(1, 1'000'000));
    add("--pairs", options.pairs, "N", "training pairs an epoch, drawn anew")->check(within(1, 100'000'000));
    add("--batch", options.batch, "N", "pairs a step")->check(within(1, 1'000'000));
    add("--learning-rate", options.learning_rate, "X", "of Adam, which falls to 0; 0 for the method's own")->check(within(0.0, 1e3));
    add("--lambda", options.lambda, "X", "weight of COSMOS's cosine")->check(within(0.0, 1e6));
    add("--rays", options.rays, "N", "preferences that the front is drawn for")->check(within(1, 10'000));
    add("--alone", options.alone, "N", "networks for one preference each, to compare with")->check(within(0, 1000));
    add("--seed", options.seed, "N", "of first weights, pairs and preferences");
    add("--threads", options.threads, "N", "0 for as many as there are processors")->check(within(0, 1024));
    add("--data", options.data, "FOLDER", "the four IDX files of Fashion-MNIST, plain or .gz");
    add("--output", options.output, "FILE", "for the picture");
    if (!examples::parse(app, argc, argv))
        return std::nullopt;
    if (options.methods == std::vector<std::string>{"all"})
        options.methods.assign(method_names.begin(), method_names.end());
    for (const std::string& method : options.methods)
        require<ValueError>(std::find(method_names.begin(), method_names.end(), method) != method_names.end(), "--method",
                            "expected 'all' or names of methods, got '", method, "'");
    return options;
}

}  // namespace

int main(int argc, char* argv[]) {
    return examples::program(
        "pareto_front", [&] { return parse(argc, argv); }, run);
}
