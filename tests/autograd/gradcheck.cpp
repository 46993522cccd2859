// SPDX-License-Identifier: MIT
/// @file The test of the test: gradcheck finds what is wrong.
#include "catch.hpp"

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/gradcheck.hpp>
#include <espalier/autograd/matmul.hpp>

#include <sstream>

using namespace espalier;
using V = Variable<double>;
using T = Tensor<double>;
using List = std::vector<V>;

namespace {

/// x squared with `derivative` in the place of 2 x.
template <class Derivative>
V square(const V& x, Derivative derivative) {
    return autograd::elementwise(
        "square", x, [](double v) { return v * v; }, [derivative](double v, double) { return derivative(v); });
}

}  // namespace

TEST_CASE("gradcheck passes what is right", "[gradcheck]") {
    const auto report = gradcheck([](const List& v) { return square(v[0], [](double x) { return 2 * x; }); }, {T({3}, {1, -2, 0.5})});
    CHECK(report);
    CHECK(report.passed);
    CHECK(report.worst <= 1);
    std::ostringstream text;
    text << report;
    CHECK_THAT(text.str(), ContainsSubstring("passed, worst error "));
    CHECK(gradcheck([](const List& v) { return v[0] * 2.0; }, {T({0, 3})}));
}

TEST_CASE("gradcheck finds a wrong derivative and says where", "[gradcheck]") {
    const auto report = gradcheck([](const List& v) { return v[0] * 1.0 + square(v[1], [](double x) { return x > 1 ? x : 2 * x; }); },
                                  {T({3}), T({3}, {1, 0.5, 2})});
    CHECK_FALSE(report);
    CHECK(report.worst > 1000);
    CHECK_THAT(report.where, ContainsSubstring("input 1 element 2, output element 2: analytic 2, numeric 4"));
    std::ostringstream text;
    text << report;
    CHECK_THAT(text.str(), ContainsSubstring("failed, worst error "));
}

TEST_CASE("gradcheck finds small errors, signs, and NaN", "[gradcheck]") {
    const std::vector<T> at{T({2}, {1, 2})};
    CHECK_FALSE(gradcheck([](const List& v) { return square(v[0], [](double x) { return 2.0001 * x; }); }, at));
    CHECK_FALSE(gradcheck([](const List& v) { return square(v[0], [](double x) { return -2 * x; }); }, at));
    CHECK_FALSE(gradcheck([](const List& v) { return square(v[0], [](double) { return NAN; }); }, at));
    CHECK_FALSE(gradcheck([](const List& v) { return square(v[0], [](double) { return INFINITY; }); }, at));
    CHECK(gradcheck([](const List& v) { return square(v[0], [](double x) { return 2.0001 * x; }); }, at, {.relative = 1e-3}));
}

TEST_CASE("gradcheck finds a gradient that goes to the wrong row of cotangents", "[gradcheck]") {
    const auto first_row_only = [](const List& v) {
        return autograd::record<double>("scale", T{v[0].value()}, {v[0]}, [](autograd::Gradients<double>& g) {
            T gradient = std::move(g.cotangent());
            std::fill(gradient.begin() + g.output().numel(), gradient.end(), 0.0);
            g.add(0, std::move(gradient));
        });
    };
    CHECK_FALSE(gradcheck(first_row_only, {T({2}, {1, 2})}));
}

TEST_CASE("gradcheck finds a gradient that differs from run to run", "[gradcheck]") {
    const auto unsteady = [](const List& v) {
        return autograd::record<double>("unsteady", T{v[0].value()}, {v[0]}, [run = 0](autograd::Gradients<double>& g) mutable {
            T gradient = std::move(g.cotangent());
            for (double& x : gradient)
                x *= 1 + 1e-15 * run;
            ++run;
            g.add(0, std::move(gradient));
        });
    };
    const auto report = gradcheck(unsteady, {T({2}, {1, 2})});
    CHECK_FALSE(report);
}

TEST_CASE("gradcheck finds a product whose transpose was forgotten", "[gradcheck]") {
    Random random{4};
    const auto wrong = [](const List& v) {
        return autograd::record<double>("matmul", T{autograd::matmul(v[0], v[1]).value()}, {v[0], v[1]},
                                        [](autograd::Gradients<double>& g) {
                                            const T& b = g.input(1);
                                            T gradient{g.input(0).shape().prepended(g.rows())};
                                            for (Index t = 0; t < g.rows(); ++t)
                                                for (Index i = 0; i < 3; ++i)
                                                    for (Index k = 0; k < 3; ++k)
                                                        for (Index j = 0; j < 3; ++j)
                                                            gradient[t * 9 + i * 3 + k] += g.cotangent()[t * 9 + i * 3 + j] * b[j * 3 + k];
                                            g.add(0, std::move(gradient));
                                        });
    };
    CHECK_FALSE(gradcheck(wrong, {T::normal({3, 3}, random), T::normal({3, 3}, random)}));
}

TEST_CASE("gradcheck refuses an output that depends on no input", "[gradcheck]") {
    CHECK_THROWS_AS(gradcheck([](const List&) { return V{T({2})}; }, {T({2})}), StateError);
    CHECK_THROWS_WITH(gradcheck([](const List&) { return V{T({2})}; }, {T({2})}),
                      "[gradcheck] expected an output that depends on an input, got a constant (2,)");
}
