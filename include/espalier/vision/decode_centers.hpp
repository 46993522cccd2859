// SPDX-License-Identifier: MIT
/// @file What a prediction of `CenterNet` says: the peaks of its heat maps as boxes.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/tensor/tensor.hpp>
#include <espalier/vision/box.hpp>
#include <espalier/vision/nms.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace espalier::inline ESPALIER_ABI::vision {

/// Designated initialisers stand in this order.
struct DecodeOptions {
    Index stride = 4;               ///< pixels of the image from one cell of the map to the next
    Index top_k = 100;              ///< at most so many objects of an image
    double score_threshold = 0.05;  ///< only what is at least as likely
    double nms_threshold = 1;       ///< above which IoU of two boxes of one class the better one stays; 1: peaks need no such choice
};

namespace detail {

inline void check(const DecodeOptions& options) {
    require<ValueError>(options.stride > 0 && options.top_k > 0, "decode_centers", "expected a stride and a top_k above 0, got ",
                        options.stride, " and ", options.top_k);
    require<ValueError>(options.score_threshold >= 0 && options.score_threshold <= 1, "decode_centers",
                        "expected a score threshold in [0, 1], got ", options.score_threshold);
    (void)iou_bound("decode_centers", options.nms_threshold);
}

/// A cell and a class whose logit none of the eight cells around exceeds.
struct Peak {
    Index cell;
    Index label;
    double logit;
};

/// The peaks of one image (h, w, numbers) whose logit is at least `least`, the highest first, of equals the first cell's and class's.
template <class Scalar>
[[nodiscard]] std::vector<Peak> peaks_of(const Scalar* map, Index height, Index width, Index numbers, double least, Index top_k) {
    std::vector<Peak> peaks;
    for (Index y = 0; y < height; ++y)
        for (Index x = 0; x < width; ++x) {
            const Index top = std::max<Index>(0, y - 1), bottom = std::min(height - 1, y + 1);
            const Index left = std::max<Index>(0, x - 1), right = std::min(width - 1, x + 1);
            const auto exceeded = [=](const Scalar* of_class, Scalar logit) {
                for (Index v = top; v <= bottom; ++v)
                    for (Index u = left; u <= right; ++u)
                        if (of_class[(v * width + u) * numbers] > logit)
                            return true;
                return false;
            };
            const Index cell = y * width + x;
            const Scalar* const logits = map + cell * numbers;
            for (Index c = 0; c < numbers - 4; ++c)
                if (static_cast<double>(logits[c]) >= least && !exceeded(map + c, logits[c]))
                    peaks.push_back({cell, c, static_cast<double>(logits[c])});
        }
    const auto count = std::min(static_cast<std::size_t>(top_k), peaks.size());
    std::partial_sort(peaks.begin(), peaks.begin() + static_cast<std::ptrdiff_t>(count), peaks.end(), [](const Peak& a, const Peak& b) {
        return a.logit != b.logit ? a.logit > b.logit : a.cell != b.cell ? a.cell < b.cell : a.label < b.label;
    });
    peaks.resize(count);
    return peaks;
}

/// The box around a peak, within the image.
template <class Scalar>
[[nodiscard]] Box box_at(const Scalar* sizes, Index column, Index line, Index height, Index width, Index stride) noexcept {
    const auto edge = [stride](double cells, Index most) {
        return static_cast<float>(std::clamp(cells, 0.0, static_cast<double>(most)) * static_cast<double>(stride));
    };
    const double x = static_cast<double>(column) + static_cast<double>(sizes[2]);
    const double y = static_cast<double>(line) + static_cast<double>(sizes[3]);
    const double half_width = static_cast<double>(sizes[0]) / 2;
    const double half_height = static_cast<double>(sizes[1]) / 2;
    return {edge(x - half_width, width), edge(y - half_height, height), edge(x + half_width, width), edge(y + half_height, height)};
}

/// Those of one image.
template <class Scalar>
[[nodiscard]] std::vector<Detection> decode_image(const Scalar* map, Index height, Index width, Index numbers,
                                                  const DecodeOptions& options) {
    const double p = options.score_threshold;
    const auto peaks = peaks_of(map, height, width, numbers, std::log(p) - std::log1p(-p), options.top_k);
    std::vector<Detection> found;
    for (const Peak& peak : peaks) {
        const Scalar* const sizes = map + (peak.cell + 1) * numbers - 4;
        if (!std::all_of(sizes, sizes + 4, [](Scalar v) { return is_finite(v); }))
            continue;
        const Box box = box_at(sizes, peak.cell % width, peak.cell / width, height, width, options.stride);
        if (box.x1 < box.x2 && box.y1 < box.y2)
            found.push_back({box, peak.label, 1 / (1 + std::exp(-peak.logit))});
    }
    if (options.nms_threshold >= 1)
        return found;
    std::vector<Box> boxes;
    std::vector<double> scores;
    std::vector<Index> labels;
    for (const Detection& detection : found) {
        boxes.push_back(detection.box);
        scores.push_back(detection.score);
        labels.push_back(detection.label);
    }
    std::vector<Detection> best;
    for (const Index i : batched_nms(boxes, scores, labels, options.nms_threshold))
        best.push_back(found[static_cast<std::size_t>(i)]);
    return best;
}

}  // namespace detail

/// The objects that predictions (N, h, w, C + 4) of a `center_head` say, for each image the most likely first: peaks of the heat maps,
/// which none of the eight cells around exceeds, with the size and place that stand there, cut at the edges of the image. What has no area
/// or is not finite is left out. Of equal scores that of the first cell comes first, row by row, and of its classes the lowest.
/// @throws ShapeError for another shape, ValueError for a bad option
template <class Scalar>
[[nodiscard]] std::vector<std::vector<Detection>> decode_centers(const Tensor<Scalar>& prediction, const DecodeOptions& options = {}) {
    detail::check(options);
    require<ShapeError>(prediction.rank() == 4 && prediction.size(3) > 4, "decode_centers",
                        "expected predictions (N, h, w, classes + 4), got ", prediction.shape());
    std::vector<std::vector<Detection>> result(static_cast<std::size_t>(prediction.size(0)));
    const Index each = prediction.shape().product(1, 4);
    parallel_for(prediction.size(0), 1, [&](Index begin, Index end) {
        for (Index n = begin; n < end; ++n)
            result[static_cast<std::size_t>(n)] = detail::decode_image(prediction.data() + n * each, prediction.size(1), prediction.size(2),
                                                                       prediction.size(3), options);
    });
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::vision
