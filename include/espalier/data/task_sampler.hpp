// SPDX-License-Identifier: MIT
/// @file Samples drawn by the tasks that they are labelled for, for sets that were combined of sets of different sizes.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/random.hpp>
#include <espalier/losses/target.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

/// How the tasks of a `TaskSampler` follow each other.
enum class TaskOrder {
    mixed,  ///< a task is drawn for each sample
    one_task,  ///< a task is drawn for each batch, whose samples are all of it
    round_robin,  ///< the same with the tasks in turns, whatever the temperature
};

/// How a `TaskSampler` draws.
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
