// SPDX-License-Identifier: MIT
/// @file The progress of a training of some tasks: redrawn in place on a terminal, a line now and then elsewhere.
#pragma once

#include "multi_fashion/progress.hpp"

#include <espalier/core/named.hpp>
#include <espalier/mtl/multi_task_loss.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace examples {

/// Shows how far a training is, and the mean loss of each task over the last steps.
class Bar {
public:
    Bar(std::string title, espalier::Index steps) : title_{std::move(title)}, steps_{steps} {}

    void step(const espalier::mtl::MultiTaskLossValue<>& loss, const std::vector<std::string>& of_tasks) {
        ++done_;
        for (const std::string& task : of_tasks) {
            if (!losses_.contains(task))
                losses_.insert(task, static_cast<double>(loss.item(task)));
            double& mean = losses_.at(task);
            mean += 0.05 * (static_cast<double>(loss.item(task)) - mean);
        }
        const auto now = Clock::now();
        const bool last = done_ == steps_;
        if (last || now - shown_ > (terminal_.interactive ? std::chrono::milliseconds{100} : std::chrono::seconds{20})) {
            shown_ = now;
            show(last);
        }
    }

private:
    using Clock = std::chrono::steady_clock;

    void show(bool last) const {
        const double seconds = std::chrono::duration<double>(shown_ - start_).count(),
                     share = static_cast<double>(done_) / static_cast<double>(steps_);
        std::string words;
        for (const auto& [task, mean] : losses_)
            words += multi_fashion::text("%s %.3f  ", task.c_str(), mean);
        words += last ? multi_fashion::text("%.0f s", seconds) : multi_fashion::text("%.0f s left", seconds * (1 - share) / share);
        if (terminal_.interactive)
            terminal_.draw_bar(title_, share, words, last);
        else
            std::fprintf(stderr, "%s %3.0f %%  %s\n", title_.c_str(), 100 * share, words.c_str());
    }

    std::string title_;
    espalier::Index steps_;
    espalier::Index done_ = 0;
    espalier::Named<double> losses_;
    multi_fashion::Terminal terminal_ = multi_fashion::Terminal::of(stderr);
    Clock::time_point start_ = Clock::now(), shown_ = start_;
};

}  // namespace examples
