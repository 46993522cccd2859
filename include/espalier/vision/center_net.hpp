// SPDX-License-Identifier: MIT
/// @file Objects as points: the loss and the head of CenterNet (Zhou, Wang and Krähenbühl, Objects as Points, 2019).
///
/// A head gives for each cell of a map, `stride` pixels apart in the image, C + 4 numbers: C logits of how likely the centre of an object
/// of each class lies there, the width and height of that object in cells, and where in the cell the centre is, x and y from 0 to 1.
/// @code
/// mtl::MultiTaskNet net{trunk, {{"objects", vision::center_head(64, 10)}}};             // trunk: images / 4, 64 channels
/// mtl::MultiTaskLoss criterion{{"objects", vision::CenterNet{}}};
/// auto loss = criterion(net(images), {{"objects", vision::pack(objects)}});
/// auto found = vision::decode_centers(net.predict(images).at("objects"), {.score_threshold = 0.3});
/// @endcode
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/reduction.hpp>
#include <espalier/losses/gaussian_focal.hpp>
#include <espalier/losses/reduction.hpp>
#include <espalier/losses/target.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/vision/box.hpp>
#include <espalier/vision/decode_centers.hpp>
#include <espalier/vision/gaussian.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::vision {

/// Designated initialisers stand in this order.
struct CenterNetOptions {
    Index stride = 4;              ///< pixels of the image from one cell of the map to the next
    double size_weight = 0.1;      ///< of the widths and heights in the loss
    double offset_weight = 1;      ///< of the places within cells
    double minimum_overlap = 0.7;  ///< a centre next to the right one is forgiven as far as the box would still have this IoU
};

