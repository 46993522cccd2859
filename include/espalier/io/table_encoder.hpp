// SPDX-License-Identifier: MIT
/// @file From a table to features and targets, and from new rows to features of the same kind.
///
/// @code
/// const auto table = io::load_csv("people.csv");
/// const io::TableEncoder encoder{table, {.numbers = {"age", "hours"}, .categories = {"job", "city"},
///                                        .targets = {io::number_target("pay"), io::binary_target("owner", "no", "yes")}}};
/// const data::Dataset train{encoder.features(table), encoder.targets(table)};
/// ...
/// const auto answers = net.predict(encoder.features(io::load_csv("new_people.csv")));
/// const auto pay = encoder.unscaled("pay", answers.at("pay"));
/// @endcode
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/data/inputs.hpp>
#include <espalier/io/column_indices.hpp>
#include <espalier/io/csv.hpp>
#include <espalier/io/table_encoding.hpp>
#include <espalier/io/table_fit.hpp>
#include <espalier/losses/target.hpp>
#include <espalier/nn/table_inputs.hpp>

#include <algorithm>
#include <concepts>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io {

/// Knows the means and deviations of numbers and the names of categories, from the rows that it is made of, and makes features
/// and targets of any table that has the same columns, in whatever order. A value; `to_json` keeps it beside the net.
class TableEncoder {
public:
    /// Of all rows. @throws IoError naming file, line and column for a column that is missing, or a text that is no number;
    /// ValueError for no features, a column named twice, or one in which every cell is missing
    TableEncoder(const CsvTable& table, const TableColumns& columns) : TableEncoder{std::span{&table, 1}, columns} {}
    /// Of some rows, such as those of the training, so that nothing is known of the others. @throws as above; ValueError for a
    /// row that there is not, or none
    TableEncoder(const CsvTable& table, const TableColumns& columns, std::span<const Index> rows)
        : TableEncoder{fitted(columns, [&](detail::TableFit& fit) { fit.add(table, rows); })} {}
    /// Of all rows of tables that come one after the other, as the blocks of a `CsvStream`: the same as of one table that holds them all.
    /// @throws as above, and what reading them throws
    template <class Tables>
        requires std::ranges::input_range<const Tables> && std::same_as<std::ranges::range_value_t<const Tables>, CsvTable>
    TableEncoder(const Tables& tables, const TableColumns& columns)
        : TableEncoder{fitted(columns, [&](detail::TableFit& fit) {
              for (const CsvTable& table : tables)
                  fit.add(table);
          })} {}

    /// (N, width()): numbers, their indicators, then the categories, each column in the order it was named in.
    /// @throws IoError naming file, line and column for a column that is missing, or a text that is no number
    template <class Scalar = float>
    [[nodiscard]] Tensor<Scalar> features(const CsvTable& table) const {
        require_feature_columns(table);
        Tensor<Scalar> result{Shape{table.rows(), width()}};
        write_numbers(table, result);
        Index at = number_width();
        for (const auto& category : fitted_.categories) {
            const auto places = places_in(table.column(category.column), category);
            for (Index row = 0; row < table.rows(); ++row)
                if (places[row] >= 0)
                    result[row * width() + at + places[row]] = Scalar(1);
            at += category.count();
        }
        return result;
    }

    /// The same as inputs by name, for an encoder that is `nn::Table{table_inputs()}`: `numbers` (N, ...), standardised and with their
    /// indicators, and each column of categories by its own name, (N,), with -1 for a missing or unknown text.
    /// @throws as above; StateError for a column of categories that is called `numbers` as well
    template <class Scalar = float>
    [[nodiscard]] data::Inputs<Scalar> inputs(const CsvTable& table) const {
        require_feature_columns(table);
        data::Inputs<Scalar> result;
        if (!fitted_.numbers.empty()) {
            Tensor<Scalar> numbers{Shape{table.rows(), number_width()}};
            write_numbers(table, numbers);
            result.insert("numbers", std::move(numbers));
        }
        for (const auto& category : fitted_.categories)
            result.insert(category.column, places_in(table.column(category.column), category));
        return result;
    }
    /// What `inputs` gives, for `nn::Table`; the width of a column's embedding may be set in it.
    [[nodiscard]] nn::TableInputs table_inputs() const {
        nn::TableInputs result;
        if (!fitted_.numbers.empty())
            result.numbers.push_back({"numbers", number_width()});
        for (const auto& category : fitted_.categories)
            result.categories.push_back({category.column, category.count()});
        return result;
    }

    /// One target for each column that was named as such; where a cell is missing, the mask leaves the row out.
    /// @throws IoError as `features`, also for a text that is none of the classes
    template <class Scalar = float>
    [[nodiscard]] losses::Targets<Scalar> targets(const CsvTable& table) const {
        std::vector<std::string> needed;
        for (const auto& goal : fitted_.targets)
            needed.push_back(goal.target.column);
        detail::require_columns(table, needed);
        losses::Targets<Scalar> result;
        for (const auto& [target, scaling] : fitted_.targets) {
            const CsvColumn column = table.column(target.column);
            std::optional<Tensor<bool>> mask = column.present();
            if (std::find(mask->begin(), mask->end(), false) == mask->end())
                mask.reset();
            if (target.kind == TableTarget::Kind::number) {
                Tensor<Scalar> values{Shape{table.rows(), 1}};
                write_number(column, scaling, values, 0, -1);
                result.insert(target.column, {std::move(values), std::move(mask)});
            } else {
                auto labels = column.indices(target.names, 0);
                if (target.kind == TableTarget::Kind::binary)
                    result.insert(target.column, {labels.template cast<Scalar>().reshape({table.rows(), 1}), std::move(mask)});
                else
                    result.insert(target.column, {std::move(labels), std::move(mask)});
            }
        }
        return result;
    }

