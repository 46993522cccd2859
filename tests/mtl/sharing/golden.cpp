// SPDX-License-Identifier: MIT
/// @file Ways of sharing against PyTorch modules that were written from the papers' formulas (golden/make_sharing.py).
#include <espalier/autograd/logit_product.hpp>
#include <espalier/io/safetensors.hpp>
#include <espalier/losses/binary_cross_entropy.hpp>
#include <espalier/losses/counterfactual.hpp>

#include "mtl/sharing/ways.hpp"
#include "nn/testing.hpp"

#include <cmath>
#include <string>
#include <vector>

using namespace espalier;
using testing::require_close;

namespace {

template <class S>
std::vector<nn::Layer<S>> linear_gates(Index in, std::vector<Index> experts, bool bias) {
    std::vector<nn::Layer<S>> gates;
    for (const Index count : experts)
        gates.push_back(nn::Linear<S>{in, count, {.bias = bias}});
    return gates;
}
template <class S>
std::vector<nn::Layer<S>> chosen(const nn::Layer<S>& gate) {
    return {gate, gate};
}
template <class S>
std::vector<nn::Layer<S>> networks(std::size_t count, Index in = 3) {
    return mtl::repeat(count, [in] { return ways::network<S>(false, in); });
}
template <class S>
mtl::ExpertLevel<S> level(Index in) {
    return {.own = {networks<S>(1, in), networks<S>(2, in)}, .shared = networks<S>(1, in), .gates = linear_gates<S>(in, {2, 3}, true)};
}

template <class S>
mtl::Sharing<S> personalised() {
    return mtl::PEPNet<S>{networks<S>(2, 2),
                          {.embedding = {0, 2}, .domain = {2, 1}, .priors = {1, 2}, .widths = {4, 4}, .after = {2, 3}, .gamma = 1.5}};
}
template <class S>
mtl::Sharing<S> stem() {
    auto first = level<S>(3), last = level<S>(4);
    first.gates = linear_gates<S>(3, {4, 4}, true);
    first.shared_gate = linear_gates<S>(3, {4}, true);
    last.gates = linear_gates<S>(4, {4, 4}, true);
    return mtl::STEM<S>{mtl::repeat(3, [] { return nn::Linear<S>{3, 3}; }), {std::move(first), std::move(last)}};
}
template <class S>
mtl::Sharing<S> factorised() {
    return mtl::TaskConditioned<S>{nn::Sequential<S>{mtl::FactorisedLinear<S>{3, 4, 2}, nn::Tanh{},
                                                     mtl::FactorisedLinear<S>{4, 4, 2, {.in_rank = 2}}, nn::Tanh{},
                                                     mtl::FactorisedLinear<S>{4, 4, 2, {.rank = 1, .in_rank = 2, .out_rank = 3}}},
                                   2};
}

template <class S>
std::map<std::string, mtl::Sharing<S>> sharings() {
    auto first = level<S>(3);
    first.shared_gate = linear_gates<S>(3, {4}, true);
    return {{"separate", mtl::Separate<S>{networks<S>(2)}},
            {"cross_stitch", mtl::CrossStitch<S>{networks<S>(2), {.after = {2, 3}}}},
            {"nddr", mtl::NDDR<S>{networks<S>(2), {.channels = {4}, .after = {1}}}},
            {"mmoe", mtl::MMoE<S>{networks<S>(3), linear_gates<S>(3, {3, 3}, false)}},
            {"dselect_k", mtl::MMoE<S>{networks<S>(4), chosen<S>(mtl::DSelectK<S>{4, {.inputs = 3, .gamma = 2, .entropy = 0.3}})}},
            {"dselect_k_static", mtl::MMoE<S>{networks<S>(4), chosen<S>(mtl::DSelectK<S>{4, {.gamma = 2, .entropy = 0.3}})}},
            {"top_k", mtl::MMoE<S>{networks<S>(3), chosen<S>(mtl::NoisyTopK<S>{3, 3, {.importance = 0.4, .noise = false}})}},
            {"mtan", ways::attended<S>(2, false)},
            {"ltb", mtl::LTB<S>{networks<S>(2), {.after = {2, 3}, .temperature = 0.5, .noise = false}}},
            {"sluice", mtl::Sluice<S>{networks<S>(2), {.after = {2, 3}, .orthogonality = 0.3}}},
            {"soft_sharing", mtl::SoftSharing<S>{networks<S>(2), {.factor = 0.3}}},
            {"trace_norm", mtl::SoftSharing<S>{networks<S>(2), {.factor = 0.3, .attraction = mtl::Attraction::trace_norm}}},
            {"aitm", mtl::AITM<S>{4, networks<S>(2), ways::linears<S>(1)}},
            {"related_towers", ways::related<S>(2, false)},
            {"pad_net", ways::distilled<S>(3, false)},
            {"ple", mtl::PLE<S>{std::move(first), level<S>(4)}},
            {"task_norms", mtl::task_norms(ways::normalised<S>(false), 2)},
            {"low_rank", ways::adapted<S>(2, false)},
            {"low_rank_v2", ways::adapted<S>(2, false, true)},
            {"pepnet", personalised<S>()},
            {"stem", stem<S>()},
            {"home", ways::home<S>(2, false)},
            {"factorised", factorised<S>()}};
}

}  // namespace

