// SPDX-License-Identifier: MIT
/// @file A little training under a rule, with a task that has no labels in one of four batches.
#pragma once

#include <espalier/losses/mse.hpp>
#include <espalier/mtl/balancing/by_name.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn/activation.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/optim/sgd.hpp>

#include "nn/testing.hpp"

#include <optional>
#include <string>
#include <vector>

namespace testing {

using espalier::Index;
using espalier::Tensor;
namespace losses = espalier::losses;
namespace mtl = espalier::mtl;
namespace nn = espalier::nn;
namespace optim = espalier::optim;
struct Training {
    explicit Training(const std::string& rule, mtl::BalanceOptions options = {}, Index tasks = 5) {
        espalier::manual_seed(1);
        std::vector<mtl::Head<float>> heads;
        std::vector<mtl::TaskLoss<float>> losses;
        for (Index t = 0; t < tasks; ++t) {
            const std::string name = "task " + std::to_string(t) + " of a name that is long enough";
            heads.push_back({name, nn::Linear{8, 2}});
            losses.push_back({name, losses::MSE{}});
        }
        net.emplace(nn::Sequential{nn::Linear{4, 16}, nn::Tanh{}, nn::Linear{16, 8}, nn::Tanh{}}, std::move(heads));
        criterion.emplace(std::move(losses));
        mtl::balance_by_name(*criterion, rule, options);
        sgd.emplace(criterion->parameters(net->parameters()), optim::SGDOptions{.learning_rate = 0.01});
        for (std::uint64_t i = 0; i < 4; ++i) {  // of the second one a task has no labels
            inputs.push_back(normal<float>({6, 4}, i));
            auto& batch = targets.emplace_back();
            for (Index t = 0; t < tasks; ++t)
                batch.insert(heads_name(t),
                             {normal<float>({6, 2}, 10 * i + static_cast<std::uint64_t>(t)), Tensor<bool>::full({6}, i != 1 || t != 2)});
        }
    }
    [[nodiscard]] std::string heads_name(Index t) const { return net->tasks()[static_cast<std::size_t>(t)]; }

    void step() {
        const std::size_t batch = count++ % inputs.size();
        const auto loss = (*criterion)((*net)(inputs[batch]), targets[batch]);
        sgd->zero_grad();
        loss.backward();
        sgd->step();
        criterion->after_step([&] { return (*net)(inputs[batch]); }, targets[batch]);
        if (batch == 3)
            criterion->end_epoch();
    }
    [[nodiscard]] double loss() {
        double sum = 0;
        for (std::size_t batch = 0; batch < inputs.size(); ++batch)
            sum += static_cast<double>((*criterion)(net->predict(inputs[batch]), targets[batch]).item());
        return sum;
    }

    std::optional<mtl::MultiTaskNet<float>> net;
    std::optional<mtl::MultiTaskLoss<float>> criterion;
    std::optional<optim::SGD<float>> sgd;
    std::vector<Tensor<float>> inputs;
    std::vector<losses::Targets<float>> targets;
    std::size_t count = 0;
};

}  // namespace testing
