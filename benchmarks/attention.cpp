// SPDX-License-Identifier: MIT
/// @file Self-attention forward and backward, timed again and again.

#include "peak.hpp"
#include "steps.hpp"

#include <espalier/autograd/attention.hpp>
#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/reduction.hpp>
#include <espalier/core/build_info.hpp>
#include <espalier/core/threads.hpp>

using namespace espalier;

int main(int argc, char* argv[]) {
    benchmarks::StepOptions options{.net = "attention", .input = {4096, 4, 64}, .batch = 1};
    CLI::App app{"Times self-attention, forward and backward; --input is the length, the heads, and the width of each."};
    benchmarks::add_options(app, options, {"attention"});
    CLI11_PARSE(app, argc, argv);
    if (options.input.size() != 3) {
        std::fprintf(stderr, "attention: expected an --input of 3 extents\n");
        return 1;
    }
    const double start_mb = benchmarks::resident_megabytes();
    set_num_threads(options.threads);
    const Index length = options.input[0], heads = options.input[1], width = options.input[2];
    Random random{1};
    Variable<float> qkv{Tensor<float>::normal({options.batch, length, 3 * heads * width}, random), true};
    const double peak_before = benchmarks::peak_gflops(options.threads);
    const auto times = benchmarks::time_steps(options, [&] {
        qkv.zero_grad();
        autograd::sum(autograd::self_attention(qkv, {.heads = heads})).backward();
    });
    return benchmarks::report(options, {.times = times,
                                        .text = build_info().text(),
                                        .start_mb = start_mb,
                                        .peak_gflops = std::max(peak_before, benchmarks::peak_gflops(options.threads))});
}
