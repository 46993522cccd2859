// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "threads.hpp"

#include <espalier/core/random.hpp>
#include <espalier/kernels/reduction.hpp>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

using namespace espalier;

namespace {

/// Runs `f` on 1, 2 and 4 threads and demands the same result.
template <class F>
auto on_any_threads(const F& f) {
    const auto on = [&](int threads) {
        const testing::Threads guard{threads};
        return f();
    };
    const auto one = on(1);
    CHECK(on(2) == one);
    CHECK(on(4) == one);
    return one;
}

}  // namespace

TEST_CASE("a sum is exact where it can be and the same for any number of threads", "[reduction]") {
    for (const Index n : {0, 1, 8191, 8192, 8193, 100'000}) {
        CAPTURE(n);
        CHECK(on_any_threads([&] { return kernels::sum(n, [](Index i) { return i; }); }) == static_cast<double>(n * (n - 1) / 2));
        const Random random{7};
        const auto term = [&](Index i) { return static_cast<float>(Random::to_unit<double>(random.at(static_cast<std::uint64_t>(i)))); };
        long double expected = 0;
        for (Index i = 0; i < n; ++i)
            expected += static_cast<long double>(term(i));
        CHECK(on_any_threads([&] { return kernels::sum(n, term); }) == Approx(static_cast<double>(expected)).epsilon(1e-14));
    }
}

TEST_CASE("column sums, for few and many rows and columns", "[reduction]") {
    const std::pair<Index, Index> shapes[] = {{0, 3}, {1, 1}, {5, 7}, {20'000, 3}, {3, 20'000}, {16'385, 1}, {4, 0}};
    for (const auto& [rows, columns] : shapes) {
        CAPTURE(rows, columns);
        const auto sums = on_any_threads([&, r = rows, c = columns] {
            std::vector<double> result(static_cast<std::size_t>(c), -1);
            kernels::column_sums(r, c, result.data(), [](Index i, Index j) { return i * (j + 1) + 1; });
            return result;
        });
        for (Index j = 0; j < columns; ++j)
            REQUIRE(sums[static_cast<std::size_t>(j)] == static_cast<double>(rows * (rows - 1) / 2 * (j + 1) + rows));
    }
}

TEMPLATE_TEST_CASE("columns of products and of squares are summed from a shift on", "[reduction]", float, double) {
    using T = TestType;
    for (const auto& [rows, columns] : {std::pair<Index, Index>{0, 3}, {1, 1}, {5, 7}, {3000, 70}, {9, 300}}) {
        CAPTURE(rows, columns);
        Random random{2};
        const auto draw = [&](Index n) {
            std::vector<T> values(static_cast<std::size_t>(n));
            for (T& value : values)
                value = random.uniform<T>(-1, 1);
            return values;
        };
        const auto x = draw(rows * columns), y = draw(rows * columns), shift = draw(columns);
        const auto width = static_cast<std::size_t>(columns);
        using Results = std::array<std::vector<double>, 3>;
        const Results results = on_any_threads([&, r = rows, c = columns] {
            Results sums{std::vector<double>(width, -1), std::vector<double>(width, -1), std::vector<double>(width, -1)};
            kernels::column_sums(r, c, x.data(), sums[0].data());
            kernels::column_products(r, c, x.data(), shift.data(), y.data(), sums[1].data());
            kernels::column_squares(r, c, x.data(), shift.data(), sums[2].data());
            return sums;
        });
        for (const bool gated : {false, true}) {  // both sums in one pass have the bits of the passes apart
            auto dy = y, apart = y;
            for (std::size_t i = 0; i < y.size() && gated; ++i)
                apart[i] = x[i] > 0 ? y[i] : T(0);
            std::vector<double> sums(width, -1), products(width, -1), moments(2 * width, -1);
            kernels::gated_column_moments<T>(rows, columns, x.data(), shift.data(), gated ? x.data() : nullptr, dy.data(), moments.data());
            CHECK(dy == apart);
            kernels::column_sums(rows, columns, apart.data(), sums.data());
            kernels::column_products<T>(rows, columns, x.data(), shift.data(), apart.data(), products.data());
            CHECK(std::equal(sums.begin(), sums.end(), moments.begin()));
            CHECK(std::equal(products.begin(), products.end(), moments.begin() + columns));
        }
        for (std::size_t j = 0; j < width; ++j) {
            std::array<double, 3> expected{};
            for (std::size_t i = j; i < x.size(); i += width) {
                const double d = static_cast<double>(x[i]) - static_cast<double>(shift[j]);
                expected[0] += static_cast<double>(x[i]);
                expected[1] += d * static_cast<double>(y[i]);
                expected[2] += d * d;
            }
            for (std::size_t k = 0; k < 3; ++k)
                REQUIRE(results[k][j] == Approx(expected[k]).epsilon(1e-5).margin(1e-4));
        }
    }
}

TEMPLATE_TEST_CASE("a row is summed on one thread to the last digits, alone or times another", "[reduction]", float, double) {
    using T = TestType;
    for (const Index n : {0, 1, 63, 64, 65, 4095, 4096, 4097, 1'000'000}) {
        CAPTURE(n);
        Random random{1};
        std::vector<T> x(static_cast<std::size_t>(n), T(0.1));
        std::vector<T> y(x.size());
        double products = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
            y[i] = random.uniform<T>(0, 1);
            products += static_cast<double>(x[i]) * static_cast<double>(y[i]);
        }
        CHECK(kernels::row_sum<T>(n, x.data()) == Approx(static_cast<double>(n) * static_cast<double>(T(0.1))).epsilon(1e-5));
        CHECK(kernels::row_product<T>(n, x.data(), y.data()) == Approx(products).epsilon(1e-5));
        std::vector<double> sums{1, 2, 3};
        kernels::add_rows_to<T>(sums.data(), n / 3, 3, x.data());
        CHECK(sums[2] == Approx(3 + static_cast<double>(n / 3) * static_cast<double>(T(0.1))).epsilon(1e-5));
    }
}
