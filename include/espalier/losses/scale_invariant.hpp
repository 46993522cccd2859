// SPDX-License-Identifier: MIT
/// @file The scale-invariant error of depths (Eigen, Puhrsch & Fergus, 2014).
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/losses/groups.hpp>
#include <espalier/losses/reduction.hpp>

#include <cmath>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::losses {

/// Designated initialisers stand in this order.
struct ScaleInvariantOptions {
    double lambda = 0.5;    ///< 1 forgives any factor common to an image, 0 none; in [0, 1]
    bool log_depth = true;  ///< whether predictions are logarithms of depths, or depths
    Reduction reduction = Reduction::mean;  ///< of the losses of images
};

namespace detail {
inline void check(const ScaleInvariantOptions& options) {
    require<ValueError>(options.lambda >= 0 && options.lambda <= 1, "scale_invariant_loss", "expected a lambda in [0, 1], got ",
                        options.lambda);
}
}  // namespace detail

/// sum d² / n - lambda (sum d)² / n² over the n elements of an image that count, d = log prediction - log depth, for predictions (N, ...)
/// and depths of their shape; unreduced there is a loss for each image, (N,). Depths are above 0 where they count: mask those that
/// were not measured. A predicted depth of 0 or less (not its logarithm) gives what `std::log` gives.
/// @throws ShapeError for another shape of depths, StateError for a target of class indices, ValueError for a depth that is not
/// above 0 or a bad lambda.
template <class Scalar>
[[nodiscard]] Variable<Scalar> scale_invariant_loss(const Variable<Scalar>& prediction, const std::type_identity_t<Target<Scalar>>& target,
                                                    const ScaleInvariantOptions& options = {}) {
    detail::check(options);
    const Tensor<Scalar>& depths = values_like("scale_invariant_loss", prediction.shape(), target, "depths");
    const detail::ElementWeights<Scalar> weights{target, options.reduction};
    const Index each = target.sample_numel();
    for (Index i = 0; i < depths.numel(); ++i)
        if (weights.counts(i) && !(depths[i] > 0))
            fail<ValueError>("scale_invariant_loss", "expected depths above 0, got ", depths[i], " at sample ", i / each);
    detail::GroupLosses<Scalar> all{prediction, Shape{target.size()}};
    const Scalar* const x = prediction.value().data();
    const auto difference = [&](Index i) { return (options.log_depth ? x[i] : std::log(x[i])) - std::log(depths[i]); };
    for (Index n = 0; n < target.size(); ++n) {
        const auto counted = static_cast<double>(target.counted(n));
        all.weights[n] = 0;
        for (Index i = n * each; counted > 0 && !(all.weights[n] > 0); ++i)
            all.weights[n] = weights[i];
        if (!(counted > 0))
            continue;
        const auto mean = [&](const auto& term) {
            return kernels::sum(each, [&](Index i) { return weights.counts(n * each + i) ? term(difference(n * each + i)) : 0; }) / counted;
        };
        const double bias = mean([](Scalar d) { return static_cast<double>(d); });
        // about the mean, so that images with one large factor keep their digits
        const double spread = mean([=](Scalar d) { return (static_cast<double>(d) - bias) * (static_cast<double>(d) - bias); });
        all.losses[n] = static_cast<Scalar>(spread + (1 - options.lambda) * bias * bias);
        if (Scalar* const slope = all.slope(n))
            kernels::for_each_index(each, [&, common = options.lambda * bias](Index i) {
                slope[i] = 0;
                if (!weights.counts(n * each + i))
                    return;
                const double by_log = 2 * (static_cast<double>(difference(n * each + i)) - common) / counted;
                slope[i] = static_cast<Scalar>(options.log_depth ? by_log : by_log / static_cast<double>(x[n * each + i]));
            });
    }
    return detail::reduced("scale_invariant_loss", prediction, std::move(all), options.reduction);
}
/// The same of a prediction that is no variable, such as what `predict` gives.
template <class Scalar>
[[nodiscard]] Variable<Scalar> scale_invariant_loss(const Tensor<Scalar>& prediction, const std::type_identity_t<Target<Scalar>>& target,
                                                    const ScaleInvariantOptions& options = {}) {
    return scale_invariant_loss(Variable<Scalar>{prediction}, target, options);
}

/// `scale_invariant_loss` with its options, as a value.
template <class Scalar = float>
class ScaleInvariant {
public:
    /// @throws ValueError for a bad lambda.
    explicit ScaleInvariant(const ScaleInvariantOptions& options = {}) : options_{options} { detail::check(options_); }
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& prediction, const Target<Scalar>& target) const {
        return scale_invariant_loss(prediction, target, options_);
    }
    [[nodiscard]] const ScaleInvariantOptions& options() const& noexcept { return options_; }
    [[nodiscard]] ScaleInvariantOptions options() && noexcept { return options_; }

private:
    ScaleInvariantOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::losses
