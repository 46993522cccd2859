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

/// Sets that are combined have inputs of the same names in the same order, or all of them one tensor.
template <class Scalar>
void require_same_names(const char* operation, const Inputs<Scalar>& first, const Inputs<Scalar>& other) {
    const auto named = [](const Inputs<Scalar>& inputs) { return inputs.empty() ? "one tensor" : inputs.names(); };
    const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
    require<StateError>(std::equal(first.begin(), first.end(), other.begin(), other.end(), same), operation,
                        "expected inputs of the same names in every set, got ", named(first), " and ", named(other));
}

template <class Scalar>
[[nodiscard]] Dataset<Scalar> combine_labels(const Parts<Scalar>& parts) {
    require<ValueError>(!parts.empty(), "combine_labels", "expected at least one set, got none");
    const Batch<Scalar>& first = parts[0]->samples();
    losses::Targets<Scalar> targets;
    for (const Dataset<Scalar>* part : parts) {
        const Batch<Scalar>& samples = part->samples();
        require<ShapeError>(samples.input.shape() == first.input.shape(), "combine_labels",
                            "expected the same inputs in every set, got shapes ", first.input.shape(), " and ", samples.input.shape());
        require_same_names("combine_labels", first.inputs, samples.inputs);
        for (const auto& [name, input] : samples.inputs)
            require<ShapeError>(input.shape() == first.inputs.at(name).shape(), "combine_labels",
                                "expected the same inputs in every set, got shapes ", first.inputs.at(name).shape(), " and ", input.shape(),
                                " of input '", name, "'");
        require<ValueError>(samples.input == first.input && samples.inputs == first.inputs, "combine_labels",
                            "expected the same inputs in every set, got other values for ", samples.targets.names(), " than for ",
                            first.targets.names());
        for (const auto& [task, target] : part->targets()) {
            require<StateError>(!targets.contains(task), "combine_labels", "expected each task in one set only, got '", task, "' twice");
            targets.insert(task, target);
        }
    }
    return first.inputs.empty() ? Dataset<Scalar>{first.input, std::move(targets)} : Dataset<Scalar>{first.inputs, std::move(targets)};
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

/// One input over all parts; `which` is for errors.
template <class T>
[[nodiscard]] Tensor<T> combine_tensors(const std::vector<const Tensor<T>*>& tensors, const std::vector<Index>& counts,
                                        const std::string& which) {
    const Shape& shape = tensors[0]->shape();
    const Shape sample = shape.axes(1, shape.rank());
    for (const Tensor<T>* tensor : tensors)
        require<ShapeError>(tensor->shape().axes(1, tensor->rank()) == sample, "combine_samples",
                            "expected samples of one shape, got inputs ", which, shape, " and ", tensor->shape());
    return concatenate(tensors, counts, sample);
}

[[nodiscard]] inline Sequences combine_sequences(const std::vector<const Sequences*>& parts) {
    std::vector<const Tensor<Index>*> elements, lengths;
    std::vector<Index> element_counts, counts;
    for (const Sequences* part : parts) {
        elements.push_back(&part->elements());
        element_counts.push_back(part->elements().numel());
        lengths.push_back(&part->lengths());
        counts.push_back(part->size());
    }
    return {concatenate(elements, element_counts, Shape{}), concatenate(lengths, counts, Shape{})};
}

template <class Scalar>
[[nodiscard]] Input<Scalar> combine_input(const Parts<Scalar>& parts, const std::vector<Index>& counts, const std::string& name) {
    const InputKind kind = parts[0]->named_inputs().at(name).kind();
    std::vector<const Tensor<Index>*> of_indices;
    std::vector<const Tensor<Scalar>*> of_values;
    std::vector<const Sequences*> of_sequences;
    for (const Dataset<Scalar>* part : parts) {
        const Input<Scalar>& input = part->named_inputs().at(name);
        require<ValueError>(input.kind() == kind, "combine_samples", "expected one kind of input '", name, "', got ", to_string(kind),
                            " in one set and ", to_string(input.kind()), " in another");
        if (kind == InputKind::indices)
            of_indices.push_back(&input.indices());
        else if (kind == InputKind::numbers)
            of_values.push_back(&input.values());
        else
            of_sequences.push_back(&input.sequences());
    }
    const std::string which = concat("'", name, "' ");
    if (kind == InputKind::sequences)
        return combine_sequences(of_sequences);
    if (kind == InputKind::indices)
        return combine_tensors(of_indices, counts, which);
    return combine_tensors(of_values, counts, which);
}

template <class Scalar>
[[nodiscard]] Dataset<Scalar> combine_samples(const Parts<Scalar>& parts) {
    require<ValueError>(!parts.empty(), "combine_samples", "expected at least one set, got none");
    const Batch<Scalar>& first = parts[0]->samples();
    std::vector<const Tensor<Scalar>*> tensors;
    std::vector<Index> counts;
    losses::Targets<Scalar> targets;
    for (const Dataset<Scalar>* part : parts) {
        require_same_names("combine_samples", first.inputs, part->named_inputs());
        tensors.push_back(&part->samples().input);
        counts.push_back(part->size());
    }
    for (const Dataset<Scalar>* part : parts)
        for (const auto& [task, target] : part->targets())
            if (!targets.contains(task))
                targets.insert(task, combine_target(parts, task));
    if (first.inputs.empty())
        return Dataset<Scalar>{combine_tensors(tensors, counts, ""), std::move(targets)};
    const auto combined = [&](const std::string& name, const Input<Scalar>&) { return combine_input(parts, counts, name); };
    return Dataset<Scalar>{first.inputs.map(combined), std::move(targets)};
}

}  // namespace detail

/// The same samples with the targets of all sets: `combine_labels(colours, sizes)`.
/// @throws ShapeError or ValueError unless the inputs are equal; StateError for other names of inputs, or a task that two sets have
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
/// @throws ShapeError for inputs or targets of different shapes; ValueError for indices here and values there; StateError for
/// inputs of other names
template <class Scalar, std::same_as<Dataset<Scalar>>... More>
[[nodiscard]] Dataset<Scalar> combine_samples(const Dataset<Scalar>& first, const More&... more) {
    return detail::combine_samples(detail::Parts<Scalar>{&first, &more...});
}
template <class Scalar>
[[nodiscard]] Dataset<Scalar> combine_samples(const std::vector<Dataset<Scalar>>& sets) {
    return detail::combine_samples(detail::pointers(sets));
}

}  // namespace espalier::inline ESPALIER_ABI::data
