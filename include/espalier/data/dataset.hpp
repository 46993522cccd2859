// SPDX-License-Identifier: MIT
/// @file A set of samples in memory: inputs, and a target for each task.
#pragma once

#include <espalier/losses/target.hpp>
#include <espalier/tensor/tensor.hpp>

#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

/// N samples: inputs (N, ...) and at least one named target of N samples each. What it holds never changes.
template <class Scalar = float>
class Dataset {
    template <class T>
    using Same = std::type_identity_t<T>;  // keeps an argument out of deduction, so that braces and conversions work

public:
    using scalar_type = Scalar;

    /// A multi-task set: `Dataset{images, {{"left", left_labels}, {"right", right_labels}}}`.
    /// @throws ValueError for no samples or no targets; ShapeError for a target of another size
    ESPALIER_COLD Dataset(Tensor<Scalar> inputs, Same<losses::Targets<Scalar>> targets)
        : inputs_{std::move(inputs)}, targets_{std::move(targets)} {
        require<ShapeError>(inputs_.rank() > 0, "dataset", "expected inputs (N, ...), got shape ", inputs_.shape());
        require<ValueError>(inputs_.size(0) > 0, "dataset", "expected at least one sample, got inputs of shape ", inputs_.shape());
        require<ValueError>(!targets_.empty(), "dataset", "expected the target of at least one task, got none");
        for (const auto& [task, target] : targets_)
            require<ShapeError>(target.size() == size(), "dataset", "expected ", size(), " samples in target '", task, "' as in inputs ",
                                inputs_.shape(), ", got shape ", target.shape());
    }

    /// A single-task set: `Dataset{images, "class", labels}`. @throws as above
    ESPALIER_COLD Dataset(Tensor<Scalar> inputs, std::string task, Same<losses::Target<Scalar>> target)
        : Dataset{std::move(inputs), single(std::move(task), std::move(target))} {}

    [[nodiscard]] const Tensor<Scalar>& inputs() const& noexcept { return inputs_; }
    [[nodiscard]] Tensor<Scalar> inputs() && noexcept { return std::move(inputs_); }
    [[nodiscard]] const losses::Targets<Scalar>& targets() const& noexcept { return targets_; }
    [[nodiscard]] losses::Targets<Scalar> targets() && noexcept { return std::move(targets_); }
    /// @throws StateError that lists the tasks there are
    [[nodiscard]] const losses::Target<Scalar>& target(std::string_view task) const& { return targets_.at(task); }
    [[nodiscard]] losses::Target<Scalar> target(std::string_view task) && { return std::move(targets_.at(task)); }
    /// Number of samples N.
    [[nodiscard]] Index size() const noexcept { return *inputs_.shape().begin(); }
    /// Names of the tasks.
    [[nodiscard]] std::vector<std::string> tasks() const {
        std::vector<std::string> names;
        for (const auto& [task, target] : targets_)
            names.push_back(task);
        return names;
    }

    /// The samples that `indices` lists, in that order. @throws ValueError for an index out of range, or none at all
    [[nodiscard]] Dataset gather(std::span<const Index> indices) const {
        const auto chosen = [&](const auto&, const losses::Target<Scalar>& target) { return target.gather(indices); };
        return Dataset{inputs_.gather(indices), targets_.map(chosen)};
    }

private:
    [[nodiscard]] static losses::Targets<Scalar> single(std::string task, losses::Target<Scalar> target) {
        losses::Targets<Scalar> targets;
        targets.insert(std::move(task), std::move(target));
        return targets;
    }

    Tensor<Scalar> inputs_;
    losses::Targets<Scalar> targets_;
};

}  // namespace espalier::inline ESPALIER_ABI::data
