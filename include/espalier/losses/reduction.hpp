// SPDX-License-Identifier: MIT
/// @file How the losses of single elements become the loss of a batch, and the base of all losses that have one for each.
///
/// What the target leaves out is never looked at: whatever predictions and values are there, even NaN, reaches neither the
/// loss nor the gradient. A mean is the weighted mean over what counts, sum w_i l_i / sum w_i with the weight of its sample
/// for each element, as PyTorch divides by the weights of the classes; with equal weights it is the plain mean to the last
/// bit. `sum` and `none` multiply by the weights.
///
/// Where nothing counts, the loss is 0 (PyTorch: NaN) and a *constant*: it requires no gradient, so that a task without
/// labels in a batch is ordinary, and the optimizer leaves its head alone, momentum and weight decay included.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/reduction.hpp>
#include <espalier/losses/match.hpp>
#include <espalier/losses/target.hpp>

#include <algorithm>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::losses {

/// How the losses of elements become one.
enum class Reduction {
    mean,  ///< a scalar: over what counts only
    sum,   ///< a scalar
    none,  ///< one loss for each element, 0 where it does not count
};

/// Options of the losses that have no others.
struct LossOptions {
    Reduction reduction = Reduction::mean;
};

/// Loss of one element and its derivative with respect to the prediction.
template <class Scalar>
struct Point {
    Scalar loss;
    Scalar slope;
};
template <class Scalar>
Point(Scalar, Scalar) -> Point<Scalar>;  // for clang++ 14

namespace detail {

/// How much each element of a target counts in a reduction; 0 where it does not. For a mean the weights are relative to the
/// largest: only their ratios matter then, and so they neither overflow nor vanish in a sum. A view of the target, made once for
/// all elements.
template <class Scalar>
class ElementWeights {
public:
    ElementWeights(const Target<Scalar>& target, Reduction reduction)
        : mask_{target.mask() ? target.mask()->data() : nullptr},
          weight_{target.weight() ? target.weight()->data() : nullptr},
          each_{target.sample_numel()},
          numel_{target.shape().numel()},
          counted_{target.counted()},
          by_element_{target.masks_elements()} {
        if (!weight_ || reduction != Reduction::mean || counted_ == 0)
            return;
        largest_ = 0;
        for (Index i = 0; i < target.size(); ++i)
            if (target.labelled(i))
                largest_ = std::max(largest_, weight_[i]);
    }

    /// How many are not 0.
    [[nodiscard]] Index counted() const noexcept { return counted_; }
    /// Whether all are 1.
    [[nodiscard]] bool all_one() const noexcept { return !mask_ && !weight_; }
    /// Whether some may be neither 0 nor 1.
    [[nodiscard]] bool weighted() const noexcept { return weight_ != nullptr; }
    [[nodiscard]] bool counts(Index element) const noexcept {
        if (all_one())
            return true;
        const Index sample = sample_of(element);
        return (!mask_ || mask_[by_element_ ? element : sample]) && (!weight_ || weight_[sample] > 0);
    }
    [[nodiscard]] Scalar operator[](Index element) const noexcept {
        if (!counts(element))
            return 0;
        return weight_ ? weight_[sample_of(element)] / largest_ : Scalar(1);
    }
    [[nodiscard]] double total() const {
        return weight_ ? kernels::sum(numel_, [this](Index i) { return (*this)[i]; }) : static_cast<double>(counted_);
    }

private:
    [[nodiscard]] Index sample_of(Index element) const noexcept { return each_ == 1 ? element : element / each_; }

