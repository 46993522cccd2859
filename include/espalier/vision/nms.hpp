// SPDX-License-Identifier: MIT
/// @file Non-maximum suppression: of boxes on the same object, the best.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/vision/box.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::vision {
namespace detail {

/// Boxes that were kept, sixteen beside each other, as a compiler turns loops of that many into vectors.
class KeptBoxes {
public:
    /// Whether the IoU of any of them with `box` is above `threshold`.
    [[nodiscard]] bool overlaps(const Box& box, float threshold) const noexcept {
        const float area = box.area();
        for (const Block& kept : blocks_) {
            std::array<float, width> ratio;
            for (std::size_t i = 0; i < width; ++i) {
                const float w = std::max(0.0F, std::min(kept.x2[i], box.x2) - std::max(kept.x1[i], box.x1));
                const float h = std::max(0.0F, std::min(kept.y2[i], box.y2) - std::max(kept.y1[i], box.y1));
                ratio[i] = w * h / (kept.area[i] + area - w * h);
            }
            bool found = false;
            for (std::size_t i = 0; i < width; ++i)
                found |= ratio[i] > threshold;
            if (found)
                return true;
        }
        return false;
    }
    void push_back(const Box& box) {
        if (count_ % width == 0)
            blocks_.emplace_back();
        const std::size_t i = count_++ % width;
        Block& block = blocks_.back();
        block.x1[i] = box.x1;
        block.y1[i] = box.y1;
        block.x2[i] = box.x2;
        block.y2[i] = box.y2;
        block.area[i] = box.area();
    }

private:
    static constexpr std::size_t width = 16;
    struct Block {  // no box: 0 / (1 + area)
        std::array<float, width> x1{}, y1{}, x2{}, y2{}, area = ones();
    };
    [[nodiscard]] static constexpr std::array<float, width> ones() noexcept {
        std::array<float, width> result{};
        result.fill(1);
        return result;
    }

    std::vector<Block> blocks_;
    std::size_t count_ = 0;
};

/// The best first, of equals the first. @throws ShapeError, ValueError
[[nodiscard]] inline std::vector<Index> by_score(const char* operation, std::span<const Box> boxes, std::span<const double> scores) {
    require<ShapeError>(boxes.size() == scores.size(), operation, "expected a score for each of ", boxes.size(), " boxes, got ",
                        scores.size());
    for (std::size_t i = 0; i < boxes.size(); ++i) {
        const Box& box = boxes[i];
        require<ValueError>(is_finite(box.x1) && is_finite(box.y1) && is_finite(box.x2) && is_finite(box.y2) && !is_nan(scores[i]),
                            operation, "expected finite boxes and scores that have an order, got ", box, " with ", scores[i], " at ", i);
    }
    std::vector<Index> order(boxes.size());
    std::iota(order.begin(), order.end(), Index{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](Index a, Index b) { return scores[static_cast<std::size_t>(a)] > scores[static_cast<std::size_t>(b)]; });
    return order;
}

/// An IoU in float is above it if and only if it is above `threshold`. @throws ValueError unless that is in [0, 1]
[[nodiscard]] inline float iou_bound(const char* operation, double threshold) {
    require<ValueError>(threshold >= 0 && threshold <= 1, operation, "expected an IoU threshold in [0, 1], got ", threshold);
    const auto bound = static_cast<float>(threshold);
    return static_cast<double>(bound) > threshold ? std::nextafter(bound, -1.0F) : bound;
}

}  // namespace detail

/// The indices of the boxes that stay, the best first: from the best score down, one goes if its IoU with one that stays is above
/// `iou_threshold`. Boxes and order are torchvision's; equal scores are taken in the order of their indices.
/// @throws ShapeError unless there are as many scores; ValueError for a box that is not finite, a score NaN, a threshold outside of [0, 1]
[[nodiscard]] inline std::vector<Index> nms(std::span<const Box> boxes, std::span<const double> scores, double iou_threshold) {
    const float bound = detail::iou_bound("nms", iou_threshold);
    std::vector<Index> order = detail::by_score("nms", boxes, scores);
    detail::KeptBoxes kept;
    std::erase_if(order, [&](Index i) {
        const Box& box = boxes[static_cast<std::size_t>(i)];
        if (kept.overlaps(box, bound))
            return true;
        kept.push_back(box);
        return false;
    });
    return order;
}

