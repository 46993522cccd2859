// SPDX-License-Identifier: MIT
/// @file The networks of tests/golden/make_pytorch_models.py, as one writes them here.
#pragma once

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/arithmetic.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn.hpp>

#include <vector>

namespace testing {

using namespace espalier;

/// x + tanh(linear(x)), written with operations of the tape and without a `Sequential`.
template <class T>
struct Residual : nn::Module<Residual<T>, T> {
    nn::Linear<T> inner;
    explicit Residual(Index width) : inner{width, width} {}
    Variable<T> operator()(const Variable<T>& x) { return x + autograd::tanh(inner(x)); }
    void visit(nn::Visitor<T>& v) { v("inner", inner); }
};

template <class T>
mtl::MultiTaskNet<T> rgb_net() {
    using Conv = nn::Conv2d<T>;
    using Norm = nn::BatchNorm<T>;
    using Linear = nn::Linear<T>;
    return {nn::Sequential<T>{Conv{3, 3, 3, {.padding = 1}}, Norm{3}, nn::ReLU{}, nn::MaxPool2d{2},
                              Conv{3, 6, 3, {.padding = 1, .groups = 3}}, nn::ReLU{},
                              Conv{6, 6, 3, {.padding = 1, .groups = 6, .bias = false}}, nn::Flatten{}, Norm{120}, Linear{120, 16},
                              nn::ReLU{}, nn::LayerNorm<T>{16}},
            {{"left", Linear{16, 4}}, {"right", nn::Sequential<T>{Linear{16, 8}, nn::Tanh{}, Linear{8, 1}}}}};
}

template <class T>
mtl::MultiTaskNet<T> flat_net() {
    using Linear = nn::Linear<T>;
    return {nn::Sequential<T>{nn::Conv2d<T>{3, 3, 3}, nn::ReLU{}, nn::MaxPool2d{2}},
            {{"a", nn::Sequential<T>{nn::Flatten{}, Residual<T>{36}, Linear{36, 36}}},
             {"b", nn::Sequential<T>{nn::Flatten{}, nn::LayerNorm<T>{36}, Linear{36, 2}}},
             {"c", nn::Sequential<T>{nn::GlobalAvgPool2d{}, nn::Identity{}, Linear{3, 3}}}}};
}

template <class T>
nn::Sequential<T> decoder_net() {
    return {nn::Linear<T>{5, 24},     nn::BatchNorm<T>{24}, nn::ReLU{},
            nn::Unflatten{{2, 3, 4}}, nn::Upsample{2},      nn::Conv2d<T>{4, 3, 3, {.padding = 1}}};
}

/// Of tests/golden/dense_layers.py.
template <class T>
nn::Sequential<T> upwards_net() {
    return {nn::Conv2d<T>{3, 4, 3, {.padding = 1}},
            nn::GroupNorm<T>{2, 4},
            nn::ReLU{},
            nn::ConvTranspose2d<T>{4, 6, 3, {.stride = 2, .padding = 1, .output_padding = 1, .groups = 2}},
            nn::InstanceNorm2d<T>{6, {.affine = true}},
            nn::AdaptiveMaxPool2d{{6, 5}},
            nn::ConvTranspose2d<T>{6, 2, 2, {.stride = 2, .bias = false}},
            nn::AdaptiveAvgPool2d{{2, 3}},
            nn::Flatten{},
            nn::Linear<T>{12, 5}};
}

template <class T>
struct Mixed : nn::Module<Mixed<T>, T> {
    nn::Conv2d<T> first{3, 3, 3, {.padding = 1}};
    nn::Parameter<T> position{Tensor<T>{Shape{1, 4, 5, 3}}};
    nn::Parameter<T> gain{Tensor<T>{Shape{60}}};
    nn::Linear<T> side{60, 60};
    nn::Linear<T> down{60, 7};
    nn::Linear<T> join{67, 60};
    nn::Parameter<T> project{Tensor<T>{Shape{60, 6}}};
    nn::Conv2d<T> last{3, 2, 3, {.padding = 1}};

    Named<Variable<T>> operator()(const Variable<T>& input) {
        const auto x = autograd::relu(first(input) + position.variable());
        auto row = autograd::flatten(x) * gain.variable();
        row = row + autograd::tanh(side(row));
        const auto joined = autograd::cat(std::vector<Variable<T>>{row, down.with_relu(row)}, 1);
        const auto image = autograd::reshape(join(joined), x.shape()) + x;
        return {{"row", autograd::matmul(row, project.variable())}, {"image", last(image)}};
    }
    void visit(nn::Visitor<T>& v) {
        v("first", first);
        v("position", position);
        v("gain", gain);
        v("side", side);
        v("down", down);
        v("join", join);
        v("project", project);
        v("last", last);
    }
};

inline const Shape rgb_sample{8, 10, 3};
inline const Shape decoder_sample{5};
inline const Shape mixed_sample{4, 5, 3};

}  // namespace testing
