// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/kernels/sgemm.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace espalier;

#if ESPALIER_SIMD

TEST_CASE("sgemm is the sum over k for any extents, strides and order of operands", "[kernels][sgemm]") {
    Random random{11};
    for (int round = 0; round < 120; ++round) {
        const bool large = round % 10 == 1;
        const Index m = (large ? 60 : 1) + random.below(40);
        const Index n = (large ? 60 : 1) + random.below(70);
        const Index k = round % 10 < 2 ? 1 + random.below(600) : random.below(40);
        const bool a_by_columns = random.below(2) == 1;
        const bool b_by_columns = !a_by_columns && random.below(2) == 1;
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
        kernels::sgemm(m, n, k, left, right, with_bias ? bias.data() : nullptr, relu, c.data(), stride, accumulate);
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

#endif
