// SPDX-License-Identifier: MIT
/// @file Sequences of different lengths as one rectangle.
#pragma once

#include <espalier/data/sequences.hpp>

#include <algorithm>

namespace espalier::inline ESPALIER_ABI::data {

/// (N, L) of N sequences whose longest has L elements, the others filled up with `padding_value`; their lengths are `sequences.lengths()`.
[[nodiscard]] inline Tensor<Index> pad_sequence(const Sequences& sequences, Index padding_value = 0) {
    Index longest = 0;
    for (Index i = 0; i < sequences.size(); ++i)
        longest = std::max(longest, sequences.lengths()[i]);
    auto result = Tensor<Index>::full({sequences.size(), longest}, padding_value);
    for (Index i = 0; i < sequences.size(); ++i)
        std::copy(sequences[i].begin(), sequences[i].end(), result.data() + i * longest);
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::data
