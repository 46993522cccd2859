// SPDX-License-Identifier: MIT
// What holds for all losses alike: masks of elements, weights of samples, and that a loss over nothing is a constant.
#include <espalier/losses.hpp>

#include "losses/testing.hpp"

#include <functional>
#include <string>

using namespace espalier;
using namespace testing;
using losses::Reduction;
using losses::Target;
using losses::TargetOptions;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// A loss with any reduction, the shape of its predictions, and how many of them belong to one element of the target.
struct Kind {
    std::string name;
    std::function<losses::Loss<double>(Reduction)> make;
    Shape shape;
    Index classes = 0;  ///< of class indices; 0 for values
    std::optional<Tensor<double>> class_weight = {};
};

std::vector<Kind> kinds() {
    const Shape shape{4, 3};
    const Tensor<double> class_weight{{3}, {0.5, 2, 1.25}};
    return {{"mse", [](Reduction r) { return losses::MSE<double>{{r}}; }, shape},
            {"l1", [](Reduction r) { return losses::L1<double>{{r}}; }, shape},
            {"huber", [](Reduction r) { return losses::Huber<double>{{.delta = 0.7, .reduction = r}}; }, shape},
            {"bce",
             [](Reduction r) {
                 return losses::BCEWithLogits<double>{{.pos_weight = Tensor<double>{{3}, {2, 1, 0.5}}, .reduction = r}};
             },
             shape},
            {"bce of images", [](Reduction r) { return losses::BCEWithLogits<double>{{.reduction = r}}; }, {4, 2, 2, 1}},
            {"cross_entropy", [](Reduction r) { return losses::CrossEntropy<double>{{.reduction = r}}; }, {4, 3, 3}, 3},
            {"cross_entropy of classes",
             [=](Reduction r) { return losses::CrossEntropy<double>{{.weight = class_weight, .label_smoothing = 0.2, .reduction = r}}; },
             {4, 2, 2, 3},
             3,
             class_weight}};
}

Target<double> target_of(const Kind& kind, Random& random, TargetOptions<double> options = {}) {
    if (kind.classes == 0)
        return {Tensor<double>::uniform(kind.shape, random), std::move(options)};
    Tensor<Index> labels{kind.shape.without(-1)};
    for (Index& label : labels)
        label = random.below(kind.classes);
    return {std::move(labels), std::move(options)};
}

Target<double> with(const Target<double>& target, TargetOptions<double> options) {
    return target.has_labels() ? Target<double>{target.labels(), std::move(options)} : Target<double>{target.values(), std::move(options)};
}

/// A mask of elements that leaves out about a third, but not the first.
Tensor<bool> holes(const Shape& shape, Random& random) {
    auto mask = Tensor<bool>::full(shape, true);
    for (Index i = 1; i < mask.numel(); ++i)
        mask[i] = random.below(3) > 0;
    return mask;
}

const Tensor<double> weight{{4}, {0.5, 2, 0, 1.25}};

}  // namespace

TEST_CASE("Masks of elements and weights of samples give what their definition gives, for every loss", "[losses]") {
    Random random{7};
    for (const Kind& kind : kinds()) {
        CAPTURE(kind.name);
        const auto x = Tensor<double>::normal(kind.shape, random);
        const auto plain = target_of(kind, random);
        for (const auto& target :
             {with(plain, {.mask = holes(plain.shape(), random), .weight = {}}), with(plain, {.mask = {}, .weight = weight}),
              with(plain, {.mask = holes(plain.shape(), random), .weight = weight}),
              with(plain, {.mask = Tensor<bool>{{4}, {true, false, true, true}}, .weight = weight})}) {
            const Tensor<double> each = kind.make(Reduction::none)(x, plain).value();
            std::vector<double> expected;
            double sum = 0;
            double divisor = 0;
            for (Index i = 0; i < each.numel(); ++i) {
                const double w = target.weight_of(i);
                expected.push_back(w * each[i]);
                sum += expected.back();
                divisor += w * (kind.class_weight ? (*kind.class_weight)[plain.labels()[i]] : 1);
            }
            require_close(kind.make(Reduction::none)(x, target).value(), expected);
            require_close(kind.make(Reduction::sum)(x, target).value(), std::vector{sum});
            require_close(kind.make(Reduction::mean)(x, target).value(), std::vector{sum / divisor});
            for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none})
                require_gradients(kind.make(reduction), x, target);
        }
    }
}

