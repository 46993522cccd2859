// SPDX-License-Identifier: MIT
/// @file How well predicted segments match true ones, things and stuff alike (Kirillov, He, Girshick, Rother & Dollár, 2019).
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/losses/target.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::metrics {

/// Designated initialisers stand in this order.
struct PanopticQualityOptions {
    std::vector<Index> stuff = {};  ///< classes of which an image has one segment at most: their instances are not looked at
    Index void_label = -1;          ///< a class that is no segment, neither true nor predicted
};

/// PQ = SQ RQ: the mean IoU of matched segments, and their F1 score.
struct PanopticScores {
    double pq = 0;
    double sq = 0;  ///< 0 if none is matched
    double rq = 0;
};

/// Panoptic quality of maps (N, H, W, 2) of class and instance: predictions as numbers, the target as a `Tensor<Index>` of this shape. A
/// segment is what an image has of one class and instance. Two of one class match if their IoU is above a half; pixels whose true class
/// is void count in no union, and a predicted segment that lies on void by more than half is no mistake, as in COCO's evaluation.
///
/// Matches and mistakes are gathered by class over all batches; a mean is that over the classes that occur. A pixel that the target
/// leaves out, by either of its two elements, is in no segment; weights multiply the segments of their sample.
template <class Scalar = float>
class PanopticQuality {
public:
    explicit PanopticQuality(PanopticQualityOptions options = {}) : options_{std::move(options)} {}

    /// @throws ShapeError unless both are (N, H, W, 2), StateError for a target of values, ValueError for a prediction that counts and
    /// is no integer.
    void check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const {
        const Shape& shape = prediction.shape();
        require<ShapeError>(shape.rank() == 4 && shape.back() == 2, "panoptic_quality",
                            "expected maps (N, H, W, 2) of class and instance, got ", shape);
        require<StateError>(target.has_labels(), "panoptic_quality", "expected a target of class indices, got values of shape ",
                            target.shape(), ": give classes and instances as a Tensor<Index>");
        require<ShapeError>(target.shape() == shape, "panoptic_quality", "expected labels of the shape of the prediction ", shape, ", got ",
                            target.shape());
        for (Index i = 0; i < prediction.numel(); ++i)
            if (target.counts(i) &&
                (!is_finite(prediction[i]) || std::floor(prediction[i]) != prediction[i] || std::abs(prediction[i]) > most))
                fail<ValueError>("panoptic_quality", "expected integers as classes and instances, got ", prediction[i], " at sample ",
                                 i / target.sample_numel());
    }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) {
        check(prediction, target);
        const Index each = prediction.size(1) * prediction.size(2);
        for (Index n = 0; n < prediction.size(0); ++n)
            add_image(prediction, target, n * each, (n + 1) * each);
    }

    /// The mean PQ. @throws StateError if there was no segment.
    [[nodiscard]] double value() const { return scores().pq; }
    /// Means over all classes, over things and over stuff. @throws StateError if there was no segment of them.
    [[nodiscard]] PanopticScores scores() const {
        return mean([](Index) { return true; });
    }
    [[nodiscard]] PanopticScores things() const {
        return mean([this](Index c) { return !is_stuff(c); });
    }
    [[nodiscard]] PanopticScores stuff() const {
        return mean([this](Index c) { return is_stuff(c); });
    }
    /// @throws StateError if there was no segment of this class.
    [[nodiscard]] PanopticScores of_class(Index wanted) const {
        return mean([=](Index c) { return c == wanted; });
    }
    /// Pixels of true segments counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return count_; }
    void reset() noexcept {
        classes_.clear();
        count_ = 0;
    }

private:
    static constexpr Scalar most = sizeof(Scalar) == 4 ? Scalar(1 << 24) : Scalar(Index{1} << 53);  // beyond, not all are there

    using Segment = std::pair<Index, Index>;  ///< class and instance
    struct Matches {
        double iou = 0;
        double matched = 0;
        double mistakes = 0;  ///< predicted or true segments without a match
    };
    struct Area {
        Index all = 0;
        Index on_void = 0;
        bool matched = false;
    };

    [[nodiscard]] bool is_stuff(Index c) const {
        return std::find(options_.stuff.begin(), options_.stuff.end(), c) != options_.stuff.end();
    }
    [[nodiscard]] Segment segment(Index c, Index instance) const { return {c, is_stuff(c) ? 0 : instance}; }

    void add_image(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target, Index first, Index last) {
        std::map<Segment, Area> predicted;
        std::map<Segment, Area> real;
        std::map<std::pair<Segment, Segment>, Index> shared;
        double weight = 0;
        const Tensor<Index>& labels = target.labels();
        for (Index i = first; i < last; ++i) {
            if (!target.counts(2 * i) || !target.counts(2 * i + 1))
                continue;
            weight = static_cast<double>(target.weight_of(2 * i));
            const Segment p = segment(static_cast<Index>(prediction[2 * i]), static_cast<Index>(prediction[2 * i + 1]));
            const Segment t = segment(labels[2 * i], labels[2 * i + 1]);
            const bool is_predicted = p.first != options_.void_label;
            const bool is_real = t.first != options_.void_label;
            if (is_predicted) {
                ++predicted[p].all;
                predicted[p].on_void += !is_real;
            }
            if (is_real) {
                ++real[t].all;
                ++count_;
            }
            if (is_predicted && is_real && p.first == t.first)
                ++shared[{p, t}];
        }
        for (const auto& [pair, area] : shared) {
            Area& p = predicted[pair.first];
            Area& t = real[pair.second];
            const Index either = p.all - p.on_void + t.all - area;
            if (2 * area <= either)
                continue;
            p.matched = t.matched = true;
            Matches& matches = classes_[pair.first.first];
            matches.iou += weight * static_cast<double>(area) / static_cast<double>(either);
            matches.matched += weight;
        }
        for (const auto& [s, area] : real)
            classes_[s.first].mistakes += area.matched ? 0 : weight;
        for (const auto& [s, area] : predicted)
            if (!area.matched && 2 * area.on_void <= area.all)
                classes_[s.first].mistakes += weight;
    }

    template <class Wanted>
    [[nodiscard]] PanopticScores mean(const Wanted& wanted) const {
        PanopticScores result;
        double classes = 0;
        for (const auto& [c, of] : classes_) {
            const double all = of.matched + of.mistakes / 2;
            if (!wanted(c) || !(all > 0))
                continue;
            result.pq += of.iou / all;
            result.sq += of.matched > 0 ? of.iou / of.matched : 0;
            result.rq += of.matched / all;
            ++classes;
        }
        require<StateError>(classes > 0, "panoptic_quality", "expected labelled samples with segments, got none");
        return {result.pq / classes, result.sq / classes, result.rq / classes};
    }

    PanopticQualityOptions options_;
    std::map<Index, Matches> classes_;
    Index count_ = 0;
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
