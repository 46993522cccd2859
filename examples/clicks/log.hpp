// SPDX-License-Identifier: MIT
/// @file A log of what users were shown, clicked and bought, as the inputs and targets of a net.
#pragma once

#include <espalier/data/dataset.hpp>
#include <espalier/nn/table_inputs.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace clicks {

using namespace espalier;

/// An attribute of all users, or of all items.
struct Attribute {
    std::string name;
    Index categories;
    std::vector<Index> of;  ///< of each user or item
};

/// What is known of users and items.
struct Catalogue {
    Index users = 0, items = 0;
    std::vector<Attribute> of_users = {}, of_items = {};
    std::vector<std::vector<Index>> tags = {};  ///< of each item
    std::vector<std::string> item_names = {}, tag_names = {};

    [[nodiscard]] nn::TableInputs table_inputs() const {
        nn::TableInputs result;
        for (const auto* const list : {&of_users, &of_items})
            for (const Attribute& attribute : *list)
                result.categories.push_back({attribute.name, attribute.categories, 4});
        return result;
    }
};

/// What was shown to whom, and what came of it.
struct Impression {
    Index user, item;
    std::vector<Index> history;  ///< the items that the user clicked last
    bool clicked;
    bool bought;  ///< if it was clicked; of a simulation also what would have been
    float click_rate = 0, purchase_rate = 0;  ///< by which a simulation drew these, the second one given the click
};

/// `user`, `item`, the attributes, `tags` and `history`.
[[nodiscard]] inline data::Inputs<> inputs_of(const Catalogue& catalogue, std::span<const Impression> rows) {
    const auto column = [&](const auto& value) {
        auto result = Tensor<Index>::empty({static_cast<Index>(rows.size())});
        for (std::size_t i = 0; i < rows.size(); ++i)
            result[static_cast<Index>(i)] = value(rows[i]);
        return result;
    };
    const auto at = [](const auto& list, Index i) { return list[static_cast<std::size_t>(i)]; };
    data::Inputs<> inputs{{"user", column([](const Impression& row) { return row.user; })},
                          {"item", column([](const Impression& row) { return row.item; })}};
    for (const Attribute& attribute : catalogue.of_users)
        inputs.insert(attribute.name, column([&](const Impression& row) { return at(attribute.of, row.user); }));
    for (const Attribute& attribute : catalogue.of_items)
        inputs.insert(attribute.name, column([&](const Impression& row) { return at(attribute.of, row.item); }));
    std::vector<std::vector<Index>> tags, histories;
    for (const Impression& row : rows) {
        tags.push_back(at(catalogue.tags, row.item));
        histories.push_back(row.history);
    }
    inputs.insert("tags", data::Sequences{tags});
    inputs.insert("history", data::Sequences{histories});
    return inputs;
}

/// `click` and `both` of all impressions, `purchase` of those that were clicked, (N, 1) each.
[[nodiscard]] inline data::Dataset<> dataset_of(const Catalogue& catalogue, std::span<const Impression> rows) {
    const Shape shape{static_cast<Index>(rows.size()), 1};
    Tensor<float> click{shape}, purchase{shape}, both{shape};
    Tensor<bool> known{shape};
    for (Index i = 0; i < shape[0]; ++i) {
        const Impression& row = rows[static_cast<std::size_t>(i)];
        known[i] = row.clicked;
        click[i] = row.clicked ? 1.0F : 0.0F;
        purchase[i] = row.bought ? 1.0F : 0.0F;
        both[i] = click[i] * purchase[i];
    }
    return {inputs_of(catalogue, rows),
            {{"click", std::move(click)}, {"purchase", {std::move(purchase), std::move(known)}}, {"both", std::move(both)}}};
}

/// A user who may be shown any item.
struct Visitor {
    std::string name;
    std::vector<Impression> choices;  ///< one for each item, in the order of the items
};

/// A log in the order of time, the later part of it for the test.
struct Log {
    Catalogue catalogue = {};
    std::vector<Impression> train = {}, test = {};
    std::vector<Visitor> visitors = {};
    bool simulated = false;  ///< then every impression has its rates
};

inline constexpr std::size_t longest_history = 10;

}  // namespace clicks
