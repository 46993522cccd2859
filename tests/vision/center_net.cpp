// SPDX-License-Identifier: MIT
#include <espalier/autograd/backward.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/optim/adam.hpp>
#include <espalier/vision/center_net.hpp>

#include "catch.hpp"
#include "threads.hpp"

#include <cmath>
#include <limits>

using namespace espalier;
using losses::Target;
using vision::Object;

namespace {

/// Predictions of two images, 6 by 8 cells, of three classes, and objects in pixels of a stride of 4.
template <class T>
Tensor<T> prediction(std::uint64_t seed = 1, Index images = 2) {
    Random random{seed};
    return Tensor<T>::normal({images, 6, 8, 7}, random);
}

using Objects = std::vector<std::vector<Object>>;

const Objects two_images{{{{4, 4, 20, 16}, 1}, {{0, 0, 9, 5}, 0}}, {{{10, 2, 30, 22}, 2}}};

template <class T>
Tensor<T> gradient(const Tensor<T>& x, const Target<T>& target, const vision::CenterNetOptions& options = {}) {
    const Variable<T> leaf{x, true};
    const auto loss = vision::center_net_loss(leaf, target, options);
    return autograd::vjp(loss, Tensor<T>::ones({1}), std::span{&leaf, 1})[0].reshape(x.shape());
}

}  // namespace

TEMPLATE_TEST_CASE("CenterNet leaves out what is masked, whatever is there", "[vision]", float, double) {
    using T = TestType;
    auto x = prediction<T>();
    auto values = vision::pack<T>(two_images);
    const Target<T> first_alone{values.slice(0, 1)};
    const auto expected = vision::center_net_loss(x.slice(0, 1), first_alone).item();
    const auto expected_gradient = gradient<T>(x.slice(0, 1), first_alone);
    std::fill(x.data() + x.numel() / 2, x.data() + x.numel(), std::numeric_limits<T>::quiet_NaN());
    std::fill(values.data() + values.numel() / 2, values.data() + values.numel(), std::numeric_limits<T>::quiet_NaN());
    for (const Target<T>& target :
         {Target<T>{values, Tensor<bool>{{2}, {true, false}}}, Target<T>{values, {.mask = {}, .weight = Tensor<T>{{2}, {T(0.25), 0}}}}}) {
        CHECK(vision::center_net_loss(x, target).item() == expected);
        const auto got = gradient<T>(x, target);
        CHECK(got.slice(0, 1) == expected_gradient);
        CHECK(got.slice(1, 2) == Tensor<T>{Shape{1, 6, 8, 7}});
    }
    const auto nothing = vision::center_net_loss(Variable<T>{x, true}, {values, Tensor<bool>{Shape{2}}});
    CHECK(nothing.item() == 0);
    CHECK_FALSE(nothing.requires_grad());
    const auto of_none = vision::center_net_loss(Variable<T>{Tensor<T>{Shape{0, 6, 8, 7}}, true}, Tensor<T>{Shape{0, 2, 5}});
    CHECK(of_none.item() == 0);
    CHECK_FALSE(of_none.requires_grad());
}

TEMPLATE_TEST_CASE("images without objects are images: the heat map is to be low everywhere", "[vision]", float, double) {
    using T = TestType;
    const auto x = prediction<T>(2);
    const auto loss = vision::center_net_loss(Variable<T>{x, true}, vision::pack<T>({{}, {}}));
    CHECK(loss.requires_grad());
    CHECK(vision::center_net_loss(x, Tensor<T>{Shape{2, 0, 5}}).item() == loss.item());
    double expected = 0;
    for (Index i = 0; i < x.numel(); ++i)
        if (i % 7 < 3) {
            const double p = 1 / (1 + std::exp(-static_cast<double>(x[i])));
            expected -= p * p * std::log1p(-p);
        }
    CHECK(static_cast<double>(loss.item()) == Approx(expected).epsilon(1e-5));
    const auto slopes = gradient<T>(x, vision::pack<T>({{}, {}}));
    for (Index i = 0; i < x.numel(); ++i)
        CHECK((i % 7 < 3 ? slopes[i] > 0 : slopes[i] == 0));
}

