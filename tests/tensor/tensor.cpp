// SPDX-License-Identifier: MIT
#include <espalier/tensor/tensor.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

using namespace espalier;

namespace {

/// What leads into the memory of a `T`.
template <class T>
concept HasData = requires(T&& tensor) { std::forward<T>(tensor).data(); };
template <class T>
concept HasSpan = requires(T&& tensor) { std::forward<T>(tensor).span(); };
template <class T>
concept HasBegin = requires(T&& tensor) { std::forward<T>(tensor).begin(); };
template <class T>
concept HasEnd = requires(T&& tensor) { std::forward<T>(tensor).end(); };

constexpr Index largest = std::numeric_limits<Index>::max();

}  // namespace

TEST_CASE("nothing leads into the memory of a temporary", "[tensor]") {
    using T = Tensor<float>;
    STATIC_REQUIRE((HasData<T&> && HasSpan<T&> && HasBegin<T&> && HasEnd<T&>));
    STATIC_REQUIRE((HasData<const T&> && HasSpan<const T&> && HasBegin<const T&> && HasEnd<const T&>));
    STATIC_REQUIRE_FALSE((HasData<T> || HasSpan<T> || HasBegin<T> || HasEnd<T>));
    STATIC_REQUIRE_FALSE((HasData<const T> || HasSpan<const T> || HasBegin<const T> || HasEnd<const T>));
    STATIC_REQUIRE(std::is_same_v<decltype(std::declval<T>().shape()), Shape>);
    STATIC_REQUIRE(std::is_same_v<decltype(std::declval<T&>().shape()), const Shape&>);
    STATIC_REQUIRE(std::is_same_v<decltype(std::declval<T>()[0]), float>);
    STATIC_REQUIRE(std::is_same_v<decltype(std::declval<T>().at(0)), float>);
    STATIC_REQUIRE(HasBegin<Shape&>);
    STATIC_REQUIRE_FALSE((HasBegin<Shape> || HasEnd<const Shape>));
    float sum = 0;
    for (const float value : T::arange(4))  // a loop gives the tensor a name
        sum += value;
    CHECK(sum == 6);
    const auto& shape = T::arange(4).shape();  // a value, which the reference keeps
    CHECK(shape == Shape{4});
}

TEMPLATE_TEST_CASE("tensors are made zero, filled, counted or from values", "[tensor]", float, double, Index) {
    using T = Tensor<TestType>;
    CHECK(T{Shape{2, 2}} == T{{2, 2}, {0, 0, 0, 0}});
    CHECK(T::zeros({2}) == T{{2}, {0, 0}});
    CHECK(T::ones({2}) == T{{2}, {1, 1}});
    CHECK(T::full({3}, 7) == T{{3}, {7, 7, 7}});
    CHECK(T::arange(3) == T{{3}, {0, 1, 2}});
    CHECK((T::scalar(5).rank() == 0 && T::scalar(5).item() == TestType(5)));
    CHECK(T{}.shape() == Shape{0});
    const auto uninitialised = T::empty({3, 5});
    CHECK(reinterpret_cast<std::uintptr_t>(uninitialised.data()) % memory_alignment == 0);
    CHECK_THROWS_WITH((T{{2, 2}, {1, 2, 3}}), "[tensor] expected 4 values for shape (2, 2), got 3");
}

TEST_CASE("random tensors lie where they should and follow the generator", "[tensor]") {
    Random random{1};
    const auto uniform = Tensor<float>::uniform({1000}, random, -2, 2);
    CHECK((*std::min_element(uniform.begin(), uniform.end()) >= -2 && *std::max_element(uniform.begin(), uniform.end()) < 2));
    const auto normal = Tensor<double>::normal({10000}, random, 3, 2);
    double mean = 0;
    for (const double value : normal)
        mean += value / 10000;
    CHECK(mean == Approx(3).margin(0.1));
    Random again{1};
    CHECK(Tensor<float>::uniform({1000}, again, -2, 2) == uniform);
}

TEST_CASE("copying a tensor copies its elements, moving takes them", "[tensor]") {
    auto a = Tensor<float>::arange(4);
    auto b = a;
    b[0] = 9;
    CHECK(a[0] == 0);
    const float* const data = a.data();
    const auto c = std::move(a);
    CHECK(c.data() == data);
    CHECK(a.shape() == Shape{0});  // NOLINT(bugprone-use-after-move): the state after a move is documented
    b = c;
    CHECK(b == c);
    CHECK(b.data() != c.data());
    auto& self = b;
    b = self;
    CHECK(b == c);
}

