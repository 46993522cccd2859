// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/experts.hpp>

#include <espalier/mtl/describe.hpp>
#include <espalier/mtl/sharing/mmoe.hpp>

#include "nn/testing.hpp"

#include <utility>
#include <vector>

using namespace espalier;
using testing::flat_gradients;
using Layers = nn::Children<nn::Layer<double>>;

namespace {

struct LayersApart {
    bool before = std::exchange(nn::detail::layers_apart(), true);
    LayersApart() = default;
    LayersApart(const LayersApart&) = delete;
    LayersApart& operator=(const LayersApart&) = delete;
    ~LayersApart() { nn::detail::layers_apart() = before; }
};

/// Experts of 3 inputs of one kind, of different widths inside.
std::vector<Layers> kinds() {
    const auto bare = [](Index out) -> nn::Layer<double> { return nn::Linear<double>{3, out}; };
    const auto closed = [](Index hidden) -> nn::Layer<double> {
        return nn::Sequential<double>{nn::Linear<double>{3, hidden, {.bias = false}}, nn::ReLU{}, nn::Linear<double>{hidden, 2}};
    };
    const auto open = [](Index hidden) -> nn::Layer<double> {
        return nn::Sequential<double>{nn::Linear<double>{3, hidden}, nn::Tanh{}, nn::Linear<double>{hidden, 2}};
    };
    return {{bare(2), bare(1), bare(4)}, {closed(5), closed(3)}, {open(1), open(3), open(2)}, {bare(2), closed(4)}, {open(2)}};
}

}  // namespace

TEST_CASE("experts that begin together find what each finds alone", "[mtl][sharing][experts]") {
    manual_seed(1);
    Random random{2};
    const auto x = Tensor<double>::normal({7, 3}, random);
    std::vector<bool> together;
    for (Layers& experts : kinds()) {
        const auto gradients = [&] {
            for (auto& expert : experts)
                for (auto parameter : expert.parameters())
                    parameter.zero_grad();
            Variable<double> input{x, true};
            auto total = Variable<double>{Tensor<double>::scalar(0)};
            const auto found = mtl::detail::apply_experts(experts, input, "expert");
            for (std::size_t i = 0; i < found.size(); ++i)
                total = total + sum(found[i] * found[i]) * (1.0 + static_cast<double>(i));
            total.backward();
            std::vector<double> values{total.item()};
            for (auto& expert : experts) {
                const auto flat = flat_gradients(expert.parameters());
                values.insert(values.end(), flat.begin(), flat.end());
            }
            values.insert(values.end(), input.grad().begin(), input.grad().end());
            return values;
        };
        together.push_back(!mtl::detail::starts_together(experts, Variable<double>{x}).empty());
        const auto as_one = gradients();
        const LayersApart apart;
        CHECK(mtl::detail::starts_together(experts, Variable<double>{x}).empty());
        const auto alone = gradients();
        REQUIRE(as_one.size() == alone.size());
        for (std::size_t i = 0; i < alone.size(); ++i)
            CHECK(as_one[i] == Approx(alone[i]).epsilon(1e-12).margin(1e-14));
    }
    CHECK(together == std::vector<bool>{true, true, true, false, false});
}

TEST_CASE("experts that begin together say which of them refuses", "[mtl][sharing][experts]") {
    Layers experts{nn::Sequential<double>{nn::Linear<double>{3, 2}, nn::Linear<double>{2, 2}},
                   nn::Sequential<double>{nn::Linear<double>{3, 2}, nn::Linear<double>{5, 2}}};
    CHECK_THROWS_WITH(mtl::detail::apply_experts(experts, Variable<double>{Tensor<double>{Shape{4, 3}}}, "expert"),
                      "[linear] expected 5 input features, got input (4, 2), in layer 1, in expert 1");
    CHECK_THROWS_WITH(mtl::detail::apply_experts(experts, Variable<double>{Tensor<double>{Shape{4, 2}}}, "expert"),
                      "[linear] expected 3 input features, got input (4, 2), in layer 0, in expert 0");
    CHECK(mtl::detail::apply_experts(experts = {experts[0], experts[0]}, Variable<double>{Tensor<double>{Shape{0, 3}}}, "expert")[1]
              .shape() == Shape{0, 2});
}

TEST_CASE("a description tells experts apart that begin together", "[mtl][sharing][experts]") {
    const mtl::MMoE<> experts{mtl::repeat(2,
                                          [] {
                                              return nn::Linear{3, 4};
                                          }),
                              mtl::repeat(1, [] {
                                  return nn::Linear{3, 2, {.bias = false}};
                              })};
    const mtl::MultiTaskNet<> net{experts, {{"a", nn::Linear{4, 1}}}};
    const auto described = mtl::describe(net, {3}, {.depth = 3});
    Index of_experts = 0;
    for (const auto& part : described.parts)
        if (part.path.starts_with("trunk.experts")) {
            ++of_experts;
            CHECK(part.multiply_adds == 12);
        }
    CHECK(of_experts == 2);
}
