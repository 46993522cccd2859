// SPDX-License-Identifier: MIT
/// @file A set of samples in memory: inputs, and a target for each task.
#pragma once

#include <espalier/data/batch.hpp>

#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {

/// N samples: inputs (N, ...), one tensor or several by name, and at least one named target of N samples each. What it holds
/// never changes.
template <class Scalar = float>
class Dataset {
    template <class T>
    using Same = std::type_identity_t<T>;  // keeps an argument out of deduction, so that braces and conversions work

public:
    using scalar_type = Scalar;

    /// A multi-task set: `Dataset{images, {{"left", left_labels}, {"right", right_labels}}}`.
    /// @throws ValueError for no samples or no targets; ShapeError for a target of another size
    ESPALIER_COLD Dataset(Tensor<Scalar> inputs, Same<losses::Targets<Scalar>> targets)
        : Dataset{Batch<Scalar>{std::move(inputs), std::move(targets)}} {}
    /// A single-task set: `Dataset{images, "class", labels}`. @throws as above
    ESPALIER_COLD Dataset(Tensor<Scalar> inputs, std::string task, Same<losses::Target<Scalar>> target)
        : Dataset{std::move(inputs), single(std::move(task), std::move(target))} {}
    /// A set of samples that are more than one tensor: `Dataset{data::Inputs<>{{"image", images}, {"city", cities}}, targets}`.
    /// @throws as above; ShapeError naming an input of another size
    ESPALIER_COLD Dataset(Inputs<Scalar> inputs, Same<losses::Targets<Scalar>> targets)
        : Dataset{Batch<Scalar>{{}, std::move(targets), std::move(inputs)}} {}
    ESPALIER_COLD Dataset(Inputs<Scalar> inputs, std::string task, Same<losses::Target<Scalar>> target)
        : Dataset{std::move(inputs), single(std::move(task), std::move(target))} {}

    /// The inputs, where they are one tensor. @throws StateError where they have names
    [[nodiscard]] const Tensor<Scalar>& inputs() const& {
        require_one_tensor();
        return samples_.input;
    }
    [[nodiscard]] Tensor<Scalar> inputs() && {
        require_one_tensor();
        return std::move(samples_.input);
    }
    /// The inputs by name; empty where they are one tensor.
    [[nodiscard]] const Inputs<Scalar>& named_inputs() const& noexcept { return samples_.inputs; }
    [[nodiscard]] Inputs<Scalar> named_inputs() && noexcept { return std::move(samples_.inputs); }
    [[nodiscard]] const losses::Targets<Scalar>& targets() const& noexcept { return samples_.targets; }
    [[nodiscard]] losses::Targets<Scalar> targets() && noexcept { return std::move(samples_.targets); }
    /// @throws StateError that lists the tasks there are
    [[nodiscard]] const losses::Target<Scalar>& target(std::string_view task) const& { return samples_.targets.at(task); }
    [[nodiscard]] losses::Target<Scalar> target(std::string_view task) && { return std::move(samples_.targets.at(task)); }
    /// Number of samples N.
    [[nodiscard]] Index size() const noexcept {
        const auto& [input, targets, inputs] = samples_;
        return inputs.empty() ? *input.shape().begin() : inputs.begin()->second.size();
    }
    /// Names of the tasks.
    [[nodiscard]] std::vector<std::string> tasks() const {
        std::vector<std::string> names;
        for (const auto& [task, target] : samples_.targets)
            names.push_back(task);
        return names;
    }

    /// All samples as one batch.
    [[nodiscard]] const Batch<Scalar>& samples() const& noexcept { return samples_; }
    [[nodiscard]] Batch<Scalar> samples() && noexcept { return std::move(samples_); }
    /// The samples that `indices` lists, in that order. @throws ValueError for an index out of range, or none at all
    [[nodiscard]] Dataset gather(std::span<const Index> indices) const { return Dataset{samples_.gather(indices)}; }

private:
    explicit Dataset(Batch<Scalar> samples) : samples_{std::move(samples)} {
        const auto& [input, targets, inputs] = samples_;
        require<ShapeError>(input.rank() > 0, "dataset", "expected inputs (N, ...), got shape ", input.shape());
        const Index size = inputs.empty() ? input.size(0) : samples_.size();
        require<ValueError>(size > 0, "dataset", "expected at least one sample, got ",
                            inputs.empty() ? concat("inputs of shape ", input.shape()) : detail::size_giver(samples_));
        require<ValueError>(!targets.empty(), "dataset", "expected the target of at least one task, got none");
        for (const auto& [task, target] : targets)
            require<ShapeError>(target.size() == size, "dataset", "expected ", size, " samples in target '", task, "' as in ",
                                detail::size_giver(samples_), ", got shape ", target.shape());
    }

    void require_one_tensor() const {
        if (!samples_.inputs.empty())
            fail<StateError>("dataset", "expected inputs that are one tensor, got ", samples_.inputs.names(), ", which are named_inputs()");
    }
    [[nodiscard]] static losses::Targets<Scalar> single(std::string task, losses::Target<Scalar> target) {
        losses::Targets<Scalar> targets;
        targets.insert(std::move(task), std::move(target));
        return targets;
    }

    Batch<Scalar> samples_;
};

}  // namespace espalier::inline ESPALIER_ABI::data
