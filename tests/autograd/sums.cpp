// SPDX-License-Identifier: MIT
/// @file Sums of many terms in float, outside of products, against the same in double: a relative error of 1e-5 however many.
#include "catch.hpp"
#include "sanitized.hpp"

#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/conv2d.hpp>
#include <espalier/autograd/embedding.hpp>
#include <espalier/autograd/layer_norm.hpp>
#include <espalier/autograd/normalization.hpp>
#include <espalier/autograd/pooling.hpp>
#include <espalier/autograd/reduction.hpp>
#include <espalier/autograd/softmax.hpp>
#include <espalier/autograd/upsample.hpp>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

using namespace espalier;
namespace ag = espalier::autograd;

namespace {

/// The largest difference over the largest value, of results and of all gradients for a cotangent.
template <class F>
double error(const F& f, const std::vector<Tensor<float>>& inputs, const Tensor<float>& cotangent) {
    std::vector<Variable<float>> x;
    std::vector<Variable<double>> exact;
    for (const auto& input : inputs) {
        x.emplace_back(input, true);
        exact.emplace_back(input.cast<double>(), true);
    }
    const auto compare = [](const Tensor<float>& a, const Tensor<double>& b) {
        double worst = 0;
        double largest = 1e-30;
        for (Index i = 0; i < a.numel(); ++i) {
            worst = std::max(worst, std::abs(static_cast<double>(a[i]) - b[i]));
            largest = std::max(largest, std::abs(b[i]));
        }
        return worst / largest;
    };
    const auto y = f(x);
    const auto y_exact = f(exact);
    double worst = compare(y.value(), y_exact.value());
    const auto gradients = ag::vjp<float>(y, cotangent.reshape(y.shape().prepended(1)), x);
    const auto expected = ag::vjp<double>(y_exact, cotangent.cast<double>().reshape(y.shape().prepended(1)), exact);
    for (std::size_t i = 0; i < x.size(); ++i)
        worst = std::max(worst, compare(gradients[i], expected[i]));
    return worst;
}

Tensor<float> uniform(const Shape& shape, std::uint64_t seed = 1) {
    Random random{seed};
    return Tensor<float>::uniform(shape, random);
}

/// The same terms but for one, so that they do not cancel.
Tensor<float> nearly_equal(const Shape& shape) {
    auto result = Tensor<float>::full(shape, 0.1F);
    result[0] = 5;
    return result;
}

}  // namespace

TEST_CASE("softmax and its logarithm over very many classes", "[sums][long]") {
    for (const Index c : {50'000, testing::sanitized ? 90'000 : 1'000'000}) {
        CAPTURE(c);
        const auto softmax = [](const auto& v) { return ag::softmax(v[0]); };
        const auto log_softmax = [](const auto& v) { return ag::log_softmax(v[0]); };
        auto below = Tensor<float>::full({1, c}, -0.3F);  // all the same but for one above: terms that are no power of two
        below[c / 2] = 0;
        for (const auto& x : {Tensor<float>::full({1, c}, 3), uniform({1, c}), below}) {
            CHECK(error(softmax, {x}, nearly_equal({1, c})) < 1e-5);
            CHECK(error(softmax, {x}, uniform({1, c}, 2)) < 1e-5);
            CHECK(error(log_softmax, {x}, nearly_equal({1, c})) < 1e-5);
            CHECK(error(log_softmax, {x}, uniform({1, c}, 2)) < 1e-5);
        }
        const Tensor<float> equal{Shape{1, c}};
        CHECK(static_cast<double>(ag::log_softmax(Variable<float>{equal}).value()[7]) ==
              Approx(-std::log(static_cast<double>(c))).epsilon(1e-6));
    }
}

TEST_CASE("normalisation over very many columns and rows", "[sums]") {
    const Index n = 200'000;
    const auto layer_norm = [](const auto& v) { return ag::layer_norm(v[0], v[1], v[2]); };
    CHECK(error(layer_norm, {uniform({1, n}), uniform({n}, 2), uniform({n}, 3)}, uniform({1, n}, 4)) < 1e-5);
    CHECK(error(layer_norm, {uniform({1, n}), Tensor<float>::full({n}, 0.3F), uniform({n}, 3)}, nearly_equal({1, n})) < 1e-5);
    const auto batch_norm = []<class S>(const std::vector<Variable<S>>& v) {
        ag::RunningStatistics<S> running{Tensor<S>{Shape{2}}, Tensor<S>::ones({2})};
        return ag::batch_norm(v[0], v[1], v[2], running, true);
    };
    auto squares = uniform({n, 2});  // of the input: neither sum of the backward pass cancels
    for (float& value : squares)
        value *= value;
    CHECK(error(batch_norm, {uniform({n, 2}), uniform({2}, 2), uniform({2}, 3)}, squares) < 1e-5);
}

