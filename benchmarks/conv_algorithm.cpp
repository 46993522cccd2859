// SPDX-License-Identifier: MIT
/// @file Whether convolutions of 3x3 take the faster of the direct and of Winograd's way: both are timed in turns, in all three passes,
/// over batches, channels and images of many sizes.

#include "clock.hpp"

#include <espalier/core/conv_algorithm.hpp>
#include <espalier/core/threads.hpp>
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

namespace {

/// Time of the direct way over that of Winograd's, each the best of some turns of about half a millisecond.
double time_ratio(const std::function<void()>& pass, int repetitions) {
    double best[2] = {INFINITY, INFINITY};
    int calls = 1;
    for (int i = -1; i < repetitions; ++i)
        for (const ConvAlgorithm algorithm : {ConvAlgorithm::direct, ConvAlgorithm::winograd}) {
            set_conv_algorithm(algorithm);
            const double start = benchmarks::clock_seconds(num_threads());
            for (int k = 0; k < calls; ++k)
                pass();
            const double taken = (benchmarks::clock_seconds(num_threads()) - start) / calls;
            if (i >= 0) {
                double& least = best[algorithm == ConvAlgorithm::winograd];
                least = std::min(least, taken);
            } else if (algorithm == ConvAlgorithm::direct) {
                calls = std::clamp(static_cast<int>(5e-4 / taken), 1, 1000);
            }
        }
    return best[0] / best[1];
}

/// How often and by how much the choice is wrong.
struct Tally {
    int choices = 0;
    int slower = 0;    ///< than the direct way, by more than 3 %
    double worst = 1;  ///< time over that of the direct way
    int missed = 0;    ///< Winograd's way is not taken, and 10 % faster
    double gained = 0;

    void add(double ratio, bool taken) {
        ++choices;
        slower += taken && ratio < 1 / 1.03;
        worst = taken ? std::max(worst, 1 / ratio) : worst;
        missed += !taken && ratio > 1.1;
        gained += taken ? std::log(ratio) : 0;
    }
};

}  // namespace

int main(int argc, char* argv[]) {
    int repetitions = 7, threads = 1;
    bool all = false;
    CLI::App app{"Times both ways of 3x3 convolutions beside the choice between them. Prints Markdown."};
    app.add_option("--repetitions", repetitions, "of every measurement")->check(CLI::Range(1, 10'000))->capture_default_str();
    app.add_option("--threads", threads)->check(CLI::Range(1, 1024))->capture_default_str();
    app.add_flag("--all", all, "print all rows, and not those alone where the choice is wrong");
    CLI11_PARSE(app, argc, argv);
    set_num_threads(threads);
    Random random{1};
    Tally tally;
    std::puts("| pass | batch | image | channels | filters | direct over Winograd | taken |");
    std::puts("|---|---:|---:|---:|---:|---:|---|");
    const Pair channels[] = {{3, 64},  {8, 16},  {12, 12}, {16, 16}, {16, 64},   {20, 20},   {24, 48},
                             {33, 33}, {64, 16}, {64, 64}, {96, 40}, {128, 128}, {256, 256}, {512, 512}};
    for (const Index batch : {1, 2, 8})
        for (const Index side : {4, 5, 6, 7, 8, 9, 12, 14, 18, 32, 64})
            for (const auto& [depth, filters] : channels) {
                if (batch * side * side * depth * filters > 8 * 32 * 32 * 64 * 64)
                    continue;
                const ConvShape s{batch, side, side, depth, filters, 1, {.kernel = 3, .padding = 1}};
                const auto x = Tensor<float>::uniform({s.batch * s.input_size()}, random, -1, 1);
                const auto w = Tensor<float>::uniform({s.weight_size()}, random, -1, 1);
                const auto dy = Tensor<float>::uniform({s.batch * s.output_size()}, random, -1, 1);
                auto y = Tensor<float>::empty(dy.shape()), dx = Tensor<float>::empty(x.shape()), dw = Tensor<float>::empty(w.shape());
                const struct {
                    const char* name;
                    const kernels::simd::WinogradTable* (*kernels)(const ConvShape&);
                    std::function<void()> pass;
                } passes[] = {{"forward", kernels::winograd::forward_kernels,
                               [&] { kernels::conv2d_forward<float>(s, x.data(), w.data(), nullptr, y.data()); }},
                              {"input", kernels::winograd::input_kernels,
                               [&] { kernels::conv2d_backward_input<float>(s, dy.data(), w.data(), dx.data()); }},
                              {"weights", kernels::winograd::weight_kernels, [&] {
                                   kernels::conv2d_backward_weight<float>(s, 1, x.data(), dy.data(), {dw.data(), w.numel(), false});
                               }}};
                for (const auto& [name, kernels_of, pass] : passes) {
                    const double ratio = time_ratio(pass, repetitions);
                    set_conv_algorithm(ConvAlgorithm::automatic);
                    const bool taken = kernels_of(s) != nullptr;
                    tally.add(ratio, taken);
                    if (all || (taken ? ratio < 1 / 1.03 : ratio > 1.1))
                        std::printf("| %s | %d | %d | %d | %d | %.2f | %s |\n", name, static_cast<int>(batch), static_cast<int>(side),
                                    static_cast<int>(depth), static_cast<int>(filters), ratio, taken ? "Winograd" : "direct");
                    std::fflush(stdout);
                }
            }
    std::printf(
        "\n%d passes; %d slower than the direct way by more than 3 %%, %.0f %% at worst; %d could have been faster by 10 %%; the "
        "time of all is %.2f of the direct way's on (geometric) average\n",
        tally.choices, tally.slower, 100 * (tally.worst - 1), tally.missed, std::exp(-tally.gained / tally.choices));
    return 0;
}
