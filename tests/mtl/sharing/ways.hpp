// SPDX-License-Identifier: MIT
/// @file Every way of sharing, small: for tests that hold for all of them.
#pragma once

#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/mtl/pareto/preference_film.hpp>
#include <espalier/mtl/sharing/aitm.hpp>
#include <espalier/mtl/sharing/cross_stitch.hpp>
#include <espalier/mtl/sharing/dselect_k.hpp>
#include <espalier/mtl/sharing/factorised_linear.hpp>
#include <espalier/mtl/sharing/home.hpp>
#include <espalier/mtl/sharing/low_rank_adapters.hpp>
#include <espalier/mtl/sharing/ltb.hpp>
#include <espalier/mtl/sharing/mmoe.hpp>
#include <espalier/mtl/sharing/mtan.hpp>
#include <espalier/mtl/sharing/nddr.hpp>
#include <espalier/mtl/sharing/noisy_top_k.hpp>
#include <espalier/mtl/sharing/pad_net.hpp>
#include <espalier/mtl/sharing/pepnet.hpp>
#include <espalier/mtl/sharing/ple.hpp>
#include <espalier/mtl/sharing/related_towers.hpp>
#include <espalier/mtl/sharing/separate.hpp>
#include <espalier/mtl/sharing/sluice.hpp>
#include <espalier/mtl/sharing/soft_sharing.hpp>
#include <espalier/mtl/sharing/stem.hpp>
#include <espalier/mtl/sharing/task_norms.hpp>
#include <espalier/nn/activation.hpp>
#include <espalier/nn/conv2d.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/pooling.hpp>
#include <espalier/nn/sequential.hpp>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace ways {

using namespace espalier;

constexpr Index width = 4;

/// From a table (N, 3), or an image (N, 6, 5, 2), to features (N, 4).
template <class S>
nn::Sequential<S> network(bool image, Index in = 3) {
    if (!image)
        return {nn::Linear<S>{in, width}, nn::Tanh{}, nn::Linear<S>{width, width}};
    return {nn::Conv2d<S>{2, 3, 3, {.padding = 1}}, nn::Tanh{}, nn::Conv2d<S>{3, width, 3, {.stride = 2}}, nn::GlobalAvgPool2d{}};
}
/// Of a table, or of the means of an image's channels.
template <class S>
nn::Sequential<S> flat(bool image, nn::Layer<S> gate) {
    nn::Sequential<S> result;
    if (image)
        result.add(nn::GlobalAvgPool2d{});
    result.add(std::move(gate));
    return result;
}
template <class S>
nn::Sequential<S> gate(bool image, Index experts) {
    return flat<S>(image, nn::Linear<S>{image ? 2 : 3, experts, {.bias = false}});
}
template <class S>
std::vector<nn::Layer<S>> networks(std::size_t count, bool image) {
    return mtl::repeat(count, [=] { return network<S>(image); });
}
template <class S>
std::vector<nn::Layer<S>> gates(std::size_t count, bool image, Index experts) {
    return mtl::repeat(count, [=] { return gate<S>(image, experts); });
}

/// Task i has i % 2 + 1 experts of its own, and all have one together.
template <class S>
mtl::ExpertLevel<S> level(std::size_t tasks, bool image) {
    mtl::ExpertLevel<S> level{.shared = networks<S>(1, image)};
    for (std::size_t i = 0; i < tasks; ++i) {
        level.own.push_back(networks<S>(i % 2 + 1, image));
        level.gates.push_back(gate<S>(image, static_cast<Index>(i % 2 + 2)));
    }
    return level;
}

/// A first level that keeps what it reads a table or an image.
template <class S>
std::vector<mtl::ExpertLevel<S>> two_levels(std::size_t tasks, bool image) {
    const auto expert = [=]() -> nn::Layer<S> {
        if (image)
            return nn::Conv2d<S>{2, 2, 3, {.padding = 1}};
        return nn::Linear<S>{3, 3};
    };
    mtl::ExpertLevel<S> first{.shared = {expert()}, .shared_gate = {gate<S>(image, static_cast<Index>(tasks) + 1)}};
    for (std::size_t i = 0; i < tasks; ++i) {
        first.own.push_back({expert()});
        first.gates.push_back(gate<S>(image, 2));
    }
    return {std::move(first), level<S>(tasks, image)};
}

