// SPDX-License-Identifier: MIT
/// @file Whether the rules of kernels/conv_choice.hpp take the faster way: both ways of each gradient are timed in turns over
/// convolutions of few channels, and put beside what the rule has counted.

#include "clock.hpp"

#include <espalier/kernels/conv2d.hpp>
#include <espalier/tensor/tensor.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <vector>

using namespace espalier;
using kernels::ConvShape;
namespace tiled = kernels::tiled;

namespace {

struct Choice {
    tiled::Costs costs;
    bool other;  ///< what the rule takes
    std::function<void()> usual_way;
    std::function<void()> other_way;
};

/// How often and by how much the rule is wrong.
struct Tally {
    int choices = 0;
    int wrong = 0;         ///< by more than 5 %
    double lost = 0;       ///< the logarithm of the time taken over that of the faster way, summed
    double worst = 1;

    void add(double ratio, bool other) {
        const double taken_over_best = other ? std::max(1.0, 1 / ratio) : std::max(1.0, ratio);
        ++choices;
        wrong += taken_over_best > 1.05;
        lost += std::log(taken_over_best);
        worst = std::max(worst, taken_over_best);
    }
    void print(const char* name) const {
        std::printf("\n%s: %d choices, %d of them wrong by more than 5 %%; the time lost is %.1f %% on average, %.0f %% at worst\n", name,
                    choices, wrong, 100 * (std::exp(lost / choices) - 1), 100 * (worst - 1));
    }
};

/// Time of the usual way over that of the other, each the best of some turns of about a millisecond.
double time_ratio(const Choice& choice, int repetitions) {
    const auto seconds = [](const std::function<void()>& way, int calls) {
        const double start = benchmarks::clock_seconds(1);
        for (int i = 0; i < calls; ++i)
            way();
        return (benchmarks::clock_seconds(1) - start) / calls;
    };
    choice.usual_way();
    choice.other_way();
    const int calls = std::clamp(static_cast<int>(1e-3 / seconds(choice.usual_way, 1)), 1, 1000);
    double usual = INFINITY, other = INFINITY;
    for (int i = 0; i < repetitions; ++i) {
        usual = std::min(usual, seconds(choice.usual_way, calls));
        other = std::min(other, seconds(choice.other_way, calls));
    }
    return usual / other;
}

}  // namespace

int main(int argc, char* argv[]) {
    int repetitions = 10;
    CLI::App app{"Times both ways of a convolution's gradients beside the rule that chooses one. Prints Markdown."};
    app.add_option("--repetitions", repetitions, "of every measurement")->check(CLI::Range(1, 10'000))->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    set_num_threads(1);
    Random random{1};
    Tally inputs, weights;
    std::puts("| gradient | kernel | side | channels | filters | usual over other, counted | timed | the rule takes |");
    std::puts("|---|---:|---:|---:|---:|---:|---:|---|");
    const auto row = [&](const char* gradient, const ConvShape& s, const Choice& choice, Tally& tally) {
        const double ratio = time_ratio(choice, repetitions);
        tally.add(ratio, choice.other);
        std::printf("| %s | %d | %d | %d | %d | %.2f | %.2f | %s |\n", gradient, static_cast<int>(s.window.kernel.width),
                    static_cast<int>(s.input.width), static_cast<int>(s.in_channels), static_cast<int>(s.out_channels),
                    static_cast<double>(choice.costs.usual) / static_cast<double>(choice.costs.other), ratio,
                    choice.other ? "the other" : "the usual");
    };
    for (const Index kernel : {3, 5})
        for (const Index side : {14, 32})
            for (const Index channels : {1, 3, 6, 10, 16, 20, 33})
                for (const Index filters : {6, 10, 16, 20, 32}) {
                    const kernels::Window window{.kernel = kernel, .padding = kernel / 2};
                    const ConvShape s{32, side, side, channels, filters, 1, window};
                    const auto x = Tensor<float>::uniform({s.batch * s.input_size()}, random, -1, 1);
                    const auto w = Tensor<float>::uniform({s.weight_size()}, random, -1, 1);
                    const auto dy = Tensor<float>::uniform({s.batch * s.output_size()}, random, -1, 1);
                    auto dx = Tensor<float>::empty(x.shape());
                    auto dw = Tensor<float>::empty(w.shape());
                    const kernels::ConvCotangent<float> cotangent{.dy = dy.data()};
                    row("input", s,
                        {tiled::input_costs(s), tiled::scatters_input(s, s.batch),
                         [&] {
                             tiled::InputPass{s, s.batch, w.data()}.run(cotangent, dx.data());
                         },
                         [&] { tiled::backward_input_scattered(s, s.batch, cotangent, w.data(), dx.data()); }},
                        inputs);
                    row("weights", s,
                        {tiled::weight_costs(s), tiled::unfolds_windows(s),
                         [&] {
                             tiled::WeightPass{s, 1, x.data(), cotangent}.run({dw.data(), w.numel(), false}, {});
                         },
                         [&] {
                             tiled::UnfoldedWeightPass{s, 1, x.data(), cotangent}.run({dw.data(), w.numel(), false}, {});
                         }},
                        weights);
                }
    inputs.print("Gradient of the input");
    weights.print("Gradient of the weights");
    return 0;
}
