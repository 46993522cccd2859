// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "kernels/sets.hpp"

#include <espalier/kernels/dropout.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

using namespace espalier;

namespace {
/// The number that element i takes.
std::uint32_t bits_of(const Random& random, Index i) {
    const Index draw = i / 64 * 16 + i % 16, word = i % 64 / 16;
    return random.words_at(random.position() + static_cast<std::uint64_t>(draw))[static_cast<std::size_t>(word)];
}
}  // namespace

TEST_CASE("dropout takes the stream's words, draw by draw, with every instruction set", "[dropout]") {
    // Positions where a lane's number passes 2^32 or 2^64, and seeds and streams with all 64 bits.
    for (const std::uint64_t first :
         {std::uint64_t{0}, std::uint64_t{12345}, (std::uint64_t{1} << 32) - 5, (std::uint64_t{7} << 32) - 33, ~std::uint64_t{0} - 20})
        for (const std::uint32_t bound : {0U, 1U, 0x1999999AU, 0x80000000U, 0xFFFFFFFFU}) {
            const Random random{0x9E3779B97F4A7C15U + first, 0xD1B54A32D192ED03U, first};
            for (const Isa isa : testing::sets())
                for (const Index n : {1, 3, 16, 37, 64, 100, 200}) {
                    CAPTURE(first, bound, isa_name(isa), n);
                    const std::vector<float> x(static_cast<std::size_t>(n), 3.0F);
                    std::vector<float> y(x.size() + 1, 77);
                    kernels::simd::kernels_of<kernels::Dropout>(isa).run(n, {random.seed(), random.stream(), first, bound, 1.25F}, x.data(),
                                                                         y.data());
                    for (Index i = 0; i < n; ++i)
                        REQUIRE(y[static_cast<std::size_t>(i)] == (bits_of(random, i) < bound ? 0 : 3.75F));
                    REQUIRE(y.back() == 77);
                }
        }
}

TEMPLATE_TEST_CASE("dropout is the same on all threads, and in place", "[dropout]", float, double) {
    const Index n = 2 * 32768 + 77;
    const Random random{5, 6, 1000};
    std::vector<TestType> x(static_cast<std::size_t>(n)), y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i)
        x[i] = static_cast<TestType>(i);
    kernels::dropout<TestType>(n, random, 0.3, TestType(2), x.data(), y.data());
    std::size_t right = 0, kept = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const bool keeps = bits_of(random, static_cast<Index>(i)) * 0x1p-32 >= 0.3;
        right += y[i] == (keeps ? 2 * x[i] : TestType(0));
        kept += keeps;
    }
    CHECK(right == x.size());
    CHECK(static_cast<double>(kept) / static_cast<double>(n) == Approx(0.7).margin(0.008));  // four standard deviations
    kernels::dropout<TestType>(n, random, 0.3, TestType(2), x.data(), x.data());
    CHECK(x == y);
}

TEST_CASE("elements that share a draw are dropped independently of each other", "[dropout]") {
    const Index n = 64 * 4096;
    std::vector<float> y(static_cast<std::size_t>(n), 1.0F);
    kernels::dropout<float>(n, Random{11}, 0.5, 1.0F, y.data(), y.data());
    for (const Index apart : {1, 16, 32, 48, 64}) {
        Index same = 0, pairs = 0;
        for (Index i = 0; i + apart < n; ++i, ++pairs)
            same += y[static_cast<std::size_t>(i)] == y[static_cast<std::size_t>(i + apart)];
        CAPTURE(apart);
        CHECK(static_cast<double>(same) / static_cast<double>(pairs) == Approx(0.5).margin(0.004));  // four standard deviations
    }
}

TEST_CASE("what is dropped begins again where a group of draws does", "[dropout]") {
    const Index n = 300;
    std::vector<float> whole(static_cast<std::size_t>(n), 1.0F), part(whole);
    const Random random{12, 1, 77};
    kernels::dropout<float>(n, random, 0.4, 1.0F, whole.data(), whole.data());
    Random behind = random;
    behind.skip(kernels::dropout_draws(128));
    kernels::dropout<float>(n - 128, behind, 0.4, 1.0F, part.data() + 128, part.data() + 128);
    CHECK(std::equal(whole.begin() + 128, whole.end(), part.begin() + 128));
    CHECK(kernels::dropout_draws(0) == 0);
    CHECK(kernels::dropout_draws(1) == 16);
    CHECK(kernels::dropout_draws(65) == 32);
}

TEMPLATE_TEST_CASE("a number at the bound itself is not dropped, and a probability next to 1 drops all", "[dropout]", float, double) {
    for (std::uint64_t i = 0; i < 50; ++i) {
        const Random there{8, 0, i};
        const double u = bits_of(there, 0) * 0x1p-32;
        for (const auto& [p, expected] : {std::pair{u, TestType(2)}, std::pair{u + 0x1p-32, TestType(0)}}) {
            TestType x = 1;
            kernels::dropout<TestType>(1, there, p, TestType(2), &x, &x);
            REQUIRE(x == expected);
        }
        TestType x = 1;
        kernels::dropout<TestType>(1, there, 1 - 0x1p-53, TestType(0x1p53), &x, &x);
        REQUIRE(x == 0);
    }
}