/// Masks of two stages of `attended`, of which the second has one layer.
template <class S>
mtl::AttentionStage<S> attention(std::size_t tasks, bool image, std::size_t stage) {
    using Layer = nn::Layer<S>;
    const auto mask = [=]() -> Layer {
        if (image)
            return stage ? Layer{nn::Conv2d<S>{6, width, 3, {.stride = 2}}} : Layer{nn::Conv2d<S>{3, 3, 1}};
        return nn::Linear<S>{stage ? 2 * width : width, width};
    };
    const auto carry = [=]() -> Layer {
        if (image)
            return stage ? Layer{nn::GlobalAvgPool2d{}} : Layer{nn::Conv2d<S>{3, 3, 3, {.padding = 1}}};
        return stage ? Layer{nn::Tanh{}} : Layer{nn::Linear<S>{width, width}};
    };
    mtl::AttentionStage<S> result;
    for (std::size_t i = 0; i < tasks; ++i) {
        result.masks.push_back(mask());
        result.carries.push_back(carry());
    }
    return result;
}
/// A trunk of three layers and masks after the second and the third.
template <class S>
mtl::MTAN<S> attended(std::size_t tasks, bool image) {
    nn::Sequential<S> trunk = network<S>(image);
    if (image)
        trunk = {nn::Conv2d<S>{2, 3, 3, {.padding = 1}}, nn::Tanh{}, nn::Conv2d<S>{3, width, 3, {.stride = 2}}};
    return {std::move(trunk), {attention<S>(tasks, image, 0), attention<S>(tasks, image, 1)}, {.after = {2, 3}}};
}

/// Of `width` features, or rows of them.
template <class S>
std::vector<nn::Layer<S>> linears(std::size_t count, Index in = width) {
    return mtl::repeat(count, [in] { return nn::Linear<S>{in, width}; });
}
/// Each task depends on the two before it.
template <class S>
mtl::RelatedTowers<S> related(std::size_t tasks, bool image) {
    std::vector<nn::Layer<S>> relations;
    std::vector<std::vector<std::size_t>> parents(tasks);
    for (std::size_t i = 0; i < tasks; ++i) {
        for (std::size_t parent = i < 2 ? 0 : i - 2; parent < i; ++parent)
            parents[i].push_back(parent);
        relations.push_back(linears<S>(1, width * static_cast<Index>(parents[i].size() + 1))[0]);
    }
    return {networks<S>(tasks, image), std::move(relations), std::move(parents)};
}
/// Of so many heads half predict a second time.
template <class S>
mtl::PADNet<S> distilled(std::size_t heads, bool image) {
    const std::size_t tasks = (heads + 2) / 2;
    std::vector<mtl::Refinement<S>> refinements;
    for (std::size_t i = tasks; i < heads; ++i)
        refinements.push_back({.gate = linears<S>(1)[0], .messages = linears<S>(tasks - 1)});
    return {networks<S>(tasks, image), std::move(refinements)};
}

/// `network` with normalisation behind its first layer.
template <class S>
nn::Sequential<S> normalised(bool image) {
    if (!image)
        return {nn::Linear<S>{3, width}, nn::BatchNorm<S>{width}, nn::Tanh{}, nn::Linear<S>{width, width}};
    return {nn::Conv2d<S>{2, 3, 3, {.padding = 1}}, nn::BatchNorm<S>{3}, nn::Tanh{}, nn::Conv2d<S>{3, width, 3, {.stride = 2}},
            nn::GlobalAvgPool2d{}};
}
/// Trained as a whole: what is frozen has no gradients to compare.
template <class S>
mtl::LowRankAdapters<S> adapted(std::size_t tasks, bool image, bool add_shared = false) {
    mtl::LowRankAdapters<S> result{network<S>(image), tasks, {.rank = 2, .scale = 0.5, .task_scale = 0.7, .add_shared = add_shared}};
    nn::thaw(result);
    return result;
}
/// Of an image's pixels, one by one.
template <class S>
mtl::PEPNet<S> personalised(std::size_t tasks, bool image) {
    mtl::PEPNetOptions options{.embedding = {0, 2}, .domain = {1, 1}, .priors = {0, 1}, .widths = {image ? 3 : width}, .after = {1}};
    return {mtl::repeat(tasks, [=] { return network<S>(image, 2); }), std::move(options)};
}
/// A table of the input's shape for each task and one for all, and `level` with gates for all experts.
template <class S>
mtl::STEM<S> stem(std::size_t tasks, bool image) {
    const auto table = [=]() -> nn::Layer<S> {
        if (image)
            return nn::Conv2d<S>{2, 2, 1};
        return nn::Linear<S>{3, 3};
    };
    std::vector<nn::Layer<S>> tables;
    for (std::size_t i = 0; i <= tasks; ++i)
        tables.push_back(table());
    auto experts = level<S>(tasks, image);
    experts.gates = gates<S>(tasks, image, static_cast<Index>(tasks + tasks / 2) + 1);
    return {std::move(tables), {std::move(experts)}};
}

