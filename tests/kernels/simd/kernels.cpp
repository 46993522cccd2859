// SPDX-License-Identifier: MIT
/// @file Every vector kernel against its definition, for each instruction set that this processor has.
#include "catch.hpp"
#include "kernels/sets.hpp"

#include <espalier/kernels/simd/kernels.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

using namespace espalier;
namespace simd = kernels::simd;
using testing::sets;

namespace {

constexpr float untouched = 77;

/// A tile's operands: rows scattered over `a`, products at scattered offsets.
struct Problem {
    Problem(Index row_count, Index columns, Index products, Index panel_columns, Random& random)
        : a{Tensor<float>::normal({row_count * 3 + products * 2 + 8}, random)},
          panel{Tensor<float>::normal({products * panel_columns + 64}, random)},
          bias{Tensor<float>::normal({columns}, random)},
          step{panel_columns} {
        for (Index i = 0; i < row_count; ++i)
            rows.push_back(a.data() + 3 * i);
        for (Index k = 0; k < products; ++k)
            offsets.push_back(static_cast<std::int32_t>(2 * k + random.below(2)));
    }

    [[nodiscard]] simd::TileInput input() const {
        return {rows.data(), static_cast<Index>(rows.size()), offsets.data(), static_cast<Index>(offsets.size()), panel.data(), step};
    }
    [[nodiscard]] double sum(Index i, Index j) const {
        double total = 0;
        for (std::size_t k = 0; k < offsets.size(); ++k)
            total += static_cast<double>(rows[static_cast<std::size_t>(i)][offsets[k]]) *
                     static_cast<double>(panel[static_cast<Index>(k) * step + j]);
        return total;
    }

    Tensor<float> a, panel, bias;
    Index step;
    std::vector<const float*> rows;
    std::vector<std::int32_t> offsets;
};

}  // namespace

TEST_CASE("tiles of every size sum products, from zero, a bias or what is there, and write what they may", "[simd]") {
    for (const Isa isa : sets()) {
        const simd::Table& kernels = simd::table(isa);
        CAPTURE(isa_name(isa));
        Random random{3};
        for (Index rows = 1; rows <= kernels.tile_rows; ++rows)
            for (Index vectors = 1; vectors <= kernels.tile_vectors; ++vectors)
                for (const auto start : {simd::Start::zero, simd::Start::bias, simd::Start::accumulate}) {
                    const bool relu = random.below(2) == 1;
                    const Index width = (vectors - 1) * kernels.lanes + 1 + random.below(kernels.lanes);
                    const Problem problem{rows, width, random.below(20), vectors * kernels.lanes, random};
                    const Index column = random.below(3);
                    auto out = Tensor<float>::full({rows, 64}, untouched);
                    std::vector<float*> to;
                    for (Index i = 0; i < rows; ++i)
                        to.push_back(out.data() + 64 * i);
                    kernels.tile_for(rows, vectors)(problem.input(), {to.data(), column, width, start, problem.bias.data(), relu});
                    for (Index i = 0; i < rows; ++i)
                        for (Index j = 0; j < 64; ++j) {
                            const bool inside = j >= column && j < column + width;
                            double expected = start == simd::Start::accumulate || !inside ? static_cast<double>(untouched)
                                              : start == simd::Start::bias                ? static_cast<double>(problem.bias[j - column])
                                                                                          : 0;
                            if (inside) {
                                expected += problem.sum(i, j - column);
                                expected = relu ? std::max(expected, 0.0) : expected;
                            }
                            REQUIRE(static_cast<double>(out.at(i, j)) == Approx(expected).margin(1e-4));
                        }
                }
    }
}

