// SPDX-License-Identifier: MIT
/// @file The instruction sets that this processor has.
#pragma once

#include <espalier/core/isa.hpp>

#include <vector>

namespace testing {

inline std::vector<espalier::Isa> sets() {
    using espalier::Isa;
    std::vector<Isa> result{Isa::baseline};
    for (const Isa isa : {Isa::avx2, Isa::avx512})
        if (isa <= espalier::detail::strongest_isa())
            result.push_back(isa);
    return result;
}

}  // namespace testing
