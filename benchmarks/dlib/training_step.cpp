// SPDX-License-Identifier: MIT
/// @file The steps of `../training_step.cpp` in dlib, with one head: a network of dlib ends in one loss.
///
/// dlib takes its threads from the BLAS, OpenBLAS for example: set OPENBLAS_NUM_THREADS.

#include "../steps.hpp"

#include <dlib/dnn.h>
#include <dlib/revision.h>

#include <cstdint>

namespace {

using dlib::con, dlib::fc, dlib::max_pool, dlib::relu;

// A convolution of stride 1 keeps the size of the image by default, as padding 1 does.
template <class Below>
using Halved32 = max_pool<2, 2, 2, 2, relu<con<32, 3, 3, 1, 1, Below>>>;
template <class Below>
using Halved64 = max_pool<2, 2, 2, 2, relu<con<64, 3, 3, 1, 1, Below>>>;
template <class Below>
using Halved128 = max_pool<2, 2, 2, 2, relu<con<128, 3, 3, 1, 1, Below>>>;
using Images = dlib::input<dlib::matrix<float>>;
using Net = dlib::loss_multiclass_log<fc<10, relu<fc<1024, Halved128<Halved64<Halved32<Images>>>>>>>;

}  // namespace

int main(int argc, char* argv[]) {
    benchmarks::StepOptions options;
    CLI::App app{"Times training steps of the reference network with one task."};
    benchmarks::add_options(app, options, {"reference"});
    CLI11_PARSE(app, argc, argv);
    if (options.input.size() != 3 || options.input[2] != 1) {
        std::fprintf(stderr, "expected an --input of one channel\n");
        return 1;
    }

    const double start_mb = benchmarks::resident_megabytes();
    dlib::rand random;
    std::vector<dlib::matrix<float>> images;
    std::vector<unsigned long> labels;
    for (std::ptrdiff_t i = 0; i < options.batch; ++i) {
        images.push_back(dlib::matrix_cast<float>(dlib::randm(options.input[0], options.input[1], random)));
        labels.push_back(static_cast<unsigned long>(random.get_integer(10)));
    }
    Net net;
    dlib::resizable_tensor x;
    net.to_tensor(images.begin(), images.end(), x);
    std::vector<dlib::sgd> solvers(Net::num_computational_layers, dlib::sgd(0, 0.9f));  // no weight decay, momentum
    const auto times = benchmarks::time_steps(options, [&] {
        net.compute_parameter_gradients(x, labels.begin());
        net.update_parameters(solvers, 0.001);
    });
    const std::string version = std::to_string(DLIB_MAJOR_VERSION) + "." + std::to_string(DLIB_MINOR_VERSION);
    return benchmarks::report(options, {.times = times, .text = "dlib " + version, .start_mb = start_mb});
}
