// SPDX-License-Identifier: MIT
#include <espalier/data/loader.hpp>
#include <espalier/data/transform.hpp>

#include "catch.hpp"

#include <functional>
#include <memory>
#include <vector>

using namespace espalier;
using data::detail::TransformForm;

namespace {

using B = data::Batch<>;

template <class F>
constexpr TransformForm form_of(F) {
    return data::detail::transform_form<F, float>();
}
void in_place(B& batch, Random&) { batch.input[0] += 1; }
B returned(B batch, Random&) { return batch; }

// A function that would do nothing, without a word, is told from one that does something; so are all that fit nowhere.
static_assert(form_of([](B&, Random&) {}) == TransformForm::in_place);
static_assert(form_of([](auto&, auto&) {}) == TransformForm::in_place);
static_assert(form_of(&in_place) == TransformForm::in_place);
static_assert(form_of(&returned) == TransformForm::returns);
static_assert(form_of([](B b, Random&) { return b; }) == TransformForm::returns);
static_assert(form_of([](const B& b, Random&) { return b; }) == TransformForm::returns);
static_assert(form_of([](B&& b, Random&) { return std::move(b); }) == TransformForm::returns);
static_assert(form_of([](B& b, Random&) { return b; }) == TransformForm::returns);
static_assert(form_of([](B& b, Random&) -> B& { return b; }) == TransformForm::returns);
static_assert(form_of([](auto b, Random) { return b; }) == TransformForm::returns);
static_assert(form_of([](B, Random&) {}) == TransformForm::on_a_copy);
static_assert(form_of([](const B&, Random&) {}) == TransformForm::on_a_copy);
static_assert(form_of([](auto, Random&) {}) == TransformForm::on_a_copy);
static_assert(form_of([n = 0](B&, Random&) mutable { ++n; }) == TransformForm::not_const);
static_assert(form_of([](B&) {}) == TransformForm::none);
static_assert(form_of([](Random&, B&) {}) == TransformForm::none);
static_assert(form_of([](B&, Random&) { return 1; }) == TransformForm::none);
static_assert(form_of([](data::Batch<double>&, Random&) {}) == TransformForm::none);
static_assert(form_of([](Tensor<float> t, Random&) { return t; }) == TransformForm::none);
static_assert(form_of(1) == TransformForm::none);

B batch_of(Index n) { return {Tensor<float>::arange(n), {{"t", Tensor<Index>::arange(n)}}}; }

float first_after(const data::Transform<>& transform, Random random = Random{1}) {
    B batch = batch_of(2);
    transform(batch, random);
    return batch.input[0];
}

}  // namespace

TEST_CASE("a transform changes the batch or gives another one", "[data][transform]") {
    CHECK(first_after([](B& b, Random&) { b.input[0] = 5; }) == 5);
    CHECK(first_after([](B b, Random&) {
              b.input[0] = 5;
              return b;
          }) == 5);
    CHECK(first_after([](const B& b, Random&) {
              B other = b;
              other.input[0] = 5;
              return other;
          }) == 5);
    CHECK(first_after([](B&& b, Random&) {
              b.input[0] = 5;
              return std::move(b);
          }) == 5);
    CHECK(first_after([](B& b, Random&) -> B& {
              b.input[0] = 5;
              return b;
          }) == 5);
    const B fixed = batch_of(3);
    CHECK(first_after([&](B&, Random&) -> const B& { return fixed; }) == 0);
    CHECK(first_after(&in_place) == 1);
    CHECK(first_after(&returned) == 0);
    CHECK(first_after([](auto& b, Random& random) { b.input[0] = random.uniform<float>(); }) == Random{1}.uniform<float>());
}

TEST_CASE("a transform that is none changes nothing", "[data][transform]") {
    void (*const null)(B&, Random&) = nullptr;
    for (const data::Transform<>& transform : {data::Transform<>{}, data::Transform<>{nullptr}, data::Transform<>{null},
                                               data::Transform<>{std::function<void(B&, Random&)>{}}}) {
        CHECK_FALSE(transform);
        CHECK(first_after(transform) == 0);
    }
    data::Transform<> some = &in_place;
    CHECK(some);
    const data::Transform<> copy = some;
    some = {};
    CHECK(first_after(some) == 0);
    CHECK(first_after(copy) == 1);
    CHECK(first_after(std::function<B(B, Random&)>{&returned}) == 0);
}

TEST_CASE("several transforms run in their order on one stream", "[data][transform]") {
    const auto add = [](B& b, Random& random) { b.input[0] += random.uniform<float>(); };
    const auto twice = [](B b, Random&) {
        b.input[0] *= 2;
        return b;
    };
    Random random{1};
    const float a = random.uniform<float>(), b = random.uniform<float>();
    CHECK(first_after(data::compose(add, twice, add)) == 2 * a + b);
    CHECK(first_after(data::compose(twice, add, data::compose(add, twice))) == 2 * (a + b));
    CHECK(first_after(data::compose()) == 0);
    std::vector<data::Transform<>> list{add, twice};
    list.emplace_back(add);
    CHECK(first_after(data::compose(list)) == 2 * a + b);
    CHECK(first_after(data::compose(std::vector<data::Transform<>>{})) == 0);
}

TEST_CASE("a loader takes either form, and a batch of another size or shape", "[data][transform]") {
    const data::Dataset set{Tensor<float>::arange(6), "t", Tensor<Index>::arange(6)};
    for (const Index prefetch : {0, 2}) {
        data::DataLoader by_value{set,
                                  {.batch_size = 3, .shuffle = false, .prefetch = prefetch, .transform = [](data::Batch<> b, Random&) {
                                       const std::vector<Index> even{0, 2};
                                       return data::Batch<>{b.input.gather(even).reshape({2, 1}), {{"t", b.targets.at("t").gather(even)}}};
                                   }}};
        std::vector<Tensor<float>> inputs;
        for (const auto& batch : by_value)
            inputs.push_back(batch.input);
        CHECK(inputs == std::vector<Tensor<float>>{{{2, 1}, {0, 2}}, {{2, 1}, {3, 5}}});

        data::DataLoader empty{set, {.prefetch = prefetch, .transform = [](data::Batch<>& b, Random&) {
                                         b = {Tensor<float>{Shape{0, 2}}, {}};
                                     }}};
        for (const auto& batch : empty)
            CHECK(batch.size() == 0);

        data::DataLoader uneven{set, {.prefetch = prefetch, .transform = [](data::Batch<>& b, Random&) { b.input = b.input.slice(0, 2); }}};
        CHECK_THROWS_WITH(
            uneven.begin(),
            ContainsSubstring("[data_loader] expected a batch with as many samples in target 't' as in inputs (2,), got shape (6,)"));
        CHECK(uneven.epoch() == 0);  // an epoch that could not begin is not counted
        data::DataLoader scalar{set,
                                {.prefetch = prefetch, .transform = [](data::Batch<>& b, Random&) { b.input = Tensor<float>::scalar(1); }}};
        CHECK_THROWS_AS(scalar.begin(), ShapeError);
    }
}
