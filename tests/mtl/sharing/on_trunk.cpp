// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/on_trunk.hpp>

#include <espalier/losses/mse.hpp>
#include <espalier/mtl/balancing/mgda.hpp>

#include "mtl/sharing/ways.hpp"
#include "nn/testing.hpp"

#include <utility>
#include <vector>

using namespace espalier;
using testing::same_bits;

TEST_CASE("a sharing on a trunk reads what the trunk gives", "[mtl][sharing]") {
    nn::Sequential trunk{nn::Linear{3, 4}, nn::Tanh{}};
    const auto above = ways::linears<float>(2);
    mtl::OnTrunk sharing{trunk, mtl::Separate{above}};
    const auto x = ways::input<float>(false);
    const auto features = sharing(x), expected = mtl::Separate{above}(trunk(x));
    for (std::size_t i = 0; i < 2; ++i)
        CHECK(same_bits(features[i].value(), expected[i].value()));
    CHECK(testing::names(sharing.named_parameters())[0] == "bottom.0.weight");
    CHECK(sharing.named_parameters().contains("above.networks.1.bias"));
    CHECK_THROWS_WITH(sharing(Tensor<float>{Shape{2, 9}}), "[linear] expected 3 input features, got input (2, 9), in layer 0, in trunk");
}

TEST_CASE("rules that act on features look at the trunk's output", "[mtl][sharing]") {
    const nn::Sequential trunk{nn::Linear<double>{3, 4}, nn::Tanh{}};
    const nn::Linear<double> a{4, 1}, b{4, 2};
    const std::vector<nn::Layer<double>> nothing(2, nn::Identity{});
    const auto gramian = [&](mtl::MultiTaskNet<double> net) {
        mtl::MultiTaskLoss<double> criterion{{"a", losses::MSE<double>{}}, {"b", losses::MSE<double>{}}};
        criterion.balance(mtl::MGDA{}, {.scope = mtl::Scope::features});
        const auto loss = criterion(net(ways::input<double>(false)),
                                    {{"a", Tensor<double>{Shape{3, 1}}}, {"b", Tensor<double>{Shape{3, 2}}}});
        loss.backward();
        return loss.gramian();
    };
    const auto on_trunk = gramian({mtl::OnTrunk{trunk, mtl::Separate{nothing}}, {{"a", a}, {"b", b}}});
    const auto hard = gramian({trunk, {{"a", a}, {"b", b}}});
    for (std::size_t i = 0; i < 2; ++i)
        for (std::size_t j = 0; j < 2; ++j)
            CHECK(on_trunk(i, j) == hard(i, j));
}
