// SPDX-License-Identifier: MIT
/// @file The command line of the example.
#pragma once

#include "../program.hpp"
#include "networks.hpp"
#include "simulator.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace clicks {

struct Options {
    std::vector<std::string> nets = names_of_nets;
    ShopSize shop;
    int epochs = 2;
    Index batch = 256;
    double learning_rate = 0.001;
    std::uint64_t seed = 1;
    int threads = 0;
    std::filesystem::path data, json, export_to, out = ".";
};

/// Nothing after `--help`, which is answered here. @throws CLI::ParseError, one line, for a command line that is wrong
[[nodiscard]] inline std::optional<Options> parse(int argc, char* argv[]) {
    Options options;
    std::string net;
    bool all = false;
    CLI::App app{
        "Learns what is clicked and what is then bought, of which nobody knows for what was not clicked, from the log of a simulated\n"
        "shop, whose true rates tell how far each way of learning is off; or from MovieLens. Writes the weights and a picture."};
    app.get_formatter()->column_width(36);
    const auto add = [&](const char* name, auto& value, const char* type, const std::string& what) {
        return app.add_option(name, value, what)->type_name(type);
    };
    using examples::within;
    auto* const one = add("--net", net, "NAME", "one net: naive, esmm, escm2-ips, escm2-dr or aitm");
    one->check(CLI::IsMember(names_of_nets).description(""));
    app.add_flag("--all", all, "all of them, which is the default")->excludes(one);
    auto* const users = add("--users", options.shop.users, "N", "of the shop");
    users->check(within(3, 10'000'000))->capture_default_str();
    auto* const items = add("--items", options.shop.items, "N", "of the shop");
    items->check(within(5, 10'000'000))->capture_default_str();
    auto* const impressions = add("--impressions", options.shop.impressions, "N", "of the shop, a quarter of them for the test");
    impressions->check(within(1000, 100'000'000))->capture_default_str();
    add("--epochs", options.epochs, "N", "passes over the log")->check(within(1, 100'000))->capture_default_str();
    add("--batch", options.batch, "N", "impressions a step")->check(within(1, 1'000'000))->capture_default_str();
    add("--learning-rate", options.learning_rate, "X", "of Adam, from which it falls to 0")->check(within(0.0, 1e3))->capture_default_str();
    add("--seed", options.seed, "N", "of the shop, the first weights and the batches")->capture_default_str();
    add("--threads", options.threads, "N", "0 for as many as there are processors")->check(within(0, 1024));
    add("--data", options.data, "FOLDER", "u.data, u.item and u.user of MovieLens 100K, instead of the shop")
        ->excludes(users)
        ->excludes(items)
        ->excludes(impressions);
    add("--out", options.out, "FOLDER", "for clicks-<net>.safetensors and clicks.svg");
    add("--json", options.json, "FILE", "for the figures");
    add("--export", options.export_to, "FILE", "write the log as safetensors, and end");
    if (!examples::parse(app, argc, argv))
        return std::nullopt;
    if (!net.empty())
        options.nets = {net};
    return options;
}

}  // namespace clicks
