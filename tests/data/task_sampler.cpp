// SPDX-License-Identifier: MIT
#include <espalier/data/task_sampler.hpp>

#include "catch.hpp"

#include <espalier/data/loader.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

using namespace espalier;
using data::TaskOrder;
using data::TaskSampler;

namespace {

/// Samples [0, first) are labelled for one task alone, the next `second` for the other alone, and `both` more for both.
losses::Targets<float> targets_of(Index first, Index second, Index both = 0) {
    const Index n = first + second + both;
    Tensor<bool> a{{n}}, b{{n}};
    for (Index i = 0; i < n; ++i) {
        a[i] = i < first || i >= first + second;
        b[i] = i >= first;
    }
    losses::Targets<float> targets;
    targets.insert("a", {Tensor<Index>::arange(n), a});
    targets.insert("b", {Tensor<Index>::arange(n), b});
    return targets;
}

double share(const std::vector<Index>& samples, Index first, Index last) {
    return static_cast<double>(std::count_if(samples.begin(), samples.end(), [&](Index i) { return first <= i && i < last; })) /
           static_cast<double>(samples.size());
}

}  // namespace

TEST_CASE("the temperature tells how often small tasks come", "[data][sampler]") {
    Random random{3};
    const auto targets = targets_of(900, 100);
    const auto share_of_small = [&](double temperature) {
        return share(TaskSampler{targets, {.temperature = temperature, .samples = 20000}}(32, random), 900, 1000);
    };
    CHECK(share_of_small(1) == Approx(0.1).margin(0.01));
    CHECK(share_of_small(2) == Approx(0.25).margin(0.015));
    CHECK(share_of_small(std::numeric_limits<double>::infinity()) == Approx(0.5).margin(0.015));
    CHECK(share_of_small(1e-9) == 0);  // the largest alone
}

TEST_CASE("a task's samples come all of them before one comes again", "[data][sampler]") {
    Random random{4};
    const auto samples = TaskSampler{targets_of(7, 5, 2), {.order = TaskOrder::one_task, .samples = 90}}(1, random);
    CHECK(std::set<Index>(samples.begin(), samples.end()).size() == 14);
    const auto in_turns = TaskSampler{targets_of(6, 3), {.order = TaskOrder::round_robin, .samples = 12}}(3, random);
    CHECK(share({in_turns.begin(), in_turns.begin() + 3}, 0, 6) == 1);
    CHECK(share({in_turns.begin() + 3, in_turns.begin() + 6}, 6, 9) == 1);
    CHECK(std::set<Index>(in_turns.begin() + 3, in_turns.begin() + 6).size() == 3);
    std::set<Index> first_task(in_turns.begin(), in_turns.begin() + 3);
    first_task.insert(in_turns.begin() + 6, in_turns.begin() + 9);
    CHECK(first_task == std::set<Index>{0, 1, 2, 3, 4, 5});
}

TEST_CASE("a loader draws batches of one task, the same for any prefetch, others in the next epoch", "[data][sampler]") {
    const auto targets = targets_of(30, 10);
    const data::Dataset<float> set{Tensor<float>::arange(40), targets};
    const auto epochs_of = [&](Index prefetch) {
        data::DataLoader loader{
            set, {.batch_size = 4, .prefetch = prefetch, .sampler = TaskSampler{targets, {.order = TaskOrder::one_task, .samples = 18}}}};
        CHECK(loader.batches() == 5);
        CHECK(loader.samples() == 40);
        std::vector<std::vector<float>> batches;
        for (int epoch = 0; epoch < 2; ++epoch)
            for (const auto& batch : loader) {
                const Index of_first = batch.targets.at("a").labelled_count();
                CHECK((of_first == 0 || of_first == batch.size()));
                batches.emplace_back(batch.input.begin(), batch.input.end());
            }
        return batches;
    };
    const auto batches = epochs_of(0);
    CHECK(batches.size() == 10);
    CHECK(batches[4].size() == 2);
    CHECK(std::vector(batches.begin(), batches.begin() + 5) != std::vector(batches.begin() + 5, batches.end()));
    CHECK(epochs_of(2) == batches);
}

TEST_CASE("a task sampler names what it lacks", "[data][sampler]") {
    CHECK_THROWS_WITH(TaskSampler(targets_of(3, 0)), ContainsSubstring("a labelled sample of task 'b'"));
    CHECK_THROWS_AS(TaskSampler(losses::Targets<float>{}), ValueError);
    CHECK_THROWS_AS(TaskSampler(targets_of(2, 2), {.temperature = 0}), ValueError);
    CHECK_THROWS_AS(TaskSampler(targets_of(2, 2), {.temperature = std::nan("")}), ValueError);
    CHECK_THROWS_AS(TaskSampler(targets_of(2, 2), {.samples = -1}), ValueError);
}
