// SPDX-License-Identifier: MIT
#include <espalier/mtl/sharing/pepnet.hpp>

#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/mtl/sharing/separate.hpp>
#include <espalier/nn/embedding.hpp>
#include <espalier/nn/encoder.hpp>

#include "nn/testing.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace espalier;
using testing::normal;
using testing::same_bits;

namespace {

nn::Sequential<> network() { return {nn::Linear{2, 4}, nn::ReLU{}, nn::Linear{4, 3}, nn::ReLU{}}; }
mtl::PEPNetOptions options() { return {.embedding = {0, 2}, .domain = {2, 1}, .priors = {3, 2}, .widths = {4, 3}, .after = {2, 4}}; }

}  // namespace

TEST_CASE("gates whose scores are 0 pass on what they scale if gamma is 2", "[mtl][sharing]") {
    manual_seed(1);
    const auto networks = mtl::repeat(2, network);
    mtl::PEPNet personal{networks, options()};
    mtl::Separate separate{networks};
    for (auto& [path, parameter] : personal.named_parameters())
        if (path.find("second") != path.npos)
            parameter.mutable_value().fill(0);
    const auto x = normal<float>({5, 6});
    const auto a = personal(x), b = separate(autograd::narrow(Variable<>{x}, 1, 0, 2));
    for (std::size_t i = 0; i < 2; ++i)
        CHECK(same_bits(a[i].value(), b[i].value()));
    auto doubled = options();
    doubled.gamma = 4;
    mtl::PEPNet larger{networks, doubled};
    for (auto& [path, parameter] : larger.named_parameters())
        if (path.find("second") != path.npos || path.find("bias") != path.npos)
            parameter.mutable_value().fill(0);
    for (auto& [path, parameter] : separate.named_parameters())
        if (path.find("bias") != path.npos)
            parameter.mutable_value().fill(0);
    const auto c = larger(x), d = separate(autograd::narrow(Variable<>{x}, 1, 0, 2));
    for (Index i = 0; i < c[0].numel(); ++i)
        CHECK(c[0].value()[i] == 8 * d[0].value()[i]);  // of the embedding and of two layers
}

TEST_CASE("what gates see of the embedding gets no gradient through them", "[mtl][sharing]") {
    manual_seed(1);
    mtl::PEPNet personal{mtl::repeat(2, network), options()};
    for (auto& [path, parameter] : personal.named_parameters())
        if (path.rfind("networks.", 0) == 0)
            parameter.mutable_value().fill(path.find("bias") != path.npos ? 1.0F : 0.0F);  // they read nothing
    Variable<float> x{normal<float>({1, 5}), true};
    const auto features = personal(x);
    sum(features[0]).backward();
    for (Index column = 0; column < 3; ++column)
        CHECK(x.grad().at(0, column) == 0);
    CHECK((x.grad().at(0, 3) != 0 || x.grad().at(0, 4) != 0));
    x.mutable_value().at(0, 0) += 1;
    CHECK_FALSE(same_bits(personal(x)[0].value(), features[0].value()));  // they see it all the same
}

TEST_CASE("an encoder lays embedding, domain and priors side by side", "[mtl][sharing]") {
    manual_seed(1);
    nn::Concatenated encoder{nn::From{"item", nn::Embedding{10, 2}}, nn::From{"scene", nn::Embedding{3, 1}},
                             nn::From{"user", nn::Embedding{7, 2}}};
    mtl::MultiTaskNet net{encoder, mtl::PEPNet{mtl::repeat(2, network), options()},
                          std::vector<mtl::Head<>>{{"a", nn::Linear{3, 1}}, {"b", nn::Linear{3, 1}}}};
    const data::Inputs<> one{
        {"item", Tensor<Index>{{2}, {1, 1}}}, {"scene", Tensor<Index>{{2}, {0, 2}}}, {"user", Tensor<Index>{{2}, {4, 4}}}};
    const auto outputs = net(one);
    CHECK(outputs.at("a").value()[0] != outputs.at("a").value()[1]);  // in another scene
    sum(outputs.at("b")).backward();
    CHECK(net.named_parameters().at("encoder.2.weight").has_grad());
    CHECK_FALSE(net.named_parameters().at("trunk.gates.0.0.first.weight").has_grad());
}

TEST_CASE("columns and widths that are not there are refused", "[mtl][sharing]") {
    const auto networks = mtl::repeat(2, network);
    auto wrong = options();
    wrong.domain = {};
    CHECK_THROWS_WITH((mtl::PEPNet{networks, wrong}), "[PEPNet] expected columns for the domain, got 0 from 0");
    wrong = options();
    wrong.widths = {4};
    CHECK_THROWS_WITH((mtl::PEPNet{networks, wrong}), "[PEPNet] expected the widths at 2 places, got 1");
    wrong = options();
    wrong.gamma = 0;
    CHECK_THROWS_WITH((mtl::PEPNet{networks, wrong}), "[GateNU] expected a gamma above 0, got 0");
    wrong = options();
    wrong.widths = {4, 1};
    mtl::PEPNet narrow{networks, wrong};
    CHECK_THROWS_WITH(narrow(normal<float>({2, 5})),
                      "[PEPNet] expected an output (2, 1) of network 0, got (2, 3), in the exchange after layer 4");
    CHECK_THROWS_WITH(narrow(normal<float>({2, 4})), "[PEPNet] expected an input of at least 5 columns, got shape (2, 4)");
    mtl::PEPNet fits{networks, options()};
    CHECK(fits(Tensor<float>{Shape{0, 5}})[1].shape() == Shape{0, 3});
}
