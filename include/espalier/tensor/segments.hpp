// SPDX-License-Identifier: MIT
/// @file Parts of different lengths that lie end to end.
#pragma once

#include <espalier/core/memory.hpp>
#include <espalier/tensor/tensor.hpp>

#include <cstddef>
#include <string>

namespace espalier::inline ESPALIER_ABI::detail {

/// Where each part of `total` elements begins, and `total`. In errors an element is one of `units`, and a part " for <part> <number>" if
/// parts have a name. @throws ValueError for a length below 0, or lengths that do not add up to `total`
[[nodiscard]] inline PoolVector<Index> segment_starts(const char* operation, const Tensor<Index>& lengths, Index total, const char* units,
                                                      const char* part = nullptr) {
    PoolVector<Index> starts;
    starts.reserve(static_cast<std::size_t>(lengths.numel()) + 1);
    starts.push_back(0);
    for (const Index length : lengths) {
        const Index left = total - starts.back();
        if (length < 0 || length > left)
            fail<ValueError>(operation, "expected lengths that add up to ", total, ' ', units, ", got ", length,
                             part ? concat(" for ", part, ' ', starts.size() - 1) : std::string{}, " where ", left, " are left");
        starts.push_back(starts.back() + length);
    }
    require<ValueError>(starts.back() == total, operation, "expected lengths that add up to ", total, ' ', units, ", got ", starts.back());
    return starts;
}

}  // namespace espalier::inline ESPALIER_ABI::detail
