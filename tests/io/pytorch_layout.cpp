// SPDX-License-Identifier: MIT
#if __has_include(<nlohmann/json.hpp>)

#include <espalier/io/pytorch.hpp>

#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/arithmetic.hpp>
#include <espalier/nn.hpp>

#include "catch.hpp"

#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <vector>

using namespace espalier;

namespace {

using Row = Variable<float>;

/// What is turned over in a tensor, in words: "plain", "image", "rows", "columns", or why it cannot be known.
template <class Net>
std::string seen(Net net, const Shape& sample, const std::string& path, const std::set<std::string>& elementwise = {}) {
    const auto own = io::detail::for_pytorch<float>(net, sample, false, elementwise, "test");
    for (std::size_t i = 0; i < own.paths.size(); ++i)
        if (own.paths[i] == path) {
            const auto& order = own.orders[i].order;
            if (!order)
                return own.orders[i].reason;
            std::string text = order->image ? "image" : order->sequence ? "sequence" : "";
            text += order->rows.is_plain() ? "" : "rows";
            text += order->columns.is_plain() ? "" : "columns";
            return text.empty() ? "plain" : text;
        }
    return "no such tensor";
}

/// An activation of a user's own: one element at a time, but nothing says so.
const auto swish = [](const Row& x) {
    return autograd::elementwise(
        "swish", x, [](float v) { return v / (1 + std::exp(-v)); }, [](float, float) { return 1.0F; });
};

/// Layers around one weight that is computed from two parameters.
struct Scaled : nn::Module<Scaled, float> {
    nn::Parameter<float> weight;
    nn::Parameter<float> gain;
    explicit Scaled(const Shape& shape) : weight{Tensor<float>::ones(shape)}, gain{Tensor<float>::ones({shape[0], 1})} {}
    Row operator()(const Row& x) { return autograd::linear(x, weight.variable() * gain.variable()); }
    void visit(nn::Visitor<float>& v) {
        v("weight", weight);
        v("gain", gain);
    }
};
struct ScaledConv : nn::Module<ScaledConv, float> {
    nn::Parameter<float> weight{Tensor<float>::ones({3, 3, 3, 3})};
    nn::Parameter<float> gain{Tensor<float>::ones({3, 1, 1, 1})};
    Row operator()(const Row& x) { return autograd::conv2d(x, weight.variable() * gain.variable()); }
    void visit(nn::Visitor<float>& v) {
        v("weight", weight);
        v("gain", gain);
    }
};

/// x + conv(x) of sequences.
struct AddConvolved : nn::Module<AddConvolved, float> {
    nn::Conv1d<float> conv{4, 4, 1};
    Row operator()(const Row& x) { return x + conv(x); }
    void visit(nn::Visitor<float>& v) { v("conv", conv); }
};

/// One layer used by two: shared on purpose.
struct Shared : nn::Module<Shared, float> {
    std::shared_ptr<nn::Linear<float>> inner;
    Row operator()(const Row& x) { return (*inner)(x); }
    void visit(nn::Visitor<float>& v) { v("inner", *inner); }
};

/// Buffers that no operation of the tape knows by name.
struct Standardize : nn::Module<Standardize, float> {
    Tensor<float> mean;
    explicit Standardize(const Shape& shape) : mean{shape} {}
    Row operator()(const Row& x) { return x - Row{mean}; }
    void visit(nn::Visitor<float>& v) { v("mean", mean); }
};

const auto first_half = [](const Row& x) { return autograd::narrow(x, 1, 0, x.size(1) / 2); };

}  // namespace

