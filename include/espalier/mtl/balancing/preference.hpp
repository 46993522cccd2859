// SPDX-License-Identifier: MIT
/// @file Scalarizations that aim at a given place of the Pareto front: where the losses have the direction of a preference.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/mtl/balancing/scalarize.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// How much each of the criterion's tasks is to count: numbers of at least 0, one of them above; only their ratios, or for `COSMOS`
/// also their sum, matter. The part that `PBI` and `COSMOS` have in common, and their state.
class Preference {
public:
    /// None given: 1 / T for each.
    explicit Preference(const char* rule, std::vector<double> given)
        : rule_{rule}, numbers_{Shape{static_cast<Index>(given.size())}, given} {
        if (!given.empty())
            check(given);
    }

    /// @throws ShapeError if there are some, and not one for each task
    void start(std::size_t tasks) {
        detail::require_one_per_task(rule_, "preferences", numbers_.span(), tasks);
        if (numbers_.numel() == 0)
            numbers_ = Tensor<double>::full(Shape{static_cast<Index>(tasks)}, 1 / static_cast<double>(tasks));
    }
    /// @throws ShapeError for another number of them than before, ValueError unless they are finite, none below 0 and one above
    void set(std::span<const double> numbers) {
        const auto count = static_cast<std::size_t>(numbers_.numel());
        require<ShapeError>(count == 0 || numbers.size() == count, rule_, "expected ", count, " preferences, one for each task, got ",
                            numbers.size());
        check(numbers);
        numbers_ = Tensor<double>{Shape{static_cast<Index>(numbers.size())}, numbers};
    }
    [[nodiscard]] const Tensor<double>& numbers() const& noexcept { return numbers_; }
    /// Those of the active tasks.
    [[nodiscard]] Weights active(const StepContext& context) const {
        detail::require_started(rule_, numbers_, context);
        Weights result;
        result.reserve(context.tasks.size());
        for (const std::size_t task : context.tasks)
            result.push_back(detail::of_task(numbers_, task));
        return result;
    }
    template <class Scalar>
    void visit(RuleVisitor<Scalar>& v) {
        v("numbers", numbers_);
    }

private:
    void check(std::span<const double> numbers) const {
        detail::require_weights(rule_, "preferences", numbers);
        require<ValueError>(std::any_of(numbers.begin(), numbers.end(), [](double number) { return number > 0; }), rule_,
                            "expected a preference above 0, got none");
    }

    const char* rule_;
    Tensor<double> numbers_;
};

namespace detail {

/// Divides by the length, which it returns; leaves zeros alone. No square overflows or vanishes.
inline double to_unit_length(std::span<double> vector) {
    double largest = 0;
    for (const double v : vector)
        largest = std::max(largest, std::abs(v));
    if (largest == 0)
        return 0;
    double squares = 0;
    for (double& v : vector) {
        v /= largest;
        squares += v * v;
    }
    for (double& v : vector)
        v /= std::sqrt(squares);
    return largest * std::sqrt(squares);
}

}  // namespace detail

/// Settings of `PBI`.
struct PBIOptions {
    double theta = 5;                ///< weight of the distance from the preferred direction, at least 0
    std::vector<double> preference = {};  ///< of each of the criterion's tasks; the same for all if it is empty
    std::vector<double> reference = {};   ///< ideal loss of each task; 0 if it is empty
};

/// Penalty-based boundary intersection: Zhang and Li, "MOEA/D", IEEE Transactions on Evolutionary Computation 11, 2007.
/// `d1 + theta d2`: with f = L - z and the direction w of the preference, d1 = f . w is how far f lies along it, d2 = |f - d1 w| how far
/// beside it. The derivatives are w + theta (f - d1 w) / d2; on the direction, up to rounding, those of d1. Costs one traversal; heads
/// get the same weights, some of which may be negative; the state is the preference. Refuses no losses.
class PBI {
public:
    PBI() : PBI{PBIOptions{}} {}
    /// @throws ValueError for a theta or preference below 0, a preference of zeros, or numbers that are not finite
    explicit PBI(PBIOptions options)
        : theta_{options.theta}, preference_{"PBI", std::move(options.preference)}, reference_{std::move(options.reference)} {
        require<ValueError>(theta_ >= 0 && is_finite(theta_), "PBI", "expected a finite theta of at least 0, got ", theta_);
        detail::require_finite("PBI", "references", reference_);
    }

