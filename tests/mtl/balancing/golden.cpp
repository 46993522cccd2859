// SPDX-License-Identifier: MIT
/// @file Weightings against other programs: tests/golden/make_balancing.py tells which, and why.
#include "catch.hpp"
#include "jacobians.hpp"
#include "registry.hpp"

#include <espalier/io/safetensors.hpp>
#include <espalier/mtl/balancing/pcd.hpp>
#include <espalier/mtl/balancing/pcgrad.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace {

using namespace espalier;
using namespace testing;

constexpr std::array<Index, 4> sizes{2, 3, 11, 40};
constexpr Index each = 25;

Tensor<double> golden_jacobian(Index tasks, Index k) {
    const Index first = 5000 + each * (std::find(sizes.begin(), sizes.end(), tasks) - sizes.begin());
    return hashed_jacobian(static_cast<std::uint64_t>(first + k), tasks, tasks + 9, k % 2 == 0 ? tasks : (tasks + 1) / 2,
                           std::pow(10.0, static_cast<double>(k * 5 % 21 - 10)));
}

/// A rule with state, the same for one Jacobian after another.
template <class Rule>
DirectionOf kept(Rule rule, std::size_t tasks) {
    rule.start(tasks);
    return [rule](const Tensor<double>& rows, std::span<const double> losses) mutable {
        const auto call = [&rule](const mtl::Gramian& gramian) { return rule(gramian); };
        return weighting([&] { return call; })(rows, losses);
    };
}

DirectionOf rule_named(const std::string& name, std::size_t tasks) {
    if (name == "GradVac")
        return kept(mtl::GradVac{}, tasks);
    if (name == "PCD")
        return kept(mtl::PCD{}, tasks);
    if (name == "PCD, tau = 0.3")
        return kept(mtl::PCD{{.tau = 0.3}}, tasks);
    const auto row = std::find_if(rule_rows().begin(), rule_rows().end(), [&](const RuleRow& one) { return one.name == name; });
    REQUIRE(row != rule_rows().end());
    return row->direction;
}

}  // namespace

TEST_CASE("weightings give what other programs give") {
    const auto file = io::load_safetensors(ESPALIER_GOLDEN_DIR "/balancing_weightings.safetensors");
    for (const auto& [key, stored] : file) {
        const std::string name = key.substr(0, key.find('/'));
        const auto golden = file.get<double>(key);
        const Index tasks = golden.size(1);
        const DirectionOf rule = rule_named(name, static_cast<std::size_t>(tasks));
        Index compared = 0;
        for (Index k = 0; k < each; ++k) {
            const auto rows = golden_jacobian(tasks, k);
            std::vector<double> losses(static_cast<std::size_t>(tasks));
            for (std::size_t t = 0; t < losses.size(); ++t)
                losses[t] = 1 + 0.25 * static_cast<double>(t % 4);
            const auto d = rule(rows, losses);
            if (std::isnan(golden.at(k, 0)))  // has no solution
                continue;
            double apart = 0, length = 0, magnitude = 0;
            for (Index p = 0; p < d.numel(); ++p) {
                double expected = 0;
                for (Index t = 0; t < tasks; ++t) {
                    expected += golden.at(k, t) * rows.at(t, p);
                    magnitude = std::max(magnitude, std::abs(golden.at(k, t) * rows.at(t, p)));
                }
                length += expected * expected;
                apart += (d[p] - expected) * (d[p] - expected);
            }
            CAPTURE(key, k, std::sqrt(length));
            CHECK(std::sqrt(apart) <= 1e-5 * std::sqrt(length) + 1e-10 * magnitude);
            ++compared;
        }
        CHECK(compared >= each / 2);
    }
}
