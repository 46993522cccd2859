// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "sanitized.hpp"
#include "threads.hpp"

#include <espalier/kernels/sgemm.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

using namespace espalier;

TEST_CASE("sgemm is the sum over k for any extents, strides and order of operands", "[kernels][sgemm]") {
    Random random{11};
    for (int round = 0; round < 120; ++round) {
        const bool large = round % 10 == 1;
        const Index m = (large ? 60 : 1) + random.below(40);
        const Index n = (large ? 60 : 1) + random.below(70);
        const Index k = round % 10 < 2 ? 1 + random.below(600) : random.below(40);
        const bool a_by_columns = random.below(2) == 1;
        const bool b_by_columns = random.below(2) == 1;
        const bool accumulate = random.below(2) == 1;
        const bool with_bias = !accumulate && random.below(2) == 1;
        const bool relu = random.below(4) == 0;
        const auto a = Tensor<float>::normal({m * k + 1}, random);
        const auto b = Tensor<float>::normal({k * n + 1}, random);
        const auto bias = Tensor<float>::normal({n}, random);
        const Index stride = n + random.below(3);
        auto c = Tensor<float>::normal({m * stride}, random);
        const auto before = c;
        const kernels::Strided left{a.data(), a_by_columns ? 1 : k, a_by_columns ? m : 1};
        const kernels::Strided right{b.data(), b_by_columns ? 1 : n, b_by_columns ? k : 1};
        kernels::sgemm({.m = m,
                        .n = n,
                        .k = k,
                        .a = left,
                        .b = right,
                        .c = c.data(),
                        .c_stride = stride,
                        .bias = with_bias ? bias.data() : nullptr,
                        .relu = relu,
                        .accumulate = accumulate});
        double worst = 0;
        for (Index i = 0; i < m; ++i)
            for (Index j = 0; j < stride; ++j) {
                double expected = j < n && !accumulate ? 0 : static_cast<double>(before[i * stride + j]);
                if (j < n && with_bias)
                    expected = static_cast<double>(bias[j]);
                for (Index p = 0; p < k && j < n; ++p)
                    expected += static_cast<double>(left.data[i * left.row + p * left.column]) *
                                static_cast<double>(right.data[p * right.row + j * right.column]);
                if (j < n && relu)
                    expected = std::max(expected, 0.0);
                worst = std::max(worst, std::abs(expected - static_cast<double>(c[i * stride + j])));
            }
        INFO(m << " x " << n << " x " << k << ", columns " << a_by_columns << b_by_columns << ", accumulate " << accumulate << ", bias "
               << with_bias << ", relu " << relu);
        REQUIRE(worst <= 1e-5 * (1 + std::sqrt(static_cast<double>(k))));
    }
}

TEST_CASE("a product of many blocks comes to the bits of its rows alone, however its operands lie", "[kernels][sgemm]") {
    Random random{17};
    const auto turned = [](const Tensor<float>& x) {
        const Index rows = x.shape()[0], columns = x.shape()[1];
        Tensor<float> y{{columns, rows}};
        for (Index i = 0; i < rows; ++i)
            for (Index j = 0; j < columns; ++j)
                y.at(j, i) = x.at(i, j);
        return y;
    };
    // Rows below and above what is read in place, a strip and a block; columns in whole vectors and not; depths below and above a block's.
    for (const auto& [m, n, k] : {std::array<Index, 3>{20, 240, 400}, {64, 250, 800}, {65, 48, 385}, {530, 400, 390}, {70, 1040, 30}}) {
        const auto a = Tensor<float>::normal({m, k}, random), b = Tensor<float>::normal({k, n}, random);
        const auto a_turned = turned(a), b_turned = turned(b);
        Tensor<float> expected{{m, n}};
        for (Index i = 0; i < m; ++i)
            kernels::sgemm(
                {.m = 1, .n = n, .k = k, .a = {a.data() + i * k, k, 1}, .b = {b.data(), n, 1}, .c = &expected.at(i, 0), .c_stride = n});
        for (const int threads : {1, 2, 5})
            for (const bool a_by_columns : {false, true})
                for (const bool b_by_columns : {false, true}) {
                    CAPTURE(m, n, k, threads, a_by_columns, b_by_columns);
                    const testing::Threads guard{threads};
                    Tensor<float> c{{m, n}};
                    const kernels::Product p{.m = m,
                                             .n = n,
                                             .k = k,
                                             .a = a_by_columns ? kernels::Strided{a_turned.data(), 1, m} : kernels::Strided{a.data(), k, 1},
                                             .b = b_by_columns ? kernels::Strided{b_turned.data(), 1, k} : kernels::Strided{b.data(), n, 1},
                                             .c = c.data(),
                                             .c_stride = n};
                    REQUIRE(kernels::detail::way_of(p) == kernels::detail::Way::panels);
                    kernels::sgemm(p);
                    CHECK(c == expected);
                }
    }
}

