// SPDX-License-Identifier: MIT
#include <espalier/train/baselines.hpp>

#include "catch.hpp"
#include "io/files.hpp"

#include <limits>
#include <string>
#include <vector>

using namespace espalier;
using train::Baselines;
using train::Mode;

namespace {

const train::BaselineOptions options{
    .recipe = "three seeds", .metrics = {{"accuracy", Mode::max}, {"loss", Mode::min}}, .seeds = {1, 2, 3}};

/// Task `a` reaches 0.5, 0.6 and 0.7, task `b` always 0.9, with losses that grow by the seed.
Named<double> train_alone(const std::string& task, std::uint64_t seed) {
    const auto number = static_cast<double>(seed);
    return {{"loss", number}, {"accuracy", task == "a" ? 0.4 + number / 10 : 0.9}};
}

Baselines baselines() { return train::single_task_baselines({"a", "b"}, options, train_alone); }

std::string error_of_load(const std::filesystem::path& path) {
    try {
        (void)Baselines::load(path, "three seeds");
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("single_task_baselines: mean, sample deviation and number of the runs of each task") {
    std::vector<std::string> calls;
    const Baselines result = train::single_task_baselines({"a", "b"}, options, [&](const std::string& task, std::uint64_t seed) {
        calls.push_back(task + std::to_string(seed));
        return train_alone(task, seed);
    });
    REQUIRE(calls == std::vector<std::string>{"a1", "a2", "a3", "b1", "b2", "b3"});
    REQUIRE(result.recipe == "three seeds");
    const auto& a = result.tasks.at("a").at("accuracy");
    REQUIRE(a.mean == Approx(0.6));
    REQUIRE(a.deviation == Approx(0.1));
    REQUIRE(a.runs == 3);
    REQUIRE(a.mode == Mode::max);
    REQUIRE(result.tasks.at("b").at("accuracy").deviation == 0);
    REQUIRE(result.tasks.at("b").at("loss").mean == 2);
    REQUIRE(result.tasks.at("b").at("loss").mode == Mode::min);

    auto one = options;
    one.seeds = {7};
    REQUIRE(train::single_task_baselines({"a"}, one, train_alone).tasks.at("a").at("loss").deviation == 0);
}

TEST_CASE("Baselines: results are compared with them, every task counting the same") {
    auto of_two_and_one = baselines();
    of_two_and_one.tasks.at("b") = {{"loss", of_two_and_one.tasks.at("b").at("loss")}};
    // a: accuracy 0.6 -> 0.54 is 10 % worse, loss 2 -> 1 is 50 % better; b: loss 2 -> 3 is 50 % worse.
    const auto compared = of_two_and_one.compare({{"b", {{"loss", 3}}}, {"a", {{"loss", 1}, {"accuracy", 0.54}}}});
    REQUIRE(compared.size() == 3);
    REQUIRE(mtl::delta_m_drop(compared) == Approx(((10 - 50) / 2. + 50) / 2));
    REQUIRE(mtl::delta_m_improvement(compared) == Approx(-15));

    REQUIRE_THROWS_AS(of_two_and_one.compare({{"a", {{"loss", 1}, {"accuracy", 0.5}}}}), StateError);
    REQUIRE_THROWS_AS(of_two_and_one.compare({{"a", {{"loss", 1}, {"accuracy", 0.5}}}, {"c", {{"loss", 1}}}}), StateError);
    REQUIRE_THROWS_AS(of_two_and_one.compare({{"a", {{"loss", 1}}}, {"b", {{"loss", 1}}}}), StateError);
    REQUIRE_THROWS_AS(of_two_and_one.compare({{"a", {{"loss", 1}, {"accuracy", 0.5}}}, {"b", {{"accuracy", 1}}}}), StateError);
}

TEST_CASE("Baselines: a file gives back what was saved, to the last bit, and nothing is left beside it") {
    const TemporaryFolder folder;
    const auto path = folder / "baselines.json";
    const Baselines saved = baselines();
    saved.save(path);
    saved.save(path);  // over the old one
    REQUIRE(folder.entries() == 1);
    REQUIRE(Baselines::load(path, "three seeds") == saved);
    REQUIRE_THROWS_AS(saved.save(folder / "no" / "folder.json"), IoError);

    Baselines foreign = saved;
    foreign.recipe = "\xff";
    REQUIRE_THROWS_AS(foreign.save(path), IoError);
    REQUIRE(Baselines::load(path, "three seeds") == saved);
}

TEST_CASE("Baselines: another recipe is refused, and both are named") {
    const TemporaryFolder folder;
    Baselines other = baselines();
    other.recipe = "five epochs more";
    other.save(folder / "other.json");
    REQUIRE_THROWS_AS(Baselines::load(folder / "other.json", "three seeds"), StateError);
    const std::string error = error_of_load(folder / "other.json");
    REQUIRE(error.find("'three seeds'") != error.npos);
    REQUIRE(error.find("'five epochs more'") != error.npos);
}

TEST_CASE("Baselines: what is no file of baselines is refused") {
    const TemporaryFolder folder;
    baselines().save(folder / "good.json");
    const std::string good = contents(folder / "good.json");
    const auto with = [&](const std::string& from, const std::string& to) {
        std::string text = good;
        const auto at = text.find(from);
        REQUIRE(at != text.npos);
        return folder.file("bad.json", text.replace(at, from.size(), to));
    };
    REQUIRE(error_of_load(with("three", "three")).empty());
    for (const auto& [from, to] :
         {std::pair{"baselines 1", "baselines 2"}, std::pair{"\"higher\"", "\"faster\""}, std::pair{"\"runs\": 3", "\"runs\": 0"},
          std::pair{"\"runs\": 3", "\"runs\": \"3\""}, std::pair{"\"deviation\": 0.", "\"deviation\": -0."},
          std::pair{"\"mean\"", "\"means\""}, std::pair{"{", ""}}) {
        CAPTURE(from, to);
        REQUIRE_THROWS_AS(Baselines::load(with(from, to), "three seeds"), IoError);
        REQUIRE(error_of_load(folder / "bad.json").find("bad.json") != std::string::npos);
    }
    REQUIRE_THROWS_AS(Baselines::load(folder.file("cut.json", good.substr(0, good.size() / 2)), "three seeds"), IoError);
    REQUIRE_THROWS_AS(Baselines::load(folder / "missing.json", "three seeds"), IoError);
}

TEST_CASE("single_task_baselines: bad trainings and empty lists are refused") {
    const auto nothing = [](const std::string&, std::uint64_t) { return Named<double>{}; };
    const auto other = [](const std::string&, std::uint64_t) { return Named<double>{{"accuracy", 1}, {"f1", 1}}; };
    const auto broken = [](const std::string&, std::uint64_t) {
        return Named<double>{{"accuracy", 1}, {"loss", std::numeric_limits<double>::quiet_NaN()}};
    };
    REQUIRE_THROWS_AS(train::single_task_baselines({"a"}, options, nothing), StateError);
    REQUIRE_THROWS_AS(train::single_task_baselines({"a"}, options, other), StateError);
    REQUIRE_THROWS_AS(train::single_task_baselines({"a"}, options, broken), ValueError);
    REQUIRE_THROWS_AS(train::single_task_baselines({"a", "a"}, options, train_alone), StateError);
    REQUIRE_THROWS_AS(train::single_task_baselines({}, options, train_alone), StateError);
    auto none = options;
    none.seeds = {};
    REQUIRE_THROWS_AS(train::single_task_baselines({"a"}, none, train_alone), StateError);
    none = options;
    none.metrics = {};
    REQUIRE_THROWS_AS(train::single_task_baselines({"a"}, none, train_alone), StateError);
}
