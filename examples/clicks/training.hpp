// SPDX-License-Identifier: MIT
/// @file What each net learns from.
#pragma once

#include "../training_bar.hpp"
#include "networks.hpp"
#include "options.hpp"

#include <espalier/data/loader.hpp>
#include <espalier/losses/binary_cross_entropy.hpp>
#include <espalier/losses/counterfactual.hpp>
#include <espalier/mtl/multi_task_loss.hpp>
#include <espalier/optim/adam.hpp>
#include <espalier/optim/schedule.hpp>

#include <string>
#include <vector>

namespace clicks {

[[nodiscard]] inline mtl::MultiTaskLoss<> make_criterion(const std::string& name) {
    const losses::Loss<> loss = losses::BCEWithLogits{};
    if (name == "naive")
        return {{"click", loss}, {"purchase", loss}, {"both", mtl::no_loss}};
    if (name == "esmm")
        return {{"click", loss}, {"purchase", mtl::no_loss}, {"both", loss}};
    if (name == "aitm")
        return {{"click", loss}, {"both", loss}};
    return {{"click", loss}, {"purchase", loss, 0.1}, {"both", loss}};  // an error over a small propensity is large
}

[[nodiscard]] inline mtl::MultiTaskLossValue<> loss_of(const std::string& name, const mtl::MultiTaskLoss<>& criterion,
                                                       const mtl::Outputs<>& outputs, const losses::Targets<>& targets) {
    if (name == "aitm")
        return criterion(outputs, targets).add(mtl::chain_penalty(outputs, {"click", "both"}, 0.5));
    if (name != "escm2-ips" && name != "escm2-dr")
        return criterion(outputs, targets);
    const auto& click = outputs.at("click");
    const auto& known = targets.at("purchase");
    const auto propensity = autograd::sigmoid(click).detach().value();
    const auto errors = losses::binary_cross_entropy_with_logits(outputs.at("purchase"), known, {.reduction = losses::Reduction::none});
    const auto imputed = [&] {  // log(1 + exp(x)): an error is not negative
        const auto& x = outputs.at("error");
        return losses::binary_cross_entropy_with_logits(x, Tensor<float>{x.shape()}, {.reduction = losses::Reduction::none});
    };
    return criterion.join({{"click", losses::binary_cross_entropy_with_logits(click, targets.at("click"))},
                           {"purchase", name == "escm2-ips" ? losses::inverse_propensity(errors, known, propensity)
                                                            : losses::doubly_robust(errors, imputed(), known, propensity)},
                           {"both", losses::binary_cross_entropy_with_logits(outputs.at("both"), targets.at("both"))}});
}

/// Adam, its rate falling on half a cosine.
[[nodiscard]] inline mtl::MultiTaskNet<> train(const std::string& name, const Log& log, const data::Dataset<>& set,
                                               const Options& options) {
    manual_seed(options.seed);
    auto net = make_net(name, log.catalogue);
    const auto criterion = make_criterion(name);
    data::DataLoader loader{set, {.batch_size = options.batch, .seed = options.seed}};
    const Index steps = loader.batches() * options.epochs;
    optim::Adam<> adam{net.parameters(), {.learning_rate = options.learning_rate}};
    optim::Scheduler<> schedule{adam, optim::CosineAnnealingLR{{.t_max = steps}}};
    std::vector<std::string> tasks;
    examples::Bar bar{name, steps};
    for (int epoch = 0; epoch < options.epochs; ++epoch)
        for (const auto& batch : loader) {
            const auto loss = loss_of(name, criterion, net(batch.inputs), batch.targets);
            adam.zero_grad();
            loss.backward();
            adam.step();
            schedule.step();
            if (tasks.empty())
                for (const auto& [task, value] : loss.tasks())
                    tasks.push_back(task);
            bar.step(loss, tasks);
        }
    return net;
}

}  // namespace clicks
