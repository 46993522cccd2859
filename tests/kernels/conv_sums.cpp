// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/kernels/conv_sums.hpp>
#include <espalier/tensor/tensor.hpp>

using namespace espalier;

TEST_CASE("sums of chunks are added up for each task, and written where they belong", "[conv_sums]") {
    constexpr Index chunks = 3, tasks = 2, size = 20, channels = 5, pitch = 7;
    const kernels::detail::ChunkSums sums{chunks, tasks, size, channels};
    const auto dy = Tensor<float>::full({4, pitch}, 0.5F);
    for (Index chunk = 0; chunk < chunks; ++chunk) {
        sums.clear_weights(chunk);
        sums.clear_bias(chunk);
        for (Index t = 0; t < tasks; ++t) {
            for (Index i = 0; i < size; ++i) {
                REQUIRE(sums.weights(chunk, t)[i] == 0);
                sums.weights(chunk, t)[i] = static_cast<float>(100 * chunk + 10 * t + i);
            }
            sums.add_bias(chunk, t, 2 + t, dy.data(), pitch);
        }
    }
    for (Index t = 0; t < tasks; ++t) {
        const float* const total = sums.added_up(t, 4, 10);
        for (Index i = 0; i < 10; ++i)
            CHECK(total[i] == static_cast<float>(300 + 3 * (10 * t + 4 + i)));
        CHECK(sums.weights(0, t)[3] == static_cast<float>(10 * t + 3));
        CHECK(sums.weights(0, t)[14] == static_cast<float>(10 * t + 14));
    }
    for (const bool accumulate : {false, true}) {
        auto db = Tensor<float>::full({tasks, channels + 1}, 7);
        sums.write_bias({db.data(), channels + 1, accumulate});
        for (Index t = 0; t < tasks; ++t)
            for (Index c = 0; c <= channels; ++c)
                CHECK(db.at(t, c) == (c == channels ? 7 : static_cast<float>(chunks * (2 + t)) * 0.5F + (accumulate ? 7 : 0)));
    }
}
