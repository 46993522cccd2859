// SPDX-License-Identifier: MIT
/// @file Which inputs are the columns of a table, for `nn::Table`; `io::TableEncoder` says it of a file.
#pragma once

#include <espalier/core/error.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace espalier::inline ESPALIER_ABI::nn {

/// An input of numbers, (N, width) or (N,).
struct NumberColumn {
    std::string name;
    Index width = 1;
};

/// An input of indices, (N,): a category in [0, categories), or -1 for one that is missing or was not there in the training.
struct CategoryColumn {
    std::string name;
    Index categories;
    Index width = 0;  ///< of the vectors that stand for them; 0 for `embedding_width(categories + 1)`
    bool sparse = false;  ///< as an `Embedding`'s: for columns of very many categories
};

/// The columns of a table by the names of their inputs.
struct TableInputs {
    std::vector<NumberColumn> numbers = {};
    std::vector<CategoryColumn> categories = {};
};

/// A width that does for vectors of so many entries: min(600, round(1.6 n^0.56)), the rule of fastai (Howard and Gugger, "fastai: A
/// Layered API for Deep Learning", Information 11, 2020; `emb_sz_rule` of its tabular models). 2 gives 2, 10 gives 6, 1,000 gives 77.
[[nodiscard]] inline Index embedding_width(Index entries) {
    require<ValueError>(entries > 0, "embedding_width", "expected at least one entry, got ", entries);
    return static_cast<Index>(std::min(600.0, std::round(1.6 * std::pow(static_cast<double>(entries), 0.56))));
}

}  // namespace espalier::inline ESPALIER_ABI::nn
