// SPDX-License-Identifier: MIT
#include "autograd/registry.hpp"

#include <espalier/losses/ranking.hpp>

#include <optional>

namespace registry {
namespace {

using namespace espalier::losses;

template <class Scalar>
Target<Scalar> list_target(const Variables<Scalar>& v, const Attributes& a) {
    const Shape shape = v[0].shape();
    std::optional<Tensor<bool>> mask;
    if (a.contains("elements"))
        mask = a.tensor<bool>("elements", shape);
    else if (a.contains("mask"))
        mask = a.tensor<bool>("mask", {static_cast<Index>(a.list("mask").size())});
    if (a.contains("labels"))
        return {a.tensor<Index>("labels", shape.without(-1)), mask};
    return {a.tensor<Scalar>("values", shape), mask};
}

LossOptions list_options(const Attributes& a) { return {static_cast<Reduction>(a.index("reduction"))}; }

Draw lists(Random& random, bool labelled) {
    Shape shape = random_shape(random, 1, 3, 3);
    shape.append(between(random, 2, 5));
    Draw draw{{normal(shape, random)}};
    if (labelled) {
        std::vector<Index> labels(static_cast<std::size_t>(shape.numel() / shape.back()));
        for (Index& label : labels)
            label = random.below(shape.back());
        draw.attributes.set("labels", labels);
    } else {
        const auto values = normal(shape, random);
        draw.attributes.set("values", std::vector<double>{values.begin(), values.end()});
    }
    draw.attributes.set("reduction", std::vector<Index>{random.below(3)});
    if (random.below(2)) {
        std::vector<Index> mask(static_cast<std::size_t>(shape[0]));
        for (Index& sample : mask)
            sample = random.below(4) == 0 ? 0 : 1;
        mask.front() = 1;  // a loss over nothing is a constant
        draw.attributes.set("mask", mask);
    }
    return draw;
}

}  // namespace

Rows ranking_rows() {
    Rows rows;
    rows.push_back(row(
        "bpr_loss", [](const auto& v, const Attributes& a) { return bpr_loss(v[0], list_target(v, a), list_options(a)); },
        [](Random& random) { return lists(random, true); },
        {{[] { (void)bpr_loss(zeros({2, 1}), Tensor<Index>{Shape{2}}); },
          "[bpr_loss] expected scores (N, ..., 1 + K) of at least one negative, got (2, 1)"},
         {[] { (void)bpr_loss(zeros({2, 3}), Tensor<Index>{Shape{3}}); },
          "[bpr_loss] expected labels of shape (2,) for logits (2, 3), got (3,)"}}));
    rows.push_back(row(
        "list_net_loss", [](const auto& v, const Attributes& a) { return list_net_loss(v[0], list_target(v, a), list_options(a)); },
        [](Random& random) { return lists(random, false); },
        {{[] { (void)list_net_loss(zeros({2}), Tensor<double>{Shape{2}}); }, "[list_net_loss] expected scores (N, ..., L), got (2,)"},
         {[] { (void)list_net_loss(zeros({2, 3}), Tensor<double>{Shape{2, 2}}); },
          "[list_net_loss] expected values of the shape of the prediction (2, 3), got (2, 2)"}}));
    return rows;
}

}  // namespace registry