TEST_CASE("What does not count may hold anything, and reaches neither loss nor gradient", "[losses]") {
    Random random{8};
    for (const Kind& kind : kinds()) {
        CAPTURE(kind.name);
        auto x = Tensor<double>::normal(kind.shape, random);
        const auto clean = target_of(kind, random);
        const TargetOptions<double> options{.mask = holes(clean.shape(), random), .weight = weight};
        const Target<double> counts = with(clean, options);
        const Index each = x.numel() / clean.shape().numel();
        auto y = x;
        Tensor<double> values = clean.has_labels() ? Tensor<double>{} : clean.values();
        Tensor<Index> labels = clean.has_labels() ? clean.labels() : Tensor<Index>{};
        for (Index i = 0; i < clean.shape().numel(); ++i) {
            if (counts.counts(i))
                continue;
            for (Index j = 0; j < each; ++j)
                y[i * each + j] = j % 2 ? INFINITY : not_a_number;
            if (clean.has_labels())
                labels[i] = 1000;
            else
                values[i] = not_a_number;
        }
        const Target<double> dirty = clean.has_labels() ? Target<double>{labels, options} : Target<double>{values, options};
        for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none}) {
            const Variable<double> a{x, true};
            const Variable<double> b{y, true};
            const auto loss = kind.make(reduction)(a, counts);
            const auto other = kind.make(reduction)(b, dirty);
            REQUIRE(other.value() == loss.value());
            const auto cotangents = Tensor<double>::normal(loss.shape().prepended(2), random);
            const auto gradient = autograd::vjp(loss, cotangents, std::span{&a, 1})[0];
            REQUIRE(autograd::vjp(other, cotangents, std::span{&b, 1})[0] == gradient);
            for (Index i = 0; i < gradient.numel(); ++i)
                REQUIRE((counts.counts(i % x.numel() / each) || gradient[i] == 0));
        }
    }
}

TEST_CASE("A mean with equal weights is the plain mean to the last bit, however large or small they are", "[losses]") {
    Random random{9};
    const auto x = Tensor<float>::normal({4, 3}, random);
    const auto values = Tensor<float>::normal({4, 3}, random);
    const Tensor<Index> labels{{4}, {0, 2, 1, 1}};
    const auto run = [&](const losses::Loss<float>& loss, const Target<float>& target) {
        Variable<float> prediction{x, true};
        const auto value = loss(prediction, target);
        value.backward();
        return std::pair{value.item(), prediction.grad()};
    };
    for (const float w : {1.0F, 0.3F, 1e-38F, 3e38F}) {
        const TargetOptions<float> equal{.mask = {}, .weight = Tensor<float>::full({4}, w)};
        REQUIRE(run(losses::MSE{}, {values, equal}) == run(losses::MSE{}, values));
        REQUIRE(run(losses::CrossEntropy{}, {labels, equal}) == run(losses::CrossEntropy{}, labels));
    }
}

TEST_CASE("A loss over nothing is a constant 0 and no node of the tape, for every loss and reduction", "[losses]") {
    Random random{10};
    for (const Kind& kind : kinds())
        for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none}) {
            CAPTURE(kind.name, static_cast<int>(reduction));
            const auto loss = kind.make(reduction);
            const auto plain = target_of(kind, random);
            const auto require_nothing = [&](const Tensor<double>& x, const Target<double>& target) {
                const Variable<double> y = loss(Variable<double>{x, true}, target);
                REQUIRE_FALSE(y.requires_grad());
                REQUIRE(y.is_leaf());
                REQUIRE(y.value() == Tensor<double>{reduction == Reduction::none ? target.shape() : Shape{}});
            };
            const auto x = Tensor<double>::full(kind.shape, not_a_number);
            require_nothing(x, with(plain, {.mask = Tensor<bool>{Shape{4}}, .weight = {}}));
            require_nothing(x, with(plain, {.mask = Tensor<bool>{plain.shape()}, .weight = {}}));
            require_nothing(x, with(plain, {.mask = {}, .weight = Tensor<double>{Shape{4}}}));
            require_nothing(x, with(plain,
                                    {.mask = Tensor<bool>{{4}, {true, true, false, false}}, .weight = Tensor<double>{{4}, {0, 0, 1, 1}}}));
            const std::vector<Index> none;
            require_nothing(x.gather(none), plain.gather(none));
        }
    const auto empty = losses::MSE{}(Variable<float>{Tensor<float>{{3, 0}}, true}, Tensor<float>{{3, 0}});
    REQUIRE(empty.item() == 0);
    REQUIRE_FALSE(empty.requires_grad());
}

TEST_CASE("A prediction may be a tensor", "[losses]") {
    const Tensor<float> x{{2, 2}, {1, 0, 0, 2}};
    const Tensor<float> values{{2, 2}, {1, 1, 0, 0}};
    const Tensor<Index> labels{{2}, {0, 1}};
    const Variable<float> variable{x, true};
    REQUIRE(losses::mse_loss(x, values).item() == losses::mse_loss(variable, values).item());
    REQUIRE(losses::l1_loss(x, values, {.reduction = Reduction::sum}).item() == 3);
    REQUIRE(losses::huber_loss(x, values, {.delta = 0.5}).item() == losses::huber_loss(variable, values, {.delta = 0.5}).item());
    REQUIRE(losses::binary_cross_entropy_with_logits(x, values).item() ==
            losses::binary_cross_entropy_with_logits(variable, values).item());
    REQUIRE(losses::cross_entropy(x, labels, {.label_smoothing = 0.1}).item() ==
            losses::cross_entropy(variable, labels, {.label_smoothing = 0.1}).item());
    REQUIRE(losses::CrossEntropy{}(x, labels).item() == losses::cross_entropy(x, labels).item());
    const losses::Loss<float> any = losses::MSE{};
    REQUIRE(any(x, values).item() == losses::MSE{}(x, values).item());
    REQUIRE_FALSE(losses::MSE{}(x, values).requires_grad());
    REQUIRE_THROWS_WITH(losses::mse_loss(x, labels),
                        "[mse_loss] expected a target of values, got class indices of shape (2,): give values as a Tensor<float>");
}
