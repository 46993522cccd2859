// SPDX-License-Identifier: MIT
/// @file Decoding the maps of CenterNet and suppressing 1,000 boxes, each timed; `pytorch/detection.py` does the same with the operators of
/// PyTorch and torchvision written out. Prints the medians in microseconds.
///
///     bench_detection [--threads 1] [--repeat 200]

#include "clock.hpp"

#include <espalier/core/random.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/vision.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>
#include <vector>

namespace {

using namespace espalier;

template <class F>
double median_microseconds(int repeat, int threads, const F& f) {
    std::vector<double> times;
    for (int i = 0; i < repeat + 3; ++i) {
        const double start = benchmarks::clock_seconds(threads);
        f();
        if (i >= 3)
            times.push_back(1e6 * (benchmarks::clock_seconds(threads) - start));
    }
    std::nth_element(times.begin(), times.begin() + repeat / 2, times.end());
    return times[static_cast<std::size_t>(repeat / 2)];
}

}  // namespace

int main(int argc, char** argv) {
    int threads = 1, repeat = 200;
    CLI::App app{"Times decoding and suppression"};
    app.add_option("--threads", threads);
    app.add_option("--repeat", repeat)->check(CLI::PositiveNumber);
    CLI11_PARSE(app, argc, argv);
    set_num_threads(threads);

    Random random{1};
    std::vector<vision::Box> spread, crowded;
    std::vector<double> scores;
    std::vector<Index> labels;
    for (int i = 0; i < 1000; ++i) {
        for (auto* const boxes : {&spread, &crowded}) {
            const float side = boxes == &spread ? 1000.0F : 100.0F;
            const float x = random.uniform(0.0F, side), y = random.uniform(0.0F, side);
            boxes->push_back({x, y, x + random.uniform(10.0F, 60.0F), y + random.uniform(10.0F, 60.0F)});
        }
        scores.push_back(random.uniform());
        labels.push_back(random.below(10));
    }
    const auto map = Tensor<float>::normal({8, 128, 128, 14}, random, -2.0F, 1.0F);

    std::size_t found = 0;
    const auto report = [&](const char* name, const auto& f) {
        std::cout << name << ' ' << median_microseconds(repeat, threads, f) << " us\n";
    };
    report("nms, spread boxes    ", [&] { found += vision::nms(spread, scores, 0.5).size(); });
    report("nms, crowded boxes   ", [&] { found += vision::nms(crowded, scores, 0.5).size(); });
    report("batched_nms, crowded ", [&] { found += vision::batched_nms(crowded, scores, labels, 0.5).size(); });
    report("decode 8 128x128 maps", [&] { found += vision::decode_centers(map, {.score_threshold = 0.3})[0].size(); });
    return found == 0;
}
