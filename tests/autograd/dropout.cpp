// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/dropout.hpp>
#include <espalier/autograd/reduction.hpp>

#include <algorithm>
#include <vector>

using namespace espalier;
using V = Variable<double>;
using T = Tensor<double>;

TEST_CASE("a share p of the elements is dropped, the others are scaled", "[dropout]") {
    for (const double p : {0.1, 0.5, 0.9}) {
        Random random{5};
        const Index n = 100'000;
        V x{T::ones({n}), true};
        const V y = autograd::dropout(x, p, random);
        const auto dropped = static_cast<double>(std::count(y.value().begin(), y.value().end(), 0.0));
        CHECK(dropped / static_cast<double>(n) == Approx(p).margin(0.006));  // four standard deviations
        for (const double v : y.value())
            REQUIRE((v == 0 || v == 1 / (1 - p)));
        autograd::sum(y).backward();
        CHECK(x.grad() == y.value());  // the same mask
    }
}

TEST_CASE("a mask is a function of the stream and the position", "[dropout]") {
    const V x{T::ones({3, 50})};
    Random random{1, 2};
    const T first = autograd::dropout(x, 0.5, random).value();
    CHECK(random.position() == 48);  // 16 draws for each 64 elements
    const T second = autograd::dropout(x, 0.5, random).value();
    CHECK(random.position() == 96);
    CHECK(first != second);
    Random again{1, 2, 48};
    CHECK(autograd::dropout(x, 0.5, again).value() == second);
    Random other{1, 3};
    CHECK(autograd::dropout(x, 0.5, other).value() != first);
    Random shape_free{1, 2};
    CHECK(autograd::dropout(V{T::ones({150})}, 0.5, shape_free).value() == T{first}.reshape({150}));
}

TEST_CASE("with probability 0 nothing is drawn or recorded", "[dropout]") {
    const V x{T::ones({3}), true};
    Random random;
    CHECK(autograd::dropout(x, 0, random).node() == x.node());
    CHECK(random.position() == 0);
}

TEST_CASE("each of several cotangents comes back through the mask of the value", "[dropout]") {
    Random random{4};
    const Index n = 200;
    const V x{T::ones({n}), true};
    const V y = autograd::dropout(x, 0.3, random);
    const V scaled{T::full({n}, 2), true};
    const T rows = jacobian<double>(std::vector<V>{autograd::sum(y), autograd::sum(y * scaled)}, std::vector<V>{x});
    for (Index i = 0; i < n; ++i) {
        REQUIRE(rows.data()[i] == y.value()[i]);
        REQUIRE(rows.data()[n + i] == 2 * y.value()[i]);
    }
}
