// SPDX-License-Identifier: MIT
#include <espalier/autograd/cotangents.hpp>
#include <espalier/autograd/products.hpp>

#include <espalier/core/random.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

using namespace espalier;
using autograd::detail::Cotangents;
using autograd::detail::Product;
using autograd::detail::Rows;

namespace {

constexpr Index height = 5, in = 12;

/// What reaches a node (height, in): cotangents of these tasks, by a map of `out` outputs, or as they are.
template <class Scalar>
struct Arrival {
    std::vector<Index> tasks;
    std::optional<Index> out;
    Tensor<Scalar> left, right;

    Arrival(std::vector<Index> of, std::optional<Index> outputs, Random& random) : tasks{std::move(of)}, out{outputs} {
        const auto count = static_cast<Index>(tasks.size());
        left = Tensor<Scalar>::normal({count, height, out.value_or(in)}, random);
        right = Tensor<Scalar>::normal({out.value_or(0), in}, random);
    }
    /// Of the given tasks alone.
    void add_to(Cotangents<Scalar>& cotangents, const std::vector<Index>& wanted) const {
        std::vector<Rows> list;
        std::vector<Index> places;
        for (std::size_t i = 0; i < tasks.size(); ++i)
            if (std::find(wanted.begin(), wanted.end(), tasks[i]) != wanted.end()) {
                list.push_back(Rows{tasks[i]});
                places.push_back(static_cast<Index>(i));
            }
        if (list.empty())
            return;
        const Rows of = Rows::any_of(list, static_cast<Index>(list.size()));
        Tensor<Scalar> d = left.gather(places);
        if (out)
            cotangents.add({of, std::move(d), std::make_shared<const Tensor<Scalar>>(right)});
        else
            cotangents.add(of, std::move(d));
    }
    /// Of one task, (height, in).
    [[nodiscard]] double at(Index task, Index row, Index column) const {
        const auto place = std::find(tasks.begin(), tasks.end(), task) - tasks.begin();
        if (place == static_cast<Index>(tasks.size()))
            return 0;
        if (!out)
            return static_cast<double>(left.at(place, row, column));
        double sum = 0;
        for (Index o = 0; o < *out; ++o)
            sum += static_cast<double>(left.at(place, row, o)) * static_cast<double>(right.at(o, column));
        return sum;
    }
};

/// Own heads, maps that all or some share, maps of no output, and what is no product, before and after them.
template <class Scalar>
std::vector<std::vector<Arrival<Scalar>>> cases() {
    Random random{3};
    std::vector<std::vector<Arrival<Scalar>>> result;
    const auto make = [&](std::vector<std::pair<std::vector<Index>, std::optional<Index>>> list) {
        auto& arrivals = result.emplace_back();
        for (auto& [tasks, out] : list)
            arrivals.emplace_back(tasks, out, random);
    };
    make({{{0}, 1}});
    make({{{2}, 1}, {{1}, 1}, {{0}, 1}});
    make({{{0, 1, 2}, 3}, {{2}, 1}, {{1}, 1}, {{0}, 1}});
    make({{{0}, 2}, {{0}, 1}, {{0}, 3}});
    make({{{1, 2}, std::nullopt}, {{0, 1, 2}, 2}, {{0}, 3}, {{0, 1, 2}, std::nullopt}});
    make({{{0, 1, 2, 7}, 3}, {{1, 2}, 2}, {{7}, 0}});
    make({{{4}, 0}});
    return result;
}
const std::vector<Index> everybody{0, 1, 2, 4, 7};

/// All arrivals, and the tasks that they are of.
template <class Scalar>
Cotangents<Scalar> gathered(const std::vector<Arrival<Scalar>>& arrivals, const std::vector<Index>& wanted) {
    Cotangents<Scalar> cotangents;
    for (const auto& arrival : arrivals)
        arrival.add_to(cotangents, wanted);
    return cotangents;
}
template <class Scalar>
double expected(const std::vector<Arrival<Scalar>>& arrivals, Index task, Index row, Index column) {
    double sum = 0;
    for (const auto& arrival : arrivals)
        sum += arrival.at(task, row, column);
    return sum;
}

}  // namespace

