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
