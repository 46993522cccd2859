// SPDX-License-Identifier: MIT
/// @file What the losses of dense prediction and of boxes have in common: masks, weights, constants and copies of options.
#include <espalier/losses/box_iou.hpp>
#include <espalier/losses/cosine.hpp>
#include <espalier/losses/cross_entropy.hpp>
#include <espalier/losses/dice.hpp>
#include <espalier/losses/focal.hpp>
#include <espalier/losses/lovasz.hpp>
#include <espalier/losses/scale_invariant.hpp>
#include <espalier/losses/tversky.hpp>

#include "losses/testing.hpp"

#include <cmath>
#include <string>
#include <utility>

using namespace espalier;
using namespace testing;
using losses::Reduction;
using losses::Target;

namespace {

struct Case {
    std::string name;
    losses::Loss<double> loss;
    Tensor<double> x;
    Target<double> target;
};

Tensor<Index> labels_of(const Shape& shape, Index classes, Random& random) {
    auto result = Tensor<Index>::empty(shape);
    for (Index& label : result)
        label = random.below(classes);
    return result;
}

Tensor<double> boxes_of(const Shape& shape, Random& random) {
    Tensor<double> result{shape};
    for (Index i = 0; i < result.numel(); ++i)
        result[i] = i % 4 < 2 ? random.uniform(0.0, 2.0) : result[i - 2] + random.uniform(0.5, 2.0);
    return result;
}

/// Every loss with every reduction, of four samples.
std::vector<Case> all_cases() {
    Random random{7};
    std::vector<Case> result;
    const auto x = Tensor<double>::normal({4, 3, 3}, random);
    const auto boxes = boxes_of({4, 2, 4}, random);
    const auto depths = Tensor<double>::uniform({4, 3, 3}, random, 0.5, 4);
    const Target<double> labels = labels_of({4, 3}, 3, random);
    const Target<double> answers = labels_of({4, 3, 3}, 2, random).cast<double>();
    const Target<double> true_boxes = boxes_of({4, 2, 4}, random);
    const Target<double> true_depths = Tensor<double>::uniform({4, 3, 3}, random, 0.5, 4);
    const Target<double> vectors = Tensor<double>::normal({4, 3, 3}, random);
    for (const Reduction r : {Reduction::mean, Reduction::sum, Reduction::none}) {
        result.push_back({"sigmoid focal", losses::SigmoidFocal<double>{{.reduction = r}}, x, answers});
        result.push_back({"focal", losses::FocalCrossEntropy<double>{{.reduction = r}}, x, labels});
        for (const bool each : {false, true}) {
            result.push_back({"dice", losses::Dice<double>{{.per_sample = each, .reduction = r}}, x, labels});
            result.push_back({"dice of answers", losses::Dice<double>{{.per_sample = each, .reduction = r}}, x, answers});
            result.push_back({"tversky", losses::Tversky<double>{{.exponent = 0.75, .per_sample = each, .reduction = r}}, x, labels});
            result.push_back({"lovasz", losses::LovaszSoftmax<double>{{.per_image = each, .reduction = r}}, x, labels});
            result.push_back({"hinge", losses::LovaszHinge<double>{{.per_image = each, .reduction = r}}, x, answers});
        }
        result.push_back({"giou", losses::GeneralizedBoxIou<double>{{.reduction = r}}, boxes, true_boxes});
        result.push_back({"diou", losses::DistanceBoxIou<double>{{.reduction = r}}, boxes, true_boxes});
        result.push_back({"ciou", losses::CompleteBoxIou<double>{{.constant_alpha = false, .reduction = r}}, boxes, true_boxes});
        result.push_back({"depth", losses::ScaleInvariant<double>{{.reduction = r}}, x, true_depths});
        result.push_back({"depth as such", losses::ScaleInvariant<double>{{.log_depth = false, .reduction = r}}, depths, true_depths});
        result.push_back({"cosine", losses::Cosine<double>{{.reduction = r}}, x, vectors});
    }
    return result;
}

Target<double> with(const Target<double>& target, const losses::TargetOptions<double>& options) {
    return target.has_labels() ? Target<double>{target.labels(), options} : Target<double>{target.values(), options};
}

}  // namespace

TEST_CASE("dense losses leave out samples, whatever those hold, and are a constant 0 over nothing", "[losses]") {
    for (const Case& c : all_cases()) {
        CAPTURE(c.name);
        require_masked(c.loss, c.x, c.target);
    }
}

