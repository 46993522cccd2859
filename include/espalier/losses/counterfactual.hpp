// SPDX-License-Identifier: MIT
/// @file Losses over all samples where labels are known for some, and which those are depends on the sample: what was bought is known of
/// what was clicked, but it is asked for everything that is shown.
///
/// The conversion's losses of ESCM2 (Wang et al., "ESCM2: entire space counterfactual multi-task model for post-click conversion rate
/// estimation", SIGIR 2022, arXiv:2204.05125). A target says what was observed, o, by what counts in it:
/// @code
/// const auto clicked = autograd::sigmoid(outputs.at("click")).value();
/// const losses::Target<> bought{purchases, mask_of_clicks};
/// const auto errors = losses::binary_cross_entropy_with_logits(outputs.at("purchase"), bought, {.reduction = losses::Reduction::none});
/// const auto loss = losses::inverse_propensity(errors, bought, clicked);
/// @endcode
/// The propensity, the probability of being observed, comes as numbers and not as a variable: no gradient goes through it.
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/losses/mean_over_labelled.hpp>

#include <algorithm>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::losses {

/// Of `inverse_propensity` and `doubly_robust`.
struct PropensityOptions {
    double smallest = 0.05;  ///< a propensity below counts as this: none is divided by less
};

namespace detail {

/// What a target labels, and each element's weight over its propensity.
template <class Scalar>
struct Observed {
    Tensor<Index> elements;  ///< (M,)
    Tensor<Scalar> ratios;   ///< (M,)
    Scalar share = 0;        ///< the sum of the ratios over that of the weights of all elements, labelled or not

    Observed(const char* operation, const Target<Scalar>& target, const Tensor<Scalar>& propensity, const PropensityOptions& options)
        : elements{Shape{target.counted()}}, ratios{Shape{target.counted()}} {
        require<ValueError>(options.smallest > 0 && options.smallest <= 1, operation,
                            "expected a smallest propensity above 0 and at most 1, got ", options.smallest);
        require<ShapeError>(propensity.shape() == target.shape(), operation, "expected a propensity for each element ", target.shape(),
                            ", got ", propensity.shape());
        double sum = 0, total = 0;
        for (Index i = 0, to = 0; i < propensity.numel(); ++i) {
            total += static_cast<double>(target.weight() ? (*target.weight())[i / target.sample_numel()] : Scalar(1));
            if (!target.counts(i))
                continue;
            const auto p = static_cast<double>(propensity[i]);
            require<ValueError>(p >= 0 && p <= 1, operation, "expected propensities from 0 to 1, got ", p, " at element ", i);
            elements[to] = i;
            const double ratio = static_cast<double>(target.weight_of(i)) / std::max(p, options.smallest);
            ratios[to++] = static_cast<Scalar>(ratio);
            sum += ratio;
        }
        if (total > 0)
            share = static_cast<Scalar>(sum / total);
    }
};

template <class Scalar>
void require_each(const char* operation, const char* what, const Variable<Scalar>& x, const Target<Scalar>& target) {
    require<ShapeError>(x.shape() == target.shape(), operation, "expected ", what, " for each element ", target.shape(), ", got ",
                        x.shape());
}

}  // namespace detail

/// The mean over all elements of o e / p: `errors` e where the target counts, over the propensity p. It is weighted as the target says,
/// so the errors are made without weights. A constant 0 where nothing counts.
///
/// PaddleRec's program further divides by the square of the number of clicks, and bounds the factor of an error at 15.
/// @throws ShapeError unless errors and propensity have the target's shape; ValueError for a propensity beside [0, 1]
template <class Scalar>
[[nodiscard]] Variable<Scalar> inverse_propensity(const Variable<Scalar>& errors, const std::type_identity_t<Target<Scalar>>& target,
                                                  const std::type_identity_t<Tensor<Scalar>>& propensity,
                                                  const PropensityOptions& options = {}) {
    detail::require_each("inverse_propensity", "an error", errors, target);
    detail::Observed<Scalar> observed{"inverse_propensity", target, propensity, options};
    if (observed.elements.numel() == 0)
        return detail::constant_zero<Scalar>(Reduction::mean, {});
    return detail::weighted_mean(detail::select(errors, std::move(observed.elements)), std::move(observed.ratios)) * observed.share;
}

/// The mean over all elements of e' + o (e - e') / p + o (e - e')^2 / p, with the errors `imputed`, e', that another head predicts of
/// the sample: it fills in where nothing was observed, and learns from where something was. Right in the mean if either the propensity
/// or the imputation is. A constant 0 where there is no sample.
///
/// The square teaches the imputation alone, and has no gradient for `errors`: those who began with it learn the two in turns (Wang et al.,
/// "Doubly robust joint learning for recommendation on data missing not at random", ICML 2019). Errors that learned from it too would
/// become alike for either answer rather than small, which draws rates to a half. So they are in PaddleRec's program, whose gradient also
/// goes through the propensity.
/// @throws as `inverse_propensity`
template <class Scalar>
[[nodiscard]] Variable<Scalar> doubly_robust(const Variable<Scalar>& errors, const Variable<Scalar>& imputed,
                                             const std::type_identity_t<Target<Scalar>>& target,
                                             const std::type_identity_t<Tensor<Scalar>>& propensity,
                                             const PropensityOptions& options = {}) {
    detail::require_each("doubly_robust", "an error", errors, target);
    detail::require_each("doubly_robust", "an imputed error", imputed, target);
    detail::Observed<Scalar> observed{"doubly_robust", target, propensity, options};
    const Target<Scalar> all{Tensor<Scalar>{target.shape()}, {.mask = {}, .weight = target.options().weight}};
    const auto everywhere = mean_over_labelled(imputed, all);
    if (observed.elements.numel() == 0)
        return everywhere;
    const auto error = detail::select(errors, observed.elements), of_head = detail::select(imputed, observed.elements);
    const auto rest = error.detach() - of_head;
    return everywhere + detail::weighted_mean(error - of_head + rest * rest, std::move(observed.ratios)) * observed.share;
}

}  // namespace espalier::inline ESPALIER_ABI::losses
