// SPDX-License-Identifier: MIT
/// @file How good key points are: the percentage of correct ones, and COCO's object keypoint similarity.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/losses/target.hpp>
#include <espalier/vision/decode_keypoints.hpp>
#include <espalier/vision/keypoints.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::vision {

/// How far COCO's annotators were apart at each of its 17 key points, relative to the root of the person's area: nose, eyes, ears,
/// shoulders, elbows, wrists, hips, knees, ankles, the left one first.
inline constexpr std::array<double, 17> coco_keypoint_sigmas{0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072,
                                                             0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089};

namespace detail {

/// The squared distance of two key points; huge where one is not a number.
template <class Scalar>
[[nodiscard]] double squared_distance(const Scalar* a, const Scalar* b) noexcept {
    const double x = static_cast<double>(a[0]) - static_cast<double>(b[0]), y = static_cast<double>(a[1]) - static_cast<double>(b[1]);
    const double result = x * x + y * y;
    return is_nan(result) ? std::numeric_limits<double>::max() : result;
}

/// The mean of exp(-d² / (2 area (2 sigma)²)) over the rows (K, 3) of `truth` for which `counts(k)`; NaN if there is none.
template <class Scalar, class Counts>
[[nodiscard]] double keypoint_similarity(const Scalar* found, const Scalar* truth, const std::vector<double>& sigmas, double area,
                                         const Counts& counts) {
    double total = 0, visible = 0;
    for (std::size_t k = 0; k < sigmas.size(); ++k)
        if (counts(k)) {
            const double spread = 8 * sigmas[k] * sigmas[k] * area;
            total += std::exp(-squared_distance(found + 3 * k, truth + 3 * k) / spread);
            ++visible;
        }
    return total / visible;
}

inline void check_sigmas(const char* operation, const std::vector<double>& sigmas) {
    for (const double sigma : sigmas)
        require<ValueError>(sigma > 0 && is_finite(sigma), operation, "expected finite sigmas above 0, got ", sigma);
}

/// What a metric of key points is asked for: maps (N, h, w, K) with cells and a target that fits.
template <class Scalar>
[[nodiscard]] KeypointWeights<Scalar> weights_for_metric(const char* operation, const Tensor<Scalar>& prediction,
                                                         const losses::Target<Scalar>& target, Index stride) {
    require<ShapeError>(prediction.rank() == 4 && prediction.size(1) > 0 && prediction.size(2) > 0, operation,
                        "expected predictions (N, h, w, K), got ", prediction.shape());
    return weigh_keypoints(operation, prediction.shape(), target, stride);
}

}  // namespace detail

/// The similarity of a pose that was found, (K, 3) with x and y in front, to one that is true, x, y and visibility, by COCO's formula: the
/// mean over the key points whose visibility is above 0 of exp(-d² / (2 area (2 sigma)²)), d their distance, `area` that of the object in
/// pixels squared. NaN if no key point is visible; one that was found at NaN counts as 0.
/// @throws ShapeError for other shapes or another number of sigmas, ValueError for a sigma or an area that is not finite and above 0
template <class Scalar>
[[nodiscard]] double object_keypoint_similarity(const Tensor<Scalar>& found, const Tensor<Scalar>& truth, double area,
                                                const std::vector<double>& sigmas = {coco_keypoint_sigmas.begin(),
                                                                                     coco_keypoint_sigmas.end()}) {
    const Shape expected{static_cast<Index>(sigmas.size()), 3};
    require<ShapeError>(found.shape() == expected && truth.shape() == expected, "object_keypoint_similarity", "expected key points ",
                        expected, ", as many as sigmas, got ", found.shape(), " and ", truth.shape());
    detail::check_sigmas("object_keypoint_similarity", sigmas);
    require<ValueError>(area > 0 && is_finite(area), "object_keypoint_similarity", "expected a finite area above 0, got ", area);
    return detail::keypoint_similarity(found.data(), truth.data(), sigmas, area,
                                       [&](std::size_t k) { return truth[static_cast<Index>(3 * k + 2)] > 0; });
}

/// Designated initialisers stand in this order.
struct PCKOptions {
    Index stride = 4;  ///< pixels of the image from one cell of the map to the next
    double threshold = 0.2;  ///< how far off a key point may be, relative to the size
    double size = 0;  ///< in pixels, of what is in each image; 0: the longer side of the image
};

/// The share of key points that are at most `threshold` times the size away (Yang and Ramanan, Articulated Human Detection with Flexible
/// Mixtures of Parts, PAMI 2013), for predictions (N, h, w, K), see `decode_keypoints`, and key points (N, K, 3). Those that are visible
/// in images that are labelled count, with the weight of the image.
template <class Scalar = float>
class PCK {
public:
    /// @throws ValueError for a bad option.
    explicit PCK(const PCKOptions& options = {}) : options_{options} {
        require<ValueError>(options.stride > 0, "pck", "expected a stride above 0, got ", options.stride);
        require<ValueError>(options.threshold >= 0 && is_finite(options.threshold) && options.size >= 0 && is_finite(options.size), "pck",
                            "expected a finite threshold and size of at least 0, got ", options.threshold, " and ", options.size);
    }

