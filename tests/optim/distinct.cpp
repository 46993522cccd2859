// SPDX-License-Identifier: MIT
#include <espalier/optim/distinct.hpp>

#include "optim/testing.hpp"

#include <algorithm>

using namespace espalier;
using namespace testing;

namespace {

std::vector<std::size_t> firsts(const std::vector<Variable<double>>& variables) {
    const auto result = optim::detail::first_positions<double>(variables);
    return {result.begin(), result.end()};
}

}  // namespace

TEST_CASE("Repetitions in a list are found, with the place of the first", "[optim]") {
    const auto p = leaves({Tensor<double>{{2}}, Tensor<double>{{2}}, Tensor<double>{}});
    CHECK(firsts({}).empty());
    CHECK(firsts({p[0]}) == std::vector<std::size_t>{0});
    CHECK(firsts({p[2], p[0], p[1]}) == std::vector<std::size_t>{0, 1, 2});
    CHECK(firsts({p[1], p[0], p[1], p[2], p[0], p[1]}) == std::vector<std::size_t>{0, 1, 0, 3, 1, 0});
}

TEST_CASE("Repetitions are found among thousands", "[optim]") {
    std::vector<Variable<double>> many;
    for (int i = 0; i < 20000; ++i)  // comparing each with each would take minutes under a sanitizer
        many.emplace_back(Tensor<double>{}, true);
    many.push_back(many[12345]);
    const auto result = firsts(many);
    for (std::size_t i = 0; i < 20000; ++i)
        REQUIRE(result[i] == i);
    CHECK(result.back() == 12345);
}
