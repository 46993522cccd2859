// SPDX-License-Identifier: MIT
#include "autograd/registry.hpp"

#include <espalier/losses/gaussian_focal.hpp>
#include <espalier/vision/center_net.hpp>
#include <espalier/vision/keypoints.hpp>

#include <optional>

namespace registry {
namespace {

using namespace espalier::losses;
using espalier::vision::center_net_loss;
using espalier::vision::CenterNetOptions;
using espalier::vision::keypoint_loss;

std::optional<Tensor<bool>> mask_of_images(const Attributes& a) {
    if (!a.contains("mask"))
        return {};
    return a.tensor<bool>("mask", {static_cast<Index>(a.list("mask").size())});
}

/// Values as a heat map has them: some 1, some 0.
Draw heat_map(Random& random) {
    Shape shape = random_shape(random, 1, 4, 3);
    Draw draw{{normal(shape, random)}, {{"alpha", {random.uniform(0.0, 3.0)}}, {"beta", {random.uniform(0.0, 5.0)}}}};
    std::vector<double> values(static_cast<std::size_t>(shape.numel()));
    for (double& value : values)
        value = random.below(3) == 0 ? 1 : random.below(3) == 0 ? 0 : random.uniform();
    draw.attributes.set("values", values);
    draw.attributes.set("reduction", std::vector<Index>{random.below(3)});
    return draw;
}

/// Sizes and offsets that are predicted lie far below or above all that are right.
Draw objects_of_images(Random& random) {
    const Index images = between(random, 1, 3), height = between(random, 2, 5), width = between(random, 2, 5);
    const Index classes = between(random, 1, 3), rows = between(random, 1, 4);
    Draw draw{{normal({images, height, width, classes + 4}, random)}, {{"stride", {2}}, {"minimum_overlap", {0.3}}}};
    for (Index i = 0; i < draw.inputs[0].numel(); ++i)
        if (i % (classes + 4) >= classes)
            draw.inputs[0][i] = random.below(2) ? random.uniform(-2.0, -1.0) : random.uniform(6.0, 9.0);
    std::vector<double> objects;
    for (Index i = 0; i < images * rows; ++i) {
        const double x = random.uniform(-1.0, 2.0 * static_cast<double>(width) - 1), y = random.uniform(-1.0, 2.0 * static_cast<double>(height) - 1);
        objects.insert(objects.end(), {x, y, x + random.uniform(1.5, 8.0), y + random.uniform(1.5, 8.0),
                                       static_cast<double>(random.below(classes + 1)) - 1});
    }
    draw.attributes.set("objects", objects);
    draw.attributes.set("rows", std::vector<Index>{rows});
    return draw;
}

/// Some are not visible, but one is.
Draw keypoints_of_images(Random& random) {
    const Index images = between(random, 1, 3), height = between(random, 1, 5), width = between(random, 1, 5), count = between(random, 1, 4);
    Draw draw{{normal({images, height, width, count}, random)}, {{"stride", {2}}, {"sigma", {random.uniform(0.5, 2.0)}}}};
    std::vector<double> keypoints;
    for (Index i = 0; i < images * count; ++i)
        keypoints.insert(keypoints.end(), {random.uniform(0.0, 2.0 * static_cast<double>(width)), random.uniform(0.0, 2.0 * static_cast<double>(height)),
                                           i == 0 ? 2 : static_cast<double>(random.below(3))});
    draw.attributes.set("keypoints", keypoints);
    return draw;
}

Target<double> no_objects(const Shape& shape) { return Tensor<double>::full(shape, -1); }

}  // namespace

Rows detection_rows() {
    Rows rows;
    rows.push_back(row(
        "gaussian_focal_loss",
        []<class S>(const Variables<S>& v, const Attributes& a) {
            return gaussian_focal_loss(v[0], Target<S>{a.tensor<S>("values", v[0].shape()), mask_of_images(a)},
                                       {a.number("alpha"), a.number("beta"), static_cast<Reduction>(a.index("reduction"))});
        },
        heat_map,
        {{[] { (void)gaussian_focal_loss(zeros({2, 3}), Tensor<double>{Shape{2}}); },
          "[gaussian_focal_loss] expected values of the shape of the prediction (2, 3), got (2,)"},
         {[] { (void)gaussian_focal_loss(zeros({2, 3}), Tensor<Index>{Shape{2}}); },
          "[gaussian_focal_loss] expected a target of values, got class indices of shape (2,): give a heat map as a Tensor<double>"},
         {[] { (void)gaussian_focal_loss(zeros({2, 1}), Tensor<double>{{2, 1}, {1, 1.5}}); },
          "[gaussian_focal_loss] expected values in [0, 1], got 1.5 at sample 1"}}));
    rows.push_back(row(
        "center_net_loss",
        []<class S>(const Variables<S>& v, const Attributes& a) {
            const Target<S> target{a.tensor<S>("objects", {v[0].size(0), a.index("rows"), 5}), mask_of_images(a)};
            return center_net_loss(v[0], target,
                                   {.stride = a.index("stride"),
                                    .size_weight = a.number("size_weight", 0.1),
                                    .offset_weight = a.number("offset_weight", 1),
                                    .minimum_overlap = a.number("minimum_overlap")});
        },
        objects_of_images,
        {{[] { (void)center_net_loss(zeros({2, 3, 4}), no_objects({2, 1, 5})); },
          "[center_net_loss] expected predictions (N, h, w, classes + 4), got (2, 3, 4)"},
         {[] { (void)center_net_loss(zeros({2, 3, 4, 4}), no_objects({2, 1, 5})); },
          "[center_net_loss] expected predictions (N, h, w, classes + 4), got (2, 3, 4, 4)"},
         {[] { (void)center_net_loss(zeros({2, 3, 4, 5}), no_objects({3, 1, 5})); },
          "[center_net_loss] expected objects (2, M, 5), got (3, 1, 5)"},
         {[] { (void)center_net_loss(zeros({2, 3, 4, 5}), Tensor<Index>{Shape{2}}); },
          "[center_net_loss] expected a target of values (N, M, 5), got class indices of shape (2,)"}}));
    rows.push_back(row(
        "keypoint_loss",
        []<class S>(const Variables<S>& v, const Attributes& a) {
            TargetOptions<S> options;
            if (a.contains("weight"))
                options.weight = a.tensor<S>("weight", {v[0].size(0)});
            const Target<S> target{a.tensor<S>("keypoints", {v[0].size(0), v[0].size(3), 3}), options};
            return keypoint_loss(v[0], target, {.stride = a.index("stride"), .sigma = a.number("sigma")});
        },
        keypoints_of_images,
        {{[] { (void)keypoint_loss(zeros({2, 3, 4}), no_objects({2, 4, 3})); },
          "[keypoint_loss] expected predictions (N, h, w, K), got (2, 3, 4)"},
         {[] { (void)keypoint_loss(zeros({2, 3, 4, 5}), no_objects({2, 4, 3})); },
          "[keypoint_loss] expected key points (2, 5, 3), got (2, 4, 3)"},
         {[] { (void)keypoint_loss(zeros({2, 3, 4, 5}), Tensor<Index>{Shape{2}}); },
          "[keypoint_loss] expected a target of values (N, K, 3), got class indices of shape (2,)"}}));
    return rows;
}

}  // namespace registry
