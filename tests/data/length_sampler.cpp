// SPDX-License-Identifier: MIT
#include <espalier/data/length_sampler.hpp>
#include <espalier/data/loader.hpp>

#include "catch.hpp"

#include <algorithm>
#include <limits>
#include <vector>

using namespace espalier;
using data::LengthSampler;

namespace {

Index padding_of(const std::vector<Index>& samples, const std::vector<Index>& lengths, std::size_t batch) {
    Index padding = 0;
    for (std::size_t first = 0; first < samples.size(); first += batch) {
        const std::size_t last = std::min(first + batch, samples.size());
        Index longest = 0;
        for (std::size_t i = first; i < last; ++i)
            longest = std::max(longest, lengths[static_cast<std::size_t>(samples[i])]);
        for (std::size_t i = first; i < last; ++i)
            padding += longest - lengths[static_cast<std::size_t>(samples[i])];
    }
    return padding;
}

bool each_once(std::vector<Index> samples, Index count) {
    std::sort(samples.begin(), samples.end());
    for (Index i = 0; i < static_cast<Index>(samples.size()); ++i)
        if (samples[static_cast<std::size_t>(i)] != i)
            return false;
    return static_cast<Index>(samples.size()) == count;
}

}  // namespace

TEST_CASE("a length sampler takes every sample once, with little padding", "[data][sampler]") {
    Random random{1};
    std::vector<Index> lengths;
    for (int i = 0; i < 1003; ++i)
        lengths.push_back(random.below(100));
    const LengthSampler sampler{lengths};
    CHECK(sampler.size() == 1003);
    CHECK(sampler.set_size() == 1003);
    for (const Index batch : {1, 7, 16, 1002, 1003, 5000}) {
        Random first{3}, again{3}, other{4};
        const auto samples = sampler(batch, first);
        CHECK(each_once(samples, 1003));
        CHECK(samples == sampler(batch, again));
        CHECK_FALSE(samples == sampler(batch, other));
    }
    CHECK(padding_of(sampler(16, random), lengths, 16) < padding_of(random.permutation(1003), lengths, 16) / 8);
    // The batches come in no order of length.
    const auto samples = sampler(16, random);
    std::vector<Index> of_batches;
    for (std::size_t i = 0; i < samples.size(); i += 16)
        of_batches.push_back(lengths[static_cast<std::size_t>(samples[i])]);
    CHECK_FALSE(std::is_sorted(of_batches.begin(), of_batches.end()));
    const LengthSampler all_at_once{lengths, {.batches = std::numeric_limits<Index>::max()}};
    CHECK(each_once(all_at_once(16, random), 1003));
    CHECK(each_once(LengthSampler{lengths, {.batches = 1}}(16, random), 1003));
}

TEST_CASE("a length sampler in a loader", "[data][sampler]") {
    const data::Sequences words{{1}, {1, 2, 3}, {4}, {5, 6, 7}, {8}, {9, 9, 9}};
    const data::Dataset set{data::Inputs<>{{"words", words}}, "y", Tensor<float>{Shape{6, 1}}};
    data::DataLoader loader{set, {.batch_size = 3, .seed = 1, .sampler = LengthSampler{words}}};
    Index seen = 0;
    for (const auto& batch : loader) {
        const auto& lengths = data::sequences_of(batch.inputs, "words").lengths();
        CHECK(lengths[0] == lengths[2]);
        seen += lengths.numel();
    }
    CHECK(seen == 6);
}

TEST_CASE("a length sampler refuses what are no lengths", "[data][sampler]") {
    Random random{1};
    CHECK(LengthSampler{std::vector<Index>{0}}(1, random) == std::vector<Index>{0});
    CHECK_THROWS_WITH(LengthSampler{(std::vector<Index>{3, -1})}, ContainsSubstring("got -1 of sample 1"));
    CHECK_THROWS_AS(LengthSampler{std::vector<Index>{}}, ValueError);
    CHECK_THROWS_AS(LengthSampler{data::Sequences{}}, ValueError);
    CHECK_THROWS_AS(LengthSampler(std::vector<Index>{1}, {.batches = 0}), ValueError);
    CHECK_THROWS_AS((LengthSampler{std::vector<Index>{1}}(0, random)), ValueError);
}
