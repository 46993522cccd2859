// SPDX-License-Identifier: MIT
/// @file Which samples of a set an epoch has, and in what order: by weights, or by the tasks that they are labelled for.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/core/random.hpp>
#include <espalier/losses/target.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <functional>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

/// Any sampler: a copyable value that tells how many samples an epoch has, `size()`, and lists so many of them, in the order in which
/// batches are cut from them, when it is called with the batch size and a generator, both const. If it has `set_size()`, it fits sets of
/// so many samples alone. The list depends on what it draws, and on nothing that changes.
class Sampler {
public:
    /// None: a loader then takes every sample once, shuffled or not.
    Sampler() = default;
    template <class S>
        requires(!std::same_as<S, Sampler>) && requires(const S& sampler, Index batch_size, Random& random) {
            { sampler.size() } -> std::convertible_to<Index>;
            { sampler(batch_size, random) } -> std::same_as<std::vector<Index>>;
        }
    Sampler(S sampler) : size_{sampler.size()} {
        if constexpr (requires { sampler.set_size(); })
            set_size_ = sampler.set_size();
        list_ = std::move(sampler);
    }

    [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(list_); }
    [[nodiscard]] Index size() const noexcept { return size_; }
    /// Of the sets that it is for, or -1 for any.
    [[nodiscard]] Index set_size() const noexcept { return set_size_; }
    /// @throws ValueError if it lists another number than it told, or a sample that is not in a set of `set_size`
    [[nodiscard]] std::vector<Index> operator()(Index set_size, Index batch_size, Random& random) const {
        std::vector<Index> samples = list_(batch_size, random);
        require<ValueError>(static_cast<Index>(samples.size()) == size_, "sampler", "expected ", size_, " samples, got ", samples.size());
        for (const Index sample : samples)
            require<ValueError>(sample >= 0 && sample < set_size, "sampler", "expected samples in [0, ", set_size, "), got ", sample);
        return samples;
    }

private:
    Index size_ = 0;
    Index set_size_ = -1;
    std::function<std::vector<Index>(Index, Random&)> list_;
};

/// How a `WeightedSampler` draws.
struct WeightedSamplerOptions {
    Index samples = 0;        ///< of an epoch; 0 for as many as there are weights
    bool replacement = true;  ///< a sample may come several times
};

/// Draws samples in proportion to their weights: rare classes more often.
class WeightedSampler {
public:
    /// One weight for each sample of the set. @throws ValueError for a weight that is negative or not finite, no weight above 0, a negative
    /// number of samples or, without replacement, more than have a weight above 0
    explicit WeightedSampler(std::vector<double> weights, const WeightedSamplerOptions& options = {})
        : weights_{std::move(weights)}, options_{options} {
        require<ValueError>(std::all_of(weights_.begin(), weights_.end(), [](double w) { return is_finite(w) && w >= 0; }),
                            "WeightedSampler", "expected finite weights of at least 0, got another");
        const auto drawn = std::count_if(weights_.begin(), weights_.end(), [](double w) { return w > 0; });
        require<ValueError>(drawn > 0, "WeightedSampler", "expected a weight above 0, got none");
        require<ValueError>(options_.samples >= 0, "WeightedSampler", "expected a number of samples of at least 0, got ", options_.samples);
        if (options_.samples == 0)
            options_.samples = set_size();
        require<ValueError>(options_.replacement || options_.samples <= drawn, "WeightedSampler", "expected at most ", drawn,
                            " samples, which have a weight above 0 and come once each, got ", options_.samples);
    }

    [[nodiscard]] Index size() const noexcept { return options_.samples; }
    [[nodiscard]] Index set_size() const noexcept { return static_cast<Index>(weights_.size()); }
    [[nodiscard]] std::vector<Index> operator()(Index, Random& random) const {
        return options_.replacement ? with_replacement(random) : without_replacement(random);
    }

private:
    [[nodiscard]] std::vector<Index> with_replacement(Random& random) const {
        std::vector<double> sums(weights_.size());  // the largest weight counts 1: a sum of large ones is finite
        const double largest = *std::max_element(weights_.begin(), weights_.end());
        double sum = 0;
        for (std::size_t i = 0; i < sums.size(); ++i)
            sums[i] = sum += weights_[i] / largest;
        std::vector<Index> result;
        for (Index i = 0; i < options_.samples; ++i) {
            const auto found = std::upper_bound(sums.begin(), sums.end(), random.uniform<double>() * sum);
            // Rounded up to the whole sum: the last sample that has a weight.
            result.push_back((found != sums.end() ? found : std::lower_bound(sums.begin(), sums.end(), sum)) - sums.begin());
        }
        return result;
    }
    /// The samples of the smallest arrival times, each of the rate of its weight (Efraimidis and Spirakis, Information Processing
    /// Letters 97, 2006).
    [[nodiscard]] std::vector<Index> without_replacement(Random& random) const {
        std::vector<std::pair<double, Index>> arrivals;
        for (std::size_t i = 0; i < weights_.size(); ++i) {
            const double draw = random.uniform<double>();
            if (weights_[i] > 0)  // by logarithms: a quotient might overflow
                arrivals.emplace_back(std::log(-std::log1p(-draw)) - std::log(weights_[i]), static_cast<Index>(i));
        }
        std::sort(arrivals.begin(), arrivals.end());
        std::vector<Index> result;
        for (Index i = 0; i < options_.samples; ++i)
            result.push_back(arrivals[static_cast<std::size_t>(i)].second);
        return result;
    }

