// SPDX-License-Identifier: MIT
/// @file What reading an image costs beside libpng and libjpeg alone, in as few calls as they need: both decode the same bytes in turns.
/// And how long a training on all threads waits for images from files.

#include "clock.hpp"

#include <espalier/core/random.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/data/loader.hpp>
#include <espalier/io/file.hpp>
#include <espalier/io/image.hpp>
#include <espalier/io/image_set.hpp>
#include <espalier/losses/cross_entropy.hpp>
#include <espalier/mtl/multi_task_loss.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/trunks/resnet.hpp>
#include <espalier/optim/sgd.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

using namespace espalier;

namespace {

/// Smooth colours with some noise, as a photograph.
io::Image<std::uint8_t> photograph(Index side) {
    Random random{1};
    io::Image<std::uint8_t> image{side, side, 3, std::vector<std::uint8_t>(static_cast<std::size_t>(side * side * 3))};
    for (Index i = 0; i < side * side * 3; ++i) {
        const double x = static_cast<double>(i / 3 % side), y = static_cast<double>(i / 3 / side);
        const double value = 127 + 80 * std::sin(x / 37 + static_cast<double>(i % 3)) * std::cos(y / 23) + random.uniform(-8.0, 8.0);
        image.samples[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
    }
    return image;
}

#if ESPALIER_HAS_PNG
/// libpng's simplified interface.
void png_alone(const std::string& bytes) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    if (!png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()))
        std::exit(1);
    image.format = PNG_FORMAT_RGB;
    std::vector<std::uint8_t> samples(PNG_IMAGE_SIZE(image));
    if (!png_image_finish_read(&image, nullptr, samples.data(), 0, nullptr))
        std::exit(1);
}
#endif

#if ESPALIER_HAS_JPEG
/// An error ends the program, as libjpeg has it.
void jpeg_alone(const std::string& bytes) {
    jpeg_error_mgr errors;
    jpeg_decompress_struct jpeg;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<unsigned long>(bytes.size()));
    jpeg_read_header(&jpeg, TRUE);
    jpeg_start_decompress(&jpeg);
    const std::size_t row = std::size_t{jpeg.output_width} * 3;
    std::vector<std::uint8_t> samples(row * jpeg.output_height);
    while (jpeg.output_scanline < jpeg.output_height) {
        JSAMPROW line = samples.data() + jpeg.output_scanline * row;
        jpeg_read_scanlines(&jpeg, &line, 1);
    }
    jpeg_finish_decompress(&jpeg);
    jpeg_destroy_decompress(&jpeg);
}
#endif

/// Best milliseconds of each, in turns.
void print_row(const char* kind, Index side, int repetitions, const std::function<void()>& ours, const std::function<void()>& alone) {
    double best[2] = {INFINITY, INFINITY};
    for (int i = 0; i < repetitions; ++i)
        for (const bool other : {false, true}) {
            const double start = benchmarks::clock_seconds(1);
            (other ? alone : ours)();
            best[other] = std::min(best[other], 1e3 * (benchmarks::clock_seconds(1) - start));
        }
    std::printf("| %s | %d | %.3f | %.3f | %.2f |\n", kind, static_cast<int>(side), best[0], best[1], best[0] / best[1]);
}

/// Share of the time of some epochs in which a training of a ResNet-18 waits for the loader, whose thread reads the files.
void print_waiting(const char* kind, Index side, const std::function<std::string(const io::Image<std::uint8_t>&)>& encode) {
    constexpr Index files = 256;
    const auto folder = std::filesystem::temp_directory_path() / concat("espalier_images_", kind);
    std::filesystem::create_directories(folder);
    const auto image = photograph(side);
    std::vector<std::filesystem::path> paths;
    for (Index i = 0; i < files; ++i) {
        paths.push_back(folder / concat(i));
        io::write_file(paths.back(), encode(image));
    }
    manual_seed(1);
    data::DataLoader<> loader{io::ImageSet<>{paths, {{"kind", Tensor<Index>{{files}}}}}, {.batch_size = 32}};
    mtl::MultiTaskNet<> net{nn::trunks::resnet18(3), {{"kind", nn::Linear{512, 10}}}};
    const mtl::MultiTaskLoss<> criterion{{"kind", losses::CrossEntropy<>{}}};
    optim::SGD<> sgd{net.parameters(), {.learning_rate = 0.01}};
    double waited = 0, begin = benchmarks::seconds_now();
    const double start = begin;
    for (int epoch = 0; epoch < 3; ++epoch, begin = benchmarks::seconds_now())
        for (const auto& batch : loader) {
            waited += benchmarks::seconds_now() - begin;
            const auto loss = criterion(net(batch.input), batch.targets);
            sgd.zero_grad();
            loss.backward();
            sgd.step();
            begin = benchmarks::seconds_now();
        }
    std::printf("| %s | %d | %.1f %% |\n", kind, static_cast<int>(side), 100 * waited / (benchmarks::seconds_now() - start));
    std::filesystem::remove_all(folder);
}

}  // namespace

int main(int argc, char* argv[]) {
    int repetitions = 20;
    CLI::App app{
        "Times the decoding of images in memory beside libpng and libjpeg alone, and how long a training waits for files. Prints "
        "Markdown."};
    app.add_option("--repetitions", repetitions, "of every measurement")->check(CLI::Range(1, 10'000))->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    std::puts("| format | side | Espalier, ms | library alone, ms | ratio |");
    std::puts("|---|---:|---:|---:|---:|");
    for (const Index side : {32, 256, 1024}) {
        const auto image = photograph(side);
#if ESPALIER_HAS_PNG
        const std::string png = io::encode_png(image);
        print_row(
            "PNG", side, repetitions, [&] { static_cast<void>(io::decode_image(png)); }, [&] { png_alone(png); });
#endif
#if ESPALIER_HAS_JPEG
        const std::string jpeg = io::encode_jpeg(image);
        print_row(
            "JPEG", side, repetitions, [&] { static_cast<void>(io::decode_image(jpeg)); }, [&] { jpeg_alone(jpeg); });
#endif
    }
    std::printf("\n| files | side | waiting for them, %d threads |\n|---|---:|---:|\n", num_threads());
    for (const Index side : {64, 96}) {
#if ESPALIER_HAS_PNG
        print_waiting("PNG", side, [](const auto& image) { return io::encode_png(image); });
#endif
#if ESPALIER_HAS_JPEG
        print_waiting("JPEG", side, [](const auto& image) { return io::encode_jpeg(image); });
#endif
    }
}
