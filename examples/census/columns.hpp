// SPDX-License-Identifier: MIT
/// @file The columns of UCI's Census-Income (KDD), and what may be asked of a person: income, marriage, education.
#pragma once

#include <espalier/core/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace census {

using espalier::Index;

enum class Kind { number, category, household, left_out };  ///< `household`: a category that nearly tells who is married

struct Column {
    const char* name;
    Kind kind;
};

/// The file has no header line. The weight of a row in the census is no input by UCI's word.
inline constexpr std::array<Column, 42> columns{{
    {"age", Kind::number},
    {"class of worker", Kind::category},
    {"industry code", Kind::category},
    {"occupation code", Kind::category},
    {"education", Kind::category},
    {"wage per hour", Kind::number},
    {"enrolled in education", Kind::category},
    {"marital status", Kind::category},
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
    {"income", Kind::category},
}};

/// Something that a column tells and a net is asked.
struct Task {
    std::string name;
    std::string_view column;
    bool yes_or_no;                  ///< else one of several classes
    std::vector<std::string> texts;  ///< all that the column may hold; for yes or no the first one is the yes

    [[nodiscard]] Index outputs() const { return yes_or_no ? 1 : static_cast<Index>(texts.size()); }
    [[nodiscard]] const char* measure() const { return yes_or_no ? "AUC" : "accuracy"; }
};

inline const std::vector<Task> all_tasks{
    {"income", "income", true, {"50000+.", "- 50000."}},
    {"never married",
     "marital status",
     true,
     {"Never married", "Divorced", "Married-A F spouse present", "Married-civilian spouse present", "Married-spouse absent", "Separated",
      "Widowed"}},
    {"education",
     "education",
     false,
     {"Children", "Less than 1st grade", "1st 2nd 3rd or 4th grade", "5th or 6th grade", "7th and 8th grade", "9th grade", "10th grade",
      "11th grade", "12th grade no diploma", "High school graduate", "Some college but no degree", "Associates degree-occup /vocational",
      "Associates degree-academic program", "Bachelors degree(BA AB BS)", "Masters degree(MA MS MEng MEd MSW MBA)",
      "Prof school degree (MD DDS DVM LLB JD)", "Doctorate degree(PhD EdD)"}},
};

/// @throws espalier::ValueError for a name that no task has
[[nodiscard]] inline const Task& task_of(std::string_view name) {
    const auto found = std::find_if(all_tasks.begin(), all_tasks.end(), [&](const Task& task) { return task.name == name; });
    espalier::require<espalier::ValueError>(found != all_tasks.end(), "census", "expected one of the tasks of --tasks, got '", name, "'");
    return *found;
}

[[nodiscard]] constexpr std::ptrdiff_t place_of(std::string_view name) {
    return std::find_if(columns.begin(), columns.end(), [&](const Column& column) { return column.name == name; }) - columns.begin();
}

}  // namespace census
