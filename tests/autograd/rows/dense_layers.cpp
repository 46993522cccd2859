// SPDX-License-Identifier: MIT
#include "autograd/registry.hpp"

#include <espalier/autograd/adaptive_pooling.hpp>
#include <espalier/autograd/conv_transpose2d.hpp>
#include <espalier/autograd/group_norm.hpp>

namespace registry {
namespace {

namespace ag = espalier::autograd;
using espalier::concat;

ag::ConvTranspose2dOptions options_of(const Attributes& a) {
    return {a.pair("stride", 1), a.pair("padding", 0), a.pair("output_padding", 0), a.pair("dilation", 1), a.index("groups", 1)};
}

Draw transposed(Random& random) {
    const Pair kernel = pair_between(random, 1, 3), stride = pair_between(random, 1, 3), dilation = pair_between(random, 1, 2);
    const Pair more{random.below(std::max(stride.height, dilation.height)), random.below(std::max(stride.width, dilation.width))};
    const Pair extent = pair_between(random, 1, 3);
    const Pair whole{(extent.height - 1) * stride.height + (kernel.height - 1) * dilation.height + more.height,
                     (extent.width - 1) * stride.width + (kernel.width - 1) * dilation.width + more.width};
    const Pair padding{random.below(std::min<Index>(2, whole.height / 2) + 1), random.below(std::min<Index>(2, whole.width / 2) + 1)};
    const Index groups = random.below(2) ? 1 : between(random, 1, 3);
    const Index in = groups * between(random, 1, 2), filters = between(random, 1, 2);
    Draw draw{{normal({between(random, 1, 2), extent.height, extent.width, in}, random),
               normal({in, kernel.height, kernel.width, filters}, random)}};
    if (random.below(2))
        draw.inputs.push_back(normal({groups * filters}, random));
    draw.attributes.set("stride", stride);
    draw.attributes.set("padding", padding);
    draw.attributes.set("output_padding", more);
    draw.attributes.set("dilation", dilation);
    draw.attributes.set("groups", std::vector<Index>{groups});
    return draw;
}

Draw pooled_to(Random& random, Tensor<double> (*values)(const Shape&, Random&)) {
    const Index height = between(random, 1, 5);
    Draw draw{{values({between(random, 1, 2), height, between(random, 1, 5), between(random, 1, 3)}, random)}};
    draw.attributes.set("size", Pair{between(random, 1, 6), between(random, 1, 4)});
    return draw;
}

Draw grouped(Random& random) {
    const Index groups = between(random, 1, 3), depth = between(random, 1, 3);
    Shape shape = random_shape(random, 1, 3, 3);
    if (shape.rank() == 1 && depth == 1)
        shape.append(3);
    if (shape.product(1, shape.rank()) * depth < 3)
        shape.append(3);  // the statistics of two values are all but constant: differences lose their digits
    shape.append(groups * depth);
    Draw draw{{normal(shape, random)}, {{"epsilon", {0.01}}}};
    if (random.below(2)) {
        draw.inputs.push_back(normal({groups * depth}, random));
        draw.inputs.push_back(normal({groups * depth}, random));
    }
    draw.attributes.set("groups", std::vector<Index>{groups});
    return draw;
}

void transpose(const Shape& x, const Shape& weight, const ag::ConvTranspose2dOptions& options = {}) {
    (void)ag::conv_transpose2d(zeros(x), zeros(weight), options);
}

std::vector<Refusal> pooling_refusals(const std::string& name, void (*pool)(const Shape&, Pair)) {
    const std::string tag = "[" + name + "] ";
    return {{[=] { pool({4, 4, 3}, 2); }, tag + "expected images (N, H, W, C), got input (4, 4, 3)"},
            {[=] { pool({1, 0, 4, 3}, 2); }, tag + "expected images (N, H, W, C), got input (1, 0, 4, 3)"},
            {[=] { pool({1, 4, 4, 3}, {2, 0}); }, tag + "expected a size of at least 1x1, got 2x0"},
            {[=] { pool({1, 4, 4, 1}, huge); }, concat("[shape] expected fewer elements than can be addressed, got 1 x ", huge)}};
}

std::vector<Refusal> transposed_refusals() {
    const std::string tag = "[conv_transpose2d] ";
    const std::string of_output_padding = tag + "expected an output padding of at least 0 and less than stride ";
    return {{[] { transpose({2, 8, 8, 1}, {3, 3, 3, 4}); }, tag + "expected 3 input channels, got input (2, 8, 8, 1)"},
            {[] { transpose({8, 8, 1}, {1, 3, 3, 4}); }, tag + "expected images (N, H, W, C), got input (8, 8, 1)"},
            {[] { transpose({1, 8, 8, 1}, {1, 3, 3}); },
             tag + "expected weights (in, kernel_h, kernel_w, out / groups), got (1, 3, 3)"},
            {[] { transpose({1, 8, 8, 1}, {1, 3, 3, 0}); },
             tag + "expected at least one input and output channel, got weights (1, 3, 3, 0)"},
            {[] { transpose({1, 0, 8, 1}, {1, 3, 3, 1}); },
             tag + "expected images of at least 1x1 and at most 2147483647 pixels a side, got input (1, 0, 8, 1)"},
            {[] { transpose({1, 8, 8, 4}, {4, 3, 3, 1}, {.groups = 3}); }, tag + "expected groups that divide 4 input channels, got 3"},
            {[] { transpose({1, 8, 8, 4}, {4, 3, 3, 1}, {.groups = 0}); }, tag + "expected groups that divide 4 input channels, got 0"},
            {[] { transpose({1, 8, 8, 1}, {1, 0, 3, 1}); }, tag + "expected a kernel of at least 1x1, got 0x3"},
            {[] { transpose({1, 8, 8, 1}, {1, 3, 3, 1}, {.stride = 0}); }, tag + "expected a stride of at least 1, got 0x0"},
            {[] { transpose({1, 8, 8, 1}, {1, 3, 3, 1}, {.stride = huge}); },
             concat(tag, "expected a kernel, stride, padding and dilation of at most 2147483647, got ", huge, 'x', huge)},
            {[] { transpose({1, 8, 8, 1}, {1, 3, 3, 1}, {.stride = 2, .output_padding = 2}); },
             of_output_padding + "2x2 or dilation 1x1, got 2x2"},
            {[] { transpose({1, 8, 8, 1}, {1, 3, 3, 1}, {.stride = 2, .output_padding = {0, -1}}); },
             of_output_padding + "2x2 or dilation 1x1, got 0x-1"},
            {[] { transpose({1, 2, 1, 1}, {1, 3, 3, 1}, {.padding = 2}); },
             tag + "expected a result of at least 1x1, got 0x-1 of input (1, 2, 1, 1) with padding 2x2"},
            {[] { (void)ag::conv_transpose2d(zeros({1, 8, 8, 4}), zeros({4, 3, 3, 3}), zeros({3}), {.groups = 2}); },
             tag + "expected a bias of shape (6,), got (3,)"}};
}

}  // namespace

Rows dense_layer_rows() {
    Rows rows;
    rows.push_back(row(
        "conv_transpose2d",
        [](const auto& v, const Attributes& a) {
            return v.size() == 3 ? ag::conv_transpose2d(v[0], v[1], v[2], options_of(a)) : ag::conv_transpose2d(v[0], v[1], options_of(a));
        },
        transposed, transposed_refusals()));
    rows.push_back(row(
        "adaptive_avg_pool2d", [](const auto& v, const Attributes& a) { return ag::adaptive_avg_pool2d(v[0], a.pair("size", 1)); },
        [](Random& random) { return pooled_to(random, normal); },
        pooling_refusals("adaptive_avg_pool2d", [](const Shape& x, Pair size) { (void)ag::adaptive_avg_pool2d(zeros(x), size); })));
    rows.push_back(row(
        "adaptive_max_pool2d", [](const auto& v, const Attributes& a) { return ag::adaptive_max_pool2d(v[0], a.pair("size", 1)); },
        [](Random& random) { return pooled_to(random, apart); },
        pooling_refusals("adaptive_max_pool2d", [](const Shape& x, Pair size) { (void)ag::adaptive_max_pool2d(zeros(x), size); })));
    rows.push_back(row(
        "group_norm",
        [](const auto& v, const Attributes& a) {
            return v.size() == 3 ? ag::group_norm(v[0], a.index("groups"), v[1], v[2], a.number("epsilon"))
                                 : ag::group_norm(v[0], a.index("groups"), a.number("epsilon"));
        },
        grouped,
        {{[] { (void)ag::group_norm(zeros({4, 3}), 2); }, "[group_norm] expected groups that divide 3 channels, got 2"},
         {[] { (void)ag::group_norm(zeros({4, 3}), 0); }, "[group_norm] expected groups that divide 3 channels, got 0"},
         {[] { (void)ag::group_norm(zeros({4}), 1); }, "[group_norm] expected (N, ..., C) of at least one channel, got input (4,)"},
         {[] { (void)ag::group_norm(zeros({4, 0}), 1); }, "[group_norm] expected (N, ..., C) of at least one channel, got input (4, 0)"},
         {[] { (void)ag::group_norm(zeros({4, 3}), 1, zeros({2}), zeros({3})); },
          "[group_norm] expected 2 channels, got input (4, 3), weight (2,), bias (3,)"}}));
    return rows;
}

}  // namespace registry
