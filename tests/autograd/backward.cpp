// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/matmul.hpp>
#include <espalier/autograd/reduction.hpp>
#include <espalier/autograd/reshape.hpp>

#include <atomic>
#include <limits>
#include <thread>
#include <vector>

using namespace espalier;
using autograd::backward;
using autograd::jacobian;
using autograd::sum;
using autograd::vjp;
using V = Variable<double>;
using T = Tensor<double>;
using List = std::vector<V>;

namespace {

V leaf(double value) { return {T::scalar(value), true}; }

}  // namespace

TEST_CASE("gradients accumulate over backward passes", "[backward]") {
    V x = leaf(3);
    (x * x).backward();
    CHECK(x.grad().item() == 6);
    (x * x).backward();
    CHECK(x.grad().item() == 12);
    V w{T({2, 2}, {1, 2, 3, 4}), true};  // a matrix product writes its gradient in place
    for (int pass = 1; pass <= 3; ++pass) {
        sum(autograd::linear(V{T({1, 2}, {5, 7})}, w)).backward();
        CHECK(w.grad() == T({2, 2}, {5.0 * pass, 7.0 * pass, 5.0 * pass, 7.0 * pass}));
    }
}

TEST_CASE("a second pass over a graph needs retain_graph in the first", "[backward]") {
    V x = leaf(3);
    const V y = x * x;
    const V loss = y * 2.0;
    loss.backward(true);
    loss.backward(true);
    CHECK(x.grad().item() == 24);
    loss.backward();
    CHECK(x.grad().item() == 36);
    CHECK_THROWS_AS(loss.backward(), StateError);
    CHECK_THROWS_WITH(loss.backward(),
                      "[backward] expected a graph to run backward, got one that an earlier backward pass freed "
                      "at scale (): pass retain_graph to the earlier one");
    const V later = y + x;  // joins a part that is freed
    CHECK_THROWS_WITH(later.backward(), ContainsSubstring("freed at multiply ()"));
    CHECK(x.grad().item() == 36);
    CHECK_THROWS_WITH(jacobian<double>(List{later}, List{x}), ContainsSubstring("[jacobian] expected a graph to run backward"));
    CHECK_FALSE(y.is_leaf());
    (x * 1.0).backward();
    CHECK(x.grad().item() == 37);
}

