// SPDX-License-Identifier: MIT
// From its third step on, no rule of the losses alone asks for memory: its state is where it was, and the rest comes from the pool.
#include "mtl/balancing/scalarizer_rows.hpp"

#include "catch.hpp"
#include "integration/operator_new.hpp"

#include <espalier/autograd/backward.hpp>

#include <vector>

using namespace espalier;

#if ESPALIER_POOL_MEMORY  // it is off under the address sanitizer
TEST_CASE("a step of a scalarizer allocates nothing from the third on", "[integration][memory]") {
    for (const auto& row : espalier::testing::scalarizer_rows())
        for (const std::size_t tasks : std::vector<std::size_t>{1, 2, 40}) {
            auto rule = row.make();
            rule.start(tasks);
            const std::vector<double> values(tasks, 0.5);
            std::vector<Variable<double>> losses;
            for (const double value : values)
                losses.emplace_back(Tensor<double>::scalar(value), true);
            mtl::StepContext context{values};
            long before = 0;
            for (context.step = 0; context.step < 20; ++context.step) {
                if (context.step % 5 == 0)  // what is new in an epoch has its first two steps as well
                    context.epoch = context.step / 5;
                if (context.step % 5 == 2)
                    before = ::testing::allocations;
                rule(mtl::Losses<double>{losses, context}).backward();
                rule.after_step(values);
                if (context.step % 5 == 4) {
                    const long taken = ::testing::allocations - before;
                    CAPTURE(row.name, tasks, context.epoch);
                    CHECK(taken == 0);
                    rule.end_epoch();
                }
            }
        }
}
#endif
