// SPDX-License-Identifier: MIT
#include <espalier/data/hash_bucket.hpp>

#include "catch.hpp"

#include <cstdint>
#include <vector>

using namespace espalier;

// What files and weights depend on: these never change.
static_assert(data::hash_text("") == 17280346270528514342U);
static_assert(data::hash_text("a") == 9413272369427828315U);
static_assert(data::hash_text("foobar") == 3180132088784447275U);
static_assert(data::hash_text("foobar", 1) == 17397918411789343729U);
static_assert(data::hash_text("Z\xc3\xbcrich") == 2644220054110733776U);  // bytes above 127, whatever the sign of char

TEST_CASE("a text has the same bucket everywhere, an integer that of its digits", "[data][hash_bucket]") {
    CHECK(data::hash_bucket("foobar", 1000) == 275);
    CHECK(data::hash_bucket("foobar", 1000, 1) == 729);
    CHECK(data::hash_bucket(7, 1000) == 759);
    CHECK(data::hash_bucket("7", 1000) == 759);
    CHECK(data::hash_bucket(-12, 1000) == data::hash_bucket("-12", 1000));
    CHECK(data::hash_bucket(std::uint64_t{18446744073709551615U}, 1000) == data::hash_bucket("18446744073709551615", 1000));
    CHECK(data::hash_bucket("anything", 1) == 0);
    CHECK(data::hash_bucket(Tensor<Index>{{2, 1}, {7, -12}}, 1000) == Tensor<Index>{{2, 1}, {759, data::hash_bucket(-12, 1000)}});
    CHECK(data::hash_bucket(Tensor<Index>{Shape{0}}, 3).shape() == Shape{0});
}

TEST_CASE("numbers in order spread evenly, and otherwise under another seed", "[data][hash_bucket]") {
    constexpr Index buckets = 64, each = 100;
    std::vector<double> counts(buckets, 0);
    int same = 0;
    for (Index i = 0; i < buckets * each; ++i) {
        const Index bucket = data::hash_bucket(i, buckets);
        counts[static_cast<std::size_t>(bucket)] += 1;
        same += bucket == data::hash_bucket(i, buckets, 5);
    }
    double chi_squared = 0;
    for (const double count : counts)
        chi_squared += (count - each) * (count - each) / each;
    CHECK(chi_squared < 104);  // of 63 degrees of freedom, once in a thousand draws above
    CHECK(same > 0);
    CHECK(same < 2 * each);
}

TEST_CASE("no bucket is refused", "[data][hash_bucket]") {
    CHECK_THROWS_WITH(data::hash_bucket("a", 0), "[hash_bucket] expected at least one bucket, got 0");
    CHECK_THROWS_AS(data::hash_bucket(3, -1), ValueError);
    CHECK_THROWS_AS(data::hash_bucket(Tensor<Index>{Shape{0}}, 0), ValueError);
}
