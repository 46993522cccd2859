// SPDX-License-Identifier: MIT
/// @file The training of one net, whose best epoch is kept.
#pragma once

#include "options.hpp"

#include <espalier/core/moments.hpp>
#include <espalier/data/loader.hpp>
#include <espalier/losses/binary_cross_entropy.hpp>
#include <espalier/losses/cross_entropy.hpp>
#include <espalier/metrics/accuracy.hpp>
#include <espalier/metrics/auroc.hpp>
#include <espalier/mtl/multi_task_loss.hpp>
#include <espalier/optim/adam.hpp>
#include <espalier/train/early_stopping.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace census {

using espalier::Named;

/// What answers are worth: the area under the ROC curve of yes and no, the share of right classes.
[[nodiscard]] inline Named<double> measure(const Named<Tensor<float>>& said, const data::Dataset<>& rows) {
    return said.map([&](const std::string& task, const Tensor<float>& output) {
        const auto of = [&](auto metric) {
            metric.update(output, rows.target(task));
            try {
                return metric.value();
            } catch (espalier::Error& error) {  // few rows may all have one answer
                error.append(espalier::concat(", for '", task, "' in ", rows.size(), " rows that are held back"));
                throw;
            }
        };
        return task_of(task).yes_or_no ? of(espalier::metrics::AUROC<>{}) : of(espalier::metrics::Accuracy<>{});
    });
}

[[nodiscard]] inline double mean(const Named<double>& of_tasks) {
    espalier::Moments moments;
    for (const auto& [task, value] : of_tasks)
        moments.add(value);
    return moments.mean();
}

namespace detail {

/// Adam, whose learning rate stays. Of the epochs that one is kept whose mean over the tasks is best on the validation rows; it is
/// returned, counted from 1.
inline double fit(mtl::MultiTaskNet<>& net, const std::string& rule, const Data& data, const Options& options, std::uint64_t seed) {
    using namespace espalier;
    std::vector<mtl::TaskLoss<>> losses;
    for (const std::string& task : net.tasks())
        losses.push_back({task, task_of(task).yes_or_no ? losses::Loss<>{losses::BCEWithLogits{}} : losses::CrossEntropy{}});
    mtl::MultiTaskLoss<> criterion{std::move(losses)};
    if (rule != "Sum")
        mtl::balance_by_name(criterion, rule);
    optim::Adam<> adam{criterion.parameters(net.parameters()), {.learning_rate = options.learning_rate}};
    data::DataLoader loader{data.train, {.batch_size = options.batch, .seed = seed}};
    train::EarlyStopping best{{.patience = options.epochs, .mode = train::Mode::max}};
    for (int epoch = 0; epoch < options.epochs; ++epoch) {
        for (const auto& batch : loader) {
            const auto loss = criterion(net(batch.input), batch.targets);
            adam.zero_grad();
            loss.backward();
            adam.step();
            criterion.after_step([&] { return net(batch.input); }, batch.targets);
        }
        criterion.end_epoch();
        best.update(mean(measure(net.predict(data.validation.inputs()), data.validation)), net);
    }
    best.restore(net);
    return static_cast<double>(best.best_epoch() + 1);
}

/// A net for each task that knows of no other: it has an epoch of its own. Together they are the net that the recipe makes.
[[nodiscard]] inline std::pair<mtl::MultiTaskNet<>, double> fit_alone(const Recipe& recipe, const Data& data, const Options& options,
                                                                      std::uint64_t seed) {
    std::vector<nn::Layer<>> networks;
    std::vector<mtl::Head<>> towers;
    espalier::Moments epoch;
    const Index own = own_units(recipe);
    for (const std::string& task : recipe.tasks) {
        mtl::MultiTaskNet<> alone{layer(recipe.encoder.width(), own)(), {tower(task, own)}};
        epoch.add(fit(alone, "Sum", data, options, seed));
        networks.push_back(alone.trunk());
        towers.push_back({task, alone.head(task)});
    }
    return {mtl::MultiTaskNet<>{mtl::Separate<>{std::move(networks)}, std::move(towers)}, epoch.mean()};
}

}  // namespace detail

/// What came of one training.
struct Run {
    mtl::MultiTaskNet<> net;
    double epoch = 0;  ///< the one that was kept; of nets for one task each the mean of theirs
    Named<double> validation, test;
};

[[nodiscard]] inline Run train(const Recipe& recipe, const Data& data, const Options& options, std::uint64_t seed) {
    espalier::manual_seed(seed);
    auto [net, epoch] = [&] {
        if (recipe.way == "single-task")
            return detail::fit_alone(recipe, data, options, seed);
        auto together = make_net(recipe);
        const double kept = detail::fit(together, options.rule, data, options, seed);
        return std::pair{std::move(together), kept};
    }();
    auto validation = measure(net.predict(data.validation.inputs()), data.validation);
    auto test = measure(net.predict(data.test.inputs()), data.test);
    return {std::move(net), epoch, std::move(validation), std::move(test)};
}

}  // namespace census
