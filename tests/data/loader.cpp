// SPDX-License-Identifier: MIT
#include <espalier/data/loader.hpp>

#include "catch.hpp"

#include <iterator>
#include <limits>
#include <memory>
#include <ranges>
#include <span>
#include <stdexcept>
#include <thread>
#include <type_traits>
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
        data::DataLoader loader{numbered(6),
                                {.batch_size = 1, .shuffle = false, .prefetch = prefetch, .transform = [](auto& batch, Random&) {
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

namespace {

/// Numbers that lie nowhere: sample i is i and a random number.
struct Drawn {
    Index count;
    [[nodiscard]] Index size() const { return count; }
    [[nodiscard]] data::Batch<> gather(std::span<const Index> indices, Random& random) const {
        data::Batch<> batch{Tensor<float>{Shape{static_cast<Index>(indices.size()), 2}}, {}};
        for (std::size_t i = 0; i < indices.size(); ++i) {
            batch.input.at(i, 0) = static_cast<float>(indices[i]);
            batch.input.at(i, 1) = random.uniform<float>();
        }
        batch.targets.insert("index", Tensor<Index>{Shape{batch.size()}, indices});
        return batch;
    }
};
/// One that draws nothing and cannot be copied.
struct Squares {
    std::unique_ptr<double> scale = std::make_unique<double>(2.0);
    [[nodiscard]] int size() const { return 5; }
    [[nodiscard]] data::Batch<double> gather(std::span<const Index> indices) const {
        Tensor<double> input{Shape{static_cast<Index>(indices.size())}};
        for (std::size_t i = 0; i < indices.size(); ++i)
            input[static_cast<Index>(i)] = *scale * static_cast<double>(indices[i] * indices[i]);
        return {std::move(input), {}};
    }
};
struct NoSize {
    [[nodiscard]] data::Batch<> gather(std::span<const Index>) const { return {}; }
};
struct NotConst {
    [[nodiscard]] Index size() const { return 1; }
    [[nodiscard]] data::Batch<> gather(std::span<const Index>) { return {}; }
};
static_assert(data::BatchSource<Drawn> && data::BatchSource<Squares>);
static_assert(!data::BatchSource<NoSize> && !data::BatchSource<NotConst> && !data::BatchSource<data::Dataset<float>>);

}  // namespace

TEST_CASE("a set that makes its own batches draws anew in each epoch, by seed, epoch and batch alone", "[data][loader]") {
    data::DataLoader reference{Drawn{20}, {.batch_size = 6, .seed = 3, .prefetch = 0}};
    static_assert(std::is_same_v<decltype(reference), data::DataLoader<float>>);  // one type, whatever it walks over
    CHECK(reference.batches() == 4);
    CHECK(reference.samples() == 20);
    const auto first = epoch_of(reference);
    const auto second = epoch_of(reference);
    CHECK(first != second);
    std::vector<bool> seen(20, false);
    for (const auto& batch : first)
        for (std::size_t i = 0; i < batch.size(); i += 2)
            seen[static_cast<std::size_t>(batch[i])] = true;
    CHECK(seen == std::vector<bool>(20, true));
    for (const Index prefetch : {1, 2, 50}) {
        data::DataLoader loader{Drawn{20}, {.batch_size = 6, .seed = 3, .prefetch = prefetch}};
        loader.set_epoch(1);
        CHECK(epoch_of(loader) == second);
        loader.set_epoch(0);
        CHECK(epoch_of(loader) == first);
    }
    // A transform draws where the set stopped.
    data::DataLoader both{
        Drawn{1}, {.shuffle = false, .transform = [](data::Batch<>& batch, Random& random) { batch.input[0] = random.uniform<float>(); }}};
    const data::Batch<> batch = *both.begin();
    CHECK(batch.input[0] != batch.input[1]);

    const auto shared = std::make_shared<const Drawn>(Drawn{20});
    data::DataLoader sharing{shared, {.batch_size = 6, .seed = 3}};
    CHECK(epoch_of(sharing) == first);
    data::DataLoader not_const{std::make_shared<Drawn>(Drawn{20}), {.batch_size = 6, .seed = 3}};
    CHECK(epoch_of(not_const) == first);
    data::DataLoader plain{std::make_shared<data::Dataset<float>>(numbered(3)), {.shuffle = false}};
    CHECK(plain.dataset().size() == 3);
    CHECK_THROWS_WITH(sharing.dataset(), ContainsSubstring("expected a loader of a Dataset, got one of another kind of set"));
}

TEST_CASE("a set may draw nothing, know its scalar and be moved alone", "[data][loader]") {
    data::DataLoader loader{Squares{}, {.batch_size = 2, .shuffle = false}};
    static_assert(std::is_same_v<decltype(loader), data::DataLoader<double>>);
    std::vector<Tensor<double>> inputs;
    for (const auto& batch : loader)
        inputs.push_back(batch.input);
    CHECK(inputs == std::vector<Tensor<double>>{{{2}, {0, 2}}, {{2}, {8, 18}}, {{1}, {32}}});
    data::DataLoader<double> other{data::Dataset{Tensor<double>::arange(3), "t", Tensor<double>::arange(3)}};
    other = loader;
    CHECK(other.samples() == 5);
}

TEST_CASE("sizes near the largest Index are no trouble", "[data][loader]") {
    constexpr Index largest = std::numeric_limits<Index>::max();
    data::DataLoader all{numbered(5), {.batch_size = largest}};
    CHECK(all.batches() == 1);
    CHECK(epoch_of(all).at(0).size() == 5);
    data::DataLoader huge{Drawn{largest}, {.batch_size = largest / 2, .shuffle = false, .drop_last = true}};
    CHECK(huge.batches() == 2);
    // The order of the set itself is not written down: the first batch of a huge set comes at once.
    data::DataLoader first{Drawn{Index{1} << 40}, {.batch_size = 1 << 10, .shuffle = false, .prefetch = 0}};
    CHECK((*first.begin()).input.at(1023, 0) == 1023);
    CHECK_THROWS_WITH((data::DataLoader{Drawn{largest}, {.batch_size = 1, .shuffle = false}}),
                      ContainsSubstring("expected fewer than 2^32 batches"));
    CHECK_THROWS_WITH((data::DataLoader{Drawn{0}}), ContainsSubstring("expected a set of at least one sample, got 0"));
    CHECK_THROWS_AS((data::DataLoader{Drawn{-1}}), ValueError);
    CHECK_THROWS_AS((data::DataLoader{std::shared_ptr<const Drawn>{}}), StateError);
}

TEST_CASE("a loader is copied, moved and assigned to within its own loop", "[data][loader]") {
    for (const Index prefetch : {0, 2}) {
        data::DataLoader loader{numbered(6), {.batch_size = 2, .seed = 1, .prefetch = prefetch}};
        const auto first = epoch_of(loader);
        const auto second = epoch_of(loader);
        loader.set_epoch(0);
        data::DataLoader copy = loader;
        CHECK(epoch_of(loader) == first);
        CHECK(copy.epoch() == 0);  // counts its epochs itself
        data::DataLoader moved = std::move(copy);
        CHECK(epoch_of(moved) == first);
        CHECK(epoch_of(copy) == first);  // what was moved from is a loader as before

        moved.set_epoch(0);
        std::vector<std::vector<float>> batches;
        for (const auto& batch : moved) {
            moved = data::DataLoader{numbered(3)};
            batches.emplace_back(batch.input.begin(), batch.input.end());
        }
        CHECK(batches == first);
        CHECK(moved.samples() == 3);
        moved = *&moved;
        CHECK(moved.samples() == 3);

        // A loop within a loop is the next epoch, whole, and does not disturb the outer one.
        loader.set_epoch(0);
        batches.clear();
        std::vector<std::vector<float>> inner;
        for (const auto& batch : loader) {
            if (batches.empty())
                inner = epoch_of(loader);
            batches.emplace_back(batch.input.begin(), batch.input.end());
        }
        CHECK(batches == first);
        CHECK(inner == second);
    }
}

TEST_CASE("each thread walks over a copy of its own", "[data][loader]") {
    data::DataLoader loader{Drawn{40}, {.batch_size = 7, .seed = 5, .prefetch = 2, .transform = [](data::Batch<>& batch, Random& random) {
                                            batch.input[0] += random.uniform<float>();
                                        }}};
    std::vector<std::vector<std::vector<float>>> epochs(4);
    {
        std::vector<std::jthread> threads;
        for (auto& epoch : epochs)
            threads.emplace_back([&epoch, loader]() mutable { epoch = epoch_of(loader); });
    }
    for (const auto& epoch : epochs)
        CHECK(epoch == epochs[0]);
    CHECK(epochs[0].size() == 6);
}

TEST_CASE("what a temporary loader, iterator or set gives may be kept", "[data][loader]") {
    const auto make = [] { return data::DataLoader{numbered(100), {.batch_size = 50, .shuffle = false}}; };
    Index count = 0;
    for (const auto& batch : make())
        count += batch.size();
    CHECK(count == 100);
    const auto& batch = *make().begin();
    CHECK(batch.input == Tensor<float>::arange(50));
    const auto& set = make().dataset();
    CHECK(set.inputs() == Tensor<float>::arange(100));
    const auto& options = make().options();
    CHECK(options.batch_size == 50);
    const auto& inputs = numbered(100).inputs();
    CHECK(inputs == Tensor<float>::arange(100));
    const auto& target = numbered(100).target("same");
    CHECK(target.labels() == Tensor<Index>::arange(100));
    const auto& targets = numbered(100).targets();
    CHECK(targets.at("same").labels() == Tensor<Index>::arange(100));
    CHECK_THROWS_AS(numbered(1).target("other"), StateError);
    static_assert(!std::ranges::range<const data::DataLoader<float>>);  // an epoch counts
}

TEST_CASE("what a set throws reaches the loop in its place", "[data][loader]") {
    struct Throwing {
        [[nodiscard]] Index size() const { return 3; }
        [[nodiscard]] data::Batch<> gather(std::span<const Index> indices) const {
            if (indices[0] == 1)
                throw std::runtime_error{"second"};
            return {Tensor<float>{Shape{1}}, {}};
        }
    };
    for (const Index prefetch : {0, 1, 3}) {
        data::DataLoader loader{Throwing{}, {.batch_size = 1, .shuffle = false, .prefetch = prefetch}};
        int batches = 0;
        const auto run = [&] {
            for (const auto& batch : loader)
                batches += static_cast<int>(batch.size());
        };
        CHECK_THROWS_WITH(run(), "second");
        CHECK(batches == 1);
        CHECK(loader.epoch() == 1);
    }
}

TEST_CASE("the last epoch that has random numbers of its own", "[data][loader]") {
    data::DataLoader loader{numbered(2)};
    loader.set_epoch((Index{1} << 32) - 1);
    CHECK(epoch_of(loader).size() == 1);
    CHECK_THROWS_AS(loader.begin(), StateError);
    CHECK_THROWS_AS(loader.set_epoch(Index{1} << 32), ValueError);
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

TEST_CASE("inputs by name come in the same batches as one tensor, for every prefetch", "[data][loader]") {
    const data::Inputs<> inputs{{"x", Tensor<float>::arange(23)}, {"code", Tensor<Index>::arange(23)}};
    data::DataLoader one{numbered(23), {.batch_size = 5, .seed = 4}};
    const auto expected = epoch_of(one);
    const auto jitter = [](data::Batch<>& batch, Random& random) {
        batch.inputs.insert("drawn", Tensor<float>::uniform({batch.size()}, random));
    };
    std::vector<Tensor<float>> drawn;
    for (const Index prefetch : {0, 2}) {
        data::DataLoader loader{data::Dataset{inputs, "same", Tensor<Index>::arange(23)},
                                {.batch_size = 5, .seed = 4, .prefetch = prefetch, .transform = jitter}};
        std::size_t number = 0;
        for (const auto& batch : loader) {
            const auto& x = data::values_of(batch.inputs, "x");
            CHECK(std::vector<float>(x.begin(), x.end()) == expected[number]);
            CHECK(data::indices_of(batch.inputs, "code") == batch.targets.at("same").labels());
            if (prefetch == 0)
                drawn.push_back(data::values_of(batch.inputs, "drawn"));
            CHECK(data::values_of(batch.inputs, "drawn") == drawn[number++]);
        }
        CHECK(number == 5);
    }
}

TEST_CASE("a batch whose inputs do not fit together is refused by the loader", "[data][loader]") {
    const data::Dataset set{data::Inputs<>{{"x", Tensor<float>::arange(4)}, {"code", Tensor<Index>::arange(4)}}, "t",
                            Tensor<Index>::arange(4)};
    const auto refused = [&](const auto& change) {
        data::DataLoader loader{set, {.transform = [=](data::Batch<>& batch, Random&) { change(batch); }}};
        (void)loader.begin();
    };
    CHECK_THROWS_WITH(refused([](data::Batch<>& batch) { batch.inputs.at("code") = Tensor<Index>{Shape{3}}; }),
                      "[inputs] expected 4 samples in input 'code' as in 'x', got shape (3,)");
    CHECK_THROWS_WITH(refused([](data::Batch<>& batch) { batch.inputs = {}; }),
                      ContainsSubstring("expected an input, or inputs by name, beside targets 't', got neither"));
    CHECK_THROWS_WITH(refused([](data::Batch<>& batch) {
                          batch.inputs = {{"x", Tensor<float>{Shape{3}}}};
                      }),
                      "[data_loader] expected a batch with as many samples in target 't' as in input 'x' (3,), got shape (4,)");
}
