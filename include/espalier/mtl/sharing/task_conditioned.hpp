// SPDX-License-Identifier: MIT
/// @file One trunk that is run once for each task, with layers that differ by the task.
#pragma once

#include <espalier/mtl/sharing.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {
namespace detail {

/// While one lives, what this thread runs is run for a task.
class TaskScope {
public:
    explicit TaskScope(std::size_t task) noexcept : before_{std::exchange(current(), task)} {}
    TaskScope(const TaskScope&) = delete;
    TaskScope& operator=(const TaskScope&) = delete;
    ~TaskScope() { current() = before_; }

    /// @throws StateError unless the task is one of so many
    [[nodiscard]] static std::size_t task_of(const char* operation, std::size_t tasks) {
        require<StateError>(current() != none, operation, "expected to be run for one of ", tasks, " tasks, by a TaskConditioned");
        require<StateError>(current() < tasks, operation, "expected to be run for one of ", tasks, " tasks, got task ", current());
        return current();
    }

private:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);
    [[nodiscard]] static std::size_t& current() noexcept {
        static thread_local std::size_t task = none;
        return task;
    }

    std::size_t before_;
};

}  // namespace detail

/// A layer of which each task has a copy, for the trunk of a `TaskConditioned`: what is not shared of it. Paths: `<task>.<...>`.
template <class L>
class OfEachTask : public nn::Module<OfEachTask<L>, typename L::value_type> {
public:
    using Scalar = typename L::value_type;

    /// All copies begin with the values of `layer`. @throws ValueError for no task
    OfEachTask(const L& layer, std::size_t tasks) : copies_{std::vector<L>(tasks, layer)} {
        require<ValueError>(tasks > 0, "OfEachTask", "expected at least one task, got none");
    }

    /// @throws StateError unless a `TaskConditioned` of no more tasks runs it, and what the layer throws
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) {
        return copies_[detail::TaskScope::task_of("OfEachTask", copies_.size())](x);
    }

    void visit(nn::Visitor<Scalar>& visitor) { copies_.visit(visitor); }

private:
    nn::Children<L> copies_;
};

/// One trunk, run once for each task, makes the features of that task: the same parameters but in layers that differ by the task, as an
/// `OfEachTask` or a `FactorisedLinear` does wherever it stands in the trunk. Without one all tasks have the same features.
template <class Scalar = float>
class TaskConditioned : public nn::Module<TaskConditioned<Scalar>, Scalar> {
public:
    /// For so many heads. @throws ValueError for none
    TaskConditioned(nn::Layer<Scalar> trunk, std::size_t tasks) : trunk_{std::move(trunk)}, tasks_{tasks} {
        require<ValueError>(tasks > 0, "TaskConditioned", "expected at least one task, got none");
    }

    /// @throws what the trunk throws; a ShapeError says for which task
    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) {
        Features<Scalar> result;
        for (std::size_t task = 0; task < tasks_; ++task) {
            const detail::TaskScope scope{task};
            result.push_back(nn::detail::naming_place([&] { return trunk_(input); },
                                                      [&](const ShapeError&) { return concat("the trunk for task ", task); }));
        }
        return result;
    }

    void visit(nn::Visitor<Scalar>& visitor) { trunk_.visit(visitor); }

private:
    nn::Layer<Scalar> trunk_;
    std::size_t tasks_;
};

template <class Trunk>
TaskConditioned(Trunk, std::size_t) -> TaskConditioned<typename Trunk::value_type>;

}  // namespace espalier::inline ESPALIER_ABI::mtl
