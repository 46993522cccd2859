// SPDX-License-Identifier: MIT
#include "autograd/registry.hpp"

#include <espalier/autograd/embedding.hpp>
#include <espalier/autograd/matmul.hpp>

namespace registry {
namespace {

Draw matrices(Random& random) {
    const Index m = between(random, 1, 5);
    const Index k = between(random, 1, 5);
    const Index n = between(random, 1, 5);
    Shape a = random_shape(random, 0, 2, 3);
    Shape b = random.below(2) ? a : Shape{};
    a.append(m);
    a.append(k);
    b.append(k);
    b.append(n);
    return {{normal(a, random), normal(b, random)}};
}

Draw affine(Random& random) {
    Shape x = random_shape(random, 0, 2);
    x.append(between(random, 1, 6));
    const Index out = between(random, 1, 5);
    Draw draw{{normal(x, random), normal({out, x.back()}, random)}};
    if (random.below(3))
        draw.inputs.push_back(normal({out}, random));
    return draw;
}

}  // namespace

Rows product_rows() {
    namespace ag = espalier::autograd;
    Rows rows;
    rows.push_back(row(
        "matmul", [](const auto& v, const Attributes&) { return ag::matmul(v[0], v[1]); }, matrices,
        {{[] { (void)ag::matmul(zeros({2, 3}), zeros({4, 2})); },
          "[matmul] expected (..., M, K) and (K, N) or (..., K, N), got (2, 3) and (4, 2)"},
         {[] { (void)ag::matmul(zeros({3}), zeros({3, 2})); },
          "[matmul] expected (..., M, K) and (K, N) or (..., K, N), got (3,) and (3, 2)"},
         {[] { (void)ag::matmul(zeros({2, 2, 3}), zeros({5, 3, 2})); },
          "[matmul] expected (..., M, K) and (K, N) or (..., K, N), got (2, 2, 3) and (5, 3, 2)"},
         {[] { (void)ag::matmul(zeros({2, 3}), zeros({2, 3, 2})); },
          "[matmul] expected (..., M, K) and (K, N) or (..., K, N), got (2, 3) and (2, 3, 2)"}}));
    rows.push_back(row(
        "linear",
        [](const auto& v, const Attributes&) {
            return v.size() == 3 ? ag::linear(v[0], v[1], v[2]) : ag::linear(v[0], v[1]);
        },
        affine,
        {{[] { (void)ag::linear(zeros({2, 3}), zeros({4, 2})); }, "[linear] expected 2 input features, got input (2, 3)"},
         {[] { (void)ag::linear(zeros({}), zeros({4, 2})); }, "[linear] expected 2 input features, got input ()"},
         {[] { (void)ag::linear(zeros({2, 3}), zeros({3})); }, "[linear] expected weights (out, in), got (3,)"},
         {[] { (void)ag::linear(zeros({2, 3}), zeros({4, 3}), zeros({3})); },
          "[linear] expected a bias of shape (4,), got (3,)"}}));
    rows.push_back(row(
        "linear_relu",
        [](const auto& v, const Attributes&) {
            return v.size() == 3 ? ag::linear_relu(v[0], v[1], v[2]) : ag::linear_relu(v[0], v[1]);
        },
        affine,
        {{[] { (void)ag::linear_relu(zeros({2, 3}), zeros({4, 2})); }, "[linear] expected 2 input features, got input (2, 3)"},
         {[] { (void)ag::linear_relu(zeros({2, 3}), zeros({4, 3}), zeros({3})); },
          "[linear] expected a bias of shape (4,), got (3,)"}}));
    rows.push_back(row(
        "embedding",
        [](const auto& v, const Attributes& a) { return ag::embedding(v[0], a.tensor<Index>("indices", a.shape("shape"))); },
        [](Random& random) {
            const Shape weight{between(random, 1, 5), between(random, 1, 4)};
            const Shape shape = random_shape(random, 0, 3, 3);
            std::vector<Index> indices(static_cast<std::size_t>(shape.numel()));
            for (Index& i : indices)
                i = random.below(weight[0]);
            Draw draw{{normal(weight, random)}};
            draw.attributes.set("indices", indices);
            draw.attributes.set("shape", shape);
            return draw;
        },
        {{[] { (void)ag::embedding(zeros({3}), Tensor<Index>({1}, {0})); },
          "[embedding] expected weights (entries, width), got (3,)"},
         {[] { (void)ag::embedding(zeros({3, 2}), Tensor<Index>({2}, {0, 3})); }, "[embedding] expected indices in [0, 3), got 3"},
         {[] { (void)ag::embedding(zeros({3, 2}), Tensor<Index>({1}, {-1})); },
          "[embedding] expected indices in [0, 3), got -1"}}));
    return rows;
}

}  // namespace registry