TEST_CASE("products that reach a node are multiplied out, and added to what is none", "[autograd][products]") {
    for (const auto& arrivals : cases<double>()) {
        auto cotangents = gathered(arrivals, everybody);
        const auto tasks = cotangents.tasks();
        const auto& value = cotangents.value();
        REQUIRE(cotangents.rows() == tasks);
        REQUIRE(value.shape() == Shape{tasks.size(), height, in});
        for (Index i = 0; i < tasks.size(); ++i)
            for (Index row = 0; row < height; ++row)
                for (Index column = 0; column < in; ++column)
                    CHECK(value.at(i, row, column) == Approx(expected(arrivals, tasks.begin()[i], row, column)).margin(1e-12));
    }
}

TEST_CASE("a task alone gets the same bits as among others", "[autograd][products]") {
    for (const auto& arrivals : cases<float>()) {
        auto together = gathered(arrivals, everybody);
        const Rows tasks = together.rows();
        for (Index i = 0; i < tasks.size(); ++i) {
            auto alone = gathered(arrivals, {tasks.begin()[i]});
            REQUIRE(alone.value().numel() == height * in);
            CHECK(std::memcmp(alone.value().data(), together.value().data() + i * height * in, sizeof(float) * height * in) == 0);
        }
    }
}

TEST_CASE("inner products of tasks are the same by factors as by rows", "[autograd][products]") {
    for (const auto& arrivals : cases<double>()) {
        auto cotangents = gathered(arrivals, everybody);
        const Rows tasks = cotangents.tasks();
        const Index count = tasks.size();
        Tensor<double> gramian = Tensor<double>::full({count, count}, 1.0);
        cotangents.add_gramian(gramian.data());
        const auto& rows = cotangents.value();
        for (Index i = 0; i < count; ++i)
            for (Index j = 0; j < count; ++j) {
                double product = 1;
                for (Index p = 0; p < height * in; ++p)
                    product += rows.data()[i * height * in + p] * rows.data()[j * height * in + p];
                CHECK(gramian.at(i, j) == Approx(product).margin(1e-12));
            }
    }
}

TEST_CASE("factors are taken where they take less work: few outputs, however many heads", "[autograd][products]") {
    const auto pays = [](Index tasks, Index out) {
        autograd::detail::Products<float> products;
        const auto right = std::make_shared<const Tensor<float>>(Shape{out, 100});
        for (Index task = 0; task < tasks; ++task)
            products.push_back({Rows{task}, Tensor<float>{{1, 256, out}}, right});
        return products.gramian_pays(tasks);
    };
    CHECK(pays(2, 1));
    CHECK(pays(50, 8));
    CHECK_FALSE(pays(2, 9));
    CHECK(Product<float>::pays(25, 100));
    CHECK_FALSE(Product<float>::pays(26, 100));
}

TEST_CASE("the weighted sum of the tasks is that of their rows", "[autograd][products]") {
    const std::vector<double> of_task{2, -1, 0.5, 0, 3, 0, 0, 7};
    for (const auto& arrivals : cases<double>()) {
        auto cotangents = gathered(arrivals, everybody);
        std::vector<double> weights;
        for (const Index task : cotangents.tasks())
            weights.push_back(of_task[static_cast<std::size_t>(task)]);
        const auto sum = cotangents.sum(weights);
        REQUIRE(sum->rows() == Rows{0});
        REQUIRE(sum->value().shape() == Shape{1, height, in});
        for (Index row = 0; row < height; ++row)
            for (Index column = 0; column < in; ++column) {
                double expectation = 0;
                for (const Index task : cotangents.tasks())
                    expectation += of_task[static_cast<std::size_t>(task)] * expected(arrivals, task, row, column);
                CHECK(sum->value().at(0, row, column) == Approx(expectation).margin(1e-12));
            }
    }
}

TEST_CASE("products of no sample and of no feature", "[autograd][products]") {
    for (const Shape& left : {Shape{2, 0, 3}, Shape{2, 3}, Shape{2, 4, 0}}) {
        CAPTURE(left);
        for (const Index width : {0, 12}) {
            Cotangents<float> cotangents;
            cotangents.add({Rows{0, 1}, Tensor<float>::full(left, 1), std::make_shared<const Tensor<float>>(Shape{left.back(), width})});
            cotangents.add({Rows{1}, Tensor<float>::full(left.with(0, 1), 1),
                            std::make_shared<const Tensor<float>>(Shape{left.back(), width})});
            double gramian[4] = {};
            cotangents.add_gramian(gramian);
            CHECK(gramian[3] == 0);
            CHECK(cotangents.sum(std::vector<double>{1, 1})->value().shape() == left.with(0, 1).with(-1, width));
            CHECK(cotangents.value().shape() == left.with(-1, width));
        }
    }
}
