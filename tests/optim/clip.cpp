// SPDX-License-Identifier: MIT
#include <espalier/optim/clip.hpp>

#include "optim/testing.hpp"

#include <cmath>

using namespace espalier;
using namespace testing;

namespace {

/// Gradients (3, -4) and (12); the third parameter has none.
std::vector<Variable<double>> with_gradients() {
    auto p = leaves({Tensor<double>{{2}}, Tensor<double>{{1}}, Tensor<double>{{4}}});
    autograd::backward({autograd::sum(p[0] * Variable<double>{Tensor<double>{{2}, {3, -4}}}), autograd::sum(p[1] * 12.0)});
    return p;
}

}  // namespace

TEST_CASE("clip_grad_norm scales all gradients together as PyTorch does", "[optim]") {
    const auto p = with_gradients();
    REQUIRE(optim::clip_grad_norm(p, 2.0) == 13);
    require_close(p[0].grad(), {0.46153842603550577, -0.615384568047341});  // torch 2.13: clip_grad_norm_([a, b], 2.0)
    require_close(p[1].grad(), {1.846153704142023});
    REQUIRE_FALSE(p[2].has_grad());
}

TEST_CASE("clip_grad_norm leaves short gradients as they are", "[optim]") {
    const auto p = with_gradients();
    REQUIRE(optim::clip_grad_norm(p, 14.0) == 13);
    REQUIRE(optim::clip_grad_norm(p, INFINITY) == 13);
    REQUIRE(p[0].grad() == Tensor<double>{{2}, {3, -4}});
    REQUIRE(optim::clip_grad_norm(leaves({Tensor<double>{{3}}}), 1.0) == 0);
}

TEST_CASE("clip_grad_norm refuses gradients that are not finite, and changes none", "[optim]") {
    auto p = with_gradients();
    p[1].mutable_grad()[0] = std::nan("");
    REQUIRE_THROWS_AS(optim::clip_grad_norm(p, 1.0), ValueError);
    REQUIRE_THROWS_WITH(optim::clip_grad_norm(p, 1.0), "[clip_grad_norm] expected finite gradients, got norm nan");
    p[1].mutable_grad()[0] = INFINITY;
    REQUIRE_THROWS_WITH(optim::clip_grad_norm(p, 1.0), "[clip_grad_norm] expected finite gradients, got norm inf");
    REQUIRE(p[0].grad() == Tensor<double>{{2}, {3, -4}});
    REQUIRE_THROWS_WITH(optim::clip_grad_norm(p, -1.0), "[clip_grad_norm] expected a max_norm of at least 0, got -1");
}

TEST_CASE("clip_grad_value clamps every element", "[optim]") {
    const auto p = with_gradients();
    optim::clip_grad_value(p, 3.5);
    REQUIRE(p[0].grad() == Tensor<double>{{2}, {3, -3.5}});
    REQUIRE(p[1].grad() == Tensor<double>{{1}, {3.5}});
    REQUIRE_THROWS_AS(optim::clip_grad_value(p, -1.0), ValueError);
    REQUIRE_THROWS_WITH(optim::clip_grad_value(p, std::nan("")), "[clip_grad_value] expected a clip_value of at least 0, got nan");
}

TEST_CASE("A parameter that comes twice is counted and clipped once", "[optim]") {
    auto p = with_gradients();
    p.insert(p.end(), {p[1], p[0], p[2], p[1]});
    REQUIRE(optim::clip_grad_norm(p, 2.0) == 13);
    require_close(p[0].grad(), {0.46153842603550577, -0.615384568047341});
    require_close(p[1].grad(), {1.846153704142023});
    auto q = with_gradients();
    q.push_back(q[0]);
    optim::clip_grad_value(q, 3.5);
    REQUIRE(q[0].grad() == Tensor<double>{{2}, {3, -3.5}});
}

TEST_CASE("Clipping nothing, and what has no elements", "[optim]") {
    const std::vector<Variable<double>> nothing;
    REQUIRE(optim::clip_grad_norm(nothing, 1.0) == 0);
    optim::clip_grad_value(nothing, 1.0);
    const auto p = leaves({Tensor<double>{}, Tensor<double>{{0, 3}}});
    autograd::backward({autograd::sum(p[0]), autograd::sum(p[1])});
    REQUIRE(optim::clip_grad_norm(p, 0.0) == 0);
    const auto q = with_gradients();
    REQUIRE(optim::clip_grad_norm(q, 0.0) == 13);
    REQUIRE(q[0].grad() == Tensor<double>{{2}});
    optim::clip_grad_value(q, INFINITY);
    REQUIRE(q[1].grad() == Tensor<double>{{1}});
}

TEST_CASE("A gradient is clipped by its own size, whatever became of the value", "[optim]") {
    auto p = with_gradients();
    p[0].mutable_value() = Tensor<double>{{1000}};  // its gradient still has two elements
    REQUIRE(optim::clip_grad_norm(p, 2.0) == 13);
    optim::clip_grad_value(p, 0.5);
    REQUIRE(p[0].grad() == Tensor<double>{{2}, {0.46153842603550577, -0.5}});
}
