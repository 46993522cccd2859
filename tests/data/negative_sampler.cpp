// SPDX-License-Identifier: MIT
#include <espalier/data/loader.hpp>
#include <espalier/data/negative_sampler.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

using namespace espalier;

namespace {

std::vector<int> frequencies(const data::NegativeSampler& sampler, Index user, int draws) {
    std::vector<int> counts(static_cast<std::size_t>(sampler.items()), 0);
    Random random{3};
    for (int i = 0; i < draws; ++i)
        ++counts[static_cast<std::size_t>(sampler(user, random))];
    return counts;
}

data::Dataset<> choices() {
    constexpr Index samples = 40;
    auto user = Tensor<Index>::empty({samples}), item = Tensor<Index>::empty({samples});
    for (Index i = 0; i < samples; ++i) {
        user[i] = i % 4;
        item[i] = i % 10;
    }
    return data::Dataset<>{data::Inputs<>{{"user", user}, {"item", item}}, {{"first", Tensor<Index>{Shape{samples}}}}};
}

/// The items of all batches of an epoch, in the order of the set.
std::vector<Tensor<Index>> epoch_of(data::DataLoader<>& loader) {
    std::vector<Tensor<Index>> result;
    for (const auto& batch : loader)
        result.push_back(batch.inputs.at("item").indices());
    return result;
}

}  // namespace

TEST_CASE("negatives come by popularity, and none that the user chose", "[data][negative_sampler]") {
    const std::vector<double> counts{16, 1, 0, 81, 16};
    const data::NegativeSampler sampler{counts, {}, data::Sequences{{0, 3, 0}, {}, {4, 3, 1}}};
    CHECK(sampler.items() == 5);
    CHECK(sampler.probability(3) == Approx(27.0 / (8 + 1 + 27 + 8)));
    const auto first = frequencies(sampler, 0, 9000);
    CHECK((first[0] == 0 && first[2] == 0 && first[3] == 0));
    CHECK(std::abs(first[4] - 8000) < 120);  // of 8 to 1, within four deviations
    const auto second = frequencies(sampler, 1, 4400);
    CHECK((second[2] == 0 && std::abs(second[3] - 2700) < 130));
    CHECK(frequencies(sampler, 2, 50)[0] == 50);  // 0 is all that is left
    const data::NegativeSampler like{4, data::Sequences{{1}}};
    const auto alike = frequencies(like, 0, 3000);
    CHECK((alike[1] == 0 && std::abs(alike[0] - 1000) < 110 && std::abs(alike[3] - 1000) < 110));
    CHECK(frequencies(data::NegativeSampler{1}, 99, 3)[0] == 3);  // nobody's choice is known
}

TEST_CASE("a user who chose nearly all gets one of the few that are left", "[data][negative_sampler]") {
    std::vector<double> counts(1000, 1e6);
    counts[7] = counts[9] = 1e-3;
    std::vector<Index> chosen;
    for (Index i = 0; i < 1000; ++i)
        if (i != 7 && i != 9)
            chosen.push_back(i);
    const auto left = frequencies(data::NegativeSampler{counts, {.power = 1}, data::Sequences{{chosen}}}, 0, 200);
    CHECK(left[7] + left[9] == 200);
    CHECK((left[7] > 60 && left[9] > 60));
}

TEST_CASE("a loader puts negatives behind the chosen item, the same for any prefetch", "[data][negative_sampler]") {
    const data::NegativeSampler sampler{10, data::Sequences{{0, 4, 8}, {1, 5, 9}, {0, 2, 4, 6, 8}, {1, 3, 5, 7, 9}}};
    std::vector<std::vector<Tensor<Index>>> all;
    for (const Index prefetch : {0, 3}) {
        data::DataLoader loader{
            choices(),
            {.batch_size = 16, .shuffle = false, .seed = 5, .prefetch = prefetch, .transform = data::add_negatives(sampler, {.count = 3})}};
        all.push_back(epoch_of(loader));
        all.push_back(epoch_of(loader));
    }
    CHECK(all[0] == all[2]);
    CHECK(all[1] == all[3]);
    CHECK(all[0] != all[1]);  // another epoch
    REQUIRE(all[0].size() == 3);
    CHECK(all[0][2].shape() == Shape{8, 4});
    for (Index i = 0; i < 16; ++i) {
        CHECK(all[0][0].at(i, 0) == i % 10);
        for (Index k = 1; k < 4; ++k)
            CHECK((i % 2 == 0 || all[0][0].at(i, k) % 2 == 0 || i % 4 == 1));
    }
    const data::DataLoaderOptions<> unshuffled{.batch_size = 40, .shuffle = false, .transform = data::add_negatives(sampler)};
    data::DataLoader whole{choices(), unshuffled};
    for (const auto& batch : whole)
        for (Index i = 0; i < 40; ++i)
            if (const Index user = i % 4, drawn = batch.inputs.at("item").indices().at(i, 1); user >= 2)
                CHECK(drawn % 2 != user % 2);
}