TEST_CASE("the gradients of dense losses hold with masked elements and weights", "[losses][gradcheck]") {
    for (const Case& c : all_cases()) {
        CAPTURE(c.name);
        auto mask = Tensor<bool>::full(c.target.shape(), true);
        auto x = c.x;
        mask[1] = false;
        const auto weighted = with(c.target, {.mask = mask, .weight = Tensor<double>{{4}, {0.5, 2, 0, 1}}});
        require_gradients(c.loss, x, weighted);
        const Index each = x.numel() / mask.numel();  // predictions of an element
        for (Index i = each; i < 2 * each; ++i)
            x[i] = std::nan("");
        for (Index i = 2 * x.numel() / 4; i < 3 * x.numel() / 4; ++i)  // the sample of weight 0
            x[i] = std::nan("");
        const Variable<double> spoilt{x, true};
        const auto y = c.loss(spoilt, weighted);
        REQUIRE(y.value() == c.loss(Variable<double>{c.x}, weighted).value());
        const auto gradient = autograd::vjp(y, Tensor<double>::ones(y.shape().prepended(1)), std::span{&spoilt, 1})[0];
        for (const double g : gradient)
            REQUIRE(std::isfinite(g));
        for (Index i = each; i < 2 * each; ++i)
            REQUIRE(gradient[i] == 0);
    }
}

TEST_CASE("a sample of weight 2 counts as one that is there twice", "[losses]") {
    for (const Case& c : all_cases()) {
        CAPTURE(c.name);
        const std::vector<Index> twice{0, 0, 1, 2, 3};
        const auto expected = c.loss(Variable<double>{c.x.gather(twice)}, c.target.gather(twice)).value();
        if (expected.rank() == 0 && expected.numel() == 1) {
            const auto weighted = with(c.target, {.mask = {}, .weight = Tensor<double>{{4}, {2, 1, 1, 1}}});
            REQUIRE(c.loss(Variable<double>{c.x}, weighted).item() == Approx(expected.item()).epsilon(1e-12));
        }
    }
}

TEST_CASE("dense losses of no sample, and of samples of no pixel, are a constant 0", "[losses]") {
    for (const Case& c : all_cases()) {
        CAPTURE(c.name);
        for (const int axis : {0, 1}) {
            const Shape shape = c.x.shape().with(axis, 0);
            const Target<double> nothing = c.target.has_labels() ? Target<double>{Tensor<Index>{shape.without(-1)}}
                                                                 : Target<double>{Tensor<double>{shape}};
            const auto loss = c.loss(Variable<double>{Tensor<double>{shape}, true}, nothing);
            REQUIRE_FALSE(loss.requires_grad());
            for (const double value : loss.value())
                REQUIRE(value == 0);
        }
    }
}

TEST_CASE("the focal loss with gamma 0 is the cross-entropy, and stands large logits", "[losses]") {
    Random random{3};
    const auto x = Tensor<double>::normal({6, 4}, random);
    const auto y = labels_of({6}, 4, random);
    const Tensor<double> weight{{4}, {0.5, 1, 2, 0}};
    const Tensor<double> of_samples{{6}, {1, 2, 0.5, 1, 1, 3}};
    for (const Reduction r : {Reduction::mean, Reduction::sum, Reduction::none}) {
        const Target<double> target{y, {.mask = {}, .weight = of_samples}};
        const auto focal = losses::focal_cross_entropy(Variable<double>{x}, target, {.gamma = 0, .weight = weight, .reduction = r}).value();
        const auto plain = losses::cross_entropy(Variable<double>{x}, target, {.weight = weight, .reduction = r}).value();
        for (Index i = 0; i < plain.numel(); ++i)
            REQUIRE(focal[i] == Approx(plain[i]).epsilon(1e-13));
    }
    for (const double gamma : {0.0, 0.5, 1.0, 2.0}) {
        require_loss(losses::FocalCrossEntropy<double>{{.gamma = gamma, .reduction = Reduction::sum}},
                     Tensor<double>{{2, 2}, {1000, -1000, 1000, -1000}}, Tensor<Index>{{2}, {0, 1}}, {2000}, {0, 0, 1, -1});
        require_loss(losses::SigmoidFocal<double>{{.alpha = -1, .gamma = gamma, .reduction = Reduction::sum}},
                     Tensor<double>{{2}, {1000, 1000}}, Tensor<double>{{2}, {1, 0}}, {1000}, {0, 1});
    }
}