TEMPLATE_TEST_CASE("large tensors are made and copied whole", "[tensor]", float, Index) {
    for (const Index n : {65535, 65536, 65537, 200'001}) {
        CAPTURE(n);
        const Tensor<TestType> zeros{{n}};
        CHECK(std::count(zeros.begin(), zeros.end(), TestType(0)) == n);
        const auto counted = Tensor<TestType>::arange(n);
        const Tensor<TestType> copy = counted;  // NOLINT(performance-unnecessary-copy-initialization): it is what is tested
        CHECK(copy.data() != counted.data());
        CHECK(copy == counted);
    }
}

TEST_CASE("an alias shares memory and keeps it alive", "[tensor]") {
    Tensor<float> alias;
    {
        auto owner = Tensor<float>::arange(6);
        alias = owner.alias({2, 2}, 1);
        owner[1] = 10;
        alias.at(1, 1) = 20;
        CHECK(owner[4] == 20);
    }
    CHECK(alias == Tensor<float>{{2, 2}, {10, 2, 3, 20}});
    CHECK(alias.memory().use_count() == 1);
    auto owner = Tensor<float>::arange(6);
    CHECK_THROWS_WITH(owner.alias({2, 2}, 3), "[alias] expected at most 6 elements of (6,), got (2, 2) from element 3");
    CHECK_THROWS_AS(owner.alias({1}, -1), ShapeError);
    CHECK_THROWS_AS(owner.alias({1}, largest), ShapeError);
    CHECK_THROWS_AS(owner.alias({2, 2}, largest - 3), ShapeError);
    CHECK_THROWS_AS(owner.alias({0}, 7), ShapeError);
    CHECK_THROWS_AS(owner.alias({1}, std::numeric_limits<Index>::min()), ShapeError);
    CHECK(owner.alias({0}, 6).numel() == 0);
}

TEST_CASE("at checks its indices", "[tensor]") {
    auto tensor = Tensor<float>::arange(6).reshape({2, 3});
    CHECK(tensor.at(1, 2) == 5);
    tensor.at(0, 1) = 8;
    CHECK(std::as_const(tensor).at(0, 1) == 8);
    CHECK_THROWS_WITH(tensor.at(1), "[at] expected 2 indices for shape (2, 3), got 1");
    CHECK_THROWS_WITH(tensor.at(0, 3), "[at] expected an index in [0, 3) on axis 1 of (2, 3), got 3");
    CHECK_THROWS_AS(tensor.at(-1, 0), ShapeError);
}

TEST_CASE("item gives the only element", "[tensor]") {
    CHECK(Tensor<float>{{1, 1}, {4}}.item() == 4);
    CHECK_THROWS_WITH(Tensor<float>::ones({2}).item(), "[item] expected one element, got shape (2,)");
    CHECK_THROWS_AS(Tensor<float>{}.item(), ShapeError);
}

TEST_CASE("reshape keeps the elements, and copies none of an rvalue", "[tensor]") {
    auto tensor = Tensor<float>::arange(6);
    CHECK(tensor.reshape({2, 3}).at(1, 0) == 3);
    CHECK(tensor.rank() == 1);
    const float* const data = tensor.data();
    const auto moved = std::move(tensor).reshape({3, 2});
    CHECK(moved.data() == data);
    CHECK_THROWS_WITH(moved.reshape({4}), "[reshape] expected 6 elements as in (3, 2), got shape (4,)");
}

TEST_CASE("slice copies a range of the batch axis", "[tensor]") {
    const auto tensor = Tensor<float>::arange(6).reshape({3, 2});
    CHECK(tensor.slice(1, 3) == Tensor<float>{{2, 2}, {2, 3, 4, 5}});
    CHECK(tensor.slice(2, 2).shape() == Shape{0, 2});
    CHECK_THROWS_WITH(tensor.slice(2, 4), "[slice] expected a range within [0, 3], got [2, 4)");
    CHECK_THROWS_AS(tensor.slice(-1, 2), ShapeError);
    CHECK_THROWS_AS(tensor.slice(2, 1), ShapeError);
    CHECK_THROWS_AS(tensor.slice(largest - 1, largest), ShapeError);
    CHECK_THROWS_AS(tensor.slice(0, largest), ShapeError);
    CHECK_THROWS_AS(tensor.slice(std::numeric_limits<Index>::min(), 1), ShapeError);
    CHECK_THROWS_WITH(Tensor<float>::scalar(1).slice(0, 1), "[slice] expected a batch axis, got shape ()");
}

TEST_CASE("gather copies the samples that are listed", "[tensor]") {
    const auto tensor = Tensor<float>::arange(6).reshape({3, 2});
    const std::vector<Index> indices{2, 0, 2};
    CHECK(tensor.gather(indices) == Tensor<float>{{3, 2}, {4, 5, 0, 1, 4, 5}});
    CHECK(tensor.gather({}).shape() == Shape{0, 2});
    CHECK_THROWS_WITH(tensor.gather(std::vector<Index>{3}), "[gather] expected indices in [0, 3), got 3");
    CHECK_THROWS_AS(tensor.gather(std::vector<Index>{-1}), ValueError);
    CHECK_THROWS_AS(Tensor<float>::scalar(1).gather(indices), ShapeError);
}

TEST_CASE("cast converts, fill overwrites, spans see all", "[tensor]") {
    auto tensor = Tensor<double>{{2}, {1.5, -2.5}};
    CHECK(tensor.cast<float>() == Tensor<float>{{2}, {1.5f, -2.5f}});
    CHECK(tensor.cast<Index>() == Tensor<Index>{{2}, {1, -2}});
    tensor.fill(3);
    CHECK(tensor == Tensor<double>{{2}, {3, 3}});
    CHECK(tensor.span().size() == 2);
    CHECK(tensor.size(-1) == 2);
}

TEST_CASE("tensors are equal in shape and elements", "[tensor]") {
    CHECK_FALSE(Tensor<float>::ones({2, 3}) == Tensor<float>::ones({3, 2}));
    CHECK_FALSE(Tensor<float>::ones({2}) == Tensor<float>::zeros({2}));
}