TEST_CASE("a chain of 100,000 nodes runs forward, backward and is destroyed", "[backward]") {
    Variable<float> x{Tensor<float>::scalar(1), true};
    {
        auto y = x;
        for (int i = 0; i < 100'000; ++i)
            y = y + 1.0f;
        CHECK(y.item() == 100'001);
        y.backward();
    }
    CHECK(x.grad().item() == 1);
}

TEST_CASE("diamonds: every path counts once", "[backward]") {
    V x = leaf(2);
    V y = x;
    for (int i = 0; i < 40; ++i)  // 2^40 paths, 40 nodes
        y = y + y;
    y.backward();
    CHECK(x.grad().item() == 1099511627776.0);
    x.zero_grad();
    const V a = x * x;
    const V b = a * x;
    (a * b + a).backward();  // x^5 + x^2
    CHECK(x.grad().item() == 5 * 16 + 4);
}

TEST_CASE("a leaf may be its own root", "[backward]") {
    V x = leaf(2);
    x.backward();
    CHECK(x.grad().item() == 1);
    x.backward();
    CHECK(x.grad().item() == 2);
    backward<double>({x, x * 3.0, x});
    CHECK(x.grad().item() == 7);
    CHECK(jacobian<double>(List{x, x * 4.0, x}, List{x}) == T({3, 1}, {1, 4, 1}));
}

TEST_CASE("several roots give the gradient of their sum", "[backward]") {
    V x = leaf(2);
    V y = leaf(5);
    const V product = x * y;
    backward<double>({product, product * x, y});
    CHECK(x.grad().item() == 5 + 2 * 2 * 5);
    CHECK(y.grad().item() == 2 + 4 + 1);
}

TEST_CASE("backward refuses what has no gradient", "[backward]") {
    V x{T({2}), true};
    CHECK_THROWS_AS(x.backward(), ShapeError);
    CHECK_THROWS_WITH((x * 2.0).backward(), "[backward] expected a loss of one element, got scale (2,)");
    CHECK_THROWS_AS(V{T::scalar(1)}.backward(), StateError);
    CHECK_THROWS_WITH(V{T::scalar(1)}.backward(), "[backward] expected a loss that depends on a parameter, got the constant leaf ()");
    CHECK_THROWS_WITH(backward<double>({sum(x), V{T::scalar(1)}}), ContainsSubstring("got the constant leaf ()"));
    CHECK_FALSE(x.has_grad());
    sum(x).backward();
    CHECK(x.grad() == T::ones({2}));
}

TEST_CASE("a leaf below a root that receives nothing has no gradient", "[backward]") {
    V x = leaf(2);
    V y = leaf(3);
    const V gate = autograd::record<double>("gate", T::scalar(1), {x, y},
                                            [](autograd::Gradients<double>& g) { g.add(0, std::move(g.cotangent())); });
    gate.backward();
    CHECK(x.has_grad());
    CHECK_FALSE(y.has_grad());
    const V again = autograd::record<double>("gate", T::scalar(1), {x, y},
                                             [](autograd::Gradients<double>& g) { g.add(0, std::move(g.cotangent())); });
    CHECK(jacobian<double>(List{again}, List{y, x}) == T({1, 2}, {0, 1}));
}

TEST_CASE("jacobian: one row a loss, the leaves side by side", "[jacobian]") {
    V w{T({3}, {1, 2, 3}), true};
    V u{T({2}, {4, 5}), true};
    V h1 = leaf(7);
    V h2 = leaf(8);
    const V features = w * w;
    const List losses{sum(features) * h1, sum(features) * h2 + sum(u), h1 * 1.0, V{T::scalar(1)}};
    const T expected{{4, 5}, {0, 0, 14, 28, 42, 1, 1, 16, 32, 48, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}};
    CHECK(jacobian<double>(losses, List{u, w}, {.retain_graph = true}) == expected);  // a constant loss gives zeros, too
    CHECK_FALSE(h1.has_grad());
    CHECK_FALSE(w.has_grad());
    CHECK(jacobian<double>(losses, List{u, w}, {.retain_graph = true, .accumulate_others = true}) == expected);
    CHECK(h1.grad().item() == 14 + 1);
    CHECK(h2.grad().item() == 14);
    CHECK_FALSE(w.has_grad());
    CHECK(jacobian<double>(losses, List{u, w}, {.accumulate_others = true}) == expected);
    CHECK(h1.grad().item() == 30);
    CHECK_THROWS_AS(jacobian<double>(losses, List{u, w}), StateError);
    const V nowhere = leaf(1);
    CHECK(jacobian<double>(List{sum(u * u)}, List{nowhere, u}) == T({1, 3}, {0, 8, 10}));
    CHECK(jacobian<double>(List{}, List{u}).shape() == Shape{0, 2});
    CHECK(jacobian<double>(List{sum(u)}, List{}).shape() == Shape{1, 0});
}

TEST_CASE("a head carries the rows of its own tasks alone", "[jacobian]") {
    V w = leaf(2);
    std::vector<Index> rows;
    const auto head = [&](const V& x) {
        return autograd::record<double>("head", T{x.value()}, {x}, [&](autograd::Gradients<double>& g) {
            rows.push_back(g.rows());
            g.add(0, std::move(g.cotangent()));
        });
    };
    const V features = head(w);
    const V both = head(features);
    const List losses{head(features), head(both), head(both) * 3.0};
    CHECK(jacobian<double>(losses, List{w}) == T({3, 1}, {1, 1, 3}));
    CHECK(rows == std::vector<Index>{1, 1, 1, 2, 3});  // newest first
}

TEST_CASE("rows of subsets of tasks meet in every order", "[jacobian]") {
    // Loss t uses the node n_k if bit k of t is set, so that cotangents of all subsets of rows gather in w and its results.
    for (const bool behind_a_node : {false, true}) {
        V w{T({2}, {1, 2}), true};
        const V x = behind_a_node ? w * 1.0 : w;
        List nodes;
        for (int k = 0; k < 3; ++k)
            nodes.push_back(x * static_cast<double>(k + 1));
        nodes.push_back(autograd::linear(x, V{T({2, 2}, {1, 0, 0, 1})}) * 4.0);
        List losses;
        T expected{{16, 2}};
        for (Index t = 0; t < 16; ++t) {
            V loss = V{T::scalar(0)};
            for (Index k = 0; k < 4; ++k)
                if (t >> k & 1) {
                    loss = loss + sum(nodes[static_cast<std::size_t>(k)]);
                    expected[2 * t] += static_cast<double>(k + 1);
                    expected[2 * t + 1] += static_cast<double>(k + 1);
                }
            losses.push_back(loss);
        }
        CAPTURE(behind_a_node);
        CHECK(jacobian<double>(losses, List{w}) == expected);
    }
}

TEST_CASE("jacobian refuses bad leaves and roots, and leaves no trace", "[jacobian]") {
    V w = leaf(2);
    const V constant{T::scalar(1)};
    const V product = w * w;
    const List losses{product * 3.0};
    CHECK_THROWS_AS(jacobian<double>(losses, List{constant}), StateError);
    CHECK_THROWS_WITH(jacobian<double>(losses, List{w, constant}), "[jacobian] expected leaves that require a gradient, got leaf ()");
    CHECK_THROWS_WITH(jacobian<double>(losses, List{product}), "[jacobian] expected leaves that require a gradient, got multiply ()");
    CHECK_THROWS_WITH(jacobian<double>(losses, List{w, w}), "[jacobian] expected each leaf once, got () twice");
    CHECK_THROWS_WITH(jacobian<double>(List{V{T({3}), true} * 1.0}, List{w}), "[jacobian] expected a loss of one element, got scale (3,)");
    CHECK(jacobian<double>(losses, List{w}) == T({1, 1}, {12}));
    CHECK_FALSE(w.has_grad());
}

TEST_CASE("vjp refuses cotangents that do not fit", "[vjp]") {
    const V x{T({2, 3}), true};
    const V y = x * 2.0;
    CHECK_THROWS_WITH(vjp<double>(y, T({2, 3}), List{x}), "[vjp] expected cotangents (T, ...) of an output (2, 3), got (2, 3)");
    CHECK_THROWS_WITH(vjp<double>(y, T::scalar(1), List{x}), "[vjp] expected cotangents (T, ...) of an output (2, 3), got ()");
    CHECK(vjp<double>(y, T::ones({2, 2, 3}), List{x})[0] == T::full({2, 2, 3}, 2));
    CHECK_THROWS_WITH(vjp<double>(y, T::ones({2, 2, 3}), List{x}), ContainsSubstring("[vjp] expected a graph to run backward"));
}

TEST_CASE("a graph refuses to run backward once a value that it needs has changed", "[backward]") {
    V x = leaf(3), b = leaf(1);
    const auto message = ContainsSubstring("[backward] expected the values that the graph was recorded with, got leaf () changed since");
    SECTION("a leaf") {
        const V y = x * x;
        x.mutable_value()[0] = 5;
        CHECK_THROWS_WITH(y.backward(), message);
        CHECK_FALSE(x.has_grad());
        (x * x).backward();
        CHECK(x.grad().item() == 10);
    }
    SECTION("a constant") {
        V c{T::scalar(2)};
        const V y = x * c;
        c.mutable_value()[0] = 5;
        CHECK_THROWS_WITH(y.backward(), message);
    }
    SECTION("a result within the graph, and the root") {
        V y = x * x;
        V z = autograd::exp(y);
        y.mutable_value()[0] = 0;
        CHECK_THROWS_AS(z.backward(), StateError);
        z = autograd::exp(x);
        z.mutable_value()[0] = 0;
        CHECK_THROWS_AS(z.backward(), StateError);
    }
    SECTION("between two passes, deep in the graph, before anything is added to any gradient") {
        V w = leaf(2);
        const V y = autograd::exp(x * w) + b;
        y.backward(true);
        const double before = b.grad().item();
        x.mutable_value()[0] = 1;
        const std::vector<V> roots{y};
        CHECK_THROWS_AS(y.backward(), StateError);
        CHECK_THROWS_WITH(jacobian<double>(roots, List{b}), ContainsSubstring("[jacobian] expected the values"));
        CHECK(b.grad().item() == before);
    }
    SECTION("a value under another shape") {
        const V y = autograd::reshape(x, {1});
        const V z = y * y;
        x.mutable_value()[0] = 5;  // of y as well
        CHECK_THROWS_WITH(z.backward(), message);
    }
}

TEST_CASE("a scale is a factor of every gradient", "[backward]") {
    V x = leaf(3);
    for (int i = 0; i < 4; ++i)
        (x * x).backward({.scale = 0.25});
    CHECK(x.grad().item() == 6);
    const V y = x * x;
    x.zero_grad();
    y.backward({.retain_graph = true, .scale = 0});
    CHECK(x.grad().item() == 0);
    CHECK_THROWS_WITH(y.backward({.scale = std::numeric_limits<double>::infinity()}), "[backward] expected a finite scale, got inf");
    CHECK(jacobian<double>(List{y, y}, List{x}, {.weights = std::vector<double>{1, 0.5}}) == T({2, 1}, {6, 3}));
    CHECK_THROWS_WITH(jacobian<double>(List{x * x}, List{x}, {.weights = std::vector<double>{1, 2}}),
                      "[jacobian] expected 1 weights, got 2");
}

TEST_CASE("threads take Jacobians over graphs that share leaves", "[backward]") {
    const V x{T({3}, {1, 2, 3}), true};
    const V w{T({3}, {4, 5, 6}), true};
    const auto row = [&](double factor) {
        const List losses{sum(x * w) * factor, sum(x * x)};
        return jacobian<double>(losses, List{x, w});
    };
    const T expected = row(1);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 200; ++i)
                wrong += !(row(1) == expected);
        });
    for (auto& thread : threads)
        thread.join();
    CHECK(wrong == 0);
    CHECK_FALSE(x.has_grad());
}