TEST_CASE("what lies between a flatten and a linear layer", "[io][pytorch_layout]") {
    const auto between = [](nn::Layer<float> layer, Index width = 48, const std::set<std::string>& elementwise = {}) {
        return seen(nn::Sequential{nn::Conv2d{3, 3, 1}, nn::Flatten{}, std::move(layer), nn::Linear{width, 5}}, {4, 4, 3}, "3.weight",
                    elementwise);
    };
    CHECK(between(nn::Identity{}) == "columns");
    CHECK(between(nn::Sequential{nn::GELU{}, nn::Dropout{}, nn::Softmax{}, nn::LogSoftmax{}}) == "columns");
    CHECK(between(nn::BatchNorm{48}) == "columns");
    CHECK(between([](const Row& x) { return -x * 2.0F + 1.0F; }) == "columns");
    CHECK(between(
              [](const Row& x) {
                  return autograd::reshape(x, {x.size(0), 3, 16});
              },
              16)
              .starts_with("cannot see through 'linear' from (2, 3, 16)"));
    CHECK(between([](const Row& x) { return autograd::flatten(autograd::reshape(x, {x.size(0), 2, 4, 2, 3})); }) == "columns");
    CHECK(between([](const Row& x) { return autograd::cat({x, x}, 1); }, 96) == "columns");
    CHECK(between([](const Row& x) { return autograd::cat(std::vector<Row>{x}, 1); }) == "columns");
    CHECK(between(nn::Linear{48, 48}) == "plain");
    CHECK(between(first_half, 24) == "cannot see through 'narrow' from (2, 48) to (2, 24)");
    CHECK(between(swish) == "cannot see through 'swish' from (2, 48) to (2, 48)");
    CHECK(between(swish, 48, {"swish"}) == "columns");
    CHECK(between([](const Row& x) { return x.detach(); }) == "cannot see through a value that is not on the tape, (2, 48)");
    CHECK(between([](const Row& x) { return no_grad([&] { return autograd::relu(x); }); }) ==
          "cannot see through a value that is not on the tape, (2, 48)");
    CHECK(between([](const Row& x) { return x + x.detach(); }) == "cannot see through a value that is not on the tape, (2, 48)");
    CHECK(between([](const Row& x) { return x * Row{Tensor<float>::ones({48})}; }) == "columns");  // a user's constant lies as ours
    CHECK(between([](const Row& x) {
              return autograd::flatten(autograd::reshape(x, {x.size(0), 2, 2, 12}));
          }).starts_with("cannot see through 'reshape' from (2, 48) to (2, 2, 2, 12)"));  // another image than it was
}

TEST_CASE("what becomes of an image", "[io][pytorch_layout]") {
    const auto behind = [](nn::Layer<float> layer, Index width) {
        return seen(nn::Sequential{nn::Conv2d{3, 3, 1}, std::move(layer), nn::Linear{width, 5}}, {4, 4, 3}, "2.weight");
    };
    CHECK(behind(nn::GlobalAvgPool2d{}, 3) == "plain");
    CHECK(behind([](const Row& x) { return autograd::max(autograd::max(x, 1), 1); }, 3) == "plain");
    CHECK(behind([](const Row& x) { return autograd::sum(autograd::sum(x, 1, true), 2, true); }, 3) == "plain");  // over channels
    CHECK(behind([](const Row& x) { return autograd::flatten(autograd::sum(x, 3)); }, 16) == "plain");           // pixels remain
    CHECK(behind([](const Row& x) { return autograd::flatten(autograd::sum(x, 1)); }, 12) == "columns");         // (width, channels)
    CHECK(behind([](const Row& x) { return autograd::flatten(autograd::narrow(x, 3, 0, 2)); }, 32) == "columns");
    CHECK(behind([](const Row& x) { return autograd::flatten(autograd::narrow(x, 3, 0, 1)); }, 16) == "plain");  // one channel
    CHECK(behind([](const Row& x) { return autograd::flatten(autograd::cat(std::vector<Row>{x, x}, 3)); }, 96) == "columns");
    CHECK(behind([](const Row& x) { return autograd::flatten(swish(x)); }, 48) == "columns");                    // an image stays one
    CHECK(behind(nn::Identity{}, 3) == "plain");                                                                 // over the channels
    CHECK(behind(nn::Sequential{nn::MaxPool2d{4}, nn::Flatten{}}, 3) == "plain");                                // one pixel
    CHECK(behind(nn::Sequential{nn::AvgPool2d{2}, nn::Upsample{2}, nn::Flatten{}}, 48) == "columns");
    CHECK(behind(
              [](const Row& x) {
                  return autograd::reshape(x, {x.numel() / 3, 3});
              },
              3) == "cannot see through 'reshape' from (2, 4, 4, 3) to (32, 3)");
}

