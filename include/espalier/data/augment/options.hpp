// SPDX-License-Identifier: MIT
/// @file What the transforms of images move beside them, and whether a batch has it.
#pragma once

#include <espalier/data/batch.hpp>
#include <espalier/kernels/window.hpp>

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

/// What a transform does beside changing the images. A target stays as it is unless its task is named here.
/// Designated initialisers stand in this order.
struct AugmentOptions {
    /// Tasks whose targets lie on the pixels, such as a segmentation: class indices (N, H, W) or values (N, H, W, ...). They
    /// move with the image, and so does a mask of pixels. One with directions or places in it (left and right, x and y) needs more.
    /// Pixels that come in from outside have no label: values become 0 there, and a mask of pixels leaves them out.
    std::vector<std::string> targets = {};
    Index label_fill = -100;  ///< class index of such a pixel: what CrossEntropy ignores
    std::string input = {};   ///< which input holds the images, where a batch has inputs by name
    /// Tasks whose targets are objects, (N, M, 5) as vision/box.hpp has them: corners x1, y1, x2, y2 in pixels, and a class. Boxes move
    /// with the image, turned ones become the upright box around their corners, and are cut at its edges; one of which nothing is left
    /// becomes a row without an object.
    std::vector<std::string> boxes = {};
    double min_visible = 0;  ///< a box of whose area a smaller share is left becomes such a row as well, in [0, 1]
    /// Tasks whose targets are key points, (N, K, 3): x and y in pixels, (0.5, 0.5) the middle of the first, and above 0 if it is
    /// visible. They move with the image; one that leaves it becomes 0, 0, 0.
    std::vector<std::string> keypoints = {};
    /// Key points that change places in a mirror, such as the left and the right hand: where an image is flipped, their rows are swapped.
    std::vector<std::pair<Index, Index>> keypoint_pairs = {};
    double image_fill = 0;  ///< value of the pixels of an image that come in from outside
};

namespace detail {

/// @throws ValueError for a task that is named twice, or an option out of range
[[nodiscard]] inline AugmentOptions checked(const char* operation, AugmentOptions options) {
    auto names = options.targets;
    names.insert(names.end(), options.boxes.begin(), options.boxes.end());
    names.insert(names.end(), options.keypoints.begin(), options.keypoints.end());
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    require<ValueError>(twice == names.end(), operation, "expected each target once, got '", twice == names.end() ? "" : *twice, "' twice");
    require<ValueError>(options.min_visible >= 0 && options.min_visible <= 1, operation, "expected a min_visible in [0, 1], got ",
                        options.min_visible);
    std::vector<Index> paired;
    for (const auto& [left, right] : options.keypoint_pairs)
        paired.insert(paired.end(), {left, right});
    std::sort(paired.begin(), paired.end());
    require<ValueError>((paired.empty() || paired.front() >= 0) && std::adjacent_find(paired.begin(), paired.end()) == paired.end(),
                        operation, "expected each key point in one of .keypoint_pairs at most, and none below 0, got another");
    return options;
}

/// @throws StateError unless a name says which input holds the images exactly where there are several
template <class Scalar>
[[nodiscard]] const Shape& shape_of_images(const char* operation, const Batch<Scalar>& batch, const std::string& input) {
    if (!input.empty())
        return values_of(batch.inputs, input).shape();
    if (!batch.inputs.empty())
        fail<StateError>(operation, "expected .input to say which of ", batch.inputs.names(), " holds the images, got no name");
    return batch.input.shape();
}

/// The shape of the images. @throws as above; ShapeError if they are none
template <class Scalar>
[[nodiscard]] const Shape& checked_images(const char* operation, const Batch<Scalar>& batch, const std::string& input) {
    const Shape& shape = shape_of_images(operation, batch, input);
    require<ShapeError>(shape.rank() == 4, operation, "expected images (N, H, W, C), got shape ", shape);
    return shape;
}

/// A target of `images` rows of `numbers` values each, whose mask leaves out whole images.
template <class Scalar>
void check_rows(const char* operation, const Batch<Scalar>& batch, const std::string& task, Index images, Index numbers,
                const char* expected, const char* what) {
    const auto& target = batch.targets.at(task);
    require<ShapeError>(!target.has_labels() && target.shape().rank() == 3 && target.shape()[2] == numbers, operation, "expected values ",
                        expected, " of task '", task, "', ", what, ", got ", target.has_labels() ? "class indices" : "values", " of shape ",
                        target.shape());
    require<ShapeError>(target.size() == images, operation, "expected values of ", images, " images of task '", task, "', got shape ",
                        target.shape());
    require<ShapeError>(!target.masks_elements(), operation, "expected a mask for images of task '", task, "', got one for elements ",
                        target.shape());
}

/// The shape of the images; the named targets lie on their pixels, or are boxes and key points of theirs. Asked before anything is drawn
/// or moved.
template <class Scalar>
Shape check_images(const char* operation, const Batch<Scalar>& batch, const AugmentOptions& options) {
    const Shape& shape = checked_images(operation, batch, options.input);
    for (const std::string& task : options.targets) {
        const Shape& target = batch.targets.at(task).shape();
        require<ShapeError>(target.rank() >= 3 && target.axes(0, 3) == shape.axes(0, 3), operation,
                            "expected a target (N, H, W, ...) of task '", task, "' on the pixels of images ", shape, ", got shape ",
                            target);
    }
    for (const std::string& task : options.boxes)
        check_rows(operation, batch, task, shape[0], 5, "(N, M, 5)", "x1, y1, x2, y2 and class of objects");
    for (const std::string& task : options.keypoints) {
        check_rows(operation, batch, task, shape[0], 3, "(N, K, 3)", "x, y and visibility of key points");
        for (const auto& [left, right] : options.keypoint_pairs)
            require<ShapeError>(std::max(left, right) < batch.targets.at(task).shape()[1], operation, "expected more than ",
                                std::max(left, right), " key points of task '", task, "', as .keypoint_pairs has it, got shape ",
                                batch.targets.at(task).shape());
    }
    return shape;
}

/// Applies `change(images)` to the input.
template <class Scalar, class Change>
void change_images(Batch<Scalar>& batch, const std::string& input, const Change& change) {
    if (input.empty()) {
        change(batch.input);
        return;
    }
    Input<Scalar>& named = batch.inputs.at(input);
    Tensor<Scalar> images = std::move(named).values();
    change(images);
    named = std::move(images);
}

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::data
