// SPDX-License-Identifier: MIT
#include "autograd/registry.hpp"

#include <espalier/autograd/factorization_machine.hpp>

namespace registry {

Rows recommend_rows() {
    namespace ag = espalier::autograd;
    return {row(
        "factorization_machine", [](const auto& v, const Attributes&) { return ag::factorization_machine(v[0]); },
        [](Random& random) { return Draw{{normal(random_shape(random, 3, 3), random)}}; },
        {{[] { (void)ag::factorization_machine(zeros({4, 3})); },
          "[factorization_machine] expected the vectors of fields (N, F, D), got (4, 3)"}})};
}

}  // namespace registry