    /// @throws ShapeError for other shapes, or another number of key points than before; StateError for class indices; ValueError for a
    /// visibility that is no number, or a visible key point outside of its image.
    void check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const { (void)weights_of(prediction, target); }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
        const auto weights = weights_of(prediction, target);
        const Index count = prediction.size(3);
        const auto found = decode_keypoints(prediction, options_.stride);
        const double side = static_cast<double>(std::max(prediction.size(1), prediction.size(2)) * options_.stride);
        const double most = options_.threshold * (options_.size > 0 ? options_.size : side);
        right_.resize(static_cast<std::size_t>(count));
        all_.resize(static_cast<std::size_t>(count));
        for (Index i = 0; i < prediction.size(0) * count; ++i) {
            if (!(weights.of[static_cast<std::size_t>(i)] > 0))
                continue;
            const double weight = target.weight() ? static_cast<double>((*target.weight())[i / count]) : 1;
            const double distance = detail::squared_distance(found.data() + 3 * i, target.values().data() + 3 * i);
            all_[static_cast<std::size_t>(i % count)] += weight;
            right_[static_cast<std::size_t>(i % count)] += distance <= most * most ? weight : 0;
            ++count_;
        }
    }

    /// In [0, 1]. @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const {
        require<StateError>(count_ > 0, "pck", "expected visible key points, got none");
        double right = 0, all = 0;
        for (std::size_t k = 0; k < all_.size(); ++k) {
            right += right_[k];
            all += all_[k];
        }
        return right / all;
    }
    /// (K,), that of each key point; NaN for one that was never visible. (0,) before the first batch.
    [[nodiscard]] Tensor<double> by_keypoint() const {
        auto result = Tensor<double>::empty({static_cast<Index>(all_.size())});
        for (std::size_t k = 0; k < all_.size(); ++k)
            result[static_cast<Index>(k)] = all_[k] > 0 ? right_[k] / all_[k] : std::numeric_limits<double>::quiet_NaN();
        return result;
    }
    /// Key points counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return count_; }
    void reset() { *this = PCK{options_}; }

private:
    [[nodiscard]] detail::KeypointWeights<Scalar> weights_of(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const {
        auto weights = detail::weights_for_metric("pck", prediction, target, options_.stride);
        require<ShapeError>(all_.empty() || static_cast<Index>(all_.size()) == prediction.size(3), "pck", "expected ", all_.size(),
                            " key points as before, got predictions ", prediction.shape());
        return weights;
    }

    PCKOptions options_;
    std::vector<double> right_;
    std::vector<double> all_;
    Index count_ = 0;
};

/// Designated initialisers stand in this order.
struct OKSOptions {
    Index stride = 4;  ///< pixels of the image from one cell of the map to the next
    std::vector<double> sigmas = {};  ///< one for each key point; none: COCO's 17
    double area = 0;  ///< in pixels squared, of what is in each image; 0: that of the image
};

/// The mean of `object_keypoint_similarity` over images, for predictions (N, h, w, K), see `decode_keypoints`, and key points (N, K, 3).
/// Images that are labelled and have a visible key point count, with their weight. COCO's area is that of the person's outline.
template <class Scalar = float>
class OKS {
public:
    /// @throws ValueError for a bad option.
    explicit OKS(OKSOptions options = {}) : options_{std::move(options)} {
        require<ValueError>(options_.stride > 0, "oks", "expected a stride above 0, got ", options_.stride);
        require<ValueError>(options_.area >= 0 && is_finite(options_.area), "oks", "expected a finite area of at least 0, got ",
                            options_.area);
        detail::check_sigmas("oks", options_.sigmas);
        if (options_.sigmas.empty())
            options_.sigmas.assign(coco_keypoint_sigmas.begin(), coco_keypoint_sigmas.end());
    }

    /// @throws ShapeError for other shapes or another number of sigmas; StateError for class indices; ValueError for a visibility that is
    /// no number, or a visible key point outside of its image.
    void check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const { (void)weights_of(prediction, target); }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
        const auto weights = weights_of(prediction, target);
        const Index count = prediction.size(3);
        const auto found = decode_keypoints(prediction, options_.stride);
        const double image = static_cast<double>(prediction.size(1) * prediction.size(2) * options_.stride * options_.stride);
        const double area = options_.area > 0 ? options_.area : image;
        for (Index n = 0; n < prediction.size(0); ++n) {
            const auto counts = [&, of = weights.of.data() + n * count](std::size_t k) { return of[k] > 0; };
            const double similarity = detail::keypoint_similarity(found.data() + n * count * 3, target.values().data() + n * count * 3,
                                                                  options_.sigmas, area, counts);
            if (is_nan(similarity))  // none is visible
                continue;
            const double weight = target.weight() ? static_cast<double>((*target.weight())[n]) : 1;
            total_ += weight * similarity;
            weights_ += weight;
            ++count_;
        }
    }

    /// In [0, 1]. @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const {
        require<StateError>(count_ > 0, "oks", "expected images with visible key points, got none");
        return total_ / weights_;
    }
    /// Images counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return count_; }
    void reset() noexcept {
        total_ = weights_ = 0;
        count_ = 0;
    }

private:
    [[nodiscard]] detail::KeypointWeights<Scalar> weights_of(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const {
        auto weights = detail::weights_for_metric("oks", prediction, target, options_.stride);
        require<ShapeError>(static_cast<Index>(options_.sigmas.size()) == prediction.size(3), "oks", "expected predictions of ",
                            options_.sigmas.size(), " key points, as many as sigmas, got ", prediction.shape());
        return weights;
    }

    OKSOptions options_;
    double total_ = 0;
    double weights_ = 0;
    Index count_ = 0;
};

}  // namespace espalier::inline ESPALIER_ABI::vision
