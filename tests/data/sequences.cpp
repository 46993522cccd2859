// SPDX-License-Identifier: MIT
#include <espalier/data/sequences.hpp>

#include <espalier/data/combine.hpp>

#include "catch.hpp"

#include <limits>
#include <utility>
#include <vector>

using namespace espalier;
using data::Sequences;

TEST_CASE("sequences keep their lengths when some are chosen", "[data][sequences]") {
    const Sequences baskets{{3, 7}, {}, {1, 1, 4}};
    CHECK(baskets.size() == 3);
    CHECK(baskets.elements() == Tensor<Index>{{5}, {3, 7, 1, 1, 4}});
    CHECK(baskets.lengths() == Tensor<Index>{{3}, {2, 0, 3}});
    CHECK(baskets == Sequences{Tensor<Index>{{5}, {3, 7, 1, 1, 4}}, Tensor<Index>{{3}, {2, 0, 3}}});
    CHECK_FALSE(baskets == Sequences{{3, 7}, {1}, {1, 4}});
    CHECK(baskets[1].empty());
    CHECK(std::vector<Index>(baskets[2].begin(), baskets[2].end()) == std::vector<Index>{1, 1, 4});
    CHECK(baskets.gather(std::vector<Index>{2, 1, 2}) == Sequences{{1, 1, 4}, {}, {1, 1, 4}});
    CHECK(baskets.gather({}) == Sequences{});
    CHECK(baskets.slice(1, 3) == Sequences{{}, {1, 1, 4}});
    CHECK(baskets.slice(3, 3).size() == 0);
    CHECK(Sequences{}.size() == 0);
    auto copy = baskets;
    const auto moved = std::move(copy);
    CHECK(moved == baskets);
    CHECK(copy.slice(0, 0) == Sequences{});  // moved from
    copy = moved;
    CHECK(copy == baskets);
}

TEST_CASE("lengths that do not add up, and sequences that are not there, are refused", "[data][sequences]") {
    const auto make = [](std::vector<Index> lengths) {
        const Index count = static_cast<Index>(lengths.size());
        return Sequences{Tensor<Index>{Shape{4}}, Tensor<Index>{Shape{count}, lengths}};
    };
    CHECK_THROWS_AS(make({1, 2}), ValueError);
    CHECK_THROWS_WITH(make({1, 2}), "[sequences] expected lengths that add up to 4 elements, got 3");
    CHECK_THROWS_WITH(make({1, 4}), "[sequences] expected lengths that add up to 4 elements, got 4 for sequence 1 where 3 are left");
    CHECK_THROWS_WITH(make({5, -1}), "[sequences] expected lengths that add up to 4 elements, got 5 for sequence 0 where 4 are left");
    CHECK_THROWS_AS(make({-1, 5}), ValueError);
    constexpr Index largest = std::numeric_limits<Index>::max();
    CHECK_THROWS_AS(make({largest, largest, 6}), ValueError);
    CHECK_THROWS_WITH((Sequences{Tensor<Index>{Shape{2, 2}}, Tensor<Index>{Shape{0}}}),
                      "[sequences] expected elements (sum of lengths,) and lengths (N,), got (2, 2) and (0,)");
    const auto some = make({1, 3});
    CHECK_THROWS_WITH(some.gather(std::vector<Index>{0, 2}), "[sequences] expected an index in [0, 2), got 2");
    CHECK_THROWS_AS(some[-1], ValueError);
    CHECK_THROWS_AS(some.slice(1, 3), ShapeError);
}

TEST_CASE("an input of sequences is chosen from and combined as others are", "[data][sequences]") {
    const data::Inputs<> inputs{{"basket", Sequences{{3, 7}, {}}}, {"age", Tensor<float>{{2}, {20, 30}}}};
    CHECK(inputs.at("basket").kind() == data::InputKind::sequences);
    CHECK(inputs.at("basket").shape() == Shape{2});
    CHECK(data::size_of(inputs) == 2);
    CHECK(data::sequences_of(inputs, "basket").elements() == Tensor<Index>{{2}, {3, 7}});
    CHECK(inputs.at("basket").gather(std::vector<Index>{1, 0, 0}).sequences() == Sequences{{}, {3, 7}, {3, 7}});
    CHECK_THROWS_WITH(data::indices_of(inputs, "basket"), "[inputs] expected indices in input 'basket', got sequences of shape (2,)");
    CHECK_THROWS_WITH(data::sequences_of(inputs, "age"), "[inputs] expected sequences in input 'age', got numbers of shape (2,)");
    CHECK_THROWS_WITH(inputs.at("basket").values(), "[input] expected numbers, got sequences of shape (2,)");

    const losses::Targets<> targets{{"buys", Tensor<float>{{2}, {0, 1}}}};
    const data::Dataset<> all = data::combine_samples(data::Dataset<>{inputs, targets}, data::Dataset<>{inputs, targets});
    CHECK(data::sequences_of(all.named_inputs(), "basket") == Sequences{{3, 7}, {}, {3, 7}, {}});
    const data::Inputs<> others{{"basket", Tensor<Index>{Shape{2}}}, {"age", Tensor<float>{{2}, {20, 30}}}};
    CHECK_THROWS_WITH(data::combine_samples(data::Dataset<>{inputs, targets}, data::Dataset<>{others, targets}),
                      "[combine_samples] expected one kind of input 'basket', got sequences in one set and indices in another");
}
