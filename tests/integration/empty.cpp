// SPDX-License-Identifier: MIT
// An empty batch, as a filter or the end of a stream gives it: every layer and loss takes it, and its gradients are 0.
#include <espalier/losses.hpp>
#include <espalier/mtl.hpp>
#include <espalier/nn.hpp>

#include "nn/testing.hpp"

using namespace espalier;

namespace {

template <class S>
bool all_zero(const Tensor<S>& x) {
    return std::all_of(x.begin(), x.end(), [](S v) { return v == 0; });
}

/// `layer` of an empty batch of samples of this shape, for one task and for three.
template <class S>
void check(nn::Layer<S> layer, const Shape& sample, const Shape& expected) {
    const Variable<S> x{Tensor<S>{sample.prepended(0)}, true};
    const Variable<S> y = layer(x);
    CHECK(y.shape() == expected.prepended(0));
    std::vector<Variable<S>> leaves{x};
    for (const auto& parameter : layer.parameters())
        leaves.push_back(parameter);
    for (const Index tasks : {1, 3})
        for (const auto& gradient : autograd::vjp<S>(y, Tensor<S>{y.shape().prepended(tasks)}, leaves, true))
            CHECK(all_zero(gradient));
    const auto before = layer.state_dict();
    autograd::sum(y).backward();
    for (const auto& leaf : leaves)
        CHECK((leaf.has_grad() && leaf.grad().shape() == leaf.shape() && all_zero(leaf.grad())));
    CHECK(testing::same_bits(layer.state_dict(), before));  // running statistics as well
}

}  // namespace

TEMPLATE_TEST_CASE("every layer takes an empty batch", "[integration][empty]", float, double) {
    using S = TestType;
    manual_seed(1);
    check<S>(nn::Linear<S>{3, 4}, {3}, {4});
    check<S>(nn::Linear<S>{300, 200, {.bias = false}}, {300}, {200});
    check<S>(nn::Linear<S>{3, 4}, {5, 3}, {5, 4});
    check<S>(nn::Conv2d<S>{3, 4, 3, {.padding = 1}}, {8, 9, 3}, {8, 9, 4});
    check<S>(nn::Conv2d<S>{4, 4, 3, {.stride = 2, .groups = 4}}, {8, 9, 4}, {3, 4, 4});
    check<S>(nn::Conv2d<S>{64, 48, 1}, {7, 7, 64}, {7, 7, 48});
    check<S>(nn::BatchNorm<S>{3}, {3}, {3});
    check<S>(nn::BatchNorm<S>{3}, {8, 9, 3}, {8, 9, 3});
    check<S>(nn::LayerNorm<S>{3}, {5, 3}, {5, 3});
    check<S>(nn::MaxPool2d{2}, {8, 9, 3}, {4, 4, 3});
    check<S>(nn::MaxPool2d{3, {.padding = 1, .ceil_mode = true}}, {8, 9, 3}, {3, 4, 3});
    check<S>(nn::AvgPool2d{2}, {8, 9, 3}, {4, 4, 3});
    check<S>(nn::AvgPool2d{3, {.padding = 1, .ceil_mode = true, .count_include_pad = false}}, {8, 9, 3}, {3, 4, 3});
    check<S>(nn::AvgPool2d{20}, {20, 20, 3}, {1, 1, 3});
    check<S>(nn::GlobalAvgPool2d{}, {8, 9, 3}, {3});
    check<S>(nn::Upsample{2}, {3, 4, 2}, {6, 8, 2});
    check<S>(nn::Upsample{2, {.mode = nn::Interpolation::bilinear}}, {3, 4, 2}, {6, 8, 2});
    check<S>(nn::Flatten{}, {3, 4, 2}, {24});
    check<S>(nn::Unflatten{{2, 3}}, {6}, {2, 3});
    check<S>(nn::Dropout{0.3}, {6}, {6});
    check<S>(nn::Identity{}, {6}, {6});
    check<S>(nn::ReLU{}, {6}, {6});
    check<S>(nn::ReLU6{}, {6}, {6});
    check<S>(nn::LeakyReLU{}, {6}, {6});
    check<S>(nn::Sigmoid{}, {6}, {6});
    check<S>(nn::Tanh{}, {6}, {6});
    check<S>(nn::GELU{}, {6}, {6});
    check<S>(nn::Softmax{}, {6}, {6});
    check<S>(nn::LogSoftmax{}, {6}, {6});
    const nn::Embedding<S> embedding{5, 3};
    CHECK(embedding(Tensor<Index>{Shape{0, 2}}).shape() == Shape{0, 2, 3});
    check<S>(nn::Sequential<S>{nn::Conv2d<S>{1, 4, 3}, nn::ReLU{}, nn::MaxPool2d{2}, nn::Conv2d<S>{4, 4, 3, {.groups = 4}}, nn::ReLU{},
                               nn::MaxPool2d{2}, nn::BatchNorm<S>{4}, nn::Flatten{}, nn::Linear<S>{16, 8}, nn::ReLU{}, nn::Linear<S>{8, 2}},
             {14, 14, 1}, {2});
}

TEST_CASE("a step of an empty batch has a loss of 0 and no gradient but 0", "[integration][empty]") {
    manual_seed(1);
    mtl::MultiTaskNet net{nn::Sequential{nn::Linear{3, 8}, nn::ReLU{}}, {{"a", nn::Linear{8, 3}}, {"b", nn::Linear{8, 1}}}};
    mtl::MultiTaskLoss criterion{{"a", losses::CrossEntropy{}}, {"b", losses::MSE{}}};
    const losses::Targets<float> targets{{"a", Tensor<Index>{Shape{0}}}, {"b", Tensor<float>{Shape{0, 1}}}};
    const auto loss = criterion(net(Tensor<float>{Shape{0, 3}}), targets);
    CHECK(loss.total().item() == 0);
    for (const auto& parameter : net.parameters())
        CHECK((!parameter.has_grad() || all_zero(parameter.grad())));
}