TEST_CASE("a pooling tile takes the first of the largest of four rows, keeps NaN and tells what ReLU closed", "[simd]") {
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    for (const Isa isa : sets()) {
        const simd::Table& kernels = simd::table(isa);
        CAPTURE(isa_name(isa));
        Random random{4};
        for (int round = 0; round < 200; ++round) {
            const Index vectors = 1 + random.below(kernels.pool_vectors);
            const Index width = (vectors - 1) * kernels.lanes + 1 + random.below(kernels.lanes);
            const bool relu = random.below(2) == 1;
            Problem problem{kernels.pool_rows, width, 1, vectors * kernels.lanes, random};
            for (float& value : problem.a)
                value = random.below(12) == 0 ? nan : static_cast<float>(random.below(5) - 3);  // with many equals
            problem.panel.fill(1);
            problem.offsets = {0};
            const Index windows = kernels.pool_rows / 4;
            auto out = Tensor<float>::full({windows, 64}, untouched);
            auto winners = Tensor<std::uint8_t>::full({windows, 64}, 99);
            std::vector<float*> to;
            std::vector<std::uint8_t*> to_winners;
            for (Index i = 0; i < windows; ++i) {
                to.push_back(out.data() + 64 * i);
                to_winners.push_back(winners.data() + 64 * i);
            }
            kernels.pool_tile[vectors - 1](problem.input(), {to.data(), to_winners.data(), 1, width, nullptr, relu});
            for (Index i = 0; i < windows; ++i) {
                float best = *problem.rows[static_cast<std::size_t>(4 * i)];
                int from = 0;
                for (int k = 1; k < 4; ++k) {
                    const float next = *problem.rows[static_cast<std::size_t>(4 * i + k)];
                    if (!std::isnan(best) && !(next <= best)) {
                        best = next;
                        from = k;
                    }
                }
                if (relu && !(best > 0)) {
                    best = best < 0 ? 0 : best;
                    from = 4;
                }
                for (Index j = 0; j < 64; ++j) {
                    const bool inside = j >= 1 && j < 1 + width;
                    CAPTURE(j, width);
                    REQUIRE(static_cast<int>(winners.at(i, j)) == (inside ? from : 99));
                    if (inside && std::isnan(best))
                        REQUIRE(std::isnan(out.at(i, j)));
                    else
                        REQUIRE(out.at(i, j) == (inside ? best : untouched));
                }
            }
        }
    }
}

TEST_CASE("dots of any depth are added to what is there, and cut at 0 if they are to be", "[simd]") {
    for (const Isa isa : sets()) {
        const simd::Table& kernels = simd::table(isa);
        CAPTURE(isa_name(isa));
        Random random{5};
        for (Index depth = 1; depth < 70; ++depth)
            for (int large = 0; large < 2; ++large) {
                const Index rows = large ? kernels.dot_rows : 1;
                const Index columns = 1 + random.below(kernels.dot_columns);
                const bool relu = random.below(2) == 1;
                const auto a = Tensor<float>::normal({rows, depth}, random);
                const auto b = Tensor<float>::normal({kernels.dot_columns, depth}, random);
                auto out = Tensor<float>::full({rows, simd::max_dot}, 1);
                std::vector<const float*> left, right;
                std::vector<float*> to;
                for (Index i = 0; i < rows; ++i) {
                    left.push_back(a.data() + i * depth);
                    to.push_back(out.data() + i * simd::max_dot);
                }
                for (Index j = 0; j < kernels.dot_columns; ++j)
                    right.push_back(b.data() + j * depth);
                kernels.dot[large][columns > 1]({left.data(), right.data(), depth, to.data(), columns, relu});
                for (Index i = 0; i < rows; ++i)
                    for (Index j = 0; j < simd::max_dot; ++j) {
                        double expected = 1;
                        for (Index k = 0; k < depth && j < columns; ++k)
                            expected += static_cast<double>(a.at(i, k)) * static_cast<double>(b.at(j, k));
                        expected = relu ? std::max(expected, 0.0) : expected;
                        REQUIRE(static_cast<double>(out.at(i, j)) == Approx(expected).margin(1e-4));
                    }
                if (columns > 1)
                    continue;
                out.fill(1);
                kernels.dot[large][1]({left.data(), right.data(), depth, to.data(), 1, relu});
                const auto by_several = out;
                out.fill(1);
                kernels.dot[large][0]({left.data(), right.data(), depth, to.data(), 1, relu});
                REQUIRE(out == by_several);
            }
    }
}

