// SPDX-License-Identifier: MIT
/// @file One parameter is one parameter, however often a list names it.
#pragma once

#include <espalier/autograd/variable.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace espalier::inline ESPALIER_ABI::optim::detail {

/// Where each variable of a list comes first: `result[i] == i` unless it has come before. Takes linear time, through a hash
/// table, and memory of the pool alone.
template <class Scalar>
[[nodiscard]] PoolVector<std::size_t> first_positions(std::span<const Variable<Scalar>> variables) {
    constexpr auto none = static_cast<std::size_t>(-1);
    PoolVector<std::size_t> table(std::bit_ceil(2 * variables.size() + 1), none);
    PoolVector<std::size_t> result;
    result.reserve(variables.size());
    for (std::size_t i = 0; i < variables.size(); ++i) {
        const auto* const node = variables[i].node().get();
        std::uint64_t hash = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(node)) * 0x9E3779B97F4A7C15U;
        hash ^= hash >> 32;
        std::size_t slot = static_cast<std::size_t>(hash) & (table.size() - 1);
        while (table[slot] != none && variables[table[slot]].node().get() != node)
            slot = (slot + 1) & (table.size() - 1);
        if (table[slot] == none)
            table[slot] = i;
        result.push_back(table[slot]);
    }
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::optim::detail
