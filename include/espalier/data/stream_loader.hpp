// SPDX-License-Identifier: MIT
/// @file Batches of samples that come one block after the other and never lie in memory together, shuffled within a buffer.
#pragma once

#include <espalier/core/process.hpp>
#include <espalier/core/random.hpp>
#include <espalier/data/batch_iterator.hpp>
#include <espalier/data/dataset.hpp>
#include <espalier/data/prefetch.hpp>
#include <espalier/data/streamed_epoch.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <numeric>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

/// What comes in blocks, as an `io::CsvStream` does: a number of `shards()`, and `open(order)`, which gives a function for the blocks of
/// the shards that `order` lists, one after the other: each call the next block, a `std::optional`, and nothing at the end. Both are const,
/// and several may be open at once.
template <class Stream>
concept BlockStream = requires(const Stream& stream, const std::vector<Index>& order) {
    { stream.shards() } -> std::convertible_to<Index>;
    { stream.open(order)() };
    *stream.open(order)();
};

namespace detail {

template <BlockStream Stream>
using BlockOf = std::remove_cvref_t<decltype(*std::declval<const Stream&>().open({})())>;
template <class Stream, class Encode>
using ScalarOfStream = typename std::invoke_result_t<const Encode&, const BlockOf<Stream>&>::scalar_type;

}  // namespace detail

/// Walks over a stream in batches: `for (const auto& batch : loader)` is one epoch, as with a `DataLoader`.
/// @code
/// const auto encode = [encoder](const io::CsvTable& block) { return data::Dataset{encoder.features(block), encoder.targets(block)}; };
/// data::StreamLoader loader{io::CsvStream{"clicks"}, encode, {.batch_size = 256, .buffer = 100'000}};
/// @endcode
/// The order of an epoch depends on (seed, epoch, batch_size, buffer) alone, and neither on how the stream is cut into blocks nor on
/// `prefetch`. A loop has all it needs: it may be left early, and it goes on when the loader is assigned to or destroyed; a loop within a
/// loop is the next epoch and reads the stream itself. Copies share the stream and count their epochs themselves; each thread takes its
/// own. In memory are a block, a few batches, and the buffer, twice while it is filled.
template <class Scalar = float>
class StreamLoader {
    using Options = StreamLoaderOptions<Scalar>;

    struct Plan {
        std::function<detail::NextSamples<Scalar>(const std::vector<Index>& order)> open;
        Index shards;
        Options options;

        [[nodiscard]] std::unique_ptr<detail::StreamedEpoch<Scalar>> begin(std::uint64_t epoch) const {
            Random random{options.seed, epoch << 32};
            std::vector<Index> order(static_cast<std::size_t>(shards));
            std::iota(order.begin(), order.end(), Index{0});
            if (options.shuffle)
                order = random.permutation(shards);
            return std::make_unique<detail::StreamedEpoch<Scalar>>(open(order), options, epoch, random);
        }
    };

    /// Makes the batches of an epoch in their order. In the child of a fork, whose parent may be anywhere in the stream, it begins again.
    class Maker {
    public:
        Maker(std::shared_ptr<const Plan> plan, std::uint64_t epoch) : plan_{std::move(plan)}, epoch_{epoch} {}

        [[nodiscard]] std::optional<Batch<Scalar>> operator()(Index number) {
            if (batches_ && espalier::detail::forked_since(process_))
                static_cast<void>(batches_.release());  // perhaps half changed by the thread that is not here
            if (!batches_) {
                batches_ = plan_->begin(epoch_);
                process_ = espalier::detail::forks.load();
            }
            while (batches_->number() < number)
                if (!batches_->batch())
                    return {};
            auto batch = batches_->batch();
            require<ValueError>(batch || number > 0, "stream_loader", "expected a stream of at least one ",
                                plan_->options.drop_last ? "full batch, got fewer samples" : "sample, got none");
            return batch;
        }

