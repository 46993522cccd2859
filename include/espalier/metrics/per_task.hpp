// SPDX-License-Identifier: MIT
/// @file One metric for each task of a network.
#pragma once

#include <espalier/autograd/variable.hpp>
#include <espalier/core/named.hpp>
#include <espalier/metrics/metric.hpp>

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::metrics {

/// A metric for each task, fed with the outputs and targets of all.
/// @code
/// metrics::PerTask accuracy{{"left", metrics::Accuracy{}}, {"right", metrics::Accuracy{}}};
/// accuracy.update(net.predict(batch.input), batch.targets);
/// @endcode
template <class Scalar = float>
class PerTask {
public:
    /// @throws StateError for a task that comes twice.
    PerTask(std::initializer_list<typename Named<Metric<Scalar>>::value_type> metrics) : metrics_{metrics} {}
    explicit PerTask(Named<Metric<Scalar>> metrics) : metrics_{std::move(metrics)} {}

    /// Adds a batch: what the net gives, or what its `predict` gives. Outputs and targets without a metric are left out.
    /// @throws StateError for a metric without output or target, and what the metrics throw, with the name of the task. Nothing is
    /// counted for any task then: all metrics see the batch before the first of them counts. (A metric without a `check` is
    /// copied for that.)
    void update(const Named<Variable<Scalar>>& outputs, const losses::Targets<Scalar>& targets) {
        update_all(outputs, targets, [](const Variable<Scalar>& output) -> const Tensor<Scalar>& { return output.value(); });
    }
    template <std::same_as<Tensor<Scalar>> Output = Tensor<Scalar>>  // a template, so that braces mean the other
    void update(const Named<Output>& outputs, const losses::Targets<Scalar>& targets) {
        update_all(outputs, targets, [](const Tensor<Scalar>& output) -> const Tensor<Scalar>& { return output; });
    }

    /// @throws StateError if nothing has been counted for the task, or for one of all tasks; it names the task.
    [[nodiscard]] double value(std::string_view task) const { return value_of(task, metrics_.at(task)); }
    [[nodiscard]] Named<double> value() const {
        return metrics_.map([](const std::string& task, const Metric<Scalar>& metric) { return value_of(task, metric); });
    }
    [[nodiscard]] Index count(std::string_view task) const { return metrics_.at(task).count(); }
    void reset() {
        for (auto& [task, metric] : metrics_)
            metric.reset();
    }

    /// The metrics by task; `metrics().at("left").as<metrics::Accuracy<>>()` is one of them itself.
    [[nodiscard]] const Named<Metric<Scalar>>& metrics() const& noexcept { return metrics_; }
    [[nodiscard]] Named<Metric<Scalar>> metrics() && noexcept { return std::move(metrics_); }

private:
    /// What happens to one metric: it counts in place, or is replaced by a copy that has counted already.
    struct Step {
        const std::string* task;
        Metric<Scalar>* metric;
        const Tensor<Scalar>* prediction;
        const losses::Target<Scalar>* target;
    };

    template <class Output, class ValueOf>
    void update_all(const Named<Output>& outputs, const losses::Targets<Scalar>& targets, const ValueOf& value_of_output) {
        std::vector<Step> in_place;
        std::vector<std::pair<Metric<Scalar>*, Metric<Scalar>>> replaced;
        std::size_t position = 0;
        for (auto& [task, metric] : metrics_) {
            const Output* const output = outputs.find(task, position);
            if (!output)
                fail<StateError>("per_task", "expected an output of task '", task, "', got those of ", outputs.names());
            const losses::Target<Scalar>* const target = targets.find(task, position++);
            if (!target)
                fail<StateError>("per_task", "expected a target of task '", task, "', got those of ", targets.names());
            const Step step{&task, &metric, &value_of_output(*output), target};
            naming(task, [&] {
                if (step.metric->check(*step.prediction, *step.target)) {
                    in_place.push_back(step);
                } else {
                    replaced.emplace_back(step.metric, *step.metric);
                    replaced.back().second.update(*step.prediction, *step.target);
                }
            });
        }
        for (const Step& step : in_place)
            naming(*step.task, [&] { step.metric->update(*step.prediction, *step.target); });
        for (auto& [metric, updated] : replaced)
            *metric = std::move(updated);
    }

    [[nodiscard]] static double value_of(std::string_view task, const Metric<Scalar>& metric) {
        return naming(task, [&] { return metric.value(); });
    }

    /// `f()`, whose errors get the name of the task.
    template <class F>
    static auto naming(std::string_view task, const F& f) {
        try {
            return f();
        } catch (Error& error) {
            error.append(concat(", for task '", task, "'"));
            throw;
        }
    }

    Named<Metric<Scalar>> metrics_;
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
