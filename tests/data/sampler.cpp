// SPDX-License-Identifier: MIT
#include <espalier/data/sampler.hpp>

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
using data::WeightedSampler;

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

TEST_CASE("a weighted sampler draws in proportion to the weights", "[data][sampler]") {
    Random random{1};
    const WeightedSampler sampler{{1, 0, 3, 0}, {.samples = 20000}};
    CHECK(sampler.size() == 20000);
    CHECK(sampler.set_size() == 4);
    const auto samples = sampler(7, random);
    CHECK(samples.size() == 20000);
    CHECK(share(samples, 0, 1) == Approx(0.25).margin(0.015));
    CHECK(share(samples, 1, 2) == 0);
    CHECK(share(samples, 3, 4) == 0);
    CHECK(WeightedSampler{std::vector<double>(5, 1e300)}(1, random).size() == 5);  // whose sum is no number
    CHECK(WeightedSampler{{5e-324}}(1, random) == std::vector<Index>{0});
}

TEST_CASE("without replacement a sample comes once, and those of large weight come first", "[data][sampler]") {
    Random random{2};
    const WeightedSampler sampler{{1, 1, 0, 1e6}, {.samples = 3, .replacement = false}};
    int last_first = 0;
    for (int i = 0; i < 200; ++i) {
        const auto samples = sampler(1, random);
        CHECK(std::set<Index>(samples.begin(), samples.end()) == std::set<Index>{0, 1, 3});
        last_first += samples.front() == 3;
    }
    CHECK(last_first >= 198);
    // Of two draws, the first in proportion to the weights and the second to those that are left.
    int both = 0;
    const WeightedSampler pair{{1, 2, 3}, {.samples = 2, .replacement = false}};
    for (int i = 0; i < 6000; ++i)
        both += pair(1, random) == std::vector<Index>{2, 1};
    CHECK(both / 6000.0 == Approx(3.0 / 6 * 2 / 3).margin(0.03));
}

TEST_CASE("a weighted sampler refuses weights that say nothing", "[data][sampler]") {
    const double inf = std::numeric_limits<double>::infinity();
    CHECK_THROWS_AS(WeightedSampler(std::vector<double>{}), ValueError);
    CHECK_THROWS_AS(WeightedSampler({0, 0}), ValueError);
    CHECK_THROWS_AS(WeightedSampler({1, -1}), ValueError);
    CHECK_THROWS_AS(WeightedSampler({1, inf}), ValueError);
    CHECK_THROWS_AS(WeightedSampler({1, std::nan("")}), ValueError);
    CHECK_THROWS_AS(WeightedSampler({1, 1}, {.samples = -1}), ValueError);
    CHECK_THROWS_WITH(WeightedSampler({1, 0, 1}, {.replacement = false}), ContainsSubstring("expected at most 2 samples"));
}

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

TEST_CASE("a sampler of one's own says what an epoch has, and is held to it", "[data][sampler]") {
    struct Odd {
        Index count, wrong = 0;
        Index size() const { return count; }
        std::vector<Index> operator()(Index, Random&) const {
            std::vector<Index> samples;
            for (Index i = 0; i < count; ++i)
                samples.push_back(2 * i + 1 + wrong);
            return samples;
        }
    };
    const data::Dataset<float> set{Tensor<float>::arange(6), "a", Tensor<Index>::arange(6)};
    data::DataLoader loader{set, {.batch_size = 2, .drop_last = true, .sampler = Odd{3}}};
    std::vector<float> seen;
    for (const auto& batch : loader)
        seen.insert(seen.end(), batch.input.begin(), batch.input.end());
    CHECK(seen == std::vector<float>{1, 3});
    data::DataLoader beyond{set, {.sampler = Odd{3, 1}}};
    CHECK_THROWS_WITH(beyond.begin(), ContainsSubstring("expected samples in [0, 6), got 6"));
    CHECK_THROWS_WITH(data::DataLoader(set, {.sampler = Odd{0}}), ContainsSubstring("at least one sample"));
    CHECK_THROWS_WITH(data::DataLoader(set, {.sampler = WeightedSampler{{1, 2, 3}}}),
                      ContainsSubstring("expected a sampler for a set of 6 samples, got one for 3"));
    CHECK_FALSE(data::Sampler{});
}

TEST_CASE("a task sampler names what it lacks", "[data][sampler]") {
    CHECK_THROWS_WITH(TaskSampler(targets_of(3, 0)), ContainsSubstring("a labelled sample of task 'b'"));
    CHECK_THROWS_AS(TaskSampler(losses::Targets<float>{}), ValueError);
    CHECK_THROWS_AS(TaskSampler(targets_of(2, 2), {.temperature = 0}), ValueError);
    CHECK_THROWS_AS(TaskSampler(targets_of(2, 2), {.temperature = std::nan("")}), ValueError);
    CHECK_THROWS_AS(TaskSampler(targets_of(2, 2), {.samples = -1}), ValueError);
}
