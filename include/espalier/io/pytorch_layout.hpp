// SPDX-License-Identifier: MIT
/// @file Which tensors of a model PyTorch has in another order: seen from what a run does with them, not declared.
///
/// Images are channels-last here, so a convolution's weight is turned over, and so are the columns of a linear layer that
/// reads a flattened image, the rows of one whose result becomes an image, and a normalisation in between.
#pragma once

#include <espalier/io/operation_kind.hpp>
#include <espalier/io/step_orders.hpp>

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io::detail {

/// Follows the order of elements through the steps of a run.
class LayoutWalk : StepOrders {
public:
    /// `input` is the order of inputs that are no images, if it is not the same as here. `elementwise` are operations of the user's own
    /// that treat each element alone.
    LayoutWalk(const std::vector<GraphStep>& steps, const std::optional<Order>& input, const std::set<std::string>& elementwise)
        : StepOrders{steps}, elementwise_{elementwise} {
        for (std::size_t i = 0; i < steps.size(); ++i) {
            const Shape& shape = steps[i].shape;
            classes_.add(shape.rank() > 0 ? shape.product(1, shape.rank()) : 1);
            if (shape.rank() == 4 || (steps[i].is_input && (shape.rank() > 4 || is_convolved(steps, i))))
                classes_.fix(i, pixels_and_channels(shape), i);
            else if (steps[i].is_input)
                classes_.fix(i, input ? *input : plain(i), i);
            else if (steps_[i].is_cut())
                classes_.accuse(i, i);
        }
        for (std::size_t i = 0; i < steps.size(); ++i)
            if (!steps[i].inputs.empty())
                walk(i);
        classes_.solve();
    }

    /// The order of each of `count` tensors of the model.
    [[nodiscard]] std::vector<SeenOrder> orders(std::size_t count) { return uses_.orders(classes_, count); }
    /// What stands in the way of all of them; empty if nothing does.
    [[nodiscard]] std::string problem() { return uses_.problem(classes_); }
    /// The weights of normalisations, whose statistics have the same order.
    [[nodiscard]] const std::vector<std::size_t>& norms() const& noexcept { return norms_; }
    const std::vector<std::size_t>& norms() && = delete;
    /// How many elements the rows have that lie in another order.
    [[nodiscard]] std::set<Index> moved_sizes() {
        std::set<Index> sizes;
        for (std::size_t i = 0; i < steps_.size(); ++i)
            if (rank(i) == 2 && !classes_.order(i).is_plain())
                sizes.insert(steps_[i].shape[1]);
        return sizes;
    }

private:
    void walk(std::size_t i) {
        switch (elementwise_.contains(steps_[i].operation) ? OperationKind::elementwise : kind_of(steps_[i].operation)) {
            case OperationKind::convolution: return convolution(i);
            case OperationKind::linear: return linear(i);
            case OperationKind::matmul: return matmul(i);
            case OperationKind::normalisation: return normalisation(i);
            case OperationKind::reshape: return reshape(i);
            case OperationKind::concatenation: return concatenate(i);
            case OperationKind::reduction: return reduction(i);
            case OperationKind::embedding: return embedding(i);
            case OperationKind::spatial: return spatial(i);
            case OperationKind::along: return along(i);
            case OperationKind::attention: return attention(i);
            case OperationKind::elementwise: return each_element(i);
            case OperationKind::unknown: return unknown(i);
        }
    }

    void convolution(std::size_t i) {
        const auto& in = steps_[i].inputs;
        along(i);
        for (std::size_t k = 1; k < in.size(); ++k)
            weight(in[k], i, {known(in[0]), known(i)});
    }
    /// What slides along an image or a sequence gives one with the channels first in PyTorch.
    void along(std::size_t i) {
        operand(steps_[i].inputs[0], i);
        classes_.fix(i, pixels_and_channels(steps_[i].shape), i);
        classes_.depend(i, known(steps_[i].inputs[0]), i);
    }

    void linear(std::size_t i) {
        const auto& in = steps_[i].inputs;
        operand(in[0], i);
        if (rank(in[0]) == 2) {
            weight(in[1], i, {}, i, in[0]);
            if (in.size() > 2)
                weight(in[2], i, {}, i);
            return;
        }
        // Over the channels of an image, or the last axis of a sequence.
        const Need need = known_channels(in[0]);
        for (std::size_t k = 1; k < in.size(); ++k)
            weight(in[k], i, {need, known(i)});
        rank(in[0]) == 3 ? channels_last(i, in[0]) : moved(i, in[0]);
    }

    void matmul(std::size_t i) {
        const auto& in = steps_[i].inputs;
        if (!steps_[in[1]].is_parameter() || rank(in[1]) != 2 || steps_[in[0]].is_parameter())
            return unknown(i);
        if (rank(in[0]) == 2)
            return weight(in[1], i, {}, in[0], i);
        weight(in[1], i, {known_channels(in[0]), known(i)});
        moved(i, in[0]);
    }

    void normalisation(std::size_t i) {
        const auto& in = steps_[i].inputs;
        operand(in[0], i);
        const std::string_view operation = steps_[i].operation;
        if (rank(i) == 3 && (operation == "layer_norm" || operation == "rms_norm") && (turned_.contains(in[0]) || channels_first(in[0]))) {
            turned(i, in[0]);
            for (std::size_t k = 1; k < in.size(); ++k)
                weight(in[k], i, {known_channels(i)});
            return;
        }
        if (turned_.contains(in[0]))
            classes_.depend(i, known_channels(in[0]), i);
        else
            classes_.unite(i, in[0], i);
        const bool grouped = operation == "group_norm";
        if (grouped && rank(i) == 2)
            classes_.depend(i, known_plain(in[0]), i);  // in another order other channels meet in a group
        if (rank(i) > 2 && (grouped || operation.starts_with("batch_norm")))
            classes_.fix(i, pixels_and_channels(steps_[i].shape), i);  // PyTorch's has the channels on axis 1
        const std::size_t parameters = operation == "batch_norm_add_relu" ? in.size() - 1 : in.size();
        if (parameters < in.size()) {  // what is added, of the same shape
            operand(in[parameters], i);
            classes_.unite(i, in[parameters], i);
        }
        for (std::size_t k = 1; k < parameters; ++k)
            if (rank(i) == 2)
                weight(in[k], i, {}, i);
            else
                weight(in[k], i, {known_channels(i)});
        if (in.size() > 1 && steps_[in[1]].is_parameter())
            norms_.push_back(steps_[in[1]].tensor);
    }

    /// Elements keep their places within a sample as long as the batch stays the first axis.
    void reshape(std::size_t i) {
        const std::size_t in = steps_[i].inputs[0];
        operand(in, i);
        if (turned_.contains(in) && steps_[i].shape != steps_[in].shape)
            classes_.accuse(i, i);
        else if (rank(i) > 0 && rank(in) > 0 && steps_[i].shape[0] == steps_[in].shape[0])
            classes_.unite(i, in, i);
        else
            moved(i, in);
    }

    void concatenate(std::size_t i) {
        const auto& in = steps_[i].inputs;
        Index width = 0;
        std::vector<std::size_t> parts;
        for (const std::size_t part : in)
            if (rank(i) == 2 && steps_[part].shape[0] == steps_[i].shape[0] && steps_[part].shape[1] > 0) {
                width += steps_[part].shape[1];
                parts.push_back(part);
            }
        if (parts.empty() || width != steps_[i].shape[1])
            return spatial(i);
        for (const std::size_t part : parts)
            operand(part, i);
        if (parts.size() == 1)
            classes_.unite(i, parts[0], i);
        else
            classes_.join(i, std::move(parts), i);
    }

    /// Over the pixels or over the channels of an image, or over a row, what is left has an order of its own.
    void reduction(std::size_t i) {
        const std::size_t in = steps_[i].inputs[0];
        const Shape& from = steps_[in].shape;
        const Shape& to = steps_[i].shape;
        const bool batch = to.rank() > 0 && from.rank() > 0 && to[0] == from[0];
        if (to.rank() == 0 || (batch && from.rank() == 2 && to.numel() == to[0])) {
            operand(in, i);
            classes_.depend(i, known(in), i);
        } else if (batch && from.rank() == 3) {
            operand(in, i);
            classes_.fix(i, plain(i), i);
            classes_.depend(i, known_channels(in), i);
        } else if (batch && from.rank() == 4 && to.rank() == 3 && (to == from.without(3)) != (to.back() == from.back())) {
            operand(in, i);
            classes_.fix(i, to == from.without(3) ? plain(i) : pixels_and_channels(to), i);
            classes_.depend(i, known(in), i);
        } else {
            spatial(i);
        }
    }

    void embedding(std::size_t i) {
        if (rank(i) != 4)
            classes_.fix(i, plain(i), i);
        weight(steps_[i].inputs[0], i, {known(i)});
    }

    void spatial(std::size_t i) {
        for (const std::size_t in : steps_[i].inputs) {
            operand(in, i);
            if (steps_[in].has_order())
                moved(i, in);
            if (turned_.contains(in))
                turned_.insert(i);
        }
    }
    void attention(std::size_t i) {
        for (const std::size_t in : steps_[i].inputs) {
            operand(in, i);
            if (steps_[in].has_order())
                channels_last(i, in);
        }
    }

    /// Operands of one shape have one order. A vector that meets every row has that of the row.
    void each_element(std::size_t i) {
        const bool both = meets_both(i);
        for (const std::size_t in : steps_[i].inputs) {
            const Shape& from = steps_[in].shape;
            const Shape& to = steps_[i].shape;
            if (from == to && both && steps_[in].has_order()) {
                operand(in, i);
                turned(i, in);
            } else if (from == to) {
                if (steps_[in].has_order())
                    classes_.unite(i, in, i);
                operand(in, i);
            } else if (from.numel() == 1 || (rank(in) == 2 && from[1] == 1 && rank(i) == 2)) {
                operand(in, i);
                classes_.depend(i, known(in), i);
            } else if (steps_[in].is_parameter()) {
                broadcast_parameter(in, i);
            } else if (steps_[in].has_order() && rank(i) == 2 && rank(in) == 2 && from[1] == to[1]) {
                classes_.unite(i, in, i);
            } else if (steps_[in].has_order()) {
                moved(i, in);
                if (rank(i) == 4 && (rank(in) == 2 || rank(in) == 3))
                    classes_.fix(i, plain(i), i);  // what meets its rows or columns here meets others in PyTorch
            }
        }
    }
    /// Whether PyTorch had to turn one sequence to add it to another, or it may have.
    [[nodiscard]] bool meets_both(std::size_t i) {
        bool first = false, last = false;
        for (const std::size_t in : steps_[i].inputs)
            if (rank(i) == 3 && steps_[in].shape == steps_[i].shape && steps_[in].has_order()) {
                first = first || turned_.contains(in) || channels_first(in);
                last = last || turned_.contains(in) || !channels_first(in);
            }
        return first && last;
    }
    [[nodiscard]] bool channels_first(std::size_t i) { return !classes_.order(i).is_plain(); }
    /// A sequence whose channels are known, but not whether PyTorch has them first or last by now: nothing may flatten it.
    void turned(std::size_t i, std::size_t in) {
        channels_last(i, in);
        turned_.insert(i);
    }

    void broadcast_parameter(std::size_t in, std::size_t i) {
        const Shape& from = steps_[in].shape;
        const Shape& to = steps_[i].shape;
        if (rank(i) == 2 && from.back() == to[1])  // (K,) or (1, K) meets (N, K)
            weight(in, i, {}, rank(in) == 1 ? std::optional{i} : std::nullopt, rank(in) == 2 ? std::optional{i} : std::nullopt);
        else if (rank(i) == 4 && rank(in) >= 3)  // PyTorch has (C, H, W) for (H, W, C)
            uses_.add({steps_[in].tensor, i, {known(i)}, true});
        else if (rank(in) == 1)
            weight(in, i, {known_channels(i)});
        else
            weight(in, i, {known_plain(i)});
    }

    /// An operation of the user's own. Its images stay images, and its rows must be plain.
    void unknown(std::size_t i) {
        bool images = false;
        for (const std::size_t in : steps_[i].inputs) {
            if (steps_[in].is_parameter() || !steps_[in].has_order())
                continue;
            const bool pooled = rank(in) == 4 && rank(i) == 2 && steps_[i].shape[1] == steps_[in].shape[3];
            images = images || rank(in) == 4;
            if (pooled) {
                classes_.fix(i, plain(i), i);
                classes_.depend(i, known(in), i);
            } else {
                moved(i, in);
            }
            if (turned_.contains(in))
                classes_.accuse(i, i);
        }
        for (const std::size_t in : steps_[i].inputs)
            if (steps_[in].is_parameter())
                uses_.add({steps_[in].tensor, i, {known(i)}, false, {}, {}, rank(in) > (images || rank(i) == 4 ? 1 : 3)});
    }

    const std::set<std::string>& elementwise_;
    std::vector<std::size_t> norms_;
    std::set<std::size_t> turned_;
};

}  // namespace espalier::inline ESPALIER_ABI::io::detail
