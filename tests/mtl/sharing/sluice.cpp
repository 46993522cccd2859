// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/sluice.hpp>

#include "mtl/sharing/ways.hpp"
#include "nn/testing.hpp"

#include <limits>

using namespace espalier;
using testing::same_bits;

TEST_CASE("sluice with unit matrices and the last depth alone is separate networks, to the bit", "[mtl][sharing]") {
    const auto networks = ways::networks<float>(3, false);
    mtl::Separate separate{networks};
    const auto x = ways::input<float>(false);
    for (const bool mix_depths : {false, true}) {
        mtl::Sluice sluice{networks, {.after = {1, 3}, .own = 1, .mix_depths = mix_depths, .last = 1}};
        const auto a = sluice(x), b = separate(x);
        REQUIRE(a.size() == 3);
        for (std::size_t i = 0; i < a.size(); ++i)
            CHECK(same_bits(a[i].value(), b[i].value()));
        CHECK(sluice.named_parameters().contains("betas") == mix_depths);
    }
}

TEST_CASE("sluice with one subspace at one depth is cross-stitch", "[mtl][sharing]") {
    const auto networks = ways::networks<float>(2, true);
    mtl::Sluice sluice{networks, {.after = {2}, .subspaces = 1}};
    mtl::CrossStitch stitched{networks, {.after = {2}}};
    const auto x = ways::input<float>(true);
    CHECK(same_bits(sluice(x)[1].value(), stitched(x)[1].value()));
    mtl::MultiTaskNet net{std::move(sluice), {{"a", nn::Linear{4, 1}}, {"b", nn::Linear{4, 1}}}};
    CHECK_FALSE(net.penalty().requires_grad());
}

TEST_CASE("the penalty of a sluice is 0 where subspaces are made of other inputs", "[mtl][sharing]") {
    mtl::Sluice<double> sluice{{nn::Linear<double>{2, 4}}, {.orthogonality = 0.5}};
    auto weight = sluice.parameters()[0];
    mtl::MultiTaskNet<double> net{std::move(sluice), {{"a", nn::Linear<double>{4, 1}}}};
    weight.mutable_value() = Tensor<double>{{4, 2}, {1, 0, 2, 0, 0, 3, 0, 4}};
    CHECK(net.penalty().item() == 0);
    weight.mutable_value() = Tensor<double>{{4, 2}, {1, 0, 0, 0, 2, 0, 0, 3}};
    CHECK(net.penalty().item() == Approx(0.5 * 4));
    mtl::MultiTaskNet none{mtl::Sluice<>{{nn::Tanh{}}}, {{"a", nn::Linear{4, 1}}}};
    CHECK(none.penalty().item() == 0);
}

TEST_CASE("sluices that do not fit are refused", "[mtl][sharing]") {
    const auto networks = ways::networks<float>(2, false);
    CHECK_THROWS_WITH((mtl::Sluice<>{networks, {.subspaces = 0}}), "[Sluice] expected at least one subspace, got 0");
    CHECK_THROWS_WITH((mtl::Sluice<>{networks, {.own = std::numeric_limits<double>::quiet_NaN()}}),
                      "[Sluice] expected finite first weights, got nan and 0.9");
    CHECK_THROWS_WITH((mtl::Sluice<>{networks, {.orthogonality = -1}}), "[Sluice] expected a factor of at least 0, got -1");
    CHECK_THROWS_WITH((mtl::Sluice<>{networks, {.after = {4}}}), "[Sluice] expected ascending places after layers 1 to 3, got 4");
    mtl::Sluice<> thirds{networks, {.subspaces = 3}};
    CHECK_THROWS_WITH(thirds(ways::input<float>(false)),
                      "[Sluice] expected channels that 3 subspaces divide, got (3, 4) in column 0, in the exchange after layer 1");
    mtl::Sluice<> depths{ways::networks<float>(2, true), {.after = {1, 4}, .subspaces = 1}};
    CHECK_THROWS_WITH(depths(ways::input<float>(true)),
                      "[mix] expected terms of one shape, got (3, 6, 5, 3) and (3, 4) at 1, in the mixture of depths of column 0, in the "
                      "exchange after layer 4");
}
