// SPDX-License-Identifier: MIT
// Two tasks that share a trunk are really learned, by whole programs as users write them.
#include <espalier/data.hpp>
#include <espalier/losses.hpp>
#include <espalier/metrics.hpp>
#include <espalier/mtl.hpp>
#include <espalier/nn.hpp>
#include <espalier/optim.hpp>

#include "nn/testing.hpp"

#include <cmath>

using namespace espalier;

namespace {

/// Class 0 or 1 by the signs of two inputs, as in XOR: nothing linear tells them apart. The others are noise.
template <class T>
data::Dataset<T> signs(Index n, std::uint64_t seed) {
    Random random{seed};
    auto inputs = Tensor<T>::uniform({n, 4}, random, -1, 1);
    auto labels = Tensor<Index>::empty({n});
    for (Index i = 0; i < n; ++i)
        labels[i] = inputs[4 * i] * inputs[4 * i + 1] > 0;
    return {std::move(inputs), "sign", std::move(labels)};
}

/// The product of the same two inputs, for other samples.
template <class T>
data::Dataset<T> products(Index n, std::uint64_t seed) {
    Random random{seed};
    auto inputs = Tensor<T>::uniform({n, 4}, random, -1, 1);
    auto values = Tensor<T>::empty({n, 1});
    for (Index i = 0; i < n; ++i)
        values[i] = 3 * inputs[4 * i] * inputs[4 * i + 1];
    return {std::move(inputs), "product", std::move(values)};
}

/// 8 x 8 images with a bright bar, upright or lying; the second task is how bright it is.
template <class T>
data::Dataset<T> bars(Index n, std::uint64_t seed) {
    Random random{seed};
    auto images = Tensor<T>::uniform({n, 8, 8, 1}, random, T(-0.2), T(0.2));
    auto upright = Tensor<Index>::empty({n});
    auto brightness = Tensor<T>::empty({n, 1});
    for (Index i = 0; i < n; ++i) {
        upright[i] = random.below(2);
        brightness[i] = random.uniform<T>(T(0.5), T(1.5));
        const Index at = random.below(8);
        for (Index k = 0; k < 8; ++k)
            images.at(i, upright[i] ? k : at, upright[i] ? at : k, 0) += brightness[i];
    }
    return {std::move(images), {{"upright", std::move(upright)}, {"brightness", std::move(brightness)}}};
}

}  // namespace

TEMPLATE_TEST_CASE("two tasks on different samples learn what neither a line nor one task alone can", "[integration][learning]", float,
                   double) {
    using T = TestType;
    manual_seed(4);
    mtl::MultiTaskNet net{nn::Sequential{nn::Linear<T>{4, 32}, nn::Tanh{}, nn::Linear<T>{32, 16}, nn::ReLU{}},
                          {{"sign", nn::Linear<T>{16, 2}}, {"product", nn::Linear<T>{16, 1}}}};
    const mtl::MultiTaskLoss<T> criterion{{"sign", losses::CrossEntropy<T>{}}, {"product", losses::MSE<T>{}}};
    optim::SGD<T> sgd{net.parameters(), {.learning_rate = 0.05, .momentum = 0.9}};
    data::DataLoader loader{data::combine_samples(signs<T>(512, 1), products<T>(512, 2)), {.batch_size = 64}};
    double first = 0;
    double last = 0;
    for (int epoch = 0; epoch < 40; ++epoch) {
        last = 0;
        for (const auto& batch : loader) {
            const auto loss = criterion(net(batch.input), batch.targets);
            sgd.zero_grad();
            loss.backward();
            sgd.step();
            last += static_cast<double>(loss.item()) / static_cast<double>(loader.batches());
        }
        if (epoch == 0)
            first = last;
    }
    CAPTURE(first, last);
    CHECK(last < first / 8);

    const auto new_signs = signs<T>(400, 11);
    metrics::Accuracy<T> accuracy;
    accuracy.update(net.predict(new_signs.inputs()).at("sign"), new_signs.target("sign"));
    CHECK(accuracy.value() > 0.93);  // 0.5 by guessing, and by every linear model
    const auto new_products = products<T>(400, 12);
    metrics::RMSE<T> error;
    error.update(net.predict(new_products.inputs()).at("product"), new_products.target("product"));
    CHECK(error.value() < 0.3);  // 1 by always saying 0
}

TEMPLATE_TEST_CASE("a convolutional trunk learns two tasks on the same images", "[integration][learning]", float, double) {
    using T = TestType;
    manual_seed(6);
    nn::Sequential trunk{nn::Conv2d<T>{1, 8, 3, {.padding = 1}}, nn::BatchNorm<T>{8}, nn::ReLU{},           nn::MaxPool2d{2},
                         nn::Conv2d<T>{8, 8, 3, {.padding = 1}}, nn::ReLU{},          nn::GlobalAvgPool2d{}};
    mtl::MultiTaskNet net{std::move(trunk), {{"upright", nn::Linear<T>{8, 2}}, {"brightness", nn::Linear<T>{8, 1}}}};
    const mtl::MultiTaskLoss<T> criterion{{"upright", losses::CrossEntropy<T>{}}, {"brightness", losses::MSE<T>{}, 2}};
    optim::Adam<T> adam{net.parameters(), {.learning_rate = 0.01}};
    const auto parts = data::split(bars<T>(600, 5), {0.75, 0.25}, 3);
    data::DataLoader loader{parts[0], {.batch_size = 30}};
    for (int epoch = 0; epoch < 12; ++epoch)
        for (const auto& batch : loader) {
            const auto loss = criterion(net(batch.input), batch.targets);
            adam.zero_grad();
            loss.backward();
            adam.step();
        }
    const auto outputs = net.predict(parts[1].inputs());
    metrics::Accuracy<T> accuracy;
    accuracy.update(outputs.at("upright"), parts[1].target("upright"));
    CHECK(accuracy.value() > 0.95);
    metrics::RMSE<T> error;
    error.update(outputs.at("brightness"), parts[1].target("brightness"));
    CHECK(error.value() < 0.18);  // 0.29 by always saying the mean
}
