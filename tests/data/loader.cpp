// SPDX-License-Identifier: MIT
#include <espalier/data/loader.hpp>

#include "catch.hpp"

#include <iterator>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

using namespace espalier;

namespace {

data::Dataset<float> numbered(Index n) {
    return {Tensor<float>::arange(n), {{"same", Tensor<Index>::arange(n)}, {"value", Tensor<float>::arange(n).reshape({n, 1})}}};
}

/// All inputs of one epoch, batch after batch.
template <class Loader>
std::vector<std::vector<float>> epoch_of(Loader& loader) {
    std::vector<std::vector<float>> batches;
    for (const auto& batch : loader)
        batches.emplace_back(batch.input.begin(), batch.input.end());
    return batches;
}

}  // namespace

TEST_CASE("an epoch has every sample once, with its targets", "[data][loader]") {
    data::DataLoader loader{numbered(10), {.batch_size = 4}};
    static_assert(std::input_iterator<decltype(loader.begin())>);
    CHECK(loader.batches() == 3);
    std::vector<Index> sizes;
    std::vector<bool> seen(10, false);
    for (const auto& batch : loader) {
        sizes.push_back(batch.size());
        for (Index i = 0; i < batch.size(); ++i) {
            const Index label = batch.targets.at("same").labels()[i];
            CHECK(static_cast<float>(label) == batch.input[i]);
            CHECK(batch.targets.at("value").values()[i] == batch.input[i]);
            seen[static_cast<std::size_t>(label)] = true;
        }
    }
    CHECK(sizes == std::vector<Index>{4, 4, 2});
    CHECK(seen == std::vector<bool>(10, true));
    CHECK(loader.dataset().size() == 10);
    CHECK(loader.options().batch_size == 4);
}

TEST_CASE("without shuffling the order is that of the set; the last batch may be left out", "[data][loader]") {
    data::DataLoader loader{numbered(5), {.batch_size = 2, .shuffle = false}};
    CHECK(epoch_of(loader) == std::vector<std::vector<float>>{{0, 1}, {2, 3}, {4}});
    data::DataLoader whole{numbered(5), {.batch_size = 2, .shuffle = false, .drop_last = true}};
    CHECK(whole.batches() == 2);
    CHECK(epoch_of(whole) == std::vector<std::vector<float>>{{0, 1}, {2, 3}});
    data::DataLoader one{numbered(3)};
    CHECK(one.batches() == 1);
}

TEST_CASE("the order depends on seed and epoch alone", "[data][loader]") {
    data::DataLoader loader{numbered(40), {.batch_size = 7, .seed = 3}};
    CHECK(loader.epoch() == 0);
    const auto first = epoch_of(loader);
    CHECK(loader.epoch() == 1);
    const auto second = epoch_of(loader);
    CHECK(first != second);
    loader.set_epoch(0);
    CHECK(epoch_of(loader) == first);
    CHECK(epoch_of(loader) == second);
    data::DataLoader resumed{numbered(40), {.batch_size = 7, .seed = 3}};
    resumed.set_epoch(1);
    CHECK(epoch_of(resumed) == second);
    data::DataLoader other{numbered(40), {.batch_size = 7, .seed = 4}};
    CHECK(epoch_of(other) != first);
}

TEST_CASE("batches are the same for every prefetch, also with a random transform", "[data][loader]") {
    const auto noise = [](data::Batch<float>& batch, Random& random) {
        for (float& value : batch.input)
            value += random.uniform<float>();
    };
    const auto set = std::make_shared<const data::Dataset<float>>(numbered(50));
    data::DataLoader reference{set, {.batch_size = 8, .prefetch = 0, .transform = noise}};
    const auto first = epoch_of(reference);
    const auto second = epoch_of(reference);
    CHECK(first != second);
    for (const Index prefetch : {1, 2, 3, 100}) {
        data::DataLoader loader{set, {.batch_size = 8, .prefetch = prefetch, .transform = noise}};
        CHECK(epoch_of(loader) == first);
        CHECK(epoch_of(loader) == second);
    }
    for (const auto& batch : reference)  // noise differs from batch to batch
        CHECK(batch.input[0] != static_cast<float>(static_cast<int>(batch.input[0])));
}

TEST_CASE("a loop may be left early, and the loader may go away within it", "[data][loader]") {
    for (const Index prefetch : {0, 1, 4}) {
        data::DataLoader loader{numbered(100), {.batch_size = 1, .prefetch = prefetch}};
        for (int repeat = 0; repeat < 20; ++repeat)
            for (const auto& batch : loader)
                if (batch.size() == 1)
                    break;
        CHECK(loader.epoch() == 20);
        auto owner = std::make_unique<data::DataLoader<float>>(numbered(10), data::DataLoaderOptions<float>{.prefetch = prefetch});
        auto iterator = owner->begin();
        owner.reset();
        CHECK(iterator->size() == 10);
        CHECK(++iterator == std::default_sentinel);
    }
}

TEST_CASE("a batch owns its memory", "[data][loader]") {
    data::DataLoader loader{numbered(6), {.batch_size = 2, .shuffle = false}};
    std::vector<data::Batch<float>> kept;
    for (auto& batch : loader)
        kept.push_back(std::move(batch));
    REQUIRE(kept.size() == 3);
    kept[0].input[0] = 99;
    CHECK(kept[2].input == Tensor<float>{{2}, {4, 5}});
    CHECK(loader.dataset().inputs()[0] == 0);
}

TEST_CASE("what a transform throws reaches the loop in its place", "[data][loader]") {
    for (const Index prefetch : {0, 1, 3}) {
        data::DataLoader loader{numbered(6), {.batch_size = 1,
                                              .shuffle = false,
                                              .prefetch = prefetch,
                                              .transform = [](auto& batch, Random&) {
                                                  if (batch.input[0] == 2)
                                                      throw std::runtime_error{"third batch"};
                                              }}};
        for (int repeat = 0; repeat < 2; ++repeat) {
            int batches = 0;
            const auto run = [&] {
                for (const auto& batch : loader)
                    batches += static_cast<int>(batch.size());
            };
            CHECK_THROWS_WITH(run(), "third batch");
            CHECK(batches == 2);
        }
    }
}

TEST_CASE("double sets give double batches", "[data][loader]") {
    data::DataLoader loader{data::Dataset{Tensor<double>::arange(4), "t", Tensor<double>::arange(4)}, {.batch_size = 2}};
    for (const data::Batch<double>& batch : loader)
        CHECK(batch.input == batch.targets.at("t").values());
}

TEST_CASE("options that make no loader are refused", "[data][loader]") {
    const auto make = [](data::DataLoaderOptions<float> options) { return data::DataLoader{numbered(5), std::move(options)}; };
    CHECK_THROWS_WITH(make({.batch_size = 0}), ContainsSubstring("[data_loader] expected a batch size of at least 1, got 0"));
    CHECK_THROWS_AS(make({.batch_size = -1}), ValueError);
    CHECK_THROWS_WITH(make({.prefetch = -1}), ContainsSubstring("expected a prefetch of at least 0, got -1"));
    CHECK_THROWS_WITH(make({.batch_size = 6, .drop_last = true}), ContainsSubstring("expected at least one batch, got 5 samples"));
    CHECK_THROWS_AS(data::DataLoader<float>(std::shared_ptr<const data::Dataset<float>>{}), StateError);
    auto loader = make({});
    CHECK_THROWS_WITH(loader.set_epoch(-1), ContainsSubstring("expected an epoch in [0, 2^32), got -1"));
}
