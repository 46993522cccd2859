// SPDX-License-Identifier: MIT
#include <espalier/core/random.hpp>
#include <espalier/kernels/resize.hpp>

#include "catch.hpp"

#include <cstddef>
#include <vector>

using namespace espalier;

TEMPLATE_TEST_CASE("a part of an image is resized as if there were nothing around it", "[kernels]", float, double) {
    using T = TestType;
    constexpr Index height = 6, width = 7, channels = 2;
    Random random{1};
    std::vector<T> image(height * width * channels);
    for (T& value : image)
        value = random.uniform<T>();
    for (const kernels::ImagePart part :
         {kernels::ImagePart{1, 2, {4, 3}}, kernels::ImagePart{5, 6, {1, 1}}, kernels::ImagePart{0, 0, {6, 7}}}) {
        std::vector<T> alone;
        for (Index row = part.top; row < part.top + part.size.height; ++row) {
            const auto first = image.begin() + (row * width + part.left) * channels;
            alone.insert(alone.end(), first, first + part.size.width * channels);
        }
        for (const Pair size : {Pair{2, 2}, Pair{9, 5}, Pair{1, 8}})
            for (const bool antialias : {true, false}) {
                std::vector<T> got(static_cast<std::size_t>(size.height * size.width * channels)), expected = got;
                kernels::resize_part(image.data(), width, channels, part, size, antialias, got.data());
                kernels::resize_part(alone.data(), part.size.width, channels, {.size = part.size}, size, antialias, expected.data());
                CHECK(got == expected);
            }
    }
}

TEST_CASE("the weights of every new sample are one in all, and lie inside", "[kernels]") {
    for (const Index from : {1, 2, 5, 16})
        for (const Index to : {1, 3, 16, 40}) {
            const auto axis = kernels::triangle_axis<double>(from, to, true, 10);
            REQUIRE(axis.size() == to);
            for (Index i = 0; i < to; ++i) {
                const auto& run = axis.run(i);
                double sum = 0;
                for (Index k = 0; k < run.count; ++k)
                    sum += axis.weights(run)[k];
                CHECK(sum == Approx(1));
                CHECK(run.first >= 10);
                CHECK(run.first + run.count <= 10 + from);
            }
        }
}
