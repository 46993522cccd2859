// SPDX-License-Identifier: MIT
/// @file How pixels, boxes and key points move together: what all transforms of places share.
#pragma once

#include <espalier/data/augment/options.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data::detail {

inline void check_size(const char* operation, Pair size) {
    require<ValueError>(size.height >= 1 && size.width >= 1, operation, "expected a size of at least 1x1, got ", size);
    constexpr Index most = kernels::Window::most;  // so that twice as much and an image beside it fit in an Index
    require<ValueError>(size.height <= most && size.width <= most, operation, "expected a size of at most ", most, " pixels a side, got ",
                        size);
}

/// Where a point of an image goes, in pixels: the middle of the first is (0.5, 0.5).
struct Affine {
    double xx = 1, xy = 0, dx = 0;
    double yx = 0, yy = 1, dy = 0;

    [[nodiscard]] double x(double u, double v) const noexcept { return xx * u + xy * v + dx; }
    [[nodiscard]] double y(double u, double v) const noexcept { return yx * u + yy * v + dy; }
    [[nodiscard]] double determinant() const noexcept { return xx * yy - xy * yx; }
    [[nodiscard]] Affine inverse() const noexcept {
        const double d = determinant();
        return {yy / d, -xy / d, (xy * dy - yy * dx) / d, -yx / d, xx / d, (yx * dx - xx * dy) / d};
    }
    friend bool operator==(const Affine&, const Affine&) = default;
};

/// Which elements of a target its mask leaves in, one by one.
template <class Scalar>
[[nodiscard]] Tensor<bool> mask_of_elements(const losses::Target<Scalar>& target) {
    auto mask = Tensor<bool>::full(target.shape(), true);
    for (Index i = 0; target.mask() && i < mask.numel(); ++i)
        mask[i] = (*target.mask())[i / target.sample_numel()];
    return mask;
}

/// Applies `move(tensor, fill, smooth)` to the input, where values between pixels may be made, `std::true_type`, and to the named
/// targets, where they may not: a mean of two classes is none, nor is there anything at the mean of two depths. `brings_in` says whether
/// it needs the fill.
template <class Scalar, class Move>
void move_pixels(Batch<Scalar>& batch, const AugmentOptions& options, bool brings_in, const Move& move) {
    constexpr std::false_type as_it_is;
    change_images(batch, options.input,
                  [&](Tensor<Scalar>& images) { move(images, static_cast<Scalar>(options.image_fill), std::true_type{}); });
    for (const std::string& task : options.targets) {
        auto& target = batch.targets.at(task);
        losses::TargetOptions<Scalar> beside = target.options();  // weights are of samples, which stay where they are
        if (brings_in && !target.has_labels() && !target.masks_elements())
            beside.mask = mask_of_elements(target);
        if (beside.mask && beside.mask->rank() >= 3)
            move(*beside.mask, false, as_it_is);
        if (target.has_labels()) {
            Tensor<Index> labels = target.labels();
            move(labels, options.label_fill, as_it_is);
            target = {std::move(labels), std::move(beside)};
        } else {
            Tensor<Scalar> values = target.values();
            move(values, Scalar(0), as_it_is);
            target = {std::move(values), std::move(beside)};
        }
    }
}

/// The upright box around the corners of a box, cut at the edges of an image of that size; no object if too little of it is left.
template <class Scalar>
void move_box(Scalar* box, const Affine& map, Pair size, double min_visible) {
    const double u[2] = {static_cast<double>(box[0]), static_cast<double>(box[2])};
    const double v[2] = {static_cast<double>(box[1]), static_cast<double>(box[3])};
    double low[2] = {map.x(u[0], v[0]), map.y(u[0], v[0])};
    double high[2] = {low[0], low[1]};
    for (int corner = 1; corner < 4; ++corner) {
        const double at[2] = {map.x(u[corner % 2], v[corner / 2]), map.y(u[corner % 2], v[corner / 2])};
        for (int axis = 0; axis < 2; ++axis) {
            low[axis] = std::min(low[axis], at[axis]);
            high[axis] = std::max(high[axis], at[axis]);
        }
    }
    const double area = (high[0] - low[0]) * (high[1] - low[1]);
    const double extent[2] = {static_cast<double>(size.width), static_cast<double>(size.height)};
    for (int axis = 0; axis < 2; ++axis) {
        low[axis] = std::max(low[axis], 0.0);
        high[axis] = std::min(high[axis], extent[axis]);
        box[axis] = static_cast<Scalar>(low[axis]);
        box[axis + 2] = static_cast<Scalar>(high[axis]);
    }
    const double left = (high[0] - low[0]) * (high[1] - low[1]);
    constexpr double rounding = 1e-6;  // of an edge that lies on that of the image, and beyond it by the last digits of a map
    if (!(box[0] < box[2] && box[1] < box[3] && left >= (min_visible - rounding) * area))
        std::fill_n(box, 5, Scalar(-1));
}