TEST_CASE("AVX2 and AVX-512 give the same bits", "[simd]") {
    if (sets().size() < 3)
        return;
    Random random{6};
    const Index depth = 531;
    const Problem problem{6, 16, depth, 16, random};
    std::vector<std::vector<float>> results;
    for (const Isa isa : {Isa::avx2, Isa::avx512}) {
        const simd::Table& kernels = simd::table(isa);
        std::vector<float> out(6 * 16 + 1);
        std::vector<float*> to;
        for (std::size_t i = 0; i < 6; ++i)
            to.push_back(out.data() + 16 * i);
        kernels.tile[0][16 / kernels.lanes - 1](problem.input(), {to.data(), 0, 16, simd::Start::zero, nullptr, false});
        const float* const row = problem.a.data();
        std::vector<const float*> b(static_cast<std::size_t>(kernels.dot_columns), problem.panel.data());
        float* const dot = out.data() + 96;
        kernels.dot[0][0]({&row, b.data(), depth, &dot, 1, false});
        for (const Index n : {3, 8, 13, 16, 90}) {
            float top = 0, sum = 0;
            std::vector<float> p(static_cast<std::size_t>(n));
            kernels.softmax_rows(1, n, row, p.data(), &top, &sum);
            out.push_back(sum);
        }
        for (const Index n : {1, 20, 90}) {
            out.push_back(static_cast<float>(kernels.row_sum(n, row)));
            out.push_back(static_cast<float>(kernels.row_product(n, row, row + 3)));
            out.push_back(static_cast<float>(kernels.row_squares(n, row, 0.3F)));
            double sums[2];
            simd::kernels_of<simd::RowNorm>(isa).slopes({n, row, 0.2F, 1.5F, row + 1}, row + 2, sums);
            out.push_back(static_cast<float>(sums[0]));
            out.push_back(static_cast<float>(sums[1]));
        }
        results.push_back(std::move(out));
    }
    CHECK(results[0] == results[1]);
}

TEST_CASE("softmax_rows is the softmax to the last digits, for any row", "[simd]") {
    const float infinite = std::numeric_limits<float>::infinity();
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (const Isa isa : sets()) {
        const simd::Table& kernels = simd::table(isa);
        CAPTURE(isa_name(isa));
        Random random{8};
        for (Index n = 1; n < 60; ++n) {
            CAPTURE(n);
            auto x = Tensor<float>::normal({n}, random, 0, n % 3 == 0 ? 40.0F : 2.0F);
            if (n % 5 == 2)
                x[random.below(n)] = -infinite;  // a class that is masked
            auto p = Tensor<float>::full({n + 1}, untouched);
            float top = 0;
            float sum = 0;
            kernels.softmax_rows(1, n, x.data(), p.data(), &top, &sum);
            REQUIRE(top == *std::max_element(x.begin(), x.end()));
            REQUIRE(p[n] == untouched);
            auto again = Tensor<float>::full({n + 1}, untouched);
            const Index half = n / 2;  // in pieces as well
            kernels.softmax_again(half, x.data(), top, sum, again.data());
            kernels.softmax_again(n - half, x.data() + half, top, sum, again.data() + half);
            REQUIRE(again == p);
            double total = 0;
            for (const float value : x)
                total += std::exp(static_cast<double>(value) - static_cast<double>(top));
            REQUIRE(static_cast<double>(sum) == Approx(total).epsilon(1e-6));
            for (Index i = 0; i < n; ++i) {
                const double expected = std::exp(static_cast<double>(x[i]) - static_cast<double>(top)) / total;
                if (x[i] == -infinite) {
                    REQUIRE(p[i] == 0);
                    continue;
                }
                const double digits = 1e-6 + 1e-7 * std::abs(static_cast<double>(x[i]) - static_cast<double>(top));  // of x - top
                REQUIRE(std::abs(static_cast<double>(p[i]) - expected) <= digits * expected + 2e-38);
            }
            x[random.below(n)] = nan;
            kernels.softmax_rows(1, n, x.data(), p.data(), &top, &sum);
            for (Index i = 0; i < n; ++i)
                REQUIRE(std::isnan(p[i]));
        }
    }
}

