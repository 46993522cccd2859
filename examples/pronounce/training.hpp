// SPDX-License-Identifier: MIT
/// @file The training of a network of any of the five tasks.
#pragma once

#include "../training_bar.hpp"
#include "network.hpp"
#include "options.hpp"

#include <espalier/data/length_sampler.hpp>
#include <espalier/data/loader.hpp>
#include <espalier/losses/cross_entropy.hpp>
#include <espalier/mtl/multi_task_loss.hpp>
#include <espalier/optim/adam.hpp>
#include <espalier/optim/clip.hpp>
#include <espalier/optim/schedule.hpp>

#include <string>
#include <utility>
#include <vector>

namespace pronounce {

namespace mtl = espalier::mtl;

/// A pronunciation is harder than a class: it counts as much as all of them.
[[nodiscard]] inline mtl::MultiTaskLoss<> make_criterion(const std::vector<std::string>& of_tasks) {
    using espalier::losses::CrossEntropy;
    std::vector<mtl::TaskLoss<>> losses;
    for (const std::string& task : of_tasks)
        if (task == pronunciation)
            losses.push_back({task, CrossEntropy<>{{.ignore_index = 0, .label_smoothing = 0.1}}, 4});
        else
            losses.push_back({task, CrossEntropy{}});
    return mtl::MultiTaskLoss<>{std::move(losses)};
}

/// Batches of words of like length, with the phones that the decoder is to say: each is read with the true ones before it.
[[nodiscard]] inline data::DataLoader<> make_loader(const data::Dataset<>& set, const Options& options) {
    const auto add_phones = [](data::Batch<>& batch, espalier::Random&) {
        batch.targets.insert(pronunciation, shifted(data::sequences_of(batch.inputs, "phones"), true));
    };
    return data::DataLoader{set,
                            {.batch_size = options.batch,
                             .seed = options.seed,
                             .transform = add_phones,
                             .sampler = data::LengthSampler{data::sequences_of(set.named_inputs(), "letters")}}};
}

/// Adam, whose rate rises over a twentieth of the steps and falls on half a cosine; gradients of a norm above 1 are cut down to it.
[[nodiscard]] inline Pronouncer train(const Recipe& recipe, const data::Dataset<>& set, const Options& options) {
    using namespace espalier;
    manual_seed(options.seed);
    Pronouncer net{recipe};
    auto criterion = make_criterion(recipe.tasks);
    if (options.rule != "Sum" && recipe.tasks.size() > 1)
        mtl::balance_by_name(criterion, options.rule);
    auto loader = make_loader(set, options);
    const Index steps = (set.size() + options.batch - 1) / options.batch * options.epochs, rising = steps / 20 + 1;
    const auto parameters = criterion.parameters(net.parameters());
    optim::Adam<> adam{parameters, {.learning_rate = options.learning_rate}};
    optim::Scheduler<> schedule{adam, optim::LinearWarmup{{.steps = rising}, optim::CosineAnnealingLR{{.t_max = steps - rising + 1}}}};
    examples::Bar bar{recipe.tasks.size() == 1 ? recipe.tasks.front() : "all tasks", steps};
    for (int epoch = 0; epoch < options.epochs; ++epoch) {
        for (const auto& batch : loader) {
            const auto loss = criterion(net(batch.inputs), batch.targets);
            adam.zero_grad();
            loss.backward();
            optim::clip_grad_norm(parameters, 1);
            adam.step();
            schedule.step();
            criterion.after_step([&] { return net(batch.inputs); }, batch.targets);
            bar.step(loss, recipe.tasks);
        }
        criterion.end_epoch();
    }
    return net;
}

}  // namespace pronounce
