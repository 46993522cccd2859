// SPDX-License-Identifier: MIT
/// @file Key points as heat maps: the loss and the head of simple baselines for poses (Xiao, Wu and Wei, ECCV 2018).
///
/// The target of a task that finds K key points of one thing in each image is a `losses::Target` of values (N, K, 3): x and y in pixels of
/// the image, x to the right and y down, and the visibility; one whose visibility is not above 0 is not labelled. A mask (N,) leaves images
/// out, a weight (N,) weighs images. The head gives a map for each key point, `stride` pixels from cell to cell, which is to be 1 there.
/// @code
/// mtl::MultiTaskNet net{trunk, {{"pose", vision::keypoint_head(64, 17)}}};             // trunk: images / 4, 64 channels
/// mtl::MultiTaskLoss criterion{{"pose", vision::Keypoints{{.stride = 4}}}};
/// auto loss = criterion(net(images), {{"pose", keypoints}});
/// auto found = vision::decode_keypoints(net.predict(images).at("pose"), 4);             // (N, K, 3): x, y, score
/// @endcode
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/core/random.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/reduction.hpp>
#include <espalier/losses/reduction.hpp>
#include <espalier/losses/target.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/vision/box.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::vision {

/// Designated initialisers stand in this order.
struct KeypointsOptions {
    Index stride = 4;  ///< pixels of the image from one cell of the map to the next
    double sigma = 2;  ///< deviation of the bump around a key point, in cells
};

namespace detail {

inline void check(const char* operation, const KeypointsOptions& options) {
    require<ValueError>(options.stride > 0, operation, "expected a stride above 0, got ", options.stride);
    require<ValueError>(options.sigma > 0 && is_finite(options.sigma), operation, "expected a finite sigma above 0, got ", options.sigma);
}

/// The values of a target of `count` key points each of `images` images. A mask for elements has no meaning: a key point is left out by
/// its visibility. @throws StateError for class indices, ShapeError for another shape or such a mask.
template <class Scalar>
[[nodiscard]] const Tensor<Scalar>& keypoints_for(const char* operation, Index images, Index count, const losses::Target<Scalar>& target) {
    if (target.has_labels())
        fail<StateError>(operation, "expected a target of values (N, K, 3), got class indices of shape ", target.shape());
    const Shape expected{images, count, 3};
    require<ShapeError>(target.shape() == expected, operation, "expected key points ", expected, ", got ", target.shape());
    require<ShapeError>(!target.masks_elements(), operation, "expected a mask for images (", images, ",), got one for elements ", expected);
    return target.values();
}

/// Whether a row of a target is labelled. One whose visibility is no number, or that is and lies outside of its image: ValueError.
template <class Scalar>
[[nodiscard]] bool is_visible(const char* operation, const Scalar* row, Index image, Index number, Index width, Index height) {
    require<ValueError>(!is_nan(row[2]), operation, "expected a visibility, got ", row[2], " at image ", image, ", key point ", number);
    if (!(row[2] > 0))
        return false;
    require<ValueError>(row[0] >= 0 && row[0] <= static_cast<Scalar>(width) && row[1] >= 0 && row[1] <= static_cast<Scalar>(height),
                        operation, "expected key points in the image, ", width, " by ", height, " pixels, got (", row[0], ", ", row[1],
                        ") at image ", image, ", key point ", number);
    return true;
}

/// How much each key point counts.
template <class Scalar>
struct KeypointWeights {
    PoolVector<Scalar> of;  ///< (N, K), relative to the largest; 0 for one that does not count
    double total = 0;
};

/// For maps (N, h, w, K). @throws as `keypoints_for` and `is_visible`.
template <class Scalar>
[[nodiscard]] KeypointWeights<Scalar> weigh_keypoints(const char* operation, const Shape& maps, const losses::Target<Scalar>& target,
                                                      Index stride) {
    const Index count = maps[3];
    const Scalar* const row = keypoints_for(operation, maps[0], count, target).data();
    KeypointWeights<Scalar> result{PoolVector<Scalar>(static_cast<std::size_t>(maps[0] * count)), 0};
    Scalar largest = 0;
    for (Index n = 0; n < maps[0]; ++n)
        for (Index k = 0; counts(target, n) && k < count; ++k)
            if (is_visible(operation, row + (n * count + k) * 3, n, k, maps[2] * stride, maps[1] * stride)) {
                const Scalar weight = target.weight() ? (*target.weight())[n] : Scalar(1);
                result.of[static_cast<std::size_t>(n * count + k)] = weight;
                largest = std::max(largest, weight);
            }
    for (Scalar& weight : result.of)
        if (weight > 0)
            result.total += static_cast<double>(weight /= largest);
    return result;
}

/// exp(-d² / (2 sigma²)) with the distance d of the middles of all cells along an axis, 0 for x, from each key point: (N, cells, K). The
/// bump of a key point is a product of two of these. Its top is where the key point is and not in the middle of a cell, so that the cells
/// beside the highest tell in which half of it (Zhang, Zhu, Dai, Ye and Zhu, Distribution-Aware Coordinate Representation, CVPR 2020).
template <class Scalar>
[[nodiscard]] PoolVector<Scalar> bumps_along(const Tensor<Scalar>& keypoints, Index axis, Index cells, const KeypointsOptions& options) {
    const Index images = keypoints.size(0), count = keypoints.size(1);
    PoolVector<Scalar> result(static_cast<std::size_t>(images * cells * count));
    kernels::for_each_index(images * cells * count, [&, out = result.data(), at = keypoints.data()](Index i) {
        const Index k = i % count, cell = i / count % cells, n = i / count / cells;
        const double place = static_cast<double>(at[(n * count + k) * 3 + axis]) / static_cast<double>(options.stride);
        const double d = (static_cast<double>(cell) + 0.5 - place) / options.sigma;
        out[i] = static_cast<Scalar>(std::exp(-d * d / 2));
    });
    return result;
}

/// Calls `visit(i, heat, weight)` for what counts of the K numbers of a cell, counted over all images; i is the place in the maps.
template <class Scalar, class Visit>
void for_heat_of_cell(const Shape& maps, const KeypointWeights<Scalar>& weights, const PoolVector<Scalar>& rows,
                      const PoolVector<Scalar>& columns, Index cell, const Visit& visit) {
    const Index width = maps[2], count = maps[3], line = cell / width, n = line / maps[1];
    const Scalar* const row = rows.data() + line * count;
    const Scalar* const column = columns.data() + (n * width + cell % width) * count;
    const Scalar* const weight = weights.of.data() + n * count;
    for (Index k = 0; k < count; ++k)
        if (weight[k] > 0)
            visit(cell * count + k, row[k] * column[k], weight[k]);
}

}  // namespace detail

