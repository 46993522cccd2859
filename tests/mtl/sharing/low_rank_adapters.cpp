// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/low_rank_adapters.hpp>

#include <espalier/losses/mse.hpp>
#include <espalier/mtl/describe.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn/trunks/resnet.hpp>
#include <espalier/optim/sgd.hpp>

#include "nn/testing.hpp"

#include <limits>
#include <string>

using namespace espalier;
using testing::normal;
using testing::same_bits;

namespace {

nn::Sequential<> table() { return {nn::Linear{3, 5}, nn::ReLU{}, nn::Linear{5, 4}}; }

/// Convolutions that run as one with what follows, a residual block, and a linear layer.
nn::Sequential<> images() {
    nn::Sequential<> trunk{nn::Conv2d{2, 4, 3, {.padding = 1}}, nn::ReLU{}, nn::MaxPool2d{2}};
    trunk.add(nn::trunks::detail::basic_block<float>(4, 6, 2, nn::trunks::Shortcut::projection));
    trunk.add(nn::GlobalAvgPool2d{});
    trunk.add(nn::Linear{6, 4});
    return trunk;
}

bool is_adapter(const std::string& path) { return path.find(".a.") != path.npos || path.find(".b.") != path.npos; }

/// Calls its layer once, and from then on twice.
struct Restless : nn::Module<Restless, float> {
    nn::Layer<> inner = nn::Linear{3, 3};
    int calls = 0;
    Variable<> operator()(const Variable<>& x) {
        const auto y = inner(x);
        return calls++ > 0 ? inner(y) : y;
    }
    void visit(nn::Visitor<float>& visitor) { visitor("inner", inner); }
};

template <class Model>
void draw_adapters(Model& model) {
    std::uint64_t seed = 0;
    for (auto& [path, parameter] : model.named_parameters())
        if (is_adapter(path))
            parameter.mutable_value() = normal<float>(parameter.shape(), ++seed);
}

}  // namespace

TEST_CASE("at their start adapters compute what the trunk does, for every task", "[mtl][sharing]") {
    manual_seed(1);
    for (const bool image : {false, true})
        for (const bool add_shared : {false, true})
            for (const std::size_t first : {0U, 2U}) {
                CAPTURE(image, add_shared, first);
                auto trunk = image ? images() : table();
                const auto x = normal<float>(image ? Shape{3, 9, 8, 2} : Shape{3, 3});
                if (image)
                    (void)trunk(x);  // statistics that are not those of the start
                mtl::LowRankAdapters adapters{trunk, 3, {.first = first, .add_shared = add_shared}};
                trunk.eval();
                const auto expected = trunk(x).value();
                const auto features = adapters(x);
                REQUIRE(features.size() == 3);
                for (const auto& own : features)
                    CHECK(same_bits(own.value(), expected));
            }
}

TEST_CASE("the adapters of one task change that task alone, the shared ones all", "[mtl][sharing]") {
    manual_seed(1);
    mtl::LowRankAdapters adapters{table(), 2};
    const auto x = normal<float>({3, 3});
    const auto before = adapters(x)[0].value();
    auto parameters = adapters.named_parameters();
    parameters.at("2.own.1.b.weight").mutable_value().fill(1);
    auto features = adapters(x);
    CHECK(same_bits(features[0].value(), before));
    CHECK_FALSE(same_bits(features[1].value(), before));
    parameters.at("2.own.1.b.weight").mutable_value().fill(0);
    parameters.at("0.shared.0.b.weight").mutable_value().fill(1);
    features = adapters(x);
    CHECK_FALSE(same_bits(features[0].value(), before));
    CHECK(same_bits(features[0].value(), features[1].value()));
}

