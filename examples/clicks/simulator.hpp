// SPDX-License-Identifier: MIT
/// @file A shop whose true rates are known: who is shown what, who clicks, and who would buy.
///
/// Users u, their tastes w and items v are vectors: a mean that their attributes and tags tell, and a part of their own. A user's interest
/// z moves a fifth of the way to each item that is clicked; some were before the log begins. An item is clicked with the probability s(c +
/// 0.7 <u + z, v> + fame), and once it is clicked, bought with s(d + 0.8 (the logit of the click - c) + <w, v> - price): who would not
/// click would hardly buy, so that what is known of clicked items alone does not hold for the others. What is shown is the best of some
/// items, drawn by their fame, in the eyes of a recommender that knows <u, v> but for noise.
#pragma once

#include "log.hpp"

#include <espalier/core/random.hpp>
#include <espalier/data/alias_table.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace clicks {

struct ShopSize {
    Index users = 2000, items = 600, impressions = 200'000;
};

class Shop {
public:
    Shop(const ShopSize& size, std::uint64_t seed) : size_{size}, random_{seed, 77} {
        make_users();
        make_items();
    }

    /// The first three quarters of the impressions are to be learned from.
    [[nodiscard]] Log run() {
        Log log{.catalogue = catalogue_, .simulated = true};
        const data::AliasTable draw_user{activity_}, draw_item{fame_weights_};
        for (Index user = 0; user < size_.users; ++user)
            for (int before = 0; before < 8; ++before)
                remember(user, shown_to(user, draw_item, 12));
        for (Index i = 0; i < size_.impressions; ++i) {
            const Index user = draw_user(random_);
            Impression row = offer(user, shown_to(user, draw_item, 3));
            row.clicked = random_.uniform() < static_cast<double>(row.click_rate);
            row.bought = random_.uniform() < static_cast<double>(row.purchase_rate);
            if (row.clicked)
                remember(user, row.item);
            (4 * i < 3 * size_.impressions ? log.train : log.test).push_back(std::move(row));
        }
        for (const Index user : {Index{0}, Index{1}, Index{2}}) {
            Visitor visitor{concat("user ", user), {}};
            for (Index item = 0; item < size_.items; ++item)
                visitor.choices.push_back(offer(user, item));
            log.visitors.push_back(std::move(visitor));
        }
        return log;
    }

private:
    static constexpr std::size_t depth = 6;
    using Vector = std::array<double, depth>;

    [[nodiscard]] Vector draw(double deviation) {
        Vector result;
        for (double& value : result)
            value = deviation * random_.normal();
        return result;
    }
    [[nodiscard]] static double product(const Vector& a, const Vector& b) {
        double sum = 0;
        for (std::size_t i = 0; i < depth; ++i)
            sum += a[i] * b[i];
        return sum;
    }
    static void add(Vector& to, double factor, const Vector& what) {
        for (std::size_t i = 0; i < depth; ++i)
            to[i] += factor * what[i];
    }
    [[nodiscard]] static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
    template <class T>
    [[nodiscard]] static auto& at(T& list, Index i) {
        return list[static_cast<std::size_t>(i)];
    }

    void make_users() {
        constexpr Index ages = 5, regions = 8;
        std::vector<Vector> of_age, of_region, taste_of_age;
        for (Index i = 0; i < ages; ++i) {
            of_age.push_back(draw(0.35));
            taste_of_age.push_back(draw(0.4));
        }
        for (Index i = 0; i < regions; ++i)
            of_region.push_back(draw(0.35));
        Attribute age{"age", ages, {}}, region{"region", regions, {}};
        for (Index user = 0; user < size_.users; ++user) {
            age.of.push_back(random_.below(ages));
            region.of.push_back(random_.below(regions));
            Vector u = draw(0.35), w = draw(0.2);
            add(u, 1, at(of_age, age.of.back()));
            add(u, 1, at(of_region, region.of.back()));
            add(w, 1, at(taste_of_age, age.of.back()));
            users_.push_back(u);
            tastes_.push_back(w);
            interests_.push_back({});
            histories_.emplace_back();
            activity_.push_back(std::exp(0.5 * random_.normal()));
        }
        catalogue_.users = size_.users;
        catalogue_.of_users = {std::move(age), std::move(region)};
    }

    void make_items() {
        catalogue_.tag_names = {"books",  "music", "films", "games", "garden", "kitchen",
                                "sports", "toys",  "shoes", "tools", "travel", "food"};
        const auto tags = static_cast<Index>(catalogue_.tag_names.size());
        std::vector<Vector> of_tag;
        for (Index i = 0; i < tags; ++i)
            of_tag.push_back(draw(0.9));
        constexpr Index bands = 4;
        Attribute price{"price", bands, {}};
        for (Index item = 0; item < size_.items; ++item) {
            Vector v = draw(0.5);
            std::vector<Index> own{random_.below(tags)};
            if (const Index other = random_.below(2 * tags); other < tags && other != own[0])
                own.push_back(other);
            for (const Index tag : own)
                add(v, 1 / static_cast<double>(own.size()), at(of_tag, tag));
            price.of.push_back(random_.below(bands));
            items_.push_back(v);
            fame_.push_back(0.6 * random_.normal());
            fame_weights_.push_back(std::exp(1.5 * fame_.back()));
            std::string name = concat("item ", item, " (", at(catalogue_.tag_names, own[0]));
            catalogue_.item_names.push_back(name + (own.size() > 1 ? ", " + at(catalogue_.tag_names, own[1]) : "") + ")");
            catalogue_.tags.push_back(std::move(own));
        }
        catalogue_.items = size_.items;
        catalogue_.of_items = {std::move(price)};
    }

    [[nodiscard]] Index shown_to(Index user, const data::AliasTable& draw_item, int choices) {
        Index best = 0;
        double most = 0;
        for (int i = 0; i < choices; ++i) {
            const Index item = draw_item(random_);
            const double score = product(at(users_, user), at(items_, item)) + random_.normal();
            if (i == 0 || score > most) {
                best = item;
                most = score;
            }
        }
        return best;
    }

    /// An impression with its rates, of which nothing has come yet.
    [[nodiscard]] Impression offer(Index user, Index item) const {
        const Vector& v = at(items_, item);
        const double interest = 0.7 * (product(at(users_, user), v) + product(at(interests_, user), v)) + at(fame_, item);
        const double bought = 0.8 * interest + product(at(tastes_, user), v) -
                              0.6 * static_cast<double>(at(catalogue_.of_items[0].of, item));
        return {.user = user,
                .item = item,
                .history = at(histories_, user),
                .clicked = false,
                .bought = false,
                .click_rate = static_cast<float>(sigmoid(interest - 5.8)),
                .purchase_rate = static_cast<float>(sigmoid(bought - 3.3))};
    }

    void remember(Index user, Index item) {
        Vector& z = at(interests_, user);
        for (std::size_t i = 0; i < depth; ++i)
            z[i] += 0.2 * (at(items_, item)[i] - z[i]);
        std::vector<Index>& history = at(histories_, user);
        history.push_back(item);
        if (history.size() > longest_history)
            history.erase(history.begin());
    }

    ShopSize size_;
    Random random_;
    Catalogue catalogue_;
    std::vector<Vector> users_, tastes_, interests_, items_;
    std::vector<double> activity_, fame_, fame_weights_;
    std::vector<std::vector<Index>> histories_;
};

}  // namespace clicks
