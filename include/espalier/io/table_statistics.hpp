// SPDX-License-Identifier: MIT
/// @file What a table encoder learns from the rows of a column. `io/table_encoder.hpp` is what programs include.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/core/moments.hpp>
#include <espalier/io/column_indices.hpp>
#include <espalier/io/csv.hpp>
#include <espalier/io/table_encoding.hpp>

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io::detail {

/// What makes the numbers of some rows have mean 0 and deviation 1.
[[nodiscard]] inline Scaling scaling_of(const CsvColumn& column, std::span<const Index> rows) {
    const auto values = column.numbers<double>(0);
    const auto present = column.present();
    Moments moments;
    for (const Index row : rows)
        if (present[row])
            moments.add(values[row]);
    require<ValueError>(moments.count() > 0, "table_encoder", "expected at least one number in column '", column.name(),
                        "' of the rows to learn from, got missing cells alone");
    require<ValueError>(is_finite(moments.deviation()), "table_encoder", "expected numbers of column '", column.name(),
                        "' whose deviation is finite, got ", moments.deviation());
    return {moments.mean(), moments.deviation() > 0 ? moments.deviation() : 1};
}

/// The texts of some rows, in sorted order; not more than `most` different ones.
[[nodiscard]] inline std::vector<std::string> categories_of(const CsvColumn& column, std::span<const Index> rows, Index most) {
    const auto all = column.categories();
    const auto places = column.indices(all, -1);
    std::vector<bool> seen(all.size(), false);
    for (const Index row : rows)
        if (places[row] >= 0)
            seen[static_cast<std::size_t>(places[row])] = true;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < all.size(); ++i)
        if (seen[i])
            names.push_back(all[i]);
    require<ValueError>(!names.empty(), "table_encoder", "expected at least one category in column '", column.name(),
                        "' of the rows to learn from, got missing cells alone");
    require<ValueError>(std::cmp_less_equal(names.size(), most), "table_encoder", "expected at most ", most, " categories in column '",
                        column.name(), "' (see .max_categories), got ", names.size());
    return names;
}

/// The category of each cell, (N,), -1 for a missing or unknown one.
[[nodiscard]] inline Tensor<Index> places_in(const CsvColumn& column, const TableEncoding::Category& category) {
    return category.buckets > 0 ? hashed_indices(column, category.buckets, category.seed) : column.indices(category.names, -1, -1);
}

}  // namespace espalier::inline ESPALIER_ABI::io::detail
