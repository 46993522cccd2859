// SPDX-License-Identifier: MIT
/// @file The rows of UCI's Census-Income (KDD) as features and two answers: who earns more than 50,000 dollars, who has never married.
#pragma once

#include <espalier/core/random.hpp>
#include <espalier/data/dataset.hpp>
#include <espalier/io/csv.hpp>
#include <espalier/io/safetensors.hpp>
#include <espalier/io/table_encoder.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace census_income {

using namespace espalier;

inline const std::vector<std::string> tasks{"income", "never married"};

enum class Kind { number, category, household, left_out };  ///< `household`: a category that nearly tells who is married

struct Column {
    const char* name;
    Kind kind;
};

/// The file has no header line. The weight of a row in the census is no input by UCI's word, and both targets are none.
inline constexpr std::array<Column, 42> columns{{
    {"age", Kind::number},
    {"class of worker", Kind::category},
    {"industry code", Kind::category},
    {"occupation code", Kind::category},
    {"education", Kind::category},
    {"wage per hour", Kind::number},
    {"enrolled in education", Kind::category},
    {"marital status", Kind::left_out},
    {"major industry", Kind::category},
    {"major occupation", Kind::category},
    {"race", Kind::category},
    {"hispanic origin", Kind::category},
    {"sex", Kind::category},
    {"member of a labor union", Kind::category},
    {"reason for unemployment", Kind::category},
    {"full or part time", Kind::category},
    {"capital gains", Kind::number},
    {"capital losses", Kind::number},
    {"dividends", Kind::number},
    {"tax filer status", Kind::household},
    {"region before", Kind::category},
    {"state before", Kind::category},
    {"household and family", Kind::household},
    {"household summary", Kind::household},
    {"instance weight", Kind::left_out},
    {"migration, metropolitan", Kind::category},
    {"migration, region", Kind::category},
    {"migration within region", Kind::category},
    {"same house a year ago", Kind::category},
    {"migration, sunbelt", Kind::category},
    {"persons at employer", Kind::number},
    {"parents of under 18", Kind::category},
    {"country of father", Kind::category},
    {"country of mother", Kind::category},
    {"country of birth", Kind::category},
    {"citizenship", Kind::category},
    {"own business", Kind::number},
    {"veterans' questionnaire", Kind::category},
    {"veterans' benefits", Kind::number},
    {"weeks worked", Kind::number},
    {"year", Kind::number},
    {"income", Kind::left_out},
}};

[[nodiscard]] constexpr std::ptrdiff_t place_of(std::string_view name) {
    return std::find_if(columns.begin(), columns.end(), [&](const Column& column) { return column.name == name; }) - columns.begin();
}

struct Data {
    data::Dataset<float> train, validation, test;
};

/// (N, 1): 1 for the first of the texts, 0 for the others. @throws IoError naming the line for any other text
[[nodiscard]] inline Tensor<float> is_first(const io::CsvColumn& column, const std::vector<std::string>& texts) {
    const auto place = column.indices(texts);
    Tensor<float> result{{place.numel(), 1}};
    for (Index row = 0; row < place.numel(); ++row)
        result[row] = place[row] == 0 ? 1.0f : 0.0f;
    return result;
}

/// Of the rows, always drawn in the same way, `known` are there to learn from, a tenth of them for validation, and the rest is for the
/// test. Means, deviations and categories are those of the rows to train on. @throws IoError for a file that is not of this form
[[nodiscard]] inline Data load(const std::filesystem::path& path, Index known, bool household) {
    const auto table = io::load_csv(path, {.header = false, .trim = true, .missing = {}});
    require<IoError>(table.columns() == static_cast<Index>(columns.size()), "census_income", "expected ", columns.size(), " columns in ",
                     path, ", got ", table.columns());
    require<ValueError>(known >= 10 && known < table.rows(), "--train", "expected at least 10 rows and fewer than the ", table.rows(),
                        " of ", path, ", got ", known);
    io::TableColumns inputs;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (columns[i].kind == Kind::number)
            inputs.numbers.push_back(table.names()[i]);
        if (columns[i].kind == Kind::category || (columns[i].kind == Kind::household && household))
            inputs.categories.push_back(table.names()[i]);
    }
    const std::vector<Index> order = Random{1}.permutation(table.rows());
    const auto held_back = order.begin() + (known - known / 10), rest = order.begin() + known;
    const io::TableEncoder encoder{table, inputs, std::span{order.begin(), held_back}};
    const data::Dataset<float> rows{
        encoder.features(table),
        {{"income", is_first(table.column(place_of("income")), {"50000+.", "- 50000."})},
         {"never married", is_first(table.column(place_of("marital status")),
                                    {"Never married", "Divorced", "Married-A F spouse present", "Married-civilian spouse present",
                                     "Married-spouse absent", "Separated", "Widowed"})}}};
    return {rows.gather(std::span{order.begin(), held_back}), rows.gather(std::span{held_back, rest}),
            rows.gather(std::span{rest, order.end()})};
}

/// For another program that is to learn the same (benchmarks/pytorch/census_income.py).
inline void export_data(const std::filesystem::path& path, const Data& data) {
    io::TensorFile file;
    for (const auto& [part, rows] : {std::pair{"train", &data.train}, {"validation", &data.validation}, {"test", &data.test}}) {
        file.insert(concat(part, ".inputs"), rows->inputs());
        for (const std::string& task : tasks)
            file.insert(concat(part, ".", task), rows->target(task).values());
    }
    io::save_safetensors(path, file);
}

}  // namespace census_income
