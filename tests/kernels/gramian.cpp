// SPDX-License-Identifier: MIT
#include <espalier/kernels/gramian.hpp>
#include <espalier/tensor/tensor.hpp>

#include "catch.hpp"
#include "threads.hpp"

#include <cmath>
#include <vector>

using namespace espalier;

namespace {

template <class S>
std::vector<double> products(Index rows, Index columns, const Tensor<S>& a, const Tensor<S>& b) {
    std::vector<double> result(static_cast<std::size_t>(rows * rows));
    for (Index i = 0; i < rows; ++i)
        for (Index j = 0; j < rows; ++j)
            for (Index p = 0; p < columns; ++p)
                result[static_cast<std::size_t>(i * rows + j)] += static_cast<double>(a[i * columns + p]) *
                                                                  static_cast<double>(b[j * columns + p]);
    return result;
}

void require_near(const std::vector<double>& actual, const std::vector<double>& expected, double tolerance) {
    double largest = 0;
    for (const double v : expected)
        largest = std::max(largest, std::abs(v));
    for (std::size_t i = 0; i < expected.size(); ++i) {
        if (std::abs(actual[i] - expected[i]) <= tolerance * largest)
            continue;  // a REQUIRE for each of thousands takes minutes under valgrind
        CAPTURE(i, actual[i], expected[i]);
        FAIL("expected them nearer");
    }
}

}  // namespace

TEMPLATE_TEST_CASE("inner products of rows are added up in double", "[kernels][gramian]", float, double) {
    using S = TestType;
    Random random{1};
    for (const Index rows : {1, 2, 3, 8, 40, 64, 65, 70, 300})
        for (const Index columns : {0, 1, 5, 511, 513, 40000}) {
            if (rows * columns > 100000)
                continue;
            CAPTURE(rows, columns);
            const auto a = Tensor<S>::normal({rows, columns}, random);
            auto b = a;  // with inner products that are symmetric as well
            for (Index i = 0; i < b.numel(); ++i)
                b[i] *= static_cast<S>(1 << (i % columns % 3));
            for (const Tensor<S>* const right : {&a, static_cast<const Tensor<S>*>(&b)}) {
                auto expected = products(rows, columns, a, *right);
                std::vector<double> actual(expected.size(), 2.0);  // what is there stays
                for (double& v : expected)
                    v += 2;
                kernels::add_row_products(rows, columns, a.data(), right->data(), actual.data());
                require_near(actual, expected, 1e-12);
            }
        }
}

TEST_CASE("inner products have the same bits for any number of threads", "[kernels][gramian]") {
    Random random{2};
    for (const Index rows : {3, 90}) {
        const Index columns = rows == 3 ? 30000 : 1000;  // what each way of cutting needs for more than one piece
        const auto a = Tensor<float>::normal({rows, columns}, random);
        std::vector<std::vector<double>> results;
        for (const int threads : {1, 2, 4}) {
            const testing::Threads guard{threads};
            kernels::add_row_products(rows, columns, a.data(), a.data(),
                                      results.emplace_back(static_cast<std::size_t>(rows * rows)).data());
        }
        CHECK(results[0] == results[1]);
        CHECK(results[0] == results[2]);
    }
}

TEMPLATE_TEST_CASE("inner products of gradients of a linear map need not these gradients", "[kernels][gramian]", float, double) {
    using S = TestType;
    Random random{3};
    for (const Index tasks : {1, 2, 9})
        for (const Index n : {1, 4, 70})
            for (const Index out : {1, 5})
                for (const Index in : {1, 33}) {
                    CAPTURE(tasks, n, out, in);
                    const auto d = Tensor<S>::normal({tasks, n, out}, random), x = Tensor<S>::normal({n, in}, random);
                    Tensor<S> weights{{tasks, out, in}};
                    for (Index t = 0; t < tasks; ++t)
                        for (Index o = 0; o < out; ++o)
                            for (Index i = 0; i < in; ++i) {
                                double sum = 0;
                                for (Index k = 0; k < n; ++k)
                                    sum += static_cast<double>(d[(t * n + k) * out + o]) * static_cast<double>(x[k * in + i]);
                                weights[(t * out + o) * in + i] = static_cast<S>(sum);
                            }
                    const auto expected = products(tasks, out * in, weights, weights);
                    std::vector<double> actual(expected.size());
                    kernels::add_product_gramian(tasks, n, out, in, d.data(), x.data(), actual.data());
                    require_near(actual, expected, sizeof(S) == 4 ? 3e-6 : 1e-13);
                    for (Index i = 0; i < tasks; ++i)
                        for (Index j = 0; j < tasks; ++j)
                            CHECK(actual[static_cast<std::size_t>(i * tasks + j)] == actual[static_cast<std::size_t>(j * tasks + i)]);
                }
    CHECK(kernels::product_gramian_pays(8, 32, 1024, 32768));
    CHECK_FALSE(kernels::product_gramian_pays(2, 256 * 36 * 36, 32, 9));
}

TEMPLATE_TEST_CASE("rows are summed by their weights", "[kernels][gramian]", float, double) {
    using S = TestType;
    Random random{4};
    for (const Index rows : {0, 1, 3})
        for (const Index columns : {0, 1, 511, 20000}) {
            CAPTURE(rows, columns);
            const auto a = Tensor<S>::normal({rows, columns}, random);
            const double weights[] = {0.5, -2, 3};
            auto sum = Tensor<S>::full({columns}, 7);
            for (const bool accumulate : {false, true}) {
                kernels::weighted_row_sum<S>(rows, columns, a.data(), weights, {sum.data(), columns, accumulate});
                for (Index p = 0; p < columns; p += 97) {
                    double expected = 0;
                    for (Index t = 0; t < rows; ++t)
                        expected += weights[t] * static_cast<double>(a[t * columns + p]);
                    REQUIRE(static_cast<double>(sum[p]) == Approx((accumulate ? 2 : 1) * expected).epsilon(1e-5).margin(1e-5));
                }
            }
        }
}

TEMPLATE_TEST_CASE("inner products of sums of outer products are had of the factors", "[kernels][gramian]", float, double) {
    using S = TestType;
    Random random{1};
    for (const Index count : {1, 5, 90})
        for (const Index rows : {1, 4, 70}) {
            CAPTURE(count, rows);
            const Index n = 7, m = 11;
            const auto left = Tensor<S>::normal({count, n}, random), right = Tensor<S>::normal({count, m}, random);
            std::vector<Index> first{0};
            for (Index t = 1; t < rows; ++t)
                first.push_back(count * t / rows);
            first.push_back(count);
            auto made = Tensor<double>{{rows, n * m}};
            for (Index t = 0; t < rows; ++t)
                for (Index c = first[static_cast<std::size_t>(t)]; c < first[static_cast<std::size_t>(t) + 1]; ++c)
                    for (Index i = 0; i < n; ++i)
                        for (Index j = 0; j < m; ++j)
                            made.at(t, i * m + j) += static_cast<double>(left.at(c, i)) * static_cast<double>(right.at(c, j));
            auto expected = products(rows, n * m, made, made);
            std::vector<double> actual(expected.size(), 2.0);
            for (double& v : expected)
                v += 2;
            kernels::add_outer_product_gramian(rows, first.data(), n, left.data(), m, right.data(), actual.data());
            require_near(actual, expected, 1e-12);
        }
}
