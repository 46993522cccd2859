// SPDX-License-Identifier: MIT
/// @file One metric for each task of a network.
#pragma once

#include <espalier/autograd/variable.hpp>
#include <espalier/core/named.hpp>
#include <espalier/metrics/metric.hpp>

#include <initializer_list>
#include <string_view>
#include <utility>

namespace espalier::inline ESPALIER_ABI::metrics {

/// @code
/// metrics::PerTask accuracy{{"left", metrics::Accuracy{}}, {"right", metrics::Accuracy{}}};
/// accuracy.update(net(batch.input), batch.targets);
/// @endcode
template <class Scalar = float>
class PerTask {
public:
    /// @throws StateError for a task that comes twice.
    PerTask(std::initializer_list<typename Named<Metric<Scalar>>::value_type> metrics) : metrics_{metrics} {}
    explicit PerTask(Named<Metric<Scalar>> metrics) : metrics_{std::move(metrics)} {}

    /// Adds a batch; outputs and targets without a metric are left out. @throws StateError for a metric without output or
    /// target, and as the metrics do; nothing is counted for any task then.
    void update(const Named<Variable<Scalar>>& outputs, const losses::Targets<Scalar>& targets) {
        Named<Metric<Scalar>> updated = metrics_;
        for (auto& [task, metric] : updated) {
            require<StateError>(outputs.contains(task), "per_task", "expected an output of task '", task, "', got those of ",
                                outputs.names());
            require<StateError>(targets.contains(task), "per_task", "expected a target of task '", task, "', got those of ",
                                targets.names());
            metric.update(outputs.at(task).value(), targets.at(task));
        }
        metrics_ = std::move(updated);
    }

    /// @throws StateError if nothing has been counted for the task, or for one of all tasks.
    [[nodiscard]] double value(std::string_view task) const { return metrics_.at(task).value(); }
    [[nodiscard]] Named<double> value() const {
        Named<double> result;
        for (const auto& [task, metric] : metrics_)
            result.insert(task, metric.value());
        return result;
    }
    [[nodiscard]] Index count(std::string_view task) const { return metrics_.at(task).count(); }
    void reset() {
        for (auto& [task, metric] : metrics_)
            metric.reset();
    }

    [[nodiscard]] const Named<Metric<Scalar>>& metrics() const noexcept { return metrics_; }

private:
    Named<Metric<Scalar>> metrics_;
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
