// SPDX-License-Identifier: MIT
/// @file One product of two matrices, timed again and again. `openblas/gemm.cpp` does the same with OpenBLAS.

#include "peak.hpp"
#include "steps.hpp"

#include <espalier/core/build_info.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/gemm.hpp>
#include <espalier/tensor/tensor.hpp>

using namespace espalier;

int main(int argc, char* argv[]) {
    benchmarks::StepOptions options{.net = "gemm", .input = {1024, 1024, 1024}, .batch = 1};
    CLI::App app{"Times the product (m, k) (k, n) of single precision; --input is m, k and n."};
    benchmarks::add_options(app, options, {"gemm"});
    CLI11_PARSE(app, argc, argv);
    if (options.input.size() != 3) {
        std::fprintf(stderr, "gemm: expected an --input of 3 extents\n");
        return 1;
    }
    const double start_mb = benchmarks::resident_megabytes();
    set_num_threads(options.threads);
    const Index m = options.input[0], k = options.input[1], n = options.input[2];
    Random random{1};
    const auto a = Tensor<float>::uniform({m, k}, random), b = Tensor<float>::uniform({k, n}, random);
    Tensor<float> c{Shape{m, n}};
    const double peak_before = benchmarks::peak_gflops(options.threads);
    const auto times = benchmarks::time_steps(options, [&] {
        kernels::parallel_gemm<float>(kernels::Transpose::no, kernels::Transpose::no, m, n, k, {a.data(), k}, {b.data(), n}, {c.data(), n},
                                      false);
    });
    return benchmarks::report(options, {.times = times,
                                        .text = build_info().text(),
                                        .start_mb = start_mb,
                                        .peak_gflops = std::max(peak_before, benchmarks::peak_gflops(options.threads))});
}