TEST_CASE("an image that is cut up anew is refused on both sides of it", "[io][pytorch_layout]") {
    const auto shuffle = [](const Row& x) { return autograd::reshape(x, {x.size(0), 8, 8, 3}); };
    const nn::Sequential net{nn::Conv2d{3, 12, 1}, shuffle, nn::Conv2d{3, 1, 1}};
    for (const std::string path : {"0.weight", "0.bias", "2.weight"})
        CHECK(seen(net, {4, 4, 3}, path) == "cannot see through 'reshape' from (2, 4, 4, 12) to (2, 8, 8, 3)");
    // Rows that come in are what a user has; they cannot be turned over.
    CHECK(seen(nn::Sequential{nn::Unflatten{{4, 4, 3}}, nn::Conv2d{3, 3, 3}}, {48}, "1.weight") ==
          "cannot see through 'reshape' from (2, 48) to (2, 4, 4, 3)");
    CHECK(seen(nn::Sequential{nn::Unflatten{{4, 4, 1}}, nn::Conv2d{1, 3, 3}}, {16}, "1.weight") == "image");
    const nn::Sequential decoder{nn::Linear{5, 48}, nn::BatchNorm{48}, nn::ReLU{}, nn::Unflatten{{4, 4, 3}}, nn::Conv2d{3, 3, 3}};
    CHECK(seen(decoder, {5}, "0.weight") == "rows");
    CHECK(seen(decoder, {5}, "1.running_var") == "rows");
    CHECK(seen(decoder, {5}, "4.weight") == "image");
    const nn::Sequential both{nn::Conv2d{3, 3, 1}, nn::Flatten{}, nn::Linear{48, 48}, nn::Unflatten{{4, 4, 3}}, nn::Conv2d{3, 3, 3}};
    CHECK(seen(both, {4, 4, 3}, "2.weight") == "rowscolumns");
}

TEST_CASE("weights that are computed, and weights that are shared", "[io][pytorch_layout]") {
    CHECK(seen(ScaledConv{}, {4, 4, 3}, "weight") == "image");
    CHECK(seen(ScaledConv{}, {4, 4, 3}, "gain") == "image");
    CHECK(seen(Scaled{{5, 7}}, {7}, "weight") == "plain");
    CHECK(seen(Scaled{{5, 7}}, {7}, "gain") == "plain");
    const nn::Sequential behind{nn::Flatten{}, Scaled{{5, 48}}};
    CHECK_THROWS_AS(seen(behind, {4, 4, 3}, "1.weight"), StateError);
    CHECK_THROWS_WITH(seen(behind, {4, 4, 3}, "1.weight"),
                      "[test] expected operations whose weights can be turned over, got: cannot "
                      "see through the computed weights of 'linear' from (2, 48) to (2, 5)");
    const Shared shared{{}, std::make_shared<nn::Linear<float>>(48, 48)};
    CHECK(seen(nn::Sequential{nn::Flatten{}, shared}, {4, 4, 3}, "1.inner.weight") == "columns");
    CHECK(seen(nn::Sequential{nn::Flatten{}, shared, shared}, {4, 4, 3}, "2.inner.weight") ==
          "used in two orders, the second time by 'linear' from (2, 48) to (2, 48)");
    CHECK(seen(nn::Sequential{shared, shared}, {48}, "1.inner.weight") == "plain");
}

TEST_CASE("tensors that the run does not tell about", "[io][pytorch_layout]") {
    struct Unused : nn::Module<Unused, float> {
        nn::Linear<float> used{3, 2};
        nn::Linear<float> unused{3, 2};
        Row operator()(const Row& x) { return used(x); }
        void visit(nn::Visitor<float>& v) {
            v("used", used);
            v("unused", unused);
        }
    };
    CHECK(seen(Unused{}, {3}, "used.weight") == "plain");
    CHECK(seen(Unused{}, {3}, "unused.weight") == "not reached by the run on a sample");
    CHECK(seen(nn::Sequential{Standardize{{3}}, nn::Flatten{}, nn::Linear{48, 2}}, {4, 4, 3}, "0.mean") == "plain");
    CHECK(seen(nn::Sequential{nn::Flatten{}, Standardize{{48}}, nn::Linear{48, 2}}, {4, 4, 3}, "1.mean") ==
          "a buffer that no operation tells the order of");
    CHECK(seen(nn::Sequential{Standardize{{4, 4, 3}}, nn::Conv2d{3, 3, 1}}, {4, 4, 3}, "0.mean") ==
          "a buffer that no operation tells the order of");
    CHECK(seen(nn::Sequential{Standardize{{7}}, nn::Linear{7, 2}}, {7}, "0.mean") == "plain");
}

TEST_CASE("sequences and tables keep their order, and channels of a sequence are PyTorch's second axis", "[io][pytorch_layout]") {
    CHECK(seen(nn::Sequential{nn::Linear{4, 4}, nn::LayerNorm{4}, nn::Flatten{}, nn::Linear{20, 2}}, {5, 4}, "3.weight") == "plain");
    CHECK(seen(nn::Sequential{nn::BatchNorm{4}, nn::Flatten{}, nn::Linear{20, 2}}, {5, 4}, "2.weight") ==
          "cannot see through 'batch_norm' from (2, 5, 4) to (2, 5, 4)");  // it had (N, C, L) there, or it was turned over
    const nn::Sequential made{nn::Linear{3, 20}, nn::Unflatten{{5, 4}}, nn::BatchNorm{4}, nn::Flatten{}, nn::Linear{20, 2}};
    CHECK(seen(made, {3}, "0.weight") == "rows");
    CHECK(seen(made, {3}, "4.weight") == "columns");
    CHECK(seen(nn::Sequential{nn::Flatten{}, nn::Linear{120, 2}}, {2, 4, 5, 3}, "1.weight") == "columns");  // volumes
    CHECK(seen(nn::Sequential{nn::Embedding{7, 4}, nn::Flatten{}, nn::Linear{20, 2}}, {5}, "0.weight") == "plain");
    CHECK(seen(nn::Sequential{nn::Embedding{7, 4}, nn::Flatten{}, nn::Linear{20, 2}}, {5}, "2.weight") == "plain");
}

