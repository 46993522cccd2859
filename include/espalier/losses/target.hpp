// SPDX-License-Identifier: MIT
/// @file What a task's predictions are compared with: class indices or real values, which of them are there, and how much
/// each sample counts.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/core/named.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <optional>
#include <span>
#include <utility>
#include <variant>

namespace espalier::inline ESPALIER_ABI::losses {

/// What may stand beside labels or values of N samples. Designated initialisers stand in this order.
template <class Scalar = float>
struct TargetOptions {
    /// True where there is a label: (N,) for whole samples, or the shape of the labels or values for their elements, such as
    /// pixels without a depth or one output of several that was not measured.
    std::optional<Tensor<bool>> mask = {};
    /// How much each sample counts, (N,), at least 0 and finite. A sample of weight 0 is as one that is not labelled.
    std::optional<Tensor<Scalar>> weight = {};
};

/// The labels of a batch for one task. Either class indices, `Tensor<Index>` (N, ...), or values, `Tensor<Scalar>` (N, ...).
/// @code
/// Target{labels}                              // every sample counts, and equally
/// Target{labels, mask}                        // only where the mask is true
/// Target{values, {.mask = m, .weight = w}}    // and the samples with these weights
/// @endcode
/// An element *counts* if neither mask nor a weight of 0 leaves it out. What does not count is looked at by no loss and no
/// metric of the library: it may hold anything, also NaN or labels out of range, and so may the predictions there.
template <class Scalar = float>
class Target {
public:
    Target() : Target{Tensor<Index>{}} {}
    /// @throws ShapeError for labels without a batch axis, or a mask or weights of another shape; ValueError for a weight
    /// that is negative or not finite.
    Target(Tensor<Index> labels, std::optional<Tensor<bool>> mask = {})
        : Target{std::move(labels), {.mask = std::move(mask), .weight = {}}} {}
    Target(Tensor<Scalar> values, std::optional<Tensor<bool>> mask = {})
        : Target{std::move(values), {.mask = std::move(mask), .weight = {}}} {}
    // Templates, so that `{}` and `{mask}` as a second argument are the mask of the constructors above.
    template <std::same_as<TargetOptions<Scalar>> Options = TargetOptions<Scalar>>
    Target(Tensor<Index> labels, Options options) : data_{std::move(labels)}, options_{std::move(options)} {
        check();
    }
    template <std::same_as<TargetOptions<Scalar>> Options = TargetOptions<Scalar>>
    Target(Tensor<Scalar> values, Options options) : data_{std::move(values)}, options_{std::move(options)} {
        check();
    }

    [[nodiscard]] bool has_labels() const noexcept { return std::holds_alternative<Tensor<Index>>(data_); }
    /// @throws StateError if the target holds the other kind.
    [[nodiscard]] const Tensor<Index>& labels() const& {
        require_labels();
        return *std::get_if<Tensor<Index>>(&data_);
    }
    [[nodiscard]] Tensor<Index> labels() && {
        require_labels();
        return std::move(*std::get_if<Tensor<Index>>(&data_));
    }
    [[nodiscard]] const Tensor<Scalar>& values() const& {
        require_values();
        return *std::get_if<Tensor<Scalar>>(&data_);
    }
    [[nodiscard]] Tensor<Scalar> values() && {
        require_values();
        return std::move(*std::get_if<Tensor<Scalar>>(&data_));
    }

    [[nodiscard]] const Shape& shape() const& noexcept {
        return std::visit([](const auto& tensor) -> const Shape& { return tensor.shape(); }, data_);
    }
    [[nodiscard]] Shape shape() && noexcept { return std::as_const(*this).shape(); }
    /// Number of samples N.
    [[nodiscard]] Index size() const noexcept { return *shape().begin(); }
    /// Number of elements of a sample.
    [[nodiscard]] Index sample_numel() const noexcept { return sample_numel_; }

