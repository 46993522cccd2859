// SPDX-License-Identifier: MIT
#include <espalier/data/stream_loader.hpp>

#include "catch.hpp"
#include "forked.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace espalier;

namespace {

/// The numbers from 0 on in shards, which are cut into blocks of a given size.
struct Numbers {
    std::vector<Index> sizes;
    Index block = 3;

    struct Blocks {
        std::vector<std::pair<Index, Index>> ranges;
        std::size_t at = 0;
        bool ended = false;
        std::optional<std::vector<Index>> operator()() {
            if (ended)
                throw std::logic_error{"asked again behind the end"};
            ended = at == ranges.size();
            if (ended)
                return {};
            std::vector<Index> numbers(static_cast<std::size_t>(ranges[at].second - ranges[at].first));
            std::iota(numbers.begin(), numbers.end(), ranges[at++].first);
            return numbers;
        }
    };
    Index shards() const { return static_cast<Index>(sizes.size()); }
    Blocks open(const std::vector<Index>& order) const {
        Blocks blocks;
        for (const Index shard : order) {
            const Index first = std::accumulate(sizes.begin(), sizes.begin() + shard, Index{0});
            const Index last = first + sizes[static_cast<std::size_t>(shard)];
            for (Index at = first; at < last; at += block)
                blocks.ranges.emplace_back(at, std::min(at + block, last));
        }
        return blocks;
    }
};

template <class Scalar = float>
data::Dataset<Scalar> encode(const std::vector<Index>& numbers) {
    const auto n = static_cast<Index>(numbers.size());
    Tensor<Index> labels{{n}, numbers};
    return {labels.template cast<Scalar>(), "same", {labels}};
}

template <class Loader>
std::vector<std::vector<Index>> epoch_of(Loader& loader) {
    std::vector<std::vector<Index>> batches;
    for (const auto& batch : loader) {
        const auto& labels = batch.targets.at("same").labels();
        batches.emplace_back(labels.begin(), labels.end());
        for (Index i = 0; i < labels.numel(); ++i)
            REQUIRE(static_cast<Index>(std::lround(batch.input[i])) == labels[i]);
    }
    return batches;
}

std::vector<Index> joined(const std::vector<std::vector<Index>>& batches) {
    std::vector<Index> all;
    for (const auto& batch : batches)
        all.insert(all.end(), batch.begin(), batch.end());
    return all;
}

std::vector<Index> first_numbers(Index n) {
    std::vector<Index> numbers(static_cast<std::size_t>(n));
    std::iota(numbers.begin(), numbers.end(), Index{0});
    return numbers;
}

}  // namespace

TEST_CASE("an epoch of a stream has every sample once, in batches of one size but the last", "[data][stream_loader]") {
    for (const Index buffer : {1, 10, 11, 16, 30, 1000})
        for (const bool shuffle : {false, true}) {
            CAPTURE(buffer, shuffle);
            data::StreamLoader loader{Numbers{{20, 7, 10}}, encode<>, {.batch_size = 5, .shuffle = shuffle, .buffer = buffer}};
            static_assert(std::input_iterator<decltype(loader.begin())>);
            const auto batches = epoch_of(loader);
            REQUIRE(batches.size() == 8);
            for (std::size_t i = 0; i < 7; ++i)
                CHECK(batches[i].size() == 5);
            CHECK(batches[7].size() == 2);
            auto all = joined(batches);
            CHECK((all == first_numbers(37)) != shuffle);
            std::sort(all.begin(), all.end());
            CHECK(all == first_numbers(37));
        }
    data::StreamLoader dropping{Numbers{{20, 7, 10}}, encode<>, {.batch_size = 5, .drop_last = true}};
    CHECK(epoch_of(dropping).size() == 7);
    data::StreamLoader one{Numbers{{1}}, encode<double>, {.batch_size = 5}};
    static_assert(std::same_as<decltype(one), data::StreamLoader<double>>);
    CHECK(epoch_of(one) == std::vector<std::vector<Index>>{{0}});
}