namespace detail {

inline void check(const CenterNetOptions& options) {
    require<ValueError>(options.stride > 0, "center_net_loss", "expected a stride above 0, got ", options.stride);
    require<ValueError>(
        options.size_weight >= 0 && is_finite(options.size_weight) && options.offset_weight >= 0 && is_finite(options.offset_weight),
        "center_net_loss", "expected finite weights of at least 0, got ", options.size_weight, " and ", options.offset_weight);
    require<ValueError>(options.minimum_overlap > 0 && options.minimum_overlap < 1, "center_net_loss",
                        "expected a minimum overlap between 0 and 1, got ", options.minimum_overlap);
}

/// An object on the map of its image, in cells.
struct PlacedObject {
    Index image;
    Index label;
    Index x;
    Index y;
    double width;
    double height;
    double offset_x;
    double offset_y;
};

/// The part of the box that is in the image, by its centre.
[[nodiscard]] inline PlacedObject placed(const Object& object, Index image, Index row, Index height, Index width, Index stride) {
    const auto inside = [stride](float pixel, Index cells) {
        return std::clamp(static_cast<double>(pixel) / static_cast<double>(stride), 0.0, static_cast<double>(cells));
    };
    const double x1 = inside(object.box.x1, width), x2 = inside(object.box.x2, width);
    const double y1 = inside(object.box.y1, height), y2 = inside(object.box.y2, height);
    require<ValueError>(x1 < x2 && y1 < y2, "center_net_loss", "expected boxes that reach into the image, ", width * stride, " by ",
                        height * stride, " pixels, got ", object.box, " at image ", image, ", row ", row);
    const double x = (x1 + x2) / 2, y = (y1 + y2) / 2;  // before the last edge, but for rounding
    const Index column = std::min(static_cast<Index>(x), width - 1), line = std::min(static_cast<Index>(y), height - 1);
    return {image, object.label, column, line, x2 - x1, y2 - y1, x - static_cast<double>(column), y - static_cast<double>(line)};
}

/// What a batch is compared with.
template <class Scalar>
struct CenterTarget {
    std::vector<PlacedObject> objects;  ///< of the images that count, one image after the other
    std::vector<Scalar> weight;         ///< of each image, relative to the largest; 0 for one that does not count
    double divisor = 0;                 ///< number of objects, weighted, at least 1; 0 if no image counts
};

template <class Scalar>
[[nodiscard]] CenterTarget<Scalar> place_objects(const Shape& prediction, const losses::Target<Scalar>& target, Index stride) {
    const Tensor<Scalar>& values = objects_for("center_net_loss", prediction[0], target);
    CenterTarget<Scalar> result;
    result.weight.assign(static_cast<std::size_t>(prediction[0]), Scalar(0));
    Scalar largest = 0;
    for (Index n = 0; n < prediction[0]; ++n)
        if (counts(target, n)) {
            Scalar& weight = result.weight[static_cast<std::size_t>(n)];
            weight = target.weight() ? (*target.weight())[n] : Scalar(1);
            largest = std::max(largest, weight);
            for_each_object("center_net_loss", values, n, prediction[3] - 4, [&](Index row, const Object& object) {
                result.objects.push_back(placed(object, n, row, prediction[1], prediction[2], stride));
            });
        }
    if (!(largest > 0))
        return result;
    for (Scalar& weight : result.weight)
        weight /= largest;
    for (const PlacedObject& object : result.objects)
        result.divisor += static_cast<double>(result.weight[static_cast<std::size_t>(object.image)]);
    result.divisor = std::max(1.0, result.divisor);
    return result;
}

/// Draws the heat maps of all images into the first C of the C + 4 numbers of each cell; all else is 0.
template <class Scalar>
void draw_centers(const CenterTarget<Scalar>& target, double minimum_overlap, Tensor<Scalar>& map) {
    map.fill(0);
    const Index height = map.size(1), width = map.size(2), numbers = map.size(3);
    const auto less = [](const PlacedObject& object, Index image) { return object.image < image; };
    parallel_for(map.size(0), 1, [&](Index begin, Index end) {
        auto object = std::lower_bound(target.objects.begin(), target.objects.end(), begin, less);
        for (; object != target.objects.end() && object->image < end; ++object) {
            const double radius = gaussian_radius(std::ceil(object->height), std::ceil(object->width), minimum_overlap);
            draw_gaussian(map.data() + object->image * height * width * numbers + object->label, height, width, numbers, object->x,
                          object->y, static_cast<Index>(radius));
        }
    });
}

/// The focal loss of all heat maps, in whose place it leaves the slopes.
template <class Scalar>
[[nodiscard]] double focal_of_centers(const CenterTarget<Scalar>& target, const Tensor<Scalar>& prediction, Tensor<Scalar>& map) {
    const Index numbers = map.size(3), cells = map.size(1) * map.size(2);
    const auto scale = static_cast<Scalar>(1 / target.divisor);
    const auto of_cell = [&, x = prediction.data(), y = map.data()](Index cell) {
        const Scalar weight = target.weight[static_cast<std::size_t>(cell / cells)];
        if (!(weight > 0))
            return Scalar(0);
        Scalar loss = 0;
        for (Index i = cell * numbers; i < (cell + 1) * numbers - 4; ++i) {
            const auto point = losses::detail::gaussian_focal_point(x[i], y[i], Scalar(2), Scalar(4));
            loss += point.loss;
            y[i] = point.slope * weight * scale;
        }
        return loss * weight;
    };
    return kernels::sum(map.size(0) * cells, of_cell, std::max<Index>(1, 1024 / numbers));
}

/// The distances of sizes and offsets at the centres, and their slopes: one object for each cell, the largest, of equals the last.
template <class Scalar>
[[nodiscard]] double boxes_of_centers(const CenterTarget<Scalar>& target, const CenterNetOptions& options, const Tensor<Scalar>& prediction,
                                      Tensor<Scalar>& slopes) {
    const Index height = slopes.size(1), width = slopes.size(2), numbers = slopes.size(3);
    std::vector<std::pair<Index, const PlacedObject*>> owners;
    for (const PlacedObject& object : target.objects)
        owners.emplace_back((object.image * height + object.y) * width + object.x, &object);
    const auto area = [](const PlacedObject* object) { return object->width * object->height; };
    std::stable_sort(owners.begin(), owners.end(), [&](const auto& a, const auto& b) {
        return a.first != b.first ? a.first < b.first : area(a.second) < area(b.second);
    });
    double total = 0;
    for (std::size_t i = 0; i < owners.size(); ++i) {
        const auto& [cell, object] = owners[i];
        if (i + 1 < owners.size() && owners[i + 1].first == cell)
            continue;
        const auto weight = static_cast<double>(target.weight[static_cast<std::size_t>(object->image)]);
        const double wanted[4] = {object->width, object->height, object->offset_x, object->offset_y};
        for (Index k = 0; k < 4; ++k) {
            const Index at = (cell + 1) * numbers - 4 + k;
            const double factor = weight * (k < 2 ? options.size_weight : options.offset_weight);
            const double distance = static_cast<double>(prediction[at]) - wanted[k];
            total += factor * std::abs(distance);
            slopes[at] = static_cast<Scalar>(factor / target.divisor * ((distance > 0) - (distance < 0)));
        }
    }
    return total;
}

}  // namespace detail

