// SPDX-License-Identifier: MIT
/// @file Boxes, objects, and how those of a batch travel as one tensor.
///
/// The target of a task that finds objects is a `losses::Target` of values (N, M, 5): for each image M rows x1, y1, x2, y2, class. Corners
/// are in pixels of the image, x to the right and y down, x2 > x1 and y2 > y1. M is the largest number of objects in any image; a row whose
/// class is negative is no object and fills up. So one such task is like any other: a mask (N,) leaves images out that nobody has
/// labelled, a weight (N,) weighs images.
/// @code
/// std::vector<std::vector<vision::Object>> objects{{{{10, 20, 40, 60}, 2}}, {}};     // an object of class 2, and an image without any
/// losses::Target<float> target{vision::pack(objects)};                              // (2, 1, 5)
/// @endcode
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/losses/target.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <ostream>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::vision {

/// A rectangle by two of its corners, in pixels.
struct Box {
    float x1 = 0;
    float y1 = 0;
    float x2 = 0;
    float y2 = 0;

    [[nodiscard]] float width() const noexcept { return x2 - x1; }
    [[nodiscard]] float height() const noexcept { return y2 - y1; }
    [[nodiscard]] float area() const noexcept { return width() * height(); }
    friend bool operator==(const Box&, const Box&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Box& box) {
        return espalier::detail::print_classic(out, [&](std::ostream& text) {
            text << '[' << box.x1 << ", " << box.y1 << ", " << box.x2 << ", " << box.y2 << ']';
        });
    }
};

/// What is to be found.
struct Object {
    Box box;
    Index label = 0;
    friend bool operator==(const Object&, const Object&) = default;
};

/// What was found, and how sure that is.
struct Detection {
    Box box;
    Index label = 0;
    double score = 0;
    friend bool operator==(const Detection&, const Detection&) = default;
};

namespace detail {

/// The area that two boxes share, and that over the area of both together, in the type of the corners.
template <class Scalar>
[[nodiscard]] Scalar overlap(const Scalar* a, const Scalar* b) noexcept {
    const Scalar width = std::min(a[2], b[2]) - std::max(a[0], b[0]);
    const Scalar height = std::min(a[3], b[3]) - std::max(a[1], b[1]);
    return std::max(width, Scalar(0)) * std::max(height, Scalar(0));
}
template <class Scalar>
[[nodiscard]] Scalar over_union(const Scalar* a, const Scalar* b) noexcept {
    const Scalar shared = overlap(a, b);
    const Scalar both = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared;
    return both > 0 ? shared / both : Scalar(0);
}

/// Whether a sample of a target of objects is labelled: an image without any row is as well, unlike for `Target::labelled`.
template <class Scalar>
[[nodiscard]] bool counts(const losses::Target<Scalar>& target, Index image) noexcept {
    return (!target.mask() || (*target.mask())[image]) && (!target.weight() || (*target.weight())[image] > 0);
}

/// A row of a target as an object; its class is no whole number in [0, classes), or its box has no area: ValueError.
template <class Scalar>
[[nodiscard]] Object object_of(const char* operation, const Scalar* row, Index image, Index number, Index classes) {
    const Box box{static_cast<float>(row[0]), static_cast<float>(row[1]), static_cast<float>(row[2]), static_cast<float>(row[3])};
    require<ValueError>(row[4] >= 0 && row[4] < static_cast<Scalar>(classes) && std::floor(row[4]) == row[4], operation,
                        "expected a class in [0, ", classes, ") or a negative one for no object, got ", row[4], " at image ", image,
                        ", row ", number);
    require<ValueError>(
        is_finite(box.x1) && is_finite(box.y1) && is_finite(box.x2) && is_finite(box.y2) && box.x1 < box.x2 && box.y1 < box.y2, operation,
        "expected a finite box [x1, y1, x2, y2] with x1 < x2 and y1 < y2, got ", box, " at image ", image, ", row ", number);
    return {box, static_cast<Index>(row[4])};
}

/// Calls `visit(row, object)` for the objects of one image of values (N, M, 5).
template <class Scalar, class Visit>
void for_each_object(const char* operation, const Tensor<Scalar>& values, Index image, Index classes, const Visit& visit) {
    const Index rows = values.size(1);
    for (Index r = 0; r < rows; ++r) {
        const Scalar* const row = values.data() + (image * rows + r) * 5;
        if (!(row[4] < 0))
            visit(r, object_of(operation, row, image, r, classes));
    }
}

/// The values of a target of objects for `images` images. A mask for elements has no meaning: a row is left out by its class.
/// @throws StateError for class indices, ShapeError for another shape or such a mask.
template <class Scalar>
[[nodiscard]] const Tensor<Scalar>& objects_for(const char* operation, Index images, const losses::Target<Scalar>& target) {
    if (target.has_labels())
        fail<StateError>(operation, "expected a target of values (N, M, 5), got class indices of shape ", target.shape());
    const Shape& shape = target.shape();
    require<ShapeError>(shape.rank() == 3 && shape[0] == images && shape[2] == 5, operation, "expected objects (", images, ", M, 5), got ",
                        shape);
    require<ShapeError>(!target.masks_elements(), operation, "expected a mask for images (", images, ",), got one for elements ", shape);
    return target.values();
}

}  // namespace detail

/// The area that both boxes cover; 0 where they only touch.
[[nodiscard]] inline float intersection(const Box& a, const Box& b) noexcept {
    const float p[4] = {a.x1, a.y1, a.x2, a.y2};
    const float q[4] = {b.x1, b.y1, b.x2, b.y2};
    return detail::overlap(p, q);
}
/// Their intersection over their union, from 0 to 1; 0 for two boxes without area.
[[nodiscard]] inline float iou(const Box& a, const Box& b) noexcept {
    const float p[4] = {a.x1, a.y1, a.x2, a.y2};
    const float q[4] = {b.x1, b.y1, b.x2, b.y2};
    return detail::over_union(p, q);
}

/// The IoU of every box of (A, 4) with every one of (B, 4): (A, B). @throws ShapeError
template <class Scalar>
[[nodiscard]] Tensor<Scalar> box_iou(const Tensor<Scalar>& a, const Tensor<Scalar>& b) {
    for (const Tensor<Scalar>* boxes : {&a, &b})
        require<ShapeError>(boxes->rank() == 2 && boxes->size(1) == 4, "box_iou", "expected boxes (count, 4), got ", boxes->shape());
    auto result = Tensor<Scalar>::empty({a.size(0), b.size(0)});
    Scalar* out = result.data();
    for (Index i = 0; i < a.size(0); ++i)
        for (Index j = 0; j < b.size(0); ++j)
            *out++ = detail::over_union(a.data() + 4 * i, b.data() + 4 * j);
    return result;
}

/// The objects of N images as the values (N, M, 5) of a target. M is the largest number in any image and at least 1, so that a set without
/// objects is not taken for one without labels. @throws ValueError for a box without area or not finite, or a negative class, with image
/// and row
template <class Scalar = float>
[[nodiscard]] Tensor<Scalar> pack(const std::vector<std::vector<Object>>& images) {
    std::size_t most = 1;
    for (const auto& objects : images)
        most = std::max(most, objects.size());
    Tensor<Scalar> result{Shape{static_cast<Index>(images.size()), static_cast<Index>(most), 5}};
    Scalar* row = result.data();
    for (std::size_t n = 0; n < images.size(); ++n)
        for (std::size_t r = 0; r < most; ++r, row += 5) {
            row[4] = -1;
            if (r >= images[n].size())
                continue;
            const auto& [box, label] = images[n][r];
            const Scalar values[5] = {static_cast<Scalar>(box.x1), static_cast<Scalar>(box.y1), static_cast<Scalar>(box.x2),
                                      static_cast<Scalar>(box.y2), static_cast<Scalar>(label)};
            (void)detail::object_of("pack", values, static_cast<Index>(n), static_cast<Index>(r), Index{1} << 24);
            std::copy_n(values, 5, row);
        }
    return result;
}

/// The objects of values (N, M, 5), as `pack` made them: the rows whose class is not negative. @throws ShapeError, ValueError as `pack`
template <class Scalar>
[[nodiscard]] std::vector<std::vector<Object>> unpack(const Tensor<Scalar>& values) {
    require<ShapeError>(values.rank() == 3 && values.size(2) == 5, "unpack", "expected objects (N, M, 5), got ", values.shape());
    std::vector<std::vector<Object>> result(static_cast<std::size_t>(values.size(0)));
    for (std::size_t n = 0; n < result.size(); ++n)
        detail::for_each_object("unpack", values, static_cast<Index>(n), Index{1} << 24,
                                [&](Index, const Object& object) { result[n].push_back(object); });
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::vision
