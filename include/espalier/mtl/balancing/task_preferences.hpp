// SPDX-License-Identifier: MIT
/// @file How much each task shall count, an option of several rules.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/mtl/balancing/evidence.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// One number of at least 0 for each of the criterion's tasks; empty for 1 / T, T the active ones.
using TaskPreferences = std::vector<double>;

namespace detail {

inline void check_preference(const TaskPreferences& preference, std::string_view rule) {
    require<ValueError>(std::all_of(preference.begin(), preference.end(), [](double p) { return p >= 0 && is_finite(p); }), rule,
                        "expected preferences of at least 0, got another");
}

/// Of the active tasks. @throws ShapeError unless there is one for each of the criterion's tasks
[[nodiscard]] inline Weights preference_of(const TaskPreferences& preference, const StepContext& context, std::string_view rule) {
    const std::size_t n = context.tasks.size();
    if (preference.empty())
        return Weights(n, 1 / static_cast<double>(n));
    require<ShapeError>(preference.size() == context.task_count, rule, "expected ", context.task_count, " preferences, got ",
                        preference.size());
    Weights result(n);
    std::transform(context.tasks.begin(), context.tasks.end(), result.begin(), [&](std::size_t task) { return preference[task]; });
    return result;
}

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::mtl
