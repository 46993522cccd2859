// SPDX-License-Identifier: MIT
/// @file Single-task sets into one multi-task set.
///
/// Two cases: `combine_labels` when the sets describe *the same samples*, each with a label of its own;
/// `combine_samples` when every task brings *samples of its own*, which carry no label for the other tasks.
#pragma once

#include <espalier/core/random.hpp>
#include <espalier/data/dataset.hpp>

#include <algorithm>
#include <concepts>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::data {
namespace detail {

template <class Scalar>
using Parts = std::vector<const Dataset<Scalar>*>;

template <class Scalar>
[[nodiscard]] Parts<Scalar> pointers(const std::vector<Dataset<Scalar>>& sets) {
    Parts<Scalar> parts;
    for (const Dataset<Scalar>& set : sets)
        parts.push_back(&set);
    return parts;
}

template <class Scalar>
[[nodiscard]] Dataset<Scalar> combine_labels(const Parts<Scalar>& parts) {
    require<ValueError>(!parts.empty(), "combine_labels", "expected at least one set, got none");
    const Tensor<Scalar>& inputs = parts[0]->inputs();
    losses::Targets<Scalar> targets;
    for (const Dataset<Scalar>* part : parts) {
        require<ShapeError>(part->inputs().shape() == inputs.shape(), "combine_labels",
                            "expected the same inputs in every set, got shapes ", inputs.shape(), " and ", part->inputs().shape());
        require<ValueError>(part->inputs() == inputs, "combine_labels", "expected the same inputs in every set, got other values for ",
                            part->targets().names(), " than for ", parts[0]->targets().names());
        for (const auto& [task, target] : part->targets()) {
            require<StateError>(!targets.contains(task), "combine_labels", "expected each task in one set only, got '", task, "' twice");
            targets.insert(task, target);
        }
    }
    return Dataset<Scalar>{inputs, std::move(targets)};
}

/// The tensors one behind the other; null stands for `counts[i]` entries of zeros.
template <class T>
[[nodiscard]] Tensor<T> concatenate(const std::vector<const Tensor<T>*>& tensors, const std::vector<Index>& counts, const Shape& sample) {
    Index total = 0;
    for (const Index count : counts)
        total += count;
    auto result = Tensor<T>::empty(sample.prepended(total));
    T* to = result.data();
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const Index numel = counts[i] * sample.numel();
        to = tensors[i] ? std::copy_n(tensors[i]->data(), numel, to) : std::fill_n(to, numel, T(0));
    }
    return result;
}

/// The target of one task over all parts: where a part has none, zeros with a mask of false. A mask of elements in one makes it
/// one in all; a sample without a weight of its own has weight 1.
template <class Scalar>
[[nodiscard]] losses::Target<Scalar> combine_target(const Parts<Scalar>& parts, const std::string& task) {
    const auto target_in = [&](const Dataset<Scalar>* part) { return part->targets().contains(task) ? &part->target(task) : nullptr; };
    const auto& first = (*std::find_if(parts.begin(), parts.end(), target_in))->target(task);
    const Shape sample = first.shape().axes(1, first.shape().rank());
    std::vector<const Tensor<Index>*> labels;
    std::vector<const Tensor<Scalar>*> values;
    std::vector<Index> counts;
    bool masked = false;
    bool by_element = false;
    bool weighted = false;
    Index total = 0;
    for (const Dataset<Scalar>* part : parts) {
        const auto* target = target_in(part);
        if (target) {
            const Shape& shape = target->shape();
            require<ValueError>(target->has_labels() == first.has_labels(), "combine_samples", "expected one kind of target for task '",
                                task, "', got class indices in one set and values in another");
            require<ShapeError>(shape.axes(1, shape.rank()) == sample, "combine_samples", "expected targets of one shape for task '", task,
                                "', got ", first.shape(), " and ", shape);
        }
        labels.push_back(target && target->has_labels() ? &target->labels() : nullptr);
        values.push_back(target && !target->has_labels() ? &target->values() : nullptr);
        counts.push_back(part->size());
        masked = masked || !target || target->mask();
        by_element = by_element || (target && target->masks_elements());
        weighted = weighted || (target && target->weight());
        total += part->size();
    }
    losses::TargetOptions<Scalar> beside;
    if (masked) {
        const Index each = by_element ? sample.numel() : 1;
        beside.mask = Tensor<bool>::empty(by_element ? sample.prepended(total) : Shape{total});
        bool* to = beside.mask->data();
        for (const Dataset<Scalar>* part : parts) {
            const auto* target = target_in(part);
            const Tensor<bool>* own = target ? target->mask() : nullptr;
            for (Index i = 0; i < part->size() * each; ++i)
                *to++ = target && (!own || (*own)[target->masks_elements() ? i : i / each]);
        }
    }
    if (weighted) {
        beside.weight = Tensor<Scalar>::ones({total});
        Scalar* to = beside.weight->data();
        for (const Dataset<Scalar>* part : parts) {
            if (const auto* target = target_in(part); target && target->weight())
                std::copy(target->weight()->begin(), target->weight()->end(), to);
            to += part->size();
        }
    }
    if (first.has_labels())
        return {concatenate(labels, counts, sample), std::move(beside)};
    return {concatenate(values, counts, sample), std::move(beside)};
}

