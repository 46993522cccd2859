// SPDX-License-Identifier: MIT
#include <espalier/autograd/backward.hpp>
#include <espalier/mtl/multi_task_loss.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/optim/adam.hpp>
#include <espalier/vision/decode_keypoints.hpp>
#include <espalier/vision/keypoints.hpp>

#include "catch.hpp"
#include "threads.hpp"

#include <cmath>
#include <limits>

using namespace espalier;
using losses::Target;

namespace {

/// Predictions of two images, 6 by 8 cells, of three key points, and these in pixels of a stride of 4.
template <class T>
Tensor<T> prediction(std::uint64_t seed = 1, Index images = 2) {
    Random random{seed};
    return Tensor<T>::normal({images, 6, 8, 3}, random);
}

template <class T>
Tensor<T> two_images() {
    return {{2, 3, 3}, {4, 5, 2, 30.5, 22, 1, 0, 0, 0, 16, 12, 1, 32, 24, 2, 7.25, 18, 2}};
}

template <class T>
Tensor<T> gradient(const Tensor<T>& x, const Target<T>& target, const vision::KeypointsOptions& options = {}) {
    const Variable<T> leaf{x, true};
    const auto loss = vision::keypoint_loss(leaf, target, options);
    return autograd::vjp(loss, Tensor<T>::ones({1}), std::span{&leaf, 1})[0].reshape(x.shape());
}

}  // namespace

TEMPLATE_TEST_CASE("maps of key points are 1 where they are and fall off around", "[vision]", float, double) {
    using T = TestType;
    const auto maps = vision::keypoint_heat_maps(two_images<T>(), {6, 8});
    REQUIRE(maps.shape() == Shape{2, 6, 8, 3});
    const auto bump = [](double dx, double dy) { return std::exp(-(dx * dx + dy * dy) / 8); };
    CHECK(static_cast<double>(maps.at(0, 1, 1, 0)) == Approx(bump(0.5, 0.25)).epsilon(1e-6));
    CHECK(static_cast<double>(maps.at(0, 1, 4, 0)) == Approx(bump(3.5, 0.25)).epsilon(1e-6));
    CHECK(static_cast<double>(maps.at(0, 0, 0, 1)) == Approx(bump(7.125, 5)).epsilon(1e-6));
    CHECK(static_cast<double>(maps.at(1, 5, 7, 1)) == Approx(bump(0.5, 0.5)).epsilon(1e-6));  // the corner of the image
    for (Index cell = 0; cell < 48; ++cell)
        CHECK(maps[cell * 3 + 2] == 0);  // not visible
    CHECK(static_cast<double>(vision::keypoint_heat_maps(Tensor<T>{{1, 1, 3}, {1, 3, 1}}, {2, 2}, {.stride = 2, .sigma = 1})[2]) == 1);
    CHECK(vision::keypoint_heat_maps(Tensor<T>{Shape{0, 3, 3}}, {6, 8}).shape() == Shape{0, 6, 8, 3});
    CHECK(vision::keypoint_heat_maps(Tensor<T>{Shape{2, 0, 3}}, {6, 8}).shape() == Shape{2, 6, 8, 0});
    CHECK(vision::keypoint_heat_maps(Tensor<T>{Shape{2, 3, 3}}, {0, 8}).shape() == Shape{2, 0, 8, 3});
    CHECK_THROWS_WITH(vision::keypoint_heat_maps(Tensor<T>{Shape{2, 3}}, {6, 8}),
                      "[keypoint_heat_maps] expected key points (N, K, 3), got (2, 3)");
    CHECK_THROWS_WITH(vision::keypoint_heat_maps(two_images<T>(), {6, 7}),
                      "[keypoint_heat_maps] expected key points in the image, 28 by 24 pixels, got (30.5, 22) at image 0, key point 1");
    CHECK_THROWS_AS(vision::keypoint_heat_maps(two_images<T>(), {-1, 8}), ValueError);
    CHECK_THROWS_AS(vision::keypoint_heat_maps(two_images<T>(), {6, 8}, {.sigma = 0}), ValueError);
}

