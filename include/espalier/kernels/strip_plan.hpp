// SPDX-License-Identifier: MIT
/// @file How images are cut into strips of rows, which threads work on one by one.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/threads.hpp>

#include <algorithm>
#include <cstddef>

namespace espalier::inline ESPALIER_ABI::kernels {

/// Rows [first, first + rows) of images [image, image + images): a strip of several images has all rows of each.
struct Strip {
    Index image;
    Index images;
    Index first;
    Index rows;

    [[nodiscard]] Index end() const noexcept { return first + rows; }
};

/// Strips of images of equal height, numbered from above to below and image by image. Three of 3 images of 5 rows, by twos:
///
///     image          0          1          2
///     strip        0 1 2      3 4 5      6 7 8
///     its rows     2 2 1      2 2 1      2 2 1
class StripPlan {
public:
    /// Strips of `rows` rows, the last of an image of what is left. Where `rows` are all of them, `together` images make one strip.
    StripPlan(Index images, Index height, Index rows, Index together = 1) noexcept
        : images_{images}, height_{height}, rows_{rows}, together_{together}, of_image_{(height + rows - 1) / rows} {}

    [[nodiscard]] Index rows() const noexcept { return rows_; }          ///< of a strip, at most
    [[nodiscard]] Index together() const noexcept { return together_; }  ///< images of a strip, at most
    [[nodiscard]] Index of_image() const noexcept { return of_image_; }  ///< strips of an image
    [[nodiscard]] Index size() const noexcept { return (images_ + together_ - 1) / together_ * of_image_; }

    [[nodiscard]] Strip operator[](Index i) const noexcept {
        const Index image = i / of_image_ * together_;
        const Index first = i % of_image_ * rows_;
        return {image, std::min(together_, images_ - image), first, std::min(rows_, height_ - first)};
    }

    /// Calls `body(strip, part, scratch)` for each of `parts` parts of the work on each strip, on all threads, with
    /// `scratch_bytes` of memory that are that thread's own.
    template <class Body>
    void for_each(Index parts, std::size_t scratch_bytes, const Body& body) const {
        parallel_for(size() * parts, 1, scratch_bytes,
                     [&](Index i, Index, void* scratch) { body((*this)[i / parts], i % parts, scratch); });
    }

private:
    Index images_;
    Index height_;
    Index rows_;
    Index together_;
    Index of_image_;
};

/// Long strips, whose windows share rows, and still enough of them for all threads: 16 or more, if there are so many rows.
[[nodiscard]] inline StripPlan long_strips(Index images, Index height) noexcept {
    const Index of_image = (16 + std::max<Index>(images, 1) - 1) / std::max<Index>(images, 1);
    return {images, height, std::max<Index>((height + of_image - 1) / of_image, 1)};
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