TEST_CASE("averages over large windows, and what very many windows add to a pixel", "[sums][long]") {
    const auto whole = [](const auto& v) { return ag::avg_pool2d(v[0], 250); };
    CHECK(error(whole, {Tensor<float>::full({1, 250, 250, 3}, 0.1F)}, uniform({3})) < 1e-5);
    CHECK(error(whole, {uniform({1, 250, 250, 3})}, uniform({3})) < 1e-5);
    constexpr Index n = testing::sanitized ? 20 : 100;
    const auto overlapping = [](const auto& v) {
        return ag::avg_pool2d(v[0], n, {.stride = 1, .padding = n / 2, .count_include_pad = false});
    };
    CHECK(error(overlapping, {Tensor<float>::full({1, n, n, 2}, 0.1F)}, Tensor<float>::full({(n + 1) * (n + 1) * 2}, 0.1F)) < 1e-5);
    const auto largest = [](const auto& v) { return ag::max_pool2d(v[0], 2 * n - 1, {.stride = 1, .padding = n - 1}); };
    Tensor<float> one{Shape{1, n, n, 1}};
    one[n / 2 * n + n / 2] = 1;  // wins every window
    CHECK(error(largest, {one}, Tensor<float>::full({n * n}, 0.1F)) < 1e-5);
    const auto global = [](const auto& v) { return ag::global_avg_pool2d(v[0]); };
    CHECK(error(global, {Tensor<float>::full({1, 300, 300, 1}, 0.1F)}, uniform({1})) < 1e-5);
}

TEST_CASE("what very many pixels and look-ups add to one", "[sums]") {
    const auto up = [](const auto& v) { return ag::upsample_bilinear2d(v[0], 400); };
    const auto nearest = [](const auto& v) { return ag::upsample_nearest2d(v[0], 400); };
    CHECK(error(up, {uniform({1, 2, 2, 1})}, Tensor<float>::full({160'000}, 0.1F)) < 1e-5);
    CHECK(error(nearest, {uniform({1, 1, 1, 1})}, Tensor<float>::full({160'000}, 0.1F)) < 1e-5);
    const auto same_word = [](const auto& v) { return ag::embedding(v[0], Tensor<Index>::full({100'000}, 1)); };
    CHECK(error(same_word, {uniform({3, 2})}, Tensor<float>::full({200'000}, 0.1F)) < 1e-5);
    const auto rows = [](const auto& v) { return ag::sum(v[0], 0); };
    const auto all = [](const auto& v) { return ag::mean(v[0]); };
    CHECK(error(rows, {Tensor<float>::full({100'000, 2}, 0.1F)}, uniform({2})) < 1e-5);
    CHECK(error(all, {Tensor<float>::full({100'000, 2}, 0.1F)}, uniform({1})) < 1e-5);
    const auto broadcast = [](const auto& v) { return v[0] + v[1]; };
    CHECK(error(broadcast, {uniform({100'000, 2}), uniform({2})}, Tensor<float>::full({200'000}, 0.1F)) < 1e-5);
    CHECK(error(broadcast, {uniform({2, 100'000}), uniform({2, 1})}, Tensor<float>::full({200'000}, 0.1F)) < 1e-5);
}

TEST_CASE("gradients of a bias are sums over very many pixels", "[sums][long]") {
    const Index side = testing::sanitized ? 40 : 120;
    for (const auto& [channels, images] : {std::pair<Index, Index>{1, 16}, {20, 8}, {80, 4}}) {
        CAPTURE(channels);
        Tensor<float> image{Shape{images, side, side, channels}};  // of zeros: the weights' gradients are products, and not the matter here
        const auto ones = Tensor<float>::full({image.numel()}, 0.1F);
        const auto depthwise = [groups = channels](const auto& v) {
            return ag::conv2d(v[0], v[1], v[2], {.padding = 1, .groups = groups});
        };
        CHECK(error(depthwise, {image, uniform({channels, 3, 3, 1}), uniform({channels})}, ones) < 1e-5);
    }
    const auto few = [](const auto& v) { return ag::conv2d(v[0], v[1], v[2]); };
    CHECK(error(few, {Tensor<float>{Shape{40, 60, 60, 1}}, uniform({3, 1, 1, 1}), uniform({3})},
                Tensor<float>::full({40 * 3600 * 3}, 0.1F)) < 1e-5);
}
