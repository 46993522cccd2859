// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/aitm.hpp>

#include "mtl/sharing/ways.hpp"
#include "nn/testing.hpp"

#include <utility>
#include <vector>

using namespace espalier;
using testing::same_bits;

TEST_CASE("a step takes over from the one before what the attention says", "[mtl][sharing]") {
    const auto towers = ways::networks<double>(2, false);
    const auto infos = ways::linears<double>(1);
    mtl::AITM chain{4, towers, infos};
    auto parameters = chain.named_parameters();
    parameters.at("attentions.0.key.weight").mutable_value().fill(0);  // no score: half of each
    auto& value = parameters.at("attentions.0.value.weight").mutable_value();
    for (Index i = 0; i < 16; ++i)
        value[i] = i % 5 == 0 ? 1 : 0;
    const auto x = ways::input<double>(false);
    const auto features = chain(x);
    auto separate = mtl::Separate{towers}(x);
    auto info = infos[0];
    CHECK(same_bits(features[0].value(), separate[0].value()));
    testing::require_close(features[1].value(), ((separate[1] + info(separate[0])) * 0.5).value(), 1e-14);

    sum(features[0]).backward();
    CHECK_FALSE(parameters.at("towers.1.0.weight").has_grad());  // nothing comes back along the chain
    sum(chain(x)[1]).backward();
    CHECK(parameters.at("infos.0.weight").has_grad());
}

TEST_CASE("a chain of one task is its tower", "[mtl][sharing]") {
    auto towers = ways::networks<float>(1, true);
    mtl::AITM chain{4, towers, {}};
    const auto x = ways::input<float>(true);
    CHECK(same_bits(chain(x)[0].value(), towers[0](x).value()));
}

TEST_CASE("a step that is likelier than the one before costs something", "[mtl][sharing]") {
    const Variable<double> click{Tensor<double>{{2, 1}, {0, 2}}, true}, cart{Tensor<double>{{2, 1}, {1, -1}}, true},
        purchase{Tensor<double>{{2, 1}, {1, 0}}, true};
    const Named<Variable<double>> outputs{{"click", click}, {"cart", cart}, {"purchase", purchase}};
    const auto p = [](double logit) { return 1 / (1 + std::exp(-logit)); };
    const auto penalty = mtl::chain_penalty(outputs, {"click", "cart", "purchase"}, 0.6);
    CHECK(penalty.item() == Approx(0.3 * (p(1) - p(0) + p(0) - p(-1))));
    penalty.backward();
    CHECK(click.grad()[0] == Approx(-0.3 * p(0) * p(0)));
    CHECK(click.grad()[1] == 0);  // likelier than what comes after, as it should be
    CHECK(purchase.grad()[0] == 0);
    CHECK(purchase.grad()[1] == Approx(0.3 * p(0) * p(0)));
    CHECK(mtl::chain_penalty(outputs, {"click"}, 1).item() == 0);
    CHECK(mtl::chain_penalty(Named<Variable<double>>{{"a", Tensor<double>{{0, 1}}}, {"b", Tensor<double>{{0, 1}}}}, {"a", "b"}, 1).item() ==
          0);
    CHECK_THROWS_WITH(mtl::chain_penalty(outputs, {"click", "card"}, 1), "[named] expected one of 'click', 'cart', 'purchase', got 'card'");
    CHECK_THROWS_WITH(mtl::chain_penalty(outputs, {"click", "cart"}, -1), "[chain_penalty] expected a factor of at least 0, got -1");
    CHECK_THROWS_WITH(mtl::chain_penalty(Named<Variable<double>>{{"a", click}, {"b", Tensor<double>{Shape{2}}}}, {"a", "b"}, 1),
                      "[chain_penalty] expected outputs of one shape, got (2, 1) for 'a' and (2,) for 'b'");
}

TEST_CASE("chains that do not fit are refused", "[mtl][sharing]") {
    const auto towers = ways::networks<float>(2, false);
    const auto info = ways::linears<float>(1);
    CHECK_THROWS_WITH((mtl::AITM{0, towers, info}), "[AITM] expected a width of at least 1, got 0");
    CHECK_THROWS_WITH((mtl::AITM{4, towers, {}}),
                      "[AITM] expected a tower for each task and an info layer for each but the first, got 2 and 0");
    CHECK_THROWS_WITH((mtl::AITM<>{4, {}, {}}),
                      "[AITM] expected a tower for each task and an info layer for each but the first, got 0 and 0");
    const auto x = ways::input<float>(false);
    mtl::AITM wide{5, towers, info};
    CHECK_THROWS_WITH(wide(x), "[AITM] expected (N, 5) of tower 0, got (3, 4) for (3, 3)");
    mtl::AITM other{4, towers, {nn::Linear{4, 3}}};
    CHECK_THROWS_WITH(other(x), "[AITM] expected (N, 4) of info layer 0, got (3, 3) for (3, 4)");
    mtl::AITM fits_not{4, towers, {nn::Linear{7, 4}}};
    CHECK_THROWS_WITH(fits_not(x), "[linear] expected 7 input features, got input (3, 4), in info layer 0");
}