template <class Scalar>
[[nodiscard]] Dataset<Scalar> combine_samples(const Parts<Scalar>& parts) {
    require<ValueError>(!parts.empty(), "combine_samples", "expected at least one set, got none");
    const Shape& shape = parts[0]->inputs().shape();
    const Shape sample = shape.axes(1, shape.rank());
    std::vector<const Tensor<Scalar>*> inputs;
    std::vector<Index> counts;
    losses::Targets<Scalar> targets;
    for (const Dataset<Scalar>* part : parts) {
        const Shape& other = part->inputs().shape();
        require<ShapeError>(other.axes(1, other.rank()) == sample, "combine_samples", "expected samples of one shape, got inputs ", shape,
                            " and ", other);
        inputs.push_back(&part->inputs());
        counts.push_back(part->size());
    }
    for (const Dataset<Scalar>* part : parts)
        for (const auto& [task, target] : part->targets())
            if (!targets.contains(task))
                targets.insert(task, combine_target(parts, task));
    return Dataset<Scalar>{concatenate(inputs, counts, sample), std::move(targets)};
}

}  // namespace detail

/// The same samples with the targets of all sets: `combine_labels(colours, sizes)`.
/// @throws ShapeError or ValueError unless the inputs are equal; StateError for a task that two sets have
template <class Scalar, std::same_as<Dataset<Scalar>>... More>
[[nodiscard]] Dataset<Scalar> combine_labels(const Dataset<Scalar>& first, const More&... more) {
    return detail::combine_labels(detail::Parts<Scalar>{&first, &more...});
}
template <class Scalar>
[[nodiscard]] Dataset<Scalar> combine_labels(const std::vector<Dataset<Scalar>>& sets) {
    return detail::combine_labels(detail::pointers(sets));
}

/// The samples of all sets, one set behind the other: `combine_samples(faces, plates)`.
///
/// A task that a set does not have is unlabelled there: its target holds zeros, masked out. A task that several sets
/// have is joined, and masks and weights that one of them has are kept. Shuffle when batching: `DataLoader` does.
/// @throws ShapeError for inputs or targets of different shapes; ValueError for class indices here and values there
template <class Scalar, std::same_as<Dataset<Scalar>>... More>
[[nodiscard]] Dataset<Scalar> combine_samples(const Dataset<Scalar>& first, const More&... more) {
    return detail::combine_samples(detail::Parts<Scalar>{&first, &more...});
}
template <class Scalar>
[[nodiscard]] Dataset<Scalar> combine_samples(const std::vector<Dataset<Scalar>>& sets) {
    return detail::combine_samples(detail::pointers(sets));
}

}  // namespace espalier::inline ESPALIER_ABI::data