TEMPLATE_TEST_CASE("the loss of key points is half the squared distance of maps, the mean over those that are visible", "[vision]", float,
                   double) {
    using T = TestType;
    const auto x = prediction<T>();
    const auto keypoints = two_images<T>();
    const auto maps = vision::keypoint_heat_maps(keypoints, {6, 8});
    double expected = 0;
    for (Index i = 0; i < x.numel(); ++i)
        if (i % 3 != 2 || i >= x.numel() / 2)
            expected += std::pow(static_cast<double>(x[i] - maps[i]), 2) / 2;
    CHECK(static_cast<double>(vision::keypoint_loss(x, keypoints).item()) == Approx(expected / 5).epsilon(1e-6));
    const auto slopes = gradient<T>(x, keypoints);
    CHECK(static_cast<double>(slopes[4]) == Approx(static_cast<double>(x[4] - maps[4]) / 5).epsilon(1e-6));
    CHECK(slopes[2] == 0);
    CHECK(vision::keypoint_loss(maps, keypoints).item() == 0);
    const Variable<T> leaf{x, true};
    CHECK(vision::Keypoints<T>{}(leaf, keypoints).item() == vision::keypoint_loss(x, keypoints).item());
    CHECK(vision::Keypoints<T>{}(leaf, keypoints).item() == vision::keypoint_loss(leaf, keypoints).item());  // twice in a row
}

TEMPLATE_TEST_CASE("what is masked or not visible is not looked at", "[vision]", float, double) {
    using T = TestType;
    constexpr auto nan = std::numeric_limits<T>::quiet_NaN();
    auto x = prediction<T>();
    auto values = two_images<T>();
    values[6] = values[7] = nan;  // the place of what is not visible
    for (Index cell = 0; cell < 48; ++cell)
        x[cell * 3 + 2] = nan;
    const Target<T> first_alone{values.slice(0, 1)};
    const auto expected = vision::keypoint_loss(x.slice(0, 1), first_alone).item();
    CHECK(std::isfinite(expected));
    const auto expected_gradient = gradient<T>(x.slice(0, 1), first_alone);
    CHECK(expected_gradient[2] == 0);
    std::fill(x.data() + x.numel() / 2, x.data() + x.numel(), nan);
    std::fill(values.data() + values.numel() / 2, values.data() + values.numel(), nan);
    for (const Target<T>& target :
         {Target<T>{values, Tensor<bool>{{2}, {true, false}}}, Target<T>{values, {.mask = {}, .weight = Tensor<T>{{2}, {T(0.25), 0}}}}}) {
        CHECK(vision::keypoint_loss(x, target).item() == expected);
        const auto got = gradient<T>(x, target);
        CHECK(got.slice(0, 1) == expected_gradient);
        CHECK(got.slice(1, 2) == Tensor<T>{Shape{1, 6, 8, 3}});
    }
    const Tensor<T> none{Shape{2, 3, 3}};  // visibilities of 0
    for (const auto& nothing :
         {vision::keypoint_loss(Variable<T>{x, true}, {values, Tensor<bool>{Shape{2}}}), vision::keypoint_loss(Variable<T>{x, true}, none),
          vision::keypoint_loss(Variable<T>{Tensor<T>{Shape{0, 6, 8, 3}}, true}, Tensor<T>{Shape{0, 3, 3}}),
          vision::keypoint_loss(Variable<T>{Tensor<T>{Shape{2, 6, 8, 0}}, true}, Tensor<T>{Shape{2, 0, 3}})}) {
        CHECK(nothing.item() == 0);
        CHECK_FALSE(nothing.requires_grad());
    }
}

TEST_CASE("weights of images with key points are relative to the largest", "[vision]") {
    const auto x = prediction<double>(4);
    const auto values = two_images<double>();
    const auto of = [&](double a, double b) {
        return vision::keypoint_loss(x, {values, {.mask = {}, .weight = Tensor<double>{{2}, {a, b}}}}).item();
    };
    CHECK(of(3, 3) == vision::keypoint_loss(x, values).item());
    CHECK(of(1, 4) == of(0.5, 2));
    const double first = vision::keypoint_loss(x.slice(0, 1), values.slice(0, 1)).item() * 2;  // of two key points
    const double second = vision::keypoint_loss(x.slice(1, 2), values.slice(1, 2)).item() * 3;
    CHECK(of(1, 4) == Approx((first / 4 + second) / (0.5 + 3)).epsilon(1e-12));
}

TEST_CASE("the loss of key points has the same bits on any number of threads, and again", "[vision]") {
    Random random{5};
    const auto x = Tensor<float>::normal({6, 40, 50, 7}, random);
    auto keypoints = Tensor<float>::uniform({6, 7, 3}, random, 0, 150);
    const auto run = [&](int threads) {
        const testing::Threads with{threads};
        return std::pair{vision::keypoint_loss(x, keypoints).item(), gradient<float>(x, keypoints)};
    };
    const auto expected = run(1);
    CHECK(run(1) == expected);
    CHECK(run(3) == expected);
}

