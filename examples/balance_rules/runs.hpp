// SPDX-License-Identifier: MIT
/// @file What each run reached, in a file that grows with every run, so that none is ever done twice.
#pragma once

#include <espalier/espalier.hpp>
#include <espalier/io.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace balance_rules {

using espalier::Index;

/// Which run it is.
struct Job {
    std::string rule;
    std::string way;    ///< of sharing
    std::string scope;  ///< of the rule; `alone` for a network of one task
    std::uint64_t seed = 1;
    double learning_rate = 1e-4;

    friend bool operator==(const Job&, const Job&) = default;
};

struct Accuracy {
    double validation = 0;
    double test = 0;
};

struct Run {
    Job job;
    Index epochs = 0;      ///< that were trained; fewer than asked for if the training diverged
    Index best_epoch = 0;  ///< by validation; 0 is the untrained network
    espalier::Named<Accuracy> tasks = {};

    [[nodiscard]] double validation() const {
        double sum = 0;
        for (const auto& [task, accuracy] : tasks)
            sum += accuracy.validation;
        return sum / static_cast<double>(tasks.size());
    }
};

/// `runs.csv` in a folder, a line for each task of each run, and `recipe.txt`, by which all of them were made.
class Runs {
public:
    /// @throws espalier::Error for runs of another recipe, a damaged file, or a folder that cannot be made
    Runs(const std::filesystem::path& folder, const std::string& recipe) : path_{folder / "runs.csv"} {
        using namespace espalier;
        std::filesystem::create_directories(folder);
        const auto recipe_path = folder / "recipe.txt";
        if (std::filesystem::exists(path_)) {
            const std::string other = io::read_file(recipe_path);
            require<StateError>(other == recipe + "\n", "balance_rules", "expected runs of the recipe '", recipe, "' in ", path_, ", got '",
                                other.substr(0, other.find('\n')), "': name another folder by --output");
            read();
        } else {
            io::write_file(recipe_path, recipe + "\n");
        }
    }

    [[nodiscard]] const Run* find(const Job& job) const {
        const auto found = std::find_if(runs_.begin(), runs_.end(), [&](const Run& run) { return run.job == job; });
        return found == runs_.end() ? nullptr : &*found;
    }

    /// The whole file is written anew, so that it never ends within a line.
    void add(Run run) {
        runs_.push_back(std::move(run));
        std::string lines = "rule,way,scope,seed,learning_rate,task,validation,test,best_epoch,epochs\n";
        for (const Run& each : runs_)
            for (const auto& [task, accuracy] : each.tasks)
                lines += espalier::concat(each.job.rule, ',', each.job.way, ',', each.job.scope, ',', each.job.seed, ',',
                                          number(each.job.learning_rate), ',', task, ',', number(accuracy.validation), ',',
                                          number(accuracy.test), ',', each.best_epoch, ',', each.epochs, '\n');
        espalier::io::write_file(path_, lines);
    }

private:
    /// Digits enough to be read back as the same number.
    [[nodiscard]] static std::string number(double value) {
        char digits[40];
        return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
    }

    void read() {
        const auto table = espalier::io::load_csv(path_);
        const auto numbers = [&](const char* column) { return table.column(column).numbers<double>(); };
        const auto seed = numbers("seed"), rate = numbers("learning_rate"), validation = numbers("validation"), test = numbers("test"),
                   best = numbers("best_epoch"), epochs = numbers("epochs");
        for (Index i = 0; i < seed.numel(); ++i) {
            const auto cell = [&](const char* column) { return std::string{table.column(column).text(i)}; };
            const Job job{cell("rule"), cell("way"), cell("scope"), static_cast<std::uint64_t>(seed[i]), rate[i]};
            if (runs_.empty() || runs_.back().job != job)
                runs_.push_back({job, static_cast<Index>(epochs[i]), static_cast<Index>(best[i])});
            runs_.back().tasks.insert(cell("task"), {validation[i], test[i]});
        }
    }

    std::filesystem::path path_;
    std::vector<Run> runs_;
};

}  // namespace balance_rules
