// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/kernels/normalization.hpp>
#include <espalier/tensor/tensor.hpp>

using namespace espalier;

TEMPLATE_TEST_CASE("affine_rows shifts, scales and offsets each column, and may add another array in its place",
                   "[kernels][normalization]", float, double) {
    using S = TestType;
    Random random{5};
    for (const Index columns : {1, 7, 16, 70}) {
        const Index rows = columns == 16 ? 5000 : 9;  // more than one thread takes
        const auto x = Tensor<S>::normal({rows, columns}, random);
        const auto before = Tensor<S>::normal({rows, columns}, random);
        const auto f = Tensor<S>::normal({4, columns}, random);
        auto y = before;
        const S* const shift = f.data();
        kernels::affine_rows<S>(rows, columns, x.data(), shift, shift + columns, shift + 2 * columns, y.data(), shift + 3 * columns,
                                y.data());
        for (Index r = 0; r < rows; ++r)
            for (Index c = 0; c < columns; ++c)
                REQUIRE(y.at(r, c) == Approx(((x.at(r, c) - f.at(0, c)) * f.at(1, c) + f.at(2, c) + before.at(r, c)) * f.at(3, c))
                                          .margin(1e-5));
    }
}