/// Task i is of category i % 2; the first has two experts on the first level.
template <class S>
mtl::HoME<S> home(std::size_t tasks, bool image) {
    const Index in = image ? 2 : 3;
    const auto meta = [=] {
        return flat<S>(image, nn::Sequential<S>{mtl::FeatureGate<S>{in, 1}, nn::Linear<S>{in, width}, nn::BatchNorm<S>{width}, nn::SiLU{}});
    };
    const auto expert = [] { return nn::Sequential<S>{nn::Linear<S>{2 * width, width}, nn::SiLU{}}; };
    const auto scores = [](Index count) { return nn::Linear<S>{2 * width, count}; };
    mtl::HoMEParts<S> parts;
    parts.meta = {.own = {mtl::repeat(2, meta), mtl::repeat(1, meta)},
                  .shared = mtl::repeat(1, meta),
                  .gates = {gate<S>(image, 3), gate<S>(image, 2)},
                  .shared_gate = {gate<S>(image, 4)}};
    parts.meta_self_gates = {gate<S>(image, 2), gate<S>(image, 1), gate<S>(image, 1)};
    parts.of_categories = {mtl::repeat(1, expert), mtl::repeat(1, expert)};
    parts.tasks.shared = mtl::repeat(1, expert);
    std::vector<std::size_t> categories;
    for (std::size_t i = 0; i < tasks; ++i) {
        categories.push_back(i % 2);
        parts.tasks.own.push_back(mtl::repeat(i % 2 + 1, expert));
        parts.tasks.gates.push_back(scores(static_cast<Index>(i % 2) + 3));
        parts.self_gates.push_back(scores(static_cast<Index>(i % 2) + 1));
    }
    return {std::move(categories), std::move(parts)};
}

/// The last channel of the input is the preference of one task.
template <class S>
mtl::HardSharing<S> preferred(bool image) {
    nn::Sequential<S> trunk = network<S>(false, 2);
    if (image)
        trunk = {nn::Conv2d<S>{1, 3, 3, {.padding = 1}}, nn::Tanh{}, nn::Conv2d<S>{3, width, 3, {.stride = 2}}, nn::GlobalAvgPool2d{}};
    return mtl::HardSharing<S>{mtl::PreferenceFiLM<S>{std::move(trunk), 1, {.after = {1, 3}, .channels = {image ? 3 : width, width}}}};
}

template <class S>
using Make = std::function<mtl::Sharing<S>(std::size_t tasks, bool image)>;