    /// @throws ShapeError if preferences or references are given, and not one for each task
    void start(std::size_t tasks) {
        detail::require_one_per_task("PBI", "references", reference_, tasks);
        preference_.start(tasks);
    }
    /// For the steps from here on. @throws ShapeError, ValueError as the constructor and `start`
    void set_preference(std::span<const double> preference) { preference_.set(preference); }
    [[nodiscard]] const Tensor<double>& preference() const& noexcept { return preference_.numbers(); }

    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) const {
        const StepContext& context = losses.context();
        detail::require_one_per_task("PBI", "references", reference_, context.task_count);
        Weights direction = preference_.active(context);
        detail::to_unit_length(direction);
        Weights f(losses.values().begin(), losses.values().end());
        for (std::size_t i = 0; i < losses.size() && !reference_.empty(); ++i)
            f[i] -= reference_[context.tasks[i]];
        const double length = detail::to_unit_length(f);  // of the vector of length 1 all that follows
        const double along = std::inner_product(f.begin(), f.end(), direction.begin(), 0.0);
        for (std::size_t i = 0; i < losses.size(); ++i)
            f[i] -= along * direction[i];
        const double beside = detail::to_unit_length(f);
        if (beside > 1e-14)  // else what is left is rounding, and so would its direction be
            for (std::size_t i = 0; i < losses.size(); ++i)
                direction[i] += theta_ * f[i];
        return scalarize("PBI", losses, length * (along + theta_ * beside), std::move(direction));
    }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& v) {
        v("preference", preference_);
    }

private:
    double theta_;
    Preference preference_;
    std::vector<double> reference_;
};

/// Settings of `COSMOS`.
struct COSMOSOptions {
    double lambda = 1;               ///< weight of the cosine, at least 0; the paper has 0.01 to 8, by data set
    std::vector<double> preference = {};  ///< of each of the criterion's tasks; 1 / T for all if it is empty
};

/// COSMOS: Ruchte and Grabocka, "Scalable Pareto Front Approximation for Deep Multi-Objective Learning", ICDM 2021, arXiv 2103.12392.
/// `r . L - lambda cos(r, L)` for a preference r. The paper draws r from a Dirichlet distribution in every step, which
/// `set_preference` is for, and shows it to the network, as `with_preference` does. Costs one traversal; heads get the same weights; the
/// state is the preference. Of losses that are all 0 the cosine counts as 0. Refuses no losses.
class COSMOS {
public:
    COSMOS() : COSMOS{COSMOSOptions{}} {}
    /// @throws ValueError for a lambda or preference below 0, a preference of zeros, or numbers that are not finite
    explicit COSMOS(COSMOSOptions options) : lambda_{options.lambda}, preference_{"COSMOS", std::move(options.preference)} {
        require<ValueError>(lambda_ >= 0 && is_finite(lambda_), "COSMOS", "expected a finite lambda of at least 0, got ", lambda_);
    }

    /// @throws ShapeError if preferences are given, and not one for each task
    void start(std::size_t tasks) { preference_.start(tasks); }
    /// For the steps from here on. @throws ShapeError, ValueError as the constructor and `start`
    void set_preference(std::span<const double> preference) { preference_.set(preference); }
    [[nodiscard]] const Tensor<double>& preference() const& noexcept { return preference_.numbers(); }

    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Losses<Scalar>& losses) const {
        Weights derivatives = preference_.active(losses.context());
        Weights direction = derivatives;
        Weights f(losses.values().begin(), losses.values().end());
        double value = std::inner_product(derivatives.begin(), derivatives.end(), f.begin(), 0.0);
        const double length = detail::to_unit_length(f);
        if (detail::to_unit_length(direction) > 0 && length > 0) {
            const double cosine = std::inner_product(direction.begin(), direction.end(), f.begin(), 0.0);
            value -= lambda_ * cosine;
            for (std::size_t i = 0; i < losses.size(); ++i)
                derivatives[i] -= lambda_ * (direction[i] - cosine * f[i]) / length;
        }
        return scalarize("COSMOS", losses, value, std::move(derivatives));
    }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& v) {
        v("preference", preference_);
    }

private:
    double lambda_;
    Preference preference_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
