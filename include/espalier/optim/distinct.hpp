// SPDX-License-Identifier: MIT
/// @file One parameter is one parameter, however often a list names it.
#pragma once

#include <espalier/autograd/variable.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>

namespace espalier::inline ESPALIER_ABI::optim::detail {

/// Where each variable of a list comes first: `result[i] == i` unless it has come before. Takes n log n time, and memory of
/// the pool alone.
template <class Scalar>
[[nodiscard]] PoolVector<std::size_t> first_positions(std::span<const Variable<Scalar>> variables) {
    struct Place {
        const void* node;
        std::size_t position;
    };
    PoolVector<Place> places;
    places.reserve(variables.size());
    for (std::size_t i = 0; i < variables.size(); ++i)
        places.push_back({variables[i].node().get(), i});
    std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
        return a.node != b.node ? std::less<>{}(a.node, b.node) : a.position < b.position;
    });
    PoolVector<std::size_t> result(variables.size());
    for (std::size_t k = 0; k < places.size(); ++k) {
        const bool again = k > 0 && places[k].node == places[k - 1].node;
        result[places[k].position] = again ? result[places[k - 1].position] : places[k].position;
    }
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::optim::detail
