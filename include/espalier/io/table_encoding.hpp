// SPDX-License-Identifier: MIT
/// @file What a table encoder has learnt, and its JSON both ways. `io/table_encoder.hpp` is what programs include.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/finite.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io {

/// A column that a task is to predict; the task has its name. `class_target`, `number_target` and `binary_target` make one.
struct TableTarget {
    enum class Kind { classes, number, binary };

    std::string column;
    Kind kind = Kind::classes;
    std::vector<std::string> names = {};  ///< of the classes; for a binary target the texts of 0 and of 1
    bool standardised = false;            ///< for numbers

    friend bool operator==(const TableTarget&, const TableTarget&) = default;
};

/// A class index for each row, (N,), for `losses::CrossEntropy`. Without `names` the classes are the texts of the whole
/// table in sorted order: a list of names tells nothing about the rows that are kept for the test.
[[nodiscard]] inline TableTarget class_target(std::string column, std::vector<std::string> names = {}) {
    return {std::move(column), TableTarget::Kind::classes, std::move(names)};
}
/// A number for each row, (N, 1), for `losses::MSE` and its like; standardised, so that a loss of it is about 1 at first.
[[nodiscard]] inline TableTarget number_target(std::string column, bool standardised = true) {
    return {std::move(column), TableTarget::Kind::number, {}, standardised};
}
/// 0 or 1 for each row, (N, 1), for `losses::BCEWithLogits`.
[[nodiscard]] inline TableTarget binary_target(std::string column, std::string zero, std::string one) {
    return {std::move(column), TableTarget::Kind::binary, {std::move(zero), std::move(one)}};
}

/// A column of texts without end, such as names of users, each of which is one of so many categories by its hash.
struct HashedColumn {
    std::string column;
    Index buckets = 0;
    std::uint64_t seed = 0;
};

namespace detail {

/// A number x becomes (x - mean) / deviation.
struct Scaling {
    double mean = 0;
    double deviation = 1;

    friend bool operator==(const Scaling&, const Scaling&) = default;
};

struct TableEncoding {
    struct Number {
        std::string column;
        Scaling scaling = {};
        friend bool operator==(const Number&, const Number&) = default;
    };
    struct Category {
        std::string column;
        std::vector<std::string> names = {};
        Index buckets = 0;  ///< above 0 for a column whose texts are hashed, which has no names
        std::uint64_t seed = 0;
        [[nodiscard]] Index count() const noexcept { return buckets > 0 ? buckets : static_cast<Index>(names.size()); }
        friend bool operator==(const Category&, const Category&) = default;
    };
    struct Goal {
        TableTarget target;
        Scaling scaling = {};
        friend bool operator==(const Goal&, const Goal&) = default;
    };

    std::vector<Number> numbers = {};
    std::vector<Category> categories = {};
    bool indicators = false;
    std::vector<Goal> targets = {};

