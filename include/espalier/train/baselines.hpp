// SPDX-License-Identifier: MIT
/// @file What nets of one task alone reach under the same recipe, kept in a file that later runs are compared with.
///
/// Needs nlohmann_json, so `espalier/train.hpp` is without it.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/core/moments.hpp>
#include <espalier/core/named.hpp>
#include <espalier/io/file.hpp>
#include <espalier/mtl/comparison.hpp>
#include <espalier/train/early_stopping.hpp>

#include <nlohmann/json.hpp>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::train {

/// One metric of one task, over runs that differ in their seed alone.
struct Baseline {
    Mode mode = Mode::max;  ///< whether less of it is better, or more
    double mean = 0;
    double deviation = 0;  ///< of the runs as a sample, so over n - 1; 0 for one
    Index runs = 0;

    friend bool operator==(const Baseline&, const Baseline&) = default;
};

/// Metrics by task, and the recipe that they come from: data, network, optimizer and budget in words of one's own.
struct Baselines {
    std::string recipe;
    Named<Named<Baseline>> tasks;

    /// What `mtl::delta_m_drop` and `mtl::delta_m_improvement` take, every task counting the same: `results` are the same metrics of
    /// the same tasks, as a net of all of them has them. @throws StateError for others
    [[nodiscard]] std::vector<mtl::MetricResult> compare(const Named<Named<double>>& results) const {
        require<StateError>(results.size() == tasks.size(), "baselines", "expected results of ", tasks.names(), ", got ", results.names());
        std::vector<mtl::MetricResult> compared;
        for (const auto& [task, metrics] : tasks) {
            const Named<double>& values = results.at(task);
            require<StateError>(values.size() == metrics.size(), "baselines", "expected ", metrics.names(), " of task '", task, "', got ",
                                values.names());
            for (const auto& [metric, baseline] : metrics)
                compared.push_back({.value = values.at(metric),
                                    .baseline = baseline.mean,
                                    .higher_is_better = baseline.mode == Mode::max,
                                    .weight = 1 / static_cast<double>(metrics.size())});
        }
        return compared;
    }

    /// Atomically. @throws IoError naming the path, also for names that are not UTF-8
    void save(const std::filesystem::path& path) const {
        nlohmann::ordered_json json{{"format", format}, {"recipe", recipe}, {"tasks", nlohmann::ordered_json::object()}};
        for (const auto& [task, metrics] : tasks)
            for (const auto& [metric, baseline] : metrics)
                json["tasks"][task][metric] = {{"better", baseline.mode == Mode::max ? "higher" : "lower"},
                                               {"mean", baseline.mean},
                                               {"deviation", baseline.deviation},
                                               {"runs", baseline.runs}};
        std::string text;
        try {
            text = json.dump(2);
        } catch (const nlohmann::json::exception&) {
            fail<IoError>("baselines", "expected names in UTF-8, which JSON needs, for ", path, ", got another encoding");
        }
        io::write_file(path, text + "\n");
    }

    /// @throws IoError for a file that `save` did not write; StateError if it is of another recipe than the one expected
    [[nodiscard]] static Baselines load(const std::filesystem::path& path, const std::string& recipe) {
        Baselines result;
        try {
            const auto json = nlohmann::ordered_json::parse(io::read_file(path));
            require<IoError>(json.at("format") == format, "baselines", "expected the format '", format, "' in ", path, ", got ",
                             json.at("format").dump());
            json.at("recipe").get_to(result.recipe);
            for (const auto& [task, metrics] : json.at("tasks").items()) {
                auto& of_task = result.tasks.insert(task, {});
                for (const auto& [metric, entry] : metrics.items())
                    of_task.insert(metric, read(path, entry));
            }
        } catch (const nlohmann::json::exception& error) {
            fail<IoError>("baselines", "expected baselines in ", path, ", got something else: ", error.what());
        }
        require<StateError>(result.recipe == recipe, "baselines", "expected baselines of the recipe '", recipe, "' in ", path, ", got '",
                            result.recipe, "'");
        return result;
    }

    friend bool operator==(const Baselines&, const Baselines&) = default;

private:
    static constexpr const char* format = "espalier baselines 1";

    [[nodiscard]] static Baseline read(const std::filesystem::path& path, const nlohmann::ordered_json& entry) {
        const auto better = entry.at("better").get<std::string>();
        const Baseline result{.mode = better == "higher" ? Mode::max : Mode::min,
                              .mean = entry.at("mean").get<double>(),
                              .deviation = entry.at("deviation").get<double>(),
                              .runs = entry.at("runs").get<Index>()};
        require<IoError>((better == "higher" || better == "lower") && is_finite(result.mean) && is_finite(result.deviation) &&
                             result.deviation >= 0 && result.runs >= 1,
                         "baselines", "expected finite baselines of at least one run that are better 'higher' or 'lower' in ", path,
                         ", got ", entry.dump());
        return result;
    }
};

/// Designated initialisers stand in this order.
struct BaselineOptions {
    std::string recipe;                      ///< whatever changes the results; another one is refused when they are loaded
    Named<Mode> metrics;                     ///< those that a training gives, and which way is better
    std::vector<std::uint64_t> seeds = {1};  ///< a run for each
};

/// Trains each task alone, once for each seed:
/// @code
/// const auto baselines = train::single_task_baselines(
///     net.tasks(), {.recipe = "LeNet, Adam 1e-3, 20 epochs", .metrics = {{"accuracy", train::Mode::max}}, .seeds = {1, 2, 3}},
///     [&](const std::string& task, std::uint64_t seed) { ...; return Named<double>{{"accuracy", accuracy.value()}}; });
/// baselines.save("baselines.json");
/// @endcode
/// @throws StateError for no task, metric or seed, and for a training that gives other metrics; ValueError for one that is not finite;
/// what a training throws
template <std::invocable<const std::string&, std::uint64_t> TrainAlone>
[[nodiscard]] Baselines single_task_baselines(const std::vector<std::string>& tasks, const BaselineOptions& options,
                                              const TrainAlone& train_alone) {
    require<StateError>(!tasks.empty() && options.metrics.size() > 0 && !options.seeds.empty(), "single_task_baselines",
                        "expected at least one task, metric and seed, got ", tasks.size(), ", ", options.metrics.size(), " and ",
                        options.seeds.size());
    Baselines result{options.recipe, {}};
    for (const std::string& task : tasks) {
        Named<Moments> moments = options.metrics.map([](const std::string&, Mode) { return Moments{}; });
        for (const std::uint64_t seed : options.seeds) {
            const Named<double> run = train_alone(task, seed);
            require<StateError>(run.size() == moments.size(), "single_task_baselines", "expected ", moments.names(), " of task '", task,
                                "', got ", run.names());
            for (auto& [metric, moment] : moments) {
                require<ValueError>(is_finite(run.at(metric)), "single_task_baselines", "expected a finite ", metric, " of task '", task,
                                    "', got ", run.at(metric));
                moment.add(run.at(metric));
            }
        }
        result.tasks.insert(task, moments.map([&](const std::string& metric, const Moments& moment) {
            return Baseline{options.metrics.at(metric), moment.mean(), moment.sample_deviation(), moment.count()};
        }));
    }
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::train
