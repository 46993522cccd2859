// SPDX-License-Identifier: MIT
/// @file MovieLens 100K (Harper and Konstan, "The MovieLens datasets: history and context", ACM TiiS 5, 2015) as a log: what was rated was
/// clicked, and bought if it got four stars or more; what is drawn beside it from films that the user never rated was not clicked.
#pragma once

#include "log.hpp"

#include <espalier/core/random.hpp>
#include <espalier/data/negative_sampler.hpp>
#include <espalier/io/csv.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace clicks {
namespace detail {

/// The files are in Latin-1.
[[nodiscard]] inline std::string utf8(std::string_view text) {
    std::string result;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x80) {
            result += c;
        } else {
            result += static_cast<char>(0xC0 | byte >> 6);
            result += static_cast<char>(0x80 | (byte & 0x3F));
        }
    }
    return result;
}

[[nodiscard]] inline io::CsvTable load_table(const std::filesystem::path& path, char separator, Index columns) {
    auto table = io::load_csv(path, {.header = false, .separator = separator, .missing = {}});
    require<IoError>(table.columns() == columns, "clicks", "expected ", columns, " columns in ", path, ", got ", table.columns());
    return table;
}

/// Places of the names of a table's first column. @throws IoError naming the line for one that comes again
[[nodiscard]] inline std::unordered_map<std::string, Index> places_of(const io::CsvTable& table) {
    std::unordered_map<std::string, Index> places;
    const auto names = table.column(0);
    for (Index row = 0; row < table.rows(); ++row)
        require<IoError>(places.emplace(names.text(row), row).second, "clicks", "expected each number once", names.place(row), ", got '",
                         names.text(row), "' again");
    return places;
}
/// The place of each cell's text. @throws IoError naming the line for one that is none of them
[[nodiscard]] inline std::vector<Index> look_up(const io::CsvColumn& column, const std::unordered_map<std::string, Index>& places,
                                                const std::filesystem::path& where) {
    std::vector<Index> result;
    for (Index row = 0; row < column.size(); ++row) {
        const auto found = places.find(std::string{column.text(row)});
        require<IoError>(found != places.end(), "clicks", "expected a number of ", where, column.place(row), ", got '", column.text(row),
                         "'");
        result.push_back(found->second);
    }
    return result;
}

[[nodiscard]] inline Attribute attribute_of(const char* name, const io::CsvColumn& column) {
    const auto places = column.indices();
    return {name, static_cast<Index>(column.categories().size()), {places.begin(), places.end()}};
}

[[nodiscard]] inline Catalogue load_catalogue(const io::CsvTable& users, const io::CsvTable& items) {
    Catalogue catalogue{.users = users.rows(), .items = items.rows()};
    Attribute age{"age", 7, {}}, decade{"decade", 10, {}};
    for (const Index years : users.column(1).numbers<Index>())
        age.of.push_back(std::clamp<Index>(years / 10, 0, 6));
    catalogue.of_users = {std::move(age), attribute_of("gender", users.column(2)), attribute_of("occupation", users.column(3))};
    catalogue.tag_names = {"unknown",     "action",  "adventure", "animation", "children", "comedy",  "crime",
                           "documentary", "drama",   "fantasy",   "noir",      "horror",   "musical", "mystery",
                           "romance",     "fiction", "thriller",  "war",       "western"};
    const auto titles = items.column(1), dates = items.column(2);  // 01-Jan-1995
    for (Index item = 0; item < items.rows(); ++item) {
        const std::string_view date = dates.text(item);
        const char ten = date.size() >= 2 ? date[date.size() - 2] : '0';
        decade.of.push_back(ten >= '0' && ten <= '9' ? ten - '0' : 0);
        catalogue.item_names.push_back(utf8(titles.text(item)));
        catalogue.tags.emplace_back();
    }
    for (Index tag = 0; tag < static_cast<Index>(catalogue.tag_names.size()); ++tag) {
        const auto flags = items.column(5 + tag).numbers<Index>();
        for (Index item = 0; item < items.rows(); ++item)
            if (flags[item] != 0)
                catalogue.tags[static_cast<std::size_t>(item)].push_back(tag);
    }
    catalogue.of_items = {std::move(decade)};
    return catalogue;
}

}  // namespace detail

/// The last fifth of what each user rated is for the test; beside each rated film stand four that were not.
/// @throws IoError naming file and line for what is not of this form
[[nodiscard]] inline Log load_movielens(const std::filesystem::path& folder, std::uint64_t seed) {
    const auto users = detail::load_table(folder / "u.user", '|', 5), items = detail::load_table(folder / "u.item", '|', 24),
               ratings = detail::load_table(folder / "u.data", '\t', 4);
    Log log{.catalogue = detail::load_catalogue(users, items)};
    const auto user_of = detail::look_up(ratings.column(0), detail::places_of(users), users.path());
    const auto item_of = detail::look_up(ratings.column(1), detail::places_of(items), items.path());
    const auto stars = ratings.column(2).numbers<Index>(), time = ratings.column(3).numbers<Index>();
    std::vector<Index> order(user_of.size());
    std::iota(order.begin(), order.end(), Index{0});
    std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return time[a] < time[b]; });

    std::vector<std::vector<Index>> rated(static_cast<std::size_t>(log.catalogue.users));
    std::vector<double> counts(static_cast<std::size_t>(log.catalogue.items), 0);
    for (const Index row : order) {
        const auto at = static_cast<std::size_t>(row);
        require<IoError>(stars[row] >= 1 && stars[row] <= 5, "clicks", "expected 1 to 5 stars", ratings.column(2).place(row), ", got ",
                         stars[row]);
        rated[static_cast<std::size_t>(user_of[at])].push_back(item_of[at]);
        ++counts[static_cast<std::size_t>(item_of[at])];
    }
    const data::NegativeSampler sampler{counts, {}, data::Sequences{rated}};
    std::vector<std::vector<Index>> histories(rated.size());
    std::vector<std::size_t> seen(rated.size(), 0);
    for (const Index row : order) {
        const Index user = user_of[static_cast<std::size_t>(row)], item = item_of[static_cast<std::size_t>(row)];
        const auto of_user = static_cast<std::size_t>(user);
        auto& history = histories[of_user];
        auto& part = 5 * seen[of_user]++ < 4 * rated[of_user].size() ? log.train : log.test;
        part.push_back({.user = user, .item = item, .history = history, .clicked = true, .bought = stars[row] >= 4});
        Random random{seed, static_cast<std::uint64_t>(row)};
        for (int i = 0; i < 4; ++i)
            part.push_back({.user = user, .item = sampler(user, random), .history = history, .clicked = false, .bought = false});
        history.push_back(item);
        if (history.size() > longest_history)
            history.erase(history.begin());
    }
    for (Index user = 0; user < std::min<Index>(3, log.catalogue.users); ++user) {
        Visitor visitor{concat("user ", users.column(0).text(user)), {}};
        for (Index item = 0; item < log.catalogue.items; ++item)
            visitor.choices.push_back(
                {.user = user, .item = item, .history = histories[static_cast<std::size_t>(user)], .clicked = false, .bought = false});
        log.visitors.push_back(std::move(visitor));
    }
    return log;
}

}  // namespace clicks
