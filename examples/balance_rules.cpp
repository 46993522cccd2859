// SPDX-License-Identifier: MIT
/// @file Compares balancing rules: the same network on the same pairs under each, several times, beside networks of one task. And
/// ways of sharing, each under each rule.
///
/// The training loop is that of any criterion and net: `balance_by_name` and `make_net` are all that differs from a plain sum and a
/// shared trunk. The tasks and pairs are those of `multi_fashion/`; `balance_rules/` holds the ways of sharing, the command line, the
/// file of finished runs, the table and the chart.

#include "balance_rules/memory.hpp"
#include "balance_rules/options.hpp"
#include "balance_rules/report.hpp"
#include "balance_rules/runs.hpp"
#include "balance_rules/ways.hpp"
#include "multi_fashion/dataset.hpp"
#include "multi_fashion/progress.hpp"
#include "program.hpp"

#include <espalier/train/baselines.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <optional>

using namespace espalier;
using namespace balance_rules;

namespace {

const std::vector<std::string> both{"left", "right"};

/// The trunk and the pairs of all runs: fixed ones for validation and test, garments that new ones are drawn from for training.
struct Data {
    Trunk trunk;
    data::Dataset<> garments;
    multi_fashion::Pairs validation;
    multi_fashion::Pairs test;
};

Data load(const Options& options) {
    constexpr std::uint64_t seed = 1;  // of what is the same in all runs
    using multi_fashion::load_garments, multi_fashion::make_pairs, multi_fashion::pair_side;
    auto parts = data::split(load_garments(options.data, "train"), {1 - options.validation, options.validation}, seed);
    const auto test = load_garments(options.data, "t10k");
    return {Trunk{options.trunk}, std::move(parts[0]), make_pairs(parts[1], 2 * parts[1].size(), pair_side, Random{seed, 1}),
            make_pairs(test, 2 * test.size(), pair_side, Random{seed, 2})};
}

/// Writes the garments that training pairs are made of, (N, 28, 28) bytes with their classes, and the fixed pairs, so that another
/// program can do the same (benchmarks/pytorch/balance_rules.py).
void export_data(const std::filesystem::path& path, const Data& data) {
    io::TensorFile file;
    file.insert("garments", multi_fashion::as_bytes(data.garments.inputs(), 255));
    file.insert("classes", data.garments.target("class").labels());
    multi_fashion::add_pairs(file, "validation", data.validation);
    multi_fashion::add_pairs(file, "test", data.test);
    io::save_safetensors(path, file);
}

std::string words_for(const Trunk& trunk) { return trunk.name == "lenet" ? "Lin's LeNet" : "The reference trunk"; }

/// All that the results of a run depend on, but for the rule, the way of sharing, the seed and the learning rate.
std::string recipe(const Data& data, const Options& options) {
    return concat(words_for(data.trunk), " on MultiFashion 36 x 36, ", data.garments.size(), " garments, ", options.pairs,
                  " new pairs an epoch, ", options.epochs, " epochs, batches of ", options.batch, ", Adam, best epoch on ",
                  data.validation.left.numel(), " validation pairs, ", data.test.left.numel(), " test pairs");
}

/// Their sum, or what the rule makes of them. @throws ValueError that names the rule if it cannot have the scope
mtl::MultiTaskLoss<> make_criterion(const std::vector<std::string>& tasks, const std::string& rule, const std::string& scope) {
    std::vector<mtl::TaskLoss<>> losses;
    for (const std::string& task : tasks)
        losses.push_back({task, losses::CrossEntropy{}});
    mtl::MultiTaskLoss<> criterion{std::move(losses)};
    try {
        if (scope != "alone")
            mtl::balance_by_name(criterion, rule, {.scope = scopes.at(scope)});
    } catch (Error& error) {
        error.append(" (" + rule + ")");
        throw;
    }
    return criterion;
}

/// A network and what trains it.
struct Training {
    mtl::MultiTaskNet<> net;
    mtl::MultiTaskLoss<> criterion;
    optim::Adam<> adam;
    int steps = 0;

    Training(mtl::MultiTaskNet<> first, const Job& job)
        : net{std::move(first)},
          criterion{make_criterion(net.tasks(), job.rule, job.scope)},
          adam{criterion.parameters(net.parameters()), {.learning_rate = job.learning_rate}} {}
    Training(const Job& job, const std::vector<std::string>& tasks, const Trunk& trunk) : Training{make_net(job.way, trunk, tasks), job} {}

