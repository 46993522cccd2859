// SPDX-License-Identifier: MIT
/// @file How is a word said? From its letters one network tells the number of syllables, where the stress is, the first and the last
/// phone, and the whole pronunciation.
///
/// The words are of CMUdict; one of ten is held out. `pronounce/` holds what is particular to this example: the dictionary, letters and
/// phones as numbers, the network with its decoder, the report and the picture.

#include "places.hpp"
#include "pronounce/drawing.hpp"
#include "pronounce/report.hpp"
#include "pronounce/training.hpp"

#include <espalier/core/build_info.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/io/file.hpp>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

using namespace espalier;
using namespace pronounce;

namespace {

/// The net that a file holds, and all that belongs to it.
struct Speaker {
    Recipe recipe;
    Pronouncer net;

    explicit Speaker(const std::filesystem::path& file) : recipe{load_recipe(file)}, net{recipe} { io::load(net, file); }

    void tell(const std::vector<std::string>& words) {
        const Speech said = say(net, recipe, letters_of(recipe.language, words));
        for (std::size_t i = 0; i < words.size(); ++i)
            std::printf("%s", line_of(recipe, words[i], said, static_cast<Index>(i)).c_str());
    }
};

void answer_lines(Speaker& speaker) {
    std::printf("Type a word, or nothing to end.\n> ");
    std::fflush(stdout);
    while (const auto word = examples::typed_line()) {
        speaker.tell({*word});
        std::printf("> ");
        std::fflush(stdout);
    }
    std::printf("\n");
}

void use(const Options& options, const std::filesystem::path& weights) {
    Speaker speaker{weights};
    speaker.tell(options.words);
    if (options.prompt)
        answer_lines(speaker);
}

void run_training(const Options& options) {
    std::vector<Entry> known, held_out;
    for (Entry& entry : load_dictionary(options.data))
        (is_held_out(entry.word) ? held_out : known).push_back(std::move(entry));
    require<ValueError>(!known.empty() && !held_out.empty(), "pronounce", "expected words to learn from and words to hold out in ",
                        options.data, ", got ", known.size(), " and ", held_out.size());
    std::vector<std::string> tasks = class_tasks;
    tasks.push_back(pronunciation);
    const Recipe recipe{options.net, options.width, tasks, learn_language(known)};
    const auto train_set = make_set(recipe.language, known), test = make_set(recipe.language, held_out);
    const auto out = examples::output_folder(options.out);
    examples::require_output_file(options.json);
    const auto weights = out / "pronounce.safetensors", picture = out / "pronounce.svg";
    std::printf("%zu words to learn from, %zu held out; %s, %d epochs\n%s\n", known.size(), held_out.size(), options.net.c_str(),
                options.epochs, build_info().text().c_str());
    std::fflush(stdout);

    const auto start = std::chrono::steady_clock::now();
    const std::clock_t processor_start = std::clock();
    auto net = pronounce::train(recipe, train_set, options);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
                 processor_seconds = static_cast<double>(std::clock() - processor_start) / CLOCKS_PER_SEC;
    pronounce::save(net, recipe, weights);  // before anything else can go wrong
    const auto& words = data::sequences_of(test.named_inputs(), "letters");
    const Named<double> together = score(say(net, recipe, words), test);
    Named<double> alone;
    for (const std::string& task : tasks)
        if (options.baselines) {
            const Recipe single{options.net, options.width, {task}, recipe.language};
            auto net_of_one = pronounce::train(single, train_set, options);
            for (const auto& [key, value] : score(say(net_of_one, single, words), test))
                alone.insert(key, value);
        }
    print_scores(score_guesses(train_set, test), together, alone);
    if (!options.json.empty())
        write_json(options.json, options, together, alone, seconds, processor_seconds);

    Speaker restored{weights};
    io::write_file(picture, draw_looks(restored.net, restored.recipe, options.words));
    std::printf("\nweights  %s\npicture  %s (which letters each phone looks at, by the network from the file)\n\n", weights.c_str(),
                picture.c_str());
    use(options, weights);
}

void run(const Options& options) {
    if (options.threads > 0)
        set_num_threads(options.threads);
    if (options.weights.empty())
        run_training(options);
    else
        use(options, options.weights);
}

}  // namespace

int main(int argc, char* argv[]) {
    return examples::program(
        "pronounce", [&] { return pronounce::parse(argc, argv); }, run);
}
