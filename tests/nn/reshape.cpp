// SPDX-License-Identifier: MIT
#include <espalier/nn/layer.hpp>
#include <espalier/nn/reshape.hpp>

#include "nn/testing.hpp"

using namespace espalier;
using testing::normal;

TEMPLATE_TEST_CASE("flatten and unflatten keep the batch axis and the order", "[nn][reshape]", float, double) {
    using T = TestType;
    const Variable<T> x{Tensor<T>::arange(24).reshape({2, 3, 2, 2})};
    CHECK(nn::Flatten{}(x).value() == Tensor<T>::arange(24).reshape({2, 12}));
    CHECK(nn::Unflatten{{3, 2, 2}}(nn::Flatten{}(x)).value() == x.value());
    CHECK(nn::Flatten{}(Variable<T>{Tensor<T>{Shape{3, 2}}}).shape() == Shape{3, 2});
    CHECK(nn::Unflatten{{}}(Variable<T>{Tensor<T>{Shape{3, 1}}}).shape() == Shape{3});
}

TEMPLATE_TEST_CASE("upsampling repeats or interpolates", "[nn][reshape]", float, double) {
    using T = TestType;
    const Variable<T> x{Tensor<T>{{1, 1, 2, 1}, {1, 3}}};
    CHECK(nn::Upsample{2}(x).value() == Tensor<T>{{1, 2, 4, 1}, {1, 1, 3, 3, 1, 1, 3, 3}});
    CHECK(nn::Upsample{{1, 2}, {.mode = nn::Interpolation::bilinear}}(x).value() == Tensor<T>{{1, 1, 4, 1}, {1, 1.5, 2.5, 3}});
    CHECK(nn::Upsample{{1, 2}, {.mode = nn::Interpolation::bilinear, .align_corners = true}}(x).value()[1] == Approx(1 + 2.0 / 3));
}

TEST_CASE("gradients of layers that move elements", "[nn][reshape]") {
    const std::vector<nn::Layer<double>> layers{nn::Flatten{}, nn::Unflatten{{2, 6}}, nn::Upsample{{2, 3}},
                                                nn::Upsample{2, {.mode = nn::Interpolation::bilinear}}};
    for (nn::Layer<double> layer : layers)
        CHECK(gradcheck([&](const auto& in) { return layer(in[0]); }, {normal<double>({2, 2, 3, 2})}));
}

TEST_CASE("layers that move elements refuse what does not fit", "[nn][reshape]") {
    const Variable<float> x{Tensor<float>{Shape{2, 3}}};
    CHECK_THROWS_AS(nn::Unflatten{{4}}(x), ShapeError);
    CHECK_THROWS_WITH(nn::Unflatten{{4}}(x), "[reshape] expected 6 elements as in (2, 3), got shape (2, 4)");
    CHECK_THROWS_WITH(nn::Unflatten{{4}}(Variable<float>{Tensor<float>::scalar(1)}), "[Unflatten] expected a batch axis, got shape ()");
    CHECK_THROWS_WITH(nn::Flatten{}(Variable<float>{Tensor<float>{Shape{4}}}), "[flatten] expected more than 1 axes, got (4,)");
    CHECK_THROWS_AS(nn::Upsample{2}(x), ShapeError);
    CHECK_THROWS_WITH(nn::Upsample{2}(x), "[Upsample] expected images (N, H, W, C), got input (2, 3)");
    const Variable<float> image{Tensor<float>{Shape{1, 2, 2, 1}}};
    CHECK_THROWS_AS(nn::Upsample{0}(image), ValueError);
    CHECK_THROWS_WITH(nn::Upsample{0}(image), "[Upsample] expected a factor of at least 1 that can be multiplied by 2, got 0x0");
    const Index large = Index{1} << 62;
    CHECK_THROWS_AS((nn::Upsample{{2, large}}(image)), ValueError);
    CHECK_THROWS_AS((nn::Upsample{{large, 2}}(image)), ValueError);
    CHECK_THROWS_AS((nn::Upsample{-large}(image)), ValueError);
    CHECK_THROWS_AS((nn::Upsample{Index{1} << 40}(image)), ShapeError);
}
