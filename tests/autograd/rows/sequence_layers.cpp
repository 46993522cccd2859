// SPDX-License-Identifier: MIT
#include "autograd/registry.hpp"

#include <espalier/autograd/conv1d.hpp>
#include <espalier/autograd/pooling1d.hpp>
#include <espalier/autograd/rotary_embedding.hpp>
#include <espalier/autograd/sequence_pooling.hpp>
#include <espalier/autograd/swiglu.hpp>
#include <espalier/losses/ctc.hpp>

namespace registry {
namespace {

namespace ag = espalier::autograd;
using espalier::concat;

const std::string options_1d = "expected a kernel, stride and dilation of 1 to 2147483647 and a padding of 0 to 2147483647, got ";

std::optional<Tensor<Index>> sequence_lengths(const Attributes& a) {
    if (!a.contains("lengths"))
        return {};
    const auto lengths = a.indices("lengths");
    return Tensor<Index>{{static_cast<Index>(lengths.size())}, lengths};
}

void draw_lengths(Draw& draw, Random& random) {
    std::vector<Index> lengths;
    for (Index i = 0; i < draw.inputs[0].size(0); ++i)
        lengths.push_back(random.below(draw.inputs[0].size(1) + 1));
    draw.attributes.set("lengths", lengths);
}

ag::Conv1dOptions conv1d_options(const Attributes& a) {
    return {a.index("stride", 1), a.index("padding"), a.index("dilation", 1), a.index("groups", 1)};
}

Draw any_conv1d(Random& random) {
    const Index kernel = between(random, 1, 4), padding = between(random, 0, 2), dilation = between(random, 1, 2);
    const Index groups = random.below(2) ? 1 : between(random, 1, 3), depth = between(random, 1, 2);
    const Index out = groups * between(random, 1, 2);
    const Index longest = std::max<Index>(1, (kernel - 1) * dilation + 1 - 2 * padding) + random.below(4);
    Draw draw{{normal({between(random, 1, 3), longest, groups * depth}, random), normal({out, kernel, depth}, random)}};
    if (random.below(2))
        draw.inputs.push_back(normal({out}, random));
    draw.attributes = {{"stride", {static_cast<double>(between(random, 1, 3))}},
                       {"padding", {static_cast<double>(padding)}},
                       {"dilation", {static_cast<double>(dilation)}},
                       {"groups", {static_cast<double>(groups)}}};
    if (random.below(2))
        draw_lengths(draw, random);
    return draw;
}

template <class Options>
Options pool1d_options(const Attributes& a) {
    Options options;
    options.padding = a.index("padding");
    options.ceil_mode = a.flag("ceil_mode");
    if (a.contains("stride"))
        options.stride = a.index("stride");
    if constexpr (requires { options.count_include_pad; })
        options.count_include_pad = !a.flag("exclude_pad");
    return options;
}

Draw pooled_sequences(Random& random, Tensor<double> (*values)(const Shape&, Random&)) {
    const Index kernel = between(random, 1, 4);
    Draw draw{{values({between(random, 1, 3), kernel + random.below(4), between(random, 1, 3)}, random)}};
    draw.attributes.set("kernel", std::vector<Index>{kernel});
    draw.attributes.set("padding", std::vector<Index>{random.below(kernel / 2 + 1)});
    if (random.below(3))
        draw.attributes.set("stride", std::vector<Index>{between(random, 1, 3)});
    draw.attributes.set("ceil_mode", std::vector<Index>{random.below(2)});
    draw.attributes.set("exclude_pad", std::vector<Index>{random.below(2)});
    if (random.below(2))
        draw_lengths(draw, random);
    return draw;
}

void call_conv1d(const Shape& x, const Shape& weight, const ag::Conv1dOptions& options = {}, const std::optional<Tensor<Index>>& lengths = {}) {
    (void)ag::conv1d(zeros(x), zeros(weight), options, lengths);
}

std::vector<Refusal> conv1d_refusals() {
    return {{[] { call_conv1d({8, 3}, {4, 3, 3}); }, "[conv1d] expected sequences (N, L, C), got input (8, 3)"},
            {[] { call_conv1d({2, 8, 3}, {4, 3}); }, "[conv1d] expected weights (out, kernel, in / groups) with at least one output channel, got (4, 3)"},
            {[] { call_conv1d({2, 8, 3}, {0, 3, 3}); },
             "[conv1d] expected weights (out, kernel, in / groups) with at least one output channel, got (0, 3, 3)"},
            {[] { call_conv1d({2, 8, 2}, {4, 3, 3}); }, "[conv1d] expected 3 input channels, got input (2, 8, 2)"},
            {[] { call_conv1d({2, 8, 2}, {4, 3, 2}, {.groups = 3}); }, "[conv1d] expected groups that divide 4 output channels, got 3"},
            {[] { call_conv1d({2, 8, 2}, {4, 0, 2}); }, "[conv1d] " + options_1d + "0, 1, 1 and 0"},
            {[] { call_conv1d({2, 8, 2}, {4, 3, 2}, {.stride = 0}); }, "[conv1d] " + options_1d + "3, 0, 1 and 0"},
            {[] { call_conv1d({2, 8, 2}, {4, 3, 2}, {.padding = -1}); }, "[conv1d] " + options_1d + "3, 1, 1 and -1"},
            {[] { call_conv1d({2, 8, 2}, {4, 3, 2}, {.dilation = huge}); }, concat("[conv1d] ", options_1d, "3, 1, ", huge, " and 0")},
            {[] { call_conv1d({2, 4, 2}, {4, 3, 2}, {.dilation = 2}); },
             "[conv1d] expected padded sequences of at least 5 steps, got input (2, 4, 2) with padding 0"},
            {[] { call_conv1d({2, 0, 2}, {4, 3, 2}, {.padding = 2}); },
             "[conv1d] expected padded sequences of at least 3 steps, got input (2, 0, 2) with padding 2"},
            {[] { call_conv1d({2, 4, 2}, {4, 3, 2}, {}, Tensor<Index>{{1}, {4}}); }, "[conv1d] expected lengths of shape (2,), got (1,)"},
            {[] { call_conv1d({2, 4, 2}, {4, 3, 2}, {}, Tensor<Index>{{2}, {4, 5}}); }, "[conv1d] expected lengths of 0 to 4, got 5"},
            {[] { (void)ag::conv1d(zeros({2, 4, 2}), zeros({4, 3, 2}), zeros({2})); }, "[conv1d] expected a bias of shape (4,), got (2,)"},
            {[] { (void)ag::conv1d_lengths(Tensor<Index>{{2}, {3, -1}}, 3); }, "[conv1d_lengths] expected lengths of at least 0, got -1"}};
}

std::vector<Refusal> pool1d_refusals(const std::string& name, void (*pool)(const Shape&, Index, const ag::Pool1dOptions&)) {
    const std::string tag = "[" + name + "] ";
    return {{[=] { pool({4, 3}, 2, {}); }, tag + "expected sequences (N, L, C), got input (4, 3)"},
            {[=] { pool({1, 4, 3}, 0, {}); }, tag + options_1d + "0, 0, 1 and 0"},
            {[=] { pool({1, 4, 3}, 2, {.stride = 0}); }, tag + options_1d + "2, 0, 1 and 0"},
            {[=] { pool({1, 4, 3}, 3, {.padding = 2}); }, tag + "expected a padding of at most half the kernel 3, got 2"},
            {[=] { pool({1, 1, 3}, 2, {}); }, tag + "expected padded sequences of at least 2 steps, got input (1, 1, 3) with padding 0"},
            {[=] { pool({1, 4, 0}, 2, {}); }, tag + "expected at least one channel, got input (1, 4, 0)"},
            {[=] { pool({1, 70000, 1}, 65537, {}); }, tag + "expected a kernel of at most 65536, got 65537"}};
}

/// Sequences of one row each, whose values are drawn by `values`.
Draw of_some_lengths(Random& random, Tensor<double> (*values)(const Shape&, Random&), bool always = false) {
    Draw draw{{values(random_shape(random, 3, 3), random)}};
    if (always || random.below(2))
        draw_lengths(draw, random);
    return draw;
}

std::vector<Refusal> length_refusals(const std::string& name, void (*pool)(const Shape&, const Tensor<Index>&)) {
    const std::string tag = "[" + name + "] ";
    return {{[=] { pool({4, 3}, Tensor<Index>{Shape{4}}); }, tag + "expected sequences (N, L, C), got input (4, 3)"},
            {[=] { pool({2, 4, 3}, Tensor<Index>{Shape{3}}); }, tag + "expected lengths of shape (2,), got (3,)"},
            {[=] { pool({2, 4, 3}, Tensor<Index>{{2}, {1, 5}}); }, tag + "expected lengths of 0 to 4, got 5"},
            {[=] { pool({2, 4, 3}, Tensor<Index>{{2}, {-1, 4}}); }, tag + "expected lengths of 0 to 4, got -1"}};
}

ag::RotaryOptions rotary_options(const Attributes& a) {
    return {.heads = a.index("heads", 1), .rest = a.index("rest"), .base = a.number("base", 10000), .offset = a.index("offset")};
}

std::vector<Refusal> rotary_refusals() {
    const std::string tag = "[rotary_embedding] ";
    const std::string values = tag + "expected at least one head, a rest and an offset of at least 0 and a base above 0, got ";
    return {{[] { (void)ag::rotary_embedding(zeros({2, 4, 6}), {.heads = 2}); }, tag + "expected (N, L, 2 D + 0) with an even D, got (2, 4, 6)"},
            {[] { (void)ag::rotary_embedding(zeros({2, 4, 6}), {.rest = 8}); }, tag + "expected (N, L, 1 D + 8) with an even D, got (2, 4, 6)"},
            {[] { (void)ag::rotary_embedding(zeros({4, 6})); }, tag + "expected (N, L, 1 D + 0) with an even D, got (4, 6)"},
            {[=] { (void)ag::rotary_embedding(zeros({2, 4, 6}), {.heads = 0}); }, values + "0, 0, 0 and 10000"},
            {[=] { (void)ag::rotary_embedding(zeros({2, 4, 6}), {.base = 0, .offset = -1}); }, values + "1, 0, -1 and 0"}};
}

void push_pooling_rows(Rows& rows) {
    rows.push_back(row(
        "mask_padding", [](const auto& v, const Attributes& a) { return ag::mask_padding(v[0], *sequence_lengths(a)); },
        [](Random& random) { return of_some_lengths(random, normal, true); },
        length_refusals("mask_padding", [](const Shape& x, const Tensor<Index>& lengths) { (void)ag::mask_padding(zeros(x), lengths); })));
    rows.push_back(row(
        "sequence_mean", [](const auto& v, const Attributes& a) { return ag::sequence_mean(v[0], sequence_lengths(a)); },
        [](Random& random) { return of_some_lengths(random, normal); },
        length_refusals("sequence_mean", [](const Shape& x, const Tensor<Index>& lengths) { (void)ag::sequence_mean(zeros(x), lengths); })));
    rows.push_back(row(
        "sequence_max", [](const auto& v, const Attributes& a) { return ag::sequence_max(v[0], sequence_lengths(a)); },
        [](Random& random) { return of_some_lengths(random, apart); },
        length_refusals("sequence_max", [](const Shape& x, const Tensor<Index>& lengths) { (void)ag::sequence_max(zeros(x), lengths); })));
    rows.push_back(row(
        "sequence_last", [](const auto& v, const Attributes& a) { return ag::sequence_last(v[0], sequence_lengths(a)); },
        [](Random& random) { return of_some_lengths(random, normal); },
        length_refusals("sequence_last", [](const Shape& x, const Tensor<Index>& lengths) { (void)ag::sequence_last(zeros(x), lengths); })));
}

void push_transformer_rows(Rows& rows) {
    rows.push_back(row(
        "rotary_embedding", [](const auto& v, const Attributes& a) { return ag::rotary_embedding(v[0], rotary_options(a)); },
        [](Random& random) {
            const Index heads = between(random, 1, 3), rest = between(random, 0, 3);
            Draw draw{{normal({between(random, 1, 2), between(random, 1, 4), heads * 2 * between(random, 1, 3) + rest}, random)}};
            draw.attributes = {{"heads", {static_cast<double>(heads)}}, {"rest", {static_cast<double>(rest)}}, {"base", {50}}};
            return draw;
        },
        rotary_refusals()));
    rows.push_back(row(
        "swiglu", [](const auto& v, const Attributes&) { return ag::swiglu(v[0]); },
        [](Random& random) {
            const Shape shape = random_shape(random, 1, 3);
            return Draw{{normal(shape.with(-1, 2 * shape.back()), random)}};
        },
        {{[] { (void)ag::swiglu(zeros({4, 3})); }, "[swiglu] expected an even last axis, got (4, 3)"},
         {[] { (void)ag::swiglu(zeros({})); }, "[swiglu] expected an even last axis, got ()"}}));
}

namespace ls = espalier::losses;

template <class Scalar>
Variable<Scalar> ctc(const Variables<Scalar>& v, const Attributes& a) {
    const Index samples = v[0].size(0);
    const auto labels = a.tensor<Index>("labels", {samples, a.index("most")});
    std::optional<Tensor<bool>> mask;
    if (a.contains("mask"))
        mask = a.tensor<bool>("mask", {samples});
    return ls::ctc_loss<Scalar>(v[0], {labels, mask}, {.inputs = sequence_lengths(a)},
                                {.blank = a.index("blank"),
                                 .zero_infinity = a.flag("zero_infinity"),
                                 .reduction = static_cast<ls::Reduction>(a.index("reduction"))});
}

/// Sequences that are long enough for their labels, and for a blank between any two.
Draw labelled_sequences(Random& random) {
    const Index samples = between(random, 1, 3), most = between(random, 1, 3), classes = between(random, 2, 4), blank = random.below(classes);
    Draw draw{{normal({samples, 2 * most + random.below(3), classes}, random)}};
    std::vector<Index> labels, lengths, mask;
    for (Index n = 0; n < samples; ++n) {
        const Index count = random.below(most + 1);
        for (Index i = 0; i < most; ++i)
            labels.push_back(i < count ? (blank + 1 + random.below(classes - 1)) % classes : -1);
        lengths.push_back(between(random, std::max<Index>(1, 2 * count - 1), draw.inputs[0].size(1)));
        mask.push_back(n == 0 || random.below(3) > 0);
    }
    draw.attributes.set("labels", labels);
    draw.attributes.set("lengths", lengths);
    draw.attributes.set("most", std::vector<Index>{most});
    draw.attributes.set("blank", std::vector<Index>{blank});
    draw.attributes.set("reduction", std::vector<Index>{random.below(3)});
    if (random.below(2))
        draw.attributes.set("mask", mask);
    return draw;
}

std::vector<Refusal> ctc_refusals() {
    using Labels = Tensor<Index>;
    const auto call = [](const Shape& logits, const ls::Target<double>& target, const ls::CTCLengths& lengths = {}, Index blank = 0) {
        return [=] { (void)ls::ctc_loss(zeros(logits), target, lengths, {.blank = blank}); };
    };
    const Labels labels = Labels::full({2, 3}, 1);
    return {{call({5, 4}, labels), "[ctc_loss] expected logits (N, L, classes), got (5, 4)"},
            {call({2, 5, 4}, Tensor<double>{Shape{2, 3}}), "[ctc_loss] expected a target of class indices, got values of shape (2, 3)"},
            {call({3, 5, 4}, labels), "[ctc_loss] expected labels (3, S) for logits (3, 5, 4), got (2, 3)"},
            {call({2, 5, 4}, Labels{Shape{2}}), "[ctc_loss] expected labels (2, S) for logits (2, 5, 4), got (2,)"},
            {call({2, 5, 4}, labels, {}, 4), "[ctc_loss] expected a blank in [0, 4), got 4"},
            {call({2, 5, 4}, labels, {}, 1), "[ctc_loss] expected labels in [0, 4) other than the blank 1, got 1 at sample 0"},
            {call({2, 5, 4}, Labels::full({2, 3}, 4)), "[ctc_loss] expected labels in [0, 4) other than the blank 0, got 4 at sample 0"},
            {call({2, 5, 4}, Labels::full({2, 3}, -2)), "[ctc_loss] expected labels in [0, 4) other than the blank 0, got -2 at sample 0"},
            {call({2, 5, 4}, labels, {.inputs = Labels{Shape{3}}}), "[ctc_loss] expected lengths (2,) of the inputs, got (3,)"},
            {call({2, 5, 4}, labels, {.inputs = Labels{{2}, {6, 1}}}), "[ctc_loss] expected lengths of 0 to 5 of the inputs, got 6"},
            {call({2, 5, 4}, labels, {.targets = Labels{{2}, {4, 1}}}), "[ctc_loss] expected lengths of 0 to 3 of the targets, got 4"}};
}

}  // namespace

Rows sequence_layer_rows() {
    Rows rows;
    push_pooling_rows(rows);
    push_transformer_rows(rows);
    rows.push_back(row(
        "ctc_loss", [](const auto& v, const Attributes& a) { return ctc(v, a); }, labelled_sequences, ctc_refusals()));
    rows.push_back(row(
        "conv1d",
        [](const auto& v, const Attributes& a) {
            return v.size() == 3 ? ag::conv1d(v[0], v[1], v[2], conv1d_options(a), sequence_lengths(a))
                                 : ag::conv1d(v[0], v[1], conv1d_options(a), sequence_lengths(a));
        },
        any_conv1d, conv1d_refusals()));
    rows.push_back(row(
        "max_pool1d",
        [](const auto& v, const Attributes& a) {
            return ag::max_pool1d(v[0], a.index("kernel"), pool1d_options<ag::Pool1dOptions>(a), sequence_lengths(a));
        },
        [](Random& random) { return pooled_sequences(random, apart); },
        pool1d_refusals("max_pool1d", [](const Shape& x, Index kernel, const ag::Pool1dOptions& options) {
            (void)ag::max_pool1d(zeros(x), kernel, options);
        })));
    rows.push_back(row(
        "avg_pool1d",
        [](const auto& v, const Attributes& a) {
            return ag::avg_pool1d(v[0], a.index("kernel"), pool1d_options<ag::AvgPool1dOptions>(a), sequence_lengths(a));
        },
        [](Random& random) { return pooled_sequences(random, normal); },
        pool1d_refusals("avg_pool1d", [](const Shape& x, Index kernel, const ag::Pool1dOptions& options) {
            (void)ag::avg_pool1d(zeros(x), kernel, {.stride = options.stride, .padding = options.padding});
        })));
    return rows;
}

}  // namespace registry
