// SPDX-License-Identifier: MIT
// The same seed gives the same bits in every weight, for any number of threads and whether batches are made ahead or not.
#include <espalier/core/threads.hpp>
#include <espalier/data.hpp>
#include <espalier/losses.hpp>
#include <espalier/mtl.hpp>
#include <espalier/nn.hpp>
#include <espalier/optim.hpp>

#include "nn/testing.hpp"
#include "threads.hpp"

using namespace espalier;
using testing::normal;
using testing::same_bits;

namespace {

struct Recipe {
    int threads = 1;
    Index prefetch = 2;
    std::uint64_t seed = 1;
};

/// 80 images of 16 x 16 with three labels, one of them not everywhere.
template <class T>
data::Dataset<T> images() {
    auto pixels = normal<T>({80, 16, 16, 1}, 3);
    auto left = Tensor<Index>::empty({80});
    auto right = Tensor<Index>::empty({80});
    auto size = Tensor<T>::empty({80, 1});
    auto known = Tensor<bool>::empty({80});
    for (Index i = 0; i < 80; ++i) {
        left[i] = i % 5;
        right[i] = i % 3;
        size[i] = pixels[i];
        known[i] = i % 4 != 1;
    }
    return {std::move(pixels), {{"left", left}, {"right", {right, known}}, {"size", size}}};
}

/// Everything that has a state or draws random numbers: two epochs of it, and the weights at the end.
template <class T>
Named<Tensor<T>> train(const Recipe& recipe) {
    const testing::Threads threads{recipe.threads};
    manual_seed(recipe.seed);
    nn::Sequential trunk{nn::Conv2d<T>{1, 12, 3, {.padding = 1}},
                         nn::BatchNorm<T>{12},
                         nn::ReLU{},
                         nn::MaxPool2d{2},
                         nn::Conv2d<T>{12, 16, 3, {.padding = 1}},
                         nn::BatchNorm<T>{16},
                         nn::ReLU{},
                         nn::AvgPool2d{2},
                         nn::Flatten{},
                         nn::Linear<T>{16 * 16, 64},
                         nn::LayerNorm<T>{64},
                         nn::GELU{},
                         nn::Dropout{0.3}};
    mtl::MultiTaskNet net{std::move(trunk),
                          {{"left", nn::Linear<T>{64, 5}}, {"right", nn::Linear<T>{64, 3}}, {"size", nn::Linear<T>{64, 1}}}};
    const mtl::MultiTaskLoss<T> criterion{
        {"left", losses::CrossEntropy<T>{}}, {"right", losses::CrossEntropy<T>{}, 0.5}, {"size", losses::MSE<T>{}}};
    optim::SGD<T> sgd{net.parameters(), {.learning_rate = 0.05, .momentum = 0.9, .weight_decay = 1e-4}};
    const auto flip = [](data::Batch<T>& batch, Random& random) {
        for (T& pixel : batch.input)
            pixel += random.uniform<T>(T(-0.1), T(0.1));
    };
    data::DataLoader loader{images<T>(), {.batch_size = 32, .seed = recipe.seed, .prefetch = recipe.prefetch, .transform = flip}};
    for (int epoch = 0; epoch < 2; ++epoch)
        for (const auto& batch : loader) {
            const auto loss = criterion(net(batch.input), batch.targets);
            sgd.zero_grad();
            loss.backward();
            sgd.step();
        }
    return net.state_dict();
}

/// The same of inputs by name: the images, a number and a category of each.
Named<Tensor<float>> train_by_name(const Recipe& recipe) {
    const testing::Threads threads{recipe.threads};
    manual_seed(recipe.seed);
    const auto of_images = images<float>();
    auto towns = Tensor<Index>::empty({80});
    for (Index i = 0; i < 80; ++i)
        towns[i] = i % 9 - 1;
    const data::Dataset set{data::Inputs<>{{"image", of_images.inputs()}, {"price", normal<float>({80}, 5)}, {"town", towns}},
                            of_images.targets()};
    nn::Table table{{.numbers = {{"price"}}, .categories = {{"town", 8}}}, set.named_inputs()};
    const Index width = table.width() + 64 * 7 * 7;
    nn::Sequential look{nn::Conv2d{1, 64, 3}, nn::BatchNorm{64}, nn::ReLU{}, nn::MaxPool2d{2}, nn::Flatten{}};
    mtl::MultiTaskNet net{nn::Concatenated{nn::From{"image", std::move(look)}, std::move(table)},
                          nn::Sequential{nn::Linear{width, 64}, nn::ReLU{}},
                          {{"left", nn::Linear{64, 5}}, {"right", nn::Linear{64, 3}}, {"size", nn::Linear{64, 1}}}};
    const mtl::MultiTaskLoss<> criterion{{"left", losses::CrossEntropy{}}, {"right", losses::CrossEntropy{}}, {"size", losses::MSE{}}};
    optim::SGD sgd{net.parameters(), {.learning_rate = 0.01, .momentum = 0.9}};
    data::DataLoader loader{
        set, {.batch_size = 32, .seed = recipe.seed, .prefetch = recipe.prefetch, .transform = data::random_shift(1, {.input = "image"})}};
    for (const auto& batch : loader) {
        const auto loss = criterion(net(batch.inputs), batch.targets);
        sgd.zero_grad();
        loss.backward();
        sgd.step();
    }
    return net.state_dict();
}

}  // namespace

TEST_CASE("the same bits of inputs by name for any number of threads", "[integration][determinism]") {
    const auto one = train_by_name({.threads = 1});
    for (const int threads : {2, 4})
        CHECK(same_bits(train_by_name({.threads = threads}), one));
    CHECK(same_bits(train_by_name({.threads = 2, .prefetch = 0}), one));
    CHECK_FALSE(same_bits(train_by_name({.seed = 2}), one));
}

TEMPLATE_TEST_CASE("the same bits in every weight for any number of threads", "[integration][determinism]", float, double) {
    using T = TestType;
    const auto one = train<T>({.threads = 1});
    CHECK(same_bits(train<T>({.threads = 1}), one));
    CHECK(same_bits(train<T>({.threads = 2}), one));
    for (const int threads : {3, 4, 7})
        CHECK(same_bits(train<T>({.threads = threads}), one));
    CHECK(same_bits(train<T>({.threads = 4, .prefetch = 0}), one));
    CHECK_FALSE(same_bits(train<T>({.threads = 2, .seed = 2}), one));
    for (const auto& [name, tensor] : one)
        for (const T value : tensor)
            REQUIRE(std::isfinite(value));
}
