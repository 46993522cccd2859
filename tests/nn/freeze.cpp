// SPDX-License-Identifier: MIT
#include <espalier/nn/dropout.hpp>
#include <espalier/nn/freeze.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/sequential.hpp>

#include "nn/testing.hpp"

using namespace espalier;
using testing::normal;
using testing::same_bits;

TEST_CASE("a frozen part gets no gradient, records nothing and stays in evaluation", "[nn][freeze]") {
    manual_seed(1);
    const auto x = normal<float>({6, 3});
    nn::Sequential part{nn::Linear{3, 4}, nn::BatchNorm{4}, nn::Dropout{0.5}};
    nn::Linear rest{4, 1};
    (void)part(x);
    sum(rest(part(x))).backward();
    const auto before = part.state_dict();
    part.eval();
    const auto expected = part(x).value();
    part.train();

    nn::freeze(part);
    for (const auto& parameter : part.parameters())
        CHECK_FALSE(parameter.has_grad());
    part.train();  // as every loop does
    const auto features = part(x);
    CHECK_FALSE(features.requires_grad());
    CHECK(same_bits(features.value(), expected));
    sum(rest(features)).backward();
    CHECK(rest.weight().variable().has_grad());
    CHECK(same_bits(part.state_dict(), before));
    auto copy = part;
    CHECK_FALSE(copy(x).requires_grad());

    nn::thaw(part);
    sum(rest(part(x))).backward();
    CHECK(part.parameters()[0].has_grad());
    CHECK_FALSE(same_bits(part.state_dict(), before));  // the statistics move again
    CHECK_FALSE(copy(x).requires_grad());
    part.eval();
    nn::freeze(part);
    nn::thaw(part);
    CHECK(same_bits(part(x).value(), part(x).value()));  // still in evaluation
}

TEST_CASE("a part below a frozen one is trained through it", "[nn][freeze]") {
    nn::Linear below{2, 3};
    nn::Layer<float> frozen = nn::Linear{3, 1};
    nn::freeze(frozen);
    sum(frozen(below(normal<float>({4, 2})))).backward();
    CHECK(below.weight().variable().has_grad());
    CHECK_FALSE(frozen.parameters()[0].has_grad());
}

namespace {

/// A trunk of two parts and two heads, by the paths that a net with tasks has.
struct Net : nn::Module<Net, float> {
    nn::Sequential<float> trunk{nn::Linear{3, 4}, nn::BatchNorm{4}, nn::ReLU{}, nn::Linear{4, 4}, nn::Dropout{0.5}};
    nn::Linear<float> a{4, 1}, b{4, 2};

    Variable<float> operator()(const Variable<float>& x) {
        const auto features = trunk(x);
        return sum(a(features)) + sum(b(features));
    }
    void visit(nn::Visitor<float>& v) {
        v("trunk", trunk);
        v("heads.a", a);
        v("heads.b", b);
    }
    /// The paths of what is trained.
    [[nodiscard]] std::vector<std::string> trained() const {
        std::vector<std::string> result;
        for (const auto& [path, parameter] : named_parameters())
            if (parameter.requires_grad())
                result.push_back(path);
        return result;
    }
};

}  // namespace

TEST_CASE("parts are frozen and thawed by their paths", "[nn][freeze]") {
    using Paths = std::vector<std::string>;
    manual_seed(2);
    Net net;
    const auto x = normal<float>({8, 3});
    nn::freeze(net, "trunk.0", "trunk.1");
    CHECK(net.trained() == Paths{"trunk.3.weight", "trunk.3.bias", "heads.a.weight", "heads.a.bias", "heads.b.weight", "heads.b.bias"});
    const auto before = net.state_dict();
    net.train();
    CHECK_FALSE(same_bits(net(x).value(), net(x).value()));  // dropout is not frozen ...
    net(x).backward();
    CHECK(same_bits(net.state_dict(), before));  // ... and the statistics are
    CHECK_FALSE(net.named_parameters().at("trunk.0.weight").has_grad());
    CHECK(net.named_parameters().at("trunk.3.weight").has_grad());

    nn::thaw(net, "trunk.1");
    (void)net(x);
    CHECK_FALSE(same_bits(net.state_dict(), before));
    CHECK(net.trained().front() == "trunk.1.weight");

    nn::freeze(net);
    nn::thaw(net, "heads.*.bias", std::string{"trunk.3"});
    CHECK(net.trained() == Paths{"trunk.3.weight", "trunk.3.bias", "heads.a.bias", "heads.b.bias"});
    CHECK(same_bits(net(x).value(), net(x).value()));
    nn::thaw(net, "trunk.4");  // a layer without parameters
    CHECK_FALSE(same_bits(net(x).value(), net(x).value()));
}

TEST_CASE("a path that leads nowhere freezes nothing", "[nn][freeze]") {
    Net net;
    CHECK_THROWS_AS(nn::freeze(net, "trunk.0", "trunk.9"), StateError);
    CHECK_THROWS_WITH(nn::freeze(net, "trunk.0", "trunk.9"),
                      "[freeze] expected the path of a part of the model, as 'trunk.0', 'trunk.1', 'trunk.3', 'trunk.4', got 'trunk.9'");
    CHECK_THROWS_WITH(nn::thaw(net, "head"), "[thaw] expected the path of a part of the model, as 'trunk', 'heads', got 'head'");
    CHECK_THROWS_AS(nn::freeze(net, "trunk.2"), StateError);  // a ReLU has nothing to freeze
    CHECK(net.trained().size() == net.named_parameters().size());
    nn::Sequential<float> nothing{nn::ReLU{}};
    nn::freeze(nothing);
}
