// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/embedding.hpp>
#include <espalier/autograd/reduction.hpp>
#include <espalier/autograd/sparse_gradient.hpp>
#include <espalier/autograd/task_gradients.hpp>

#include <limits>

using namespace espalier;
namespace ag = espalier::autograd;

namespace {

Variable<double> table() { return {Tensor<double>{{4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}}, true}; }

/// The sum of weighted squares of what is looked up.
Variable<double> loss(const Variable<double>& weight, const Tensor<Index>& indices, bool sparse, double factor = 1) {
    const auto y = ag::embedding(weight, indices, sparse);
    return ag::sum(y * y) * factor;
}

const Tensor<Index> some{{3}, {2, 0, 2}};
const Tensor<Index> others{{2}, {3, 2}};

}  // namespace

TEST_CASE("a sparse gradient lists the rows that were looked up", "[autograd][sparse]") {
    const auto weight = table();
    loss(weight, some, true).backward();
    REQUIRE(weight.has_sparse_grad());
    CHECK(weight.sparse_grad().rows == Tensor<Index>{{2}, {2, 0}});
    CHECK(weight.sparse_grad().values == Tensor<double>{{2, 2}, {20, 24, 2, 4}});
    CHECK(weight.grad() == Tensor<double>{{4, 2}, {2, 4, 0, 0, 20, 24, 0, 0}});
    CHECK(weight.has_sparse_grad());  // who looks changes nothing

    loss(weight, others, true).backward();  // adds
    CHECK(weight.has_sparse_grad());
    CHECK(weight.sparse_grad().rows == Tensor<Index>{{3}, {2, 0, 3}});
    CHECK(weight.grad() == Tensor<double>{{4, 2}, {2, 4, 0, 0, 30, 36, 14, 16}});

    auto again = weight;
    again.zero_grad();
    CHECK_FALSE(weight.has_sparse_grad());
    CHECK_FALSE(weight.has_grad());
    CHECK_THROWS_WITH(weight.sparse_grad(), "[sparse_grad] expected a gradient of leaf (4, 2), got none: no backward pass has reached it");
    loss(weight, others, true).backward();
    CHECK(weight.grad() == Tensor<double>{{4, 2}, {0, 0, 0, 0, 10, 12, 14, 16}});
}

TEST_CASE("sparse and whole gradients add up, in any order", "[autograd][sparse]") {
    const auto expected = [&] {
        const auto weight = table();
        ag::backward({loss(weight, some, false) + loss(weight, others, false) + ag::sum(weight * 3.0)});
        return weight.grad();
    }();
    SECTION("in one graph") {
        for (const bool first : {false, true}) {
            const auto weight = table();
            const auto whole = ag::sum(weight * 3.0);
            const auto a = loss(weight, some, true), b = loss(weight, others, first);
            (first ? a + whole + b : b + a + whole).backward();
            CHECK_FALSE(weight.has_sparse_grad());
            CHECK(weight.grad() == expected);
        }
    }
    SECTION("in passes of their own") {
        for (const int order : {0, 1, 2}) {
            auto weight = table();
            loss(weight, some, true).backward();  // a list that is there, and forgotten
            weight.zero_grad();
            for (int i = 0; i < 3; ++i)
                switch ((i + order) % 3) {
                    case 0: loss(weight, some, true).backward(); break;
                    case 1: ag::sum(weight * 3.0).backward(); break;
                    default: loss(weight, others, true).backward(); break;
                }
            CHECK_FALSE(weight.has_sparse_grad());
            CHECK(weight.grad() == expected);
        }
    }
    SECTION("by hand") {
        auto weight = table();
        loss(weight, some, true).backward();
        const std::vector<double> ones(8, 1);
        weight.add_grad(ones);
        CHECK_FALSE(weight.has_sparse_grad());
        CHECK(weight.grad() == Tensor<double>{{4, 2}, {3, 5, 1, 1, 21, 25, 1, 1}});
        weight.zero_grad();
        loss(weight, some, true).backward();
        weight.mutable_grad()[7] = 5;
        CHECK_FALSE(weight.has_sparse_grad());
        CHECK(weight.grad() == Tensor<double>{{4, 2}, {2, 4, 0, 0, 20, 24, 0, 5}});
        CHECK_THROWS_WITH(weight.sparse_grad(), "[sparse_grad] expected a sparse gradient of leaf (4, 2), got a whole one");
    }
}

TEST_CASE("a table that is no leaf, and one that is looked up twice, have the gradients of a whole one", "[autograd][sparse]") {
    for (const bool sparse : {false, true}) {
        const auto weight = table();
        loss(weight * 2.0, some, sparse).backward();
        CHECK(weight.grad() == Tensor<double>{{4, 2}, {8, 16, 0, 0, 80, 96, 0, 0}});
        CHECK_FALSE(weight.has_sparse_grad());
        const auto twice = table();
        (loss(twice, some, sparse) + loss(twice, others, sparse)).backward();
        CHECK(twice.has_sparse_grad() == sparse);
        CHECK(twice.grad() == Tensor<double>{{4, 2}, {2, 4, 0, 0, 30, 36, 14, 16}});
    }
}

TEST_CASE("Jacobians and gradients of tasks of a sparse table are those of a whole one", "[autograd][sparse]") {
    const auto each = [&](bool sparse) {
        const auto weight = table();
        const std::vector<Variable<double>> losses{loss(weight, some, sparse), loss(weight, others, sparse, 0.5)};
        const std::vector<Variable<double>> wrt{weight};
        return ag::jacobian<double>(losses, wrt);
    };
    CHECK(each(true) == each(false));
    CHECK(each(true).slice(0, 1) == Tensor<double>{{1, 8}, {2, 4, 0, 0, 20, 24, 0, 0}});
}

TEST_CASE("sparse gradients of nothing", "[autograd][sparse]") {
    const auto weight = table();
    loss(weight, Tensor<Index>{Shape{0}}, true).backward();
    REQUIRE(weight.has_sparse_grad());
    CHECK(weight.sparse_grad().rows.numel() == 0);
    CHECK(weight.grad() == Tensor<double>{Shape{4, 2}});
    loss(weight, some, true).backward();
    CHECK(weight.grad() == Tensor<double>{{4, 2}, {2, 4, 0, 0, 20, 24, 0, 0}});
    const Variable<double> narrow{Tensor<double>{Shape{3, 0}}, true};
    loss(narrow, some, true).backward();
    CHECK(narrow.grad().shape() == Shape{3, 0});
}

TEST_CASE("a backward pass that throws leaves no sparse gradient behind", "[autograd][sparse]") {
    auto weight = table();
    auto factor = Variable<double>{Tensor<double>{{1}, {2}}, true};
    const auto first = loss(weight, some, true);
    const auto product = first * 2.0;
    product.backward();
    CHECK_THROWS_AS(product.backward(), StateError);  // its graph is gone
    CHECK(weight.grad() == Tensor<double>{{4, 2}, {4, 8, 0, 0, 40, 48, 0, 0}});
}