/// `nms` among the boxes of each class alone. @throws as `nms`; ShapeError unless there are as many labels
[[nodiscard]] inline std::vector<Index> batched_nms(std::span<const Box> boxes, std::span<const double> scores,
                                                    std::span<const Index> labels, double iou_threshold) {
    const float bound = detail::iou_bound("batched_nms", iou_threshold);
    std::vector<Index> order = detail::by_score("batched_nms", boxes, scores);
    require<ShapeError>(labels.size() == boxes.size(), "batched_nms", "expected a label for each of ", boxes.size(), " boxes, got ",
                        labels.size());
    std::map<Index, detail::KeptBoxes> kept;
    std::erase_if(order, [&](Index i) {
        const Box& box = boxes[static_cast<std::size_t>(i)];
        auto& of_class = kept[labels[static_cast<std::size_t>(i)]];
        if (of_class.overlaps(box, bound))
            return true;
        of_class.push_back(box);
        return false;
    });
    return order;
}

/// How `soft_nms` lowers scores.
enum class SoftNmsMethod {
    linear,    ///< times 1 - IoU where that is above the threshold
    gaussian,  ///< times exp(-IoU² / sigma)
};

/// Designated initialisers stand in this order.
struct SoftNmsOptions {
    SoftNmsMethod method = SoftNmsMethod::gaussian;
    double sigma = 0.5;              ///< of `gaussian`
    double iou_threshold = 0.3;      ///< of `linear`
    double score_threshold = 0.001;  ///< what falls below goes
};

/// Which boxes stay, the best first, and their scores afterwards.
struct SoftNmsResult {
    std::vector<Index> indices;
    std::vector<double> scores;
};

/// Non-maximum suppression that lowers the scores of overlapping boxes instead of removing them (Bodla, Singh, Chellappa and Davis,
/// 2017): the best of the rest stays and lowers the others, until none is left whose score reaches the threshold. Of equals the first.
/// @throws as `nms`; ValueError for a sigma that is not above 0 or a score threshold that is NaN
[[nodiscard]] inline SoftNmsResult soft_nms(std::span<const Box> boxes, std::span<const double> scores,
                                            const SoftNmsOptions& options = {}) {
    (void)detail::iou_bound("soft_nms", options.iou_threshold);
    require<ValueError>(options.sigma > 0, "soft_nms", "expected a sigma above 0, got ", options.sigma);
    require<ValueError>(!is_nan(options.score_threshold), "soft_nms", "expected a number as score threshold, got ",
                        options.score_threshold);
    std::vector<Index> rest = detail::by_score("soft_nms", boxes, scores);
    std::sort(rest.begin(), rest.end());
    std::vector<double> lowered(scores.begin(), scores.end());
    const auto score = [&](Index i) -> double& { return lowered[static_cast<std::size_t>(i)]; };
    SoftNmsResult result;
    while (!rest.empty()) {
        const auto best = std::max_element(rest.begin(), rest.end(), [&](Index a, Index b) { return score(a) < score(b); });
        const Index taken = *best;
        if (!(score(taken) >= options.score_threshold))
            break;
        rest.erase(best);
        result.indices.push_back(taken);
        result.scores.push_back(score(taken));
        for (const Index i : rest) {
            const auto overlap = static_cast<double>(iou(boxes[static_cast<std::size_t>(taken)], boxes[static_cast<std::size_t>(i)]));
            if (options.method == SoftNmsMethod::gaussian)
                score(i) *= std::exp(-overlap * overlap / options.sigma);
            else if (overlap > options.iou_threshold)
                score(i) *= 1 - overlap;
        }
    }
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::vision
