// SPDX-License-Identifier: MIT
#include <espalier/autograd/reduction.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/losses/cross_entropy.hpp>

#include "losses/testing.hpp"
#include "threads.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace espalier;
using namespace testing;
using losses::CrossEntropy;
using losses::Reduction;

namespace {

// The numbers of this file: torch 2.13, F.cross_entropy(x, y, weight=w, label_smoothing=s, reduction=r) in float64.
const Tensor<double> logits{{4, 3}, {0.5, -1.25, 2.0, 1.5, 0.25, -0.75, -2.0, 3.0, 0.125, 0.0, 1.0, -1.0}};
const Tensor<Index> labels{{4}, {2, 0, -100, 1}};
const Tensor<double> weight{{3}, {0.5, 2.0, 1.25}};

std::vector<losses::CrossEntropyOptions<double>> all_options() {
    std::vector<losses::CrossEntropyOptions<double>> all;
    for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none})
        for (const double smoothing : {0.0, 0.3, 1.0})
            for (const bool weighted : {false, true}) {
                all.push_back({.ignore_index = 1, .label_smoothing = smoothing, .reduction = reduction});
                if (weighted)
                    all.back().weight = weight;
            }
    return all;
}

}  // namespace

TEST_CASE("cross_entropy equals PyTorch's", "[losses]") {
    require_loss(CrossEntropy<double>{}, logits, labels, {0.3236335189845457},
                 {0.05894006070248143, 0.01024224677547881, -0.06918230747796024, -0.09385321961631168, 0.06861220133255051,
                  0.02524101828376117, 0, 0, 0, 0.08157615701826587, -0.1115863480750594, 0.030010191056793478});
    require_loss(CrossEntropy<double>{{.reduction = Reduction::sum}}, logits, labels, {0.9709005569536371}, {});
    require_loss(CrossEntropy<double>{{.reduction = Reduction::none}}, logits, labels,
                 {0.23262198310203266, 0.3306726094072241, 0, 0.4076059644443804},
                 {0.1768201821074443, 0.030726740326436432, -0.20754692243388073, -0.2815596588489351, 0.20583660399765155,
                  0.07572305485128351, 0, 0, 0, 0.24472847105479764, -0.3347590442251782, 0.09003057317038043});
}

TEST_CASE("cross_entropy with class weights equals PyTorch's", "[losses]") {
    require_loss(CrossEntropy<double>{{.weight = weight}}, logits, labels, {0.33902018999197703},
                 {0.05894006070248143, 0.01024224677547881, -0.06918230747796024, -0.037541287846524676, 0.027444880533020206,
                  0.010096407313504469, 0, 0, 0, 0.1305218512292254, -0.17853815692009506, 0.048016305690869565});
    require_loss(CrossEntropy<double>{{.weight = weight, .reduction = Reduction::sum}}, logits, labels, {1.2713257124699138},
                 {0.22102522763430538, 0.03840842540804554, -0.2594336530423509, -0.14077982942446754, 0.10291830199882578,
                  0.03786152742564176, 0, 0, 0, 0.4894569421095953, -0.6695180884503564, 0.18006114634076087});
    require_loss(CrossEntropy<double>{{.weight = weight, .reduction = Reduction::none}}, logits, labels,
                 {0.29077747887754085, 0.16533630470361205, 0, 0.8152119288887608}, {});
}