/// The maps (N, h, w, K) that a head is to give for key points (N, K, 3): exp(-d² / (2 sigma²)) with the distance d in cells of a cell's
/// middle from the key point, all 0 for one that is not visible. @throws ShapeError for another shape, ValueError for a bad option, a
/// negative extent, and a visible key point outside of the image, h and w times the stride
template <class Scalar>
[[nodiscard]] Tensor<Scalar> keypoint_heat_maps(const Tensor<Scalar>& keypoints, Pair size, const KeypointsOptions& options = {}) {
    detail::check("keypoint_heat_maps", options);
    require<ShapeError>(keypoints.rank() == 3 && keypoints.size(2) == 3, "keypoint_heat_maps", "expected key points (N, K, 3), got ",
                        keypoints.shape());
    require<ValueError>(size.height >= 0 && size.width >= 0, "keypoint_heat_maps", "expected extents of at least 0, got ", size);
    Tensor<Scalar> maps{Shape{keypoints.size(0), size.height, size.width, keypoints.size(1)}};
    const auto weights = detail::weigh_keypoints<Scalar>("keypoint_heat_maps", maps.shape(), keypoints, options.stride);
    const auto rows = detail::bumps_along(keypoints, 1, size.height, options),
               columns = detail::bumps_along(keypoints, 0, size.width, options);
    kernels::for_each_index(maps.shape().product(0, 3), [&](Index cell) {
        detail::for_heat_of_cell(maps.shape(), weights, rows, columns, cell, [&](Index i, Scalar heat, Scalar) { maps[i] = heat; });
    });
    return maps;
}

