// SPDX-License-Identifier: MIT
/// @file Clicks and purchases: of what was not clicked nobody knows whether it would have been bought, and yet that is asked of everything
/// that is shown.
///
/// Five nets learn from the log of a simulated shop, whose true rates say how far off each of them is; or from MovieLens 100K. `clicks/`
/// holds what is particular to this example: the shop, the networks and their losses, the command line and the picture.

#include "clicks/drawing.hpp"
#include "clicks/exchange.hpp"
#include "clicks/movielens.hpp"
#include "clicks/options.hpp"
#include "clicks/report.hpp"
#include "clicks/simulator.hpp"
#include "clicks/training.hpp"
#include "places.hpp"

#include <espalier/core/build_info.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/io/file.hpp>
#include <espalier/io/model.hpp>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

using namespace espalier;
using namespace clicks;

namespace {

void run(const Options& options) {
    if (options.threads > 0)
        set_num_threads(options.threads);
    const Log log = options.data.empty() ? Shop{options.shop, options.seed}.run() : load_movielens(options.data, options.seed);
    if (!options.export_to.empty())
        return export_log(options.export_to, log);
    const auto folder = examples::output_folder(options.out);
    examples::require_output_file(options.json);
    const auto truth = measure("true rates", true_rates(log.test), log);  // before the training: a test without a purchase has no area
    const auto set = dataset_of(log.catalogue, log.train);
    const auto of_test = inputs_of(log.catalogue, log.test);
    const auto clicked = [](const std::vector<Impression>& rows) {
        return std::count_if(rows.begin(), rows.end(), [](const Impression& row) { return row.clicked; });
    };
    std::printf("%td users, %td items; %zu impressions with %td clicks to learn from, %zu with %td for the test\n%s\n\n",
                log.catalogue.users, log.catalogue.items, log.train.size(), clicked(log.train), log.test.size(), clicked(log.test),
                build_info().text().c_str());
    std::fflush(stdout);

    std::vector<Result> results;
    for (const std::string& name : options.nets) {
        const auto net = clicks::train(name, log, set, options);
        results.push_back(measure(name, predict(net, of_test), log));
        results.back().parameters = net.parameter_count();
        io::save(net, folder / ("clicks-" + name + ".safetensors"));
    }
    print_table(results, log.simulated ? std::optional{truth} : std::nullopt);

    if (!options.json.empty())
        write_json(options, results);
    const auto picture = folder / "clicks.svg";
    io::write_file(picture, draw(results, log));

    const auto best = std::max_element(results.begin(), results.end(),
                                       [](const Result& a, const Result& b) { return a.both_area < b.both_area; });
    const auto weights = folder / ("clicks-" + best->name + ".safetensors");
    auto restored = make_net(best->name, log.catalogue);
    io::load(restored, weights);
    print_choices(restored, log);
    std::printf("\nweights  %s (from the file, it said what each will choose)\npicture  %s\n", weights.c_str(), picture.c_str());
}

}  // namespace

int main(int argc, char* argv[]) {
    return examples::program(
        "clicks", [&] { return parse(argc, argv); }, run);
}
