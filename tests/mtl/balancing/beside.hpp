// SPDX-License-Identifier: MIT
/// @file The small linear model of tests/golden/make_beside.py, and what the script has computed.
#pragma once

#include <espalier/io/safetensors.hpp>
#include <espalier/losses/mse.hpp>
#include <espalier/mtl/multi_task_loss.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/sequential.hpp>

#include "nn/testing.hpp"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace testing::beside {

using namespace espalier;

template <class T>
Tensor<T> numbers(const Shape& shape, Index seed) {
    Tensor<T> result{shape};
    for (Index k = 0; k < result.numel(); ++k)
        result[k] = static_cast<T>((7 * k + 3 * seed) % 11 - 5) / T(8);
    return result;
}

/// Writes 0, 1, ... of the numbers into the parameters, one parameter after the other.
template <class Net>
void fill(Net& net, Index seed) {
    const auto all = numbers<typename Net::value_type>({net.parameter_count()}, seed);
    const auto* from = all.data();
    for (auto parameter : net.parameters())
        for (auto& value : parameter.mutable_value())
            value = *from++;
}

/// Gives every gradient the length 1.
struct UnitLengths {
    mtl::Weights operator()(const mtl::Gramian& gramian) const {
        mtl::Weights weights;
        for (std::size_t t = 0; t < gramian.size(); ++t)
            weights.push_back(1 / gramian.norm(t));
        return weights;
    }
};

/// `one`, `three`, or `masked`: three of which the second has no labels.
template <class T>
struct Model {
    explicit Model(std::string case_name) : name{std::move(case_name)} {
        for (const char* task : {"a", "b", "c"})
            if (tasks.empty() || name != "one")
                tasks.push_back(task);
    }
    [[nodiscard]] mtl::MultiTaskNet<T> net() const {
        std::vector<mtl::Head<T>> heads;
        for (const auto& task : tasks)
            heads.push_back({task, nn::Linear<T>{2, 1}});
        mtl::MultiTaskNet<T> result{nn::Linear<T>{2, 2}, heads};
        fill(result, 1);
        return result;
    }
    /// With the script's rule, or none.
    [[nodiscard]] mtl::MultiTaskLoss<T> criterion(bool with_rule = true) const {
        std::vector<mtl::TaskLoss<T>> losses;
        for (const auto& task : tasks)
            losses.push_back({task, losses::MSE<T>{}});
        mtl::MultiTaskLoss<T> result{losses};
        if (with_rule && tasks.size() > 1)
            result.balance(UnitLengths{});
        return result;
    }
    struct Batch {
        Tensor<T> input;
        losses::Targets<T> targets;
    };
    [[nodiscard]] Batch batch(Index seed) const {
        Batch result{numbers<T>({4, 2}, seed), {}};
        for (std::size_t t = 0; t < tasks.size(); ++t) {
            auto values = numbers<T>({4, 1}, seed + 10 + static_cast<Index>(t));
            std::optional<Tensor<bool>> mask;
            if (name == "masked" && t == 1)
                mask = Tensor<bool>::full({4}, false);
            result.targets.insert(tasks[t], {std::move(values), std::move(mask)});
        }
        return result;
    }
    [[nodiscard]] Tensor<double> expected(const std::string& what) const {
        static const auto file = io::load_safetensors(ESPALIER_GOLDEN_DIR "/balancing_beside.safetensors");
        return file.template get<double>(name + "/" + what);
    }

    std::string name;
    std::vector<std::string> tasks;
};

/// Of three tasks, with running statistics.
inline mtl::MultiTaskNet<double> with_batch_norm() {
    manual_seed(1);
    return {nn::Sequential{nn::Linear<double>{2, 2}, nn::BatchNorm<double>{2}},
            {{"a", nn::Linear<double>{2, 1}}, {"b", nn::Linear<double>{2, 1}}, {"c", nn::Linear<double>{2, 1}}}};
}

/// Of all parameters, 0 where there is none.
template <class Net>
Tensor<double> gradients_of(const Net& net) {
    Tensor<double> result{Shape{net.parameter_count()}};
    Index i = 0;
    for (const auto& parameter : net.parameters())
        for (Index k = 0; k < parameter.numel(); ++k, ++i)
            result[i] = parameter.has_grad() ? static_cast<double>(parameter.grad()[k]) : 0;
    return result;
}

template <class T>
constexpr double tolerance = sizeof(T) == sizeof(float) ? 2e-4 : 1e-10;

}  // namespace testing::beside
