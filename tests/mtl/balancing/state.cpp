// SPDX-License-Identifier: MIT
#include "mtl/balancing/stateful.hpp"

#include <espalier/mtl/balancing/state.hpp>

using namespace espalier;
using namespace testing;
using mtl::detail::ActiveShare;

TEST_CASE("active tasks share what they had of the weights", "[mtl]") {
    Tensor<double> all{{4}, {0.1, 0.2, 0.3, 0.4}};
    const auto context = step_of({1, 2}, 4, 0);
    ActiveShare active{all, context};
    CHECK(active.weights[0] == Approx(0.4));
    CHECK(active.weights[1] == Approx(0.6));
    active.weights = {1, 0};
    active.put_back(all, context);
    CHECK(all[1] == Approx(0.5));
    CHECK(all[2] == 0);
    CHECK(all[0] == 0.1);
    CHECK(all[3] == 0.4);
}

TEST_CASE("active tasks that had no weight have equal ones, and none afterwards", "[mtl]") {
    Tensor<double> all{{3}, {1, 0, 0}};
    const auto context = step_of({1, 2}, 3, 0);
    const ActiveShare active{all, context};
    CHECK(active.weights == mtl::Weights{0.5, 0.5});
    active.put_back(all, context);
    CHECK(all == Tensor<double>{{3}, {1, 0, 0}});
}

TEST_CASE("state has the size of its first step, and refuses another", "[mtl]") {
    Tensor<double> numbers;
    mtl::detail::size_numbers("Rule", numbers, step_of({0}, 3, 0));
    CHECK(numbers == Tensor<double>{Shape{3}});
    numbers[1] = 5;
    mtl::detail::size_numbers("Rule", numbers, step_of({1, 2}, 3, 1));
    CHECK(numbers[1] == 5);
    REQUIRE_THROWS_WITH(mtl::detail::size_numbers("Rule", numbers, step_of({0}, 2, 2)),
                        "[Rule] expected 3 tasks, of which it keeps running values, got 2");
    REQUIRE_THROWS_WITH(mtl::detail::check_started("Rule", numbers, step_of({0}, 2, 2)),
                        "[Rule] expected a step of 3 tasks, as told by start(), got one of 2");

    Tensor<float> rows;
    mtl::detail::size_rows("Rule", rows, jacobian_of(hashed_rows<float>(1, 4, 1), step_of({1}, 3, 0)));
    CHECK(rows == Tensor<float>{Shape{3, 4}});
}