TEST_CASE("cross_entropy with label smoothing equals PyTorch's", "[losses]") {
    require_loss(CrossEntropy<double>{{.label_smoothing = 0.3}}, logits, labels, {0.6986335189845456},
                 {0.025606727369148097, -0.023091086557854523, -0.0025156408112935883, -0.027186552949645035, 0.03527886799921718,
                  -0.008092315049572163, 0, 0, 0, 0.048242823684932545, -0.044919681408392746, -0.0033231422765398564});
    require_loss(CrossEntropy<double>{{.label_smoothing = 0.3, .reduction = Reduction::sum}}, logits, labels, {2.095900556953637}, {});
    require_loss(CrossEntropy<double>{{.label_smoothing = 0.3, .reduction = Reduction::none}}, logits, labels,
                 {0.7076219831020326, 0.6806726094072241, 0, 0.7076059644443804}, {});
    require_loss(CrossEntropy<double>{{.weight = weight, .label_smoothing = 0.3}}, logits, labels, {0.7494041886897476},
                 {0.045606727369148094, -0.04309108655785452, -0.0025156408112935883, 0.032231799289205866, -0.013538256560454036,
                  -0.018693542728751854, 0, 0, 0, 0.10250480963260421, -0.1117859475999177, 0.009281137967313401});
    require_loss(CrossEntropy<double>{{.weight = weight, .label_smoothing = 0.3, .reduction = Reduction::sum}}, logits, labels,
                 {2.8102657075865536},
                 {0.1710252276343054, -0.16159157459195445, -0.009433653042350915, 0.12086924733452209, -0.05076846210170261,
                  -0.07010078523281944, 0, 0, 0, 0.3843930361222658, -0.41919730349969125, 0.03480426737742528});
    require_loss(CrossEntropy<double>{{.weight = weight, .label_smoothing = 0.3, .reduction = Reduction::none}}, logits, labels,
                 {1.0157774788775407, 0.7709876418202375, 0, 1.0235005868887752}, {});
}

TEST_CASE("cross_entropy takes classes on the last axis of anything", "[losses]") {
    // F.cross_entropy(x.reshape(2, 2, 3).permute(0, 2, 1), y.reshape(2, 2), weight=w, label_smoothing=0.1)
    require_loss(CrossEntropy<double>{{.weight = weight, .label_smoothing = 0.1}}, logits.reshape({2, 2, 3}), labels.reshape({2, 2}),
                 {0.4758148562245672}, {});
    Random random{1};
    const auto images = Tensor<double>::normal({2, 3, 2, 4}, random);
    const Variable<double> loss = losses::cross_entropy(
        Variable<double>{images}, Tensor<Index>{{2, 3, 2}, {0, 1, 2, 3, 3, 2, 1, 0, 0, 0, 1, 1}}, {.reduction = Reduction::none});
    REQUIRE(loss.shape() == Shape{2, 3, 2});
}

TEST_CASE("cross_entropy's gradients hold for all options", "[losses][gradcheck]") {
    for (const auto& options : all_options()) {
        CAPTURE(options.label_smoothing, options.weight.has_value(), static_cast<int>(options.reduction));
        const CrossEntropy<double> loss{options};
        require_gradients(loss, logits, Tensor<Index>{{4}, {2, 0, 1, 0}});
        require_gradients(loss, logits,
                          losses::Target<double>{Tensor<Index>{{4}, {2, 0, 2, 0}}, Tensor<bool>{{4}, {true, false, true, true}}});
        require_gradients(loss, logits.reshape({2, 2, 3}), Tensor<Index>{{2, 2}, {2, 0, 1, 0}});
        require_masked(loss, logits, Tensor<Index>{{4}, {2, 0, 0, 1}});
    }
}

TEST_CASE("cross_entropy over nothing is 0 and not NaN", "[losses]") {
    require_loss(CrossEntropy<double>{}, logits, Tensor<Index>::full({4}, -100), {0}, std::vector<double>(12));
    require_loss(CrossEntropy<double>{}, Tensor<double>{{0, 3}}, Tensor<Index>{{0}}, {0}, {});
    const Tensor<double> only_first{{3}, {1, 0, 0}};
    require_loss(CrossEntropy<double>{{.weight = only_first}}, logits, Tensor<Index>{{4}, {1, 1, 2, 2}}, {0}, std::vector<double>(12));
}

