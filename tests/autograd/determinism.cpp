// SPDX-License-Identifier: MIT
/// @file The same bits for 1, 2 and 4 threads, at shapes large enough to be cut into many chunks.
#include "catch.hpp"
#include "threads.hpp"

#include <espalier/autograd.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

using namespace espalier;
using V = Variable<float>;
using T = Tensor<float>;
using List = std::vector<V>;

namespace {

/// The value and the gradients of three cotangents, on so many threads.
std::vector<T> run(int threads, const std::function<V(const List&)>& f, const std::vector<T>& inputs) {
    const testing::Threads guard{threads};
    List leaves;
    for (const T& input : inputs)
        leaves.emplace_back(input, true);
    const V y = f(leaves);
    auto cotangents = T::empty(y.shape().prepended(3));
    for (Index i = 0; i < cotangents.numel(); ++i)
        cotangents[i] = static_cast<float>(i * 7919 % 1009) / 1009.0f - 0.4f;
    std::vector<T> result = autograd::vjp<float>(y, std::move(cotangents), leaves);
    result.push_back(y.value());
    return result;
}

}  // namespace

TEST_CASE("1, 2 and 4 threads give the same bits", "[threads]") {
    namespace ag = autograd;
    Random random{8};
    const auto normal = [&](const Shape& shape) { return T::normal(shape, random); };
    struct Case {
        std::string name;
        std::function<V(const List&)> f;
        std::vector<T> inputs;
    };
    const std::vector<Case> cases{
        {"conv2d",
         [](const List& v) { return ag::conv2d(v[0], v[1], v[2], {.padding = 1}); },
         {normal({11, 14, 13, 6}), normal({8, 3, 3, 6}), normal({8})}},
        {"conv2d, groups and strides",
         [](const List& v) {
             return ag::conv2d(v[0], v[1], {.stride = 2, .padding = {2, 1}, .dilation = {2, 1}, .groups = 2});
         },
         {normal({5, 20, 17, 4}), normal({6, 3, 3, 2})}},
        {"linear", [](const List& v) { return ag::linear(v[0], v[1], v[2]); }, {normal({300, 40}), normal({270, 40}), normal({270})}},
        {"matmul", [](const List& v) { return ag::matmul(v[0], v[1]); }, {normal({2, 260, 30}), normal({2, 30, 300})}},
        {"batch_norm",
         [](const List& v) {
             ag::RunningStatistics<float> running{T({3}), T::ones({3})};
             return ag::batch_norm(v[0], v[1], v[2], running, true);
         },
         {normal({40, 30, 20, 3}), normal({3}), normal({3})}},
        {"layer_norm", [](const List& v) { return ag::layer_norm(v[0], v[1], v[2]); }, {normal({3000, 16}), normal({16}), normal({16})}},
        {"softmax", [](const List& v) { return ag::softmax(v[0]); }, {normal({3000, 10})}},
        {"max_pool2d", [](const List& v) { return ag::max_pool2d(v[0], 3, {.stride = Pair{2}, .padding = 1}); }, {normal({9, 15, 15, 4})}},
        {"sum", [](const List& v) { return ag::sum(v[0]) + ag::mean(v[0]); }, {normal({100'000})}},
        {"sum over an axis", [](const List& v) { return ag::sum(v[0], 0) + ag::max(v[0], 0); }, {normal({3, 40'000})}},
        {"broadcasting", [](const List& v) { return v[0] * v[1] + v[2]; }, {normal({700, 50}), normal({50}), normal({700, 1})}},
        {"activations", [](const List& v) { return ag::gelu(v[0]) + ag::relu(v[0]); }, {normal({70'000})}},
        {"dropout",
         [](const List& v) {
             Random mask{3};
             return ag::dropout(v[0], 0.5, mask);
         },
         {normal({70'000})}},
        {"upsample",
         [](const List& v) {
             return ag::upsample_bilinear2d(v[0], {13, 11});
         },
         {normal({9, 7, 6, 3})}},
    };
    for (const Case& c : cases) {
        CAPTURE(c.name);
        const auto one = run(1, c.f, c.inputs);
        for (const int threads : {2, 4})
            for (int repeat = 0; repeat < 2; ++repeat)
                CHECK(run(threads, c.f, c.inputs) == one);
    }
}
