// SPDX-License-Identifier: MIT
/// @file What a step of a run asks of the orders of its operands, and what it says of its result's: the words of pytorch_layout.hpp.
#pragma once

#include <espalier/io/order_classes.hpp>
#include <espalier/io/recorded_graph.hpp>
#include <espalier/io/tensor_uses.hpp>

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io::detail {

/// The steps of a run, a class of orders for each, and the uses of the tensors.
class StepOrders {
protected:
    using Need = OrderClasses::Need;

    [[nodiscard]] Order plain(std::size_t i) const {
        const Shape& shape = steps_[i].shape;
        return Order::plain(shape.rank() > 0 ? shape.product(1, shape.rank()) : 1);
    }
    [[nodiscard]] static Need known(std::size_t i) { return {i, {}}; }
    [[nodiscard]] Need known_plain(std::size_t i) const { return {i, plain(i)}; }
    /// The last axis has channels alone, whether or not the axes before it are those of an image.
    [[nodiscard]] Need known_channels(std::size_t i) const {
        return rank(i) > 1 ? Need{i, pixels_and_channels(steps_[i].shape)} : known_plain(i);
    }
    [[nodiscard]] Index rank(std::size_t i) const { return steps_[i].shape.rank(); }

    explicit StepOrders(const std::vector<GraphStep>& steps) : steps_{steps}, uses_{steps} {}

    /// A parameter as an operand like any other value: a small image, or plain if its class is.
    void operand(std::size_t i, std::size_t step) {
        if (steps_[i].is_parameter())
            uses_.add({steps_[i].tensor, step, {rank(i) == 4 ? known(i) : known_plain(i)}, rank(i) == 4});
    }
    /// A weight whose axes have the orders of `rows` and `columns`. One that is computed, and not itself a parameter, can only
    /// be right if nothing has to be turned over.
    void weight(std::size_t i, std::size_t step, std::vector<Need> needs, std::optional<std::size_t> rows = {},
                std::optional<std::size_t> columns = {}) {
        if (steps_[i].is_parameter()) {
            const bool sequence = rank(i) == 3 && steps_[step].is_conv1d();
            uses_.add({steps_[i].tensor, step, std::move(needs), rank(i) == 4, rows, columns, false, sequence});
        } else if (steps_[i].is_computed()) {
            if (rank(i) == 3 && steps_[i].shape[1] > 1 && steps_[step].is_conv1d())
                classes_.accuse(i, step);
            uses_.demand(rank(i) == 4 ? known(i) : known_plain(i), step);
            for (Need& need : needs)
                uses_.demand(std::move(need), step);
            for (const auto& axis : {rows, columns})
                if (axis)
                    uses_.demand(known_plain(*axis), step);
        }
    }

    /// The result of an operation that may move elements: an image from images, else plain from what is plain.
    void moved(std::size_t i, std::size_t in) {
        const bool image = rank(i) == 4 && rank(in) == 4;
        if (rank(i) != 4)
            classes_.fix(i, plain(i), i);
        classes_.depend(i, image ? known(in) : known_plain(in), i);
    }
    /// The result of one that reads channels at the end of a sequence: they stay there, also where PyTorch had to turn them to it.
    void channels_last(std::size_t i, std::size_t in) {
        classes_.fix(i, plain(i), i);
        classes_.depend(i, known_channels(in), i);
    }

    const std::vector<GraphStep>& steps_;
    OrderClasses classes_;
    TensorUses uses_;
};

}  // namespace espalier::inline ESPALIER_ABI::io::detail