/// For predictions (N, h, w, K) and key points (N, K, 3), half the squared distance of each map from that of `keypoint_heat_maps`, summed
/// over its cells: the mean over the key points that are visible. With weights of images, relative to the largest, it is the weighted
/// mean. If no key point counts, it is a constant 0. Xiao et al. divide by the number of cells as well; as one task of several it would
/// vanish beside the others.
/// @throws ShapeError for other shapes; StateError for class indices; ValueError for a bad option, a visibility that is no number, and a
/// visible key point outside of its image, h and w times the stride
template <class Scalar>
[[nodiscard]] Variable<Scalar> keypoint_loss(const Variable<Scalar>& prediction, const std::type_identity_t<losses::Target<Scalar>>& target,
                                             const KeypointsOptions& options = {}) {
    detail::check("keypoint_loss", options);
    const Shape& shape = prediction.shape();
    require<ShapeError>(shape.rank() == 4, "keypoint_loss", "expected predictions (N, h, w, K), got ", shape);
    const auto weights = detail::weigh_keypoints("keypoint_loss", shape, target, options.stride);
    if (weights.total == 0)
        return Tensor<Scalar>::scalar(0);
    const auto rows = detail::bumps_along(target.values(), 1, shape[1], options),
               columns = detail::bumps_along(target.values(), 0, shape[2], options);
    Tensor<Scalar> slopes{prediction.requires_grad() ? shape : Shape{0}};
    const auto scale = static_cast<Scalar>(1 / weights.total);
    const double total = kernels::sum(shape.product(0, 3), [&, x = prediction.value().data(), keep = prediction.requires_grad(),
                                                            slope = slopes.data()](Index cell) {
        Scalar loss = 0;
        detail::for_heat_of_cell(shape, weights, rows, columns, cell, [&](Index i, Scalar heat, Scalar weight) {
            const Scalar distance = x[i] - heat;
            loss += weight * distance * distance / 2;
            if (keep)
                slope[i] = weight * scale * distance;
        });
        return loss;
    });
    return losses::detail::with_slopes("keypoint_loss", total / weights.total, prediction, std::move(slopes));
}
/// The same of a prediction that is no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> keypoint_loss(const Tensor<Scalar>& prediction, const std::type_identity_t<losses::Target<Scalar>>& target,
                                             const KeypointsOptions& options = {}) {
    return keypoint_loss(Variable<Scalar>{prediction}, target, options);
}

/// `keypoint_loss` with its options, as a value.
template <class Scalar = float>
class Keypoints {
public:
    /// @throws ValueError for a bad option.
    explicit Keypoints(const KeypointsOptions& options = {}) : options_{options} { detail::check("keypoint_loss", options_); }
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& prediction, const losses::Target<Scalar>& target) const {
        return keypoint_loss(prediction, target, options_);
    }
    [[nodiscard]] const KeypointsOptions& options() const& noexcept { return options_; }
    [[nodiscard]] KeypointsOptions options() && noexcept { return options_; }

private:
    KeypointsOptions options_;
};

/// What a `keypoint_head` may be told.
struct KeypointHeadOptions {
    Index hidden = 64;  ///< channels between its two convolutions
};

/// A head for `Keypoints`: (N, h, w, in_channels) gives (N, h, w, count), by a 3x3 convolution, ReLU and a 1x1 convolution. It starts near
/// to 0, as nearly all cells are to be: weights of the last with a deviation of 0.001, biases 0. @throws ValueError unless all numbers are
/// above 0
template <class Scalar = float>
[[nodiscard]] nn::Sequential<Scalar> keypoint_head(Index in_channels, Index count, const KeypointHeadOptions& options = {}) {
    require<ValueError>(count > 0, "keypoint_head", "expected at least one key point, got ", count);
    nn::Conv2d<Scalar> hidden{in_channels, options.hidden, {3, 3}, {.padding = 1}};
    nn::Conv2d<Scalar> out{options.hidden, count, {1, 1}};
    Random random = new_random();
    nn::init::normal(out.weight().mutable_value(), random, 0, 0.001);
    out.bias().mutable_value().fill(0);
    return {std::move(hidden), nn::ReLU{}, std::move(out)};
}

}  // namespace espalier::inline ESPALIER_ABI::vision