TEST_CASE("softmax_rows of several rows has the bits of each alone, and NaN stays in its row", "[simd]") {
    constexpr Index rows = 5;
    for (const Isa isa : sets()) {
        const simd::Table& kernels = simd::table(isa);
        CAPTURE(isa_name(isa));
        Random random{9};
        for (const Index n : {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 40}) {
            CAPTURE(n);
            auto x = Tensor<float>::normal({rows, n}, random, 0, 3);
            x[3 * n + n / 2] = std::numeric_limits<float>::quiet_NaN();
            auto p = Tensor<float>::full({rows * n + 1}, untouched), alone = p;
            float top[rows], sum[rows], top_alone, sum_alone;
            kernels.softmax_rows(rows, n, x.data(), p.data(), top, sum);
            REQUIRE(p[rows * n] == untouched);
            for (const Index r : {0, 1, 2, 4}) {
                kernels.softmax_rows(1, n, x.data() + r * n, alone.data() + r * n, &top_alone, &sum_alone);
                REQUIRE((top[r] == top_alone && sum[r] == sum_alone));
                for (Index i = r * n; i < (r + 1) * n; ++i)
                    REQUIRE(p[i] == alone[i]);
            }
            for (Index i = 3 * n; i < 4 * n; ++i)
                REQUIRE(std::isnan(p[i]));
            kernels.softmax_rows(rows, n, x.data(), x.data(), top, sum);  // in place
            for (Index i = 0; i < rows * n; ++i)
                REQUIRE((x[i] == p[i] || i / n == 3));
        }
    }
}

TEST_CASE("weighted_runs adds up the runs of each position", "[simd]") {
    const std::vector<simd::WeightedRun> runs{{0, 2, 0}, {1, 3, 2}, {4, 1, 5}, {2, 0, 6}, {0, 5, 6}};
    for (const Isa isa : sets()) {
        const simd::Table& kernels = simd::table(isa);
        CAPTURE(isa_name(isa));
        Random random{10};
        const auto weights = Tensor<float>::normal({11}, random);
        for (const Index n : {1, 3, 4, 7, 8, 11, 16, 17, 33, 70}) {
            CAPTURE(n);
            const auto x = Tensor<float>::normal({5, n}, random);
            auto y = Tensor<float>::full({5 * n + 1}, untouched);
            kernels.weighted_runs(5, runs.data(), weights.data(), n, x.data(), y.data());
            REQUIRE(y[5 * n] == untouched);
            for (Index i = 0; i < 5 * n; ++i) {
                const auto& run = runs[static_cast<std::size_t>(i / n)];
                double sum = 0;
                for (Index k = 0; k < run.count; ++k)
                    sum += static_cast<double>(weights[run.weights + k]) * static_cast<double>(x[(run.first + k) * n + i % n]);
                REQUIRE(static_cast<double>(y[i]) == Approx(sum).margin(1e-5));
            }
        }
    }
}

