// SPDX-License-Identifier: MIT
/// @file Random flips and shifts of images, ready to be a loader's `.transform`.
///
/// @code
/// data::DataLoader loader{set, {.transform = data::compose(data::random_horizontal_flip(), data::random_shift(2))}};
/// @endcode
#pragma once

#include <espalier/core/random.hpp>
#include <espalier/data/batch.hpp>

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

/// What a flip or a shift does beside moving the images. A target stays as it is unless its task is named here.
struct AugmentOptions {
    /// Tasks whose targets lie on the pixels, such as a segmentation: class indices (N, H, W) or values (N, H, W, ...). They
    /// move with the image, and so does a mask of pixels. One with directions or places in it (left and right, x and y) needs more.
    /// Pixels that a shift brings in have no label: values become 0 there, and a mask of pixels leaves them out.
    std::vector<std::string> targets = {};
    Index label_fill = -100;  ///< class index of such a pixel: what CrossEntropy ignores
    std::string input = {};   ///< which input holds the images, where a batch has inputs by name
    /// Tasks whose targets are objects, (N, M, 5) as vision/box.hpp has them: corners x1, y1, x2, y2 in pixels, and a class. Boxes move
    /// with the image and are cut at its edges; one that a shift takes out of it becomes a row without an object.
    std::vector<std::string> boxes = {};
};

