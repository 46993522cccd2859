// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/cross_stitch.hpp>
#include <espalier/nn/trunks/resnet.hpp>

#include "mtl/sharing/ways.hpp"
#include "nn/testing.hpp"

#include <limits>

using namespace espalier;
using testing::same_bits;

namespace {

/// The first `count` layers' outputs, by hand.
Tensor<float> run(nn::Layer<>& network, const Tensor<float>& x, std::size_t first, std::size_t last) {
    return network.get_if<nn::Sequential<>>()->run(x, first, last).value();
}

}  // namespace

TEST_CASE("cross-stitch with unit matrices is separate networks, to the bit", "[mtl][sharing]") {
    for (const bool image : {false, true}) {
        const auto networks = ways::networks<float>(3, image);
        mtl::CrossStitch stitched{networks, {.own = 1}};
        mtl::Separate separate{networks};
        const auto x = ways::input<float>(image);
        const auto a = stitched(x), b = separate(x);
        REQUIRE(a.size() == 3);
        for (std::size_t i = 0; i < a.size(); ++i)
            CHECK(same_bits(a[i].value(), b[i].value()));
    }
}

TEST_CASE("columns exchange where they are told to, by the weights of their units", "[mtl][sharing]") {
    auto networks = ways::networks<float>(2, false);
    mtl::CrossStitch stitched{networks, {.after = {2}, .own = 0.75}};
    const auto x = ways::input<float>(false);
    const auto a = run(networks[0], x, 0, 2), b = run(networks[1], x, 0, 2);
    const auto mixed = [](const Tensor<float>& own, const Tensor<float>& other) {
        Tensor<float> sum{own.shape()};
        for (Index i = 0; i < sum.numel(); ++i)
            sum[i] = 0.75F * own[i] + 0.25F * other[i];
        return sum;
    };
    const auto found = stitched(x);
    testing::require_close(found[0].value(), run(networks[0], mixed(a, b), 2, 3), 1e-6);
    testing::require_close(found[1].value(), run(networks[1], mixed(b, a), 2, 3), 1e-6);
    CHECK(stitched.named_parameters().at("units.0").value() == Tensor<float>{{2, 2}, {0.75F, 0.25F, 0.25F, 0.75F}});
}

TEST_CASE("trunks exchange after each of their stages", "[mtl][sharing]") {
    manual_seed(1);
    auto trunks = mtl::repeat(2, [] { return nn::trunks::resnet20(3); });
    mtl::CrossStitch stitched{trunks, {.own = 1}};
    mtl::Separate separate{trunks};
    CHECK(stitched.named_parameters().contains("units.3"));
    CHECK_FALSE(stitched.named_parameters().contains("units.4"));
    stitched.eval();
    separate.eval();
    const auto x = testing::normal<float>({2, 12, 16, 3});
    const auto a = stitched(x), b = separate(x);
    CHECK(a[1].shape() == Shape{2, 64});
    CHECK(same_bits(a[0].value(), b[0].value()));
    CHECK(same_bits(a[1].value(), b[1].value()));
}

TEST_CASE("a single column has nothing to exchange", "[mtl][sharing]") {
    const auto networks = ways::networks<float>(1, false);
    mtl::CrossStitch alone{networks};
    mtl::Separate separate{networks};
    const auto x = ways::input<float>(false);
    CHECK(same_bits(alone(x)[0].value(), separate(x)[0].value()));
}

TEST_CASE("columns that do not fit are refused", "[mtl][sharing]") {
    using Columns = std::vector<nn::Layer<>>;
    CHECK_THROWS_WITH(mtl::CrossStitch<>{Columns{}}, "[CrossStitch] expected a column for each task, got none");
    CHECK_THROWS_WITH((mtl::CrossStitch<>{Columns{nn::Sequential<>{}}}),
                      "[CrossStitch] expected columns of at least one layer, got none in column 0");
    CHECK_THROWS_WITH((mtl::CrossStitch<>{Columns{nn::Linear{3, 4}, ways::network<float>(false)}}),
                      "[CrossStitch] expected columns of as many layers, got 1 and 3 in column 1");
    const auto networks = ways::networks<float>(2, false);
    CHECK_THROWS_WITH((mtl::CrossStitch<>{networks, {.after = {4}}}), "[CrossStitch] expected ascending places after layers 1 to 3, got 4");
    CHECK_THROWS_WITH((mtl::CrossStitch<>{networks, {.after = {2, 2}}}),
                      "[CrossStitch] expected ascending places after layers 1 to 3, got 2");
    CHECK_THROWS_WITH((mtl::CrossStitch<>{networks, {.after = {0}}}), "[CrossStitch] expected ascending places after layers 1 to 3, got 0");
    CHECK_THROWS_WITH((mtl::CrossStitch<>{networks, {.own = std::numeric_limits<double>::quiet_NaN()}}),
                      "[CrossStitch] expected a finite first weight, got nan");

    mtl::CrossStitch<> wider{Columns{nn::Linear{3, 4}, nn::Linear{3, 5}}};
    CHECK_THROWS_WITH(wider(ways::input<float>(false)),
                      "[mix] expected terms of one shape, got (3, 4) and (3, 5) at 1, in the exchange after layer 1");
    CHECK_THROWS_WITH(mtl::CrossStitch<>{networks}(Tensor<float>{Shape{2, 9}}),
                      "[linear] expected 3 input features, got input (2, 9), in layer 0, in column 0");
}