TEMPLATE_TEST_CASE("ways of sharing give PyTorch's outputs and gradients", "[mtl][sharing][golden]", float, double) {
    using S = TestType;
    const auto file = io::load_safetensors(ESPALIER_GOLDEN_DIR "/sharing.safetensors");
    const double tolerance = std::is_same_v<S, double> ? 1e-11 : 2e-5;
    for (auto& [way, sharing] : sharings<S>()) {
        CAPTURE(way);
        std::vector<mtl::Head<S>> heads{{"a", nn::Linear<S>{4, 2}}, {"b", nn::Linear<S>{4, 1}}};
        if (way == "pad_net")
            heads.push_back({"c", nn::Linear<S>{4, 2}});
        mtl::MultiTaskNet<S> net{sharing, heads};
        Index place = 0;
        for (auto& [name, parameter] : net.named_parameters())
            for (S& value : parameter.mutable_value())
                value = static_cast<S>(0.6 * std::sin(1.7 * static_cast<double>(place++) + 0.3));
        Tensor<S> x{Shape{5, 3}};
        for (Index i = 0; i < x.numel(); ++i)
            x[i] = static_cast<S>(std::cos(0.9 * static_cast<double>(i)));
        const auto outputs = net(x);
        Variable<S> loss = net.penalty();
        require_close(Tensor<S>::full({1}, loss.item()), file.template get<S>(way + "/penalty"), tolerance);
        for (const auto& [task, output] : outputs) {
            require_close(output.value(), file.template get<S>(way + '/' + task), tolerance);
            loss = loss + sum(output * output);
        }
        loss.backward();
        require_close(testing::flat_gradients(net.parameters()), file.template get<S>(way + "/gradients"), tolerance);
    }
}

TEMPLATE_TEST_CASE("losses over the entire space are PyTorch's, with their gradients", "[mtl][sharing][golden]", float, double) {
    using S = TestType;
    const auto file = io::load_safetensors(ESPALIER_GOLDEN_DIR "/sharing.safetensors");
    const double tolerance = std::is_same_v<S, double> ? 1e-12 : 1e-5;
    std::vector<Variable<S>> logits;
    for (int k = 0; k < 3; ++k) {
        Tensor<S> values{Shape{6}};
        for (Index i = 0; i < 6; ++i)
            values[i] = static_cast<S>(2 * std::sin(1.3 * static_cast<double>(i) + k));
        logits.emplace_back(std::move(values), true);
    }
    const Tensor<S> bought{{6}, {1, 0, 0, 1, 0, 0}};
    const losses::Target<S> known{bought, Tensor<bool>{{6}, {true, false, true, true, false, true}}};
    const auto errors = losses::binary_cross_entropy_with_logits(logits[1], known,
                                                                 {.pos_weight = {}, .reduction = losses::Reduction::none});
    const auto clicked = autograd::sigmoid(logits[0]).value();
    const Named<Variable<S>> all{
        {"product", losses::binary_cross_entropy_with_logits(autograd::logit_product(logits[0], logits[1]), bought)},
        {"inverse_propensity", losses::inverse_propensity(errors, known, clicked, {.smallest = 0.3})},
        {"doubly_robust", losses::doubly_robust(errors, logits[2], known, clicked, {.smallest = 0.3})}};
    for (const auto& [name, loss] : all) {
        CAPTURE(name);
        require_close(Tensor<S>::full({1}, loss.item()), file.template get<S>(name + "/loss"), tolerance);
        const auto gradients = autograd::vjp<S>(loss, Tensor<S>::ones({1}), logits, true);
        for (Index k = 0; k < 3; ++k)
            require_close(gradients[static_cast<std::size_t>(k)].reshape({6}),
                          file.template get<S>(name + "/gradients").slice(6 * k, 6 * k + 6), tolerance);
    }
}