    const bool* mask_;
    const Scalar* weight_;
    Index each_;
    Index numel_;
    Index counted_;
    bool by_element_;
    Scalar largest_ = 1;
};

/// The loss where nothing counts.
template <class Scalar>
[[nodiscard]] Variable<Scalar> constant_zero(Reduction reduction, const Shape& elements) {
    return Tensor<Scalar>{reduction == Reduction::none ? elements : Shape{}};
}

/// A loss that is a scalar, with its derivatives by the prediction, which were made with it.
template <class Scalar>
[[nodiscard]] Variable<Scalar> with_slopes(const char* operation, double loss, const Variable<Scalar>& prediction, Tensor<Scalar> slopes) {
    return autograd::record<Scalar>(operation, Tensor<Scalar>::scalar(static_cast<Scalar>(loss)), {prediction},
                                    [slopes = std::move(slopes)](autograd::Gradients<Scalar>& g) {
                                        const Index size = slopes.numel();
                                        auto gradient = Tensor<Scalar>::empty(slopes.shape().prepended(g.rows()));
                                        for (Index row = 0; row < g.rows(); ++row)
                                            kernels::map<kernels::Scale>(size, slopes.data(), gradient.data() + row * size,
                                                                         g.cotangent().data()[row]);
                                        g.add(0, std::move(gradient));
                                    });
}

/// What a mean divides by, unless the loss says otherwise.
struct TotalWeight {
    template <class Scalar>
    [[nodiscard]] double operator()(const ElementWeights<Scalar>& weights) const {
        return weights.total();
    }
};

/// A loss with `point(prediction, value, i) -> Point` for element i. The derivatives are made with the losses and kept,
/// in the place of a copy of the target.
template <class Scalar, class PointOf, class DivisorOf = TotalWeight>
[[nodiscard]] Variable<Scalar> pointwise(const char* operation, const Variable<Scalar>& prediction, const Target<Scalar>& target,
                                         Reduction reduction, const PointOf& point, const DivisorOf& divisor_of = {}) {
    const Scalar* const value = values_like(operation, prediction.shape(), target).data();
    const ElementWeights<Scalar> weights{target, reduction};
    if (weights.counted() == 0)
        return constant_zero<Scalar>(reduction, prediction.shape());
    const Scalar* const x = prediction.value().data();
    const Index n = prediction.numel();
    auto slopes = Tensor<Scalar>::empty(prediction.requires_grad() ? prediction.shape() : Shape{0});
    const auto at = [&, all = weights.all_one(), keep = prediction.requires_grad(), slope = slopes.data()](Index i) {
        const Scalar weight = all ? Scalar(1) : weights[i];
        Point<Scalar> p{0, 0};
        if (weight > 0)
            p = point(x[i], value[i], i);
        if (!all)
            p = {p.loss * weight, p.slope * weight};
        if (keep)
            slope[i] = p.slope;
        return p.loss;
    };
    Tensor<Scalar> loss;
    Scalar scale = 1;
    if (reduction == Reduction::none) {
        loss = Tensor<Scalar>::empty(prediction.shape());
        kernels::for_each_index(n, [&, out = loss.data()](Index i) { out[i] = at(i); });
    } else {
        double total = kernels::sum(n, at);
        if (reduction == Reduction::mean) {
            const double divisor = divisor_of(weights);
            total /= divisor;
            scale = static_cast<Scalar>(1 / divisor);
        }
        loss = Tensor<Scalar>::scalar(static_cast<Scalar>(total));
    }
    const bool single = reduction != Reduction::none;
    return autograd::record<Scalar>(
        operation, std::move(loss), {prediction}, [slopes = std::move(slopes), single, scale](autograd::Gradients<Scalar>& g) {
            const Index size = slopes.numel();
            const Scalar* const upstream = g.cotangent().data();
            auto gradient = Tensor<Scalar>::empty(slopes.shape().prepended(g.rows()));
            for (Index row = 0; row < g.rows(); ++row)
                if (Scalar* const out = gradient.data() + row * size; single)
                    kernels::map<kernels::Scale>(size, slopes.data(), out, scale * upstream[row]);
                else
                    kernels::for_each_index(size,
                                            [=, slope = slopes.data(), up = upstream + row * size](Index i) { out[i] = slope[i] * up[i]; });
            g.add(0, std::move(gradient));
        });
}

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::losses
