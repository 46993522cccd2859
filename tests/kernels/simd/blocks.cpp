// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/kernels/simd/blocks.hpp>
#include <espalier/tensor/tensor.hpp>

using namespace espalier;
namespace simd = kernels::simd;

TEST_CASE("parts cover everything once and differ by one at most", "[simd][blocks]") {
    for (Index n = 1; n < 30; ++n)
        for (Index parts = 1; parts <= n; ++parts) {
            Index next = 0;
            for (Index i = 0; i < parts; ++i) {
                const simd::Part part = simd::even_part(n, parts, i);
                REQUIRE(part.first == next);
                REQUIRE((part.size == n / parts || part.size == n / parts + 1));
                next += part.size;
            }
            REQUIRE(next == n);
        }
}

TEST_CASE("blocks of columns cover a matrix in whole vectors", "[simd][blocks]") {
    const Index lanes = simd::table().lanes;
    for (Index n = 1; n < 300; ++n)
        for (Index most = 1; most <= 3; ++most) {
            const simd::Columns columns{n, most};
            Index next = 0;
            for (Index i = 0; i < columns.blocks(); ++i) {
                const simd::ColumnBlock block = columns[i];
                REQUIRE(block.column == next);
                REQUIRE((block.vectors >= 1 && block.vectors <= most && block.width > (block.vectors - 1) * lanes));
                REQUIRE((block.width == block.vectors * lanes || i + 1 == columns.blocks()));
                next += block.width;
            }
            REQUIRE(next == n);
            REQUIRE((columns.padded() >= n && columns.padded() % lanes == 0 && columns.padded() < n + lanes));
        }
}

TEST_CASE("matrices are turned over, and filled up with zeros", "[simd][blocks]") {
    Random random{1};
    for (int round = 0; round < 60; ++round) {
        const Index n = 1 + random.below(20);
        const Index depth = 1 + random.below(20);
        const Index stride = depth + random.below(3);
        const Index padded = n + random.below(4);
        const auto x = Tensor<float>::normal({n, stride}, random);
        auto out = Tensor<float>::full({depth, padded}, 9);
        simd::pack_transposed(depth, n, x.data(), stride, out.data(), padded);
        for (Index k = 0; k < depth; ++k)
            for (Index j = 0; j < padded; ++j)
                REQUIRE(out.at(k, j) == (j < n ? x.at(j, k) : 0));
    }
}

TEST_CASE("pieces of scratch are aligned and do not overlap", "[simd][blocks]") {
    using simd::Scratch;
    const Buffer memory{Scratch::bytes<float>(5) + Scratch::bytes<double>(1) + Scratch::bytes<std::uint8_t>(65)};
    Scratch scratch{memory.data()};
    const auto* const first = reinterpret_cast<const std::byte*>(scratch.take<float>(5));
    const auto* const second = reinterpret_cast<const std::byte*>(scratch.take<double>(1));
    const auto* const third = reinterpret_cast<const std::byte*>(scratch.take<std::uint8_t>(65));
    CHECK(first == memory.data());
    CHECK(second - first == 64);
    CHECK(third - second == 64);
    CHECK(Scratch::bytes<std::uint8_t>(65) == 128);
    CHECK(Scratch::bytes<float>(0) == 0);
}
