// SPDX-License-Identifier: MIT
// Every rule in a criterion: it trains, copes with what batches are like, forgets nothing, and has the same bits on any number of threads.
#include "mtl/balancing/training.hpp"
#include "threads.hpp"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

using namespace espalier;
using testing::same_bits;
using testing::Training;

TEST_CASE("names of rules are told apart", "[mtl][balancing]") {
    const auto names = mtl::rule_names();
    CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
    mtl::MultiTaskLoss<float> criterion{{"a", losses::MSE{}}, {"b", losses::MSE{}}};
    CHECK_THROWS_WITH(mtl::balance_by_name(criterion, "Nash"),
                      ContainsSubstring("[balance_by_name] expected the name of a rule, got 'Nash': there are Sum, Mean, UW, "));
}

TEST_CASE("every rule trains", "[mtl][balancing][rules]") {
    for (const auto& name : mtl::rule_names()) {
        CAPTURE(name);
        if (name == "PBI")  // aims at losses of one direction and not at small ones
            continue;
        Training training{name};
        const double before = training.loss();
        for (int i = 0; i < 150; ++i)
            training.step();
        CHECK(training.loss() < before);
    }
}

TEST_CASE("every rule has the same bits for any number of threads, and after its state was loaded", "[mtl][balancing][rules][same_bits]") {
    for (const auto& name : mtl::rule_names()) {
        CAPTURE(name);
        std::optional<Named<Tensor<float>>> expected;
        for (const int threads : {1, 2, 4}) {
            const testing::Threads guard{threads};
            auto training = std::make_unique<Training>(name);
            for (int i = 0; i < 6; ++i)
                training->step();
            if (threads == 2) {  // goes on elsewhere
                auto other = std::make_unique<Training>(name);
                other->net->load_state_dict(training->net->state_dict());
                other->criterion->load_state_dict(training->criterion->state_dict());
                other->sgd->load_state_dict(training->sgd->state_dict());
                other->count = training->count;
                CHECK(same_bits(other->criterion->state_dict(), training->criterion->state_dict()));
                training = std::move(other);
            }
            for (int i = 0; i < 6; ++i)
                training->step();
            if (!expected)
                expected = training->net->state_dict();
            CHECK(same_bits(*expected, training->net->state_dict()));
        }
    }
}

TEST_CASE("every rule that sees gradients may look at layers, and most at features", "[mtl][balancing][rules]") {
    for (const auto& name : mtl::rule_names())
        for (const auto scope : {mtl::Scope::layers, mtl::Scope::features}) {
            CAPTURE(name, static_cast<int>(scope));
            std::optional<Training> training;
            try {
                training.emplace(name, mtl::BalanceOptions{.scope = scope});
            } catch (const ValueError& error) {
                CHECK(std::string{error.what()}.find("sees losses alone") != std::string::npos);
                continue;
            }
            const double before = training->loss();
            for (int i = 0; i < 150; ++i)
                training->step();
            CHECK(training->loss() < before);
        }
}