TEST_CASE("cross_entropy is a constant where no label counts: all ignored, or of class weight 0", "[losses]") {
    const Variable<double> x{logits, true};
    const Tensor<double> only_first{{3}, {1, 0, 0}};
    const Tensor<Index> others{{4}, {1, 1, 2, 2}};
    for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none}) {
        const auto constant = [&](const losses::CrossEntropyOptions<double>& options, const losses::Target<double>& target) {
            const auto y = losses::cross_entropy(x, target, options);
            REQUIRE(y.value() == Tensor<double>{y.shape()});
            return !y.requires_grad();
        };
        CHECK(constant({.reduction = reduction}, Tensor<Index>::full({4}, -100)));
        CHECK(constant({.ignore_index = 1, .reduction = reduction}, Tensor<Index>::full({4}, 1)));
        CHECK(constant({.weight = only_first, .reduction = reduction}, others));
        CHECK(constant({.weight = Tensor<double>{Shape{3}}, .label_smoothing = 0.3, .reduction = reduction}, others));
        CHECK(constant({.weight = only_first, .reduction = reduction},
                       {Tensor<Index>{{4}, {0, -100, 2, 0}},
                        {.mask = Tensor<bool>{{4}, {true, true, true, false}}, .weight = Tensor<double>{{4}, {0, 1, 1, 1}}}}));
        // One that counts is enough.
        CHECK(losses::cross_entropy(x, Tensor<Index>{{4}, {1, 0, 2, 2}}, {.weight = only_first, .reduction = reduction}).requires_grad());
    }
}

TEST_CASE("With label smoothing a label of class weight 0 still counts in a sum, as in PyTorch", "[losses]") {
    // torch 2.13: F.cross_entropy(x, y, weight=[1, 0, 0], label_smoothing=0.3, reduction=r), y = [1, 1, 2, 2], then [1, 0, 2, 2]
    const Tensor<double> only_first{{3}, {1, 0, 0}};
    const Tensor<Index> others{{4}, {1, 1, 2, 2}};
    const auto smoothed = [&](Reduction r) { return CrossEntropy<double>{{.weight = only_first, .label_smoothing = 0.3, .reduction = r}}; };
    require_loss(smoothed(Reduction::sum), logits, others, {0.8532140600185681}, {});
    require_loss(smoothed(Reduction::none), logits, others,
                 {0.17326219831020326, 0.033067260940722404, 0.5061240043232045, 0.14076059644443803}, {});
    require_loss(smoothed(Reduction::mean), logits, Tensor<Index>{{4}, {1, 0, 2, 2}}, {1.084684886603625}, {});
    REQUIRE(smoothed(Reduction::sum)(Variable<double>{logits, true}, others).requires_grad());
    // The mean divides by the weights of the labels, which are 0: PyTorch gives NaN.
    const auto mean = smoothed(Reduction::mean)(Variable<double>{logits, true}, others);
    REQUIRE(mean.item() == 0);
    REQUIRE_FALSE(mean.requires_grad());
}

TEST_CASE("An entry of weight 0 is not looked at", "[losses]") {
    const double nan = std::nan("");
    const Variable<double> x{Tensor<double>{{2, 2}, {0, 0, nan, nan}}, true};
    const auto y = losses::cross_entropy(x, Tensor<Index>{{2}, {0, 1}}, {.weight = Tensor<double>{{2}, {1, 0}}});
    REQUIRE(y.item() == Approx(std::log(2.0)));
    y.backward();
    auto leaf = x;
    REQUIRE(leaf.grad() == Tensor<double>{{2, 2}, {-0.5, 0.5, 0, 0}});
}

