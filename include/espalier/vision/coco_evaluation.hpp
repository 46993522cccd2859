// SPDX-License-Identifier: MIT
/// @file How good detections are, as the COCO challenge measures it: average precision and recall (Lin et al., Microsoft COCO, 2014).
///
/// The numbers are those of pycocotools for boxes: for each class the detections of all images, the best first, are matched with objects at
/// ten thresholds of IoU, 0.5 to 0.95; average precision is the mean of the precision, made monotone, at 101 recalls from 0 to 1.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/vision/box.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <numeric>
#include <set>
#include <vector>

namespace espalier::inline ESPALIER_ABI::vision {

/// An object that detections are compared with.
struct GroundTruth {
    Box box;
    Index label = 0;
    bool crowd =
        false;  ///< stands for many: neither to be found nor wrong to find, any number of times, by the part of it that lies within
    bool ignore = false;  ///< neither to be found nor wrong to find
    double area = -1;  ///< by which it is small or large, such as that of a mask; negative: that of the box
};

/// All in [0, 1]; -1 where no object of that size is there to be found. Small is below 32 by 32 pixels, large above 96 by 96.
struct CocoSummary {
    double ap = -1;  ///< average precision, the mean over classes and thresholds
    double ap50 = -1;  ///< at an IoU of 0.5 alone
    double ap75 = -1;
    double ap_small = -1;
    double ap_medium = -1;
    double ap_large = -1;
    double ar1 = -1;  ///< average recall with at most one detection of each class in an image
    double ar10 = -1;
    double ar100 = -1;
    double ar_small = -1;
    double ar_medium = -1;
    double ar_large = -1;
};

namespace detail {

inline constexpr std::size_t coco_thresholds = 10;
inline constexpr std::size_t coco_most = 100;  ///< detections of a class in an image

/// As numpy's linspace(0.5, 0.95, 10) rounds them.
[[nodiscard]] inline double coco_threshold(std::size_t t) noexcept {
    return t + 1 == coco_thresholds ? 0.95 : static_cast<double>(t) * ((0.95 - 0.5) / 9) + 0.5;
}

/// Of objects, both ends included.
struct AreaRange {
    double low;
    double high;
    [[nodiscard]] bool contains(double area) const noexcept { return area >= low && area <= high; }
};
inline constexpr AreaRange coco_areas[] = {{0, 1e10}, {0, 32 * 32}, {32 * 32, 96 * 96}, {96 * 96, 1e10}};

[[nodiscard]] inline std::array<double, 4> corners(const Box& box) noexcept { return {box.x1, box.y1, box.x2, box.y2}; }
[[nodiscard]] inline double exact_area(const Box& box) noexcept {
    const auto [x1, y1, x2, y2] = corners(box);
    return (x2 - x1) * (y2 - y1);
}

/// Objects and detections of one class in one image, and their overlaps: of a crowd the share of the detection that lies within.
struct ImageOfClass {
    std::vector<const GroundTruth*> truths;
    std::vector<const Detection*> found;  ///< the best first, at most `coco_most`
    std::vector<double> overlaps;  ///< (found, truths)

