// SPDX-License-Identifier: MIT
/// @file Where a rising function of one number is 0.
#pragma once

#include <espalier/core/config.hpp>

#include <cmath>

namespace espalier::inline ESPALIER_ABI::mtl::solvers {

/// Calls `function`, which never falls, for numbers from `low` to `high` until it is 0 but for rounding: its last call is at the root.
/// By secants that keep the root between them (Illinois).
template <class Function>
void find_root(const Function& function, double low, double high) {
    double at_low = function(low);
    double at_high = at_low < 0 ? function(high) : at_low;
    double last = 0;
    for (int i = 0; i < 100 && at_low < 0 && at_high > 0 && high - low > 1e-15; ++i) {
        const double weighed = (low * at_high - high * at_low) / (at_high - at_low);
        const double middle = weighed > low && weighed < high ? weighed : (low + high) / 2;
        const double value = function(middle);
        if (std::abs(value) < 1e-13)
            break;
        const bool same_side = (value < 0) == (last < 0);
        last = value;
        if (value < 0) {
            low = middle;
            at_low = value;
            at_high = same_side ? at_high / 2 : at_high;
        } else {
            high = middle;
            at_high = value;
            at_low = same_side ? at_low / 2 : at_low;
        }
    }
}

}  // namespace espalier::inline ESPALIER_ABI::mtl::solvers
