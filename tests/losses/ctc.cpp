// SPDX-License-Identifier: MIT
#include <espalier/losses/ctc.hpp>

#include "losses/testing.hpp"
#include "threads.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

using namespace espalier;
using losses::ctc_greedy_decode;
using losses::ctc_loss;
using losses::CTCLengths;
using losses::CTCOptions;
using losses::Reduction;

namespace {

using Labels = Tensor<Index>;

template <class T>
Tensor<T> normal(const Shape& shape, double scale = 1) {
    Random random{3};
    return Tensor<T>::normal(shape, random, 0, static_cast<T>(scale));
}

/// The labels of a path: equal neighbours as one, and no blanks.
std::vector<Index> labels_of(const std::vector<Index>& path, Index blank) {
    std::vector<Index> result;
    for (std::size_t t = 0; t < path.size(); ++t)
        if (path[t] != blank && (t == 0 || path[t] != path[t - 1]))
            result.push_back(path[t]);
    return result;
}

/// -log of the probability of all paths, each by itself.
double by_definition(const Tensor<double>& logits, Index steps, const std::vector<Index>& labels, Index blank) {
    const Index classes = logits.size(-1);
    double total = 0;
    std::vector<Index> path(static_cast<std::size_t>(steps), 0);
    for (bool more = true; more;) {
        double probability = 1;
        for (Index t = 0; t < steps; ++t) {
            double sum = 0;
            for (Index c = 0; c < classes; ++c)
                sum += std::exp(logits[t * classes + c]);
            probability *= std::exp(logits[t * classes + path[static_cast<std::size_t>(t)]]) / sum;
        }
        if (labels_of(path, blank) == labels)
            total += probability;
        more = false;
        for (Index& state : path) {
            more = ++state < classes;
            if (more)
                break;
            state = 0;
        }
    }
    return -std::log(total);
}

template <class T>
Tensor<T> gradient(const Variable<T>& loss, const Variable<T>& x) {
    return autograd::vjp<T>(loss, Tensor<T>::ones(loss.shape().prepended(1)), std::vector{x})[0].reshape(x.shape());
}

}  // namespace

TEST_CASE("the loss of labels is that of all paths that give them", "[losses][ctc]") {
    const auto logits = normal<double>({1, 5, 3}, 2);
    const Variable<double> x{logits};
    for (const Index blank : {0, 2})
        for (const std::vector<Index>& word : {std::vector<Index>{1}, {1, 1}, {1, 1, 1}, {}}) {
            Labels labels{Shape{1, static_cast<Index>(word.size())}};
            std::copy(word.begin(), word.end(), labels.begin());
            const auto loss = ctc_loss(x, labels, {}, {.blank = blank, .reduction = Reduction::sum});
            CHECK(loss.item() == Approx(by_definition(logits, 5, word, blank)).epsilon(1e-12));
        }
    const auto mixed = ctc_loss(x, Labels{{1, 3}, {2, 1, 2}}, {.inputs = Labels{{1}, {4}}}, {.reduction = Reduction::sum});
    CHECK(mixed.item() == Approx(by_definition(logits, 4, {2, 1, 2}, 0)).epsilon(1e-12));
}

TEST_CASE("where no path gives the labels the loss is infinite, or 0 if asked for, and nothing comes back", "[losses][ctc]") {
    const Variable<double> x{normal<double>({2, 3, 3}), true};
    const Labels labels{{2, 2}, {1, 1, 1, 2}};  // two equal ones need three steps
    const CTCLengths lengths{.inputs = Labels{{2}, {2, 2}}};
    const auto infinite = ctc_loss(x, labels, lengths, {.reduction = Reduction::none});
    CHECK((std::isinf(infinite.value()[0]) && infinite.value()[0] > 0 && std::isfinite(infinite.value()[1])));
    const auto dx = gradient(infinite, x);
    const auto zero = ctc_loss(x, labels, lengths, {.zero_infinity = true, .reduction = Reduction::none});
    CHECK((zero.value()[0] == 0 && zero.value()[1] == infinite.value()[1]));
    CHECK(gradient(zero, x) == dx);
    for (Index i = 0; i < 9; ++i)
        CHECK(dx[i] == 0);
    CHECK(ctc_loss(x, labels, lengths, {.zero_infinity = true}).item() == Approx(zero.value()[1] / 4));
    CHECK(std::isinf(ctc_loss(x, labels, lengths).item()));
}