TEST_CASE("convolutions along sequences have channels first in PyTorch", "[io][pytorch_layout]") {
    const nn::Sequential net{nn::Conv1d{4, 6, 3}, nn::BatchNorm{6}, nn::ReLU{},       nn::MaxPool1d{2},
                             nn::Conv1d{6, 8, 1}, nn::Flatten{},    nn::Linear{24, 2}};
    CHECK(seen(net, {8, 4}, "0.weight") == "sequence");
    CHECK(seen(net, {8, 4}, "0.bias") == "plain");
    CHECK(seen(net, {8, 4}, "1.running_mean") == "plain");
    CHECK(seen(net, {8, 4}, "4.weight") == "sequence");
    CHECK(seen(net, {8, 4}, "6.weight") == "columns");
    // What reads channels as the last axis was turned to have them there.
    const nn::Sequential words{nn::Embedding{7, 4}, nn::Conv1d{4, 6, 3}, nn::Linear{6, 5}, nn::Flatten{}, nn::Linear{15, 2}};
    CHECK(seen(words, {5}, "1.weight") == "sequence");
    CHECK(seen(words, {5}, "2.weight") == "plain");
    CHECK(seen(words, {5}, "4.weight") == "plain");
    const nn::Sequential pooled{nn::Conv1d{4, 6, 3}, nn::SequencePool{}, nn::Linear{6, 2}};
    CHECK(seen(pooled, {5, 4}, "2.weight") == "plain");
    const nn::Sequential attended{nn::Conv1d{4, 6, 3}, nn::AttentionPool{6, 5}, nn::Linear{6, 2}};
    for (const char* path : {"1.proj.weight", "1.proj.bias", "1.query", "2.weight"})
        CHECK(seen(attended, {5, 4}, path) == "plain");
    // A sum of what came first and what came last could be either, and so could what is normalised over channels: none is flattened.
    const nn::Sequential norm{nn::Conv1d{4, 6, 3}, nn::LayerNorm{6}, nn::ReLU{}, nn::Linear{6, 2}, nn::Flatten{}, nn::Linear{6, 2}};
    for (const char* path : {"0.weight", "1.weight", "1.bias", "3.weight", "5.weight"})
        CHECK(seen(norm, {5, 4}, path) == (path[0] == '0' ? "sequence" : "plain"));
    const nn::Sequential flat{nn::Conv1d{4, 6, 3}, nn::LayerNorm{6}, nn::ReLU{}, nn::Flatten{}, nn::Linear{18, 2}};
    CHECK(seen(flat, {5, 4}, "4.weight") == "cannot see through 'reshape' from (2, 3, 6) to (2, 18)");
    const nn::Sequential stream{nn::Linear{4, 4}, AddConvolved{},   nn::LayerNorm{4}, nn::BatchNorm{4},
                                AddConvolved{},   nn::Linear{4, 3}, nn::Flatten{},    nn::Linear{15, 2}};
    for (const char* path : {"2.weight", "3.weight", "3.running_var", "5.weight", "7.weight"})
        CHECK(seen(stream, {5, 4}, path) == "plain");
    CHECK(seen(stream, {5, 4}, "1.conv.weight") == "sequence");
    CHECK(seen(stream, {5, 4}, "4.conv.weight") == "sequence");
    const nn::Sequential both{nn::Linear{4, 4}, AddConvolved{}, nn::Flatten{}, nn::Linear{20, 2}};
    CHECK(seen(both, {5, 4}, "3.weight") == "cannot see through 'reshape' from (2, 5, 4) to (2, 20)");
}

TEST_CASE("a net of many thousand operations is walked as well", "[io][pytorch_layout]") {
    nn::Sequential<float> deep{nn::Flatten{}};
    for (int i = 0; i < 20'000; ++i)
        deep.add(nn::Tanh{});
    deep.add(nn::Linear{12, 1});
    CHECK(seen(deep, {2, 2, 3}, "20001.weight") == "columns");
}

#endif
