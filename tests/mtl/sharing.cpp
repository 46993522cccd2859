// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing.hpp>

#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn/linear.hpp>

#include "nn/testing.hpp"

#include <utility>

using namespace espalier;

namespace {

/// A user's: a network for all, and one of his own for each task, added.
class Residual : public nn::Module<Residual, float> {
public:
    [[nodiscard]] mtl::Features<> operator()(const Variable<>& x) {
        const auto common = shared_(x);
        return {common + first_(x), common + second_(x)};
    }
    void visit(nn::Visitor<float>& visitor) {
        visitor("shared", shared_);
        visitor("first", first_);
        visitor("second", second_);
    }

private:
    nn::Linear<> shared_{3, 4}, first_{3, 4}, second_{3, 4};
};

}  // namespace

TEST_CASE("anything that makes features of an input is a sharing", "[mtl][sharing]") {
    mtl::MultiTaskNet net{Residual{}, {{"a", nn::Linear{4, 1}}, {"b", nn::Linear{4, 1}}}};
    CHECK(testing::names(net.named_parameters()).front() == "trunk.shared.weight");
    CHECK(net(Tensor<float>{Shape{2, 3}}).at("b").shape() == Shape{2, 1});
    CHECK(net.sharing().get_if<Residual>());
    CHECK_FALSE(net.sharing().get_if<mtl::HardSharing<>>());
    mtl::Sharing<> taken = std::move(net).sharing();
    CHECK(taken(Tensor<float>{Shape{2, 3}}).size() == 2);
}

TEST_CASE("any sharing stands behind an encoder", "[mtl][sharing]") {
    const auto sum_of_both = [](const data::Inputs<>& in) {
        return Variable<>{data::values_of(in, "x")} + Variable<>{data::values_of(in, "y")};
    };
    manual_seed(1);
    mtl::MultiTaskNet plain{Residual{}, {{"a", nn::Linear{4, 1}}, {"b", nn::Linear{4, 1}}}};
    manual_seed(1);
    mtl::MultiTaskNet net{sum_of_both, Residual{}, std::vector<mtl::Head<>>{{"a", nn::Linear{4, 1}}, {"b", nn::Linear{4, 1}}}};
    const Tensor<float> x{{1, 3}, {1, 2, 3}};
    CHECK(net({{"x", x}, {"y", Tensor<float>{Shape{1, 3}}}}).at("b").value() == plain(x).at("b").value());
    CHECK(net.sharing().get_if<Residual>());
    CHECK(net.shared_size() == plain.shared_size());
    CHECK_THROWS_WITH(net.features({{"x", x}, {"y", x}}), ContainsSubstring("expected features that all heads share, got 2"));
}

TEST_CASE("a trunk is hard sharing", "[mtl][sharing]") {
    mtl::MultiTaskNet net{nn::Linear{3, 4}, {{"a", nn::Linear{4, 1}}}};
    REQUIRE(net.sharing().get_if<mtl::HardSharing<>>());
    CHECK(&net.sharing().get_if<mtl::HardSharing<>>()->trunk() == &net.trunk());
    CHECK_THROWS_WITH(net(Tensor<float>{Shape{2, 5}}), "[linear] expected 3 input features, got input (2, 5), in trunk");
}

TEST_CASE("a parameter that a sharing does not show is reported", "[mtl][sharing]") {
    struct Hidden {
        nn::Linear<> layer{3, 4};
        mtl::Features<> operator()(const Variable<>& x) { return {x, layer(x)}; }
    };
    mtl::Sharing<> sharing{Hidden{}};
    CHECK_THROWS_AS(sharing(Tensor<float>{Shape{2, 3}}), StateError);
}