    void step(const data::Batch<>& batch) {
        if (auto* const branching = net.sharing().get_if<mtl::LTB<>>())
            branching->set_temperature(10 / std::sqrt(++steps));  // falls by the root of the steps, to some 0.3 in three epochs
        const auto outputs = net(batch.input);  // before the penalty, which may be of what was found in it
        const auto loss = criterion(outputs, batch.targets).add(net.penalty());
        adam.zero_grad();
        loss.backward();
        adam.step();
        criterion.after_step([&] { return net(batch.input); }, batch.targets);
    }
};

/// Share of right answers of each task.
Named<double> accuracies(const mtl::MultiTaskNet<>& net, const multi_fashion::Pairs& pairs) {
    return net.predict(pairs.canvases).map([&](const std::string& task, const Tensor<float>& output) {
        metrics::Accuracy accuracy;
        accuracy.update(output, task == "left" ? pairs.left : pairs.right);
        return accuracy.value();
    });
}

double mean(const Named<double>& values) {
    double sum = 0;
    for (const auto& [name, value] : values)
        sum += value;
    return sum / static_cast<double>(values.size());
}

data::DataLoader<> make_loader(const Data& data, const Options& options, std::uint64_t seed) {
    return data::DataLoader<>{multi_fashion::DrawnPairs{data.garments, options.pairs, multi_fashion::pair_side},
                              {.batch_size = options.batch, .seed = seed}};
}

/// One run from the first weights to the test. A training that diverges ends there, and its best epoch so far counts. Branches are
/// learned for the first half of the epochs; in the other half the tree that they make is trained on, and the best of these epochs counts.
Run train(const Job& job, const std::vector<std::string>& tasks, const Data& data, const Options& options,
          const std::function<void(double)>& progress) {
    manual_seed(job.seed);
    std::optional<Training> training{std::in_place, job, tasks, data.trunk};
    auto loader = make_loader(data, options, job.seed);
    std::optional<train::EarlyStopping> best;
    Run run{job};
    Index start = 0;  // of what `best` has seen
    const auto update = [&] { best->update(mean(accuracies(training->net, data.validation)), training->net); };
    const auto watch = [&] {
        start = run.epochs;
        best.emplace(train::EarlyStoppingOptions{.patience = options.epochs + 1, .mode = train::Mode::max});
        update();
    };
    watch();
    try {
        for (; run.epochs < options.epochs; ++run.epochs) {
            if (run.epochs == (options.epochs + 1) / 2)
                if (auto tree = tree_of(training->net)) {
                    training.emplace(std::move(*tree), job);
                    watch();
                }
            Index seen = 0;
            for (const auto& batch : loader) {
                training->step(batch);
                seen += batch.size();
                const double share = static_cast<double>(seen) / static_cast<double>(loader.samples());
                progress((static_cast<double>(run.epochs) + share) / options.epochs);
            }
            training->criterion.end_epoch();
            update();
        }
    } catch (const ValueError&) {  // losses or gradients that are not finite
    }
    best->restore(training->net);
    run.best_epoch = start + best->best_epoch();
    const auto validation = accuracies(training->net, data.validation);
    run.tasks = accuracies(training->net, data.test).map([&](const std::string& task, double accuracy) {
        return Accuracy{validation.at(task), accuracy};
    });
    return run;
}

/// Time of a step, and how many of the plain sum's on hard sharing: the fastest of many in turns, as the machine may have other work.
/// And what a training of some steps needs of memory.
void measure_step(const Job& job, const Data& data, const Options& options, Result& result) {
    const auto first_batch = [&] {  // without the loader, which makes others meanwhile
        auto loader = make_loader(data, options, 1);
        return data::Batch<>{*loader.begin()};
    };
    const data::Batch<> batch = first_batch();
    const auto timed = [&](Training& training) {
        const auto start = std::chrono::steady_clock::now();
        training.step(batch);
        return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    };
    const std::size_t bytes = peak_bytes([&] {
        Training training{job, both, data.trunk};
        for (int i = 0; i < 3; ++i)
            training.step(batch);
        result.parameters = training.net.parameter_count();
    });
    result.step_mb = 1e-6 * static_cast<double>(bytes);
    Training own{job, both, data.trunk};
    Training sum{{"Sum", "hard", "whole"}, both, data.trunk};
    double own_ms = timed(own), sum_ms = timed(sum);
    for (int round = 0; round < 50; ++round) {
        own_ms = std::min(own_ms, timed(own));
        sum_ms = std::min(sum_ms, timed(sum));
    }
    result.step_ms = own_ms;
    result.relative_step = own_ms / sum_ms;
}

/// Trains what has not been trained yet, and shows how long all of it will take.
class Comparison {
public:
    Comparison(const Data& data, const Options& options)
        : data_{data}, options_{options}, runs_{options.output, recipe(data, options)}, start_{std::chrono::steady_clock::now()} {}

