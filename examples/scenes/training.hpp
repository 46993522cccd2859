// SPDX-License-Identifier: MIT
/// @file The training of a network of any of the four tasks.
#pragma once

#include "../training_bar.hpp"
#include "options.hpp"

#include <espalier/data/loader.hpp>
#include <espalier/losses/binary_cross_entropy.hpp>
#include <espalier/losses/cross_entropy.hpp>
#include <espalier/losses/l1.hpp>
#include <espalier/mtl/multi_task_loss.hpp>
#include <espalier/optim/adam.hpp>
#include <espalier/optim/schedule.hpp>

#include <string>
#include <utility>
#include <vector>

namespace scenes {

using espalier::Named;

/// Three quarters of all pixels show the ground, which is soon told from garments.
[[nodiscard]] inline Tensor<float> ground_counts_less() {
    auto weight = Tensor<float>::ones({segment_classes});
    weight[0] = 0.3F;
    return weight;
}

[[nodiscard]] inline espalier::losses::Loss<> make_loss(const std::string& task) {
    using namespace espalier;
    if (task == "segments")
        return losses::CrossEntropy<>{{.weight = ground_counts_less()}};
    if (task == "boundaries")
        return losses::BCEWithLogits<>{{.pos_weight = Tensor<float>::full({1}, 4)}};  // one pixel of twelve is one
    if (task == "depth")
        return losses::L1{};
    return vision::CenterNet{{.stride = object_stride}};
}

/// The losses of some of the tasks. What a garment is is harder to learn than all else, and the other tasks gain from it.
[[nodiscard]] inline mtl::MultiTaskLoss<> make_criterion(const std::vector<std::string>& of_tasks) {
    std::vector<mtl::TaskLoss<>> losses;
    for (const std::string& task : of_tasks)
        losses.push_back({.name = task, .loss = make_loss(task), .weight = task == "segments" ? 5.0 : 1.0});
    return mtl::MultiTaskLoss<>{std::move(losses)};
}

[[nodiscard]] inline espalier::data::DataLoader<> make_loader(const espalier::data::Dataset<>& garments, const Options& options) {
    return espalier::data::DataLoader{DrawnScenes{garments, options.scenes, options.labels},
                                      {.batch_size = options.batch, .seed = options.seed}};
}

/// Trains a net of some of the tasks on scenes that are drawn anew each epoch; Adam, its rate falling on half a cosine.
[[nodiscard]] inline mtl::MultiTaskNet<> train(const std::vector<std::string>& of_tasks, const espalier::data::Dataset<>& garments,
                                               const Options& options) {
    using namespace espalier;
    manual_seed(options.seed);
    auto net = make_net(options.trunk, options.way, of_tasks);
    auto criterion = make_criterion(of_tasks);
    if (options.rule != "Sum" && of_tasks.size() > 1)
        mtl::balance_by_name(criterion, options.rule);
    auto loader = make_loader(garments, options);
    const Index steps = (options.scenes + options.batch - 1) / options.batch * options.epochs;
    optim::Adam<> adam{criterion.parameters(net.parameters()), {.learning_rate = options.learning_rate}};
    optim::Scheduler<> schedule{adam, optim::CosineAnnealingLR{{.t_max = steps}}};
    examples::Bar bar{of_tasks.size() == 1 ? of_tasks.front() : "all tasks", steps};
    for (int epoch = 0; epoch < options.epochs; ++epoch) {
        for (const auto& batch : loader) {
            const auto loss = criterion(net(batch.input), batch.targets);
            adam.zero_grad();
            loss.backward();
            adam.step();
            schedule.step();
            criterion.after_step([&] { return net(batch.input); }, batch.targets);
            bar.step(loss, of_tasks);
        }
        criterion.end_epoch();
    }
    return net;
}

}  // namespace scenes