/// The visible key points of one image, which lie in an image of that size afterwards or are none.
template <class Scalar>
void move_keypoints(Scalar* points, Index count, const Affine& map, Pair size, const std::vector<std::pair<Index, Index>>& pairs) {
    for (Scalar* p = points; p != points + 3 * count; p += 3) {
        if (!(p[2] > 0))
            continue;
        const double x = map.x(static_cast<double>(p[0]), static_cast<double>(p[1]));
        const double y = map.y(static_cast<double>(p[0]), static_cast<double>(p[1]));
        p[0] = static_cast<Scalar>(x);
        p[1] = static_cast<Scalar>(y);
        if (!(x >= 0 && y >= 0 && x <= static_cast<double>(size.width) && y <= static_cast<double>(size.height)))
            std::fill_n(p, 3, Scalar(0));
    }
    if (map.determinant() < 0)  // upside down is a mirror as well
        for (const auto& [left, right] : pairs)
            std::swap_ranges(points + 3 * left, points + 3 * left + 3, points + 3 * right);
}

/// The part of an image whose first pixel is at (left, top), which may lie outside.
struct Corner {
    Index top = 0;
    Index left = 0;
    friend bool operator==(const Corner&, const Corner&) = default;
};

/// The part of image i from `corners[i]` on, of that size; `fill` where there is no image.
template <class T>
[[nodiscard]] Tensor<T> windows_of(const Tensor<T>& images, const std::vector<Corner>& corners, Pair size, std::type_identity_t<T> fill) {
    const Index height = images.size(1), width = images.size(2), pixel = images.shape().product(3, images.rank());
    auto result = Tensor<T>::full(images.shape().with(1, size.height).with(2, size.width), fill);
    for (std::size_t i = 0; i < corners.size(); ++i) {
        const auto [top, left] = corners[i];
        const Index first = std::max<Index>(0, -left), last = std::min(size.width, width - left);
        const Index image = static_cast<Index>(i);
        for (Index row = std::max<Index>(0, -top); first < last && row < std::min(size.height, height - top); ++row)
            std::copy_n(images.data() + ((image * height + row + top) * width + first + left) * pixel, (last - first) * pixel,
                        result.data() + ((image * size.height + row) * size.width + first) * pixel);
    }
    return result;
}

/// Moves the named boxes and key points of image i by `maps[i]`, into images of that size.
template <class Scalar>
void move_points(Batch<Scalar>& batch, const AugmentOptions& options, const std::vector<Affine>& maps, Pair size) {
    const auto each_image = [&](const std::string& task, const auto& move) {
        auto& target = batch.targets.at(task);
        losses::TargetOptions<Scalar> beside = target.options();
        Tensor<Scalar> values = std::move(target).values();
        const Index rows = values.size(1), numbers = values.size(2);
        for (std::size_t i = 0; i < maps.size(); ++i)
            move(values.data() + static_cast<Index>(i) * rows * numbers, rows, maps[i]);
        target = {std::move(values), std::move(beside)};
    };
    for (const std::string& task : options.boxes)
        each_image(task, [&](Scalar* rows, Index count, const Affine& map) {
            for (Scalar* box = rows; box != rows + 5 * count; box += 5)
                if (box[4] >= 0)
                    move_box(box, map, size, options.min_visible);
        });
    for (const std::string& task : options.keypoints)
        each_image(task,
                   [&](Scalar* rows, Index count, const Affine& map) { move_keypoints(rows, count, map, size, options.keypoint_pairs); });
}

/// Moves all of a batch of images of `shape` to the part of each from `corners[i]` on, of that size.
template <class Scalar>
void move_to_windows(Batch<Scalar>& batch, const AugmentOptions& options, const Shape& shape, const std::vector<Corner>& corners,
                     Pair size) {
    const bool brings_in = std::any_of(corners.begin(), corners.end(), [&](const Corner& c) {
        return c.top < 0 || c.left < 0 || c.top + size.height > shape[1] || c.left + size.width > shape[2];
    });
    move_pixels(batch, options, brings_in, [&](auto& images, auto fill, auto) { images = windows_of(images, corners, size, fill); });
    std::vector<Affine> maps;
    maps.reserve(corners.size());
    for (const Corner& corner : corners)
        maps.push_back({1, 0, -static_cast<double>(corner.left), 0, 1, -static_cast<double>(corner.top)});
    move_points(batch, options, maps, size);
}

}  // namespace espalier::inline ESPALIER_ABI::data::detail