TEMPLATE_TEST_CASE("logits that are no numbers give a loss that is none, also where infinite ones are 0", "[losses][ctc]", float, double) {
    using T = TestType;
    const auto values = normal<T>({2, 4, 3});
    const Labels labels{{2, 1}, {1, 2}};
    const T infinity = std::numeric_limits<T>::infinity();
    for (const T bad : {std::numeric_limits<T>::quiet_NaN(), infinity})
        for (Index i = 0; i < 12; ++i) {
            CAPTURE(bad, i);
            auto spoiled = values;
            spoiled[i] = bad;
            const Variable<T> x{spoiled, true};
            const auto loss = ctc_loss(x, labels, {}, {.zero_infinity = true, .reduction = Reduction::none});
            CHECK(std::isnan(loss.value()[0]));
            CHECK(std::isfinite(loss.value()[1]));
            const auto dx = gradient(loss, x);
            CHECK(std::isnan(dx[i]));
            CHECK(std::isfinite(dx[12]));
        }
    auto ruled_out = values;  // a class that cannot be is no such thing
    for (Index i = 2; i < 24; i += 3)
        ruled_out[i] = -infinity;
    const auto loss = ctc_loss(Variable<T>{ruled_out}, labels, {}, {.reduction = Reduction::none});
    CHECK(std::isfinite(loss.value()[0]));
    CHECK(loss.value()[1] == infinity);
}

TEMPLATE_TEST_CASE("a sequence alone and in a padded batch has the same bits, there and back", "[losses][ctc]", float, double) {
    using T = TestType;
    const T nan = std::numeric_limits<T>::quiet_NaN();
    const Labels ends{{4}, {3, 7, 1, 5}};
    Labels labels{Shape{4, 3}};
    for (Index i = 0; i < 12; ++i)
        labels[i] = i % 3 < std::min<Index>(i / 3, 2) ? 1 + i % 2 : i % 2 ? -1 : 99;  // none, one, two and two
    const Labels counts{{4}, {0, 1, 2, 2}};
    auto values = normal<T>({4, 7, 3});
    for (Index n = 0; n < 4; ++n)
        std::fill(values.data() + (n * 7 + ends[n]) * 3, values.data() + (n + 1) * 21, nan);
    for (const int threads : {1, 3}) {
        const testing::Threads guard{threads};
        const Variable<T> x{values, true};
        const auto loss = ctc_loss(x, labels, {.inputs = ends, .targets = counts}, {.zero_infinity = true, .reduction = Reduction::none});
        const auto dx = gradient(loss, x);
        for (Index n = 0; n < 4; ++n) {
            CAPTURE(threads, n);
            const auto own = values.slice(n, n + 1);
            const Variable<T> alone{Tensor<T>{{1, ends[n], 3}, own.span().first(static_cast<std::size_t>(ends[n] * 3))}, true};
            const auto row = labels.slice(n, n + 1);
            const Labels word{{1, counts[n]}, row.span().first(static_cast<std::size_t>(counts[n]))};
            const auto expected = ctc_loss(alone, word, {}, {.zero_infinity = true, .reduction = Reduction::none});
            CHECK(std::memcmp(loss.value().data() + n, expected.value().data(), sizeof(T)) == 0);
            const auto own_dx = gradient(expected, alone);
            CHECK(std::memcmp(dx.data() + n * 21, own_dx.data(), static_cast<std::size_t>(own_dx.numel()) * sizeof(T)) == 0);
            for (Index i = ends[n] * 3; i < 21; ++i)
                CHECK(dx[n * 21 + i] == 0);
        }
    }
}

TEMPLATE_TEST_CASE("extreme logits and long sequences neither overflow nor vanish", "[losses][ctc]", float, double) {
    using T = TestType;
    const Variable<T> x{normal<T>({1, 2000, 5}, 1000), true};
    const auto loss = ctc_loss(x, Labels{{1, 4}, {1, 2, 2, 4}}, {}, {.reduction = Reduction::sum});
    CHECK((std::isfinite(loss.item()) && loss.item() > 1000));
    for (const T slope : gradient(loss, x))
        CHECK((std::isfinite(slope) && std::abs(slope) <= 1));
    const Variable<T> flat{Tensor<T>{Shape{1, 5000, 2}}};
    CHECK(static_cast<double>(ctc_loss(flat, Labels{Shape{1, 0}}).item()) == Approx(5000 * std::log(2.0)));
}

