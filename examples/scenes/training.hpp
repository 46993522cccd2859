// SPDX-License-Identifier: MIT
/// @file The training of a network of any of the four tasks.
#pragma once

#include "../multi_fashion/progress.hpp"
#include "networks.hpp"
#include "options.hpp"

#include <espalier/data/loader.hpp>
#include <espalier/losses/binary_cross_entropy.hpp>
#include <espalier/losses/cross_entropy.hpp>
#include <espalier/losses/l1.hpp>
#include <espalier/mtl/multi_task_loss.hpp>
#include <espalier/optim/adam.hpp>
#include <espalier/optim/schedule.hpp>

#include <chrono>
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
        losses.push_back({.name = task, .loss = make_loss(task), .weight = task == "segments" ? 3.0 : 1.0});
    return mtl::MultiTaskLoss<>{std::move(losses)};
}

/// Shows how far a training is, and the mean loss of each task over the last steps.
class Bar {
public:
    Bar(std::string title, Index steps) : title_{std::move(title)}, steps_{steps} {}

    void step(const espalier::mtl::MultiTaskLossValue<>& loss, const std::vector<std::string>& of_tasks) {
        ++done_;
        for (const std::string& task : of_tasks) {
            if (!losses_.contains(task))
                losses_.insert(task, static_cast<double>(loss.item(task)));
            double& mean = losses_.at(task);
            mean += 0.05 * (static_cast<double>(loss.item(task)) - mean);
        }
        const auto now = Clock::now();
        const bool last = done_ == steps_;
        if (last || now - shown_ > (terminal_.interactive ? std::chrono::milliseconds{100} : std::chrono::seconds{20})) {
            shown_ = now;
            show(last);
        }
    }

private:
    using Clock = std::chrono::steady_clock;

    void show(bool last) const {
        const double seconds = std::chrono::duration<double>(shown_ - start_).count(),
                     share = static_cast<double>(done_) / static_cast<double>(steps_);
        std::string words;
        for (const auto& [task, mean] : losses_)
            words += multi_fashion::text("%s %.3f  ", task.c_str(), mean);
        words += last ? multi_fashion::text("%.0f s", seconds) : multi_fashion::text("%.0f s left", seconds * (1 - share) / share);
        if (terminal_.interactive)
            terminal_.draw_bar(title_, share, words, last);
        else
            std::fprintf(stderr, "%s %3.0f %%  %s\n", title_.c_str(), 100 * share, words.c_str());
    }

    std::string title_;
    Index steps_;
    Index done_ = 0;
    Named<double> losses_;
    multi_fashion::Terminal terminal_ = multi_fashion::Terminal::of(stderr);
    Clock::time_point start_ = Clock::now(), shown_ = start_;
};

/// Trains a net of some of the tasks on scenes that are drawn anew each epoch; Adam, its rate falling on half a cosine.
[[nodiscard]] inline mtl::MultiTaskNet<> train(const std::vector<std::string>& of_tasks, const espalier::data::Dataset<>& garments,
                                               const Options& options) {
    using namespace espalier;
    manual_seed(options.seed);
    auto net = make_net(options.trunk, of_tasks);
    auto criterion = make_criterion(of_tasks);
    if (options.rule != "Sum" && of_tasks.size() > 1)
        mtl::balance_by_name(criterion, options.rule);
    data::DataLoader loader{DrawnScenes{garments, options.scenes, options.labels}, {.batch_size = options.batch, .seed = options.seed}};
    const Index steps = (options.scenes + options.batch - 1) / options.batch * options.epochs;
    optim::Adam<> adam{net.parameters(), {.learning_rate = options.learning_rate}};
    optim::Scheduler<> schedule{adam, optim::CosineAnnealingLR{{.t_max = steps}}};
    Bar bar{of_tasks.size() == 1 ? of_tasks.front() : "all tasks", steps};
    for (int epoch = 0; epoch < options.epochs; ++epoch)
        for (const auto& batch : loader) {
            const auto loss = criterion(net(batch.input), batch.targets);
            adam.zero_grad();
            loss.backward();
            adam.step();
            schedule.step();
            bar.step(loss, of_tasks);
        }
    return net;
}

}  // namespace scenes
