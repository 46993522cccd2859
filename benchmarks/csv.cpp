// SPDX-License-Identifier: MIT
/// @file How fast text becomes tensors: a table of numbers and categories is read in blocks, an encoder is fitted in one pass, and a loader
/// makes shuffled batches of it.

#include "clock.hpp"

#include <espalier/core/random.hpp>
#include <espalier/data/stream_loader.hpp>
#include <espalier/io/csv_stream.hpp>
#include <espalier/io/file.hpp>
#include <espalier/io/table_encoder.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

using namespace espalier;

namespace {

/// A table of `numbers` columns with four decimals and `texts` columns of a hundred texts each.
std::string table_of(int numbers, int texts, std::size_t bytes, bool quoted) {
    Random random{1};
    std::string text;
    for (int column = 0; column < numbers + texts; ++column)
        text += concat(column ? "," : "", column < numbers ? 'n' : 't', column);
    text += ",y\n";
    const char* const quote = quoted ? "\"" : "";
    char number[32];
    while (text.size() < bytes) {
        for (int column = 0; column < numbers; ++column) {
            std::snprintf(number, sizeof number, "%.4f,", random.normal() * 10);
            text += number;
        }
        for (int column = 0; column < texts; ++column)
            text += concat(quote, "town ", random.below(100), quote, ',');
        text += random.below(2) ? "1\n" : "0\n";
    }
    return text;
}

io::TableColumns columns_of(int numbers, int texts) {
    io::TableColumns columns{.targets = {io::binary_target("y", "0", "1")}};
    for (int column = 0; column < numbers + texts; ++column)
        (column < numbers ? columns.numbers : columns.categories).push_back(concat(column < numbers ? 'n' : 't', column));
    return columns;
}

/// Best MB/s of some runs.
double speed(std::size_t bytes, int repetitions, const std::function<Index()>& rows_of) {
    double best = INFINITY;
    for (int i = 0; i < repetitions; ++i) {
        const double start = benchmarks::clock_seconds(1);
        if (rows_of() == 0)
            std::exit(1);
        best = std::min(best, benchmarks::clock_seconds(1) - start);
    }
    return 1e-6 * static_cast<double>(bytes) / best;
}

void print_row(const char* kind, int numbers, int texts, bool quoted, std::size_t bytes, int repetitions) {
    const auto path = std::filesystem::temp_directory_path() / "espalier_benchmark.csv";
    const std::string text = table_of(numbers, texts, bytes, quoted);
    io::write_file(path, text);
    const io::CsvStream stream{path};
    const auto columns = columns_of(numbers, texts);
    const io::TableEncoder encoder{stream, columns};
    const auto encode = [&](const io::CsvTable& block) { return data::Dataset<>{encoder.inputs(block), encoder.targets(block)}; };

    const double cells = speed(text.size(), repetitions, [&] { return stream.count_rows(); });
    const double fitted = speed(text.size(), repetitions, [&] { return io::TableEncoder{stream, columns}.width(); });
    const double encoded = speed(text.size(), repetitions, [&] {
        Index rows = 0;
        for (const io::CsvTable& block : stream)
            rows += encode(block).size();
        return rows;
    });
    const double batches = speed(text.size(), repetitions, [&] {
        Index rows = 0;
        for (const auto& batch : data::StreamLoader{stream, encode, {.batch_size = 256, .prefetch = 0}})
            rows += batch.size();
        return rows;
    });
    const double whole = speed(text.size(), repetitions, [&] { return encode(io::load_csv(path)).size(); });
    std::printf("| %s | %.0f | %.0f | %.0f | %.0f | %.0f |\n", kind, cells, encoded, fitted, batches, whole);
    std::filesystem::remove(path);
}

}  // namespace

int main(int argc, char* argv[]) {
    int repetitions = 7;
    int megabytes = 32;
    CLI::App app{"Times the reading of tables, in MB of text a second on one thread, the best of some runs. Prints Markdown."};
    app.add_option("--repetitions", repetitions, "of every measurement")->check(CLI::Range(1, 10'000))->capture_default_str();
    app.add_option("--megabytes", megabytes, "of text")->check(CLI::Range(1, 10'000))->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    const std::size_t bytes = static_cast<std::size_t>(megabytes) * 1'000'000;
    std::puts("| columns | cells | inputs and targets | fit of an encoder | shuffled batches | load_csv, inputs and targets |");
    std::puts("|---|---:|---:|---:|---:|---:|");
    print_row("40 numbers", 40, 0, false, bytes, repetitions);
    print_row("20 numbers, 20 texts", 20, 20, false, bytes, repetitions);
    print_row("20 numbers, 20 texts in quotes", 20, 20, true, bytes, repetitions);
    print_row("4 numbers, 2 texts", 4, 2, false, bytes, repetitions);
}