TEST_CASE("cross_entropy in float is right for many classes and many rows", "[losses]") {
    const Index classes = 50000;
    const double exact = std::log(static_cast<double>(classes));
    Random random{4};
    auto class_weight = Tensor<float>::uniform({classes}, random, 0.1F, 1);
    double total = 0;
    for (const float w : class_weight)
        total += static_cast<double>(w);
    for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none})
        for (const bool weighted : {false, true}) {
            CAPTURE(static_cast<int>(reduction), weighted);
            losses::CrossEntropyOptions<float> options{.label_smoothing = 0.1, .reduction = reduction};
            if (weighted)
                options.weight = class_weight;
            Variable<float> x{Tensor<float>{{1, classes}}, true};
            const auto y = losses::cross_entropy(x, Tensor<Index>{{1}, {7}}, options);
            const double own = weighted ? static_cast<double>(class_weight[7]) : 1;
            const double sum = weighted ? total : static_cast<double>(classes);
            const double divisor = reduction == Reduction::mean ? own : 1;
            const double mass = 0.9 * own + 0.1 / static_cast<double>(classes) * sum;
            REQUIRE(y.value()[0] == Approx(mass * exact / divisor).epsilon(1e-6));
            const auto gradient = autograd::vjp(y, Tensor<float>::ones(y.shape().prepended(1)), std::span<const Variable<float>>{&x, 1})[0];
            const double p = 1 / static_cast<double>(classes);
            const double w8 = weighted ? static_cast<double>(class_weight[8]) : 1;
            REQUIRE(gradient[8] == Approx((mass * p - 0.1 * p * w8) / divisor).epsilon(1e-5));
            REQUIRE(gradient[7] == Approx((mass * p - 0.1 * p * own - 0.9 * own) / divisor).epsilon(1e-5));
        }
    const Index rows = 200000;
    const auto many = losses::cross_entropy(Variable<float>{Tensor<float>{{rows, 3}}, true}, Tensor<Index>{{rows}},
                                            {.label_smoothing = 0.1});
    REQUIRE(many.item() == Approx(std::log(3.0)).epsilon(1e-6));
}

TEST_CASE("cross_entropy stands large logits, and lets NaN of labelled samples through", "[losses]") {
    require_loss(CrossEntropy<double>{{.reduction = Reduction::none}}, Tensor<double>{{2, 2}, {1000, -1000, 1000, -1000}},
                 Tensor<Index>{{2}, {0, 1}}, {0, 2000}, {0, 0, 1, -1});
    const Variable<double> x{Tensor<double>{{1, 2}, {0, std::nan("")}}, true};
    REQUIRE(std::isnan(losses::cross_entropy(x, Tensor<Index>{{1}, {0}}).item()));
}

TEST_CASE("cross_entropy does not look at labels of unlabelled samples", "[losses]") {
    const losses::Target<double> target{Tensor<Index>{{4}, {2, 99, 0, -7}}, Tensor<bool>{{4}, {true, false, true, false}}};
    REQUIRE_NOTHROW(losses::cross_entropy(Variable<double>{logits}, target));
}

TEST_CASE("cross_entropy has the same bits for any number of threads", "[losses][threads]") {
    Random random{3};
    const auto x = Tensor<float>::normal({20000, 10}, random);
    auto y = Tensor<Index>::empty({20000});
    for (Index& label : y)
        label = random.below(10);
    std::vector<Tensor<float>> gradients;
    std::vector<float> values;
    for (const int threads : {1, 2, 4}) {
        const testing::Threads guard{threads};
        Variable<float> logits_of_run{x, true};
        const auto loss = losses::cross_entropy(logits_of_run, y, {.label_smoothing = 0.1});
        loss.backward();
        values.push_back(loss.item());
        gradients.push_back(logits_of_run.grad());
    }
    REQUIRE(values[0] == values[1]);
    REQUIRE(values[0] == values[2]);
    REQUIRE(gradients[0] == gradients[1]);
    REQUIRE(gradients[0] == gradients[2]);
}

