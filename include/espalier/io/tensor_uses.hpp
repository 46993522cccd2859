// SPDX-License-Identifier: MIT
/// @file What the uses of a model's tensors say about their order in PyTorch, taken together.
#pragma once

#include <espalier/io/order_classes.hpp>
#include <espalier/io/recorded_graph.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io::detail {

/// The order of a tensor in PyTorch, or the reason why it cannot be known; neither if nothing used it.
struct SeenOrder {
    std::optional<TensorOrder> order;
    std::string reason;
};

/// One use of a tensor: its axes have the orders of these classes, if the needs are met.
struct TensorUse {
    std::size_t tensor;
    std::size_t step;
    std::vector<OrderClasses::Need> needs;
    bool image = false;
    std::optional<OrderClasses::Id> rows = {};
    std::optional<OrderClasses::Id> columns = {};
    bool unseen = false;    ///< by an operation that could do anything with it
    bool sequence = false;  ///< as the weight of a convolution along sequences
};

class TensorUses {
public:
    explicit TensorUses(const std::vector<GraphStep>& steps) : steps_{steps} {}

    void add(TensorUse use) { uses_.push_back(std::move(use)); }
    /// Something that no single tensor answers for: a weight that an operation computed must need no turning over.
    void demand(OrderClasses::Need need, std::size_t step) { demands_.emplace_back(std::move(need), step); }

    /// The order of each of `count` tensors. All uses of one must agree.
    [[nodiscard]] std::vector<SeenOrder> orders(OrderClasses& classes, std::size_t count) const {
        std::vector<SeenOrder> seen(count);
        for (const TensorUse& use : uses_) {
            SeenOrder& tensor = seen[use.tensor];
            if (!tensor.reason.empty())
                continue;
            std::size_t blame = use.unseen ? use.step : OrderClasses::nobody;
            const auto meet = [&](const OrderClasses::Need& need) {
                if (blame == OrderClasses::nobody)
                    blame = classes.blamed(need, use.step);
            };
            for (const OrderClasses::Need& need : use.needs)
                meet(need);
            TensorOrder order{use.image, {}, {}, use.sequence};
            if (use.rows) {
                meet({*use.rows, {}});
                order.rows = classes.order(*use.rows);
            }
            if (use.columns) {
                meet({*use.columns, {}});
                order.columns = classes.order(*use.columns);
            }
            if (blame != OrderClasses::nobody)
                tensor = {{}, concat("cannot see through ", describe(blame))};
            else if (tensor.order && !(*tensor.order == order))
                tensor = {{}, concat("used in two orders, the second time by ", describe(use.step))};
            else
                tensor.order = std::move(order);
        }
        return seen;
    }
    /// What stands in the way whatever the file has; empty if nothing does.
    [[nodiscard]] std::string problem(OrderClasses& classes) const {
        for (const auto& [need, step] : demands_)
            if (classes.blamed(need, step) != OrderClasses::nobody)
                return concat("cannot see through the computed weights of ", describe(step));
        return {};
    }

private:
    [[nodiscard]] std::string describe(std::size_t step) const {
        const GraphStep& s = steps_[step];
        if (!s.inputs.empty())
            return concat('\'', s.operation, "' from ", steps_[s.inputs.front()].shape, " to ", s.shape);
        return concat(s.is_input ? "the input " : "a value that is not on the tape, ", s.shape);
    }

    const std::vector<GraphStep>& steps_;
    std::vector<TensorUse> uses_;
    std::vector<std::pair<OrderClasses::Need, std::size_t>> demands_;
};

}  // namespace espalier::inline ESPALIER_ABI::io::detail
