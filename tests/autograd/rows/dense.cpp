// SPDX-License-Identifier: MIT
#include "autograd/registry.hpp"

#include <espalier/losses/box_iou.hpp>
#include <espalier/losses/cosine.hpp>
#include <espalier/losses/dice.hpp>
#include <espalier/losses/focal.hpp>
#include <espalier/losses/lovasz.hpp>
#include <espalier/losses/scale_invariant.hpp>
#include <espalier/losses/tversky.hpp>

#include <optional>

namespace registry {
namespace {

using namespace espalier::losses;

Reduction reduction_of(const Attributes& a) { return static_cast<Reduction>(a.index("reduction")); }

/// `elements` is a mask of the shape of labels or values, `mask` one of samples.
std::optional<Tensor<bool>> mask_of(const Attributes& a, const Shape& shape) {
    if (a.contains("elements"))
        return a.tensor<bool>("elements", shape);
    if (!a.contains("mask"))
        return {};
    return a.tensor<bool>("mask", {static_cast<Index>(a.list("mask").size())});
}

/// Of labels or of values, whichever there are.
template <class Scalar>
Target<Scalar> target_of(const Variables<Scalar>& v, const Attributes& a) {
    const Shape shape = v[0].shape();
    if (a.contains("labels"))
        return {a.tensor<Index>("labels", shape.without(-1)), mask_of(a, shape.without(-1))};
    return {a.tensor<Scalar>("values", shape), mask_of(a, shape)};
}

void set(Draw& draw, const std::string& name, const Tensor<double>& values) {
    draw.attributes.set(name, std::vector<double>{values.begin(), values.end()});
}

void draw_mask(Draw& draw, Random& random) {
    draw.attributes.set("reduction", std::vector<Index>{random.below(3)});
    if (random.below(2))
        return;
    std::vector<Index> labelled(static_cast<std::size_t>(draw.inputs[0].size(0)));
    for (Index& sample : labelled)
        sample = random.below(4) == 0 ? 0 : 1;
    labelled.front() = 1;  // a loss over nothing is a constant
    draw.attributes.set("mask", labelled);
}

void draw_labels(Draw& draw, Random& random) {
    const Shape& shape = draw.inputs[0].shape();
    std::vector<Index> labels(static_cast<std::size_t>(shape.numel() / shape.back()));
    for (Index& label : labels)
        label = random.below(shape.back());
    if (random.below(3) == 0 && labels.size() > 1) {
        labels.back() = -7;
        draw.attributes.set("ignore_index", std::vector<Index>{-7});
    }
    draw.attributes.set("labels", labels);
}

void draw_answers(Draw& draw, Random& random) {
    Tensor<double> values{draw.inputs[0].shape()};
    for (double& value : values)
        value = static_cast<double>(random.below(2));
    set(draw, "values", values);
}

Draw answers(Random& random) {
    Draw draw{{normal(random_shape(random, 1, 3, 4), random)}, {{"alpha", {0.3}}}};
    draw.attributes.set("gamma", std::vector<double>{random.uniform() * 3});
    draw_answers(draw, random);
    draw_mask(draw, random);
    return draw;
}

Draw classes_of_rows(Random& random) {
    Draw draw{{normal(random_shape(random, 1, 3, 3).with(0, 3).prepended(between(random, 1, 3)), random)}};
    draw.attributes.set("gamma", std::vector<double>{random.uniform() * 3});
    draw_labels(draw, random);
    if (random.below(2))
        set(draw, "weight", positive({draw.inputs[0].shape().back()}, random));
    draw_mask(draw, random);
    return draw;
}

/// Of labels, or of answers for each channel.
Draw regions(Random& random) {
    Draw draw{{normal(random_shape(random, 1, 2, 3).prepended(between(random, 1, 3)), random)}};
    if (random.below(2))
        draw_labels(draw, random);
    else
        draw_answers(draw, random);
    draw.attributes.set("smooth", std::vector<double>{0.1 + random.uniform()});
    draw.attributes.set("exponent", std::vector<double>{0.75 + random.uniform()});
    draw.attributes.set("per_sample", std::vector<Index>{random.below(2)});
    draw_mask(draw, random);
    return draw;
}

Draw label_maps(Random& random) {
    Draw draw{{normal(random_shape(random, 1, 2, 4).prepended(between(random, 1, 3)), random)}};
    draw_labels(draw, random);
    draw.attributes.set("per_image", std::vector<Index>{random.below(2)});
    draw.attributes.set("all_classes", std::vector<Index>{random.below(2)});
    draw_mask(draw, random);
    return draw;
}

Draw answer_maps(Random& random) {
    Draw draw{{normal(random_shape(random, 1, 3, 4), random)}};
    draw_answers(draw, random);
    draw.attributes.set("per_image", std::vector<Index>{random.below(2)});
    draw_mask(draw, random);
    return draw;
}

/// Of lengths from 0.5 to 2 whose corners lie in [0, 2): some apart, most not.
Tensor<double> draw_boxes(const Shape& shape, Random& random) {
    Tensor<double> result{shape};
    for (Index i = 0; i < result.numel(); ++i)
        result[i] = i % 4 < 2 ? random.uniform(0.0, 2.0) : result[i - 2] + random.uniform(0.5, 2.0);
    return result;
}

Draw boxes(Random& random) {
    Shape shape = random_shape(random, 1, 2, 4);
    shape.append(4);
    Draw draw{{draw_boxes(shape, random)}, {{"constant_alpha", {0}}}};
    set(draw, "values", draw_boxes(shape, random));
    draw_mask(draw, random);
    return draw;
}

Draw depths(Random& random) {
    const Shape shape = random_shape(random, 1, 3, 4);
    Draw draw{{positive(shape, random)}, {{"lambda", {0.85}}}};
    draw.attributes.set("log_depth", std::vector<Index>{random.below(2)});
    set(draw, "values", positive(shape, random));
    draw_mask(draw, random);
    return draw;
}

Draw vectors(Random& random) {
    const Shape shape = random_shape(random, 1, 2, 4).prepended(between(random, 1, 3));
    Draw draw{{normal(shape, random)}};
    set(draw, "values", normal(shape, random));
    draw_mask(draw, random);
    return draw;
}

Target<double> no_labels(const Shape& shape, Index label = 0) { return Tensor<Index>::full(shape, label); }
Target<double> no_values(const Shape& shape) { return Tensor<double>{shape}; }

template <class Loss>
std::vector<Refusal> refusals_of_values(const std::string& name, const std::string& what, Loss loss) {
    return {{[=] { (void)loss(zeros({2, 4}), no_values({2})); },
             "[" + name + "] expected values of the shape of the prediction (2, 4), got (2,)"},
            {[=] { (void)loss(zeros({2, 4}), no_labels({2})); },
             "[" + name + "] expected a target of values, got class indices of shape (2,): give " + what + " as a Tensor<double>"}};
}

template <class Loss>
std::vector<Refusal> refusals_of_labels(const std::string& name, Loss loss) {
    return {{[=] { (void)loss(zeros({2, 10}), no_labels({2}, 10)); }, "[" + name + "] expected labels in [0, 10), got 10 at sample 0"},
            {[=] { (void)loss(zeros({2, 10}), no_labels({3})); },
             "[" + name + "] expected labels of shape (2,) for logits (2, 10), got (3,)"},
            {[=] { (void)loss(zeros({2}), no_labels({2})); }, "[" + name + "] expected logits (N, ..., classes), got (2,)"}};
}

template <class Loss>
std::vector<Refusal> refusals_of_boxes(const std::string& name, Loss loss) {
    auto result = refusals_of_values(name, "boxes", loss);
    result.push_back({[=] { (void)loss(zeros({2, 3}), no_values({2, 3})); }, "[" + name + "] expected boxes (N, ..., 4), got (2, 3)"});
    return result;
}

TverskyOptions tversky_options(const Attributes& a) {
    return {.alpha = a.number("alpha", 0.3),
            .beta = a.number("beta", 0.7),
            .smooth = a.number("smooth", 1),
            .exponent = a.number("exponent", 1),
            .per_sample = a.flag("per_sample"),
            .ignore_index = a.index("ignore_index", -100),
            .reduction = reduction_of(a)};
}

void add_region_rows(Rows& rows) {
    rows.push_back(row(
        "tversky_loss", [](const auto& v, const Attributes& a) { return tversky_loss(v[0], target_of(v, a), tversky_options(a)); }, regions,
        refusals_of_labels("tversky_loss", [](const auto& x, const auto& y) { return tversky_loss(x, y); })));
    rows.push_back(row(
        "dice_loss",
        [](const auto& v, const Attributes& a) {
            return dice_loss(v[0], target_of(v, a),
                             {.smooth = a.number("smooth", 1),
                              .per_sample = a.flag("per_sample"),
                              .ignore_index = a.index("ignore_index", -100),
                              .reduction = reduction_of(a)});
        },
        regions, refusals_of_labels("dice_loss", [](const auto& x, const auto& y) { return dice_loss(x, y); })));
    rows.push_back(row(
        "lovasz_softmax_loss",
        [](const auto& v, const Attributes& a) {
            return lovasz_softmax_loss(v[0], target_of(v, a),
                                       {.per_image = a.flag("per_image"),
                                        .all_classes = a.flag("all_classes"),
                                        .ignore_index = a.index("ignore_index", -100),
                                        .reduction = reduction_of(a)});
        },
        label_maps, refusals_of_labels("lovasz_softmax_loss", [](const auto& x, const auto& y) { return lovasz_softmax_loss(x, y); })));
    rows.push_back(row(
        "lovasz_hinge_loss",
        [](const auto& v, const Attributes& a) {
            return lovasz_hinge_loss(v[0], target_of(v, a), {.per_image = a.flag("per_image"), .reduction = reduction_of(a)});
        },
        answer_maps,
        refusals_of_values("lovasz_hinge_loss", "0 and 1", [](const auto& x, const auto& y) { return lovasz_hinge_loss(x, y); })));
}

void add_box_rows(Rows& rows) {
    rows.push_back(row(
        "generalized_box_iou_loss",
        [](const auto& v, const Attributes& a) { return generalized_box_iou_loss(v[0], target_of(v, a), {reduction_of(a)}); }, boxes,
        refusals_of_boxes("generalized_box_iou_loss", [](const auto& x, const auto& y) { return generalized_box_iou_loss(x, y); })));
    rows.push_back(row(
        "distance_box_iou_loss",
        [](const auto& v, const Attributes& a) { return distance_box_iou_loss(v[0], target_of(v, a), {reduction_of(a)}); }, boxes,
        refusals_of_boxes("distance_box_iou_loss", [](const auto& x, const auto& y) { return distance_box_iou_loss(x, y); })));
    rows.push_back(row(
        "complete_box_iou_loss",
        [](const auto& v, const Attributes& a) {
            return complete_box_iou_loss(v[0], target_of(v, a), {.constant_alpha = a.flag("constant_alpha"), .reduction = reduction_of(a)});
        },
        boxes, refusals_of_boxes("complete_box_iou_loss", [](const auto& x, const auto& y) { return complete_box_iou_loss(x, y); })));
}

}  // namespace

Rows dense_rows() {
    Rows rows;
    rows.push_back(row(
        "sigmoid_focal_loss",
        [](const auto& v, const Attributes& a) {
            return sigmoid_focal_loss(
                v[0], target_of(v, a),
                {.alpha = a.number("alpha", 0.25), .gamma = a.number("gamma", 2), .reduction = reduction_of(a)});
        },
        answers, refusals_of_values("sigmoid_focal_loss", "0 and 1", [](const auto& x, const auto& y) { return sigmoid_focal_loss(x, y); })));
    rows.push_back(row(
        "focal_cross_entropy",
        []<class S>(const Variables<S>& v, const Attributes& a) {
            FocalCrossEntropyOptions<S> options{.gamma = a.number("gamma", 2),
                                                .weight = {},
                                                .ignore_index = a.index("ignore_index", -100),
                                                .reduction = reduction_of(a)};
            if (a.contains("weight"))
                options.weight = a.tensor<S>("weight", {static_cast<Index>(a.list("weight").size())});
            return focal_cross_entropy(v[0], target_of(v, a), options);
        },
        classes_of_rows, refusals_of_labels("focal_cross_entropy", [](const auto& x, const auto& y) { return focal_cross_entropy(x, y); })));
    add_region_rows(rows);
    add_box_rows(rows);
    rows.push_back(row(
        "scale_invariant_loss",
        [](const auto& v, const Attributes& a) {
            return scale_invariant_loss(
                v[0], target_of(v, a),
                {.lambda = a.number("lambda", 0.5), .log_depth = a.flag("log_depth"), .reduction = reduction_of(a)});
        },
        depths, refusals_of_values("scale_invariant_loss", "depths", [](const auto& x, const auto& y) { return scale_invariant_loss(x, y); })));
    rows.push_back(row(
        "cosine_loss", [](const auto& v, const Attributes& a) { return cosine_loss(v[0], target_of(v, a), {reduction_of(a)}); }, vectors,
        refusals_of_values("cosine_loss", "values", [](const auto& x, const auto& y) { return cosine_loss(x, y); })));
    return rows;
}

}  // namespace registry
