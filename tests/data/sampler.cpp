// SPDX-License-Identifier: MIT
#include <espalier/data/sampler.hpp>

#include "catch.hpp"

#include <espalier/data/loader.hpp>
#include <espalier/data/weighted_sampler.hpp>

#include <vector>

using namespace espalier;
using data::WeightedSampler;

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