TEST_CASE("cross_entropy names what does not fit", "[losses]") {
    const Variable<float> x{Tensor<float>{{4, 10}}, true};
    const losses::CrossEntropy loss;
    REQUIRE_THROWS_AS(loss(x, Tensor<Index>{{4}, {0, 1, 2, 12}}), ValueError);
    REQUIRE_THROWS_WITH(loss(x, Tensor<Index>{{4}, {0, 1, 2, 12}}), "[cross_entropy] expected labels in [0, 10), got 12 at sample 3");
    REQUIRE_THROWS_WITH(loss(x, Tensor<Index>{{4}, {0, -1, 2, 3}}), "[cross_entropy] expected labels in [0, 10), got -1 at sample 1");
    REQUIRE_THROWS_WITH(loss(Variable<float>{Tensor<float>{{2, 2, 3}}}, Tensor<Index>{{2, 2}, {0, 0, 0, 3}}),
                        "[cross_entropy] expected labels in [0, 3), got 3 at sample 1");
    REQUIRE_THROWS_AS(loss(x, Tensor<Index>{{3}}), ShapeError);
    REQUIRE_THROWS_WITH(loss(x, Tensor<Index>{{3}}), "[cross_entropy] expected labels of shape (4,) for logits (4, 10), got (3,)");
    REQUIRE_THROWS_WITH(loss(x, Tensor<Index>{{4, 1}}),
                        "[cross_entropy] expected labels of shape (4,) for logits (4, 10), got (4, 1): reshape them to (4,)");
    REQUIRE_THROWS_AS(loss(x, Tensor<float>{Shape{4, 9}}), StateError);
    REQUIRE_THROWS_WITH(loss(x, Tensor<float>{Shape{4, 9}}),
                        "[cross_entropy] expected a target of class indices, got values of shape (4, 9): give labels as a Tensor<Index>");
    REQUIRE_THROWS_WITH(loss(Variable<float>{Tensor<float>{{4}}}, Tensor<Index>{{4}}),
                        "[cross_entropy] expected logits (N, ..., classes), got (4,)");
    REQUIRE_THROWS_WITH(loss(Variable<float>{Tensor<float>{{4, 0}}}, Tensor<Index>{{4}}),
                        "[cross_entropy] expected logits (N, ..., classes), got (4, 0)");
}

TEST_CASE("cross_entropy refuses bad options when it is made", "[losses]") {
    REQUIRE_THROWS_WITH(CrossEntropy<float>{{.label_smoothing = 1.5}}, "[cross_entropy] expected a label_smoothing in [0, 1], got 1.5");
    REQUIRE_THROWS_AS(CrossEntropy<float>{{.label_smoothing = std::nan("")}}, ValueError);
    REQUIRE_THROWS_WITH(CrossEntropy<float>({.weight = Tensor<float>{{2, 1}}}),
                        "[cross_entropy] expected class weights of shape (classes,), got (2, 1)");
    REQUIRE_THROWS_WITH(CrossEntropy<float>({.weight = Tensor<float>{{2}, {1, -1}}}),
                        "[cross_entropy] expected finite class weights of at least 0, got -1");
    const CrossEntropy<double> loss{{.weight = weight}};
    REQUIRE_THROWS_WITH(loss(Variable<double>{Tensor<double>{{1, 4}}}, Tensor<Index>{{1}}),
                        "[cross_entropy] expected class weights of shape (4,), got (3,)");
}

TEMPLATE_TEST_CASE("cross_entropy of probabilities that are 0 and 1 is that of labels", "[losses]", float, double) {
    using T = TestType;
    Random random{3};
    const auto scores = Tensor<T>::normal({4, 2, 3}, random);
    const Tensor<Index> truth{{4, 2}, {0, 2, 1, 1, 0, 2, 2, 0}};
    Tensor<T> certain{scores.shape()};
    for (Index r = 0; r < 8; ++r)
        certain[3 * r + truth[r]] = 1;
    const Tensor<bool> samples{{4}, {true, false, true, true}};
    const Tensor<T> share{{4}, {1, 5, 0, T(0.5)}};
    for (const auto reduction : {Reduction::mean, Reduction::sum, Reduction::none})
        for (const double smoothing : {0.0, 0.3}) {
            const losses::CrossEntropyOptions<T> options{.label_smoothing = smoothing, .reduction = reduction};
            Variable<T> a{scores, true}, b{scores, true};
            const auto of_labels = losses::cross_entropy(a, losses::Target<T>{truth, {.mask = samples, .weight = share}}, options);
            const auto of_shares = losses::cross_entropy(b, losses::Target<T>{certain, {.mask = samples, .weight = share}}, options);
            REQUIRE(of_shares.shape() == of_labels.shape());
            autograd::sum(of_labels).backward();
            autograd::sum(of_shares).backward();
            for (Index i = 0; i < of_labels.value().numel(); ++i)
                CHECK(static_cast<double>(of_shares.value()[i]) == Approx(static_cast<double>(of_labels.value()[i])).margin(1e-6));
            for (Index i = 0; i < scores.numel(); ++i)
                CHECK(static_cast<double>(b.grad()[i]) == Approx(static_cast<double>(a.grad()[i])).margin(1e-6));
        }
}