TEST_CASE("few rows times a large matrix are the same for any number of threads", "[kernels][sgemm][long]") {
    Random random{12};
    for (const auto& [m, n, k] : {std::array<Index, 3>{1, 4100, 130}, {2, 2048, 257}, {5, 1031, 600}, {8, 4096, 129}}) {
        const auto a = Tensor<float>::normal({m, k}, random);
        const auto b = Tensor<float>::normal({k, n}, random);
        const auto start = Tensor<float>::normal({m, n + 1}, random);
        for (const bool accumulate : {false, true}) {
            std::vector<Tensor<float>> results;
            for (const int threads : {1, 2, 4}) {
                const testing::Threads guard{threads};
                auto c = start;
                kernels::sgemm({.m = m,
                                .n = n,
                                .k = k,
                                .a = {a.data(), k, 1},
                                .b = {b.data(), n, 1},
                                .c = c.data(),
                                .c_stride = n + 1,
                                .accumulate = accumulate});
                results.push_back(std::move(c));
            }
            CHECK(results[0] == results[1]);
            CHECK(results[0] == results[2]);
            double worst = 0;
            for (Index i = 0; i < m; ++i)
                for (Index j = 0; j < n + 1; j += testing::sanitized ? 23 : 1) {
                    double expected = accumulate || j == n ? static_cast<double>(start.at(i, j)) : 0;
                    for (Index p = 0; p < k && j < n; ++p)
                        expected += static_cast<double>(a.at(i, p)) * static_cast<double>(b.at(p, j));
                    worst = std::max(worst, std::abs(expected - static_cast<double>(results[0].at(i, j))));
                }
            CHECK(worst <= 1e-5 * std::sqrt(static_cast<double>(k)));
        }
    }
}

TEST_CASE("the way to multiply follows from extents and strides alone", "[kernels][sgemm]") {
    using kernels::detail::Way;
    const float bias = 0;
    float c = 0;
    const auto way = [&](Index m, Index n, Index k, bool a_by_columns, bool b_by_columns, const float* with_bias = nullptr) {
        const kernels::Strided left{&c, a_by_columns ? 1 : k, a_by_columns ? m : 1};
        const kernels::Strided right{&c, b_by_columns ? 1 : n, b_by_columns ? k : 1};
        return kernels::detail::way_of({.m = m, .n = n, .k = k, .a = left, .b = right, .c = &c, .c_stride = n, .bias = with_bias});
    };
    CHECK(way(100, 4, 500, false, true) == Way::dots);  // few columns, or few rows
    CHECK(way(1, 1000, 500, false, true, &bias) == Way::dots);
    CHECK(way(2048, 10, 500, false, true, &bias) == Way::dots);
    CHECK(way(2048, 15, 64, false, true, &bias) == Way::dots);
    CHECK(way(2048, 32, 64, false, true, &bias) == Way::panels);  // but short rows
    CHECK(way(1, 32, 64, false, true, &bias) == Way::panels);  // as many as they are
    CHECK(way(1, 32, 500, false, true) == way(2048, 32, 500, false, true));
    CHECK(way(2048, 32, 500, false, true) == Way::panels);
    CHECK(way(8, 1000, 16, false, true) == Way::panels);
    CHECK(way(3, 3, 3, false, true) == Way::dots);
    CHECK(way(64, 64, 500, false, true) == Way::panels);
    CHECK(way(2, 1000, 500, true, true) == Way::panels);  // rows of a are in pieces
    CHECK(way(2, 1000, 100, false, false) == Way::rows);
    CHECK(way(2, 1000, 100, false, false, &bias) == Way::panels);
    CHECK(way(3, 1000, 100, false, false) == Way::panels);
}

