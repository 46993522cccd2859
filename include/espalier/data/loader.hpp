// SPDX-License-Identifier: MIT
/// @file Batches of a set, shuffled, and made ready on a thread while the training step before is still running.
#pragma once

#include <espalier/data/batch.hpp>
#include <espalier/data/batch_iterator.hpp>
#include <espalier/data/dataset.hpp>
#include <espalier/data/prefetch.hpp>
#include <espalier/data/sampler.hpp>
#include <espalier/data/transform.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <numeric>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {
namespace detail {

template <class T>
inline constexpr bool is_batch = false;
template <class Scalar>
inline constexpr bool is_batch<Batch<Scalar>> = true;

/// The batch of the samples that `indices` lists. A set that draws nothing need not take the generator.
template <class Set>
    requires requires(const Set& set, std::span<const Index> indices, Random& random) { set.gather(indices, random); } ||
             requires(const Set& set, std::span<const Index> indices) { set.gather(indices); }
[[nodiscard]] auto gather_batch(const Set& set, std::span<const Index> indices, Random& random) {
    if constexpr (requires { set.gather(indices, random); })
        return set.gather(indices, random);
    else
        return set.gather(indices);
}

}  // namespace detail

/// What a loader walks over besides a `Dataset`: anything with a number of samples, `size()`, that makes the batch of some of
/// them, `gather(std::span<const Index>)` or `gather(std::span<const Index>, Random&)`, both const. The samples need not lie in
/// memory, and may be drawn anew each time: what is drawn from `Random` depends on (seed, epoch, batch) alone. It is asked on
/// the loader's thread, and by several loops at once if there are.
template <class Set>
concept BatchSource = requires(const Set& set, std::span<const Index> indices, Random& random) {
    { set.size() } -> std::convertible_to<Index>;
    requires detail::is_batch<decltype(detail::gather_batch(set, indices, random))>;
};

namespace detail {

template <BatchSource Set>
using ScalarOfSource = typename decltype(gather_batch(std::declval<const Set&>(), {}, std::declval<Random&>()).input)::value_type;

}  // namespace detail

/// How a loader makes batches.
template <class Scalar = float>
struct DataLoaderOptions {
    Index batch_size = 32;
    bool shuffle = true;
    std::uint64_t seed = 0;
    bool drop_last = false;  ///< leave out the last batch of an epoch if it is smaller than the others
    Index prefetch = 2;      ///< batches made ahead on a thread; 0 makes each when it is asked for
    /// Changes a batch after it is gathered, such as random flips; runs on that thread. What it draws from `Random`
    /// depends on (seed, epoch, batch) alone.
    Transform<Scalar> transform = {};
    /// Which samples an epoch has, in what order, as `TaskSampler{set.targets()}`; without one, all, and `shuffle` says.
    Sampler sampler = {};
};

/// Walks over a set in batches: `for (const auto& batch : loader)` is one epoch.
///
/// The order of an epoch depends on (seed, epoch) alone, and the batches are the same for every `prefetch`. A loop has all
/// it needs: it may be left early, which stops its thread, and it goes on when the loader is assigned to or destroyed. A loop
/// within a loop is the next epoch. Copies share the set and count their epochs themselves; each thread takes its own.
template <class Scalar = float>
class DataLoader {
    using Options = DataLoaderOptions<Scalar>;

    /// What the thread works on; the loader may be moved or destroyed meanwhile.
    struct Plan {
        std::shared_ptr<const Dataset<Scalar>> dataset;  // null for a set of another kind
        std::function<Batch<Scalar>(std::span<const Index>, Random&)> gather;
        Index samples;
        Options options;

        [[nodiscard]] Index batches() const noexcept {
            const Index size = options.batch_size;
            return options.drop_last ? drawn() / size : (drawn() - 1) / size + 1;
        }
        /// Samples of an epoch.
        [[nodiscard]] Index drawn() const noexcept { return options.sampler ? options.sampler.size() : samples; }
        /// Nothing for the order of the set itself.
        [[nodiscard]] std::vector<Index> order(std::uint64_t epoch) const {
            if (options.sampler) {
                Random random{options.seed, epoch << 32};
                return options.sampler(samples, options.batch_size, random);
            }
            return options.shuffle ? Random{options.seed, epoch << 32}.permutation(samples) : std::vector<Index>{};
        }
        [[nodiscard]] Batch<Scalar> make(const std::vector<Index>& order, std::uint64_t epoch, Index number) const {
            const Index first = number * options.batch_size;
            const auto count = static_cast<std::size_t>(std::min(options.batch_size, drawn() - first));
            std::vector<Index> in_order;
            if (order.empty()) {
                in_order.resize(count);
                std::iota(in_order.begin(), in_order.end(), first);
            }
            const auto indices = order.empty() ? std::span<const Index>{in_order}
                                               : std::span{order}.subspan(static_cast<std::size_t>(first), count);
            Random random{options.seed, (epoch << 32) + static_cast<std::uint64_t>(number) + 1};  // + 0 is the order's stream
            Batch<Scalar> batch = gather(indices, random);
            options.transform(batch, random);
            detail::check_batch(batch);
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
        const auto gather = [set = dataset.get()](std::span<const Index> indices, Random&) { return set->samples().gather(indices); };
        const Index samples = dataset->size();
        set_plan({std::move(dataset), gather, samples, std::move(options)});
    }
    /// Walks over a set that makes its own batches. @throws as above; ValueError for no samples
    template <BatchSource Set>
    ESPALIER_COLD explicit DataLoader(Set set, std::type_identity_t<Options> options = {})
        : DataLoader{std::make_shared<const Set>(std::move(set)), std::move(options)} {}
    template <BatchSource Set>
    ESPALIER_COLD explicit DataLoader(std::shared_ptr<Set> set, std::type_identity_t<Options> options = {}) {
        require<StateError>(set != nullptr, "data_loader", "expected a set, got null");
        const Index samples = static_cast<Index>(set->size());
        auto gather = [set = std::shared_ptr<const Set>{std::move(set)}](std::span<const Index> indices, Random& random) {
            return detail::gather_batch(*set, indices, random);
        };
        set_plan({nullptr, std::move(gather), samples, std::move(options)});
    }
    // A move is a copy, which costs nothing: so there is no loader that was moved from and has no set.
    DataLoader(const DataLoader&) = default;
    DataLoader& operator=(const DataLoader&) = default;
    ~DataLoader() = default;