TEST_CASE("passes over rows equal their definitions", "[simd]") {
    for (const Isa isa : sets()) {
        const simd::Table& kernels = simd::table(isa);
        CAPTURE(isa_name(isa));
        Random random{7};
        for (Index n = 1; n < 140; n += n < 40 ? 1 + random.below(4) : 31) {
            const Index rows = 1 + random.below(20);
            const Index pitch = n + random.below(3);
            CAPTURE(n, rows, pitch);
            const auto x = Tensor<float>::normal({rows, pitch}, random);
            const auto factors = Tensor<float>::normal({rows}, random);

            auto y = Tensor<float>::full({n + 1}, 2);
            kernels.add_rows(n, rows, factors.data(), 1, x.data(), pitch, y.data());
            std::vector<double> sums(static_cast<std::size_t>(n), 1.0);
            const auto shift = Tensor<float>::normal({n}, random);
            const auto times = Tensor<float>::normal({rows, pitch}, random);
            std::vector<double> squares = sums;
            std::vector<double> products = sums;
            kernels.add_column_sums(rows, n, x.data(), pitch, sums.data());
            kernels.add_column_squares(rows, n, x.data(), shift.data(), pitch, squares.data());
            kernels.add_column_products(rows, n, x.data(), shift.data(), times.data(), pitch, products.data());
            for (Index j = 0; j < n; ++j) {
                double weighted = 2;
                double plain = 1, square = 1, product = 1;
                for (Index r = 0; r < rows; ++r) {
                    const auto value = static_cast<double>(x.at(r, j));
                    const double d = value - static_cast<double>(shift[j]);
                    weighted += static_cast<double>(factors[r]) * value;
                    plain += value;
                    square += d * d;
                    product += d * static_cast<double>(times.at(r, j));
                }
                const auto i = static_cast<std::size_t>(j);
                REQUIRE(static_cast<double>(y[j]) == Approx(weighted).margin(1e-4));
                REQUIRE(sums[i] == Approx(plain).margin(1e-4));
                REQUIRE(squares[i] == Approx(square).margin(1e-4));
                REQUIRE(products[i] == Approx(product).margin(1e-4));
            }
            REQUIRE(y[n] == 2);

            const Index padded = (n + kernels.lanes - 1) / kernels.lanes * kernels.lanes + kernels.lanes;
            auto copy = Tensor<float>::full({rows, padded}, untouched);
            kernels.copy_rows(rows, n, x.data(), pitch, copy.data(), padded, padded);
            for (Index r = 0; r < rows; ++r)
                for (Index j = 0; j < padded; ++j)
                    REQUIRE(copy.at(r, j) == (j < n ? x.at(r, j) : 0));

            auto added = Tensor<float>::full({rows, n + 2}, untouched);
            kernels.add_to_rows(rows, n, x.data(), pitch, added.data(), n + 2);
            for (Index r = 0; r < rows; ++r)
                for (Index j = 0; j < n + 2; ++j)
                    REQUIRE(added.at(r, j) == (j < n ? untouched + x.at(r, j) : untouched));

            const auto dense = Tensor<float>::normal({rows, n}, random);
            const auto also = Tensor<float>::normal({rows, n}, random);
            const auto scale = Tensor<float>::normal({n}, random);
            const auto offset = Tensor<float>::normal({n}, random);
            const auto also_scale = Tensor<float>::normal({n}, random);
            auto affine = Tensor<float>::full({rows * n + 1}, untouched);
            for (int kind = 0; kind < 8; ++kind) {
                const bool with_also = kind & 1, scaled = kind & 2, rectified = kind & 4;
                kernels.affine_rows(rows, {n, shift.data(), scale.data(), offset.data(), scaled ? also_scale.data() : nullptr, rectified},
                                    dense.data(), with_also ? also.data() : nullptr, affine.data());
                for (Index i = 0; i < rows * n; ++i) {
                    const float plain = (dense[i] - shift[i % n]) * scale[i % n] + offset[i % n];
                    const float sum = (with_also ? plain + also[i] : plain) * (scaled ? also_scale[i % n] : 1);
                    REQUIRE(affine[i] == Approx(rectified ? std::max(sum, 0.0F) : sum).margin(1e-5));
                }
                REQUIRE(affine[rows * n] == untouched);
            }

            const auto dy = Tensor<float>::normal({rows, n}, random);
            const auto gate = Tensor<float>::normal({rows, n}, random);
            auto dx = Tensor<float>::full({rows, pitch}, untouched);
            kernels.relu_backward(rows, n, gate.data(), dy.data(), dx.data(), pitch);
            auto winners = Tensor<std::uint8_t>::empty({rows * n + 16});  // what is read of the last vector
            for (auto& winner : winners)
                winner = static_cast<std::uint8_t>(random.below(5));
            auto pixels = Tensor<float>::full({2 * rows, pitch}, untouched);
            kernels.unpool_row(rows, n, dy.data(), winners.data(), 2, pixels.data(), pitch);
            for (Index r = 0; r < rows; ++r)
                for (Index j = 0; j < pitch; ++j) {
                    REQUIRE(dx.at(r, j) == (j >= n ? untouched : gate.at(r, j) > 0 ? dy.at(r, j) : 0));
                    for (Index half = 0; half < 2; ++half)
                        REQUIRE(pixels.at(2 * r + half, j) == (j >= n ? untouched : winners[r * n + j] == 2 + half ? dy.at(r, j) : 0));
                }
        }
    }
}

