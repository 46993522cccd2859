// SPDX-License-Identifier: MIT
// What becomes of an optimizer when the model that it trains is assigned to, in whole or in part.
#include <espalier/espalier.hpp>

#include "nn/testing.hpp"

using namespace espalier;
using testing::normal;
using testing::same_bits;

namespace {

struct Training {
    mtl::MultiTaskNet<float> net = [] {
        manual_seed(1);
        return mtl::MultiTaskNet{nn::Sequential{nn::Linear{3, 8}, nn::BatchNorm{8}, nn::ReLU{}},
                                 {{"a", nn::Linear{8, 2}}, {"b", nn::Sequential{nn::Linear{8, 1}}}}};
    }();
    mtl::MultiTaskLoss<float> criterion{{"a", losses::CrossEntropy{}}, {"b", losses::MSE{}}};
    optim::SGD<float> sgd{net.parameters(), {.learning_rate = 0.1, .momentum = 0.9}};
    Tensor<float> x = normal<float>({6, 3});
    losses::Targets<float> targets{{"a", Tensor<Index>{{6}, {0, 1, 0, 1, 1, 0}}}, {"b", normal<float>({6, 1}, 2)}};

    float step() {
        auto loss = criterion(net(x), targets);
        sgd.zero_grad();
        loss.backward();
        sgd.step();
        return loss.item();
    }
};

}  // namespace

TEST_CASE("after `net = best` the optimizer trains on", "[integration][assignment]") {
    Training t;
    t.step();
    const auto best = t.net;
    for (int i = 0; i < 5; ++i)
        t.step();
    t.net = best;
    CHECK(same_bits(t.net.state_dict(), best.state_dict()));
    const float before = t.step();
    CHECK_FALSE(same_bits(t.net.state_dict(), best.state_dict()));
    for (int i = 0; i < 10; ++i)
        t.step();
    CHECK(t.step() < before);

    auto moved = best;
    t.net = std::move(moved);
    t.step();
    CHECK_FALSE(same_bits(t.net.state_dict(), best.state_dict()));
    t.net.load_state_dict(best.state_dict());
    t.step();
    CHECK_FALSE(same_bits(t.net.state_dict(), best.state_dict()));
    CHECK(t.sgd.passes() == 1);  // the layout is still there
}

TEST_CASE("a head of the same kind takes new values, and the optimizer trains on", "[integration][assignment]") {
    Training t;
    t.net.head("a") = nn::Linear{8, 2};
    t.net.trunk() = nn::Sequential{nn::Linear{3, 8}, nn::BatchNorm{8}, nn::ReLU{}};
    const auto before = t.net.state_dict();
    t.step();
    for (const auto& [path, tensor] : t.net.state_dict())
        if (path.ends_with("weight"))
            CHECK_FALSE(tensor == before.at(path));
}

TEST_CASE("a step over parameters that a model has no longer is an error that changes nothing", "[integration][assignment]") {
    Training t;
    t.step();
    const auto refuses = [&](const std::string& message) {
        const auto before = t.net.state_dict();
        auto loss = t.criterion(t.net(t.x), t.targets);
        loss.backward();
        const auto moved = t.net.state_dict();  // running statistics, by the forward pass
        CHECK_THROWS_AS(t.sgd.step(), StateError);
        CHECK_THROWS_WITH(t.sgd.step(), ContainsSubstring(message));
        CHECK(same_bits(t.net.state_dict(), moved));
        t.sgd = optim::SGD{t.net.parameters(), {.learning_rate = 0.1}};
        t.step();
        CHECK_FALSE(same_bits(t.net.state_dict(), before));
    };
    SECTION("a head of another kind") {
        t.net.head("a") = nn::Sequential{nn::Linear{8, 2}};
        refuses("[sgd] expected parameters of layers that live, got parameter heads.a.weight (2, 8), whose layer was replaced");
    }
    SECTION("a wider head") {
        t.targets = {{"a", Tensor<Index>{{6}, {0, 1, 2, 1, 1, 0}}}, {"b", t.targets.at("b")}};
        t.net.head("a") = nn::Linear{8, 3};
        refuses("[sgd] expected parameter 4 of shape (2, 8) as before, got (3, 8)");
    }
    SECTION("a net of another structure") {
        t.net = mtl::MultiTaskNet{nn::Linear{3, 4}, {{"a", nn::Linear{4, 2}}, {"b", nn::Linear{4, 1}}}};
        refuses("whose layer was replaced or destroyed");
    }
    SECTION("a net that is gone") {
        std::optional<mtl::MultiTaskNet<float>> gone{t.net};
        optim::Adam adam{gone->parameters()};
        gone.reset();
        CHECK_THROWS_WITH(adam.step(), ContainsSubstring("[adam] expected parameters of layers that live"));
    }
}

TEST_CASE("a graph of before a step is refused after it, by the name of the parameter", "[integration][assignment]") {
    Training t;
    const auto a = t.criterion(t.net(t.x), t.targets);
    const auto b = t.criterion(t.net(t.x), t.targets);
    a.backward(true);
    t.sgd.step();
    CHECK_THROWS_AS(b.backward(), StateError);
    CHECK_THROWS_WITH(b.backward(),
                      ContainsSubstring("got parameter ") && ContainsSubstring(" changed since") && ContainsSubstring("weight"));
    CHECK_THROWS_AS(a.backward(), StateError);
    t.step();
}

TEST_CASE("a frozen trunk stays as it is under an optimizer of the whole net", "[integration][assignment]") {
    Training t;
    t.step();
    nn::freeze(t.net.trunk());
    const auto trunk = t.net.trunk().state_dict();
    const auto head = t.net.head("a").state_dict();
    for (int i = 0; i < 3; ++i)
        t.step();
    CHECK(same_bits(t.net.trunk().state_dict(), trunk));
    CHECK_FALSE(same_bits(t.net.head("a").state_dict(), head));
    optim::Adam later{t.net.parameters()};  // made while the trunk is frozen
    nn::thaw(t.net.trunk());
    t.criterion(t.net(t.x), t.targets).backward();
    later.step();
    CHECK_FALSE(same_bits(t.net.trunk().state_dict(), trunk));
}
