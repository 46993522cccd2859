// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/kernels/row_groups.hpp>

#include "threads.hpp"

#include <vector>

using namespace espalier;

namespace {

/// Sums by the definition, for each entry.
std::vector<double> sums_of(const Tensor<Index>& list, Index entries, Index width, const Tensor<float>& from) {
    std::vector<double> result(static_cast<std::size_t>(entries * width));
    for (Index i = 0; i < list.numel(); ++i)
        for (Index d = 0; d < width; ++d)
            result[static_cast<std::size_t>(list[i] * width + d)] += static_cast<double>(from[i * width + d]);
    return result;
}

}  // namespace

TEST_CASE("rows are grouped in the order of their coming", "[kernels][row_groups]") {
    const Tensor<Index> list{{6}, {7, 2, 7, 0, 2, 7}};
    for (const Index entries : {8, 9, 1000, 1 << 20}) {  // a place for each entry, a power of two or not, and a table by hash
        const kernels::RowGroups groups{list, entries};
        CHECK(groups.rows() == Tensor<Index>{{3}, {7, 2, 0}});
        std::vector<float> sums(3, 100);
        const Tensor<float> values{{6}, {1, 2, 4, 8, 16, 32}};
        groups.sum(1, 1, values.data(), false, [&](Index, Index k) { return sums.data() + k; });
        CHECK(sums == std::vector<float>{37, 18, 8});
        groups.sum(1, 1, values.data(), true, [&](Index, Index k) { return sums.data() + k; });
        CHECK(sums == std::vector<float>{74, 36, 16});
    }
    CHECK(kernels::RowGroups{Tensor<Index>{Shape{0}}, 5}.size() == 0);
    CHECK(kernels::RowGroups{Tensor<Index>{Shape{0}}, 0}.size() == 0);
    CHECK(kernels::RowGroups{Tensor<Index>{{1}, {0}}, 1}.rows() == Tensor<Index>{{1}, {0}});
}

TEST_CASE("sums of groups are those of their rows, however many there are", "[kernels][row_groups]") {
    Random random{3};
    for (const Index entries : {1, 3, 64, 1000, 5'000'000})
        for (const Index count : {1, 2, 700, 4096}) {
            auto list = Tensor<Index>::empty({count});
            for (Index& row : list)
                row = random.below(entries);
            const Index width = 3;
            const auto values = Tensor<float>::uniform({2, count, width}, random, -1, 1);
            const kernels::RowGroups groups{list, entries};
            auto sums = Tensor<float>::full({2, groups.size(), width}, -7);
            const testing::Threads guard{2};
            groups.sum(2, width, values.data(), false, [&](Index t, Index k) { return sums.data() + (t * groups.size() + k) * width; });
            for (Index t = 0; t < 2; ++t) {
                const auto expected = sums_of(list, entries, width, values.slice(t, t + 1));
                for (Index k = 0; k < groups.size(); ++k)
                    for (Index d = 0; d < width; ++d)
                        REQUIRE(sums.at(t, k, d) == Approx(expected[static_cast<std::size_t>(groups.rows()[k] * width + d)]).margin(1e-4));
            }
        }
}
