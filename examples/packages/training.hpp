// SPDX-License-Identifier: MIT
/// @file The training of one network, of all tasks or of one.
#pragma once

#include "../training_bar.hpp"
#include "options.hpp"

#include <espalier/data/dataset.hpp>
#include <espalier/data/loader.hpp>
#include <espalier/losses/binary_cross_entropy.hpp>
#include <espalier/losses/cross_entropy.hpp>
#include <espalier/losses/mse.hpp>
#include <espalier/mtl/multi_task_loss.hpp>
#include <espalier/optim/adam.hpp>
#include <espalier/optim/schedule.hpp>

#include <string>
#include <utility>
#include <vector>

namespace packages {

[[nodiscard]] inline espalier::losses::Loss<> make_loss(Kind kind) {
    if (kind == Kind::number)
        return espalier::losses::MSE{};
    if (kind == Kind::labels)
        return espalier::losses::BCEWithLogits{};
    return espalier::losses::CrossEntropy{};
}

[[nodiscard]] inline data::Dataset<> make_set(const Recipe& recipe, const std::vector<Package>& packages) {
    espalier::losses::Targets<> targets;
    for (const Task& task : recipe.tasks)
        targets.insert(task.name, target_of(task, packages));
    return {inputs_of(packages, recipe.buckets), std::move(targets)};
}

/// Adam, its rate falling on half a cosine. One task alone has nothing that a rule could balance.
[[nodiscard]] inline mtl::MultiTaskNet<> train(const Recipe& recipe, const data::Dataset<>& set, const Options& options) {
    using namespace espalier;
    manual_seed(options.seed);
    auto net = make_net(recipe);
    std::vector<mtl::TaskLoss<>> losses;
    for (const Task& task : recipe.tasks)
        losses.push_back({task.name, make_loss(task.kind)});
    mtl::MultiTaskLoss<> criterion{std::move(losses)};
    if (options.rule != "Sum" && recipe.tasks.size() > 1)
        mtl::balance_by_name(criterion, options.rule);
    data::DataLoader loader{set, {.batch_size = options.batch, .seed = options.seed}};
    const Index steps = (set.size() + options.batch - 1) / options.batch * options.epochs;
    const auto parameters = criterion.parameters(net.parameters());
    optim::Adam<> adam{parameters, {.learning_rate = options.learning_rate}};
    optim::Scheduler<> schedule{adam, optim::CosineAnnealingLR{{.t_max = steps}}};
    examples::Bar bar{recipe.tasks.size() == 1 ? recipe.tasks.front().name : concat(set.size(), " packages"), steps};
    for (int epoch = 0; epoch < options.epochs; ++epoch) {
        for (const auto& batch : loader) {
            const auto loss = criterion(net(batch.inputs), batch.targets);
            adam.zero_grad();
            loss.backward();
            adam.step();
            schedule.step();
            criterion.after_step([&] { return net(batch.inputs); }, batch.targets);
            bar.step(loss, net.tasks());
        }
        criterion.end_epoch();
    }
    return net;
}

}  // namespace packages
