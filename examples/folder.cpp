// SPDX-License-Identifier: MIT
/// @file A folder of images and a CSV of their labels: one network learns all columns, and labels other images.
///
/// Columns are classes, numbers, or several labels a cell, as their cells tell or the command line; cells may be empty. `folder/` holds
/// what is particular to this example: the command line, which columns are what, the training, the report and the picture.

#include "folder/drawing.hpp"
#include "places.hpp"

#include <espalier/core/build_info.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/io/file.hpp>
#include <espalier/io/image_files.hpp>

#include <cstdio>
#include <filesystem>

using namespace espalier;
using namespace folder;

namespace {

void run_training(const Options& options) {
    const Data data = load(options);
    const Recipe recipe{options.net, options.size, data.columns};
    const auto out = examples::output_folder(options.out);
    // Nor must it be found out then that labels cannot be written down, or that an image is broken that the training does not read.
    static_cast<void>(examples::recipe_text("folder", to_json(recipe)));
    for (Index i = 0; i < data.test.size(); ++i)
        static_cast<void>(data.test.image(i));
    std::printf("%td images to learn from, %td held out; %s, %td x %td pixels, %d epochs\n%s\n", data.train.size(), data.test.size(),
                options.net.c_str(), options.size, options.size, options.epochs, build_info().text().c_str());
    std::fflush(stdout);

    const auto net = folder::train(recipe, data.train, options);
    folder::save(net, recipe, out / "folder.safetensors");
    const auto said = folder::predict(net, data.columns, data.test);
    print_report(data, said);
    io::write_file(out / "predictions.csv", predictions_csv(data.columns, data.test.paths(), options.images, said));
    io::write_file(out / "folder.svg", draw(data, said));
    std::printf("\nweights      %s\npredictions  %s (held-out images)\npicture      %s\n", (out / "folder.safetensors").c_str(),
                (out / "predictions.csv").c_str(), (out / "folder.svg").c_str());
}

void run_labelling(const Options& options) {
    const Recipe recipe = load_recipe(options.weights);
    auto net = make_net(recipe);
    io::load(net, options.weights);
    const io::ImageSet<float> set{io::image_files(options.predict), {}, {.size = {recipe.size, recipe.size}, .background = 1}};
    const auto file = examples::output_folder(options.out) / "predictions.csv";
    const auto csv = predictions_csv(recipe.columns, set.paths(), options.predict, folder::predict(net, recipe.columns, set));
    io::write_file(file, csv);
    std::printf("%s\npredictions  %s\n", csv.c_str(), file.c_str());
}

void run(const Options& options) {
    if (options.threads > 0)
        set_num_threads(options.threads);
    if (options.predict.empty())
        run_training(options);
    else
        run_labelling(options);
}

}  // namespace

int main(int argc, char* argv[]) {
    return examples::program(
        "folder", [&] { return folder::parse(argc, argv); }, run);
}
