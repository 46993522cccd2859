// SPDX-License-Identifier: MIT
/// @file Precision, recall and F1 of several classes, by class or averaged.
#pragma once

#include <espalier/losses/target.hpp>
#include <espalier/metrics/binary.hpp>
#include <espalier/metrics/classes.hpp>
#include <espalier/tensor/tensor.hpp>

#include <cstddef>
#include <vector>

namespace espalier::inline ESPALIER_ABI::metrics {

/// How the scores of classes become one, by the names of scikit-learn.
enum class Average {
    macro,     ///< the mean over the classes that were a label or a prediction
    micro,     ///< over all entries at once: with one label for each entry it is the accuracy
    weighted,  ///< the mean over the classes, weighted by how often they are a label
};

/// Designated initialisers stand in this order.
struct ClassAverageOptions {
    Average average = Average::macro;
    Index ignore_index = -100;  ///< entries with this label are not counted
};

namespace detail {

/// Weights of what is right, predicted and labelled, of one class or of all.
struct ClassCounts {
    double right = 0;
    double predicted = 0;
    double labelled = 0;
};

/// `Ratio{}(counts)` of each class over all batches, and their average.
template <class Scalar, class Ratio>
class ClassRatio {
public:
    ClassRatio(const char* operation, const ClassAverageOptions& options) : operation_{operation}, options_{options} {}

    /// @throws ShapeError if scores and labels do not fit, or for another number of classes than before; StateError for a target
    /// of values; ValueError for a label outside [0, C).
    void check(const Tensor<Scalar>& scores, const losses::Target<Scalar>& target) const {
        check_classes(operation_, scores, target, options_.ignore_index);
        require<ShapeError>(classes() == 0 || scores.size(-1) == classes(), operation_, "expected scores of ", classes(),
                            " classes as before, got ", scores.shape());
    }
    /// @throws as `check`; nothing is counted then.
    void update(const Tensor<Scalar>& scores, const losses::Target<Scalar>& target) {
        check(scores, target);
        if (classes() == 0)
            counts_.resize(static_cast<std::size_t>(scores.size(-1)));
        for_each_prediction(scores, target, options_.ignore_index, [this](Index label, Index predicted, double weight) {
            counts_[static_cast<std::size_t>(label)].labelled += weight;
            counts_[static_cast<std::size_t>(predicted)].predicted += weight;
            if (label == predicted)
                counts_[static_cast<std::size_t>(label)].right += weight;
            ++count_;
        });
    }

    /// Of each class, (C,); 0 where there is nothing to divide by. (0,) before the first batch.
    [[nodiscard]] Tensor<double> by_class() const {
        auto result = Tensor<double>::empty({classes()});
        for (Index c = 0; c < classes(); ++c)
            result[c] = Ratio{}(counts_[static_cast<std::size_t>(c)]);
        return result;
    }
    /// The average, in [0, 1]. @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const {
        require<StateError>(count_ > 0, operation_, "expected labelled samples, got none");
        ClassCounts all;
        double mean = 0;
        double divisor = 0;
        for (const ClassCounts& n : counts_) {
            all = {all.right + n.right, all.predicted + n.predicted, all.labelled + n.labelled};
            const double weight = options_.average == Average::weighted ? n.labelled : n.labelled + n.predicted > 0 ? 1 : 0;
            mean += weight * Ratio{}(n);
            divisor += weight;
        }
        return options_.average == Average::micro ? Ratio{}(all) : mean / divisor;
    }
    /// Entries counted since the start or `reset()`.
    [[nodiscard]] Index count() const noexcept { return count_; }
    /// Forgets the number of classes as well.
    void reset() noexcept {
        counts_.clear();
        count_ = 0;
    }

private:
    [[nodiscard]] Index classes() const noexcept { return static_cast<Index>(counts_.size()); }

    const char* operation_;
    ClassAverageOptions options_;
    std::vector<ClassCounts> counts_;
    Index count_ = 0;
};

struct PrecisionOf {
    double operator()(const ClassCounts& n) const noexcept { return ratio(n.right, n.predicted); }
};
struct RecallOf {
    double operator()(const ClassCounts& n) const noexcept { return ratio(n.right, n.labelled); }
};
struct F1ScoreOf {
    double operator()(const ClassCounts& n) const noexcept { return ratio(2 * n.right, n.predicted + n.labelled); }
};

}  // namespace detail

/// Share of what is a class in what is predicted as it, for scores (N, ..., C) and labels (N, ...); 0 for a class that is never
/// predicted. Ties and NaN as in `ConfusionMatrix`, here and in the others.
/// @code
/// metrics::Precision precision{{.average = metrics::Average::weighted}};
/// precision.update(net.predict(batch.input).at("garment"), batch.targets.at("garment"));
/// precision.value();                                  // the average
/// precision.by_class()[3];                            // of class 3
/// @endcode
template <class Scalar = float>
class Precision : public detail::ClassRatio<Scalar, detail::PrecisionOf> {
public:
    explicit Precision(const ClassAverageOptions& options = {}) : detail::ClassRatio<Scalar, detail::PrecisionOf>{"precision", options} {}
};

/// Share of what is predicted as a class in what is it; 0 for a class that is never a label.
template <class Scalar = float>
class Recall : public detail::ClassRatio<Scalar, detail::RecallOf> {
public:
    explicit Recall(const ClassAverageOptions& options = {}) : detail::ClassRatio<Scalar, detail::RecallOf>{"recall", options} {}
};

/// Harmonic mean of precision and recall of a class.
template <class Scalar = float>
class F1Score : public detail::ClassRatio<Scalar, detail::F1ScoreOf> {
public:
    explicit F1Score(const ClassAverageOptions& options = {}) : detail::ClassRatio<Scalar, detail::F1ScoreOf>{"f1_score", options} {}
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