namespace detail {

[[nodiscard]] inline AugmentOptions checked(const char* operation, AugmentOptions options) {
    auto names = options.targets;
    names.insert(names.end(), options.boxes.begin(), options.boxes.end());
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    require<ValueError>(twice == names.end(), operation, "expected each target once, got '", twice == names.end() ? "" : *twice, "' twice");
    return options;
}

/// @throws StateError unless the options say which input holds the images exactly where there are several
template <class Scalar>
[[nodiscard]] const Shape& shape_of_images(const char* operation, const Batch<Scalar>& batch, const AugmentOptions& options) {
    if (!options.input.empty())
        return values_of(batch.inputs, options.input).shape();
    if (!batch.inputs.empty())
        fail<StateError>(operation, "expected .input to say which of ", batch.inputs.names(), " holds the images, got no name");
    return batch.input.shape();
}

/// Whether the input is images, the named targets lie on its pixels and the named boxes are such; asked before anything is drawn or moved.
template <class Scalar>
void check_images(const char* operation, const Batch<Scalar>& batch, const AugmentOptions& options) {
    const Shape& shape = shape_of_images(operation, batch, options);
    require<ShapeError>(shape.rank() == 4, operation, "expected images (N, H, W, C), got shape ", shape);
    for (const std::string& task : options.targets) {
        const Shape& target = batch.targets.at(task).shape();
        require<ShapeError>(target.rank() >= 3 && target.axes(0, 3) == shape.axes(0, 3), operation,
                            "expected a target (N, H, W, ...) of task '", task, "' on the pixels of images ", shape, ", got shape ",
                            target);
    }
    for (const std::string& task : options.boxes) {
        const auto& target = batch.targets.at(task);
        require<ShapeError>(!target.has_labels() && target.shape().rank() == 3 && target.shape()[2] == 5, operation,
                            "expected values (N, M, 5) of task '", task, "', x1, y1, x2, y2 and class of objects, got ",
                            target.has_labels() ? "class indices" : "values", " of shape ", target.shape());
    }
}

/// Which elements of a target its mask leaves in, one by one.
template <class Scalar>
[[nodiscard]] Tensor<bool> mask_of_elements(const losses::Target<Scalar>& target) {
    auto mask = Tensor<bool>::full(target.shape(), true);
    for (Index i = 0; target.mask() && i < mask.numel(); ++i)
        mask[i] = (*target.mask())[i / target.sample_numel()];
    return mask;
}

/// Applies `move(tensor, fill)` to the input and to the named targets. `brings_in` says whether it needs the fill.
template <class Scalar, class Move>
void move_pixels(Batch<Scalar>& batch, const AugmentOptions& options, bool brings_in, const Move& move) {
    if (options.input.empty()) {
        move(batch.input, Scalar(0));
    } else {
        Input<Scalar>& input = batch.inputs.at(options.input);
        Tensor<Scalar> images = std::move(input).values();
        move(images, Scalar(0));
        input = std::move(images);
    }
    for (const std::string& task : options.targets) {
        auto& target = batch.targets.at(task);
        losses::TargetOptions<Scalar> beside = target.options();  // weights are of samples, which stay where they are
        if (brings_in && !target.has_labels() && !target.masks_elements())
            beside.mask = mask_of_elements(target);
        if (beside.mask && beside.mask->rank() >= 3)
            move(*beside.mask, false);
        if (target.has_labels()) {
            Tensor<Index> labels = target.labels();
            move(labels, options.label_fill);
            target = {std::move(labels), std::move(beside)};
        } else {
            Tensor<Scalar> values = target.values();
            move(values, Scalar(0));
            target = {std::move(values), std::move(beside)};
        }
    }
}

/// Applies `move(i, box)` to the four corners of each object of image i. Cut at the edges, or without a class if nothing is left.
template <class Scalar, class Move>
void move_boxes(Batch<Scalar>& batch, const AugmentOptions& options, const Move& move) {
    if (options.boxes.empty())
        return;
    const Shape& shape = shape_of_images("move_boxes", batch, options);
    const auto height = static_cast<Scalar>(shape[1]), width = static_cast<Scalar>(shape[2]);
    for (const std::string& task : options.boxes) {
        auto& target = batch.targets.at(task);
        losses::TargetOptions<Scalar> beside = target.options();
        Tensor<Scalar> values = std::move(target).values();
        const Index rows = values.size(1);
        for (Index i = 0; i < values.size(0) * rows; ++i) {
            Scalar* const box = values.data() + i * 5;
            if (!(box[4] >= 0))
                continue;
            move(i / rows, box);
            box[0] = std::max(box[0], Scalar(0));
            box[1] = std::max(box[1], Scalar(0));
            box[2] = std::min(box[2], width);
            box[3] = std::min(box[3], height);
            if (!(box[0] < box[2] && box[1] < box[3]))
                std::fill_n(box, 5, Scalar(-1));
        }
        target = {std::move(values), std::move(beside)};
    }
}

class RandomFlip {
public:
    RandomFlip(bool horizontal, double p, AugmentOptions options)
        : horizontal_{horizontal}, p_{p}, options_{checked(name(), std::move(options))} {
        require<ValueError>(p >= 0 && p <= 1, name(), "expected a probability in [0, 1], got ", p);
    }

    template <class Scalar>
    void operator()(Batch<Scalar>& batch, Random& random) const {
        check_images(name(), batch, options_);
        std::vector<Index> flipped;
        for (Index i = 0; i < batch.size(); ++i)
            if (random.uniform() < p_)
                flipped.push_back(i);
        move_pixels(batch, options_, false, [&](auto& images, auto) {
            const Index height = images.size(1), width = images.size(2), pixel = images.shape().product(3, images.rank());
            for (const Index i : flipped) {
                auto* const image = images.data() + i * height * width * pixel;
                if (horizontal_)
                    for (Index row = 0; row < height; ++row)
                        reverse(image + row * width * pixel, width, pixel);
                else
                    reverse(image, height, width * pixel);
            }
        });
        const Shape& shape = shape_of_images(name(), batch, options_);
        move_boxes(batch, options_, [&, side = static_cast<Scalar>(shape[horizontal_ ? 2 : 1])](Index i, Scalar* box) {
            if (!std::binary_search(flipped.begin(), flipped.end(), i))
                return;
            Scalar& low = box[horizontal_ ? 0 : 1];
            Scalar& high = box[horizontal_ ? 2 : 3];
            low = side - std::exchange(high, side - low);
        });
    }

private:
    [[nodiscard]] const char* name() const noexcept { return horizontal_ ? "random_horizontal_flip" : "random_vertical_flip"; }

