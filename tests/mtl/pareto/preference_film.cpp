// SPDX-License-Identifier: MIT
#include <espalier/mtl/pareto/preference_film.hpp>

#include <espalier/nn/conv2d.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/reshape.hpp>

#include "nn/testing.hpp"

#include <string>
#include <vector>

using namespace espalier;
using mtl::PreferenceFiLM;
using mtl::with_preference;
using testing::normal;
using testing::same_bits;

namespace {

nn::Sequential<> convolutions() { return {nn::Conv2d{1, 3, 3}, nn::BatchNorm{3}, nn::ReLU{}, nn::Flatten{}, nn::Linear{27, 4}}; }

}  // namespace

TEST_CASE("a trunk with FiLM begins as the trunk for every preference, and learns to tell them apart", "[mtl][pareto]") {
    manual_seed(1);
    nn::Sequential<> trunk = convolutions();
    PreferenceFiLM<> film{trunk, 2, {.after = {2, 3}, .channels = {3, 3}}};
    CHECK(testing::names(film.named_parameters()) ==
          std::vector<std::string>{"trunk.0.weight", "trunk.0.bias", "trunk.1.weight", "trunk.1.bias", "trunk.4.weight", "trunk.4.bias",
                                   "scales.0.weight", "scales.1.weight", "shifts.0.weight", "shifts.1.weight"});
    const auto images = normal<float>({4, 5, 5, 1});
    const std::vector<double> first{0.2, 0.8}, second{1, 0};
    trunk.eval();
    film.eval();
    CHECK(same_bits(film(with_preference(images, first)).value(), trunk(images).value()));
    CHECK(same_bits(film(with_preference(images, second)).value(), trunk(images).value()));
    for (const char* const name : {"scales.0.weight", "shifts.1.weight"}) {
        auto parameter = film.named_parameters().at(name);
        parameter.mutable_value()[0] = 0.5F;  // of the first task in the first channel
        const auto of_first = film(with_preference(images, first)).value(), of_second = film(with_preference(images, second)).value();
        CHECK_FALSE(same_bits(of_first, of_second));
        // Both at once, each for half of the samples.
        const Tensor<double> each{{4, 2}, {0.2, 0.8, 0.2, 0.8, 1, 0, 1, 0}};
        const auto of_each = film(with_preference(images, each)).value();
        testing::require_close(of_each.slice(0, 2), of_first.slice(0, 2), 1e-6);
        testing::require_close(of_each.slice(2, 4), of_second.slice(2, 4), 1e-6);
        parameter.mutable_value()[0] = 0;
    }
}

TEST_CASE("FiLM's places and channels are checked", "[mtl][pareto]") {
    using Films = PreferenceFiLM<>;
    CHECK_THROWS_WITH((Films{convolutions(), 0, {.after = {1}, .channels = {3}}}),
                      "[PreferenceFiLM] expected a preference of at least one task, got 0");
    CHECK_THROWS_WITH((Films{convolutions(), 2, {}}), "[PreferenceFiLM] expected ascending places after layers 1 to 5, got none");
    CHECK_THROWS_WITH((Films{convolutions(), 2, {.after = {1, 1}, .channels = {3, 3}}}),
                      "[PreferenceFiLM] expected ascending places after layers 1 to 5, got 2 from 1 to 1");
    CHECK_THROWS_AS((Films{convolutions(), 2, {.after = {0}, .channels = {3}}}), ValueError);
    CHECK_THROWS_AS((Films{convolutions(), 2, {.after = {6}, .channels = {3}}}), ValueError);
    CHECK_THROWS_WITH((Films{convolutions(), 2, {.after = {1, 3}, .channels = {3}}}),
                      "[PreferenceFiLM] expected the channels at 2 places, got 1");
    Films film{convolutions(), 2, {.after = {2}, .channels = {4}}};
    const auto before = film.state_dict();
    CHECK_THROWS_WITH(film(normal<float>({2, 5, 5, 3})),
                      "[film] expected scale and shift (2, 3) of input (2, 3, 3, 3), got (2, 4) and (2, 4), in the place after layer 2");
    CHECK(same_bits(film.state_dict(), before));  // the running statistics are as they were
    CHECK_THROWS_WITH(film(normal<float>({2, 2})),
                      "[PreferenceFiLM] expected an input (N, ..., C) with a preference of 2 tasks behind its "
                      "channels, got shape (2, 2)");
}