TEST_CASE("adapters are trained, and the trunk stays as it was", "[mtl][sharing]") {
    manual_seed(1);
    auto trunk = images();
    const auto trained = trunk.state_dict();
    mtl::MultiTaskNet net{mtl::LowRankAdapters{trunk, 2, {.rank = 2}}, {{"a", nn::Linear{4, 1}}, {"b", nn::Linear{4, 1}}}};
    draw_adapters(net.sharing());
    mtl::MultiTaskLoss criterion{{"a", losses::MSE{}}, {"b", losses::MSE{}}};
    optim::SGD sgd{net.parameters(), {.learning_rate = 0.01}};
    net.train();
    const auto before = net.state_dict();
    const auto x = normal<float>({3, 9, 8, 2});
    const auto loss = criterion(net(x), {{"a", Tensor<float>::ones({3, 1})}, {"b", Tensor<float>{Shape{3, 1}}}});
    loss.backward();
    sgd.step();
    const auto after = net.state_dict();
    for (const auto& [path, tensor] : trained)
        CHECK(same_bits(after.at("trunk." + path), tensor));
    CHECK_FALSE(same_bits(after.at("trunk.0.shared.0.a.weight"), before.at("trunk.0.shared.0.a.weight")));
    CHECK_FALSE(same_bits(after.at("trunk.3.conv2.own.1.b.weight"), before.at("trunk.3.conv2.own.1.b.weight")));
    CHECK_FALSE(after.contains("trunk.5.shared.0.a.weight"));  // which nobody would read
    const auto copy = net;
    CHECK(same_bits(copy.predict(x), net.predict(x)));

    const auto description = mtl::describe(net, {9, 8, 2}, {.depth = 9});
    for (const auto& part : description.parts) {
        CAPTURE(part.path);
        CHECK(part.frozen == trained.contains(part.path.substr(6)));
        if (part.path.find(".own.1.") != part.path.npos)
            CHECK(part.tasks == std::vector<bool>{false, true});
    }
}

TEST_CASE("what lies before the first layer with adapters of tasks has shared ones alone", "[mtl][sharing]") {
    mtl::LowRankAdapters adapters{table(), 2, {.rank = 1, .first = 2}};
    CHECK(testing::names(adapters.named_parameters()) ==
          std::vector<std::string>{"0.weight", "0.bias", "0.shared.0.a.weight", "0.shared.0.b.weight", "2.weight", "2.bias",
                                   "2.own.0.a.weight", "2.own.0.b.weight", "2.own.1.a.weight", "2.own.1.b.weight"});
    draw_adapters(adapters);
    const auto x = normal<float>({3, 3});
    const auto features = adapters(x);
    CHECK_FALSE(same_bits(features[0].value(), features[1].value()));
    sum(features[1]).backward();
    CHECK(adapters.named_parameters().at("0.shared.0.a.weight").has_grad());
    CHECK_FALSE(adapters.named_parameters().at("2.own.0.a.weight").has_grad());
    CHECK(adapters(Tensor<float>{Shape{0, 3}})[1].shape() == Shape{0, 4});
}

TEST_CASE("adapters that nothing can have are refused", "[mtl][sharing]") {
    CHECK_THROWS_WITH((mtl::LowRankAdapters{table(), 0}),
                      "[LowRankAdapters] expected at least one task and a rank of at least 1, got 0 and 4");
    CHECK_THROWS_WITH((mtl::LowRankAdapters{table(), 2, {.rank = 0}}),
                      "[LowRankAdapters] expected at least one task and a rank of at least 1, got 2 and 0");
    CHECK_THROWS_WITH((mtl::LowRankAdapters{table(), 2, {.scale = std::numeric_limits<double>::infinity()}}),
                      "[LowRankAdapters] expected finite scales, got inf and 1");
    CHECK_THROWS_WITH((mtl::LowRankAdapters{table(), 2, {.first = 3}}),
                      "[LowRankAdapters] expected a linear layer or a convolution to adapt from layer 3 on, got none");
    CHECK_THROWS_WITH((mtl::LowRankAdapters{nn::Sequential<>{nn::ReLU{}, nn::Conv2d{4, 4, 3, {.groups = 4}}}, 2}),
                      "[LowRankAdapters] expected a linear layer or a convolution to adapt from layer 0 on, got none");
    mtl::LowRankAdapters adapters{table(), 2};
    CHECK_THROWS_WITH(adapters(normal<float>({3, 4})), "[linear] expected 3 input features, got input (3, 4), in layer 0, in trunk");
    nn::detail::CollectLayers<float> held;
    adapters.visit(held);
    CHECK_THROWS_WITH((*held.layers[0])(normal<float>({3, 3})),
                      "[LowRankAdapters] expected an adapted layer to be run by the whole, got a call of it");
    mtl::LowRankAdapters restless{nn::Sequential{Restless{}, nn::Tanh{}}, 2};
    CHECK_THROWS_WITH(restless(normal<float>({3, 3})),
                      "[LowRankAdapters] expected a trunk that calls its layers in one order for all tasks");
}