TEST_CASE("windows are summed, multiplied and pooled at any taps, pixels and channels", "[simd]") {
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    for (const Isa isa : sets()) {
        const simd::Table& kernels = simd::table(isa);
        CAPTURE(isa_name(isa));
        Random random{8};
        for (int round = 0; round < 150; ++round) {
            const Index n = 1 + random.below(40);
            const Index pixels = 1 + random.below(21);
            const Index step = n * (1 + random.below(2));
            const Index out_step = n + random.below(3);
            std::vector<simd::WindowTap> taps;
            for (Index position = 0; position < 12; ++position)
                if (round == 0 ? position == 5 : random.below(4) > 0 || position == 11)
                    taps.push_back({random.below(200), position});
            const auto count = static_cast<Index>(taps.size());
            const simd::WindowRun run{taps.data(), count, pixels, step, n};
            CAPTURE(n, pixels, step, count);
            const auto at = [&](const simd::WindowTap& tap, Index p, Index j) { return tap.offset + p * step + j; };
            const Index extent = 200 + pixels * step + n;

            const auto x = Tensor<float>::normal({2, extent}, random);
            const Index pitch = random.below(3) ? n + 1 : 0;
            const auto weight = Tensor<float>::normal({12 * pitch + n}, random);
            const auto bias = Tensor<float>::normal({n}, random);
            for (const bool relu : {false, true}) {
                auto out = Tensor<float>::full({pixels * out_step + n}, untouched);
                const bool with_bias = random.below(2) == 1;
                kernels.window_sums(run, x.data(), {weight.data(), pitch, with_bias ? bias.data() : nullptr, relu}, out.data(), out_step);
                for (Index i = 0; i < out.numel(); ++i) {
                    const Index p = i / out_step;
                    const Index j = i % out_step;
                    if (p >= pixels || j >= n) {
                        REQUIRE(out[i] == untouched);
                        continue;
                    }
                    double sum = with_bias ? static_cast<double>(bias[j]) : 0;
                    for (const auto& tap : taps)
                        sum += static_cast<double>(weight[tap.position * pitch + j]) * static_cast<double>(x[at(tap, p, j)]);
                    REQUIRE(static_cast<double>(out[i]) == Approx(relu ? std::max(sum, 0.0) : sum).margin(1e-4));
                }
            }

            const Index rows = 1 + random.below(3);
            const Index x_row = random.below(30);
            const auto rows_of_x = Tensor<float>::normal({extent + rows * x_row}, random);
            const auto dy = Tensor<float>::normal({rows, pixels * out_step + 2}, random);
            auto sums = Tensor<float>::full({12, out_step}, 3);
            kernels.window_products(run, rows_of_x.data(), rows, x_row, dy.data(), out_step, dy.size(1), out_step, sums.data());
            auto expected = Tensor<double>::full({12, out_step}, 3);
            for (const auto& tap : taps)
                for (Index r = 0; r < rows; ++r)
                    for (Index p = 0; p < pixels; ++p)
                        for (Index j = 0; j < n; ++j)
                            expected.at(tap.position, j) += static_cast<double>(rows_of_x[at(tap, p, j) + r * x_row]) *
                                                            static_cast<double>(dy.at(r, p * out_step + j));
            for (Index i = 0; i < sums.numel(); ++i)
                REQUIRE(static_cast<double>(sums[i]) == Approx(expected[i]).margin(1e-4));

            Tensor<float> pooled{{extent}};
            for (float& value : pooled)
                value = random.below(30) == 0 ? nan : random.below(6) == 0 ? -INFINITY : static_cast<float>(random.below(4));
            auto largest = Tensor<float>::full({pixels * n + 1}, untouched);
            auto winners = Tensor<std::uint16_t>::full({pixels * n + 1}, 999);
            kernels.window_max(run, pooled.data(), largest.data(), winners.data());
            REQUIRE(largest[pixels * n] == untouched);
            REQUIRE(winners[pixels * n] == 999);
            for (Index i = 0; i < pixels * n; ++i) {
                simd::WindowTap best = taps[0];
                for (const auto& tap : taps)
                    if (const float now = pooled[at(best, i / n, i % n)]; !std::isnan(now) && !(pooled[at(tap, i / n, i % n)] <= now))
                        best = tap;
                REQUIRE(winners[i] == best.position);
                const float value = pooled[at(best, i / n, i % n)];
                REQUIRE((largest[i] == value || (std::isnan(largest[i]) && std::isnan(value))));
            }
        }
    }
}

