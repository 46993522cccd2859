// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/task_norms.hpp>

#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn/freeze.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/trunks/mlp.hpp>
#include <espalier/nn/trunks/resnet.hpp>

#include "nn/testing.hpp"

#include <algorithm>

using namespace espalier;
using testing::normal;
using testing::same_bits;

namespace {

/// Two residual blocks of few channels.
nn::Sequential<> blocks() {
    nn::Sequential<> trunk;
    trunk.add(nn::trunks::conv_norm(2, 4, 3, {.activation = nn::trunks::Activation::relu}));
    trunk.add(nn::trunks::detail::basic_block<float>(4, 4, 1, nn::trunks::Shortcut::projection));
    trunk.add(nn::trunks::detail::basic_block<float>(4, 6, 2, nn::trunks::Shortcut::projection));
    trunk.add(nn::GlobalAvgPool2d{});
    return trunk;
}

/// A user's layer whose normalisation is a member by its own type.
struct Hidden : nn::Module<Hidden, float> {
    nn::BatchNorm<> norm{3};
    Variable<> operator()(const Variable<>& x) { return norm(x); }
    void visit(nn::Visitor<float>& visitor) { visitor("norm", norm); }
};

}  // namespace

TEST_CASE("normalisations of equal values are hard sharing", "[mtl][sharing]") {
    manual_seed(1);
    const auto trunk = blocks();
    auto norms = mtl::task_norms(trunk, 3);
    mtl::HardSharing<> hard{trunk};
    const auto x = normal<float>({3, 6, 5, 2});
    for (int step = 0; step < 2; ++step) {
        const auto own = norms(x);
        REQUIRE(own.size() == 3);
        const auto expected = hard(x)[0];
        for (const auto& features : own)
            CHECK(same_bits(features.value(), expected.value()));
    }
    norms.eval();
    hard.eval();  // statistics that moved alike
    CHECK(same_bits(norms(x)[2].value(), hard(x)[0].value()));
}

TEST_CASE("every normalisation of a trunk is the task's own, and nothing else", "[mtl][sharing]") {
    const auto trunk = blocks();
    const auto of_trunk = trunk.state_dict(), own = mtl::task_norms(trunk, 2).state_dict();
    Index norms = 0;
    for (const auto& [path, tensor] : of_trunk) {
        CAPTURE(path);
        const auto dot = path.rfind('.');
        const std::string layer = path.substr(0, dot), name = path.substr(dot);
        if (of_trunk.contains(layer + ".running_mean")) {
            ++norms;
            CHECK(own.contains(layer + ".0" + name));
            CHECK(own.contains(layer + ".1" + name));
        } else {
            CHECK(own.contains(path));
        }
    }
    CHECK(norms == 6 * 4);
    CHECK(own.size() == of_trunk.size() + static_cast<std::size_t>(norms));
    CHECK(own.contains("1.bn2.1.weight"));
    const auto resnet = mtl::task_norms(nn::trunks::resnet20(3), 2);
    CHECK(resnet.named_parameters().contains("3.2.bn2.1.bias"));
}

TEST_CASE("statistics are those of what a task's own network found", "[mtl][sharing]") {
    manual_seed(1);
    mtl::MultiTaskNet net{mtl::task_norms(blocks(), 2), {{"a", nn::Linear{6, 1}}, {"b", nn::Linear{6, 1}}}};
    net.named_parameters().at("trunk.0.1.1.bias").mutable_value().fill(2);  // of the first normalisation, for task b
    const auto x = normal<float>({8, 6, 5, 2});
    (void)net(x);
    const auto state = net.state_dict();
    CHECK(same_bits(state.at("trunk.0.1.0.running_mean"), state.at("trunk.0.1.1.running_mean")));  // of the same convolution
    CHECK_FALSE(same_bits(state.at("trunk.1.bn1.0.running_mean"), state.at("trunk.1.bn1.1.running_mean")));
    (void)net.predict(x);
    CHECK(same_bits(net.state_dict(), state));
    nn::freeze(net.sharing());
    (void)net(x);
    CHECK(same_bits(net.state_dict(), state));
    nn::thaw(net.sharing());
    CHECK_THROWS_WITH(net(normal<float>({8, 6, 5, 3})), ContainsSubstring("in the trunk for task 0"));
    CHECK(same_bits(net.state_dict(), state));
}

TEST_CASE("layer normalisations are of tasks too, in any trunk", "[mtl][sharing]") {
    const auto table = mtl::task_norms(nn::trunks::mlp(3, {.widths = {4, 5}, .batch_norm = true}), 2);
    CHECK(table.named_parameters().contains("1.1.1.bias"));
    auto rows = mtl::task_norms(nn::Sequential{nn::Linear{3, 4}, nn::LayerNorm{4}}, 2);
    CHECK(rows.named_parameters().contains("1.1.weight"));
    CHECK(rows(normal<float>({2, 3})).size() == 2);
    auto alone = mtl::task_norms(nn::BatchNorm{3}, 1);
    CHECK(alone.named_parameters().contains("0.weight"));
    CHECK(alone(normal<float>({2, 3})).size() == 1);
}

TEST_CASE("trunks without a normalisation that is reached are refused", "[mtl][sharing]") {
    CHECK_THROWS_WITH(mtl::task_norms(nn::Linear{3, 4}, 2),
                      "[task_norms] expected a trunk with a BatchNorm or LayerNorm in a Sequential, got none");
    CHECK_THROWS_WITH(mtl::task_norms(Hidden{}, 2),
                      "[task_norms] expected a trunk with a BatchNorm or LayerNorm in a Sequential, got none");
    CHECK_THROWS_WITH(mtl::task_norms(nn::BatchNorm{3}, 0), "[TaskConditioned] expected at least one task, got none");
}
