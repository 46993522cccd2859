// SPDX-License-Identifier: MIT
/// @file Parts of images that are covered at random.
#pragma once

#include <espalier/core/random.hpp>
#include <espalier/data/augment/move.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

/// Designated initialisers stand in this order.
struct CutOutOptions {
    double p = 1;     ///< share of the images that are covered, by chance
    double fill = 0;  ///< value of the covered pixels
    Index count = 1;  ///< number of parts of an image; they may overlap
    /// Tasks whose targets lie on the pixels, such as a segmentation, and have no label where the image is covered. All others stay as
    /// they are: what is there has to be told from what is around it.
    std::vector<std::string> targets = {};
    Index label_fill = -100;  ///< class index of such a pixel: what CrossEntropy ignores
    std::string input = {};   ///< which input holds the images, where a batch has inputs by name
};

namespace detail {

/// Rows [top, bottom) and columns [left, right) of an image.
struct Part {
    Index top = 0, bottom = 0, left = 0, right = 0;

    [[nodiscard]] Index area() const noexcept { return (bottom - top) * (right - left); }
};

/// A part of `size` pixels around a pixel of the image, each as likely, and cut at the edges; one of even extent reaches farther up and
/// to the left.
[[nodiscard]] inline Part draw_part(Pair image, Pair size, Random& random) {
    const Index top = random.below(image.height) - size.height / 2, left = random.below(image.width) - size.width / 2;
    return {std::max<Index>(top, 0), std::min(top + size.height, image.height), std::max<Index>(left, 0),
            std::min(left + size.width, image.width)};
}

/// The part of image i of (N, H, W, ...) becomes `value`.
template <class T>
void fill_part(Tensor<T>& images, Index i, const Part& part, T value) {
    const Index pixel = images.shape().product(3, images.rank());
    for (Index row = part.top; row < part.bottom; ++row)
        std::fill_n(images.data() + ((i * images.size(1) + row) * images.size(2) + part.left) * pixel, (part.right - part.left) * pixel,
                    value);
}

class CutOut {
public:
    CutOut(Pair size, CutOutOptions options)
        : size_{size},
          p_{options.p},
          fill_{options.fill},
          count_{options.count},
          options_{checked("cut_out", AugmentOptions{.targets = std::move(options.targets),
                                                     .label_fill = options.label_fill,
                                                     .input = std::move(options.input)})} {
        check_size("cut_out", size);
        require<ValueError>(p_ >= 0 && p_ <= 1, "cut_out", "expected a probability in [0, 1], got ", p_);
        require<ValueError>(count_ >= 0, "cut_out", "expected a count of at least 0, got ", count_);
    }

    template <class Scalar>
    void operator()(Batch<Scalar>& batch, Random& random) const {
        const Shape shape = check_images("cut_out", batch, options_);
        if (shape[1] == 0 || shape[2] == 0)
            return;
        std::vector<std::pair<Index, Part>> parts;  // each with its image
        for (Index i = 0; i < shape[0]; ++i)
            if (random.uniform() < p_)
                for (Index k = 0; k < count_; ++k)
                    parts.emplace_back(i, draw_part({shape[1], shape[2]}, size_, random));
        const auto cover = [&](auto& images, auto value) {
            for (const auto& [image, part] : parts)
                fill_part(images, image, part, value);
        };
        change_images(batch, options_.input, [&](Tensor<Scalar>& images) { cover(images, static_cast<Scalar>(fill_)); });
        for (const std::string& task : options_.targets)
            if (!parts.empty())
                leave_out(batch.targets.at(task), cover);
    }

private:
    /// The covered pixels of a target count for nothing.
    template <class Scalar, class Cover>
    void leave_out(losses::Target<Scalar>& target, const Cover& cover) const {
        losses::TargetOptions<Scalar> beside = target.options();
        if (target.has_labels()) {
            Tensor<Index> labels = target.labels();
            cover(labels, options_.label_fill);
            target = {std::move(labels), std::move(beside)};
            return;
        }
        beside.mask = target.masks_elements() ? *target.mask() : mask_of_elements(target);
        cover(*beside.mask, false);
        Tensor<Scalar> values = target.values();
        target = {std::move(values), std::move(beside)};
    }

    Pair size_;
    double p_;
    double fill_;
    Index count_;
    AugmentOptions options_;
};

}  // namespace detail

/// Covers a part of `size` pixels of each image, around any of its pixels, so that some of the part may lie outside: Cutout (DeVries and
/// Taylor, "Improved regularization of convolutional neural networks with cutout", 2017). Boxes and key points stay as they are.
/// @throws ValueError for an option out of range; when called as the flips
[[nodiscard]] inline auto cut_out(Pair size, CutOutOptions options = {}) { return detail::CutOut{size, std::move(options)}; }

}  // namespace espalier::inline ESPALIER_ABI::data
