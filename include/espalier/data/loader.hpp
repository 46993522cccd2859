// SPDX-License-Identifier: MIT
/// @file Batches of a set, shuffled, and made ready on a thread while the training step before is still running.
#pragma once

#include <espalier/data/batch.hpp>
#include <espalier/data/dataset.hpp>
#include <espalier/data/prefetch.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

template <class Scalar = float>
struct DataLoaderOptions {
    Index batch_size = 32;
    bool shuffle = true;
    std::uint64_t seed = 0;
    bool drop_last = false;  ///< leave out the last batch of an epoch if it is smaller than the others
    Index prefetch = 2;      ///< batches made ahead on a thread; 0 makes each when it is asked for
    /// Changes a batch after it is gathered, such as random flips; runs on that thread. What it draws from `Random`
    /// depends on (seed, epoch, batch) alone.
    std::function<void(Batch<Scalar>&, Random&)> transform = {};
};

/// Walks over a set in batches: `for (const auto& batch : loader)` is one epoch.
///
/// The order of an epoch depends on (seed, epoch) alone, and the batches are the same for every `prefetch`. One loop
/// at a time may be written over a loader from one thread; leaving it early stops the thread.
template <class Scalar = float>
class DataLoader {
    using Options = DataLoaderOptions<Scalar>;

    /// What the thread works on; the loader may be moved or destroyed meanwhile.
    struct Plan {
        std::shared_ptr<const Dataset<Scalar>> dataset;
        Options options;

        [[nodiscard]] Index batches() const noexcept {
            const Index size = options.batch_size;
            return options.drop_last ? dataset->size() / size : (dataset->size() - 1) / size + 1;
        }
        [[nodiscard]] std::vector<Index> order(std::uint64_t epoch) const {
            if (options.shuffle)
                return Random{options.seed, epoch << 32}.permutation(dataset->size());
            std::vector<Index> order(static_cast<std::size_t>(dataset->size()));
            std::iota(order.begin(), order.end(), Index{0});
            return order;
        }
        [[nodiscard]] Batch<Scalar> make(const std::vector<Index>& order, std::uint64_t epoch, Index number) const {
            const Index first = number * options.batch_size;
            const Index last = std::min(first + options.batch_size, dataset->size());
            const auto indices = std::span{order}.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first));
            const auto chosen = [&](const auto&, const losses::Target<Scalar>& target) { return target.gather(indices); };
            Batch<Scalar> batch{dataset->inputs().gather(indices), dataset->targets().map(chosen)};
            if (options.transform) {
                Random random{options.seed, (epoch << 32) + static_cast<std::uint64_t>(number) + 1};  // + 0 is the order's stream
                options.transform(batch, random);
            }
            return batch;
        }
    };

public:
    /// @throws ValueError for a batch size below 1, a negative prefetch, or options that leave no batch
    ESPALIER_COLD explicit DataLoader(Dataset<Scalar> dataset, std::type_identity_t<Options> options = {})
        : DataLoader{std::make_shared<const Dataset<Scalar>>(std::move(dataset)), std::move(options)} {}
    /// Shares the set instead of owning it. @throws as above; StateError for null
    ESPALIER_COLD explicit DataLoader(std::shared_ptr<const Dataset<Scalar>> dataset, std::type_identity_t<Options> options = {}) {
        require<StateError>(dataset != nullptr, "data_loader", "expected a set, got null");
        require<ValueError>(options.batch_size >= 1, "data_loader", "expected a batch size of at least 1, got ", options.batch_size);
        require<ValueError>(options.prefetch >= 0, "data_loader", "expected a prefetch of at least 0, got ", options.prefetch);
        plan_ = std::make_shared<const Plan>(Plan{std::move(dataset), std::move(options)});
        require<ValueError>(batches() > 0, "data_loader", "expected at least one batch, got ", this->dataset().size(),
                            " samples, a batch size of ", plan_->options.batch_size, " and drop_last");
    }

    /// Reads the batches of one epoch, each once.
    class Iterator {
    public:
        using value_type = Batch<Scalar>;
        using difference_type = std::ptrdiff_t;

        Iterator() = default;
        /// The batch may be moved from.
        [[nodiscard]] Batch<Scalar>& operator*() const { return state_->batch; }
        [[nodiscard]] Batch<Scalar>* operator->() const { return &state_->batch; }
        /// @throws whatever the transform threw for the next batch
        Iterator& operator++() {
            advance();
            return *this;
        }
        void operator++(int) { advance(); }
        friend bool operator==(const Iterator& iterator, std::default_sentinel_t) noexcept { return !iterator.state_; }

    private:
        friend class DataLoader;
        struct State {
            detail::Prefetcher<Batch<Scalar>> source;
            Batch<Scalar> batch;
        };
        explicit Iterator(std::shared_ptr<State> state) : state_{std::move(state)} { advance(); }

        void advance() {
            if (auto next = state_->source.next())
                state_->batch = std::move(*next);
            else
                state_.reset();
        }

        std::shared_ptr<State> state_;
    };

    /// Starts the next epoch.
    [[nodiscard]] ESPALIER_COLD Iterator begin() {
        const std::uint64_t epoch = epoch_++;
        auto make = [plan = plan_, order = plan_->order(epoch), epoch](Index number) { return plan->make(order, epoch, number); };
        using State = typename Iterator::State;
        return Iterator{std::shared_ptr<State>{new State{
            detail::Prefetcher<Batch<Scalar>>{std::move(make), batches(), plan_->options.prefetch}, {}}}};
    }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

    /// The epoch that the next `begin()` starts, counted from 0: inside a loop it is one more than the running one's.
    [[nodiscard]] Index epoch() const noexcept { return static_cast<Index>(epoch_); }
    /// Resumes a training: the next `begin()` starts epoch `k`. @throws ValueError unless 0 <= k < 2^32
    void set_epoch(Index k) {
        require<ValueError>(k >= 0 && k < (Index{1} << 32), "data_loader", "expected an epoch in [0, 2^32), got ", k);
        epoch_ = static_cast<std::uint64_t>(k);
    }
    /// Batches of an epoch.
    [[nodiscard]] Index batches() const noexcept { return plan_->batches(); }
    [[nodiscard]] const Dataset<Scalar>& dataset() const noexcept { return *plan_->dataset; }
    [[nodiscard]] const Options& options() const noexcept { return plan_->options; }

private:
    std::shared_ptr<const Plan> plan_;
    std::uint64_t epoch_ = 0;
};

template <class Scalar>
DataLoader(Dataset<Scalar>) -> DataLoader<Scalar>;

}  // namespace espalier::inline ESPALIER_ABI::data
