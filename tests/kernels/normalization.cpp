// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/kernels/normalization.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>

using namespace espalier;

TEMPLATE_TEST_CASE("columns are shifted, scaled and offset, and may have another array added in its place", "[kernels][normalization]",
                   float, double) {
    using S = TestType;
    Random random{5};
    for (const Index columns : {1, 7, 16, 70}) {
        const Index rows = columns == 16 ? 5000 : 9;  // more than one thread takes
        const auto x = Tensor<S>::normal({rows, columns}, random);
        const auto before = Tensor<S>::normal({rows, columns}, random);
        const auto f = Tensor<S>::normal({4, columns}, random);
        const kernels::ColumnAffine<S> affine{f.data(), f.data() + columns, f.data() + 2 * columns};
        auto plain = before;
        kernels::affine_rows<S>(rows, columns, x.data(), affine, plain.data());
        auto sum = before;
        kernels::affine_rows_plus<S>(rows, columns, x.data(), affine, sum.data(), f.data() + 3 * columns, sum.data());
        auto rectified = before, added = before;
        kernels::affine_rows<S>(rows, columns, x.data(), affine, nullptr, true, rectified.data());
        kernels::affine_rows<S>(rows, columns, x.data(), affine, before.data(), true, added.data());
        for (Index r = 0; r < rows; ++r)
            for (Index c = 0; c < columns; ++c) {
                REQUIRE(rectified.at(r, c) == std::max(plain.at(r, c), S(0)));  // the bits of the passes apart
                REQUIRE(added.at(r, c) == std::max(plain.at(r, c) + before.at(r, c), S(0)));
                const S expected = (x.at(r, c) - f.at(0, c)) * f.at(1, c) + f.at(2, c);
                REQUIRE(plain.at(r, c) == Approx(expected).margin(1e-5));
                REQUIRE(sum.at(r, c) == Approx((expected + before.at(r, c)) * f.at(3, c)).margin(1e-5));
            }
    }
}