    /// The order of `count` runs of `length` elements.
    template <class T>
    static void reverse(T* data, Index count, Index length) {
        for (Index first = 0, last = count - 1; first < last; ++first, --last)
            std::swap_ranges(data + first * length, data + (first + 1) * length, data + last * length);
    }

    bool horizontal_;
    double p_;
    AugmentOptions options_;
};

class RandomShift {
public:
    RandomShift(Index max_pixels, AugmentOptions options) : max_pixels_{max_pixels}, options_{checked("random_shift", std::move(options))} {
        require<ValueError>(max_pixels >= 0, "random_shift", "expected a shift of at least 0 pixels, got ", max_pixels);
    }

    template <class Scalar>
    void operator()(Batch<Scalar>& batch, Random& random) const {
        check_images("random_shift", batch, options_);
        const Shape& shape = shape_of_images("random_shift", batch, options_);
        require<ShapeError>(max_pixels_ < std::min(shape[1], shape[2]), "random_shift", "expected images of more than ", max_pixels_,
                            " pixels a side, so that some of them stays, got shape ", shape);
        std::vector<std::pair<Index, Index>> shifts;  // down and to the right
        for (Index i = 0; i < batch.size(); ++i) {
            const Index down = random.below(2 * max_pixels_ + 1) - max_pixels_;
            shifts.emplace_back(down, random.below(2 * max_pixels_ + 1) - max_pixels_);
        }
        move_pixels(batch, options_, max_pixels_ > 0, [&](auto& images, auto fill) {
            const Index height = images.size(1), width = images.size(2), pixel = images.shape().product(3, images.rank());
            const auto before = std::exchange(images, std::remove_cvref_t<decltype(images)>::full(images.shape(), fill));
            for (std::size_t i = 0; i < shifts.size(); ++i) {
                const auto [down, right] = shifts[i];
                const Index image = static_cast<Index>(i) * height * width * pixel;
                for (Index row = std::max<Index>(0, down); row < height + std::min<Index>(0, down); ++row) {
                    const Index to = std::max<Index>(0, right), from = std::max<Index>(0, -right);
                    std::copy_n(before.data() + image + ((row - down) * width + from) * pixel, (width - to - from) * pixel,
                                images.data() + image + (row * width + to) * pixel);
                }
            }
        });
        move_boxes(batch, options_, [&](Index i, Scalar* box) {
            const auto [down, right] = shifts[static_cast<std::size_t>(i)];
            for (int corner = 0; corner < 4; ++corner)
                box[corner] += static_cast<Scalar>(corner % 2 == 0 ? right : down);
        });
    }

private:
    Index max_pixels_;
    AugmentOptions options_;
};

}  // namespace detail

/// Turns each image (H, W, C) of a batch left to right with probability `p`, as torchvision's RandomHorizontalFlip.
/// @throws ValueError unless 0 <= p <= 1; when called ShapeError for what is no image, StateError for a task or input that is not there
[[nodiscard]] inline auto random_horizontal_flip(double p = 0.5, AugmentOptions options = {}) {
    return detail::RandomFlip{true, p, std::move(options)};
}
/// The same upside down.
[[nodiscard]] inline auto random_vertical_flip(double p = 0.5, AugmentOptions options = {}) {
    return detail::RandomFlip{false, p, std::move(options)};
}
/// Moves each image by up to `max_pixels` in both directions, every shift as likely, and fills with 0 what comes in: what
/// torchvision's RandomCrop does with its padding. @throws ValueError for a negative number; when called as above, also
/// ShapeError for images that are no larger than that
[[nodiscard]] inline auto random_shift(Index max_pixels, AugmentOptions options = {}) {
    return detail::RandomShift{max_pixels, std::move(options)};
}

}  // namespace espalier::inline ESPALIER_ABI::data