TEST_CASE("Dice, Tversky and Lovász of perfect and of wholly wrong predictions", "[losses]") {
    const Tensor<double> right{{1, 4, 2}, {900, -900, 900, -900, -900, 900, -900, 900}};
    const Tensor<Index> labels{{1, 4}, {0, 0, 1, 1}};
    const Tensor<Index> wrong{{1, 4}, {1, 1, 0, 0}};
    const auto check = [&](const losses::Loss<double>& loss) {
        REQUIRE(loss(Variable<double>{right}, labels).item() == 0);
        REQUIRE(loss(Variable<double>{right}, wrong).item() == 1);
    };
    check(losses::Dice<double>{{.smooth = 0}});
    check(losses::Tversky<double>{{.smooth = 0, .exponent = 0.75}});
    check(losses::LovaszSoftmax<double>{});
    // One class is there: of half the pixels wrong, the Jaccard index is a half.
    REQUIRE(losses::lovasz_softmax_loss(Variable<double>{right}, Tensor<Index>{{1, 4}, {0, 0, 0, 0}}).item() == 0.5);
    REQUIRE(losses::lovasz_softmax_loss(Variable<double>{right}, Tensor<Index>{{1, 4}, {0, 0, 0, 0}}, {.all_classes = true}).item() ==
            0.75);
    const auto dice = losses::dice_loss(Variable<float>{Tensor<float>{{1, 1}, {-900}}}, Tensor<float>{{1, 1}}, {.smooth = 0});
    REQUIRE(dice.item() == 0);  // nothing, and nothing predicted
}

TEST_CASE("boxes that are equal, apart and of nothing", "[losses]") {
    const Tensor<double> box{{1, 4}, {0, 0, 1, 1}};
    const Tensor<double> away{{1, 4}, {2, 0, 3, 1}};
    REQUIRE(losses::generalized_box_iou_loss(box, box).item() == Approx(0).margin(1e-6));
    REQUIRE(losses::complete_box_iou_loss(box, box).item() == Approx(0).margin(1e-6));
    REQUIRE(losses::generalized_box_iou_loss(box, away).item() == Approx(1 + 1.0 / 3).epsilon(1e-6));
    REQUIRE(losses::distance_box_iou_loss(box, away).item() == Approx(1 + 4.0 / 10).epsilon(1e-6));
    REQUIRE(std::isfinite(losses::generalized_box_iou_loss(Tensor<double>{{1, 4}}, Tensor<double>{{1, 4}}).item()));
}

TEST_CASE("a predicted box without height or width has finite slopes", "[losses]") {
    const Tensor<double> truth{{1, 4}, {0, 0, 2, 1}};
    for (const Tensor<double>& box : {Tensor<double>{{1, 4}, {0, 1, 3, 1}}, Tensor<double>{{1, 4}, {1, 0, 1, 4}}, Tensor<double>{{1, 4}}})
        for (const bool constant : {false, true}) {
            const Variable<double> x{box, true};
            const auto loss = losses::complete_box_iou_loss(x, truth, {.constant_alpha = constant});
            REQUIRE(std::isfinite(loss.item()));
            loss.backward();
            for (const double slope : x.grad())
                REQUIRE(std::isfinite(slope));
        }
    const Variable<double> x{truth, true};
    losses::complete_box_iou_loss(x, Tensor<double>{{1, 4}, {0, 1, 3, 1}}).backward();  // nor does a true one without height spoil them
    for (const double slope : x.grad())
        REQUIRE(std::isfinite(slope));
}

TEST_CASE("Lovász losses of NaN are NaN, however many predictions there are", "[losses]") {
    Random random{11};
    const Index count = 3000;
    auto x = Tensor<float>::normal({1, count}, random);
    for (Index i = 0; i < count; ++i)
        if (random.below(3) == 0)
            x[i] = std::nanf("");
    const auto answers = labels_of({1, count}, 2, random);
    const Variable<float> logits{x, true};
    const auto hinge = losses::lovasz_hinge_loss(logits, answers.cast<float>());
    REQUIRE(std::isnan(hinge.item()));
    hinge.backward();
    REQUIRE(std::isnan(logits.grad()[0]));
    const Variable<float> of_two{x.reshape({count / 2, 2}), true};
    const auto softmax = losses::lovasz_softmax_loss(of_two, answers.reshape({count}).slice(0, count / 2));
    REQUIRE(std::isnan(softmax.item()));
    softmax.backward();
    REQUIRE(std::isnan(of_two.grad()[0]));
}

