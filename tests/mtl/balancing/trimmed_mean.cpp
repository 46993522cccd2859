// SPDX-License-Identifier: MIT
#include "mtl/balancing/stateful.hpp"

#include <espalier/mtl/balancing/trimmed_mean.hpp>

using namespace espalier;
using namespace testing;
using mtl::TrimmedMean;

TEST_CASE("TrimmedMean leaves out the extremes of each element", "[mtl]") {
    const Tensor<double> rows{{4, 2}, {1, 5, 2, 6, 100, -1000, -50, 2}};
    const auto context = step_of(first_tasks(4), 4, 0);
    CHECK(TrimmedMean{}(jacobian_of(rows, context)) == Tensor<double>{{2}, {1.5, 3.5}});
    CHECK(TrimmedMean{{.trim = 0}}(jacobian_of(rows, context)) == Tensor<double>{{2}, {13.25, -246.75}});
    // Of four, no more than one on each side.
    CHECK(TrimmedMean{{.trim = 5}}(jacobian_of(rows, context)) == Tensor<double>{{2}, {1.5, 3.5}});
}

TEST_CASE("TrimmedMean of few tasks is what is in the middle", "[mtl]") {
    CHECK(TrimmedMean{}(jacobian_of(Tensor<float>{{1, 2}, {3, 4}}, step_of({2}, 4, 0))) == Tensor<float>{{2}, {3, 4}});
    CHECK(TrimmedMean{}(jacobian_of(Tensor<float>{{2, 2}, {3, 4, 5, 0}}, step_of({0, 2}, 4, 0))) == Tensor<float>{{2}, {4, 2}});
}

TEST_CASE("TrimmedMean loses nothing beside an outlier", "[mtl]") {
    const Tensor<double> rows{{3, 1}, {1e15, 0.1, -1e15}};
    CHECK(TrimmedMean{}(jacobian_of(rows, step_of({0, 1, 2}, 3, 0)))[0] == 0.1);
}

TEMPLATE_TEST_CASE("TrimmedMean as a rule", "[mtl]", float, double) {
    const auto make = [] { return TrimmedMean{}; };
    check_state<TestType>(make, jacobian_of<TestType>);
    check_finite<TestType>(make, jacobian_of<TestType>);
    check_threads<TestType>(make);
}