TEST_CASE("a full buffer shuffles as well as memory does, a small one within its reach", "[data][stream_loader]") {
    data::StreamLoader whole{Numbers{{100}}, encode<>, {.batch_size = 10, .buffer = 100}};
    data::StreamLoader near{Numbers{{1000}}, encode<>, {.batch_size = 5, .buffer = 20}};
    CHECK(joined(epoch_of(whole)) != joined(epoch_of(whole)));
    const auto all = joined(epoch_of(near));
    double moved = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        CHECK(all[i] < static_cast<Index>(i) + 20);  // nothing comes before it is in the buffer
        moved += std::abs(static_cast<double>(all[i]) - static_cast<double>(i));
    }
    CHECK(moved / 1000 > 3);

    // Shards in another order each epoch.
    data::StreamLoader shards{Numbers{{10, 10, 10, 10, 10}}, encode<>, {.batch_size = 5, .buffer = 10}};
    std::vector<bool> began(5, false);
    for (int epoch = 0; epoch < 40; ++epoch)
        began[static_cast<std::size_t>((*shards.begin()).targets.at("same").labels()[0] / 10)] = true;
    CHECK(began == std::vector<bool>(5, true));
}

TEST_CASE("batches of a stream depend on seed and epoch, and not on blocks or prefetch", "[data][stream_loader]") {
    const auto noise = [](data::Batch<float>& batch, Random& random) {
        for (float& value : batch.input)
            value += random.uniform<float>() / 4;
    };
    const auto with = [&](Index block, Index prefetch, std::uint64_t seed) {
        return data::StreamLoader{
            Numbers{{20, 7, 10}, block}, encode<>, {.batch_size = 4, .seed = seed, .prefetch = prefetch, .buffer = 12, .transform = noise}};
    };
    auto reference = with(3, 0, 5);
    const auto first = epoch_of(reference), second = epoch_of(reference);
    const float noisy = (*with(3, 0, 5).begin()).input[0];
    CHECK(noisy != std::round(noisy));
    CHECK(first != second);
    CHECK(reference.epoch() == 2);
    for (const Index block : {1, 3, 50})
        for (const Index prefetch : {0, 1, 3, 100}) {
            auto loader = with(block, prefetch, 5);
            CHECK((*with(block, prefetch, 5).begin()).input[0] == noisy);
            CHECK(epoch_of(loader) == first);
            CHECK(epoch_of(loader) == second);
            loader.set_epoch(0);
            CHECK(epoch_of(loader) == first);
        }
    auto other = with(3, 2, 6);
    CHECK(epoch_of(other) != first);
    CHECK_THROWS_AS(other.set_epoch(-1), ValueError);
}

TEST_CASE("loops over a stream: left early, one in another, without their loader", "[data][stream_loader]") {
    for (const Index prefetch : {0, 2}) {
        const Numbers numbers{{40, 40}};
        data::StreamLoader loader{numbers, encode<>, {.batch_size = 4, .prefetch = prefetch, .buffer = 8}};
        const auto first = epoch_of(loader), second = epoch_of(loader), third = epoch_of(loader);
        loader.set_epoch(0);
        for (const auto& batch : loader)
            if (batch.size() == 4)
                break;
        CHECK(epoch_of(loader) == second);
        loader.set_epoch(0);
        std::size_t outer = 0;
        for (const auto& batch : loader) {
            CHECK(batch.targets.at("same").labels()[0] == first[outer][0]);
            if (outer++ == 3)
                CHECK(epoch_of(loader) == second);
        }
        CHECK(outer == first.size());
        CHECK(epoch_of(loader) == third);

        auto owner = std::make_unique<data::StreamLoader<float>>(numbers, encode<>, data::StreamLoaderOptions<float>{.prefetch = prefetch});
        auto iterator = owner->begin();
        owner.reset();
        CHECK(iterator->size() == 32);
        CHECK(++iterator != std::default_sentinel);

        loader.set_epoch(1);
        auto moved = std::move(loader);  // as a copy
        CHECK(epoch_of(moved) == second);
        CHECK(epoch_of(loader) == second);
    }
}

