// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/factorised_linear.hpp>

#include <espalier/mtl/sharing/separate.hpp>
#include <espalier/nn/linear.hpp>

#include "nn/testing.hpp"

#include <algorithm>

using namespace espalier;
using testing::normal;
using testing::same_bits;

TEST_CASE("as many layers as tasks, each taken by one, are separate layers", "[mtl][sharing]") {
    manual_seed(1);
    const auto layers = mtl::repeat(3, [] { return nn::Linear{4, 5}; });
    mtl::TaskConditioned factorised{mtl::FactorisedLinear{4, 5, 3, {.rank = 3}}, 3};
    auto parameters = factorised.named_parameters();
    auto core = parameters.at("core"), tasks = parameters.at("tasks"), bias = parameters.at("bias");
    tasks.mutable_value().fill(0);
    for (Index t = 0; t < 3; ++t) {
        const auto of_layer = layers[static_cast<std::size_t>(t)].state_dict();
        const auto &weight = of_layer.at("weight"), &shift = of_layer.at("bias");
        std::copy(weight.begin(), weight.end(), core.mutable_value().data() + t * weight.numel());
        std::copy(shift.begin(), shift.end(), bias.mutable_value().data() + t * shift.numel());
        tasks.mutable_value().at(t, t) = 1;
    }
    mtl::Separate<> separate{layers};
    const auto x = normal<float>({6, 4});
    const auto a = factorised(x), b = separate(x);
    for (std::size_t t = 0; t < 3; ++t)
        CHECK(same_bits(a[t].value(), b[t].value()));
}

TEST_CASE("tasks with the same factors are hard sharing, whatever is factorised", "[mtl][sharing]") {
    for (const Index in_rank : {0, 2})
        for (const Index out_rank : {0, 3}) {
            mtl::TaskConditioned factorised{mtl::FactorisedLinear{4, 5, 2, {.rank = 1, .in_rank = in_rank, .out_rank = out_rank}}, 2};
            auto parameters = factorised.named_parameters();
            parameters.at("tasks").mutable_value().fill(1);
            parameters.at("bias").mutable_value().fill(0.5F);
            const auto features = factorised(normal<float>({6, 4}));
            CHECK(features[0].shape() == Shape{6, 5});
            CHECK(same_bits(features[0].value(), features[1].value()));
            CHECK(factorised(Tensor<float>{Shape{0, 4}})[1].shape() == Shape{0, 5});
            CHECK(parameters.contains("in") == (in_rank > 0));
            CHECK(parameters.at("core").shape() == Shape{1, out_rank ? 3 : 5, in_rank ? 2 : 4});
        }
}

TEST_CASE("weights begin with the variance of a linear layer's", "[mtl][sharing]") {
    manual_seed(1);
    for (const Index in_rank : {0, 20})
        for (const Index out_rank : {0, 30}) {
            const std::size_t tasks = 40;
            mtl::TaskConditioned factorised{mtl::FactorisedLinear{40, 50, tasks, {.rank = 8, .in_rank = in_rank, .out_rank = out_rank}},
                                            tasks};
            double mean = 0;
            for (const auto& features : factorised(normal<float>({64, 40})))
                for (const float value : features.value())
                    mean += static_cast<double>(value) * static_cast<double>(value) / static_cast<double>(features.numel() * 40);
            CAPTURE(in_rank, out_rank);
            CHECK(mean == Approx(1 / 3.0).epsilon(0.25));
        }
}

TEST_CASE("layers that cannot be factorised so are refused", "[mtl][sharing]") {
    CHECK_THROWS_WITH((mtl::FactorisedLinear{4, 0, 2}),
                      "[FactorisedLinear] expected at least one feature in and out and one task, got 4, 0 and 2");
    CHECK_THROWS_WITH((mtl::FactorisedLinear{4, 5, 2, {.rank = 0, .in_rank = 1}}),
                      "[FactorisedLinear] expected a rank of at least 1, and for inputs and outputs one or 0, got 0, 1 and 0");
    mtl::FactorisedLinear<> layer{4, 5, 2};
    const auto x = normal<float>({6, 4});
    CHECK_THROWS_WITH(layer(x), "[FactorisedLinear] expected to be run for one of 2 tasks, by a TaskConditioned");
    mtl::TaskConditioned two{layer, 2};
    CHECK_THROWS_WITH(two(normal<float>({6, 3})), "[linear] expected 4 input features, got input (6, 3), in the trunk for task 0");
}