    /// (N,) or the shape of the labels or values; null without one.
    [[nodiscard]] const Tensor<bool>* mask() const& noexcept { return options_.mask ? &*options_.mask : nullptr; }
    const Tensor<bool>* mask() && = delete;
    /// Whether the mask tells elements of a sample apart.
    [[nodiscard]] bool masks_elements() const noexcept { return mask() && mask()->rank() > 1; }
    /// (N,); null without any, which is as all 1.
    [[nodiscard]] const Tensor<Scalar>* weight() const& noexcept { return options_.weight ? &*options_.weight : nullptr; }
    const Tensor<Scalar>* weight() && = delete;
    /// Both, to go along with labels or values that were changed: `target = {std::move(turned), target.options()}`.
    [[nodiscard]] const TargetOptions<Scalar>& options() const& noexcept { return options_; }
    [[nodiscard]] TargetOptions<Scalar> options() && noexcept { return std::move(options_); }

    /// The weight of an element, counted in row-major order over all labels or values; 0 if it does not count.
    [[nodiscard]] Scalar weight_of(Index element) const noexcept {
        if (!mask() && !weight())
            return 1;
        const Index sample = element / sample_numel_;
        if (mask() && !(*mask())[masks_elements() ? element : sample])
            return 0;
        return weight() ? (*weight())[sample] : Scalar(1);
    }
    [[nodiscard]] bool counts(Index element) const noexcept { return weight_of(element) > 0; }
    /// How many elements of a sample count, or of all.
    [[nodiscard]] Index counted(Index sample) const noexcept {
        const Index each = sample_numel_;
        if (weight() && !((*weight())[sample] > 0))
            return 0;
        if (masks_elements())
            return static_cast<Index>(std::count(mask()->data() + sample * each, mask()->data() + (sample + 1) * each, true));
        return !mask() || (*mask())[sample] ? each : 0;
    }
    [[nodiscard]] Index counted() const noexcept {
        if (!mask() && !weight())
            return shape().numel();
        Index result = 0;
        for (Index i = 0; i < size(); ++i)
            result += counted(i);
        return result;
    }
    /// Whether any element of a sample counts.
    [[nodiscard]] bool labelled(Index sample) const noexcept { return counted(sample) > 0; }
    /// How many samples are labelled.
    [[nodiscard]] Index labelled_count() const noexcept {
        Index result = 0;
        for (Index i = 0; i < size(); ++i)
            result += labelled(i);
        return result;
    }

    /// The samples that `indices` lists, in that order. @throws ValueError for an index out of range.
    [[nodiscard]] Target gather(std::span<const Index> indices) const {
        Target result;
        std::visit([&](const auto& tensor) { result.data_ = tensor.gather(indices); }, data_);
        result.sample_numel_ = sample_numel_;
        if (mask())
            result.options_.mask = mask()->gather(indices);
        if (weight())
            result.options_.weight = weight()->gather(indices);
        return result;
    }

private:
    void require_labels() const { require<StateError>(has_labels(), "target", "expected class indices, got values of shape ", shape()); }
    void require_values() const { require<StateError>(!has_labels(), "target", "expected values, got class indices of shape ", shape()); }
    void check() {
        require<ShapeError>(shape().rank() > 0, "target", "expected a batch axis, got shape ", shape());
        sample_numel_ = shape().product(1, shape().rank());
        const Shape samples{size()};
        if (mask() && mask()->shape() != samples && mask()->shape() != shape())
            fail<ShapeError>("target", "expected a mask of shape ", samples,
                             shape().rank() > 1 ? concat(" for samples or ", shape(), " for elements") : "", ", got ", mask()->shape());
        if (!weight())
            return;
        require<ShapeError>(weight()->shape() == samples, "target", "expected weights of shape ", samples, ", one for each sample, got ",
                            weight()->shape());
        for (Index i = 0; i < size(); ++i)
            require<ValueError>((*weight())[i] >= 0 && is_finite((*weight())[i]), "target", "expected finite weights of at least 0, got ",
                                (*weight())[i], " at sample ", i);
    }

    std::variant<Tensor<Index>, Tensor<Scalar>> data_;
    TargetOptions<Scalar> options_;
    Index sample_numel_ = 1;
};

/// One target for each task.
template <class Scalar = float>
using Targets = Named<Target<Scalar>>;

}  // namespace espalier::inline ESPALIER_ABI::losses