    /// @throws from its `operator++` what the set or the transform threw for the next batch; ShapeError if it made one that does not fit
    /// together
    using Iterator = BatchIterator<Scalar>;

    /// Starts the next epoch. @throws as `Iterator::operator++`, for the first batch; StateError after epoch 2^32 - 1
    [[nodiscard]] ESPALIER_COLD Iterator begin() {
        require<StateError>(epoch_ < epochs, "data_loader", "expected an epoch in [0, 2^32), got ", epoch_);
        const std::uint64_t epoch = epoch_;
        auto make = [plan = plan_, order = plan_->order(epoch), epoch](Index number) { return plan->make(order, epoch, number); };
        Iterator first{detail::Prefetcher<Batch<Scalar>>{std::move(make), batches(), plan_->options.prefetch}};
        ++epoch_;
        return first;
    }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

    /// The epoch that the next `begin()` starts, counted from 0: inside a loop it is one more than the running one's.
    [[nodiscard]] Index epoch() const noexcept { return static_cast<Index>(epoch_); }
    /// Resumes a training: the next `begin()` starts epoch `k`. @throws ValueError unless 0 <= k < 2^32
    void set_epoch(Index k) {
        require<ValueError>(k >= 0 && k < static_cast<Index>(epochs), "data_loader", "expected an epoch in [0, 2^32), got ", k);
        epoch_ = static_cast<std::uint64_t>(k);
    }
    /// Batches of an epoch.
    [[nodiscard]] Index batches() const noexcept { return plan_->batches(); }
    /// Samples of the set.
    [[nodiscard]] Index samples() const noexcept { return plan_->samples; }
    /// @throws StateError if the loader walks over a set of another kind
    [[nodiscard]] const Dataset<Scalar>& dataset() const& {
        require<StateError>(plan_->dataset != nullptr, "data_loader", "expected a loader of a Dataset, got one of another kind of set");
        return *plan_->dataset;
    }
    [[nodiscard]] Dataset<Scalar> dataset() && { return std::as_const(*this).dataset(); }
    [[nodiscard]] const Options& options() const& noexcept { return plan_->options; }
    [[nodiscard]] Options options() && { return plan_->options; }

private:
    static constexpr std::uint64_t epochs = std::uint64_t{1} << 32;  // an epoch, and a batch within it, is half of a stream's number

    void set_plan(Plan plan) {
        const Options& options = plan.options;
        require<ValueError>(options.batch_size >= 1, "data_loader", "expected a batch size of at least 1, got ", options.batch_size);
        require<ValueError>(options.prefetch >= 0, "data_loader", "expected a prefetch of at least 0, got ", options.prefetch);
        require<ValueError>(plan.samples >= 1, "data_loader", "expected a set of at least one sample, got ", plan.samples);
        require<ValueError>(!options.sampler || options.sampler.size() >= 1, "data_loader",
                            "expected a sampler of at least one sample, got ", plan.drawn());
        require<ValueError>(!options.sampler || options.sampler.set_size() == -1 || options.sampler.set_size() == plan.samples,
                            "data_loader", "expected a sampler for a set of ", plan.samples, " samples, got one for ",
                            options.sampler.set_size());
        require<ValueError>(plan.batches() > 0, "data_loader", "expected at least one batch, got ", plan.drawn(),
                            " samples, a batch size of ", options.batch_size, " and drop_last");
        require<ValueError>(plan.batches() < static_cast<Index>(epochs), "data_loader", "expected fewer than 2^32 batches, got ",
                            plan.batches());
        plan_ = std::make_shared<const Plan>(std::move(plan));
    }

    std::shared_ptr<const Plan> plan_;
    std::uint64_t epoch_ = 0;
};

template <class Scalar>
DataLoader(Dataset<Scalar>) -> DataLoader<Scalar>;
template <BatchSource Set>
DataLoader(Set, DataLoaderOptions<detail::ScalarOfSource<Set>> = {}) -> DataLoader<detail::ScalarOfSource<Set>>;
template <class Scalar>
DataLoader(std::shared_ptr<Dataset<Scalar>>, DataLoaderOptions<Scalar> = {}) -> DataLoader<Scalar>;
template <BatchSource Set>
DataLoader(std::shared_ptr<Set>, DataLoaderOptions<detail::ScalarOfSource<Set>> = {}) -> DataLoader<detail::ScalarOfSource<Set>>;

}  // namespace espalier::inline ESPALIER_ABI::data
