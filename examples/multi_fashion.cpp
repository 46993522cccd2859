// SPDX-License-Identifier: MIT
/// @file The main example: train two tasks on one trunk, on real images, and use what was learnt.
///
/// Two garments of Fashion-MNIST overlap on one canvas. The task `left` names the one at the upper left, the task `right`
/// the other. This file is the procedure of multi-task training from the data to predictions; `multi_fashion/` holds what
/// is particular to this example: the pairs, the networks, the command line, the progress bar and the drawing.

#include "multi_fashion/dataset.hpp"
#include "multi_fashion/drawing.hpp"
#include "multi_fashion/networks.hpp"
#include "multi_fashion/options.hpp"
#include "multi_fashion/progress.hpp"
#include "multi_fashion/report.hpp"
#include "places.hpp"
#include "program.hpp"

#include <espalier/io/model.hpp>

using namespace espalier;
using namespace multi_fashion;

namespace {

/// Step 1: two single-task sets over the same canvases become one set with two labels for every canvas.
data::Dataset<> two_tasks(Pairs pairs) {
    const data::Dataset<> left{pairs.canvases, "left", std::move(pairs.left)};
    const data::Dataset<> right{std::move(pairs.canvases), "right", std::move(pairs.right)};
    return data::combine_labels(left, right);
}

/// Loss and accuracy of each task for the scores that a network gave.
Scores score(const Named<Tensor<float>>& outputs, const data::Dataset<>& set) {
    Scores scores;
    for (const auto& [task, output] : outputs) {
        metrics::Accuracy accuracy;
        accuracy.update(output, set.target(task));
        scores.insert(task, {losses::CrossEntropy{}(Variable{output}, set.target(task)).item(), accuracy.value()});
    }
    return scores;
}

/// Step 2: the training loop. It would be the same for any number of tasks, and for any network.
std::vector<Epoch> train(mtl::MultiTaskNet<>& net, data::DataLoader<>& loader, const data::Dataset<>* validation, const Options& options) {
    mtl::MultiTaskLoss criterion{{"left", losses::CrossEntropy{}}, {"right", losses::CrossEntropy{}}};  // their sum
    optim::SGD sgd{net.parameters(), {.learning_rate = options.learning_rate, .momentum = options.momentum}};
    std::vector<Epoch> epochs;
    Progress progress{options.epochs};
    for (int epoch = 0; epoch < options.epochs; ++epoch) {
        progress.start_epoch();
        metrics::PerTask accuracy{{"left", metrics::Accuracy{}}, {"right", metrics::Accuracy{}}};
        Named<double> loss_sums{{"left", 0}, {"right", 0}};
        Scores scores;
        Index seen = 0;
        for (const auto& batch : loader) {
            const auto outputs = net(batch.input);
            const auto loss = criterion(outputs, batch.targets);
            sgd.zero_grad();
            loss.backward();
            sgd.step();

            // Only for show: the mean loss and the accuracy so far, from outputs that are there anyway.
            accuracy.update(outputs, batch.targets);
            seen += batch.size();
            scores = {};
            for (auto& [task, sum] : loss_sums) {
                sum += static_cast<double>(loss.item(task)) * static_cast<double>(batch.size());
                scores.insert(task, {sum / static_cast<double>(seen), accuracy.value(task)});
            }
            progress.update(static_cast<double>(seen) / static_cast<double>(loader.samples()), scores);
        }
        std::optional<Scores> validated;
        std::string note;
        if (validation) {
            validated = score(net.predict(validation->inputs()), *validation);
            note = text("   validation %.1f / %.1f %%", 100 * validated->at("left").accuracy, 100 * validated->at("right").accuracy);
        }
        const double seconds = progress.finish_epoch(scores, note);
        epochs.push_back({seconds, std::move(scores), std::move(validated)});
    }
    return epochs;
}

void run(const Options& options) {
    if (options.threads > 0)
        set_num_threads(options.threads);

    // The data: garments for training, some of them perhaps kept back for validation, and garments for testing. They are
    // split before they are paired, so that no garment of the validation is ever seen in training.
    auto garments = load_garments(options.data, "train");
    std::optional<data::Dataset<>> kept_back;
    if (options.validation > 0) {
        auto parts = data::split(garments, {1 - options.validation, options.validation}, options.data_seed);
        garments = std::move(parts[0]);
        kept_back = std::move(parts[1]);
    }
    const auto test_garments = load_garments(options.data, "t10k");
    const auto stream = [&](std::uint64_t number) { return Random{options.data_seed, number}; };
    const Index count = options.pairs > 0 ? options.pairs : garments.size();
    const auto fixed_pairs = [&] { return make_pairs(garments, count, options.canvas, stream(1)); };
    Pairs test_pairs = make_pairs(test_garments, test_garments.size(), options.canvas, stream(2));
    if (!options.export_to.empty())
        return export_pairs(options.export_to, fixed_pairs(), test_pairs);

    // 5,000 garments make some ten million pairs, and many more by where they lie: unless it is told to stay with some, the
    // loader draws other ones in every epoch. It walks over either kind of set, and what follows does not know which.
    const data::DataLoaderOptions<> batches{.batch_size = options.batch, .seed = options.seed};
    data::DataLoader loader = options.fixed ? data::DataLoader{two_tasks(fixed_pairs()), batches}
                                            : data::DataLoader{DrawnPairs{garments, count, options.canvas}, batches};
    const auto test = two_tasks(std::move(test_pairs));
    std::optional<data::Dataset<>> validation;
    if (kept_back)
        validation = two_tasks(make_pairs(*kept_back, kept_back->size(), options.canvas, stream(3)));

    // The network: one trunk that both tasks share, one head for each.
    manual_seed(options.seed);
    auto net = make_network(options.net, options.canvas);
    std::printf("%td training and %td test pairs on %td x %td pixels, %s\n", loader.samples(), test.size(), options.canvas, options.canvas,
                options.fixed ? "the same in every epoch" : "drawn anew for each epoch");
    std::printf("%s network: %td parameters, %td of them shared by both tasks\n", options.net.c_str(), net.parameter_count(),
                net.shared_size());
    std::printf("%s\n\n", build_info().text().c_str());
    std::fflush(stdout);

    const auto folder = examples::output_folder(options.out);  // in full: it is not always run where the user stands
    examples::require_output_file(options.json);

    const auto epochs = train(net, loader, validation ? &*validation : nullptr, options);
    const auto outputs = net.predict(test.inputs());
    const Scores scores = score(outputs, test);
    print_scores(scores, test.size());

    // Step 3: the weights go to a file, and a network that has not learnt anything takes them from there.
    const auto weights = folder / "multi_fashion.safetensors";
    io::save(net, weights);
    auto restored = make_network(options.net, options.canvas);
    io::load(restored, weights);
    const auto again = restored.predict(test.inputs());
    for (const auto& [task, output] : outputs)
        require<StateError>(again.at(task) == output, "multi_fashion", "expected the predictions of the trained network from ", weights,
                            ", got others for task '", task, "'");

    // Step 4: predictions per task, by the network from the file.
    const std::vector<DrawnTask> tasks{{"upper left", test.target("left").labels(), again.at("left")},
                                       {"lower right", test.target("right").labels(), again.at("right")}};
    print_predictions(tasks, std::min<Index>(6, test.size()));
    const auto drawing = folder / "predictions.svg";
    const std::string subtitle = text(
        "%s network after %d epochs of %td pairs. On %td test pairs it is right for %.1f %% of the garments "
        "at the upper left and %.1f %% at the lower right.",
        options.net.c_str(), options.epochs, loader.samples(), test.size(), 100 * scores.at("left").accuracy,
        100 * scores.at("right").accuracy);
    io::write_file(drawing, draw_predictions(test.inputs(), tasks, std::min<Index>(12, test.size()), subtitle));
    std::printf("weights      %s (read back: the same predictions for every test pair)\n", weights.c_str());
    std::printf("predictions  %s\n", drawing.c_str());
    if (!options.json.empty()) {
        write_json(options.json, options, epochs, scores, loader.samples(), test.size(), net.parameter_count());
        std::printf("figures      %s\n", std::filesystem::canonical(options.json).c_str());
    }
}

}  // namespace

int main(int argc, char* argv[]) {
    return examples::program(
        "multi_fashion", [&] { return parse(argc, argv); }, run);
}
