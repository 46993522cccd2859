// SPDX-License-Identifier: MIT
/// @file Four tasks for every pixel and every object of a scene, in one network: dense prediction and detection.
///
/// A scene shows some garments of Fashion-MNIST, turned, near and far, partly hidden. The network says which garment each pixel shows
/// (segmentation), where one ends (boundaries), how far away it is (depth), and draws a box around each (detection). `scenes/` holds what
/// is particular to this example: how scenes are composed, the networks, the command line and the picture.

#include "multi_fashion/dataset.hpp"
#include "places.hpp"
#include "scenes/drawing.hpp"
#include "scenes/exchange.hpp"
#include "scenes/labelling.hpp"
#include "scenes/options.hpp"

#include <espalier/core/build_info.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/io/file.hpp>
#include <espalier/mtl/comparison.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

using namespace espalier;
using namespace scenes;

namespace {

/// What each network reached, and by how much one of all tasks is better than one of each.
void print_scores(const Named<double>& together, const Named<double>& alone) {
    std::printf("\n%-10s  %-26s  %8s  %s\n", "task", "", "together", alone.empty() ? "" : "   alone");
    std::vector<mtl::MetricResult> compared;
    for (const Measure& measure : measures) {
        const double value = together.at(measure.task);
        std::printf("%-10s  %-26s  %8.4f", std::string{measure.task}.c_str(), std::string{measure.name}.c_str(), value);
        if (!alone.empty()) {
            std::printf("  %8.4f", alone.at(measure.task));
            if (alone.at(measure.task) != 0)  // of nothing there is no so-and-so much better
                compared.push_back({.value = value, .baseline = alone.at(measure.task), .higher_is_better = measure.higher_is_better});
        }
        std::printf("\n");
    }
    if (!compared.empty())
        std::printf("on average %+.1f %% better together than alone\n", mtl::delta_m_improvement(compared));
    std::printf("\n");
}

void run_training(const Options& options, const data::Dataset<>& garments, const data::Dataset<>& test) {
    const auto folder = examples::output_folder(options.out);
    examples::require_output_file(options.json);

    std::printf("%td scenes of %td x %td pixels an epoch, %d epochs, each of scenes of its own; %td test scenes\n%s\n\n", options.scenes,
                side, side, options.epochs, test.size(), build_info().text().c_str());
    std::fflush(stdout);
    const auto start = std::chrono::steady_clock::now();
    const auto net = scenes::train(tasks, garments, options);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const auto weights = folder / "scenes.safetensors";
    io::save(net, weights);  // before anything else can go wrong
    const Named<double> together = score(net, test);
    Named<double> alone;
    for (const std::string& task : tasks)
        if (options.baselines)
            alone.insert(task, score(scenes::train({task}, garments, options), test).at(task));
    print_scores(together, alone);
    if (!options.json.empty())
        write_json(options, together, alone, seconds);

    auto restored = make_net(options.trunk, options.way, tasks);
    io::load(restored, weights);
    const auto picture = folder / "scenes.svg";
    io::write_file(picture, draw_scenes(restored, test, 12));
    std::printf("weights  %s\npicture  %s (twelve test scenes, by the network from the file)\n", weights.c_str(), picture.c_str());
}

void run_labelling(const Options& options) {
    require<ValueError>(!options.weights.empty(), "scenes", "expected --weights beside --predict, got none");
    auto net = make_net(options.trunk, options.way, tasks);
    load_weights(net, options.weights);
    std::filesystem::create_directories(options.out);
    for (const auto& [image, picture, objects] : label_folder(net, options.predict, options.out))
        std::printf("%s: %s\n  %s\n", image.c_str(), objects.c_str(), picture.c_str());
}

void run_scoring(const Options& options, const data::Dataset<>& test) {
    auto net = make_net(options.trunk, options.way, tasks);
    load_weights(net, options.weights);
    const auto scores = score(net, test);
    print_scores(scores, {});
    if (!options.json.empty())
        write_json(options, scores, {}, 0);
}

void run(const Options& options) {
    if (options.threads > 0)
        set_num_threads(options.threads);
    if (!options.predict.empty())
        return run_labelling(options);
    const auto test = fixed_scenes(multi_fashion::load_garments(options.data, "t10k"), options.test_scenes, Random{1, 2});
    if (!options.weights.empty())
        return run_scoring(options, test);
    const auto garments = multi_fashion::load_garments(options.data, "train");
    if (options.export_to.empty())
        run_training(options, garments, test);
    else
        export_scenes(options.export_to, garments, test, options);
}

}  // namespace

int main(int argc, char* argv[]) {
    return examples::program(
        "scenes", [&] { return parse(argc, argv); }, run);
}
