// SPDX-License-Identifier: MIT
/// @file What programs that time training steps share: options, the clock, and the JSON that `compare` reads.
#pragma once

#include "clock.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

namespace benchmarks {

struct StepOptions {
    std::string net = "reference";
    std::vector<std::ptrdiff_t> input{128, 128, 1};
    std::ptrdiff_t batch = 32;
    int threads = 2;
    double seconds = 5;
    int steps = 0;
    std::string json = {};
};

inline void add_options(CLI::App& app, StepOptions& options, const std::vector<std::string>& nets) {
    app.get_formatter()->column_width(40);
    const auto add = [&](const char* name, auto& value, const char* type, const char* what) {
        return app.add_option(name, value, what)->type_name(type)->capture_default_str();
    };
    add("--net", options.net, "NAME", "network")->check(CLI::IsMember(nets));
    add("--input", options.input, "HxWxC", "extents of one input")->delimiter('x')->check(CLI::Range(1, 100'000));
    add("--batch", options.batch, "N", "inputs a step")->check(CLI::Range(1, 1'000'000));
    add("--threads", options.threads, "N", "threads")->check(CLI::Range(1, 1024));
    add("--seconds", options.seconds, "S", "time to measure for, at least 3 steps")->check(CLI::Range(0.0, 1e6));
    add("--steps", options.steps, "N", "steps to measure; 0 for as many as fit the time")->check(CLI::Range(0, 1'000'000));
    add("--json", options.json, "FILE", "for the figures");
}

/// Milliseconds of each step, after a warm-up of at least 3 steps and 0.3 s.
template <class Step>
std::vector<double> time_steps(const StepOptions& options, const Step& step) {
    const double start = seconds_now();
    for (int i = 0; i < 3 || seconds_now() - start < 0.3; ++i)
        step();
    std::vector<double> times;
    const auto enough = [&, begin = seconds_now()] {
        return options.steps > 0 ? std::ssize(times) >= options.steps : times.size() >= 3 && seconds_now() - begin >= options.seconds;
    };
    while (!enough()) {
        const double before = seconds_now();
        step();
        times.push_back(1e3 * (seconds_now() - before));
    }
    return times;
}

/// The upper one of two in the middle. @pre not empty
inline double median(std::vector<double> values) {
    const auto middle = values.begin() + std::ssize(values) / 2;
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

/// A line of this process's status, in MB; 0 where there is no /proc.
inline double status_megabytes(const std::string& key) {
    std::ifstream status{"/proc/self/status"};
    double kilobytes = 0;
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(key))
            kilobytes = std::stod(line.substr(key.size()));
    return kilobytes / 1024;
}

/// Memory that is resident now.
inline double resident_megabytes() { return status_megabytes("VmRSS:"); }

/// The most memory that this program ever had resident. getrusage would not do: it counts what the parent had before it became
/// this program.
inline double peak_megabytes() { return status_megabytes("VmHWM:"); }

struct Figures {
    std::vector<double> times;  ///< ms of each step
    std::string text;           ///< who took them
    double start_mb = 0;        ///< resident before a network and a batch were made
    double peak_gflops = 0;     ///< of multiply-adds on all threads, just before or after the steps; 0 if it was not measured
};

/// Prints the figures and writes them to `options.json`. @returns the program's exit code
inline int report(const StepOptions& options, const Figures& figures) {
    const double smallest = *std::min_element(figures.times.begin(), figures.times.end());
    const double middle = median(figures.times);
    std::string input;
    for (const auto extent : options.input)
        input += (input.empty() ? "" : "x") + std::to_string(extent);
    std::printf("%s, input %s, batch %td: median %.3f ms a step, min %.3f, %zu steps, peak memory %.0f MB, %.0f at the start\n%s\n",
                options.net.c_str(), input.c_str(), options.batch, middle, smallest, figures.times.size(), peak_megabytes(),
                figures.start_mb, figures.text.c_str());
    if (options.json.empty())
        return 0;
    const nlohmann::ordered_json json{{"net", options.net},          {"input", options.input},       {"batch", options.batch},
                                      {"threads", options.threads},  {"median_ms", middle},          {"min_ms", smallest},
                                      {"peak_mb", peak_megabytes()}, {"start_mb", figures.start_mb}, {"peak_gflops", figures.peak_gflops},
                                      {"text", figures.text},        {"step_ms", figures.times}};
    std::ofstream file{options.json};
    file << json.dump() << '\n';
    file.flush();
    if (file)
        return 0;
    std::fprintf(stderr, "expected to write %s\n", options.json.c_str());
    return 1;
}

}  // namespace benchmarks