TEST_CASE("bad key points and options are refused with their place", "[vision]") {
    const auto x = prediction<float>();
    const auto with = [&](Index i, float value) {
        auto changed = two_images<float>();
        changed[i] = value;
        return Target<float>{changed};
    };
    const vision::Keypoints loss;
    CHECK_THROWS_WITH(loss(x, with(9, 33)),
                      "[keypoint_loss] expected key points in the image, 32 by 24 pixels, got (33, 12) at image 1, key point 0");
    CHECK_THROWS_AS(loss(x, with(10, -0.5F)), ValueError);
    CHECK_THROWS_AS(loss(x, with(10, std::nanf(""))), ValueError);
    CHECK_THROWS_WITH(loss(x, with(14, std::nanf(""))), "[keypoint_loss] expected a visibility, got nan at image 1, key point 1");
    CHECK_THROWS_WITH(loss(x, Target<float>(two_images<float>(), Tensor<bool>{Shape{2, 3, 3}})),
                      "[keypoint_loss] expected a mask for images (2,), got one for elements (2, 3, 3)");
    CHECK_THROWS_WITH((vision::Keypoints{{.stride = 0}}), "[keypoint_loss] expected a stride above 0, got 0");
    CHECK_THROWS_WITH((vision::Keypoints{{.sigma = -1}}), "[keypoint_loss] expected a finite sigma above 0, got -1");
    CHECK_THROWS_AS((vision::Keypoints{{.sigma = INFINITY}}), ValueError);
}

TEMPLATE_TEST_CASE("a head of key points has the map's size, and says almost 0 at first", "[vision]", float, double) {
    using T = TestType;
    manual_seed(1);
    auto head = vision::keypoint_head<T>(5, 3, {.hidden = 8});
    Random random{2};
    const auto y = head(Variable<T>{Tensor<T>::normal({2, 4, 6, 5}, random)}).value();
    CHECK(y.shape() == Shape{2, 4, 6, 3});
    for (const T value : y)
        CHECK(std::abs(value) < T(0.05));
    CHECK(std::any_of(y.begin(), y.end(), [](T value) { return value != 0; }));
    CHECK_THROWS_WITH(vision::keypoint_head<T>(5, 0), "[keypoint_head] expected at least one key point, got 0");
    CHECK_THROWS_AS(vision::keypoint_head<T>(5, 1, {.hidden = 0}), ValueError);
}

TEST_CASE("a small net learns four images by heart, and their key points are found", "[vision]") {
    manual_seed(3);
    Random random{7};
    Tensor<float> images{Shape{4, 32, 32, 2}};
    Tensor<float> keypoints{Shape{4, 2, 3}};
    for (Index n = 0; n < 4; ++n)
        for (Index k = 0; k < 2; ++k) {
            const Index x = 6 + random.below(20), y = 6 + random.below(20);
            for (Index v = y - 2; v <= y + 2; ++v)
                for (Index u = x - 2; u <= x + 2; ++u)
                    images.at(n, v, u, k) = 1;
            keypoints.at(n, k, 0) = static_cast<float>(x) + 0.5F;
            keypoints.at(n, k, 1) = static_cast<float>(y) + 0.5F;
            keypoints.at(n, k, 2) = n == 3 && k == 1 ? 0.0F : 2.0F;
        }
    nn::Sequential net{nn::Conv2d{2, 12, {3, 3}, {.stride = 2, .padding = 1}}, nn::ReLU{},
                       nn::Conv2d{12, 24, {3, 3}, {.stride = 2, .padding = 1}}, nn::ReLU{}, vision::keypoint_head(24, 2, {.hidden = 32})};
    mtl::MultiTaskLoss criterion{{"pose", vision::Keypoints{{.stride = 4, .sigma = 1}}}};
    optim::Adam optimizer{net.parameters(), {.learning_rate = 0.01}};
    for (int step = 0; step < 200; ++step) {
        optimizer.zero_grad();
        criterion({{"pose", net(images)}}, {{"pose", keypoints}}).backward();
        optimizer.step();
    }
    const auto found = vision::decode_keypoints(net(images).value(), 4);
    for (Index i = 0; i < 7; ++i) {  // all that are visible
        CAPTURE(i);
        CHECK(std::hypot(found[3 * i] - keypoints[3 * i], found[3 * i + 1] - keypoints[3 * i + 1]) < 3.0F);
        CHECK(found[3 * i + 2] > 0.6F);
    }
}
