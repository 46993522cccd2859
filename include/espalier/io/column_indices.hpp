// SPDX-License-Identifier: MIT
/// @file Columns of a table as indices of an embedding: hashed texts, and cells of several labels as sequences.
///
/// @code
/// const auto genres = table.column("genres");                                    // "drama|war", "", "war", ...
/// const auto names = io::label_names(genres, '|');
/// data::Inputs<> inputs{{"user", io::hashed_indices(table.column("user"), 5000)},
///                       {"genres", io::label_sequences(genres, names, '|')}};
/// nn::From bag{"genres", nn::EmbeddingBag{static_cast<Index>(names.size()), 8}};
/// @endcode
#pragma once

#include <espalier/data/hash_bucket.hpp>
#include <espalier/data/sequences.hpp>
#include <espalier/io/column_kind.hpp>
#include <espalier/io/csv.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::io {
namespace detail {

/// The labels of each cell as `place(label)` has them, -1 for one that is left out; missing cells have none.
template <class Place>
[[nodiscard]] data::Sequences split_column(const CsvColumn& column, char separator, const Place& place) {
    const auto present = column.present();
    std::vector<std::vector<Index>> cells(static_cast<std::size_t>(column.size()));
    for (Index row = 0; row < column.size(); ++row)
        if (present[row])
            for (const std::string& label : split_labels(column.text(row), separator))
                if (const Index index = place(label); index >= 0)
                    cells[static_cast<std::size_t>(row)].push_back(index);
    return data::Sequences{cells};
}

}  // namespace detail

/// The bucket of each cell's text (data/hash_bucket.hpp), (N,), or -1 for a missing cell. @throws ValueError for no bucket
[[nodiscard]] inline Tensor<Index> hashed_indices(const CsvColumn& column, Index buckets, std::uint64_t seed = 0) {
    const auto present = column.present();
    auto result = Tensor<Index>::full({column.size()}, -1);
    for (Index row = 0; row < column.size(); ++row)
        if (present[row])
            result[row] = data::hash_bucket(column.text(row), buckets, seed);
    return result;
}

/// The places of each cell's labels in `names`, in the order of the cell, as `nn::EmbeddingBag` reads them; labels that are not among
/// the names are left out, and a missing cell is an empty sequence.
[[nodiscard]] inline data::Sequences label_sequences(const CsvColumn& column, const std::vector<std::string>& names, char separator) {
    std::unordered_map<std::string_view, Index> places;
    for (const std::string& name : names)
        places.emplace(name, static_cast<Index>(places.size()));
    return detail::split_column(column, separator, [&](const std::string& label) {
        const auto found = places.find(label);
        return found == places.end() ? Index{-1} : found->second;
    });
}
/// The same with the bucket of each label, where there is no list of names. @throws ValueError for no bucket
[[nodiscard]] inline data::Sequences hashed_sequences(const CsvColumn& column, char separator, Index buckets, std::uint64_t seed = 0) {
    return detail::split_column(column, separator, [&](const std::string& label) { return data::hash_bucket(label, buckets, seed); });
}

}  // namespace espalier::inline ESPALIER_ABI::io
