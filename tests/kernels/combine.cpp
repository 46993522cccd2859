// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/kernels/combine.hpp>

#include <vector>

using namespace espalier;

TEMPLATE_TEST_CASE("operands of any size that divides the result are repeated, forward and back", "[combine]", float, double) {
    using S = TestType;
    using kernels::Divide;
    for (const Index size : {1, 2, 3, 7, 100, 255, 256, 257, 600})
        for (const Index copies : {1, 2, 5, 200}) {
            CAPTURE(size, copies);
            const Index n = size * copies;
            std::vector<S> whole, part, dy;
            for (Index i = 0; i < n; ++i) {
                whole.push_back(S(1) + static_cast<S>(i % 13));
                dy.push_back(S(0.5) * static_cast<S>(i % 5));
            }
            for (Index i = 0; i < size; ++i)
                part.push_back(S(2) + static_cast<S>(i));
            std::vector<S> y(whole.size()), dx(whole.size());
            kernels::combine<Divide, S>(n, {whole.data(), n}, {part.data(), size}, y.data());
            kernels::combine_back<kernels::PullLeft<Divide>, S>(n, {whole.data(), n}, {part.data(), size}, dy.data(), dx.data());
            bool right = true;
            for (std::size_t i = 0; i < y.size(); ++i) {
                const S by = part[i % part.size()];
                right = right && y[i] == whole[i] / by && dx[i] == dy[i] * (1 / by);
            }
            CHECK(right);
            kernels::combine<Divide, S>(n, {part.data(), size}, {whole.data(), n}, y.data());
            kernels::combine_back<kernels::PullRight<Divide>, S>(n, {part.data(), size}, {whole.data(), n}, dy.data(), dx.data());
            for (std::size_t i = 0; i < y.size(); ++i) {
                const S by = part[i % part.size()];
                right = right && y[i] == by / whole[i] && dx[i] == dy[i] * (-by / (whole[i] * whole[i]));
            }
            CHECK(right);
        }
}

TEST_CASE("a result may take the place of an operand, and nothing is done for no element", "[combine]") {
    std::vector<float> a(1000, 2.0F);
    const std::vector<float> b(1000, 3.0F);
    kernels::combine<kernels::Multiply, float>(1000, {a.data(), 1000}, {b.data(), 1000}, a.data());
    CHECK(a == std::vector<float>(1000, 6.0F));
    kernels::combine<kernels::Multiply, float>(0, {nullptr, 0}, {b.data(), 1}, nullptr);
    kernels::combine_back<kernels::PullLeft<kernels::Add>, float>(0, {nullptr, 0}, {b.data(), 1}, nullptr, nullptr);
}
