// SPDX-License-Identifier: MIT
#include <espalier/metrics/error_rate.hpp>

#include <espalier/core/random.hpp>

#include "catch.hpp"

#include <string_view>

using namespace espalier;
using metrics::edit_distance;
using metrics::ErrorRate;

namespace {

Index between(std::string_view a, std::string_view b) { return edit_distance<char>({a.data(), a.size()}, {b.data(), b.size()}); }

/// By its definition: the cheapest of all that may happen to the first elements.
Index by_definition(std::span<const Index> a, std::span<const Index> b) {
    if (a.empty() || b.empty())
        return static_cast<Index>(a.size() + b.size());
    const Index exchanged = by_definition(a.subspan(1), b.subspan(1)) + (a[0] == b[0] ? 0 : 1);
    return std::min({exchanged, by_definition(a.subspan(1), b) + 1, by_definition(a, b.subspan(1)) + 1});
}

}  // namespace

TEST_CASE("The edit distance is the least number of exchanges, omissions and additions", "[metrics]") {
    REQUIRE(between("kitten", "sitting") == 3);
    REQUIRE(between("saturday", "sunday") == 3);
    REQUIRE(between("", "") == 0);
    REQUIRE(between("", "abc") == 3);
    REQUIRE(between("abc", "") == 3);
    REQUIRE(between("a", "a") == 0);
    REQUIRE(between("a", "b") == 1);
    REQUIRE(between("ab", "ba") == 2);  // a swap is no edit of its own
    Random random{1};
    for (int k = 0; k < 200; ++k) {
        std::vector<Index> a(static_cast<std::size_t>(random.below(6))), b(static_cast<std::size_t>(random.below(6)));
        for (auto* const sequence : {&a, &b})
            for (Index& element : *sequence)
                element = random.below(3);
        const std::span<const Index> x{a}, y{b};
        REQUIRE(edit_distance(x, y) == by_definition(x, y));
        REQUIRE(edit_distance(y, x) == edit_distance(x, y));
    }
}

TEST_CASE("The error rate counts edits for each true element, and sequences that are not right", "[metrics]") {
    ErrorRate rate;
    rate.update(data::Sequences{{1, 2, 3}, {4, 5}, {}}, data::Sequences{{1, 2, 3}, {5}, {7}});
    REQUIRE(rate.edits() == 2);
    REQUIRE(rate.count() == 3);
    REQUIRE(rate.value() == 2.0 / 5);
    REQUIRE(rate.sequence_error_rate() == 2.0 / 3);
    rate.update(data::Sequences{{9, 9, 9, 9}}, data::Sequences{{1}});
    REQUIRE(rate.value() == 1);  // 6 edits for 6 elements
    rate.update(data::Sequences{}, data::Sequences{});
    REQUIRE(rate.count() == 4);
    rate.update(data::Sequences{{3, 3, 3}}, data::Sequences{std::vector<Index>{}});
    REQUIRE(rate.value() == 1.5);  // more was said than there is
    REQUIRE(rate.sequence_error_rate() == 4.0 / 5);
}

TEST_CASE("The error rate starts again after a reset, and needs something to count", "[metrics]") {
    ErrorRate rate;
    REQUIRE_THROWS_WITH(rate.value(), "[error_rate] expected elements in the true sequences, got none");
    REQUIRE_THROWS_WITH(rate.sequence_error_rate(), "[error_rate] expected sequences, got none");
    rate.update(data::Sequences{{}, {}}, data::Sequences{{}, {}});
    REQUIRE(rate.sequence_error_rate() == 0);
    REQUIRE_THROWS_AS(rate.value(), StateError);
    REQUIRE_THROWS_WITH(rate.update(data::Sequences{{1}}, data::Sequences{{1}, {2}}),
                        "[error_rate] expected as many sequences as true ones, got 1 and 2");
    REQUIRE(rate.count() == 2);
    rate.reset();
    REQUIRE(rate.count() == 0);
    REQUIRE(rate.edits() == 0);
}
