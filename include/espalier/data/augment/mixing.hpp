// SPDX-License-Identifier: MIT
/// @file How the samples of a batch and their targets are mixed in pairs: what `mix_up` and `cut_mix` share.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/core/named.hpp>
#include <espalier/core/random.hpp>
#include <espalier/data/augment/options.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data::detail {

/// Of each sample there is `share` of its own and the rest of its partner's.
struct Mixing {
    std::vector<Index> partner;
    double share = 1;
};

/// From the beta distribution with both parameters `alpha`.
[[nodiscard]] inline double draw_beta(double alpha, Random& random) {
    const double a = random.gamma(alpha), b = random.gamma(alpha);
    if (a + b > 0)
        return a / (a + b);
    return random.uniform() < 0.5 ? 0 : 1;  // for a small alpha both may be too small for a number: nearly all of it lies at 0 and 1
}

/// @throws ValueError for an alpha out of range or a number of classes below 1
inline void check_mixing(const char* operation, double alpha, const Named<Index>& classes) {
    require<ValueError>(alpha > 0 && is_finite(alpha), operation, "expected a finite alpha above 0, got ", alpha);
    for (const auto& [task, count] : classes)
        require<ValueError>(count >= 1, operation, "expected at least one class of task '", task, "', got ", count);
}

/// All inputs are numbers. The number of samples.
template <class Scalar>
[[nodiscard]] Index check_inputs(const char* operation, const Batch<Scalar>& batch) {
    for (const auto& [name, input] : batch.inputs)
        require<StateError>(input.kind() == InputKind::numbers, operation, "expected numbers in input '", name,
                            "', which can be mixed, got ", to_string(input.kind()), " of shape ", input.shape());
    const Index samples = batch.size();
    for (const auto& [task, target] : batch.targets)
        require<ShapeError>(target.size() == samples, operation, "expected a target of ", samples, " samples of task '", task,
                            "', got shape ", target.shape());
    return samples;
}

/// Class indices of a task can be mixed if it is told how many classes there are, and they all are some.
template <class Scalar>
void check_classes(const char* operation, const std::string& task, const losses::Target<Scalar>& target, const Named<Index>& classes,
                   Index ignore_index) {
    const Index* const count = classes.find(task);
    if (!target.has_labels()) {
        require<ShapeError>(!count || (target.shape().rank() > 1 && target.shape().back() == *count), operation,
                            "expected class indices of task '", task, "' or probabilities of its classes, got values of shape ",
                            target.shape());
        return;
    }
    if (!count)
        fail<ValueError>(operation, "expected .classes to say how many classes task '", task,
                         "' has, as its class indices become probabilities, got ", classes.names());
    for (Index i = 0; i < target.labels().numel(); ++i) {
        const Index label = target.labels()[i];
        require<ValueError>((label >= 0 && label < *count) || label == ignore_index || !target.counts(i), operation,
                            "expected labels in [0, ", *count, ") of task '", task, "', got ", label, " at element ", i);
    }
}

/// Applies `change(values)` to every input.
template <class Scalar, class Change>
void change_inputs(Batch<Scalar>& batch, const Change& change) {
    if (batch.inputs.empty())
        change(batch.input);
    for (auto& [name, input] : batch.inputs) {
        Tensor<Scalar> values = std::move(input).values();
        change(values);
        input = std::move(values);
    }
}

/// Values (N, ...), each with its partner's.
template <class Scalar>
void mix_values(Tensor<Scalar>& values, const Mixing& mixing) {
    const auto share = static_cast<Scalar>(mixing.share), rest = 1 - share;
    const Tensor<Scalar> others = values.gather(mixing.partner);
    for (Index i = 0; i < values.numel(); ++i)
        values[i] = share * values[i] + rest * others[i];
}

/// What counts, one by one for elements or for samples.
template <class Scalar>
[[nodiscard]] Tensor<bool> counted(const losses::Target<Scalar>& target, bool elements, Index ignore_index) {
    auto result = Tensor<bool>::full(elements ? target.shape() : Shape{target.size()}, true);
    for (Index i = 0; i < result.numel(); ++i) {
        const Index sample = elements ? i / target.sample_numel() : i;
        if (target.mask())
            result[i] = (*target.mask())[target.masks_elements() ? i : sample];
        if (target.weight())
            result[i] = result[i] && (*target.weight())[sample] > 0;
        if (target.has_labels())
            result[i] = result[i] && target.labels()[i] != ignore_index;
    }
    return result;
}

/// What stands beside a mixed target: it counts where both do, by their weights' mean. Each element gives `many`.
template <class Scalar>
[[nodiscard]] losses::TargetOptions<Scalar> mixed_options(const losses::Target<Scalar>& target, const Mixing& mixing, Index ignore_index,
                                                          Index many) {
    const bool elements = target.masks_elements() || (target.has_labels() && target.shape().rank() > 1);
    const Tensor<bool> own = counted(target, elements, ignore_index);
    const Tensor<bool> others = own.gather(mixing.partner);
    Shape shape = own.shape();
    if (elements && target.has_labels())
        shape.append(many);
    auto mask = Tensor<bool>::full(shape, true);
    const Index each = elements ? many : 1;
    for (Index i = 0; i < mask.numel(); ++i)
        mask[i] = own[i / each] && others[i / each];
    losses::TargetOptions<Scalar> result;
    if (std::find(mask.begin(), mask.end(), false) != mask.end())
        result.mask = std::move(mask);
    if (target.weight()) {
        result.weight = *target.weight();
        mix_values(*result.weight, mixing);
    }
    return result;
}

/// Class indices (N, ...) become probabilities (N, ..., C), values are mixed.
template <class Scalar>
void mix_target(losses::Target<Scalar>& target, const Mixing& mixing, Index ignore_index, Index classes) {
    auto beside = mixed_options(target, mixing, ignore_index, target.has_labels() ? classes : 1);
    if (!target.has_labels()) {
        Tensor<Scalar> values = std::move(target).values();
        mix_values(values, mixing);
        target = {std::move(values), std::move(beside)};
        return;
    }
    const Tensor<Index>& own = target.labels();
    const Tensor<Index> others = own.gather(mixing.partner);
    const auto share = static_cast<Scalar>(mixing.share);
    Shape shape = own.shape();
    shape.append(classes);
    Tensor<Scalar> result{shape};
    for (Index i = 0; i < own.numel(); ++i) {
        const auto is_one = [&](Index label) { return label >= 0 && label < classes; };  // another one does not count
        if (is_one(own[i]))
            result[i * classes + own[i]] = share;
        if (is_one(others[i]))
            result[i * classes + others[i]] = own[i] == others[i] ? Scalar(1) : 1 - share;
    }
    target = {std::move(result), std::move(beside)};
}

}  // namespace espalier::inline ESPALIER_ABI::data::detail
