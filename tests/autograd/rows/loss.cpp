// SPDX-License-Identifier: MIT
#include "autograd/registry.hpp"

#include <espalier/losses/binary_cross_entropy.hpp>
#include <espalier/losses/cross_entropy.hpp>
#include <espalier/losses/huber.hpp>
#include <espalier/losses/l1.hpp>
#include <espalier/losses/mse.hpp>

#include <optional>

namespace registry {
namespace {

using namespace espalier::losses;

Reduction reduction(const Attributes& a) { return static_cast<Reduction>(a.index("reduction")); }

std::optional<Tensor<bool>> mask(const Attributes& a) {
    if (!a.contains("mask"))
        return {};
    return a.tensor<bool>("mask", {static_cast<Index>(a.list("mask").size())});
}

template <class Scalar>
Target<Scalar> values(const Variables<Scalar>& v, const Attributes& a) {
    return {a.tensor<Scalar>("values", v[0].shape()), mask(a)};
}

template <class Scalar>
std::optional<Tensor<Scalar>> vector(const Attributes& a, const std::string& name) {
    if (!a.contains(name))
        return {};
    return a.tensor<Scalar>(name, {static_cast<Index>(a.list(name).size())});
}

void draw_mask_and_reduction(Draw& draw, Random& random) {
    if (random.below(2)) {
        std::vector<Index> labelled(static_cast<std::size_t>(draw.inputs[0].size(0)));
        for (Index& sample : labelled)
            sample = random.below(4) == 0 ? 0 : 1;
        labelled.front() = 1;  // a loss over nothing is a constant
        draw.attributes.set("mask", labelled);
    }
    draw.attributes.set("reduction", std::vector<Index>{random.below(3)});
}

Draw classes(Random& random) {
    Shape shape = random_shape(random, 1, 3, 3);
    shape.append(between(random, 1, 5));
    Draw draw{{normal(shape, random)}};
    std::vector<Index> labels(static_cast<std::size_t>(shape.numel() / shape.back()));
    for (Index& label : labels)
        label = random.below(shape.back());
    if (random.below(3) == 0 && labels.size() > 1) {  // one label at least counts
        labels.back() = -7;
        draw.attributes.set("ignore_index", std::vector<Index>{-7});
    }
    draw.attributes.set("labels", labels);
    if (random.below(2))
        draw.attributes.set("label_smoothing", std::vector<double>{random.uniform()});
    if (random.below(2)) {
        const auto weight = positive({shape.back()}, random);
        draw.attributes.set("weight", std::vector<double>{weight.begin(), weight.end()});
    }
    draw_mask_and_reduction(draw, random);
    return draw;
}

Draw probabilities(Random& random) {
    Draw draw = classes(random);
    const auto values = Tensor<double>::uniform(draw.inputs[0].shape(), random);
    draw.attributes.set("probabilities", std::vector<double>{values.begin(), values.end()});
    return draw;
}

/// Predictions that are nowhere at a kink: their distances to the values are odd multiples of 0.05, give or take 0.02, and
/// the slopes of the losses change at 0 and at +-0.7.
Draw real_values(Random& random) {
    const Shape shape = random_shape(random, 1, 3, 4);
    const auto target = normal(shape, random);
    Draw draw{{apart(shape, random)}, {{"delta", {0.7}}}};
    for (Index i = 0; i < target.numel(); ++i)
        draw.inputs[0][i] = target[i] + 2 * draw.inputs[0][i];
    draw.attributes.set("values", std::vector<double>{target.begin(), target.end()});
    draw_mask_and_reduction(draw, random);
    return draw;
}

Draw binary(Random& random) {
    const Shape shape = random_shape(random, 1, 3, 4);
    Draw draw{{normal(shape, random)}};
    const auto target = Tensor<double>::uniform(shape, random);  // probabilities are allowed as well
    draw.attributes.set("values", std::vector<double>{target.begin(), target.end()});
    if (random.below(2)) {
        const auto weight = positive({shape.back()}, random);
        draw.attributes.set("pos_weight", std::vector<double>{weight.begin(), weight.end()});
    }
    draw_mask_and_reduction(draw, random);
    return draw;
}

Target<double> labels(const Shape& shape, Index label = 0) { return Tensor<Index>::full(shape, label); }
Target<double> numbers(const Shape& shape) { return Tensor<double>{shape}; }

template <class Loss>
std::vector<Refusal> refusals(const std::string& name, Loss loss, const std::string& what = "values") {
    return {{[=] { (void)loss(zeros({2, 3}), numbers({2})); },
             "[" + name + "] expected values of the shape of the prediction (2, 3), got (2,)"},
            {[=] { (void)loss(zeros({2, 3}), labels({2})); },
             "[" + name + "] expected a target of values, got class indices of shape (2,): give " + what + " as a Tensor<double>"}};
}

}  // namespace

Rows loss_rows() {
    Rows rows;
    rows.push_back(row(
        "cross_entropy",
        []<class S>(const Variables<S>& v, const Attributes& a) {
            const Target<S> target{a.tensor<Index>("labels", v[0].shape().without(-1)), mask(a)};
            return cross_entropy(v[0], target,
                                 CrossEntropyOptions<S>{.weight = vector<S>(a, "weight"),
                                                        .ignore_index = a.index("ignore_index", -100),
                                                        .label_smoothing = a.number("label_smoothing"),
                                                        .reduction = reduction(a)});
        },
        classes,
        {{[] { (void)cross_entropy(zeros({2, 10}), labels({2}, 10)); },
          "[cross_entropy] expected labels in [0, 10), got 10 at sample 0"},
         {[] { (void)cross_entropy(zeros({2, 10}), labels({3})); },
          "[cross_entropy] expected labels of shape (2,) for logits (2, 10), got (3,)"},
         {[] { (void)cross_entropy(zeros({2}), labels({2})); }, "[cross_entropy] expected logits (N, ..., classes), got (2,)"}}));
    rows.push_back(row(
        "cross_entropy_of_probabilities",
        []<class S>(const Variables<S>& v, const Attributes& a) {
            const Target<S> target{a.tensor<S>("probabilities", v[0].shape()), mask(a)};
            return cross_entropy(v[0], target,
                                 CrossEntropyOptions<S>{.weight = vector<S>(a, "weight"),
                                                        .label_smoothing = a.number("label_smoothing"),
                                                        .reduction = reduction(a)});
        },
        probabilities,
        {{[] { (void)cross_entropy(zeros({2, 1}), Tensor<double>{{2, 1}, {1, 1.5}}); },
          "[cross_entropy] expected probabilities in [0, 1], got 1.5 at sample 1"},
         {[] { (void)cross_entropy(zeros({2, 3}), Tensor<double>{Shape{2, 2}}); },
          "[cross_entropy] expected a target of class indices, got values of shape (2, 2): give labels as a Tensor<Index>"},
         {[] { (void)cross_entropy(zeros({2, 3}), Tensor<double>{Shape{2, 3}}, {.weight = Tensor<double>::ones({2})}); },
          "[cross_entropy] expected class weights of shape (3,), got (2,)"}}));
    rows.push_back(row(
        "binary_cross_entropy_with_logits",
        []<class S>(const Variables<S>& v, const Attributes& a) {
            return binary_cross_entropy_with_logits(
                v[0], values(v, a), BCEWithLogitsOptions<S>{.pos_weight = vector<S>(a, "pos_weight"), .reduction = reduction(a)});
        },
        binary, refusals("binary_cross_entropy_with_logits", [](const auto& x, const auto& y) {
            return binary_cross_entropy_with_logits(x, y);
        }, "0 and 1")));
    rows.push_back(row(
        "mse_loss", [](const auto& v, const Attributes& a) { return mse_loss(v[0], values(v, a), {reduction(a)}); }, real_values,
        refusals("mse_loss", [](const auto& x, const auto& y) { return mse_loss(x, y); })));
    rows.push_back(row(
        "l1_loss", [](const auto& v, const Attributes& a) { return l1_loss(v[0], values(v, a), {reduction(a)}); }, real_values,
        refusals("l1_loss", [](const auto& x, const auto& y) { return l1_loss(x, y); })));
    rows.push_back(row(
        "huber_loss",
        [](const auto& v, const Attributes& a) { return huber_loss(v[0], values(v, a), {a.number("delta", 1), reduction(a)}); },
        real_values, refusals("huber_loss", [](const auto& x, const auto& y) { return huber_loss(x, y); })));
    return rows;
}

}  // namespace registry