/// For predictions (N, h, w, C + 4) and objects (N, M, 5), see box.hpp, the sum over the images that count of the Gaussian focal loss of
/// the heat maps (alpha 2, beta 4), `size_weight` times |width - ...| + |height - ...| in cells and `offset_weight` times the same of the
/// place in the cell, both at the centres alone; divided by the number of objects, at least 1. With weights of images, relative to the
/// largest, all of it is weighted, the number as well. If no image counts, it is a constant 0.
///
/// Boxes are cut at the edges of the image, h and w times the stride. An object draws a bump of `gaussian_radius` into the map of
/// its class; where several have their centre in one cell, the largest gives size and offset, of equals the last.
/// @throws ShapeError for other shapes; StateError for class indices; ValueError for a bad option, a class outside of [0, C), and a box
/// that is not finite, has no area or lies outside of its image
template <class Scalar>
[[nodiscard]] Variable<Scalar> center_net_loss(
    const Variable<Scalar>& prediction, const std::type_identity_t<losses::Target<Scalar>>& target, const CenterNetOptions& options = {}) {
    detail::check(options);
    const Shape& shape = prediction.shape();
    require<ShapeError>(shape.rank() == 4 && shape[3] > 4, "center_net_loss", "expected predictions (N, h, w, classes + 4), got ", shape);
    const auto wanted = detail::place_objects(shape, target, options.stride);
    if (wanted.divisor == 0)
        return Tensor<Scalar>::scalar(0);
    auto slopes = Tensor<Scalar>::empty(shape);
    detail::draw_centers(wanted, options.minimum_overlap, slopes);
    double total = detail::focal_of_centers(wanted, prediction.value(), slopes);
    total += detail::boxes_of_centers(wanted, options, prediction.value(), slopes);
    return losses::detail::with_slopes("center_net_loss", total / wanted.divisor, prediction, std::move(slopes));
}
/// The same of a prediction that is no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> center_net_loss(const Tensor<Scalar>& prediction, const std::type_identity_t<losses::Target<Scalar>>& target,
                                               const CenterNetOptions& options = {}) {
    return center_net_loss(Variable<Scalar>{prediction}, target, options);
}

/// `center_net_loss` with its options, as a value.
template <class Scalar = float>
class CenterNet {
public:
    /// @throws ValueError for a bad option.
    explicit CenterNet(const CenterNetOptions& options = {}) : options_{options} { detail::check(options_); }
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& prediction, const losses::Target<Scalar>& target) const {
        return center_net_loss(prediction, target, options_);
    }
    [[nodiscard]] const CenterNetOptions& options() const& noexcept { return options_; }
    [[nodiscard]] CenterNetOptions options() && noexcept { return options_; }

private:
    CenterNetOptions options_;
};

/// What a `center_head` may be told.
struct CenterHeadOptions {
    Index hidden = 64;  ///< channels between its two convolutions
};

/// A head for `CenterNet`: (N, h, w, in_channels) gives (N, h, w, classes + 4), by a 3x3 convolution, ReLU and a 1x1 convolution. At first
/// it says everywhere that an object is there with 10 %, as few cells have one. @throws ValueError unless all numbers are above 0
template <class Scalar = float>
[[nodiscard]] nn::Sequential<Scalar> center_head(Index in_channels, Index classes, const CenterHeadOptions& options = {}) {
    require<ValueError>(classes > 0, "center_head", "expected at least one class, got ", classes);
    nn::Conv2d<Scalar> hidden{in_channels, options.hidden, {3, 3}, {.padding = 1}};
    nn::Conv2d<Scalar> out{options.hidden, classes + 4, {1, 1}};
    auto& bias = out.bias().mutable_value();
    bias.fill(0);
    std::fill_n(bias.data(), classes, Scalar(-2.19));
    return {std::move(hidden), nn::ReLU{}, std::move(out)};
}

}  // namespace espalier::inline ESPALIER_ABI::vision
