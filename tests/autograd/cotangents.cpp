// SPDX-License-Identifier: MIT
#include <espalier/autograd/cotangents.hpp>

#include "catch.hpp"

#include <utility>
#include <vector>

using namespace espalier;
using autograd::detail::Cotangents;
using autograd::detail::Rows;

namespace {

std::vector<Index> list(const Rows& rows) { return {rows.begin(), rows.end()}; }

}  // namespace

TEST_CASE("cotangents of other tasks are taken as they are, those of the same are added", "[autograd][cotangents]") {
    Cotangents<double> gathered{Rows{1}, Tensor<double>{{1, 2}, {1, 2}}};
    gathered.add(Rows{1}, Tensor<double>{{1, 2}, {10, 20}});
    CHECK(gathered.value() == Tensor<double>{{1, 2}, {11, 22}});
    gathered.add(Rows{0, 1, 3}, Tensor<double>{{3, 2}, {5, 6, 100, 200, 7, 8}});
    CHECK(list(gathered.rows()) == std::vector<Index>{0, 1, 3});
    CHECK(gathered.value() == Tensor<double>{{3, 2}, {5, 6, 111, 222, 7, 8}});
    gathered.add(Rows{3}, Tensor<double>{{1, 2}, {1, 1}});
    CHECK(gathered.value() == Tensor<double>{{3, 2}, {5, 6, 111, 222, 8, 9}});
}

TEST_CASE("cotangents of many tasks that come one by one are those of all, in any order and looked at at any time",
          "[autograd][cotangents]") {
    constexpr Index tasks = 37;
    const auto arrive = [](Index step, Index offset, Index look) {
        Cotangents<double> gathered{Rows{offset}, Tensor<double>{{1, 2}, {double(offset), 1}}};
        for (Index i = 1; i < tasks; ++i) {
            const Index task = (offset + i * step) % tasks;
            gathered.add(Rows{task}, Tensor<double>{{1, 2}, {double(task), 1}});
            if (i % 5 == 0)  // some come twice, among them those that wait
                gathered.add(Rows{task}, Tensor<double>{{1, 2}, {0, 1}});
            if (i % look == 0)
                CHECK(gathered.rows().size() == i + 1);
        }
        return gathered.value();
    };
    for (const Index step : {1, 5, 36})
        for (const Index look : {1, 3, 100}) {
            CAPTURE(step, look);
            const auto value = arrive(step, 4, look);
            REQUIRE(value.shape() == Shape{tasks, 2});
            Index twice = 0;
            for (Index task = 0; task < tasks; ++task) {
                CHECK(value.at(task, 0) == double(task));
                twice += value.at(task, 1) == 2;
            }
            CHECK(twice == (tasks - 1) / 5);
        }
}

TEST_CASE("the sum of a task's cotangents is taken in the order of their coming", "[autograd][cotangents]") {
    const float tiny = 1e-8F;
    Cotangents<float> early{Rows{0, 1, 2, 3}, Tensor<float>{{4, 1}, {1, 1, 1, 1}}};
    Cotangents<float> late = early;
    for (const auto& [task, value] : std::vector<std::pair<Index, float>>{{2, tiny}, {2, -1}, {5, 1}, {5, tiny}, {5, -1}}) {
        early.add(Rows{task}, Tensor<float>{{1, 1}, {value}});
        CHECK(early.rows().size() >= 4);
        late.add(Rows{task}, Tensor<float>{{1, 1}, {value}});
    }
    CHECK(early.value() == late.value());
    CHECK(late.value() == Tensor<float>{{5, 1}, {1, 1, 0, 1, 0}});
}

TEST_CASE("cotangents of a scalar, and of nothing", "[autograd][cotangents]") {
    Cotangents<float> scalar{Rows{0}, Tensor<float>{{1}, {2}}};
    scalar.add(Rows{2}, Tensor<float>{{1}, {3}});
    CHECK(scalar.value() == Tensor<float>{{2}, {2, 3}});
    Cotangents<float> nothing{Rows{0}, Tensor<float>{{1, 0}}};
    nothing.add(Rows{1}, Tensor<float>{{1, 0}});
    CHECK(nothing.value().shape() == Shape{2, 0});
}