TEST_CASE("the scale-invariant loss with lambda 1 forgives a common factor", "[losses]") {
    Random random{5};
    const auto depth = Tensor<float>::uniform({2, 5, 1}, random, 1, 9);
    auto twice = depth;
    for (float& d : twice)
        d *= 2;
    const auto loss = [&](double lambda) {
        return losses::scale_invariant_loss(twice, depth, {.lambda = lambda, .log_depth = false}).item();
    };
    REQUIRE(loss(1) == Approx(0).margin(1e-12));
    REQUIRE(loss(0.5) == Approx(std::log(2.0) * std::log(2.0) / 2));
    const Target<float> unmeasured{Tensor<float>{{1, 2}, {0, 1}}, Tensor<bool>{{1, 2}, {false, true}}};
    REQUIRE(losses::scale_invariant_loss(Tensor<float>{{1, 2}, {5, 3}}, unmeasured).item() == 4.5F);
    REQUIRE_THROWS_WITH(losses::scale_invariant_loss(Tensor<float>{{2, 1}}, Tensor<float>{{2, 1}, {1, 0}}),
                        "[scale_invariant_loss] expected depths above 0, got 0 at sample 1");
}

TEST_CASE("dense losses refuse bad options when they are made", "[losses]") {
    REQUIRE_THROWS_WITH(losses::SigmoidFocal{{.alpha = 2}}, "[sigmoid_focal_loss] expected an alpha in [0, 1], or -1, got 2");
    REQUIRE_THROWS_WITH(losses::SigmoidFocal{{.gamma = -1}}, "[sigmoid_focal_loss] expected a finite gamma of at least 0, got -1");
    REQUIRE_THROWS_WITH(losses::FocalCrossEntropy<float>{{.gamma = -1}},
                        "[focal_cross_entropy] expected a finite gamma of at least 0, got -1");
    REQUIRE_THROWS_WITH(losses::FocalCrossEntropy<float>({.weight = Tensor<float>{{1}, {-1}}}),
                        "[focal_cross_entropy] expected finite class weights of at least 0, got -1");
    REQUIRE_THROWS_WITH(losses::focal_cross_entropy(Tensor<float>{{1, 3}}, Tensor<Index>{{1}}, {.weight = Tensor<float>{{2}}}),
                        "[focal_cross_entropy] expected class weights of shape (3,), got (2,)");
    REQUIRE_THROWS_WITH(losses::Tversky{{.alpha = -1}}, "[tversky_loss] expected finite alpha, beta and smooth of at least 0, got -1");
    REQUIRE_THROWS_WITH(losses::Tversky{{.exponent = 0}}, "[tversky_loss] expected a finite exponent above 0, got 0");
    REQUIRE_THROWS_WITH(losses::Dice{{.smooth = -1}}, "[dice_loss] expected a finite smooth of at least 0, got -1");
    REQUIRE_THROWS_WITH(losses::ScaleInvariant{{.lambda = 2}}, "[scale_invariant_loss] expected a lambda in [0, 1], got 2");
    REQUIRE_THROWS_WITH(losses::lovasz_hinge_loss(Tensor<float>{{2, 1}}, Tensor<float>{{2, 1}, {1, 0.5}}),
                        "[lovasz_hinge_loss] expected values 0 and 1, got 0.5 at sample 1");
    const Tensor<float> bytes{{2, 2, 1}, {0, 1, 1, 255}};
    REQUIRE_THROWS_WITH(losses::dice_loss(Tensor<float>{{2, 2, 1}}, bytes), "[dice_loss] expected values in [0, 1], got 255 at sample 1");
    REQUIRE_THROWS_WITH(losses::tversky_loss(Tensor<float>{{2, 2, 1}}, bytes),
                        "[tversky_loss] expected values in [0, 1], got 255 at sample 1");
    REQUIRE_NOTHROW(losses::dice_loss(Tensor<float>{{2, 2, 1}}, Target<float>{bytes, Tensor<bool>{{2}, {true, false}}}));
    const Tensor<float> mixed{{1, 2, 1}, {0.3F * 1 + 0.7F * 1 + 1e-7F, -1e-7F}};  // what rounding leaves of 1 and 0
    REQUIRE_NOTHROW(losses::dice_loss(Tensor<float>{{1, 2, 1}}, mixed));
    REQUIRE_NOTHROW(losses::cross_entropy(Tensor<float>{{1, 2}}, mixed.reshape({1, 2})));
    REQUIRE_THROWS_WITH(losses::dice_loss(Tensor<float>{{2}}, Tensor<float>{{2}}),
                        "[dice_loss] expected logits (N, ..., channels), got (2,)");
    REQUIRE_THROWS_WITH(losses::cosine_loss(Tensor<float>{{2}}, Tensor<float>{{2}}),
                        "[cosine_loss] expected vectors (N, ..., K), got (2,)");
}
