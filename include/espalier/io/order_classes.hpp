// SPDX-License-Identifier: MIT
/// @file Values of a run that must lie in one order, and which order that is.
#pragma once

#include <espalier/io/pytorch_order.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io::detail {

/// A class is made for each value; operations that keep the order unite those of their operands and result, an image fixes
/// one, and whatever nobody fixes is plain. A class that cannot have the order it needs, or depends on such a one, has the
/// step to blame instead of an order.
class OrderClasses {
public:
    using Id = std::size_t;
    static constexpr auto nobody = static_cast<std::size_t>(-1);

    /// What a class must be for others to be known: any order that is known, or the plain one or the one that is accepted.
    struct Need {
        Id id;
        std::optional<Order> accepted;  ///< nothing: any
    };

    /// A value of `size` elements a sample.
    Id add(Index size) {
        classes_.push_back({size, {}, nobody});
        parents_.push_back(parents_.size());
        return parents_.size() - 1;
    }
    void unite(Id a, Id b, std::size_t step) {
        a = root(a);
        b = root(b);
        if (a == b)
            return;
        parents_[b] = a;
        if (classes_[b].order)
            fix(a, *classes_[b].order, step);
        if (classes_[a].blame == nobody)
            classes_[a].blame = classes_[b].blame;
    }
    void fix(Id id, const Order& order, std::size_t step) {
        Class& c = classes_[root(id)];
        if (!c.order)
            c.order = order;
        else if (c.blame == nobody && !(*c.order == order))
            c.blame = step;
    }
    /// Nothing is known about it.
    void accuse(Id id, std::size_t step) { classes_[root(id)].blame = step; }
    /// `result` is the parts one behind the other.
    void join(Id result, std::vector<Id> parts, std::size_t step) {
        for (const Id part : parts)
            depend(result, {part, {}}, step);
        joins_.push_back({result, std::move(parts), step});
    }
    /// `result` can be known only if the need is met.
    void depend(Id result, Need need, std::size_t step) { rules_.push_back({result, std::move(need), step}); }

    /// Gives every class its order or its blame; nothing may be added afterwards.
    void solve() {
        // Parts are smaller than what they make, so going up by size meets parts before the whole.
        std::stable_sort(joins_.begin(), joins_.end(),
                         [&](const Join& a, const Join& b) { return classes_[root(a.result)].size < classes_[root(b.result)].size; });
        for (const Join& join : joins_) {
            Order order;
            for (const Id part : join.parts) {
                const Class& c = classes_[root(part)];
                order.append(c.order ? *c.order : Order::plain(c.size));
            }
            fix(join.result, order, join.step);
        }
        for (bool changed = true; std::exchange(changed, false);)
            for (const Rule& rule : rules_) {
                Class& c = classes_[root(rule.result)];
                if (const std::size_t blame = blamed(rule.need, rule.step); c.blame == nobody && blame != nobody) {
                    c.blame = blame;
                    changed = true;
                }
            }
    }

    /// The order of a class, empty if it is the plain one.
    [[nodiscard]] Order order(Id id) {
        const Class& c = classes_[root(id)];
        return c.order && !c.order->is_plain() ? *c.order : Order{};
    }
    /// The step to blame if a need is not met, `nobody` if it is; `step` is the one that needs it.
    [[nodiscard]] std::size_t blamed(const Need& need, std::size_t step) {
        const Class& c = classes_[root(need.id)];
        if (c.blame != nobody)
            return c.blame;
        const bool met = !need.accepted || !c.order || c.order->is_plain() || *c.order == *need.accepted;
        return met ? nobody : step;
    }

private:
    struct Class {
        Index size;
        std::optional<Order> order;
        std::size_t blame;
    };
    struct Join {
        Id result;
        std::vector<Id> parts;
        std::size_t step;
    };
    struct Rule {
        Id result;
        Need need;
        std::size_t step;
    };

    [[nodiscard]] Id root(Id id) {
        while (parents_[id] != id)
            id = parents_[id] = parents_[parents_[id]];
        return id;
    }

    std::vector<Class> classes_;
    std::vector<Id> parents_;
    std::vector<Join> joins_;
    std::vector<Rule> rules_;
};

}  // namespace espalier::inline ESPALIER_ABI::io::detail
