// SPDX-License-Identifier: MIT
/// @file The training, and what a network says of a set of files.
#pragma once

#include "../training_bar.hpp"
#include "dataset.hpp"

#include <espalier/data/augment.hpp>
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

namespace folder {

using espalier::Named;

[[nodiscard]] inline espalier::losses::Loss<> make_loss(ColumnKind kind) {
    using namespace espalier;
    if (kind == ColumnKind::number)
        return losses::MSE{};
    if (kind == ColumnKind::labels)
        return losses::BCEWithLogits{};
    return losses::CrossEntropy{};
}

/// Adam, its rate falling on half a cosine; images are shifted a little, and not flipped, as left and right may matter.
[[nodiscard]] inline mtl::MultiTaskNet<> train(const Recipe& recipe, const io::ImageSet<float>& set, const Options& options) {
    using namespace espalier;
    manual_seed(options.seed);
    auto net = make_net(recipe);
    std::vector<mtl::TaskLoss<>> losses;
    std::vector<std::string> tasks;
    for (const Column& column : recipe.columns) {
        losses.push_back({column.name, make_loss(column.kind)});
        tasks.push_back(column.name);
    }
    mtl::MultiTaskLoss<> criterion{std::move(losses)};
    if (options.rule != "Sum" && tasks.size() > 1)
        mtl::balance_by_name(criterion, options.rule);
    const Index batch_size = std::min(options.batch, set.size());
    data::DataLoader loader{set,
                            {.batch_size = batch_size,
                             .seed = options.seed,
                             .drop_last = true,  // batch normalisation cannot do with one image
                             .transform = data::random_shift(recipe.size / 16, {.image_fill = 1})}};
    const Index steps = set.size() / batch_size * options.epochs;
    optim::Adam<> adam{criterion.parameters(net.parameters()), {.learning_rate = options.learning_rate}};
    optim::Scheduler<> schedule{adam, optim::CosineAnnealingLR{{.t_max = steps}}};
    examples::Bar bar{concat(set.size(), " images"), steps};
    for (int epoch = 0; epoch < options.epochs; ++epoch) {
        for (const auto& batch : loader) {
            const auto loss = criterion(net(batch.input), batch.targets);
            adam.zero_grad();
            loss.backward();
            adam.step();
            schedule.step();
            criterion.after_step([&] { return net(batch.input); }, batch.targets);
            bar.step(loss, tasks);
        }
        criterion.end_epoch();
    }
    return net;
}

/// The outputs for all files of a set, (N, outputs of a column), in their order.
[[nodiscard]] inline Named<Tensor<float>> predict(const mtl::MultiTaskNet<>& net, const std::vector<Column>& columns,
                                                  const io::ImageSet<float>& set) {
    Named<Tensor<float>> said;
    for (const Column& column : columns)
        said.insert(column.name, Tensor<float>::empty({set.size(), column.outputs()}));
    Index done = 0;
    for (const auto& batch : espalier::data::DataLoader{set, {.batch_size = 64, .shuffle = false}}) {
        for (const auto& [name, output] : net.predict(batch.input))
            std::copy(output.begin(), output.end(), said.at(name).data() + done * output.size(1));
        done += batch.input.size(0);
    }
    return said;
}

}  // namespace folder