TEST_CASE("the chosen item is not drawn beside itself, whether or not the user is known to have chosen it", "[data][negative_sampler]") {
    const std::vector<double> counts{1, 1, 1000, 1};
    for (const auto& sampler : {data::NegativeSampler{counts}, data::NegativeSampler{counts, {}, data::Sequences{{0}}}}) {
        data::Batch<> batch{Tensor<float>{}, {}, {{"item", Tensor<Index>::full({50}, 2)}, {"user", Tensor<Index>{Shape{50}}}}};
        Random random{1};
        data::add_negatives(sampler, {.count = 4})(batch, random);
        const Tensor<Index>& items = batch.inputs.at("item").indices();
        for (Index i = 0; i < 50; ++i)
            for (Index k = 0; k < 5; ++k)
                CHECK((items.at(i, k) == 2) == (k == 0));
    }
    Random random;
    CHECK_THROWS_WITH((data::NegativeSampler{3, data::Sequences{{0, 1}}}(0, random, 2)),
                      "[NegativeSampler] expected an item beside 2 that can be drawn, got none");
}

TEST_CASE("what cannot be drawn, or is no choice, is refused", "[data][negative_sampler]") {
    CHECK_THROWS_WITH(data::NegativeSampler{0}, "[NegativeSampler] expected an item that can be drawn, got none");
    CHECK_THROWS_AS((data::NegativeSampler{std::vector<double>{0, 0}}), ValueError);
    CHECK_THROWS_WITH((data::NegativeSampler{std::vector<double>{1, -2}}),
                      "[NegativeSampler] expected finite counts of at least 0, got -2 of item 1");
    CHECK_THROWS_AS((data::NegativeSampler{std::vector<double>{1}, {.power = -1}}), ValueError);
    CHECK_THROWS_WITH((data::NegativeSampler{2, data::Sequences{{}, {0, 2}}}),
                      "[NegativeSampler] expected items in [0, 2) of user 1, got 2");
    CHECK_THROWS_WITH((data::NegativeSampler{std::vector<double>{1, 0, 1}, {}, data::Sequences{{0, 2}}}),
                      "[NegativeSampler] expected an item that user 0 did not choose, got none of 2");
    const data::NegativeSampler sampler{3, data::Sequences{{0}}};
    Random random;
    CHECK_THROWS_WITH(sampler(1, random), "[NegativeSampler] expected a user in [0, 1), got 1");
    CHECK_THROWS_AS(sampler.probability(3), ValueError);
    CHECK_THROWS_WITH(data::add_negatives(sampler, {.count = 0}), "[add_negatives] expected a count of at least 1, got 0");
    const auto transform = data::add_negatives(sampler);
    data::Batch<> batch{Tensor<float>{}, {}, {{"item", Tensor<Index>{Shape{2, 2}}}}};
    CHECK_THROWS_WITH(transform(batch, random), "[inputs] expected an input 'user', got 'item'");
    CHECK_THROWS_WITH(data::add_negatives(data::NegativeSampler{3})(batch, random),
                      "[add_negatives] expected items (N,), and users (N,) if there are, got (2, 2) and (2, 2)");
    data::Batch<> numbers{Tensor<float>{}, {}, {{"item", Tensor<float>{Shape{2}}}}};
    CHECK_THROWS_AS(transform(numbers, random), StateError);
    data::Batch<double> empty{Tensor<double>{}, {}, {{"item", Tensor<Index>{Shape{0}}}, {"user", Tensor<Index>{Shape{0}}}}};
    transform(empty, random);
    CHECK(empty.inputs.at("item").shape() == Shape{0, 2});
}