    std::vector<double> weights_;
    WeightedSamplerOptions options_;
};

/// How the tasks of a `TaskSampler` follow each other.
enum class TaskOrder {
    mixed,  ///< a task is drawn for each sample
    one_task,  ///< a task is drawn for each batch, whose samples are all of it
    round_robin,  ///< the same with the tasks in turns, whatever the temperature
};

struct TaskSamplerOptions {
    TaskOrder order = TaskOrder::mixed;
    /// A task of n labelled samples is drawn in proportion to n^(1 / temperature): 1 by its size, 2 by the square root of it, infinity
    /// like any other.
    double temperature = 1;
    Index samples = 0;  ///< of an epoch; 0 for as many as the set has
};

/// Draws tasks, and of each the samples that are labelled for it: all of them once before one comes again, in an order of their own in each
/// epoch. For sets that were combined of sets of different sizes. A batch has the labels that its samples have, those of other tasks too.
class TaskSampler {
public:
    /// @throws ValueError for no task, a task without a labelled sample, a temperature that is not above 0, a negative number of samples
    template <class Scalar>
    explicit TaskSampler(const losses::Targets<Scalar>& targets, const TaskSamplerOptions& options = {}) : options_{options} {
        require<ValueError>(!targets.empty(), "TaskSampler", "expected the target of at least one task, got none");
        require<ValueError>(options_.temperature > 0, "TaskSampler", "expected a temperature above 0, got ", options_.temperature);
        require<ValueError>(options_.samples >= 0, "TaskSampler", "expected a number of samples of at least 0, got ", options_.samples);
        for (const auto& [task, target] : targets) {
            set_size_ = target.size();
            std::vector<Index>& labelled = samples_.emplace_back();
            for (Index i = 0; i < target.size(); ++i)
                if (target.labelled(i))
                    labelled.push_back(i);
            require<ValueError>(!labelled.empty(), "TaskSampler", "expected a labelled sample of task '", task, "', got none");
        }
        if (options_.samples == 0)
            options_.samples = set_size_;
        std::size_t most = 0;
        for (const auto& labelled : samples_)
            most = std::max(most, labelled.size());
        for (const auto& labelled : samples_) {  // the largest task counts 1, however low the temperature
            const double share = static_cast<double>(labelled.size()) / static_cast<double>(most);
            sums_.push_back((sums_.empty() ? 0 : sums_.back()) + std::pow(share, 1 / options_.temperature));
        }
    }

    [[nodiscard]] Index size() const noexcept { return options_.samples; }
    [[nodiscard]] Index set_size() const noexcept { return set_size_; }
    [[nodiscard]] std::vector<Index> operator()(Index batch_size, Random& random) const {
        struct Deck {
            std::vector<Index> order;
            std::size_t next = 0;
        };
        std::vector<Deck> decks(samples_.size());
        const Index of_one_task = options_.order == TaskOrder::mixed ? 1 : batch_size;
        std::vector<Index> result;
        result.reserve(static_cast<std::size_t>(options_.samples));
        std::size_t task = 0;
        for (Index i = 0; i < options_.samples; ++i) {
            if (i % of_one_task == 0)
                task = next_task(i / of_one_task, random);
            Deck& deck = decks[task];
            const auto& labelled = samples_[task];
            if (deck.next == deck.order.size()) {
                deck.order = random.permutation(static_cast<Index>(labelled.size()));
                deck.next = 0;
            }
            result.push_back(labelled[static_cast<std::size_t>(deck.order[deck.next++])]);
        }
        return result;
    }

private:
    [[nodiscard]] std::size_t next_task(Index turn, Random& random) const {
        if (options_.order == TaskOrder::round_robin)
            return static_cast<std::size_t>(turn) % samples_.size();
        const auto found = std::upper_bound(sums_.begin(), sums_.end(), random.uniform<double>() * sums_.back());
        return std::min(static_cast<std::size_t>(found - sums_.begin()), sums_.size() - 1);
    }

    std::vector<std::vector<Index>> samples_;  ///< of each task
    std::vector<double> sums_;  ///< of the tasks' shares
    Index set_size_ = 0;
    TaskSamplerOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::data