TEST_CASE("cross_entropy does not look at probabilities that do not count", "[losses]") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const Tensor<double> scores{{3, 2}, {1, 2, nan, nan, 0, nan}};
    Tensor<double> q{{3, 2}, {0.25, 0.75, nan, 7, 0.5, 0.5}};
    Tensor<bool> mask{{3, 2}, {true, true, false, false, true, false}};  // of the last row only a part is known
    Variable<double> x{scores, true};
    const auto y = losses::cross_entropy(x, losses::Target<double>{q, mask});
    const double expected = -0.25 * std::log(1 / (1 + std::exp(1))) - 0.75 * std::log(1 / (1 + std::exp(-1)));
    CHECK(y.item() == Approx(expected));
    y.backward();
    CHECK((x.grad()[2] == 0 && x.grad()[5] == 0));
    const auto nothing = losses::cross_entropy(x, losses::Target<double>{q, Tensor<bool>{Shape{3}}});
    CHECK(nothing.item() == 0);
    CHECK_FALSE(nothing.requires_grad());
    CHECK(losses::cross_entropy(Tensor<double>{Shape{0, 4}}, Tensor<double>{Shape{0, 4}}).item() == 0);
    CHECK_THROWS_WITH(losses::cross_entropy(x, Tensor<double>{{3, 2}, {0, 1, 0, 1, 0, 1.5}}),
                      "[cross_entropy] expected probabilities in [0, 1], got 1.5 at sample 2");
    CHECK_THROWS_WITH(losses::cross_entropy(x, Tensor<double>{Shape{3, 2}}, {.weight = Tensor<double>::ones({3})}),
                      "[cross_entropy] expected class weights of shape (2,), got (3,)");
}

TEMPLATE_TEST_CASE("sequences of labels: what pads them counts for nothing, by a label or by a mask", "[losses]", float, double) {
    using T = TestType;
    Random random{4};
    auto values = Tensor<T>::normal({3, 4, 5}, random);
    const Tensor<Index> padded{{3, 4}, {2, 0, 4, -1, 1, -1, -1, -1, -1, -1, -1, -1}};
    const Tensor<Index> counted{{4}, {2, 0, 4, 1}};
    Tensor<T> rows{Shape{4, 5}};
    for (Index i = 0, to = 0; i < 12; ++i)
        if (padded[i] >= 0)
            std::copy_n(values.data() + i * 5, 5, rows.data() + 5 * to++);
        else
            std::fill_n(values.data() + i * 5, 5, std::numeric_limits<T>::quiet_NaN());
    Tensor<bool> mask{Shape{3, 4}};
    std::transform(padded.begin(), padded.end(), mask.begin(), [](Index label) { return label >= 0; });
    for (const Reduction reduction : {Reduction::mean, Reduction::sum}) {
        const Variable<T> x{values, true}, y{values, true}, alone{rows, true};
        const auto ignored = losses::cross_entropy(x, padded, {.ignore_index = -1, .reduction = reduction});
        const auto masked = losses::cross_entropy(y, {padded, mask}, {.reduction = reduction});
        const auto expected = losses::cross_entropy(alone, counted, {.reduction = reduction});
        CHECK(ignored.item() == expected.item());
        CHECK(masked.item() == expected.item());
        ignored.backward();
        masked.backward();
        expected.backward();
        CHECK(x.grad() == y.grad());
        for (Index i = 0, from = 0; i < 12; ++i) {
            for (Index c = 0; c < 5; ++c)
                CHECK(x.grad()[i * 5 + c] == (padded[i] >= 0 ? alone.grad()[from * 5 + c] : T(0)));
            from += padded[i] >= 0;
        }
    }
}
