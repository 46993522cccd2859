// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/gradcheck.hpp>
#include <espalier/autograd/reduction.hpp>

#include <stdexcept>

using namespace espalier;
using autograd::Gradients;
using V = Variable<double>;
using T = Tensor<double>;

namespace {

/// An operation as a user writes it; it uses `produce`, which the registry's simple operations do not.
V square(const V& x) {
    T y = x.value();
    for (double& v : y)
        v *= v;
    return autograd::record<double>("square", std::move(y), {x}, [](Gradients<double>& g) {
        const Index n = g.input(0).numel();
        g.produce(0, [&](const kernels::Target<double>& dx) {
            for (Index t = 0; t < g.rows(); ++t)
                for (Index i = 0; i < n; ++i)
                    dx.row(t)[i] = 2 * g.input(0)[i] * g.cotangent()[t * n + i] + (dx.accumulate ? dx.row(t)[i] : 0);
        });
    });
}

/// The gradient that it hands back has the shape of what `wrong` makes of the input's.
template <class Wrong>
V broken(const V& x, Wrong wrong) {
    return autograd::record<double>("broken", T{x.value()}, {x},
                                    [wrong](Gradients<double>& g) { g.add(0, T{wrong(g.input(0).shape(), g.rows())}); });
}

}  // namespace

TEST_CASE("an operation of the user's own passes gradcheck, wherever it stands in a graph", "[record]") {
    Random random{1};
    const std::vector<T> at{T::normal({2, 3}, random)};
    CHECK(gradcheck([](const std::vector<V>& v) { return square(v[0]); }, at));
    CHECK(gradcheck([](const std::vector<V>& v) { return square(square(v[0])); }, at));
    CHECK(gradcheck([](const std::vector<V>& v) { return square(v[0]) + square(v[0]); }, at));
    CHECK(gradcheck(
        [](const std::vector<V>& v) {
            const V y = v[0] * 2.0;
            return square(y) + square(y) + y;
        },
        at));
    CHECK(gradcheck([](const std::vector<V>& v) { return autograd::sum(square(v[0])) + autograd::exp(v[0]); }, at));
}

TEST_CASE("the backward function sees cotangents, inputs and output", "[record]") {
    const V x{T({2}, {3, 4}), true};
    const V constant{T({2}, {5, 6})};
    bool called = false;
    const V y = autograd::record<double>("probe", T({2}, {7, 8}), {x, constant}, [&](Gradients<double>& g) {
        called = true;
        CHECK(g.rows() == 3);
        CHECK(g.inputs() == 2);
        CHECK(g.cotangent() == T({3, 2}, {1, 2, 3, 4, 5, 6}));
        CHECK(g.output() == T({2}, {7, 8}));
        CHECK(g.input(0) == x.value());
        CHECK(g.input(1) == constant.value());
        CHECK(g.needs(0));
        CHECK_FALSE(g.needs(1));
        g.add(0, std::move(g.cotangent()));
    });
    const std::vector<V> wrt{x};
    CHECK(autograd::vjp<double>(y, T({3, 2}, {1, 2, 3, 4, 5, 6}), wrt)[0] == T({3, 2}, {1, 2, 3, 4, 5, 6}));
    CHECK(called);
}

TEST_CASE("a gradient of the wrong shape is refused under the operation's name", "[record]") {
    V x{T({2}), true};
    CHECK_THROWS_AS(autograd::sum(broken(x, [](const Shape& s, Index) { return s; })).backward(), ShapeError);
    CHECK_THROWS_WITH(autograd::sum(broken(x, [](const Shape& s, Index) { return s; })).backward(),
                      "[broken] expected a gradient (1, 2) for input 0, got (2,)");
    CHECK_THROWS_WITH(autograd::sum(broken(x, [](const Shape& s, Index rows) { return s.prepended(rows + 1); })).backward(),
                      "[broken] expected a gradient (1, 2) for input 0, got (2, 2)");
    CHECK_FALSE(x.has_grad());
    autograd::sum(square(x)).backward();
    CHECK(x.grad() == T({2}));
}

TEST_CASE("an exception in a backward function leaves nothing behind on what it did not reach", "[record]") {
    V x{T::scalar(3), true};
    V other{T::scalar(5), true};
    const V shared = other * 2.0;  // older than the operation that throws, so not yet passed when it does
    const auto thrower = [&] {
        return autograd::record<double>("thrower", T::scalar(1), {x}, [](Gradients<double>&) { throw std::runtime_error{"no"}; });
    };
    CHECK_THROWS_WITH((shared + thrower()).backward(), "no");
    CHECK_FALSE(x.has_grad());
    CHECK_FALSE(other.has_grad());
    (shared * x).backward();
    CHECK(x.grad().item() == 10);
    CHECK(other.grad().item() == 6);

    const std::vector<V> roots{x * 1.0, x * other + thrower()};
    const std::vector<V> wrt{x};
    CHECK_THROWS_WITH(autograd::jacobian<double>(roots, wrt), "no");
    const std::vector<V> again{x * 1.0, x * other};
    CHECK(autograd::jacobian<double>(again, wrt) == T({2, 1}, {1, 5}));
    CHECK(x.grad().item() == 10);
}
