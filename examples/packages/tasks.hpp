// SPDX-License-Identifier: MIT
/// @file What is learnt of a package: one of several classes, several labels at once, or a number.
#pragma once

#include "stanzas.hpp"

#include <espalier/core/moments.hpp>
#include <espalier/losses/target.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace packages {

using espalier::Tensor;
using Target = espalier::losses::Target<float>;

enum class Kind { classes, labels, number };

/// A task, and how a network's numbers become text again.
struct Task {
    std::string name;
    Kind kind = Kind::classes;
    std::vector<std::string> labels = {};
    double mean = 0, deviation = 1;  ///< of a number, which is learnt with mean 0 and deviation 1

    [[nodiscard]] Index outputs() const { return kind == Kind::number ? 1 : static_cast<Index>(labels.size()); }
};

/// What a package says of a task that is classes or labels: nothing, or one or more texts. One of several is no class.
[[nodiscard]] inline std::vector<std::string> said_of(const Task& task, const Package& package) {
    if (task.name == "section")
        return package.section.empty() ? std::vector<std::string>{} : std::vector{package.section};
    const auto found = package.tags.find(task.name);
    if (found == package.tags.end() || (task.kind == Kind::classes && found->second.size() > 1))
        return {};
    return found->second;
}

/// The decades of its size, if it says any.
[[nodiscard]] inline std::optional<double> log_size(const Package& package) {
    return package.size ? std::optional{std::log10(1 + *package.size)} : std::nullopt;
}

/// The tasks that some packages tell of: texts that fewer than one of two thousand have, or only one, are left out, and so is a task
/// without two classes or a label.
[[nodiscard]] inline std::vector<Task> learn_tasks(const std::vector<Package>& packages) {
    std::vector<Task> tasks;
    for (Task task :
         {Task{"section"}, Task{"role"}, Task{"implemented-in"}, Task{"interface", Kind::labels}, Task{"works-with", Kind::labels}}) {
        std::map<std::string, std::size_t> counts;
        for (const Package& package : packages)
            for (const std::string& text : said_of(task, package))
                ++counts[text];
        for (const auto& [text, count] : counts)
            if (count >= std::max<std::size_t>(2, packages.size() / 2000))
                task.labels.push_back(text);
        if (task.labels.size() > (task.kind == Kind::classes ? 1 : 0))
            tasks.push_back(std::move(task));
    }
    espalier::Moments sizes;
    for (const Package& package : packages)
        if (const auto size = log_size(package))
            sizes.add(*size);
    if (sizes.count() > 1 && sizes.deviation() > 0)
        tasks.push_back({.name = "size", .kind = Kind::number, .mean = sizes.mean(), .deviation = sizes.deviation()});
    return tasks;
}

/// (N,) classes, (N, labels) of 0 and 1, or (N, 1) numbers; masked is a package that says nothing of the task, or what no label is for.
[[nodiscard]] inline Target target_of(const Task& task, const std::vector<Package>& packages) {
    const auto count = static_cast<Index>(packages.size());
    Tensor<bool> mask{{count}};
    Tensor<Index> classes{{count}};
    Tensor<float> values{{count, task.outputs()}};
    for (Index i = 0; i < count; ++i) {
        const Package& package = packages[static_cast<std::size_t>(i)];
        if (task.kind == Kind::number) {
            const auto size = log_size(package);
            mask[i] = size.has_value();
            values[i] = static_cast<float>((size.value_or(task.mean) - task.mean) / task.deviation);
            continue;
        }
        for (const std::string& text : said_of(task, package)) {
            const auto found = std::find(task.labels.begin(), task.labels.end(), text);
            if (found == task.labels.end())
                continue;
            mask[i] = true;
            classes[i] = found - task.labels.begin();
            values[i * task.outputs() + classes[i]] = 1;
        }
    }
    if (task.kind == Kind::classes)
        return {std::move(classes), std::move(mask)};
    return {std::move(values), std::move(mask)};
}

[[nodiscard]] inline nlohmann::ordered_json to_json(const std::vector<Task>& tasks) {
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    for (const Task& task : tasks)
        json.push_back({{"name", task.name},
                        {"kind", static_cast<int>(task.kind)},
                        {"labels", task.labels},
                        {"mean", task.mean},
                        {"deviation", task.deviation}});
    return json;
}

/// @throws nlohmann::json::exception; espalier::IoError for a kind that there is not
[[nodiscard]] inline std::vector<Task> tasks_from_json(const nlohmann::ordered_json& json) {
    std::vector<Task> tasks;
    for (const auto& task : json) {
        const int kind = task.at("kind");
        espalier::require<espalier::IoError>(kind >= 0 && kind <= static_cast<int>(Kind::number), "packages",
                                             "expected the kind of a task in [0, 2], got ", kind);
        tasks.push_back({task.at("name"), static_cast<Kind>(kind), task.at("labels"), task.at("mean"), task.at("deviation")});
    }
    return tasks;
}

}  // namespace packages
