// SPDX-License-Identifier: MIT
/// @file The training of one network.
#pragma once

#include "options.hpp"

#include <espalier/data/loader.hpp>
#include <espalier/losses/binary_cross_entropy.hpp>
#include <espalier/mtl/multi_task_loss.hpp>
#include <espalier/optim/adam.hpp>
#include <espalier/optim/schedule.hpp>

#include <cstdint>
#include <utility>
#include <vector>

namespace multilabel {

/// The same rows, with the targets as the network takes them.
[[nodiscard]] inline data::Dataset<> targets_for(const Recipe& recipe, const data::Dataset<>& set) {
    return recipe.net == "one-head" ? data::Dataset<>{set.inputs(), all_labels, side_by_side(set.targets())} : set;
}

/// Adam, its rate falling on half a cosine. A network for each label has nothing that a rule could balance.
[[nodiscard]] inline mtl::MultiTaskNet<> train(const Recipe& recipe, const data::Dataset<>& set, const Options& options,
                                               std::uint64_t seed) {
    using namespace espalier;
    manual_seed(seed);
    auto net = make_net(recipe);
    std::vector<mtl::TaskLoss<>> losses;
    for (const std::string& task : net.tasks())
        losses.push_back({task, losses::BCEWithLogits<>{}});
    mtl::MultiTaskLoss<> criterion{std::move(losses)};
    if (options.rule != "Sum" && (recipe.net == "heads" || recipe.net == "MMoE"))
        mtl::balance_by_name(criterion, options.rule);
    data::DataLoader loader{targets_for(recipe, set), {.batch_size = options.batch, .seed = seed}};
    optim::Adam<> adam{criterion.parameters(net.parameters()), {.learning_rate = options.learning_rate}};
    optim::Scheduler<> schedule{adam, optim::CosineAnnealingLR{{.t_max = loader.batches() * options.epochs}}};
    for (int epoch = 0; epoch < options.epochs; ++epoch) {
        for (const auto& batch : loader) {
            const auto loss = criterion(net(batch.input), batch.targets);
            adam.zero_grad();
            loss.backward();
            adam.step();
            schedule.step();
            criterion.after_step([&] { return net(batch.input); }, batch.targets);
        }
        criterion.end_epoch();
    }
    return net;
}

}  // namespace multilabel
