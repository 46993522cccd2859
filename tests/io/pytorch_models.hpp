// SPDX-License-Identifier: MIT
/// @file The networks of tests/golden/make_pytorch_models.py, as one writes them here.
#pragma once

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/arithmetic.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn.hpp>

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
    return {nn::Linear<T>{5, 24}, nn::BatchNorm<T>{24}, nn::ReLU{}, nn::Unflatten{{2, 3, 4}}, nn::Upsample{2},
            nn::Conv2d<T>{4, 3, 3, {.padding = 1}}};
}

inline const Shape rgb_sample{8, 10, 3};
inline const Shape decoder_sample{5};

}  // namespace testing