TEST_CASE("AVX2 and AVX-512 give the same bits for windows", "[simd]") {
    if (sets().size() < 3)
        return;
    Random random{12};
    for (const Index n : {16, 21, 40}) {
        std::vector<simd::WindowTap> taps;
        for (Index k = 0; k < 25; ++k)
            taps.push_back({k * n, k});
        const simd::WindowRun run{taps.data(), 25, 13, n, n};
        const auto x = Tensor<float>::normal({60, n}, random);
        const auto weight = Tensor<float>::normal({25, n}, random);
        std::vector<Tensor<float>> results;
        for (const Isa isa : {Isa::avx2, Isa::avx512}) {
            Tensor<float> out{{13 + 25, n}};
            simd::table(isa).window_sums(run, x.data(), {weight.data(), n, nullptr, false}, out.data(), n);
            simd::table(isa).window_products(run, x.data(), 1, 0, weight.data(), n, 0, n, out.data() + 13 * n);
            results.push_back(std::move(out));
        }
        CHECK(results[0] == results[1]);
    }
}
TEST_CASE("lanes without an element raise no floating-point exception", "[simd]") {
    for (const Isa isa : sets()) {
        const simd::Table& kernels = simd::table(isa);
        CAPTURE(isa_name(isa));
        for (Index n = 1; n < 40; ++n) {
            CAPTURE(n);
            const auto size = static_cast<std::size_t>(n);
            for (const float value : {-1e14F, -3e38F, -100.0F, 100.0F, 3e38F}) {
                std::vector<float> x(size, value), p(size);
                x[size / 2] = -x[size / 2];
                float top = 0, sum = 0;
                std::feclearexcept(FE_ALL_EXCEPT);
                kernels.softmax_rows(1, n, x.data(), p.data(), &top, &sum);
                CHECK(std::fetestexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW) == 0);
                CHECK((sum >= 1 && std::accumulate(p.begin(), p.end(), 0.0F) == Approx(1)));
            }
            for (const float beta2 : {0.999F, 0.0F}) {
                const std::vector<float> gradient(size, 0.5F);
                std::vector<float> p(size, 1), m(size), v(size);
                std::feclearexcept(FE_ALL_EXCEPT);
                kernels.adam(n, {0.01F, 0.1F, 0.1F, beta2, 1 - beta2, 0, 0.1F, 1}, gradient.data(), p.data(), m.data(), v.data());
                CHECK(std::fetestexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW) == 0);
                CHECK(std::isfinite(p.back()));
            }
        }
    }
}

TEST_CASE("sums over very many rows and classes keep their digits", "[simd]") {
    constexpr Index rows = 60'000;
    for (const Isa isa : sets()) {
        const simd::Table& kernels = simd::table(isa);
        CAPTURE(isa_name(isa));
        for (const Index n : {1, 5, 64, 70}) {
            const std::vector<float> x(static_cast<std::size_t>(rows * n), 0.1F);
            std::vector<double> sums(static_cast<std::size_t>(n));
            kernels.add_column_sums(rows, n, x.data(), n, sums.data());
            for (const double sum : sums)
                REQUIRE(sum == Approx(static_cast<double>(rows) * static_cast<double>(0.1F)).epsilon(1e-5));
        }
        std::vector<float> x(rows, -0.3F), p(rows);
        x[0] = 0;
        float top = 0, sum = 0;
        const double expected = 1 + (rows - 1) * std::exp(static_cast<double>(-0.3F));
        kernels.softmax_rows(1, rows, x.data(), p.data(), &top, &sum);
        CHECK(static_cast<double>(sum) == Approx(expected).epsilon(1e-6));
    }
}