    /// Every seed of a rule on a way of sharing or of one task alone, at each learning rate: those at the one that is best on validation.
    std::vector<Run> best_runs(Job job) {
        std::vector<Run> best;
        double best_validation = -1;
        for (const double rate : options_.learning_rates) {
            std::vector<Run> runs;
            double validation = 0;
            job.learning_rate = rate;
            for (int seed = 1; seed <= options_.seeds; ++seed) {
                job.seed = static_cast<std::uint64_t>(seed);
                runs.push_back(run(job));
                validation += runs.back().validation();
            }
            if (validation > best_validation) {
                best_validation = validation;
                best = std::move(runs);
            }
        }
        return best;
    }

    /// Says that what one may ask `best_runs` for is to be done, so that the time left is known.
    void expect(const Job& job) {
        for (const double rate : options_.learning_rates)
            for (int seed = 1; seed <= options_.seeds; ++seed)
                expected_ += runs_.find({job.rule, job.way, job.scope, static_cast<std::uint64_t>(seed), rate}) ? 0 : 1;
    }

private:
    Run run(const Job& job) {
        if (const Run* const known = runs_.find(job))
            return *known;
        const bool alone = job.scope == "alone";
        const std::vector<std::string> tasks = alone ? std::vector{job.rule} : both;
        const std::string with = alone ? " alone" : options_.compares_ways() ? " on " + job.way : "";
        const std::string what = text("%s%s, seed %d, rate %g", job.rule.c_str(), with.c_str(), static_cast<int>(job.seed),
                                      job.learning_rate);
        auto shown = std::chrono::steady_clock::now();
        const Run done = train(job, tasks, data_, options_, [&](double share) {
            const auto now = std::chrono::steady_clock::now();
            if (!terminal_.interactive || now - shown < std::chrono::milliseconds{100})
                return;
            shown = now;
            show(done_ + share, what, false);
        });
        runs_.add(done);
        ++done_;
        std::string outcome = what + ":";
        for (const auto& [task, accuracy] : done.tasks)
            outcome += text(" %s %.1f %%", task.c_str(), 100 * accuracy.validation);
        show(done_, outcome + (done.epochs < options_.epochs ? " on validation, diverged" : " on validation"), done_ == expected_);
        return done;
    }

    void show(double done, const std::string& words, bool last) const {
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
        const double left = seconds * (expected_ - done) / done;
        const std::string title = text("run %d/%d", static_cast<int>(std::ceil(done)), expected_);
        const std::string all = words + (left < 90 ? text("  %.0f s left", left) : text("  %.0f min left", left / 60));
        if (terminal_.interactive)
            terminal_.draw_bar(title, done / expected_, all, last);
        else
            std::fprintf(stderr, "%s   %s\n", title.c_str(), all.c_str());
    }

