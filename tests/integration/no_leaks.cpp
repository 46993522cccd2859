// SPDX-License-Identifier: MIT
// Training does not eat memory. The pool is the only one who asks for aligned memory, so that is counted.
#include <espalier/core/threads.hpp>
#include <espalier/data.hpp>
#include <espalier/losses.hpp>
#include <espalier/mtl.hpp>
#include <espalier/nn.hpp>
#include <espalier/optim.hpp>

#include "integration/operator_new.hpp"
#include "nn/testing.hpp"
#include "threads.hpp"

#include <memory>

using namespace espalier;
using testing::aligned_living;
using testing::aligned_taken;
using testing::normal;

namespace {

mtl::MultiTaskNet<float> small() {
    manual_seed(1);
    nn::Sequential trunk{nn::Conv2d{1, 4, 3}, nn::BatchNorm{4}, nn::ReLU{},       nn::MaxPool2d{2},
                         nn::Flatten{},       nn::Dropout{0.2}, nn::Linear{36, 8}};
    return {std::move(trunk), {{"class", nn::Linear{8, 3}}, {"size", nn::Linear{8, 1}}}};
}

const mtl::MultiTaskLoss<float>& criterion() {
    static const mtl::MultiTaskLoss<float> loss{{"class", losses::CrossEntropy{}}, {"size", losses::MSE{}}};
    return loss;
}

data::Dataset<float> set(Index n) {
    return {normal<float>({n, 8, 8, 1}), {{"class", Tensor<Index>{Shape{n}}}, {"size", normal<float>({n, 1}, 2)}}};
}

}  // namespace

TEST_CASE("two hundred steps take no more memory than twenty, and all of it comes back", "[integration][memory]") {
    const testing::Threads guard{1};
    (void)criterion();
    trim_memory();
    const long at_start = aligned_living;
    {
        auto net = small();
        optim::SGD sgd{net.parameters(), {.learning_rate = 0.01, .momentum = 0.9}};
        data::DataLoader loader{set(32), {.batch_size = 8, .prefetch = 0}};
        const auto epochs = [&](int count) {
            for (int epoch = 0; epoch < count; ++epoch)
                for (const auto& batch : loader) {
                    const auto loss = criterion()(net(batch.input), batch.targets);
                    sgd.zero_grad();
                    loss.backward();
                    sgd.step();
                }
        };
        epochs(5);
        const long live_after_twenty = aligned_living;
        [[maybe_unused]] const long taken_after_twenty = aligned_taken;  // the pool is off under the address sanitizer
        epochs(50);
        CHECK(aligned_living <= live_after_twenty);
#if ESPALIER_POOL_MEMORY
        CHECK(aligned_taken == taken_after_twenty);  // everything in a step is made of blocks of earlier steps
#endif
        (void)net.predict(set(32).inputs(), 8);
    }
    trim_memory();
    CHECK(aligned_living == at_start);
}

TEST_CASE("what a step throws away is gone", "[integration][memory]") {
    const testing::Threads guard{1};  // a worker that comes late to a loop keeps the block that the loop lives in
    trim_memory();
    auto net = small();
    const auto batch = set(8);
    std::weak_ptr<autograd::detail::Node<float>> node;
    {
        const auto outputs = net(batch.inputs());  // a forward pass that nobody runs backward
        node = outputs.at("class").node();
        CHECK_FALSE(node.expired());
    }
    CHECK(node.expired());
    const losses::Targets<float> wrong{{"class", Tensor<Index>::full({8}, 3)}, {"size", batch.target("size")}};
    trim_memory();
    const long before = aligned_living;
    for (int i = 0; i < 20; ++i) {
        CHECK_THROWS_AS(criterion()(net(batch.inputs()), wrong), ValueError);
        CHECK_THROWS_AS(net(Tensor<float>{Shape{2, 8, 8, 2}}), ShapeError);
    }
    trim_memory();
    CHECK(aligned_living == before);
    {
        auto copy = net;
        const auto loss = criterion()(copy(batch.inputs()), batch.targets());
        loss.backward();
        const std::vector<Variable<float>> parts{criterion()(copy(batch.inputs()), batch.targets()).total()};
        CHECK(copy.shared_jacobian(parts).size(0) == 1);
    }
    trim_memory();
    CHECK(aligned_living == before);
}