    private:
        std::shared_ptr<const Plan> plan_;
        std::uint64_t epoch_;
        std::unique_ptr<detail::StreamedEpoch<Scalar>> batches_;
        unsigned process_ = 0;
    };

public:
    /// `encode` makes a `Dataset` of a block, on the loader's thread, and in several loops at once if there are.
    /// @throws ValueError for a batch size or a buffer below 1, a negative prefetch, or a stream without shards
    template <BlockStream Stream, class Encode>
        requires std::same_as<std::invoke_result_t<const Encode&, const detail::BlockOf<Stream>&>, Dataset<Scalar>>
    ESPALIER_COLD StreamLoader(Stream stream, Encode encode, std::type_identity_t<Options> options = {}) {
        require<ValueError>(options.batch_size >= 1, "stream_loader", "expected a batch size of at least 1, got ", options.batch_size);
        require<ValueError>(options.buffer >= 1, "stream_loader", "expected a buffer of at least 1 sample, got ", options.buffer);
        require<ValueError>(options.prefetch >= 0, "stream_loader", "expected a prefetch of at least 0, got ", options.prefetch);
        const Index shards = static_cast<Index>(stream.shards());
        require<ValueError>(shards >= 1, "stream_loader", "expected a stream of at least one shard, got ", shards);
        auto open = [stream = std::make_shared<const Stream>(std::move(stream)),
                     encode = std::make_shared<const Encode>(std::move(encode))](const std::vector<Index>& order) {
            using Blocks = decltype(stream->open(order));
            return [blocks = std::make_shared<Blocks>(stream->open(order)), encode]() -> std::optional<Dataset<Scalar>> {
                if (const auto block = (*blocks)())
                    return (*encode)(*block);
                return {};
            };
        };
        plan_ = std::make_shared<const Plan>(Plan{std::move(open), shards, std::move(options)});
    }
    // A move is a copy, which costs nothing: so there is no loader that was moved from and has no stream.
    StreamLoader(const StreamLoader&) = default;
    StreamLoader& operator=(const StreamLoader&) = default;
    ~StreamLoader() = default;

    /// @throws from its `operator++` what the stream, the encoding or the transform threw; ShapeError for blocks that do not fit together
    using Iterator = BatchIterator<Scalar>;

    /// Starts the next epoch. @throws as `Iterator::operator++`, for the first batch; ValueError if there is none; StateError after epoch
    /// 2^32 - 1
    [[nodiscard]] ESPALIER_COLD Iterator begin() {
        require<StateError>(epoch_ < epochs, "stream_loader", "expected an epoch in [0, 2^32), got ", epoch_);
        auto make = [maker = std::make_shared<Maker>(plan_, epoch_)](Index number) { return (*maker)(number); };
        constexpr Index most = Index{1} << 32;  // how many there are is known at their end
        Iterator first{detail::Prefetcher<Batch<Scalar>>{std::move(make), most, plan_->options.prefetch}};
        ++epoch_;
        return first;
    }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

    /// The epoch that the next `begin()` starts, counted from 0: inside a loop it is one more than the running one's.
    [[nodiscard]] Index epoch() const noexcept { return static_cast<Index>(epoch_); }
    /// Resumes a training: the next `begin()` starts epoch `k`. @throws ValueError unless 0 <= k < 2^32
    void set_epoch(Index k) {
        require<ValueError>(k >= 0 && k < static_cast<Index>(epochs), "stream_loader", "expected an epoch in [0, 2^32), got ", k);
        epoch_ = static_cast<std::uint64_t>(k);
    }
    [[nodiscard]] const Options& options() const& noexcept { return plan_->options; }
    [[nodiscard]] Options options() && { return plan_->options; }

private:
    static constexpr std::uint64_t epochs = std::uint64_t{1} << 32;  // an epoch, and a batch within it, is half of a stream's number

    std::shared_ptr<const Plan> plan_;
    std::uint64_t epoch_ = 0;
};

template <BlockStream Stream, class Encode>
StreamLoader(Stream, Encode, StreamLoaderOptions<detail::ScalarOfStream<Stream, Encode>> = {})
    -> StreamLoader<detail::ScalarOfStream<Stream, Encode>>;

}  // namespace espalier::inline ESPALIER_ABI::data
