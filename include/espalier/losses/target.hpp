// SPDX-License-Identifier: MIT
/// @file What a task's predictions are compared with: class indices or real values, and which samples carry them.
#pragma once

#include <espalier/core/named.hpp>
#include <espalier/tensor/tensor.hpp>

#include <algorithm>
#include <optional>
#include <span>
#include <utility>
#include <variant>

namespace espalier::inline ESPALIER_ABI::losses {

/// The labels of a batch for one task. Either class indices, `Tensor<Index>` (N, ...), or values, `Tensor<Scalar>`
/// (N, ...). With a mask (N,), only the samples where it is true are labelled; the others count for nothing.
template <class Scalar = float>
class Target {
public:
    Target() : Target{Tensor<Index>{}} {}
    /// @throws ShapeError for a label without a batch axis, or a mask whose shape is not (N,).
    Target(Tensor<Index> labels, std::optional<Tensor<bool>> mask = {}) : data_{std::move(labels)}, mask_{std::move(mask)} {
        check();
    }
    Target(Tensor<Scalar> values, std::optional<Tensor<bool>> mask = {}) : data_{std::move(values)}, mask_{std::move(mask)} {
        check();
    }

    [[nodiscard]] bool has_labels() const noexcept { return std::holds_alternative<Tensor<Index>>(data_); }
    /// @throws StateError if the target holds the other kind.
    [[nodiscard]] const Tensor<Index>& labels() const {
        require<StateError>(has_labels(), "target", "expected class indices, got values of shape ", shape());
        return *std::get_if<Tensor<Index>>(&data_);
    }
    [[nodiscard]] const Tensor<Scalar>& values() const {
        require<StateError>(!has_labels(), "target", "expected values, got class indices of shape ", shape());
        return *std::get_if<Tensor<Scalar>>(&data_);
    }

    [[nodiscard]] const Shape& shape() const noexcept {
        return std::visit([](const auto& tensor) -> const Shape& { return tensor.shape(); }, data_);
    }
    /// Number of samples N.
    [[nodiscard]] Index size() const noexcept { return *shape().begin(); }
    /// Null when every sample is labelled.
    [[nodiscard]] const Tensor<bool>* mask() const noexcept { return mask_ ? &*mask_ : nullptr; }
    [[nodiscard]] bool labelled(Index sample) const noexcept { return !mask_ || (*mask_)[sample]; }
    /// How many samples are labelled.
    [[nodiscard]] Index labelled_count() const noexcept {
        return mask_ ? static_cast<Index>(std::count(mask_->begin(), mask_->end(), true)) : size();
    }

    /// The samples that `indices` lists, in that order. @throws ValueError for an index out of range.
    [[nodiscard]] Target gather(std::span<const Index> indices) const {
        Target result;
        std::visit([&](const auto& tensor) { result.data_ = tensor.gather(indices); }, data_);
        if (mask_)
            result.mask_ = mask_->gather(indices);
        return result;
    }

private:
    void check() const {
        require<ShapeError>(shape().rank() > 0, "target", "expected a batch axis, got shape ", shape());
        require<ShapeError>(!mask_ || mask_->shape() == Shape{size()}, "target", "expected a mask of shape (", size(),
                            ",), got ", mask_ ? mask_->shape() : Shape{});
    }

    std::variant<Tensor<Index>, Tensor<Scalar>> data_;
    std::optional<Tensor<bool>> mask_;
};

/// One target for each task.
template <class Scalar = float>
using Targets = Named<Target<Scalar>>;

}  // namespace espalier::inline ESPALIER_ABI::losses