TEST_CASE("masks and weights of samples, and what ends labels", "[losses][ctc]") {
    const auto values = normal<double>({3, 6, 4});
    const Variable<double> x{values, true};
    const Labels labels{{3, 2}, {1, 2, 3, -1, 2, 2}};
    const auto each = ctc_loss(x, labels, {}, {.reduction = Reduction::none}).value();
    CHECK(ctc_loss(x, labels).item() == Approx((each[0] / 2 + each[1] + each[2] / 2) / 3));
    const Tensor<double> weight{{3}, {2, 0, 0.5}};
    const losses::Target<double> weighted{labels, {.mask = {}, .weight = weight}};
    CHECK(ctc_loss(x, weighted).item() == Approx((2 * each[0] / 2 + 0.5 * each[2] / 2) / 2.5));
    CHECK(ctc_loss(x, weighted, {}, {.reduction = Reduction::sum}).item() == Approx(2 * each[0] + 0.5 * each[2]));

    auto spoiled = values;
    std::fill_n(spoiled.data() + 24, 24, std::numeric_limits<double>::quiet_NaN());
    auto unlabelled = labels;
    unlabelled[2] = 77;
    const Variable<double> y{spoiled, true};
    const losses::Target<double> masked{unlabelled, Tensor<bool>{{3}, {true, false, true}}};
    const auto loss = ctc_loss(y, masked);
    CHECK(loss.item() == Approx((each[0] / 2 + each[2] / 2) / 2));
    const auto dy = gradient(loss, y);
    for (Index i = 24; i < 48; ++i)
        CHECK(dy[i] == 0);
    // A mask of elements ends the labels where it is false.
    const losses::Target<double> by_element{labels, Tensor<bool>{{3, 2}, {true, false, true, true, false, false}}};
    const auto first = ctc_loss(x, Labels{{3, 1}, {1, 3, 2}}, {}, {.reduction = Reduction::none}).value();
    CHECK(ctc_loss(x, by_element, {}, {.reduction = Reduction::none}).value() == Tensor<double>{{3}, {first[0], first[1], 0}});
    const auto nothing = ctc_loss(x, {labels, Tensor<bool>{Shape{3}}});
    CHECK((nothing.item() == 0 && !nothing.requires_grad()));
    testing::require_gradients(losses::CTC<double>{}, values, weighted);
}

TEMPLATE_TEST_CASE("samples, labels and steps of none", "[losses][ctc]", float, double) {
    using T = TestType;
    CHECK(ctc_loss(Variable<T>{Tensor<T>{Shape{0, 5, 3}}, true}, Labels{Shape{0, 2}}).item() == 0);
    CHECK(ctc_loss(Variable<T>{Tensor<T>{Shape{0, 5, 3}}}, Labels{Shape{0, 2}}, {}, {.reduction = Reduction::none}).shape() == Shape{0});
    const Variable<T> no_steps{Tensor<T>{Shape{2, 0, 3}}, true};
    const auto loss = ctc_loss(no_steps, Labels{{2, 1}, {-1, 1}}, {}, {.reduction = Reduction::none});
    CHECK((loss.value()[0] == 0 && std::isinf(loss.value()[1])));
    CHECK(gradient(loss, no_steps).shape() == no_steps.shape());
    const losses::CTC<T> one{{.blank = 0}};
    CHECK(one(Variable<T>{Tensor<T>{Shape{1, 1, 1}}}, Labels{Shape{1, 0}}).item() == 0);  // nothing but blanks
    CHECK(one.options().blank == 0);
}

TEMPLATE_TEST_CASE("greedy decoding takes the best class of each step, once for equal neighbours and never the blank", "[losses][ctc]",
                   float, double) {
    using T = TestType;
    const std::vector<Index> best{0, 1, 1, 0, 1, 2, 2, 0, 2, 1, 1, 1, 1, 1, 0, 0};
    Tensor<T> logits{Shape{2, 8, 3}};
    for (Index i = 0; i < 16; ++i)
        logits[i * 3 + best[static_cast<std::size_t>(i)]] = 1;
    using Words = std::vector<std::vector<Index>>;
    CHECK(ctc_greedy_decode(logits) == Words{{1, 1, 2}, {2, 1}});
    CHECK(ctc_greedy_decode(logits, Labels{{2}, {4, 0}}) == Words{{1}, {}});
    CHECK(ctc_greedy_decode(logits, {}, 1) == Words{{0, 0, 2, 0}, {2, 0}});
    CHECK(ctc_greedy_decode(Tensor<T>{Shape{0, 8, 3}}).empty());
    CHECK_THROWS_WITH(ctc_greedy_decode(logits, Labels{{2}, {9, 0}}), "[ctc_greedy_decode] expected lengths of 0 to 8, got 9");
    CHECK_THROWS_WITH(ctc_greedy_decode(logits, Labels{Shape{3}}), "[ctc_greedy_decode] expected lengths (2,), got (3,)");
    CHECK_THROWS_WITH(ctc_greedy_decode(logits, {}, 3), "[ctc_greedy_decode] expected a blank in [0, 3), got 3");
    CHECK_THROWS_WITH(ctc_greedy_decode(Tensor<T>{Shape{8, 3}}), "[ctc_greedy_decode] expected logits (N, L, classes), got (8, 3)");
}