TEST_CASE("where it is asked for, a row comes to the same bits however many there are", "[kernels][sgemm]") {
    Random random{3};
    for (const auto& [n, k] : {std::array<Index, 2>{3, 40}, {10, 64}, {10, 500}, {17, 200}, {64, 64}, {70, 300}, {1200, 600}}) {
        CAPTURE(n, k);
        const auto a = Tensor<float>::normal({70, k}, random), b = Tensor<float>::normal({n, k}, random);
        const auto turned = Tensor<float>::normal({k, n}, random), bias = Tensor<float>::normal({n}, random);
        std::vector<Tensor<float>> first, back;
        for (const Index m : {1, 2, 3, 8, 70}) {
            Tensor<float> c{{m, n}}, d{{m, n}};
            kernels::sgemm({.m = m,
                            .n = n,
                            .k = k,
                            .a = {a.data(), k, 1},
                            .b = {b.data(), 1, k},
                            .c = c.data(),
                            .c_stride = n,
                            .bias = bias.data(),
                            .any_rows = true});
            kernels::sgemm({.m = m, .n = n, .k = k, .a = {a.data(), k, 1}, .b = {turned.data(), n, 1}, .c = d.data(), .c_stride = n});
            first.emplace_back(Shape{n}, c.span().first(static_cast<std::size_t>(n)));
            back.emplace_back(Shape{n}, d.span().first(static_cast<std::size_t>(n)));
            CHECK(first.back() == first.front());
            CHECK(back.back() == back.front());
        }
    }
}

TEST_CASE("a matrix whose rows and columns are both in pieces is refused", "[kernels][sgemm]") {
    const std::vector<float> x(16);
    float c = 5;
    CHECK_THROWS_WITH(kernels::sgemm({.m = 1, .n = 1, .k = 2, .a = {x.data(), 2, 1}, .b = {x.data(), 4, 3}, .c = &c, .c_stride = 1}),
                      "[sgemm] expected rows or columns of b in one piece, got elements 4 and 3 apart");
    CHECK(c == 5);
}

namespace {

/// Whether every element of c is of one block, of at most so many rows and columns, and columns before the last block's are whole units.
void check_blocks(const kernels::detail::BlocksOfProduct& blocks, const kernels::Product& p, Index most_rows, Index most_columns) {
    CAPTURE(p.m, p.n, blocks.down, blocks.across);
    std::vector<int> times(static_cast<std::size_t>(p.m * p.n));
    for (Index i = 0; i < blocks.count; ++i) {
        const auto [rows, columns] = blocks(i);
        REQUIRE((rows.size > 0 && rows.size <= most_rows && rows.size <= blocks.rows));
        REQUIRE((columns.size > 0 && columns.size <= most_columns && columns.size <= blocks.columns));
        REQUIRE((columns.size % blocks.unit == 0 || columns.first + columns.size == p.n));
        for (Index r = 0; r < rows.size; ++r)
            for (Index j = 0; j < columns.size; ++j)
                ++times.at(static_cast<std::size_t>((rows.first + r) * p.n + columns.first + j));
    }
    CHECK(std::all_of(times.begin(), times.end(), [](int count) { return count == 1; }));
}

}  // namespace

TEST_CASE("blocks cover a product's result once, in whole units of columns but for the last", "[kernels][sgemm]") {
    using kernels::detail::BlocksOfProduct;
    for (const auto& [m, n] : {std::array<Index, 2>{1, 1}, {7, 1000}, {513, 49}, {2000, 2000}, {64, 384}, {416, 200}, {1, 16}, {17, 191}})
        for (const Index k : {0, 1, 500, 1'000'000}) {
            const kernels::Product p{.m = m, .n = n, .k = k, .a = {}, .b = {nullptr, n, 1}, .c = nullptr, .c_stride = n};
            check_blocks(BlocksOfProduct::of(p, 512, 384, 48, 16), p, 512, 384);
            for (const Index threads : {1, 2, 3, 16})
                for (const bool strips : {false, true})
                    check_blocks(kernels::detail::panel_blocks(p, strips, threads), p, 512, 192);
        }
}

TEST_CASE("blocks of a product are shared out evenly", "[kernels][sgemm]") {
    // (out, in, samples) of linear layers, as their weights' gradients are multiplied; the largest share of two threads
    for (const auto& [m, n, k] :
         {std::array<Index, 3>{200, 416, 2048}, {256, 256, 2048}, {64, 500, 2048}, {128, 384, 2048}, {2560, 100, 100}}) {
        const kernels::Product p{.m = m, .n = n, .k = k, .a = {nullptr, 1, m}, .b = {nullptr, n, 1}, .c = nullptr, .c_stride = n};
        const auto blocks = kernels::detail::panel_blocks(p, true, 2);
        Index shares[2] = {0, 0};
        for (Index i = 0; i < blocks.count; ++i)
            *std::min_element(shares, shares + 2) += blocks(i).rows.size * blocks(i).columns.size;
        CAPTURE(m, n, blocks.down, blocks.across);
        CHECK(100 * std::max(shares[0], shares[1]) <= 56 * m * n);
    }
}
