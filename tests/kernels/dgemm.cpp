// SPDX-License-Identifier: MIT
// The ways through dgemm by their extents; gemm.cpp compares all kinds of products in both precisions.
#include <espalier/kernels/dgemm.hpp>

#include "catch.hpp"
#include "sanitized.hpp"

#include <espalier/core/random.hpp>
#include <espalier/kernels/gemm.hpp>

#include <cmath>
#include <vector>

using namespace espalier;

namespace {

/// The largest error of a product of small integers, which is exact in any order: 0. Rows lie `gap` further apart than they must.
double error_of(Index m, Index n, Index k, bool ta, bool tb, bool accumulate, Index gap) {
    Random random{static_cast<std::uint64_t>(m * 1000003 + n * 1009 + k * 7)};
    const Index a_stride = (ta ? m : k) + gap, b_stride = (tb ? k : n) + gap, c_stride = n + gap;
    const auto draw = [&](Index count) {
        std::vector<double> values(static_cast<std::size_t>(count) + 1);
        for (double& value : values)
            value = static_cast<double>(random.below(17) - 8);
        return values;
    };
    const auto a = draw((ta ? k : m) * a_stride), b = draw((tb ? n : k) * b_stride);
    auto c = draw(m * c_stride);
    const auto before = c;
    kernels::dgemm(m, n, k, {a.data(), ta ? 1 : a_stride, ta ? a_stride : 1}, {b.data(), tb ? 1 : b_stride, tb ? b_stride : 1}, c.data(),
                   c_stride, accumulate);
    const auto at = [](const std::vector<double>& values, Index i) { return values[static_cast<std::size_t>(i)]; };
    double worst = 0;
    for (Index i = 0; i < m; ++i)
        for (Index j = 0; j < c_stride; ++j) {
            double sum = j >= n || accumulate ? at(before, i * c_stride + j) : 0;
            for (Index p = 0; p < k && j < n; ++p)
                sum += at(a, ta ? p * a_stride + i : i * a_stride + p) * at(b, tb ? j * b_stride + p : p * b_stride + j);
            worst = std::max(worst, std::abs(at(c, i * c_stride + j) - sum));
        }
    return worst;
}

}  // namespace

TEST_CASE("dgemm is right for every height and width of a tile, and around them", "[kernels][dgemm]") {
    for (const bool ta : {false, true})
        for (const bool tb : {false, true})
            for (const bool accumulate : {false, true})
                for (const Index gap : {0, 3}) {
                    if (testing::sanitized && (accumulate != tb || (gap == 3) != ta))
                        continue;
                    CAPTURE(ta, tb, accumulate, gap);
                    for (const Index m : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 30})
                        for (const Index n : {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 23, 24, 25, 49})
                            for (const Index k : {0, 1, 7, 8, 9})
                                if (error_of(m, n, k, ta, tb, accumulate, gap) != 0)
                                    FAIL("m " << m << " n " << n << " k " << k);
                    for (const Index k : {191, 192, 193, 385, 1023, 1024, 1025, 2050})
                        for (const Index m : {1, 3, 5, 17})
                            for (const Index n : {1, 3, 5, 65})
                                if (error_of(m, n, k, ta, tb, accumulate, gap) != 0)
                                    FAIL("m " << m << " n " << n << " k " << k);
                }
}

TEST_CASE("an element has the same bits in a tile as in any other", "[kernels][dgemm]") {
    Random random{3};
    std::vector<double> a(40 * 300), b(300 * 60), whole(40 * 60), part(40 * 60);
    for (auto* values : {&a, &b})
        for (double& value : *values)
            value = random.normal();
    kernels::dgemm(40, 60, 300, {a.data(), 300, 1}, {b.data(), 60, 1}, whole.data(), 60, false);
    kernels::dgemm(33, 47, 300, {a.data() + 7 * 300, 300, 1}, {b.data() + 13, 60, 1}, part.data() + 7 * 60 + 13, 60, false);
    for (Index i = 7; i < 40; ++i)
        for (Index j = 13; j < 60; ++j)
            REQUIRE(part[static_cast<std::size_t>(i * 60 + j)] == whole[static_cast<std::size_t>(i * 60 + j)]);
}
