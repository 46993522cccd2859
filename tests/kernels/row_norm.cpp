// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "threads.hpp"

#include <espalier/kernels/row_norm.hpp>
#include <espalier/tensor/tensor.hpp>

#include <cmath>
#include <vector>

using namespace espalier;

namespace {

template <class Scalar>
struct Rows {
    Index rows, n;
    Tensor<Scalar> x, dy, weight, bias, mean, inverse;

    Rows(Index row_count, Index elements) : rows{row_count}, n{elements} {
        Random random{6};
        x = Tensor<Scalar>::normal({rows, n}, random, 3, 2);
        dy = Tensor<Scalar>::normal({rows, n}, random);
        weight = Tensor<Scalar>::normal({n}, random);
        bias = Tensor<Scalar>::normal({n}, random);
        mean = Tensor<Scalar>::normal({rows}, random, 3, 1);
        inverse = Tensor<Scalar>::uniform({rows}, random, Scalar(0.2), Scalar(2));
    }
    [[nodiscard]] kernels::NormalisedRow<Scalar> row(Index r) const { return {n, x.data() + r * n, mean[r], inverse[r], weight.data()}; }
    [[nodiscard]] double z(Index r, Index c) const {
        return (static_cast<double>(x.at(r, c)) - static_cast<double>(mean[r])) * static_cast<double>(inverse[r]);
    }
};

}  // namespace

TEMPLATE_TEST_CASE("rows are normalised as their definition says", "[kernels][row_norm]", float, double) {
    using S = TestType;
    const double digits = std::is_same_v<S, float> ? 1e-5 : 1e-14;
    for (const Index n : {0, 1, 3, 15, 16, 17, 31, 33, 64, 100, 1025}) {
        CAPTURE(n);
        const Rows<S> of{3, n};
        for (Index r = 0; r < 3; ++r) {
            const auto row = of.row(r);
            std::vector<S> y(static_cast<std::size_t>(n) + 1, S(7)), dx = y, plain = y;
            kernels::normalise_row<S>(row, of.bias.data(), y.data());
            kernels::normalise_row<S>(row, nullptr, plain.data());
            const S* const dy = of.dy.data() + r * n;
            const kernels::RowSlopes slopes = kernels::row_slopes<S>(row, dy);
            kernels::normalise_row_back<S>(row, dy, S(0.3), S(-0.2), dx.data());
            double one = 0, by_z = 0, size = 1;
            for (Index c = 0; c < n; ++c) {
                const auto at = static_cast<std::size_t>(c);
                const double w = static_cast<double>(of.weight[c]), d = w * static_cast<double>(dy[c]), z = of.z(r, c);
                REQUIRE(static_cast<double>(y[at]) == Approx(w * z + static_cast<double>(of.bias[c])).margin(digits));
                REQUIRE(static_cast<double>(plain[at]) == Approx(w * z).margin(digits));
                REQUIRE(static_cast<double>(dx[at]) == Approx((d - 0.3 + 0.2 * z) * static_cast<double>(of.inverse[r])).margin(digits));
                one += d;
                by_z += d * z;
                size += std::abs(d) * (1 + std::abs(z));
            }
            CHECK(std::abs(slopes.of_one - one) <= digits * size);
            CHECK(std::abs(slopes.of_z - by_z) <= digits * size);
            for (const auto& written : {y, plain, dx})
                CHECK(written.back() == 7);
        }
    }
}

TEMPLATE_TEST_CASE("a row's mean and deviation keep their digits far from 0", "[kernels][row_norm]", float, double) {
    using S = TestType;
    std::vector<S> x;
    for (int i = 0; i < 500; ++i)
        x.push_back(S(4096 + i % 2));
    const auto moments = kernels::RowMoments<S>::of(500, x.data(), 0.75);
    CHECK(static_cast<double>(moments.mean) == Approx(4096.5));
    CHECK(static_cast<double>(moments.inverse) == Approx(1.0));
    const auto none = kernels::RowMoments<S>::of(0, x.data(), 4);
    CHECK(none.mean == 0);
    CHECK(none.inverse == S(0.5));
}

TEMPLATE_TEST_CASE("products of normalised columns, for any rows and columns", "[kernels][row_norm]", float, double) {
    using S = TestType;
    for (const auto& [rows, n] : {std::pair<Index, Index>{0, 3}, {1, 1}, {5, 7}, {600, 70}, {3, 1000}, {257, 16}, {4, 0}}) {
        CAPTURE(rows, n);
        const Rows<S> of{rows, n};
        std::vector<double> first;
        for (const int threads : {1, 3}) {
            const testing::Threads guard{threads};
            std::vector<double> sums(static_cast<std::size_t>(n), -1), without(static_cast<std::size_t>(n), -1);
            kernels::normalised_column_products<S>(rows, n, of.x.data(), of.mean.data(), of.inverse.data(), of.dy.data(), sums.data());
            kernels::normalised_column_products<S>(rows, n, of.x.data(), nullptr, of.inverse.data(), of.dy.data(), without.data());
            for (Index c = 0; c < n; ++c) {
                double expected = 0, from_0 = 0, size = 1;
                for (Index r = 0; r < rows; ++r) {
                    const auto dy = static_cast<double>(of.dy.at(r, c));
                    expected += of.z(r, c) * dy;
                    from_0 += static_cast<double>(of.x.at(r, c)) * static_cast<double>(of.inverse[r]) * dy;
                    size += std::abs(static_cast<double>(of.x.at(r, c)) * dy);
                }
                REQUIRE(std::abs(sums[static_cast<std::size_t>(c)] - expected) <= 1e-6 * size);
                REQUIRE(std::abs(without[static_cast<std::size_t>(c)] - from_0) <= 1e-6 * size);
            }
            CHECK((first.empty() || first == sums));
            first = sums;
        }
    }
}
