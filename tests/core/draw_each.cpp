// SPDX-License-Identifier: MIT
#include "catch.hpp"
#include "threads.hpp"

#include <espalier/core/draw_each.hpp>
#include <espalier/nn/init.hpp>

#include <algorithm>
#include <vector>

using namespace espalier;

TEMPLATE_TEST_CASE("arrays are drawn as by a loop, with any number of threads", "[draw_each]", float, double) {
    using T = TestType;
    for (const Index n : {0, 1, 7, 4096, 20'001})
        for (const int threads : {1, 2, 4}) {
            CAPTURE(n, threads);
            const testing::Threads set{threads};
            Random one_by_one{3, 9, 5}, uniforms{3, 9, 5}, normals{3, 9, 5};
            std::vector<T> expected(static_cast<std::size_t>(n));
            for (T& value : expected)
                value = one_by_one.uniform<T>(T(-2), T(3));
            const auto drawn = Tensor<T>::uniform({n}, uniforms, T(-2), T(3));
            CHECK(std::equal(drawn.begin(), drawn.end(), expected.begin(), expected.end()));
            CHECK(uniforms.position() == one_by_one.position());

            Random alone{3, 9, 5};
            for (T& value : expected)
                value = T(1) + T(2) * alone.normal<T>();
            const auto normal = Tensor<T>::normal({n}, normals, T(1), T(2));
            CHECK(std::equal(normal.begin(), normal.end(), expected.begin(), expected.end()));
            CHECK(normals.position() == alone.position());

            auto weight = Tensor<T>::empty({n});
            Random weights{3, 9, 5}, of_loop{3, 9, 5};
            nn::init::normal(weight, weights, 0.5, 0.1);
            for (T& value : expected)
                value = static_cast<T>(0.5 + 0.1 * of_loop.normal());
            CHECK(std::equal(weight.begin(), weight.end(), expected.begin(), expected.end()));
            nn::init::uniform(weight, weights, -1, 1);
            for (T& value : expected)
                value = of_loop.uniform<T>(T(-1), T(1));
            CHECK(std::equal(weight.begin(), weight.end(), expected.begin(), expected.end()));
            CHECK(weights.position() == of_loop.position());
        }
}
