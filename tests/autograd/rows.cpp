// SPDX-License-Identifier: MIT
#include <espalier/autograd/rows.hpp>

#include "catch.hpp"

#include <vector>

using namespace espalier;
using autograd::detail::Rows;

namespace {

std::vector<Index> tasks_of(const Rows& rows) { return {rows.begin(), rows.end()}; }
Rows any_of(const std::vector<Rows>& lists) {
    Index count = 0;
    for (const Rows& rows : lists)
        count += rows.size();
    return Rows::any_of(lists, count);
}

}  // namespace

TEST_CASE("rows are the tasks in their order, none of them twice", "[autograd][cotangents]") {
    CHECK(tasks_of(Rows::all(3)) == std::vector<Index>{0, 1, 2});
    CHECK(tasks_of(any_of({Rows{1, 4}, Rows{0, 4, 7}, Rows{7}})) == std::vector<Index>{0, 1, 4, 7});
    CHECK(tasks_of(any_of({Rows{}, Rows{2}})) == std::vector<Index>{2});
    CHECK(Rows{3, 5, 9}.place(5) == 1);
}

TEST_CASE("rows are equal by what they list, and shared when copied", "[autograd][cotangents]") {
    const Rows rows{{1, 2}};
    const Rows copy = rows;
    CHECK(copy.begin() == rows.begin());
    CHECK(copy == Rows{1, 2});
    CHECK(rows != Rows{1});
    CHECK(rows != Rows{1, 3});
    CHECK(Rows{} == Rows::all(0));
    CHECK(Rows::all(0).empty());
    CHECK(any_of({Rows{}, Rows{}}).empty());
    CHECK(rows != Rows{});
}
