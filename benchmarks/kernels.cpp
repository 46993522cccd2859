// SPDX-License-Identifier: MIT
/// @file Speed of the kernels beside what the processor can do: GFLOP/s, and their share of the FMA peak.
///
/// The peak is measured in turns with each kernel, so that both see the same clock. Work of one thread is timed by that
/// thread's CPU time, so that others on the machine do not count.

#include "clock.hpp"
#include "peak.hpp"
#include "steps.hpp"

#include <espalier/core/build_info.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/conv2d.hpp>
#include <espalier/kernels/gemm.hpp>
#include <espalier/tensor/tensor.hpp>

#include <functional>
#include <iostream>
#include <memory>
#include <span>
#include <utility>

using namespace espalier;
using kernels::ConvShape;
using kernels::Transpose;

namespace {

// ---- Measuring

struct Work {
    std::string name;
    double operations;
    std::function<void()> call;
    double useful = 1;  ///< part of the operations that are on pixels, not on padding
};

struct Row {
    std::string name;
    int threads;
    double best;    ///< GFLOP/s
    double median;  ///< GFLOP/s
    double peak;    ///< GFLOP/s of multiply-adds on as many threads, the best
    double share;   ///< of the peak: the median over pairs of measurements that follow each other
    double useful_share;  ///< the same of operations on pixels alone
};

/// Runs the works and the peak in turns, `repetitions` times, each for about 2 ms at least.
std::vector<Row> measure(std::span<const Work> works, int threads, int repetitions) {
    set_num_threads(threads);
    const auto rate = [&](int calls, double operations, const auto& call) {
        const double start = benchmarks::clock_seconds(threads);
        for (int i = 0; i < calls; ++i)
            call();
        return calls * operations / (benchmarks::clock_seconds(threads) - start) * 1e-9;
    };
    const auto peak = [&] {
        const double start = benchmarks::clock_seconds(threads);
        const double operations = benchmarks::multiply_add(threads);
        return operations / (benchmarks::clock_seconds(threads) - start) * 1e-9;
    };
    std::vector<int> calls;
    for (const Work& work : works) {
        work.call();  // touches its memory and starts the threads
        const double seconds = work.operations / rate(1, work.operations, work.call) * 1e-9;
        calls.push_back(std::clamp(static_cast<int>(2e-3 / seconds), 1, 100'000));
    }
    std::vector<double> peaks;
    std::vector<std::vector<double>> rates(works.size()), shares(works.size());
    for (int i = 0; i < repetitions; ++i)
        for (std::size_t k = 0; k < works.size(); ++k) {
            peaks.push_back(peak());
            rates[k].push_back(rate(calls[k], works[k].operations, works[k].call));
            shares[k].push_back(rates[k].back() / peaks.back());
        }
    std::vector<Row> rows;
    const double best_peak = *std::max_element(peaks.begin(), peaks.end());
    for (std::size_t k = 0; k < works.size(); ++k)
        rows.push_back({works[k].name, threads, *std::max_element(rates[k].begin(), rates[k].end()), benchmarks::median(rates[k]),
                        best_peak, benchmarks::median(shares[k]), benchmarks::median(shares[k]) * works[k].useful});
    return rows;
}

// ---- The works

Tensor<float> random_tensor(Index size) {
    Random random{1};
    return Tensor<float>::uniform({size}, random, -1, 1);
}

enum class Pass { forward, backward_input, backward_weight };
constexpr Pass all_passes[] = {Pass::forward, Pass::backward_input, Pass::backward_weight};

constexpr const char* pass_name(Pass pass) {
    return pass == Pass::forward ? "forward" : pass == Pass::backward_input ? "backward input" : "backward weight";
}

std::string convolution_name(Pass pass, Index in_channels, Index out_channels, Index side) {
    return concat("conv 3x3, ", in_channels, " to ", out_channels, ", ", side, 'x', side, ", ", pass_name(pass));
}

/// 3x3, padding 1, 8 images.
Work convolution(Pass pass, Index in_channels, Index out_channels, Index side) {
    const kernels::Window window{.kernel = 3, .padding = 1};
    const ConvShape s{8, side, side, in_channels, out_channels, 1, window};
    const auto x = std::make_shared<Tensor<float>>(random_tensor(s.batch * s.input_size()));
    const auto w = std::make_shared<Tensor<float>>(random_tensor(s.weight_size()));
    const auto bias = std::make_shared<Tensor<float>>(random_tensor(s.out_channels));
    const auto y = std::make_shared<Tensor<float>>(random_tensor(s.batch * s.output_size()));
    std::function<void()> call;
    if (pass == Pass::forward)
        call = [=] { kernels::conv2d_forward<float>(s, x->data(), w->data(), bias->data(), y->data()); };
    else if (pass == Pass::backward_input)
        call = [=] { kernels::conv2d_backward_input<float>(s, y->data(), w->data(), x->data()); };
    else
        call = [=] { kernels::conv2d_backward_weight<float>(s, 1, x->data(), y->data(), {w->data(), s.weight_size(), false}); };
    const auto products = static_cast<double>(s.batch * side * side * s.weight_size());
    const double on_pixels = static_cast<double>(3 * side - 2) / static_cast<double>(3 * side);  // of the taps along one axis
    return {convolution_name(pass, in_channels, out_channels, side), 2 * products, std::move(call), on_pixels * on_pixels};
}

Work product(const std::string& name, Transpose transpose_a, Transpose transpose_b, Index m, Index n, Index k) {
    const bool ta = transpose_a == Transpose::yes;
    const bool tb = transpose_b == Transpose::yes;
    const auto a = std::make_shared<Tensor<float>>(random_tensor(m * k));
    const auto b = std::make_shared<Tensor<float>>(random_tensor(k * n));
    const auto c = std::make_shared<Tensor<float>>(random_tensor(m * n));
    return {name, 2 * static_cast<double>(m * n * k), [=] {
                kernels::parallel_gemm<float>(transpose_a, transpose_b, m, n, k, {a->data(), ta ? m : k}, {b->data(), tb ? k : n},
                                              {c->data(), n}, false);
            }};
}

// ---- The tables

class Bench {
public:
    Bench(int repetitions, std::string filter) : repetitions_{repetitions}, filter_{std::move(filter)} {}

    /// Begins a table, which is printed with its first line: it may have none.
    void section(const char* title, const std::string& columns) {
        head_ = concat("\n", title, "\n\n", columns, "\n|---");
        for (auto i = std::count(columns.begin(), columns.end(), '|'); i > 2; --i)
            head_ += "|---:";
        head_ += "|\n";
    }

    /// One line of the table of kernels. `make` is called if the filter lets the name through.
    template <class Make>
    void kernel(const std::string& name, const Make& make) {
        if (!wanted(name))
            return;
        const Work works[] = {make()};
        const Row row = add(works, 1)[0];
        std::printf("| %s | %.1f | %.1f | %.1f | %.0f %% | %.0f %% |\n", name.c_str(), row.best, row.median, row.peak, 100 * row.share,
                    100 * row.useful_share);
    }
    void kernel(Pass pass, Index in_channels, Index out_channels, Index side) {
        kernel(convolution_name(pass, in_channels, out_channels, side), [&] { return convolution(pass, in_channels, out_channels, side); });
    }

    /// Two works in turns: an awkward size and the next convenient one.
    template <class Make>
    void cliff(const std::string& name, const Make& make) {
        if (!wanted(name))
            return;
        const std::pair<Work, Work> pair = make();
        const Work works[] = {pair.first, pair.second};
        const auto rows = add(works, 1);
        std::printf("| %s | %.1f | %.1f | %.2f |\n", name.c_str(), rows[0].best, rows[1].best, rows[0].best / rows[1].best);
        ratios_.push_back({{"name", name}, {"ratio", rows[0].best / rows[1].best}});
    }

    /// The same work on one thread and on two.
    template <class Make>
    void two_threads(const std::string& name, const Make& make) {
        if (!wanted(name))
            return;
        const Work works[] = {make()};
        const Row one = add(works, 1)[0];
        const Row two = add(works, 2)[0];
        std::printf("| %s | %.1f | %.1f | %.2f | %.2f |\n", name.c_str(), one.best, two.best, two.best / one.best, two.peak / one.peak);
        ratios_.push_back({{"name", name}, {"ratio", two.best / one.best}});
    }

    [[nodiscard]] nlohmann::ordered_json json() const {
        auto rows = nlohmann::ordered_json::array();
        for (const Row& row : rows_)
            rows.push_back({{"name", row.name},
                            {"threads", row.threads},
                            {"gflops", row.best},
                            {"median_gflops", row.median},
                            {"peak_gflops", row.peak},
                            {"share_of_peak", row.share},
                            {"useful_share_of_peak", row.useful_share}});
        return {{"text", build_info().text()}, {"kernels", rows}, {"ratios", ratios_}};
    }

private:
    [[nodiscard]] bool wanted(const std::string& name) const { return name.find(filter_) != std::string::npos; }

    std::vector<Row> add(std::span<const Work> works, int threads) {
        std::fputs(std::exchange(head_, {}).c_str(), stdout);
        std::fflush(stdout);
        auto rows = measure(works, threads, repetitions_);
        rows_.insert(rows_.end(), rows.begin(), rows.end());
        return rows;
    }

    int repetitions_;
    std::string filter_;
    std::string head_;
    std::vector<Row> rows_;
    nlohmann::ordered_json ratios_ = nlohmann::ordered_json::array();
};

void run(Bench& bench) {
    bench.section("One thread:", "| kernel | GFLOP/s, best | median | FMA peak | share of the peak | on pixels |");
    constexpr Index convolutions[][3] = {{32, 32, 32}, {32, 64, 64}, {64, 64, 32}, {64, 128, 32}, {128, 128, 16}, {256, 256, 8}};
    for (const auto& [in, out, side] : convolutions)
        for (const Pass pass : all_passes)
            bench.kernel(pass, in, out, side);
    for (const Pass pass : {Pass::forward, Pass::backward_weight}) {
        bench.kernel(pass, 1, 32, 128);
        bench.kernel(pass, 3, 32, 32);
    }
    struct Form {
        const char* name;
        Transpose a, b;
    };
    for (const Index n : {256, 512, 1024})
        for (const auto& [form, a, b] : {Form{"A B", Transpose::no, Transpose::no}, Form{"A B'", Transpose::no, Transpose::yes},
                                         Form{"A' B", Transpose::yes, Transpose::no}}) {
            const std::string name = concat("gemm ", n, ", ", form);
            bench.kernel(name, [&, ta = a, tb = b] { return product(name, ta, tb, n, n, n); });
        }
    const auto linear = [&](const std::string& name, Transpose a, Transpose b, Index m, Index n, Index k) {
        bench.kernel(name, [&] { return product(name, a, b, m, n, k); });
    };
    linear("linear 32768 to 1024, batch 32, forward", Transpose::no, Transpose::yes, 32, 1024, 32768);
    linear("linear 32768 to 1024, batch 32, backward input", Transpose::no, Transpose::no, 32, 32768, 1024);
    linear("linear 32768 to 1024, batch 32, backward weight", Transpose::yes, Transpose::no, 1024, 32768, 32);

    bench.section("Awkward sizes beside the next convenient ones, in turns, one thread:",
                  "| convolution 3x3 | GFLOP/s | convenient | ratio |");
    constexpr Index channels[][2] = {{10, 16}, {20, 32}, {33, 48}, {100, 112}};
    for (const auto& pair : channels)
        for (const Pass pass : all_passes)
            bench.cliff(concat(pair[0], " channels for ", pair[1], ", 32x32, ", pass_name(pass)), [&] {
                return std::pair{convolution(pass, pair[0], pair[0], 32), convolution(pass, pair[1], pair[1], 32)};
            });
    constexpr Index widths[][2] = {{7, 8}, {13, 16}, {30, 32}, {61, 64}};
    for (const auto& pair : widths)
        for (const Pass pass : all_passes)
            bench.cliff(concat("width ", pair[0], " for ", pair[1], ", 64 to 64, ", pass_name(pass)), [&] {
                return std::pair{convolution(pass, 64, 64, pair[0]), convolution(pass, 64, 64, pair[1])};
            });

    bench.section("Two threads:", "| kernel | GFLOP/s, one | two | ratio | ratio of the peaks |");
    for (const Pass pass : all_passes)
        bench.two_threads(concat("two threads, conv 3x3, 64 to 128, 32x32, ", pass_name(pass)),
                          [&] { return convolution(pass, 64, 128, 32); });
}

}  // namespace

int main(int argc, char* argv[]) {
    int repetitions = 20;
    std::string filter, json;
    CLI::App app{"Measures the kernels beside the FMA peak. Prints Markdown."};
    app.add_option("--repetitions", repetitions, "of every measurement")->check(CLI::Range(1, 10'000))->capture_default_str();
    app.add_option("--filter", filter, "only rows with this in their name");
    app.add_option("--json", json, "file for all figures");
    CLI11_PARSE(app, argc, argv);
    try {
        Bench bench{repetitions, filter};
        run(bench);
        if (!json.empty() && !(std::ofstream{json} << bench.json().dump(1) << '\n')) {
            std::cerr << "kernels: expected to write " << json << '\n';
            return 1;
        }
    } catch (const std::exception& error) {
        std::cerr << "kernels: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