template <class S>
std::map<std::string, Make<S>> all() {
    return {
        {"Separate", [](std::size_t tasks, bool image) { return mtl::Separate<S>{networks<S>(tasks, image)}; }},
        {"CrossStitch",
         [](std::size_t tasks, bool image) {
             return mtl::CrossStitch<S>{networks<S>(tasks, image), {.after = {1, 3}}};
         }},
        {"NDDR",
         [](std::size_t tasks, bool image) {
             return mtl::NDDR<S>{networks<S>(tasks, image), {.channels = {image ? 3 : width, width}, .after = {1, 3}}};
         }},
        {"MMoE",
         [](std::size_t tasks, bool image) {
             return mtl::MMoE<S>{networks<S>(3, image), gates<S>(tasks, image, 3)};
         }},
        {"OMoE",
         [](std::size_t, bool image) {
             return mtl::MMoE<S>{networks<S>(3, image), gates<S>(1, image, 3)};
         }},
        {"DSelectK",  // of samples
         [](std::size_t tasks, bool image) {
             const auto choose = [=] { return flat<S>(image, mtl::DSelectK<S>{3, {.inputs = image ? 2 : 3, .entropy = 0.3}}); };
             return mtl::MMoE<S>{networks<S>(3, image), mtl::repeat(tasks, choose)};
         }},
        {"static DSelectK",
         [](std::size_t tasks, bool image) {
             const Index experts = image ? 2 : 4;
             const auto choose = [=] { return mtl::DSelectK<S>{experts, {.entropy = 0.3}}; };
             return mtl::MMoE<S>{networks<S>(static_cast<std::size_t>(experts), image), mtl::repeat(tasks, choose)};
         }},
        {"NoisyTopK",
         [](std::size_t tasks, bool image) {
             const auto choose = [=] {
                 return flat<S>(image, mtl::NoisyTopK<S>{image ? 2 : 3, 3, {.noise = false}});  // for differences
             };
             return mtl::MMoE<S>{networks<S>(3, image), mtl::repeat(tasks, choose)};
         }},
        {"MTAN", [](std::size_t tasks, bool image) { return attended<S>(tasks, image); }},
        {"LTB",
         [](std::size_t tasks, bool image) {
             return mtl::LTB<S>{networks<S>(tasks, image), {.after = {1, 3}, .temperature = 0.5, .noise = false}};
         }},
        {"CGC", [](std::size_t tasks, bool image) { return mtl::PLE<S>{level<S>(tasks, image)}; }},
        {"Sluice",
         [](std::size_t tasks, bool image) {
             const std::vector<std::size_t> after{1, image ? 2U : 3U};  // where outputs have one shape
             return mtl::Sluice<S>{networks<S>(tasks, image), {.after = after, .subspaces = image ? 3 : 2, .orthogonality = 0.3}};
         }},
        {"SoftSharing",
         [](std::size_t tasks, bool image) {
             return mtl::SoftSharing<S>{networks<S>(tasks, image), {.factor = 0.3}};
         }},
        {"AITM",
         [](std::size_t tasks, bool image) {
             return mtl::AITM<S>{width, networks<S>(tasks, image), linears<S>(tasks - 1)};
         }},
        {"RelatedTowers", [](std::size_t tasks, bool image) { return related<S>(tasks, image); }},
        {"PADNet", [](std::size_t heads, bool image) { return distilled<S>(heads, image); }},
        {"PLE", [](std::size_t tasks, bool image) { return mtl::PLE<S>{two_levels<S>(tasks, image)}; }},
        {"task_norms", [](std::size_t tasks, bool image) { return mtl::task_norms(normalised<S>(image), tasks); }},
        {"LowRankAdapters", [](std::size_t tasks, bool image) { return adapted<S>(tasks, image); }},
        {"PEPNet", [](std::size_t tasks, bool image) { return personalised<S>(tasks, image); }},
        {"STEM", [](std::size_t tasks, bool image) { return stem<S>(tasks, image); }},
        {"PreferenceFiLM", [](std::size_t, bool image) { return preferred<S>(image); }},
        {"HoME", [](std::size_t tasks, bool image) { return home<S>(tasks, image); }},
        {"FactorisedLinear",
         [](std::size_t tasks, bool image) {
             const auto factorised = mtl::FactorisedLinear<S>{image ? 2 : 3, width, tasks, {.in_rank = 2, .out_rank = 3}};
             return mtl::TaskConditioned<S>{flat<S>(image, factorised), tasks};
         }},
    };
}

/// Whether gradients are stopped on purpose, so that they are not those of differences.
inline bool stops_gradients(const std::string& way) { return way == "PEPNet" || way == "STEM"; }

/// With heads of 1, 2, 1 ... outputs.
template <class S>
mtl::MultiTaskNet<S> net(const std::string& way, std::size_t tasks, bool image, std::uint64_t seed = 1) {
    manual_seed(seed);
    std::vector<mtl::Head<S>> heads;
    for (std::size_t i = 0; i < tasks; ++i)
        heads.push_back({"task" + std::to_string(i), nn::Linear<S>{width, static_cast<Index>(i % 2 + 1)}});
    return {all<S>().at(way)(tasks, image), std::move(heads)};
}

template <class S>
Tensor<S> input(bool image, Index samples = 3) {
    Random random{5};
    return Tensor<S>::normal(image ? Shape{samples, 6, 5, 2} : Shape{samples, 3}, random);
}

}  // namespace ways
