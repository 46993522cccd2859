// SPDX-License-Identifier: MIT
// What an optimizer takes: one place for the parameters instead of theirs, and nothing in a step.
#include <espalier/autograd/backward.hpp>
#include <espalier/autograd/reduction.hpp>
#include <espalier/optim.hpp>

#include "integration/operator_new.hpp"
#include "threads.hpp"

#include "catch.hpp"

using namespace espalier;

namespace {

std::vector<Variable<float>> leaves(int count) {
    std::vector<Variable<float>> result;
    for (int i = 0; i < count; ++i)
        result.emplace_back(Tensor<float>::ones({700}), true);
    return result;
}

}  // namespace

TEST_CASE("an optimizer leaves nothing where its parameters were before", "[integration][memory]") {
    const testing::Threads guard{1};  // a worker that comes late to a loop of an earlier test keeps its block
    const auto p = leaves(100);
    trim_memory();
    const long before = testing::aligned_living;  // among them one block for each value
    {
        const optim::SGD sgd{p};
        trim_memory();
        CHECK(testing::aligned_living <= before - 100 + 10);
    }
    trim_memory();
    CHECK(testing::aligned_living == before - 100 + 2);  // all values are in one block, all gradients in another
}

#if ESPALIER_POOL_MEMORY  // it is off under the address sanitizer
TEST_CASE("a step in groups allocates nothing, whatever has a gradient, nor do clipping and schedules", "[integration][memory]") {
    const auto p = leaves(12);
    auto twice = p;
    twice.insert(twice.end(), p.begin(), p.end());
    const auto count = [&](auto&& optimizer) {
        optim::Scheduler scheduler{optimizer, optim::ExponentialLR{0.9}};
        long before = 0;
        for (std::size_t step = 0; step < 20; ++step) {
            if (step == 2)
                before = testing::allocations;
            optimizer.zero_grad();
            for (std::size_t i = 0; i < p.size(); ++i)
                if (step < 2 || step == 19 || i % step != 0)  // more and more segments
                    autograd::sum(p[i]).backward();
            (void)optim::clip_grad_norm(twice, 0.1);
            optim::clip_grad_value(twice, 0.01);
            optimizer.step();
            scheduler.step();
        }
        return testing::allocations - before;
    };
    const auto part = [&](std::ptrdiff_t first, std::ptrdiff_t last) {
        return std::vector<Variable<float>>(p.begin() + first, p.begin() + last);
    };
    const std::vector<optim::ParameterGroup<float>> groups{
        {.parameters = part(0, 5), .learning_rate = 0.1}, {.parameters = part(5, 6)}, {.parameters = part(6, 12), .weight_decay = 0.1}};
    CHECK(count(optim::SGD{groups, {.momentum = 0.9}}) == 0);
    CHECK(count(optim::Adam{groups}) == 0);
    CHECK(count(optim::AdamW{groups}) == 0);
}
#endif