TEMPLATE_TEST_CASE("of objects whose centres share a cell the largest gives size and offset, of equals the last", "[vision]", float,
                   double) {
    using T = TestType;
    Tensor<T> x{Shape{1, 6, 8, 7}};
    const auto at_centre = [&](const std::vector<Object>& objects) {
        // With the sizes of the last of them predicted there, the slopes of sizes and offsets are 0 if it is the one that counts.
        const auto& box = objects.back().box;
        const Index cell = static_cast<Index>((box.y1 + box.y2) / 8) * 8 + static_cast<Index>((box.x1 + box.x2) / 8);
        T* const sizes = x.data() + cell * 7 + 3;
        sizes[0] = static_cast<T>(box.width() / 4);
        sizes[1] = static_cast<T>(box.height() / 4);
        sizes[2] = static_cast<T>((box.x1 + box.x2) / 8) - std::floor(static_cast<T>((box.x1 + box.x2) / 8));
        sizes[3] = static_cast<T>((box.y1 + box.y2) / 8) - std::floor(static_cast<T>((box.y1 + box.y2) / 8));
        const auto slopes = gradient<T>(x, vision::pack<T>({objects}));
        return std::all_of(slopes.data() + cell * 7 + 3, slopes.data() + cell * 7 + 7, [](T v) { return v == 0; });
    };
    const Object small{{8, 8, 16, 16}, 0}, large{{4, 6, 20, 18}, 1}, wide{{6, 11, 18, 15}, 2}, high{{11, 6, 15, 18}, 0};
    CHECK(at_centre({small, large}));
    CHECK_FALSE(at_centre({large, small}));
    CHECK(at_centre({wide, high}));
    CHECK(at_centre({high, wide}));
}

TEST_CASE("boxes are cut at the edges of the image", "[vision]") {
    const auto x = prediction<double>(3, 1);
    const auto of = [&](const vision::Box& box) { return vision::center_net_loss(x, vision::pack<double>({{{box, 1}}})).item(); };
    CHECK(of({-10, -4, 6, 9}) == of({0, 0, 6, 9}));
    CHECK(of({20, 10, 100, 25}) == of({20, 10, 32, 24}));
    CHECK(std::isfinite(of({31.999F, 23.999F, 32, 24})));
    CHECK(of({-100, -100, 100, 100}) == of({0, 0, 32, 24}));
    CHECK_THROWS_WITH(of({32, 0, 40, 8}),
                      "[center_net_loss] expected boxes that reach into the image, 32 by 24 pixels, got "
                      "[32, 0, 40, 8] at image 0, row 0");
}

TEST_CASE("weights of images are relative to the largest", "[vision]") {
    const auto x = prediction<double>(4);
    const auto values = vision::pack<double>(two_images);
    const auto of = [&](double a, double b) {
        return vision::center_net_loss(x, {values, {.mask = {}, .weight = Tensor<double>{{2}, {a, b}}}}).item();
    };
    CHECK(of(3, 3) == vision::center_net_loss(x, values).item());
    CHECK(of(1, 4) == of(0.5, 2));
    const double first = vision::center_net_loss(x.slice(0, 1), values.slice(0, 1)).item() * 2;  // of two objects
    const double second = vision::center_net_loss(x.slice(1, 2), values.slice(1, 2)).item();
    CHECK(of(1, 4) == Approx((first / 4 + second) / (0.5 + 1)).epsilon(1e-12));
}

TEST_CASE("the loss has the same bits on any number of threads, and again", "[vision]") {
    Random random{5};
    const auto x = Tensor<float>::normal({6, 40, 50, 7}, random);
    std::vector<std::vector<Object>> objects(6);
    for (auto& image : objects)
        for (int i = 0; i < 10; ++i) {
            const float left = random.uniform(0.0F, 150.0F), top = random.uniform(0.0F, 120.0F);
            image.push_back({{left, top, left + random.uniform(1.0F, 50.0F), top + random.uniform(1.0F, 40.0F)}, random.below(3)});
        }
    const Target<float> target{vision::pack(objects)};
    const auto run = [&](int threads) {
        const testing::Threads with{threads};
        return std::pair{vision::center_net_loss(x, target).item(), gradient<float>(x, target)};
    };
    const auto expected = run(1);
    CHECK(run(1) == expected);
    CHECK(run(3) == expected);
}