TEST_CASE("what a stream, its encoding or a transform throws reaches the loop in its place", "[data][stream_loader]") {
    for (const Index prefetch : {0, 1, 3}) {
        const auto throwing = [](const std::vector<Index>& numbers) {
            return numbers.front() >= 9 ? throw std::runtime_error{"fourth block"} : encode<>(numbers);
        };
        data::StreamLoader loader{Numbers{{40}}, throwing, {.batch_size = 3, .shuffle = false, .prefetch = prefetch}};
        for (int repeat = 0; repeat < 2; ++repeat) {
            int batches = 0;
            const auto run = [&] {
                for (const auto& batch : loader)
                    batches += batch.size() == 3;
            };
            CHECK_THROWS_WITH(run(), "fourth block");
            CHECK(batches == 3);
        }
        data::StreamLoader cut{Numbers{{40}}, encode<>, {.prefetch = prefetch, .transform = [](auto& batch, Random&) {
                                                             batch.input = batch.input.slice(1, batch.input.size(0));
                                                         }}};
        CHECK_THROWS_WITH(epoch_of(cut), ContainsSubstring("as many samples in target 'same'"));
        data::StreamLoader none{Numbers{{0, 0}}, encode<>, {.prefetch = prefetch}};
        CHECK_THROWS_WITH(none.begin(), ContainsSubstring("[stream_loader] expected a stream of at least one sample, got none"));
        CHECK(none.epoch() == 0);
        data::StreamLoader few{Numbers{{3}}, encode<>, {.drop_last = true, .prefetch = prefetch}};
        CHECK_THROWS_WITH(few.begin(), ContainsSubstring("at least one full batch, got fewer samples"));
    }
    CHECK_THROWS_WITH((data::StreamLoader{Numbers{{}}, encode<>}), ContainsSubstring("at least one shard, got 0"));
    CHECK_THROWS_WITH((data::StreamLoader{Numbers{{1}}, encode<>, {.batch_size = 0}}),
                      ContainsSubstring("batch size of at least 1, got 0"));
    CHECK_THROWS_WITH((data::StreamLoader{Numbers{{1}}, encode<>, {.buffer = 0}}), ContainsSubstring("at least 1 sample, got 0"));
    CHECK_THROWS_WITH((data::StreamLoader{Numbers{{1}}, encode<>, {.prefetch = -1}}), ContainsSubstring("at least 0, got -1"));
}

TEST_CASE("a target that is masked in some blocks alone keeps its mask in every batch", "[data][stream_loader]") {
    const auto masked = [](const std::vector<Index>& numbers) {
        auto set = encode<>(numbers);
        if (numbers.front() % 2 == 1)  // blocks of three: every second one
            return data::Dataset<>{set.inputs(), "same", {set.target("same").labels(), Tensor<bool>{{set.size()}}}};
        return set;
    };
    data::StreamLoader loader{Numbers{{30}}, masked, {.batch_size = 4}};
    Index seen = 0;
    for (const auto& batch : loader)
        for (Index i = 0; i < batch.size(); ++i, ++seen) {
            const auto& target = batch.targets.at("same");
            CHECK(target.labelled(i) == (target.labels()[i] / 3 % 2 == 0));
        }
    CHECK(seen == 30);
}

#if ESPALIER_TEST_FORKS

TEST_CASE("a child of a fork goes on with the stream where its parent was", "[data][stream_loader][process]") {
    for (const Index prefetch : {0, 2}) {
        data::StreamLoader loader{Numbers{{40}}, encode<>, {.batch_size = 4, .prefetch = prefetch, .buffer = 8}};
        const auto all = epoch_of(loader);
        loader.set_epoch(0);
        auto iterator = loader.begin();
        ++iterator;
        CHECK(in_child([&] {
                  for (std::size_t i = 1; i < all.size(); ++i, ++iterator)
                      if (iterator == std::default_sentinel || iterator->targets.at("same").labels()[0] != all[i][0])
                          return 1;
                  return iterator == std::default_sentinel ? 0 : 2;
              }) == 0);
        ++iterator;
        CHECK(iterator->targets.at("same").labels()[0] == all[2][0]);
    }
}

#endif
