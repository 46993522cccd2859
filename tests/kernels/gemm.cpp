// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/core/random.hpp>
#include <espalier/kernels/gemm.hpp>

#include <cmath>
#include <vector>

using namespace espalier;
using kernels::MatrixView;
using kernels::Transpose;

namespace {

/// A random matrix whose rows lie `gap` elements further apart than they must.
template <class Scalar>
struct Matrix {
    Matrix(Index r, Index c, Index gap, Random& random)
        : rows{r}, columns{c}, stride{c + gap}, data(static_cast<std::size_t>(r * (c + gap))) {
        for (Scalar& v : data)
            v = random.normal<Scalar>();
    }
    Scalar at(Index i, Index j) const { return data[static_cast<std::size_t>(i * stride + j)]; }
    Index rows, columns, stride;
    std::vector<Scalar> data;
};

template <class Scalar, class Gemm>
void compare(Index m, Index n, Index k, Transpose ta, Transpose tb, bool accumulate, Random& random, const Gemm& gemm) {
    const bool a_turned = ta == Transpose::yes;
    const bool b_turned = tb == Transpose::yes;
    const Matrix<Scalar> a{a_turned ? k : m, a_turned ? m : k, random.below(3), random};
    const Matrix<Scalar> b{b_turned ? n : k, b_turned ? k : n, random.below(3), random};
    Matrix<Scalar> c{m, n, random.below(3), random};
    const auto before = c;
    gemm(ta, tb, m, n, k, MatrixView<const Scalar>{a.data.data(), a.stride}, MatrixView<const Scalar>{b.data.data(), b.stride},
         MatrixView<Scalar>{c.data.data(), c.stride}, accumulate);
    double worst = 0;
    bool gaps_kept = true;
    for (Index i = 0; i < m; ++i)
        for (Index j = 0; j < c.stride; ++j) {
            if (j >= n) {
                gaps_kept = gaps_kept && c.at(i, j) == before.at(i, j);
                continue;
            }
            double sum = accumulate ? static_cast<double>(before.at(i, j)) : 0;
            for (Index l = 0; l < k; ++l)
                sum += static_cast<double>(a_turned ? a.at(l, i) : a.at(i, l)) * static_cast<double>(b_turned ? b.at(j, l) : b.at(l, j));
            worst = std::max(worst, std::abs(static_cast<double>(c.at(i, j)) - sum));
        }
    CAPTURE(m, n, k, a_turned, b_turned, accumulate);
    CHECK(worst <= (sizeof(Scalar) == 4 ? 1e-5 : 1e-13) * static_cast<double>(k + 1));
    CHECK(gaps_kept);
}

template <class Scalar>
void compare_all() {
    Random random{1};
    const std::pair<Transpose, Transpose> turns[] = {
        {Transpose::no, Transpose::no}, {Transpose::yes, Transpose::no}, {Transpose::no, Transpose::yes}};
    for (const auto& [ta, tb] : turns)
        for (const bool accumulate : {false, true}) {
            for (int i = 0; i < 20; ++i)
                compare<Scalar>(1 + random.below(12), 1 + random.below(40), random.below(30), ta, tb, accumulate, random,
                                kernels::gemm<Scalar>);
            compare<Scalar>(513, 3, 5, ta, tb, accumulate, random, kernels::parallel_gemm<Scalar>);
            compare<Scalar>(2, 600, 7, ta, tb, accumulate, random, kernels::parallel_gemm<Scalar>);
            compare<Scalar>(257, 300, 20, ta, tb, accumulate, random, kernels::parallel_gemm<Scalar>);
            compare<Scalar>(256, 256, 1, ta, tb, accumulate, random, kernels::parallel_gemm<Scalar>);
        }
}

}  // namespace

TEST_CASE("products of strided matrices equal three loops, in float", "[gemm]") { compare_all<float>(); }
TEST_CASE("products of strided matrices equal three loops, in double", "[gemm]") { compare_all<double>(); }

TEST_CASE("a product without rows or columns does nothing", "[gemm]") {
    float c = 5;
    const float x = 1;
    kernels::parallel_gemm<float>(Transpose::no, Transpose::no, 0, 1, 1, {&x, 1}, {&x, 1}, {&c, 1}, false);
    kernels::parallel_gemm<float>(Transpose::no, Transpose::no, 1, 0, 1, {&x, 1}, {&x, 1}, {&c, 1}, false);
    CHECK(c == 5);
}
