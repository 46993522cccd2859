// SPDX-License-Identifier: MIT
#include "autograd/registry.hpp"

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/logit_product.hpp>
#include <espalier/autograd/mix.hpp>

namespace registry {
namespace {

/// Two shapes that broadcast: of a common one, leading axes are left out and some extents made 1.
std::pair<Shape, Shape> broadcasting(Random& random) {
    const Shape whole = random_shape(random, 0, 4, 3);
    const auto part = [&] {
        Shape shape;
        for (Index axis = random.below(whole.rank() + 1); axis < whole.rank(); ++axis)
            shape.append(random.below(3) == 0 ? 1 : whole[axis]);
        return shape;
    };
    return {part(), part()};
}

Draw two(Random& random) {
    const auto [a, b] = broadcasting(random);
    return {{normal(a, random), normal(b, random)}};
}

Draw with_number(Random& random) {
    return {{normal(random_shape(random, 0, 3), random)}, {{"number", {random.uniform(0.5, 2.0)}}}};
}

template <class Scalar>
Scalar number(const Attributes& attributes) {
    return static_cast<Scalar>(attributes.number("number"));
}

void weigh(const Variables<double>& terms, const std::vector<double>& weights) {
    (void)espalier::autograd::weighted_sum<double>(terms, weights);
}

void mixed(const Variables<double>& terms, const Shape& weights) { (void)espalier::autograd::mix<double>(terms, zeros(weights)); }

}  // namespace

Rows arithmetic_rows() {
    Rows rows;
    rows.push_back(row("add", [](const auto& v, const Attributes&) { return v[0] + v[1]; }, two,
                       {{[] { (void)(zeros({2, 3}) + zeros({2, 4})); },
                         "[add] expected shapes that broadcast, got (2, 3) and (2, 4)"}}));
    rows.push_back(row("subtract", [](const auto& v, const Attributes&) { return v[0] - v[1]; }, two,
                       {{[] { (void)(zeros({3}) - zeros({4, 2})); },
                         "[subtract] expected shapes that broadcast, got (3,) and (4, 2)"}}));
    rows.push_back(row("multiply", [](const auto& v, const Attributes&) { return v[0] * v[1]; }, two,
                       {{[] { (void)(zeros({2, 1, 3}) * zeros({5, 2, 2, 2})); },
                         "[multiply] expected shapes that broadcast, got (2, 1, 3) and (5, 2, 2, 2)"}}));
    rows.push_back(row(
        "divide", [](const auto& v, const Attributes&) { return v[0] / v[1]; },
        [](Random& random) {
            const auto [a, b] = broadcasting(random);
            return Draw{{normal(a, random), positive(b, random)}};
        },
        {{[] { (void)(zeros({0}) / zeros({2})); }, "[divide] expected shapes that broadcast, got (0,) and (2,)"}}));

    rows.push_back(row(
        "weighted_sum",
        []<class S>(const Variables<S>& v, const Attributes&) {
            std::vector<S> weights;
            for (std::size_t i = 0; i < v.size(); ++i)
                weights.push_back(static_cast<S>(1.5 - static_cast<double>(i)));
            return espalier::autograd::weighted_sum<S>(v, weights);
        },
        [](Random& random) {
            const Shape shape = random_shape(random, 0, 3);
            Draw draw;
            for (Index i = 0; i <= random.below(3); ++i)
                draw.inputs.push_back(normal(shape, random));
            return draw;
        },
        {{[] { weigh({zeros({2}), zeros({3})}, {1, 1}); }, "[weighted_sum] expected terms of shape (2,), got (3,) at 1"},
         {[] { weigh({zeros({2})}, {1, 1}); },
          "[weighted_sum] expected a weight for each of at least one term, got 1 terms and 2 weights"},
         {[] { weigh({}, {}); }, "[weighted_sum] expected a weight for each of at least one term, got 0 terms and 0 weights"}}));
    rows.push_back(row(
        "mix",
        []<class S>(const Variables<S>& v, const Attributes&) {
            return espalier::autograd::mix<S>(std::span{v}.first(v.size() - 1), v.back());
        },
        [](Random& random) {
            const Shape shape = random_shape(random, 0, 3);
            const Index terms = between(random, 1, 3);
            Draw draw;
            for (Index i = 0; i < terms; ++i)
                draw.inputs.push_back(normal(shape, random));
            const bool of_samples = shape.rank() > 0 && random.below(2);
            draw.inputs.push_back(normal(of_samples ? Shape{shape[0], terms} : Shape{terms}, random));
            return draw;
        },
        {{[] { mixed({}, {0}); }, "[mix] expected at least one term, got none"},
         {[] { mixed({zeros({2}), zeros({3})}, {2}); }, "[mix] expected terms of one shape, got (2,) and (3,) at 1"},
         {[] { mixed({zeros({4, 3}), zeros({4, 3})}, {3, 2}); },
          "[mix] expected weights (2,) or (N, 2) of 2 terms (4, 3), got (3, 2)"}}));
    rows.push_back(row(
        "logit_product", [](const auto& v, const Attributes&) { return espalier::autograd::logit_product(v[0], v[1]); },
        [](Random& random) {
            const Shape shape = random_shape(random, 0, 3);
            return Draw{{normal(shape, random), normal(shape, random)}};
        },
        {{[] { (void)espalier::autograd::logit_product(zeros({2, 1}), zeros({2})); },
          "[logit_product] expected logits of one shape, got (2, 1) and (2,)"}}));
    rows.push_back(row("scale", []<class S>(const Variables<S>& v, const Attributes& a) {
        return v[0] * number<S>(a);
    }, with_number));
    rows.push_back(row("shift", []<class S>(const Variables<S>& v, const Attributes& a) {
        return v[0] + number<S>(a);
    }, with_number));
    rows.push_back(row("minus_number", []<class S>(const Variables<S>& v, const Attributes& a) {
        return v[0] - number<S>(a);
    }, with_number));
    rows.push_back(row("number_minus", []<class S>(const Variables<S>& v, const Attributes& a) {
        return number<S>(a) - v[0];
    }, with_number));
    rows.push_back(row("over_number", []<class S>(const Variables<S>& v, const Attributes& a) {
        return v[0] / number<S>(a);
    }, with_number));
    rows.push_back(row("negate", [](const auto& v, const Attributes&) { return -v[0]; },
                       [](Random& random) { return Draw{{normal(random_shape(random, 0, 3), random)}}; }));
    return rows;
}

}  // namespace registry
