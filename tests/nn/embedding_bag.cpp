// SPDX-License-Identifier: MIT
#include <espalier/nn/embedding_bag.hpp>

#include <espalier/data/loader.hpp>
#include <espalier/losses/mse.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/mtl/sharing/mmoe.hpp>
#include <espalier/optim/sgd.hpp>

#include "nn/testing.hpp"
#include "threads.hpp"

#include <string>
#include <vector>

using namespace espalier;
using testing::flat_values;
using testing::same_bits;

TEMPLATE_TEST_CASE("a bag is the mean or the sum of what its elements stand for", "[nn][embedding_bag]", float, double) {
    using T = TestType;
    const Tensor<T> table{{3, 2}, {1, 2, 3, 4, 5, 6}};
    const data::Sequences bags{{0, 2}, {}, {1}, {2, 2, 0}};
    nn::EmbeddingBag<T> mean{table}, total{table, {.mode = nn::BagMode::sum}};
    CHECK(mean.width() == 2);
    CHECK(total.entries() == 3);
    CHECK(total(bags).value() == Tensor<T>{{4, 2}, {6, 8, 0, 0, 3, 4, 11, 14}});
    CHECK(mean(bags).value() == Tensor<T>{{4, 2}, {3, 4, 0, 0, 3, 4, T(11) / 3, T(14) / 3}});
    CHECK(mean(Tensor<Index>{{2, 2}, {0, 2, 1, 1}}).value() == Tensor<T>{{2, 2}, {3, 4, 3, 4}});
    CHECK(mean(data::Sequences{}).shape() == Shape{0, 2});
    sum(mean(bags)).backward();
    const auto weight = mean.parameters()[0];
    const auto gradient = weight.grad();
    CHECK(gradient.at(0, 0) == Approx(1.0 / 2 + 1.0 / 3));
    CHECK(gradient.at(1, 1) == Approx(1));
    CHECK(gradient.at(2, 0) == Approx(1.0 / 2 + 2.0 / 3));
    CHECK(mean.named_parameters().names() == "'weight'");
}

TEST_CASE("what is no bag, or not in the table, is refused", "[nn][embedding_bag]") {
    nn::EmbeddingBag bag{3, 2};
    CHECK_THROWS_WITH(bag(data::Sequences{{0, 3}}), "[embedding] expected indices in [0, 3), got 3");
    CHECK_THROWS_WITH(bag(Tensor<Index>{{2}, {0, 1}}), "[embedding_bag] expected indices (N, L) or sequences, got indices (2,)");
    CHECK_THROWS_AS((nn::EmbeddingBag{0, 2}), ValueError);
    nn::Encoder<> encoder = nn::From{"words", bag};
    CHECK_THROWS_WITH(encoder({{"words", data::Sequences{{7}}}}), "[embedding] expected indices in [0, 3), got 7, in input 'words'");
    CHECK_THROWS_WITH(encoder({{"words", Tensor<float>{Shape{2}}}}),
                      "[inputs] expected indices in input 'words', got numbers of shape (2,)");
    nn::Encoder<> sequences = nn::From{"words", [](const data::Sequences& s) { return Variable<>{s.lengths().cast<float>()}; }};
    CHECK(sequences({{"words", data::Sequences{{1, 2}, {}}}}).value() == Tensor<float>{{2}, {2, 0}});
    CHECK_THROWS_WITH(sequences({{"words", Tensor<Index>{Shape{2}}}}),
                      "[inputs] expected sequences in input 'words', got indices of shape (2,)");
}

TEST_CASE("sequences of different lengths reach experts through a loader, with the same bits for any number of threads",
          "[nn][embedding_bag]") {
    std::vector<std::vector<Index>> words;
    Random random{3};
    for (int i = 0; i < 70; ++i) {
        words.emplace_back(static_cast<std::size_t>(random.below(6)));
        for (Index& word : words.back())
            word = random.below(20);
    }
    const data::Dataset<> texts{data::Inputs<>{{"words", data::Sequences{words}}},
                                {{"a", Tensor<float>::normal({70, 1}, random)}, {"b", Tensor<float>::normal({70, 2}, random)}}};
    std::vector<Tensor<float>> ends, predictions;
    for (const int threads : {1, 2, 4}) {
        const testing::Threads guard{threads};
        manual_seed(1);
        mtl::MMoE<> experts{mtl::repeat(3,
                                        [] {
                                            return nn::Sequential{nn::Linear{5, 4}, nn::ReLU{}};
                                        }),
                            mtl::repeat(2, [] {
                                return nn::Linear{5, 3, {.bias = false}};
                            })};
        mtl::MultiTaskNet<> net{
            nn::From{"words", nn::EmbeddingBag{20, 5}}, std::move(experts), {{"a", nn::Linear{4, 1}}, {"b", nn::Linear{4, 2}}}};
        mtl::MultiTaskLoss<> criterion{{"a", losses::MSE{}}, {"b", losses::MSE{}}};
        optim::SGD<> sgd{net.parameters(), {.learning_rate = 0.1}};
        data::DataLoader loader{texts, {.batch_size = 16, .seed = 2}};
        for (const auto& batch : loader) {
            const auto loss = criterion(net(batch.inputs), batch.targets);
            sgd.zero_grad();
            loss.backward();
            sgd.step();
        }
        ends.push_back(flat_values(net));
        predictions.push_back(net.predict(texts.named_inputs(), 33).at("b"));
    }
    CHECK(predictions[0].shape() == Shape{70, 2});
    for (const std::size_t i : {1U, 2U}) {
        CHECK(same_bits(ends[0], ends[i]));
        CHECK(same_bits(predictions[0], predictions[i]));
    }
}

TEST_CASE("a sparse bag gives its table a gradient of listed rows", "[nn][embedding_bag][sparse]") {
    const Tensor<double> table{{4, 1}, {1, 2, 3, 4}};
    const data::Sequences bags{{3, 0, 3}, {}, {0}};
    const auto gradient = [&](bool sparse) {
        nn::EmbeddingBag<double> bag{table, {.mode = nn::BagMode::sum, .sparse = sparse}};
        sum(bag(bags)).backward();
        CHECK(bag.parameters()[0].has_sparse_grad() == sparse);
        return bag.parameters()[0].grad();
    };
    CHECK(gradient(true) == Tensor<double>{{4, 1}, {2, 0, 0, 2}});
    CHECK(gradient(true) == gradient(false));
}