    const Data& data_;
    const Options& options_;
    Runs runs_;
    multi_fashion::Terminal terminal_ = multi_fashion::Terminal::of(stderr);
    std::chrono::steady_clock::time_point start_;
    int expected_ = 0;
    int done_ = 0;
};

Job alone(const std::string& task) { return {task, "hard", "alone"}; }

/// Each rule on each way of sharing.
std::vector<Job> all_jobs(const Options& options) {
    std::vector<Job> jobs;
    for (const std::string& way : options.ways)
        for (const std::string& rule : options.rules)
            jobs.push_back({rule, way, name_of(options.scope)});
    return jobs;
}

/// From the file, or trained and put there.
train::Baselines baselines(Comparison& comparison, const std::string& recipe, const Options& options) {
    if (std::filesystem::exists(options.baselines))
        return train::Baselines::load(options.baselines, recipe);
    std::vector<std::uint64_t> seeds;
    Named<std::vector<Run>> runs;
    for (const std::string& task : both)
        runs.insert(task, comparison.best_runs(alone(task)));
    for (int seed = 1; seed <= options.seeds; ++seed)
        seeds.push_back(static_cast<std::uint64_t>(seed));
    const auto result = train::single_task_baselines(
        both, {.recipe = recipe, .metrics = {{"accuracy", train::Mode::max}}, .seeds = seeds},
        [&](const std::string& task, std::uint64_t seed) {
            return Named<double>{{"accuracy", 100 * runs.at(task)[seed - 1].tasks.at(task).test}};
        });
    result.save(options.baselines);
    return result;
}

Result summary(const Job& job, const std::vector<Run>& runs, const train::Baselines& baselines, const Options& options) {
    Result result{job.rule, job.way};
    for (const std::string& task : both)
        result.accuracy.insert(task, {});
    for (const Run& run : runs) {
        for (auto& [task, moments] : result.accuracy)
            moments.add(100 * run.tasks.at(task).test);
        result.diverged += run.epochs < options.epochs ? 1 : 0;
    }
    result.learning_rate = runs.front().job.learning_rate;
    result.drop = mtl::delta_m_drop(baselines.compare(result.accuracy.map([](const std::string&, const Moments& moments) {
        return Named<double>{{"accuracy", moments.mean()}};
    })));
    return result;
}

/// Ranks over the tasks, and the best first.
void rank(std::vector<Result>& results) {
    Tensor<double> means{{static_cast<Index>(results.size()), static_cast<Index>(both.size())}};
    Index at = 0;
    for (const Result& result : results)
        for (const auto& [task, moments] : result.accuracy)
            means[at++] = moments.mean();
    const auto ranks = mtl::mean_rank(means, std::vector<bool>(both.size(), true));
    for (std::size_t i = 0; i < results.size(); ++i)
        results[i].rank = ranks[i];
    std::stable_sort(results.begin(), results.end(), [](const Result& a, const Result& b) { return a.mean() > b.mean(); });
}

/// What cannot be is said before an hour of training: a rule that sees losses alone has no scope, another wants more than two tasks. Of
/// `all` the others are compared. @throws what the first of the rules asked for by name throws
void leave_out_refused(const Data& data, Options& options) {
    auto loader = make_loader(data, options, 1);
    const data::Batch<> batch = *loader.begin();
    std::erase_if(options.rules, [&](const std::string& rule) {
        try {
            for (const std::string& way : options.ways)
                Training{{rule, way, name_of(options.scope)}, both, data.trunk}.step(batch);
            return false;
        } catch (const ValueError& error) {
            if (!options.all)
                throw;
            std::printf("without %s: %s\n", rule.c_str(), error.what());
            return true;
        }
    });
}

void run(Options options) {
    if (options.threads > 0)
        set_num_threads(options.threads);
    const Data data = load(options);
    if (!options.shared.empty()) {
        export_data(options.shared, data);
        return;
    }
    leave_out_refused(data, options);
    const std::string words = recipe(data, options);
    std::string rates;
    for (const double rate : options.learning_rates)
        rates += text(rates.empty() ? "%g" : ", %g", rate);
    const std::string with_rates = words + ", best learning rate of " + rates + " on validation";

    Comparison comparison{data, options};
    if (!std::filesystem::exists(options.baselines))
        for (const std::string& task : both)
            comparison.expect(alone(task));
    const auto jobs = all_jobs(options);
    for (const Job& job : jobs)
        comparison.expect(job);
    std::printf("%s\n%s\n\n", with_rates.c_str(), build_info().text().c_str());
    std::fflush(stdout);
    const bool ways = options.compares_ways();
    const auto single = baselines(comparison, with_rates, options);
    Named<double> lines = single.tasks.map([](const std::string&, const auto& metrics) { return metrics.at("accuracy").mean; });
    const std::string head = line(header(both, ways));
    std::printf("alone: left %.2f %%, right %.2f %%\n\n%s\n", lines.at("left"), lines.at("right"), head.c_str());

    std::vector<Result> results;
    for (const Job& job : jobs) {
        results.push_back(summary(job, comparison.best_runs(job), single, options));
        measure_step(job, data, options, results.back());
        std::printf("%s\n", line(cells(results.back(), ways)).c_str());
        std::fflush(stdout);
    }
    rank(results);
    std::printf("\nThe best first. Δm is how much worse than alone, mean over the tasks: lower is better.\n%s\n", head.c_str());
    for (const Result& result : results)
        std::printf("%s\n", line(cells(result, ways)).c_str());

    const std::string caption = text("%s. %d seeds.", with_rates.c_str(), options.seeds);
    const std::string subtitle = text("%s on MultiFashion, %d epochs of %td pairs, Adam at the best of %s on validation, %d seeds",
                                      words_for(data.trunk).c_str(), options.epochs, options.pairs, rates.c_str(), options.seeds);
    io::write_file(options.output / "table.md", markdown(results, both, ways, caption));
    io::write_file(options.output / "table.csv", csv(results, both));
    io::write_file(options.output / "accuracies.svg", draw_accuracies(results, lines, ways, subtitle));
    const auto folder = std::filesystem::canonical(options.output);
    for (const char* file : {"runs.csv", "table.md", "table.csv", "accuracies.svg"})
        std::printf("%s%s\n", file == std::string{"runs.csv"} ? "\n" : "", (folder / file).c_str());
}

}  // namespace

int main(int argc, char* argv[]) {
    return examples::program(
        "balance_rules", [&] { return parse(argc, argv); }, run);
}
