// SPDX-License-Identifier: MIT
#include "mtl/balancing/stateful.hpp"

#include <espalier/mtl/balancing/rows.hpp>

using namespace espalier;
using namespace testing;

TEST_CASE("chunks of columns are whole strips, and there are at most 64 of them", "[mtl]") {
    for (const std::size_t rows : {1U, 2U, 3U, 40U, 1000U})
        for (const Index columns : {Index{0}, Index{1}, Index{511}, Index{100'000}, Index{100'000'000}}) {
            const Index chunk = mtl::detail::columns_of_chunk(rows, columns);
            CAPTURE(rows, columns, chunk);
            CHECK(chunk > 0);
            CHECK(chunk % mtl::detail::strip_columns == 0);
            CHECK((columns + chunk - 1) / chunk <= 64);
        }
}

TEMPLATE_TEST_CASE("Gramian, lengths and combinations of rows equal sums in double", "[mtl]", float, double) {
    const Index tasks = GENERATE(1, 2, 11);
    const Index columns = GENERATE(0, 1, 7, 1000, 40000);
    CAPTURE(tasks, columns);
    const auto rows = hashed_rows<TestType>(tasks, columns, 5);
    const mtl::Matrix gramian = mtl::gramian_of(rows);
    const auto expected = gramian_of_rows(rows, step_of(first_tasks(static_cast<std::size_t>(tasks)), 11, 0));
    const mtl::Weights norms = mtl::detail::norms_of(mtl::detail::rows_of(rows), 0, columns);
    mtl::Weights weights;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        weights.push_back(hashed(9, i));
        CHECK(norms[i] == Approx(expected.norm(i)).margin(1e-12));
        for (std::size_t j = 0; j < expected.size(); ++j)
            CHECK(gramian(i, j) == Approx(expected(i, j)).margin(1e-9));
    }
    const auto combined = mtl::combine(rows, weights);
    REQUIRE(combined.shape() == Shape{columns});
    bool equal = true;
    for (Index p = 0; p < columns; ++p) {
        double sum = 0;
        for (Index t = 0; t < tasks; ++t)
            sum += weights[static_cast<std::size_t>(t)] * static_cast<double>(rows.at(t, p));
        equal = equal && combined[p] == static_cast<TestType>(sum);
    }
    CHECK(equal);
}

TEST_CASE("passes over rows have the same bits on two threads", "[mtl]") {
    const auto rows = hashed_rows<float>(3, 100'001, 1);
    const mtl::Weights weights{0.3, -0.2, 1.7};
    const auto all = [&](int threads) {
        const ::testing::Threads guard{threads};
        const mtl::Matrix gramian = mtl::gramian_of(rows);
        return std::make_pair(std::vector<double>(gramian.data(), gramian.data() + 9), mtl::combine(rows, weights));
    };
    CHECK(all(1) == all(2));
}
