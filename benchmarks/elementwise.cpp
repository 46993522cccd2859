// SPDX-License-Identifier: MIT
/// @file Speed of functions of one element and of two, forward and back, and of dropout: nanoseconds an element on one thread, beside the
/// same function computed one by one with the standard library.

#include "steps.hpp"

#include <espalier/core/build_info.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/combine.hpp>
#include <espalier/kernels/dropout.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

using namespace espalier;

namespace {

class Bench {
public:
    Bench(Index n, int repetitions)
        : n_{n},
          repetitions_{repetitions},
          x_{Tensor<float>::uniform({n}, random_, 0.1F, 3)},
          z_{Tensor<float>::uniform({n}, random_, 1, 2)},
          y_{Tensor<float>::ones({n})},
          out_{Tensor<float>::ones({n})} {
        std::printf("| %ld elements | ns an element | one by one | ratio | GB/s |\n|---|---:|---:|---:|---:|\n", static_cast<long>(n));
    }

    template <class F>
    void function(const char* name) {
        row(
            name, 2, [&] { kernels::map<F>(n_, x_.data(), y_.data(), 0.25F); },
            [&] { kernels::vector_loop(0, n_, [=, x = x_.data(), y = y_.data()](Index i) { y[i] = F::value(x[i], 0.25F); }); });
        out_.fill(1);
        row(
            std::string{name} + ", back", 4, [&] { kernels::map_back<F>(1, n_, x_.data(), y_.data(), out_.data(), 0.25F); },
            [&] {
                kernels::vector_loop(0, n_, [=, x = x_.data(), y = y_.data(), dy = out_.data()](Index i) {
                    dy[i] = F::pull(x[i], y[i], dy[i], 0.25F);
                });
            });
    }

    template <class F>
    void function_of_two(const char* name) {
        row(
            name, 3,
            [&] {
                kernels::combine<F, float>(n_, {x_.data(), n_}, {z_.data(), n_}, y_.data());
            },
            [&] {
                kernels::vector_loop(0, n_, [=, x = x_.data(), z = z_.data(), y = y_.data()](Index i) { y[i] = F::value(x[i], z[i]); });
            });
    }

    void dropout() {
        const Random random{1};
        row(
            "dropout", 2, [&] { kernels::dropout<float>(n_, random, 0.1, 1.1F, x_.data(), y_.data()); },
            [&] {
                for (Index i = 0; i < n_; ++i)
                    y_[i] = x_[i] * (Random::to_unit<double>(random.at(static_cast<std::uint64_t>(i))) < 0.1 ? 0.0F : 1.1F);
            });
    }

private:
    /// Both in turns; `arrays` are read or written.
    template <class Vectors, class Scalars>
    void row(const std::string& name, int arrays, const Vectors& vectors, const Scalars& scalars) {
        std::vector<double> times, others;
        const auto time = [&](const auto& call, std::vector<double>& to) {
            const double start = benchmarks::seconds_now();
            call();
            to.push_back(1e9 * (benchmarks::seconds_now() - start) / static_cast<double>(n_));
        };
        for (int i = 0; i < repetitions_; ++i) {
            time(vectors, times);
            time(scalars, others);
        }
        const double best = *std::min_element(times.begin(), times.end());
        const double other = *std::min_element(others.begin(), others.end());
        std::printf("| %s | %.2f | %.2f | %.1f | %.1f |\n", name.c_str(), best, other, other / best, 4 * arrays / best);
    }

    Index n_;
    int repetitions_;
    Random random_{1};
    Tensor<float> x_, z_, y_, out_;
};

}  // namespace

int main(int argc, char* argv[]) {
    long elements = 1 << 18;
    int repetitions = 50;
    CLI::App app{"Measures functions of one element and of two, and dropout. Prints Markdown."};
    app.add_option("--elements", elements, "of every array")->check(CLI::Range(1L, 1L << 30))->capture_default_str();
    app.add_option("--repetitions", repetitions, "of every measurement")->check(CLI::Range(1, 10'000))->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    set_num_threads(1);
    std::printf("%s\n\n", build_info().text().c_str());
    Bench bench{elements, repetitions};
    bench.function<kernels::Relu>("relu");
    bench.function<kernels::Relu6>("relu6");
    bench.function<kernels::LeakyRelu>("leaky relu");
    bench.function<kernels::Sigmoid>("sigmoid");
    bench.function<kernels::Tanh>("tanh");
    bench.function<kernels::Gelu>("gelu");
    bench.function<kernels::Exp>("exp");
    bench.function<kernels::Log>("log");
    bench.function<kernels::Sqrt>("sqrt");
    bench.function_of_two<kernels::Add>("add");
    bench.function_of_two<kernels::Multiply>("multiply");
    bench.function_of_two<kernels::Divide>("divide");
    bench.dropout();
}
