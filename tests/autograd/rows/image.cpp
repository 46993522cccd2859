// SPDX-License-Identifier: MIT
#include "autograd/registry.hpp"

#include <espalier/autograd/conv2d.hpp>
#include <espalier/autograd/pixel_shuffle.hpp>
#include <espalier/autograd/pooling.hpp>
#include <espalier/autograd/upsample.hpp>

namespace registry {
namespace {

namespace ag = espalier::autograd;
using espalier::concat;

ag::Conv2dOptions conv_options(const Attributes& a) {
    return {a.pair("stride", 1), a.pair("padding", 0), a.pair("dilation", 1), a.index("groups", 1)};
}

Draw convolution(Random& random) {
    const Pair kernel = random.below(4) == 0 ? Pair{1} : pair_between(random, 1, 3);
    const Pair padding = pair_between(random, 0, 2);
    const Pair dilation = pair_between(random, 1, 2);
    const Index groups = random.below(2) ? 1 : between(random, 1, 3);
    const Pair reach{(kernel.height - 1) * dilation.height + 1, (kernel.width - 1) * dilation.width + 1};
    const Index height = std::max<Index>(1, reach.height - 2 * padding.height) + random.below(3);
    const Index width = std::max<Index>(1, reach.width - 2 * padding.width) + random.below(3);
    const Index depth = between(random, 1, 2);
    const Index out = groups * between(random, 1, 2);
    Draw draw{{normal({between(random, 1, 2), height, width, groups * depth}, random),
               normal({out, kernel.height, kernel.width, depth}, random)}};
    if (random.below(2))
        draw.inputs.push_back(normal({out}, random));
    draw.attributes.set("stride", pair_between(random, 1, 3));
    draw.attributes.set("padding", padding);
    draw.attributes.set("dilation", dilation);
    draw.attributes.set("groups", std::vector<Index>{groups});
    return draw;
}

Draw shuffled(Random& random, bool up) {
    const Index r = between(random, 1, 3), of_pixels = up ? 1 : r, of_channels = up ? r * r : 1;
    Draw draw{{normal({between(random, 1, 2), between(random, 1, 2) * of_pixels, between(random, 1, 2) * of_pixels,
                       between(random, 1, 2) * of_channels},
                      random)}};
    draw.attributes.set("factor", std::vector<Index>{r});
    return draw;
}

template <class Options>
Options pool_options(const Attributes& a) {
    Options options;
    options.padding = a.pair("padding", 0);
    options.ceil_mode = a.flag("ceil_mode");
    if (a.contains("stride"))
        options.stride = a.pair("stride", 1);
    if constexpr (requires { options.count_include_pad; })
        options.count_include_pad = !a.flag("exclude_pad");
    return options;
}

Draw pooled(Random& random, Tensor<double> (*values)(const Shape&, Random&)) {
    const Pair kernel = pair_between(random, 1, 3);
    const Pair padding{random.below(kernel.height / 2 + 1), random.below(kernel.width / 2 + 1)};
    Draw draw{{values({between(random, 1, 2), kernel.height + random.below(4), kernel.width + random.below(4), between(random, 1, 3)},
                      random)}};
    draw.attributes.set("kernel", kernel);
    draw.attributes.set("padding", padding);
    if (random.below(3))
        draw.attributes.set("stride", pair_between(random, 1, 3));
    draw.attributes.set("ceil_mode", std::vector<Index>{random.below(2)});
    draw.attributes.set("exclude_pad", std::vector<Index>{random.below(2)});
    return draw;
}

Draw resized(Random& random) {
    Draw draw{{normal({between(random, 1, 2), between(random, 1, 4), between(random, 1, 4), between(random, 1, 2)}, random)}};
    draw.attributes.set("size", pair_between(random, 1, 6));
    draw.attributes.set("align_corners", std::vector<Index>{random.below(2)});
    return draw;
}

void conv(const Shape& x, const Shape& weight, const ag::Conv2dOptions& options = {}) {
    (void)ag::conv2d(zeros(x), zeros(weight), options);
}

std::vector<Refusal> pooling_refusals(const std::string& name, void (*pool)(const Shape&, Pair, const ag::Pool2dOptions&)) {
    const std::string tag = "[" + name + "] ";
    return {{[=] { pool({4, 4, 3}, 2, {}); }, tag + "expected images (N, H, W, C), got input (4, 4, 3)"},
            {[=] { pool({1, 4, 4, 3}, 0, {}); }, tag + "expected a kernel of at least 1x1, got 0x0"},
            {[=] { pool({1, 4, 4, 3}, 2, {.stride = Pair{1, 0}}); }, tag + "expected a stride of at least 1, got 1x0"},
            {[=] { pool({1, 4, 4, 3}, 3, {.padding = 2}); }, tag + "expected a padding of at most half the kernel 3x3, got 2x2"},
            {[=] { pool({1, 4, 4, 3}, 2, {.padding = {-1, 0}}); }, tag + "expected a padding of at least 0, got -1x0"},
            {[=] { pool({1, 1, 4, 3}, 2, {}); }, tag + "expected a padded image of at least 2x2, got 1x4 with padding 0x0"},
            {[=] { pool({1, 0, 4, 1}, 2, {.padding = 1}); },
             tag + "expected images of at least 1x1 and one channel, got input (1, 0, 4, 1)"},
            {[=] { pool({1, 4, 4, 0}, 2, {}); }, tag + "expected images of at least 1x1 and one channel, got input (1, 4, 4, 0)"},
            {[=] { pool({1, 4, 4, 3}, 2, {.stride = huge}); },
             concat(tag, "expected a kernel, stride, padding and dilation of at most 2147483647, got ", huge, 'x', huge)},
            {[=] { pool({1, 4, 4, 3}, {1, 2147483647}, {.padding = {0, 2147483647}}); },
             tag + "expected a padding of at most half the kernel 1x2147483647, got 0x2147483647"},
            {[=] { pool({1, 300, 300, 1}, 257, {}); }, tag + "expected at most 65536 taps, got kernel 257x257"}};
}

}  // namespace

Rows image_rows() {
    Rows rows;
    rows.push_back(row(
        "conv2d",
        [](const auto& v, const Attributes& a) {
            return v.size() == 3 ? ag::conv2d(v[0], v[1], v[2], conv_options(a)) : ag::conv2d(v[0], v[1], conv_options(a));
        },
        convolution,
        {{[] { conv({32, 28, 28, 1}, {8, 3, 3, 3}); }, "[conv2d] expected 3 input channels, got input (32, 28, 28, 1)"},
         {[] { conv({28, 28, 1}, {8, 3, 3, 1}); }, "[conv2d] expected images (N, H, W, C), got input (28, 28, 1)"},
         {[] { conv({1, 8, 8, 1}, {3, 3, 1}); }, "[conv2d] expected weights (out, kernel_h, kernel_w, in / groups), got (3, 3, 1)"},
         {[] { conv({1, 8, 8, 2}, {8, 3, 3, 2}, {.groups = 3}); }, "[conv2d] expected groups that divide 8 output channels, got 3"},
         {[] { conv({1, 8, 8, 2}, {8, 3, 3, 2}, {.groups = 0}); }, "[conv2d] expected groups that divide 8 output channels, got 0"},
         {[] { conv({1, 8, 8, 2}, {8, 3, 3, 2}, {.groups = 2}); }, "[conv2d] expected 4 input channels, got input (1, 8, 8, 2)"},
         {[] { conv({1, 8, 8, 1}, {8, 0, 3, 1}); }, "[conv2d] expected a kernel of at least 1x1, got 0x3"},
         {[] { conv({1, 8, 8, 1}, {8, 3, 3, 1}, {.stride = 0}); }, "[conv2d] expected a stride of at least 1, got 0x0"},
         {[] { conv({1, 8, 8, 1}, {8, 3, 3, 1}, {.padding = {0, -1}}); }, "[conv2d] expected a padding of at least 0, got 0x-1"},
         {[] { conv({1, 8, 8, 1}, {8, 3, 3, 1}, {.dilation = {0, 1}}); }, "[conv2d] expected a dilation of at least 1, got 0x1"},
         {[] { conv({1, 8, 8, 1}, {0, 3, 3, 1}); }, "[conv2d] expected at least one output channel, got weights (0, 3, 3, 1)"},
         {[] { conv({1, 0, 8, 1}, {8, 3, 3, 1}, {.padding = 2}); }, "[conv2d] expected images of at least 1x1, got input (1, 0, 8, 1)"},
         {[] { conv({1, 8, 8, 1}, {8, 3, 3, 1}, {.dilation = huge}); },
          concat("[conv2d] expected a kernel, stride, padding and dilation of at most 2147483647, got ", huge, 'x', huge)},
         {[] { conv({1, 8, 8, 1}, {8, 3, 3, 1}, {.padding = {0, huge}}); },
          concat("[conv2d] expected a kernel, stride, padding and dilation of at most 2147483647, got 0x", huge)},
         {[] { conv({1, 8, 8, 1}, {8, 3, 3, 1}, {.stride = {huge, 1}}); },
          concat("[conv2d] expected a kernel, stride, padding and dilation of at most 2147483647, got ", huge, "x1")},
         {[] { conv({1, 8, 8, 1}, {8, 3, 3, 1}, {.dilation = 2147483647}); },
          "[conv2d] expected a padded image of at least 4294967295x4294967295, got 8x8 with padding 0x0"},
         {[] { conv({1, 8, 8, 1}, {8, 3, 3, 1}, {.padding = 2147483647}); },
          "[shape] expected fewer elements than can be addressed, got 4294967300 x 4294967300"},
         {[] { conv({1, 8, 8, 1}, {8, 3, 3, 1}, {.groups = huge}); },
          concat("[conv2d] expected groups that divide 8 output channels, got ", huge)},
         {[] { conv({1, 8, 4, 1}, {8, 3, 3, 1}, {.padding = {1, 0}, .dilation = 2}); },
          "[conv2d] expected a padded image of at least 5x5, got 8x4 with padding 1x0"},
         {[] { (void)ag::conv2d(zeros({1, 8, 8, 1}), zeros({8, 3, 3, 1}), zeros({1})); },
          "[conv2d] expected a bias of shape (8,), got (1,)"}}));
    rows.push_back(row(
        "conv2d_relu",
        [](const auto& v, const Attributes& a) {
            return v.size() == 3 ? ag::conv2d_relu(v[0], v[1], v[2], conv_options(a)) : ag::conv2d_relu(v[0], v[1], conv_options(a));
        },
        convolution,
        {{[] { (void)ag::conv2d_relu(zeros({1, 8, 8, 1}), zeros({8, 3, 3, 2})); },
          "[conv2d] expected 2 input channels, got input (1, 8, 8, 1)"}}));
    rows.push_back(row(
        "conv2d_relu_max_pool2d",
        [](const auto& v, const Attributes& a) {
            return v.size() == 3 ? ag::conv2d_relu_max_pool2d(v[0], v[1], v[2], conv_options(a))
                                 : ag::conv2d_relu_max_pool2d(v[0], v[1], conv_options(a));
        },
        [](Random& random) {
            Draw draw = convolution(random);
            draw.attributes.set("stride", std::vector<Index>{1, 1});
            draw.attributes.set("padding", std::vector<Index>{2, 2});  // at least 2x2 pixels to pool
            return draw;
        },
        {{[] { (void)ag::conv2d_relu_max_pool2d(zeros({1, 8, 8, 1}), zeros({8, 3, 3, 2})); },
          "[conv2d] expected 2 input channels, got input (1, 8, 8, 1)"},
         {[] { (void)ag::conv2d_relu_max_pool2d(zeros({1, 3, 4, 1}), zeros({8, 3, 3, 1})); },
          "[max_pool2d] expected a padded image of at least 2x2, got 1x2 with padding 0x0"}}));
    rows.push_back(row(
        "max_pool2d",
        [](const auto& v, const Attributes& a) { return ag::max_pool2d(v[0], a.pair("kernel", 1), pool_options<ag::Pool2dOptions>(a)); },
        [](Random& random) { return pooled(random, apart); },
        pooling_refusals("max_pool2d", [](const Shape& x, Pair kernel, const ag::Pool2dOptions& options) {
            (void)ag::max_pool2d(zeros(x), kernel, options);
        })));
    rows.push_back(row(
        "avg_pool2d",
        [](const auto& v, const Attributes& a) { return ag::avg_pool2d(v[0], a.pair("kernel", 1), pool_options<ag::AvgPool2dOptions>(a)); },
        [](Random& random) { return pooled(random, normal); },
        pooling_refusals("avg_pool2d", [](const Shape& x, Pair kernel, const ag::Pool2dOptions& options) {
            (void)ag::avg_pool2d(zeros(x), kernel, {.stride = options.stride, .padding = options.padding});
        })));
    rows.push_back(row(
        "global_avg_pool2d", [](const auto& v, const Attributes&) { return ag::global_avg_pool2d(v[0]); },
        [](Random& random) { return Draw{{normal(random_shape(random, 4, 4), random)}}; },
        {{[] { (void)ag::global_avg_pool2d(zeros({4, 4, 3})); },
          "[global_avg_pool2d] expected images (N, H, W, C), got input (4, 4, 3)"},
         {[] { (void)ag::global_avg_pool2d(zeros({1, 0, 4, 3})); },
          "[global_avg_pool2d] expected images (N, H, W, C), got input (1, 0, 4, 3)"}}));
    rows.push_back(row(
        "upsample_nearest2d", [](const auto& v, const Attributes& a) { return ag::upsample_nearest2d(v[0], a.pair("size", 1)); },
        resized,
        {{[] { (void)ag::upsample_nearest2d(zeros({4, 4, 3}), 2); },
          "[upsample_nearest2d] expected images (N, H, W, C), got input (4, 4, 3)"},
         {[] { (void)ag::upsample_nearest2d(zeros({1, 4, 4, 3}), {0, 2}); },
          "[upsample_nearest2d] expected a size of at least 1x1, got 0x2"},
         {[] { (void)ag::upsample_nearest2d(zeros({1, 4, 4, 1}), huge); },
          concat("[shape] expected fewer elements than can be addressed, got 1 x ", huge)},
         {[] { (void)ag::upsample_nearest2d(zeros({0, 4, 4, 1}), {1 << 30, 1 << 30}); },
          concat("[shape] expected fewer elements than can be addressed, got ", 1 << 30, " x ", 1 << 30)}}));
    rows.push_back(row(
        "upsample_bilinear2d",
        [](const auto& v, const Attributes& a) {
            return ag::upsample_bilinear2d(v[0], a.pair("size", 1), a.flag("align_corners"));
        },
        resized,
        {{[] { (void)ag::upsample_bilinear2d(zeros({1, 0, 4, 3}), 2); },
          "[upsample_bilinear2d] expected images (N, H, W, C), got input (1, 0, 4, 3)"},
         {[] { (void)ag::upsample_bilinear2d(zeros({1, 4, 4, 3}), {2, -1}); },
          "[upsample_bilinear2d] expected a size of at least 1x1, got 2x-1"}}));
    rows.push_back(row(
        "pixel_shuffle", [](const auto& v, const Attributes& a) { return ag::pixel_shuffle(v[0], a.index("factor")); },
        [](Random& random) { return shuffled(random, true); },
        {{[] { (void)ag::pixel_shuffle(zeros({4, 4, 4}), 2); },
          "[pixel_shuffle] expected images (N, H, W, C) with a multiple of 4 channels, got input (4, 4, 4)"},
         {[] { (void)ag::pixel_shuffle(zeros({1, 4, 4, 6}), 2); },
          "[pixel_shuffle] expected images (N, H, W, C) with a multiple of 4 channels, got input (1, 4, 4, 6)"},
         {[] { (void)ag::pixel_shuffle(zeros({1, 4, 4, 6}), 0); }, "[pixel_shuffle] expected a factor from 1 to 2^31 - 1, got 0"}}));
    rows.push_back(row(
        "pixel_unshuffle", [](const auto& v, const Attributes& a) { return ag::pixel_unshuffle(v[0], a.index("factor")); },
        [](Random& random) { return shuffled(random, false); },
        {{[] { (void)ag::pixel_unshuffle(zeros({4, 4, 4}), 2); },
          "[pixel_unshuffle] expected images (N, H, W, C) with multiples of 2 for H and W, got input (4, 4, 4)"},
         {[] { (void)ag::pixel_unshuffle(zeros({1, 4, 5, 6}), 2); },
          "[pixel_unshuffle] expected images (N, H, W, C) with multiples of 2 for H and W, got input (1, 4, 5, 6)"},
         {[] { (void)ag::pixel_unshuffle(zeros({1, 4, 4, 6}), huge); },
          concat("[pixel_unshuffle] expected a factor from 1 to 2^31 - 1, got ", huge)}}));
    return rows;
}

}  // namespace registry