    ImageOfClass(const std::vector<GroundTruth>& objects, const std::vector<Detection>& detections, Index label) {
        for (const GroundTruth& object : objects)
            if (object.label == label)
                truths.push_back(&object);
        for (const Detection& detection : detections)
            if (detection.label == label)
                found.push_back(&detection);
        std::stable_sort(found.begin(), found.end(), [](const auto* a, const auto* b) { return a->score > b->score; });
        found.resize(std::min(found.size(), coco_most));
        for (const Detection* const detection : found)
            for (const GroundTruth* const truth : truths) {
                const double shared = overlap(corners(detection->box).data(), corners(truth->box).data());
                const double both = exact_area(detection->box) + (truth->crowd ? 0 : exact_area(truth->box) - shared);
                overlaps.push_back(shared > 0 ? shared / both : 0);
            }
    }
};

/// What became of a detection at each threshold.
struct Judged {
    double score = 0;
    std::size_t rank = 0;  ///< in its image
    std::array<bool, coco_thresholds> matched{};
    std::array<bool, coco_thresholds> ignored{};
};

/// Matches one image at one threshold: the best first, each with the object of the largest overlap that is left, those that are to be found
/// before all others. `order` has the latter last, and `ignored` is of the objects.
inline void match(const ImageOfClass& image, std::size_t t, const std::vector<std::size_t>& order, const std::vector<bool>& ignored,
                  Judged* judged) {
    std::vector<bool> taken(image.truths.size());
    for (std::size_t d = 0; d < image.found.size(); ++d) {
        double best = std::min(coco_threshold(t), 1 - 1e-10);
        std::size_t match = taken.size();
        for (const std::size_t g : order) {
            if (taken[g] && !image.truths[g]->crowd)
                continue;
            if (match < taken.size() && !ignored[match] && ignored[g])
                break;
            if (const double overlap = image.overlaps[d * taken.size() + g]; overlap >= best) {
                best = overlap;
                match = g;
            }
        }
        if (match == taken.size())
            continue;
        taken[match] = true;
        judged[d].matched[t] = true;
        judged[d].ignored[t] = ignored[match];
    }
}

/// Judges the detections of one image, appended to `all`. @return how many objects were to be found
inline std::size_t judge(const ImageOfClass& image, const AreaRange& areas, std::vector<Judged>& all) {
    std::vector<bool> ignored;
    for (const GroundTruth* const truth : image.truths)
        ignored.push_back(truth->crowd || truth->ignore || !areas.contains(truth->area < 0 ? exact_area(truth->box) : truth->area));
    std::vector<std::size_t> order(ignored.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_partition(order.begin(), order.end(), [&](std::size_t g) { return !ignored[g]; });
    const std::size_t first = all.size();
    all.resize(first + image.found.size());
    for (std::size_t t = 0; t < coco_thresholds; ++t)
        match(image, t, order, ignored, all.data() + first);
    for (std::size_t d = 0; d < image.found.size(); ++d) {
        Judged& judged = all[first + d];
        judged.score = image.found[d]->score;
        judged.rank = d;
        for (std::size_t t = 0; t < coco_thresholds && !areas.contains(exact_area(image.found[d]->box)); ++t)
            judged.ignored[t] = judged.ignored[t] || !judged.matched[t];
    }
    return static_cast<std::size_t>(std::count(ignored.begin(), ignored.end(), false));
}

/// Average precision and last recall of a class at each threshold.
struct Curve {
    std::array<double, coco_thresholds> precision{};
    std::array<double, coco_thresholds> recall{};
};

/// Of the first `most` detections in each image, for `wanted` objects, more than none.
[[nodiscard]] inline Curve curve_of(const std::vector<Judged>& all, std::size_t wanted, std::size_t most) {
    std::vector<const Judged*> order;
    for (const Judged& judged : all)
        if (judged.rank < most)
            order.push_back(&judged);
    std::stable_sort(order.begin(), order.end(), [](const Judged* a, const Judged* b) { return a->score > b->score; });
    Curve curve;
    for (std::size_t t = 0; t < coco_thresholds; ++t) {
        std::vector<double> precision, recall;
        double right = 0, wrong = 0;
        for (const Judged* const judged : order) {
            if (!judged->ignored[t])
                ++(judged->matched[t] ? right : wrong);
            recall.push_back(right / static_cast<double>(wanted));
            precision.push_back(right / (right + wrong + std::numeric_limits<double>::epsilon()));
        }
        for (std::size_t i = precision.size(); i > 1; --i)
            precision[i - 2] = std::max(precision[i - 2], precision[i - 1]);
        for (int i = 0; i <= 100; ++i) {
            const double least = i == 100 ? 1.0 : i * 0.01;
            const auto reached = std::lower_bound(recall.begin(), recall.end(), least) - recall.begin();
            if (static_cast<std::size_t>(reached) < precision.size())
                curve.precision[t] += precision[static_cast<std::size_t>(reached)] / 101;
        }
        curve.recall[t] = recall.empty() ? 0 : recall.back();
    }
    return curve;
}

/// What one class adds: curves for the four ranges of areas, then with at most one and ten detections; none where nothing was wanted.
struct ClassCurves {
    std::array<Curve, 6> curves;
    std::array<bool, 6> there{};
};

[[nodiscard]] inline ClassCurves evaluate_class(const std::vector<std::vector<GroundTruth>>& truths,
                                                const std::vector<std::vector<Detection>>& detections, Index label) {
    std::vector<ImageOfClass> images;
    for (std::size_t n = 0; n < truths.size(); ++n)
        images.emplace_back(truths[n], detections[n], label);
    ClassCurves result;
    for (std::size_t a = 0; a < 4; ++a) {
        std::vector<Judged> all;
        std::size_t wanted = 0;
        for (const ImageOfClass& image : images)
            wanted += judge(image, coco_areas[a], all);
        if (wanted == 0)
            continue;
        result.curves[a] = curve_of(all, wanted, coco_most);
        result.there[a] = true;
        for (const std::size_t few : {std::size_t{4}, std::size_t{5}})
            if (a == 0) {
                result.curves[few] = curve_of(all, wanted, few == 4 ? 1 : 10);
                result.there[few] = true;
            }
    }
    return result;
}

/// A box that is no number would be of no size, and so neither right nor wrong; scores that are none have no order.
inline void require_measurable(const std::vector<std::vector<GroundTruth>>& truths, const std::vector<std::vector<Detection>>& detections) {
    const auto finite = [](const Box& box) { return is_finite(box.x1) && is_finite(box.y1) && is_finite(box.x2) && is_finite(box.y2); };
    for (std::size_t n = 0; n < truths.size(); ++n) {
        for (const GroundTruth& truth : truths[n])
            require<ValueError>(finite(truth.box), "coco_evaluation", "expected finite boxes of objects, got ", truth.box, " at image ", n);
        for (const Detection& detection : detections[n])
            require<ValueError>(finite(detection.box) && !is_nan(detection.score), "coco_evaluation",
                                "expected finite boxes and scores that have an order, got ", detection.box, " with ", detection.score,
                                " at image ", n);
    }
}

/// The mean over classes, and over thresholds from `first` to before `last`.
[[nodiscard]] inline double mean_of(const std::vector<ClassCurves>& classes, std::size_t which, bool recall, std::size_t first = 0,
                                    std::size_t last = coco_thresholds) {
    double total = 0;
    std::size_t count = 0;
    for (const ClassCurves& of_class : classes)
        for (std::size_t t = first; t < last && of_class.there[which]; ++t, ++count)
            total += (recall ? of_class.curves[which].recall : of_class.curves[which].precision)[t];
    return count ? total / static_cast<double>(count) : -1;
}

}  // namespace detail

/// Compares the detections of each image with its objects. Of equal scores that of the earlier image comes first, and in an image the
/// earlier one. Classes of which nothing is to be found count nowhere. @throws ShapeError unless there are as many images of both;
/// ValueError for a box that is not finite, or a score that is NaN
[[nodiscard]] inline CocoSummary coco_evaluation(const std::vector<std::vector<GroundTruth>>& truths,
                                                 const std::vector<std::vector<Detection>>& detections) {
    require<ShapeError>(truths.size() == detections.size(), "coco_evaluation", "expected detections of ", truths.size(), " images, got ",
                        detections.size());
    detail::require_measurable(truths, detections);
    std::set<Index> found;
    for (const auto& image : truths)
        for (const GroundTruth& object : image)
            found.insert(object.label);
    const std::vector<Index> labels(found.begin(), found.end());
    std::vector<detail::ClassCurves> classes(labels.size());
    parallel_for(static_cast<Index>(labels.size()), 1, [&](Index begin, Index end) {
        for (auto c = static_cast<std::size_t>(begin); c < static_cast<std::size_t>(end); ++c)
            classes[c] = detail::evaluate_class(truths, detections, labels[c]);
    });
    const auto ap = [&](std::size_t area) { return detail::mean_of(classes, area, false); };
    const auto ar = [&](std::size_t which) { return detail::mean_of(classes, which, true); };
    return {.ap = ap(0),
            .ap50 = detail::mean_of(classes, 0, false, 0, 1),
            .ap75 = detail::mean_of(classes, 0, false, 5, 6),
            .ap_small = ap(1),
            .ap_medium = ap(2),
            .ap_large = ap(3),
            .ar1 = ar(4),
            .ar10 = ar(5),
            .ar100 = ar(0),
            .ar_small = ar(1),
            .ar_medium = ar(2),
            .ar_large = ar(3)};
}

}  // namespace espalier::inline ESPALIER_ABI::vision
