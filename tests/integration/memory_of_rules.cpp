// SPDX-License-Identifier: MIT
// From its third step on, training under a rule asks for no memory, whichever the rule.
#include "integration/operator_new.hpp"
#include "mtl/balancing/training.hpp"
#include "sanitized.hpp"
#include "threads.hpp"

using testing::Training;

#if ESPALIER_POOL_MEMORY  // it is off under the address sanitizer
TEST_CASE("a step under any rule allocates nothing from the third on", "[mtl][balancing][rules][memory]") {
    const int threads = GENERATE(1, 2);
    const testing::Threads guard{threads};
    for (const auto& name : espalier::mtl::rule_names())
        for (const espalier::Index tasks : {5, testing::sanitized ? 11 : 40}) {
            Training training{name, {}, tasks};
            for (int i = 0; i < 6; ++i)
                training.step();
            const long before = testing::allocations;
            for (int i = 0; i < 8; ++i)
                training.step();
            const long taken = testing::allocations - before;
            CAPTURE(name, tasks, threads);
            CHECK(taken == 0);
        }
}
#endif