    /// Features of a row.
    [[nodiscard]] Index width() const noexcept { return feature_count_; }
    /// `age`, `age is missing`, `job=cook`, and of hashed columns `user#0`, in the order of the features.
    [[nodiscard]] std::vector<std::string> feature_names() const {
        std::vector<std::string> names;
        for (const auto& number : fitted_.numbers)
            names.push_back(number.column);
        if (fitted_.indicators)
            for (const auto& number : fitted_.numbers)
                names.push_back(number.column + " is missing");
        for (const auto& [column, texts, buckets, seed] : fitted_.categories) {
            for (const std::string& text : texts)
                names.push_back(column + "=" + text);
            for (Index i = 0; i < buckets; ++i)
                names.push_back(concat(column, '#', i));
        }
        return names;
    }
    /// Names of the classes of a target, by their index. @throws StateError if there is no such target, or it is a number
    [[nodiscard]] std::vector<std::string> classes(std::string_view task) const {
        const auto& target = goal(task).target;
        require<StateError>(target.kind != TableTarget::Kind::number, "table_encoder", "expected a target with classes, got '", task,
                            "', a number");
        return target.names;
    }
    /// Predictions of a number in the unit of its column. @throws StateError if there is no such target, or it is no number
    template <class Scalar>
    [[nodiscard]] Tensor<Scalar> unscaled(std::string_view task, Tensor<Scalar> values) const {
        const auto& [target, scaling] = goal(task);
        require<StateError>(target.kind == TableTarget::Kind::number, "table_encoder", "expected a target of numbers, got '", task,
                            "', which has classes");
        for (Scalar& value : values)
            value = static_cast<Scalar>(static_cast<double>(value) * scaling.deviation + scaling.mean);
        return values;
    }

    /// Everything it knows as text, to be stored beside the weights. @throws IoError for names that are not in UTF-8
    [[nodiscard]] std::string to_json() const { return detail::to_json(fitted_); }
    /// @throws IoError for a text that `to_json` did not give
    [[nodiscard]] static TableEncoder from_json(std::string_view text) { return TableEncoder{detail::from_json(text)}; }

    friend bool operator==(const TableEncoder&, const TableEncoder&) = default;

private:
    explicit TableEncoder(detail::TableEncoding encoding) : fitted_{std::move(encoding)}, feature_count_{number_width()} {
        for (const auto& category : fitted_.categories)
            feature_count_ += category.count();
        require<IoError>(feature_count_ > 0, "table_encoder", "expected at least one feature, got none");
    }

    /// The category of each cell, (N,), -1 for a missing or unknown one.
    [[nodiscard]] static Tensor<Index> places_in(const CsvColumn& column, const detail::TableEncoding::Category& category) {
        return category.buckets > 0 ? hashed_indices(column, category.buckets, category.seed) : column.indices(category.names, -1, -1);
    }

    void require_feature_columns(const CsvTable& table) const {
        std::vector<std::string> needed;
        for (const auto& number : fitted_.numbers)
            needed.push_back(number.column);
        for (const auto& category : fitted_.categories)
            needed.push_back(category.column);
        detail::require_columns(table, needed);
    }

    /// Features that are numbers or their indicators.
    [[nodiscard]] Index number_width() const noexcept { return static_cast<Index>(fitted_.numbers.size()) * (fitted_.indicators ? 2 : 1); }
    /// Fills the first of them into `to`.
    template <class Scalar>
    void write_numbers(const CsvTable& table, Tensor<Scalar>& to) const {
        Index at = 0;
        for (const auto& [name, scaling] : fitted_.numbers) {
            const Index indicator = fitted_.indicators ? at + static_cast<Index>(fitted_.numbers.size()) : -1;
            write_number(table.column(name), scaling, to, at++, indicator);
        }
    }

    template <class Scalar>
    static void write_number(const CsvColumn& column, const detail::Scaling& scaling, Tensor<Scalar>& to, Index at, Index indicator) {
        const Index width = to.size(1);
        column.for_each_number<double>([&](Index row, const std::optional<double>& number) {
            Scalar& value = to[row * width + at];
            value = number ? static_cast<Scalar>((*number - scaling.mean) / scaling.deviation) : Scalar(0);
            if (!is_finite(value))
                fail<IoError>("table_encoder", "expected a number that is finite when standardised", column.place(row), ", got ", *number);
            if (indicator >= 0)
                to[row * width + indicator] = Scalar(!number);
        });
    }

    template <class Add>
    [[nodiscard]] static detail::TableEncoding fitted(const TableColumns& columns, const Add& add) {
        detail::TableFit fit{columns};
        add(fit);
        auto encoding = fit.encoding();
        try {
            detail::check(encoding);
        } catch (const IoError& error) {  // here what is wrong are the arguments
            throw ValueError{error.operation(), error.message()};
        }
        return encoding;
    }

    [[nodiscard]] const detail::TableEncoding::Goal& goal(std::string_view task) const {
        std::vector<std::string> tasks;
        for (const auto& goal : fitted_.targets) {
            if (goal.target.column == task)
                return goal;
            tasks.push_back(goal.target.column);
        }
        fail<StateError>("table_encoder", "expected one of the targets ", tasks.empty() ? "(none)" : detail::listed(tasks), ", got '", task,
                         "'");
    }

    detail::TableEncoding fitted_;
    Index feature_count_ = 0;
};

}  // namespace espalier::inline ESPALIER_ABI::io
