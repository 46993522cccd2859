// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/ple.hpp>

#include "mtl/sharing/ways.hpp"
#include "nn/testing.hpp"

#include <utility>
#include <vector>

using namespace espalier;
using testing::same_bits;
using Layers = std::vector<nn::Layer<>>;
using Level = mtl::ExpertLevel<>;

TEST_CASE("one level without shared experts is separate networks", "[mtl][sharing]") {
    for (const bool image : {false, true}) {
        const auto networks = ways::networks<float>(2, image);
        mtl::PLE<> experts{{.own = {{networks[0]}, {networks[1]}}, .gates = ways::gates<float>(2, image, 1)}};
        mtl::Separate separate{networks};
        const auto x = ways::input<float>(image);
        const auto a = experts(x), b = separate(x);
        for (std::size_t i = 0; i < 2; ++i)
            CHECK(same_bits(a[i].value(), b[i].value()));
    }
}

TEST_CASE("one level without experts of tasks is a mixture of experts", "[mtl][sharing]") {
    const auto experts = ways::networks<float>(3, false);
    const auto gates = ways::gates<float>(2, false, 3);
    mtl::PLE<> level{{.own = {{}, {}}, .shared = experts, .gates = gates}};
    mtl::MMoE mixture{experts, gates};
    const auto x = ways::input<float>(false);
    const auto a = level(x), b = mixture(x);
    for (std::size_t i = 0; i < 2; ++i)
        CHECK(same_bits(a[i].value(), b[i].value()));
}

TEST_CASE("levels that are not whole are refused", "[mtl][sharing]") {
    const auto expert = [] { return Layers{nn::Linear{3, 3}}; };
    const auto gate = [](Index scores) { return Layers{nn::Linear{3, scores}}; };
    CHECK_THROWS_WITH(mtl::PLE<>{std::vector<Level>{}}, "[PLE] expected at least one level of at least one task, got 0 levels");
    CHECK_THROWS_WITH((mtl::PLE<>{std::vector<Level>{{.own = {}, .shared = expert(), .gates = gate(1)}}}),
                      "[PLE] expected experts and gates of 1 tasks, got 0 and 1 on level 0");
    CHECK_THROWS_WITH((mtl::PLE<>{std::vector<Level>{{.own = {{}}, .gates = gate(1)}}}),
                      "[PLE] expected an expert for task 0, got none on level 0");
    const Level whole{.own = {expert()}, .shared = expert(), .gates = gate(2)};
    CHECK_THROWS_WITH((mtl::PLE<>{std::vector<Level>{whole, whole}}),
                      "[PLE] expected one shared gate on each level but the last, got 0 on level 0 of 2");
    Level gated = whole;
    gated.shared_gate = gate(2);
    CHECK_THROWS_WITH((mtl::PLE<>{std::vector<Level>{gated}}),
                      "[PLE] expected one shared gate on each level but the last, got 1 on level 0 of 1");
    gated.shared_gate = gate(5);
    mtl::PLE<> wrong{std::vector<Level>{gated, whole}};
    CHECK_THROWS_WITH(wrong(ways::input<float>(false)),
                      "[PLE] expected 2 scores, one for each expert, from gate 1, got (3, 5) for input (3, 3), in level 0");
    mtl::PLE<> fits_not{std::vector<Level>{{.own = {{nn::Linear{7, 3}}}, .shared = expert(), .gates = gate(2)}}};
    CHECK_THROWS_WITH(fits_not(ways::input<float>(false)),
                      "[linear] expected 7 input features, got input (3, 3), in expert 0, in task 0, in level 0");
}