TEST_CASE("bad targets and options are refused with their place", "[vision]") {
    const auto x = prediction<float>();
    auto values = vision::pack(two_images);
    const auto with = [&](Index i, float value) {
        auto changed = values;
        changed[i] = value;
        return Target<float>{changed};
    };
    const vision::CenterNet loss;
    CHECK_THROWS_WITH(loss(x, with(9, 3)),
                      "[center_net_loss] expected a class in [0, 3) or a negative one for no object, got 3 at image 0, "
                      "row 1");
    CHECK_THROWS_AS(loss(x, with(9, 0.5F)), ValueError);
    CHECK_THROWS_AS(loss(x, with(9, std::nanf(""))), ValueError);
    CHECK_THROWS_WITH(loss(x, with(12, 10)),
                      "[center_net_loss] expected a finite box [x1, y1, x2, y2] with x1 < x2 and y1 < y2, got "
                      "[10, 2, 10, 22] at image 1, row 0");
    CHECK_THROWS_AS(loss(x, with(11, std::nanf(""))), ValueError);
    CHECK_THROWS_WITH(loss(x, {values, Tensor<bool>{values.shape()}}),
                      "[center_net_loss] expected a mask for images (2,), got one for elements (2, 2, 5)");
    CHECK_THROWS_WITH((vision::CenterNet{{.stride = 0}}), "[center_net_loss] expected a stride above 0, got 0");
    CHECK_THROWS_AS((vision::CenterNet{{.size_weight = -1}}), ValueError);
    CHECK_THROWS_AS((vision::CenterNet{{.offset_weight = INFINITY}}), ValueError);
    CHECK_THROWS_AS((vision::CenterNet{{.minimum_overlap = 1}}), ValueError);
}

TEMPLATE_TEST_CASE("a head has the map's size, and says 10 % at first", "[vision]", float, double) {
    using T = TestType;
    manual_seed(1);
    auto head = vision::center_head<T>(5, 3, {.hidden = 8});
    const auto y = head(Variable<T>{Tensor<T>{Shape{2, 4, 6, 5}}}).value();
    CHECK(y.shape() == Shape{2, 4, 6, 7});
    auto zero = vision::center_head<T>(1, 2, {.hidden = 1});
    auto last = zero.begin();
    std::advance(last, 2);
    const auto& bias = last->template get_if<nn::Conv2d<T>>()->bias().value();
    CHECK(bias == Tensor<T>{{6}, {T(-2.19), T(-2.19), 0, 0, 0, 0}});
    CHECK_THROWS_AS(vision::center_head<T>(5, 0), ValueError);
    CHECK_THROWS_AS(vision::center_head<T>(5, 1, {.hidden = 0}), ValueError);
}

TEST_CASE("a small net learns four images by heart, and their squares are found", "[vision]") {
    manual_seed(3);
    const Objects objects{{{{4, 4, 12, 12}, 0}}, {{{16, 8, 28, 20}, 1}}, {}, {{{2, 18, 10, 26}, 1}, {{18, 2, 30, 14}, 0}}};
    Tensor<float> images{Shape{4, 32, 32, 2}};
    for (std::size_t n = 0; n < objects.size(); ++n)
        for (const auto& [box, label] : objects[n])
            for (auto y = static_cast<Index>(box.y1); y < static_cast<Index>(box.y2); ++y)
                for (auto x = static_cast<Index>(box.x1); x < static_cast<Index>(box.x2); ++x)
                    images.at(static_cast<Index>(n), y, x, label) = 1;
    nn::Sequential net{nn::Conv2d{2, 12, {3, 3}, {.stride = 2, .padding = 1}}, nn::ReLU{},
                       nn::Conv2d{12, 24, {3, 3}, {.stride = 2, .padding = 1}}, nn::ReLU{}, vision::center_head(24, 2, {.hidden = 32})};
    const vision::CenterNet loss{{.size_weight = 0.5}};
    const Target<float> target{vision::pack(objects)};
    optim::Adam optimizer{net.parameters(), {.learning_rate = 0.01}};
    for (int step = 0; step < 250; ++step) {
        optimizer.zero_grad();
        loss(net(images), target).backward();
        optimizer.step();
    }
    const auto found = vision::decode_centers(net(images).value(), {.score_threshold = 0.5});
    for (std::size_t n = 0; n < objects.size(); ++n) {
        CAPTURE(n);
        REQUIRE(found[n].size() == objects[n].size());
        for (const Object& object : objects[n])
            CHECK(std::any_of(found[n].begin(), found[n].end(), [&](const vision::Detection& detection) {
                return detection.label == object.label && iou(detection.box, object.box) > 0.75F;
            }));
    }
}