    friend bool operator==(const TableEncoding&, const TableEncoding&) = default;
};

inline constexpr Index most_buckets = 1'000'000'000;  ///< no more than a table of vectors can have

inline constexpr std::string_view kinds[] = {"classes", "number", "binary"};

/// @throws IoError for a text that is not UTF-8, which JSON cannot hold
[[nodiscard]] inline std::string to_json(const TableEncoding& encoding) {
    using Json = nlohmann::ordered_json;
    Json json{{"format", "espalier table encoder 1"},
              {"numbers", Json::array()},
              {"indicators", encoding.indicators},
              {"categories", Json::array()},
              {"targets", Json::array()}};
    for (const auto& [column, scaling] : encoding.numbers)
        json["numbers"].push_back({{"column", column}, {"mean", scaling.mean}, {"deviation", scaling.deviation}});
    for (const auto& [column, names, buckets, seed] : encoding.categories)
        json["categories"].push_back(buckets > 0 ? Json{{"column", column}, {"buckets", buckets}, {"seed", seed}}
                                                 : Json{{"column", column}, {"names", names}});
    for (const auto& [target, scaling] : encoding.targets)
        json["targets"].push_back({{"column", target.column},
                                   {"kind", kinds[static_cast<std::size_t>(target.kind)]},
                                   {"names", target.names},
                                   {"standardised", target.standardised},
                                   {"mean", scaling.mean},
                                   {"deviation", scaling.deviation}});
    try {
        return json.dump();
    } catch (const nlohmann::json::exception&) {
        fail<IoError>("table_encoder", "expected names of columns and categories in UTF-8, which JSON needs, got another encoding");
    }
}

/// Whether what a file says can be used as it stands: finite numbers, and no name twice.
inline void check(const TableEncoding& encoding) {
    const auto once = [](std::set<std::string>& seen, const std::string& name, const char* what, const std::string& where) {
        require<IoError>(seen.insert(name).second, "table_encoder", "expected each ", what, " once", where, ", got '", name, "' twice");
    };
    const auto usable = [](const Scaling& scaling, const std::string& column) {
        require<IoError>(is_finite(scaling.mean) && is_finite(scaling.deviation) && scaling.deviation > 0, "table_encoder",
                         "expected a finite mean and a deviation above 0 for column '", column, "', got ", scaling.mean, " and ",
                         scaling.deviation);
    };
    const auto all_once = [&](const std::vector<std::string>& names, const char* what, const std::string& column) {
        require<IoError>(!names.empty(), "table_encoder", "expected at least one ", what, " in column '", column, "', got none");
        std::set<std::string> seen;
        for (const std::string& name : names)
            once(seen, name, what, " in column '" + column + "'");
    };
    std::set<std::string> numbers, categories, targets;
    for (const auto& [column, scaling] : encoding.numbers) {
        once(numbers, column, "column of numbers", "");
        usable(scaling, column);
    }
    for (const auto& [column, names, buckets, seed] : encoding.categories) {
        once(categories, column, "column of categories", "");
        require<IoError>(buckets >= 0 && buckets <= most_buckets, "table_encoder", "expected 1 to ", most_buckets, " buckets for column '",
                         column, "', got ", buckets);
        if (buckets == 0)
            all_once(names, "category", column);
    }
    for (const auto& [target, scaling] : encoding.targets) {
        once(targets, target.column, "target", "");
        usable(scaling, target.column);
        if (target.kind != TableTarget::Kind::number)
            all_once(target.names, "class", target.column);
        require<IoError>(target.kind != TableTarget::Kind::binary || target.names.size() == 2, "table_encoder",
                         "expected the two texts of binary target '", target.column, "', got ", target.names.size());
    }
}

/// @throws IoError for what `to_json` did not write
[[nodiscard]] inline TableEncoding from_json(std::string_view text) {
    TableEncoding encoding;
    try {
        const auto json = nlohmann::json::parse(text);
        require<IoError>(json.at("format") == "espalier table encoder 1", "table_encoder",
                         "expected the format 'espalier table encoder 1', got ", json.at("format").dump());
        const auto scaling = [](const nlohmann::json& entry) {
            return Scaling{entry.at("mean").get<double>(), entry.at("deviation").get<double>()};
        };
        for (const auto& entry : json.at("numbers"))
            encoding.numbers.push_back({entry.at("column").get<std::string>(), scaling(entry)});
        json.at("indicators").get_to(encoding.indicators);
        for (const auto& entry : json.at("categories")) {
            auto& category = encoding.categories.emplace_back();
            entry.at("column").get_to(category.column);
            if (entry.contains("buckets")) {
                entry.at("buckets").get_to(category.buckets);
                entry.at("seed").get_to(category.seed);
            } else {
                entry.at("names").get_to(category.names);
            }
        }
        for (const auto& entry : json.at("targets")) {
            TableTarget target{entry.at("column").get<std::string>()};
            const auto kind = entry.at("kind").get<std::string>();
            while (kinds[static_cast<std::size_t>(target.kind)] != kind) {
                require<IoError>(target.kind != TableTarget::Kind::binary, "table_encoder", "expected a known kind of target, got '", kind,
                                 "'");
                target.kind = static_cast<TableTarget::Kind>(static_cast<int>(target.kind) + 1);
            }
            entry.at("names").get_to(target.names);
            entry.at("standardised").get_to(target.standardised);
            encoding.targets.push_back({std::move(target), scaling(entry)});
        }
    } catch (const nlohmann::json::exception& error) {
        fail<IoError>("table_encoder", "expected the JSON of a table encoder, got something else: ", error.what());
    }
    check(encoding);
    return encoding;
}

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::io
