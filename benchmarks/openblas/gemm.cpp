// SPDX-License-Identifier: MIT
/// @file The product of `../gemm.cpp` by OpenBLAS.

#include "../steps.hpp"

#include <cblas.h>

#include <random>

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
    openblas_set_num_threads(options.threads);
    const auto m = static_cast<int>(options.input[0]), k = static_cast<int>(options.input[1]), n = static_cast<int>(options.input[2]);
    std::mt19937 random{1};
    std::uniform_real_distribution<float> uniform;
    const auto matrix = [&](std::size_t rows, std::size_t columns) {
        std::vector<float> values(rows * columns);
        for (float& value : values)
            value = uniform(random);
        return values;
    };
    const auto size = [](int extent) { return static_cast<std::size_t>(extent); };
    const auto a = matrix(size(m), size(k)), b = matrix(size(k), size(n));
    auto c = matrix(size(m), size(n));
    const auto times = benchmarks::time_steps(options, [&] {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a.data(), k, b.data(), n, 0, c.data(), n);
    });
    const std::string text = std::string{openblas_get_config()} + ", " + openblas_get_corename();
    return benchmarks::report(options, {.times = times, .text = text, .start_mb = start_mb});
}
