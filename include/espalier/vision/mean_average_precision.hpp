// SPDX-License-Identifier: MIT
/// @file COCO's average precision as the metric of a task.
#pragma once

#include <espalier/losses/target.hpp>
#include <espalier/vision/coco_evaluation.hpp>
#include <espalier/vision/decode_centers.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::vision {

/// Designated initialisers stand in this order.
struct MeanAveragePrecisionOptions {
    DecodeOptions decode = {.score_threshold = 0.01};  ///< what is unlikely costs little precision and adds recall
    bool ap50 = false;                                 ///< `value()` is the average precision at an IoU of 0.5 alone
};

/// The average precision of what `decode_centers` finds in predictions (N, h, w, C + 4), for objects (N, M, 5), see box.hpp. Images that
/// are masked or have a weight of 0 are left out; all others count alike. It keeps the boxes of all images.
/// @code
/// metrics::PerTask metrics{{"objects", vision::MeanAveragePrecision{}}};
/// metrics.update(net.predict(batch.input), batch.targets);
/// auto all = metrics.metrics().at("objects").as<vision::MeanAveragePrecision<>>().summary();       // AP50, by sizes, recalls
/// @endcode
template <class Scalar = float>
class MeanAveragePrecision {
public:
    /// @throws ValueError for a bad option.
    explicit MeanAveragePrecision(const MeanAveragePrecisionOptions& options = {}) : options_{options} { detail::check(options_.decode); }

    /// @throws ShapeError for other shapes, StateError for class indices, ValueError for an object whose class is not in [0, C) or whose
    /// box is not finite or has no area.
    void check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const { (void)truths_of(prediction, target); }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
        auto truths = truths_of(prediction, target);
        auto found = decode_centers(prediction, options_.decode);
        for (std::size_t n = 0; n < truths.size(); ++n) {
            if (!detail::counts(target, static_cast<Index>(n)))
                continue;
            count_ += static_cast<Index>(truths[n].size());
            truths_.push_back(std::move(truths[n]));
            found_.push_back(std::move(found[n]));
        }
    }

    /// All of COCO's numbers; -1 where there is nothing to be found.
    [[nodiscard]] CocoSummary summary() const { return coco_evaluation(truths_, found_); }
    /// The average precision, in [0, 1]. @throws StateError if no object has been counted.
    [[nodiscard]] double value() const {
        require<StateError>(count_ > 0, "mean_average_precision", "expected objects, got none");
        const CocoSummary all = summary();
        return options_.ap50 ? all.ap50 : all.ap;
    }
    /// Objects counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return count_; }
    void reset() { *this = MeanAveragePrecision{options_}; }

private:
    /// Those of each image; none of one that does not count.
    [[nodiscard]] static std::vector<std::vector<GroundTruth>> truths_of(const Tensor<Scalar>& prediction,
                                                                         const losses::Target<Scalar>& target) {
        const char* const operation = "mean_average_precision";
        require<ShapeError>(prediction.rank() == 4 && prediction.size(3) > 4, operation,
                            "expected predictions (N, h, w, classes + 4), got ", prediction.shape());
        const Tensor<Scalar>& values = detail::objects_for(operation, prediction.size(0), target);
        std::vector<std::vector<GroundTruth>> result(static_cast<std::size_t>(prediction.size(0)));
        for (Index n = 0; n < prediction.size(0); ++n)
            if (detail::counts(target, n))
                detail::for_each_object(operation, values, n, prediction.size(3) - 4, [&](Index, const Object& object) {
                    result[static_cast<std::size_t>(n)].push_back({.box = object.box, .label = object.label});
                });
        return result;
    }

    MeanAveragePrecisionOptions options_;
    std::vector<std::vector<GroundTruth>> truths_;
    std::vector<std::vector<Detection>> found_;
    Index count_ = 0;
};

}  // namespace espalier::inline ESPALIER_ABI::vision
