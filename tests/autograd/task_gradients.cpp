// SPDX-License-Identifier: MIT
// Inner products and sums of tasks' gradients against the Jacobian's, over every kind of layer that has parameters.
#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/embedding.hpp>
#include <espalier/autograd/reduction.hpp>
#include <espalier/autograd/task_gradients.hpp>
#include <espalier/nn/activation.hpp>
#include <espalier/nn/conv2d.hpp>
#include <espalier/nn/dropout.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/pooling.hpp>
#include <espalier/nn/reshape.hpp>
#include <espalier/nn/sequential.hpp>

#include "nn/testing.hpp"
#include "threads.hpp"

#include <functional>
#include <string>
#include <vector>

using namespace espalier;
using autograd::sum;
using autograd::TaskGradients;
using testing::normal;

namespace {

template <class T>
using Sequence = nn::Sequential<T>;

/// Three losses of features (N, ...), of which the last depends on the first half of the batch alone.
template <class T>
std::vector<Variable<T>> losses_of(const Variable<T>& features) {
    std::vector<Variable<T>> losses;
    for (std::uint64_t t = 0; t < 3; ++t) {
        auto factors = normal<T>(features.shape(), 10 + t);
        if (t == 2)
            std::fill(factors.begin() + factors.numel() / 2, factors.end(), T(0));
        losses.push_back(sum(features * Variable<T>{std::move(factors)} + features * features * T(0.1)));
    }
    return losses;
}

/// The inner products of the rows of a Jacobian, summed in double.
template <class T>
std::vector<double> products_of(const Tensor<T>& jacobian) {
    const Index rows = jacobian.size(0), columns = jacobian.size(1);
    std::vector<double> result(static_cast<std::size_t>(rows * rows));
    for (Index i = 0; i < rows; ++i)
        for (Index j = 0; j < rows; ++j)
            for (Index p = 0; p < columns; ++p)
                result[static_cast<std::size_t>(i * rows + j)] += static_cast<double>(jacobian.at(i, p)) *
                                                                  static_cast<double>(jacobian.at(j, p));
    return result;
}

template <class T>
void require_near(const T& actual, const T& expected, double tolerance) {
    double largest = 0;
    for (const auto v : expected)
        largest = std::max(largest, std::abs(static_cast<double>(v)));
    REQUIRE(actual.end() - actual.begin() == expected.end() - expected.begin());
    auto e = expected.begin();
    for (const auto v : actual) {
        const auto wanted = *e++;
        if (std::abs(static_cast<double>(v) - static_cast<double>(wanted)) <= tolerance * largest)
            continue;  // a REQUIRE for each of thousands takes minutes under valgrind
        CAPTURE(v, wanted, largest);
        FAIL("expected them nearer");
    }
}

/// What `TaskGradients` makes of the losses that `run()` gives again and again, against the Jacobian on `parameters`.
template <class T>
void require_jacobian(const std::function<std::vector<Variable<T>>()>& run, const std::vector<Variable<T>>& parameters,
                      bool postponed_too = true) {
    const double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-12;
    const auto jacobian = autograd::jacobian<T>(run(), parameters);
    const std::vector<double> weights{0.5, -1.5, 2};
    Tensor<T> expected{Shape{jacobian.size(1)}};
    for (Index t = 0; t < 3; ++t)
        for (Index p = 0; p < expected.numel(); ++p)
            expected[p] += static_cast<T>(weights[static_cast<std::size_t>(t)]) * jacobian.at(t, p);
    for (const Index kept : {Index{1} << 18, Index{0}}) {  // with 0, all that is larger than cotangents is made twice
        if (!kept && !postponed_too)
            continue;
        CAPTURE(kept);
        for (auto parameter : parameters)
            parameter.zero_grad();
        TaskGradients<T> gradients{run(), {.kept_elements = kept}};
        std::vector<double> gramian(9);
        Index columns = 0;
        for (std::size_t piece = 0; piece < gradients.pieces(); ++piece) {
            gradients.add_gramian(piece, gramian.data());
            columns += gradients.numel(piece);
        }
        CHECK(columns == jacobian.size(1));
        require_near(gramian, products_of(jacobian), tolerance);
        for (const auto& parameter : parameters)
            CHECK_FALSE(parameter.has_grad());
        gradients.combine([&](std::size_t) { return weights.data(); }, weights);
        require_near(testing::flat_gradients(parameters), expected, tolerance);
    }
}

template <class T>
struct Case {
    std::string name;
    Sequence<T> layers;
    Shape input;
};

template <class T>
std::vector<Case<T>> cases() {
    manual_seed(1);
    return {
        {"linear", Sequence<T>{nn::Linear<T>{30, 20}, nn::Linear<T>{20, 2}}, {4, 30}},
        {"linear and relu", Sequence<T>{nn::Linear<T>{30, 20}, nn::ReLU{}, nn::Linear<T>{20, 2, {.bias = false}}, nn::Tanh{}}, {4, 30}},
        {"linear of sequences", Sequence<T>{nn::Linear<T>{30, 20}, nn::Sigmoid{}}, {2, 3, 30}},
        {"many rows", Sequence<T>{nn::Linear<T>{3, 2}, nn::GELU{}}, {64, 3}},
        {"convolution",
         Sequence<T>{nn::Conv2d<T>{2, 8, 3, {.padding = 1}}, nn::ReLU{}, nn::Conv2d<T>{8, 16, 3, {.stride = 2}}},
         {2, 6, 7, 2}},
        {"fused convolution",
         Sequence<T>{nn::Conv2d<T>{2, 8, 3, {.padding = 1}}, nn::ReLU{}, nn::MaxPool2d{2}, nn::Conv2d<T>{8, 40, 3}},
         {2, 6, 8, 2}},
        {"wide and small", Sequence<T>{nn::Conv2d<T>{4, 40, 3}, nn::ReLU{}, nn::MaxPool2d{2}, nn::Flatten{}}, {2, 4, 4, 4}},
        {"depthwise and grouped",
         Sequence<T>{nn::Conv2d<T>{6, 6, 3, {.groups = 6}}, nn::Conv2d<T>{6, 8, 1, {.groups = 2, .bias = false}}},
         {2, 5, 5, 6}},
        {"dilated", Sequence<T>{nn::Conv2d<T>{3, 20, 3, {.dilation = 2}}, nn::LeakyReLU{0.1}}, {2, 6, 6, 3}},
        {"batch norm",
         Sequence<T>{nn::Conv2d<T>{2, 8, 3}, nn::BatchNorm<T>{8}, nn::ReLU{}, nn::GlobalAvgPool2d{}, nn::Linear<T>{8, 3}},
         {4, 5, 5, 2}},
        {"batch norm of columns", Sequence<T>{nn::Linear<T>{9, 40}, nn::BatchNorm<T>{40}, nn::Linear<T>{40, 2}}, {5, 9}},
        {"layer norm", Sequence<T>{nn::Linear<T>{9, 40}, nn::LayerNorm<T>{40}, nn::Linear<T>{40, 2}}, {5, 9}},
    };
}

}  // namespace

TEMPLATE_TEST_CASE("inner products and sums of tasks' gradients are those of the Jacobian", "[autograd][task_gradients]", float, double) {
    using T = TestType;
    for (auto& [name, layers, shape] : cases<T>()) {
        CAPTURE(name);
        const Variable<T> input{normal<T>(shape, 3)};
        const auto run = [&, &net = layers] { return losses_of<T>(net(input)); };
        require_jacobian<T>(run, layers.parameters());
    }
}

TEST_CASE("dropout drops the same for inner products and for their sum", "[autograd][task_gradients]") {
    manual_seed(2);
    nn::Sequential net{nn::Linear{30, 40}, nn::Dropout{0.5}, nn::Linear{40, 3}};
    const nn::Sequential start = net;  // a copy continues the same stream
    const Variable<float> input{normal<float>({4, 30})};
    const auto parameters = net.parameters();
    const auto run = [&] {
        auto fresh = start;
        const auto values = fresh(input).value();
        return values;
    };
    const auto values = run();
    const auto losses = losses_of<float>(net(input));
    CHECK(testing::same_bits(values, run()));
    const auto jacobian = autograd::jacobian<float>(losses, parameters, {.retain_graph = true});
    TaskGradients<float> gradients{losses, {.kept_elements = 0}};
    std::vector<double> gramian(9);
    for (std::size_t piece = 0; piece < gradients.pieces(); ++piece)
        gradients.add_gramian(piece, gramian.data());
    require_near(gramian, products_of(jacobian), 1e-6);
    const std::vector<double> ones(3, 1.0);
    gradients.combine([&](std::size_t) { return ones.data(); }, ones);
    Tensor<float> expected{Shape{jacobian.size(1)}};
    for (Index t = 0; t < 3; ++t)
        for (Index p = 0; p < expected.numel(); ++p)
            expected[p] += jacobian.at(t, p);
    require_near(testing::flat_gradients(parameters), expected, 1e-6);
}

TEMPLATE_TEST_CASE("embeddings that are looked up twice, in part and not at all", "[autograd][task_gradients]", float, double) {
    using T = TestType;
    const Variable<T> table{normal<T>({50, 6}), true};
    const Tensor<Index> indices{{2, 4}, {7, 3, 7, 49, 0, 7, 3, 12}};
    require_jacobian<T>([&] { return losses_of<T>(autograd::embedding(table, indices)); }, {table});
    const Tensor<Index> none{{0, 4}};
    const auto losses = [&] {
        auto all = losses_of<T>(autograd::embedding(table, indices));
        all[1] = sum(autograd::embedding(table, none));
        return all;
    };
    require_jacobian<T>(losses, {table});
}

TEMPLATE_TEST_CASE("a parameter that is used twice has one gradient", "[autograd][task_gradients]", float, double) {
    using T = TestType;
    const Variable<T> weight{normal<T>({12, 12}), true}, unused{normal<T>({3}), true};
    const Variable<T> x{normal<T>({2, 12}, 4)};
    require_jacobian<T>([&] { return losses_of<T>(autograd::tanh(autograd::linear(autograd::linear(x, weight), weight))); }, {weight});
    require_jacobian<T>([&] { return losses_of<T>(autograd::linear(x, weight) + autograd::matmul(x, weight)); }, {weight});
    require_jacobian<T>([&] { return losses_of<T>(autograd::linear(x, weight * weight)); }, {weight});
    CHECK_FALSE(unused.has_grad());
}

TEST_CASE("a leaf is shared if more than one task reaches it", "[autograd][task_gradients]") {
    using V = Variable<double>;
    const V all{normal<double>({3}), true}, pair{normal<double>({3}, 2), true}, alone{normal<double>({3}, 3), true},
        idle{normal<double>({3}, 4), true};
    const V x{normal<double>({3}, 5)};
    const V common = all * x;
    const std::vector<V> losses{sum(common * alone), sum(common * pair), sum(common + pair * pair)};
    const auto jacobian = autograd::jacobian<double>(losses, std::vector<V>{all, pair, alone}, {.retain_graph = true});
    TaskGradients<double> gradients{losses, {.rows = true}};
    REQUIRE(gradients.pieces() == 2);
    CHECK(gradients.tasks() == 3);
    CHECK(gradients.name(0).empty());  // no model has it
    Tensor<double> rows{{3, 6}};
    gradients.write_rows(0, rows.data(), 6);
    gradients.write_rows(1, rows.data() + 3, 6);
    for (Index t = 0; t < 3; ++t)
        for (Index p = 0; p < 6; ++p)
            CHECK(rows.at(t, p) == jacobian.at(t, p));
    const std::vector<double> weights{1, 2, 4}, own{10, 1, 1};
    gradients.combine([&](std::size_t) { return weights.data(); }, own);
    for (Index p = 0; p < 3; ++p) {
        CHECK(all.grad()[p] == Approx(jacobian.at(0, p) + 2 * jacobian.at(1, p) + 4 * jacobian.at(2, p)));
        CHECK(pair.grad()[p] == Approx(2 * jacobian.at(1, 3 + p) + 4 * jacobian.at(2, 3 + p)));
        CHECK(alone.grad()[p] == Approx(10 * jacobian.at(0, 6 + p)));
    }
    CHECK_FALSE(idle.has_grad());
}

TEST_CASE("tasks' gradients are added to what is there, and wait for it", "[autograd][task_gradients]") {
    const Variable<float> w{normal<float>({40, 30}), true};
    const Variable<float> x{normal<float>({2, 30}, 2)};
    const auto run = [&] { return losses_of<float>(autograd::linear(x, w)); };
    const std::vector<double> ones(3, 1.0);
    for (const Index kept : {1 << 18, 0}) {
        Variable<float> leaf = w;
        leaf.zero_grad();
        backward(std::span<const Variable<float>>{run()});
        const auto once = w.grad();
        { TaskGradients<float> dropped{run(), {.kept_elements = kept}}; }
        CHECK(testing::same_bits(w.grad(), once));
        TaskGradients<float> gradients{run(), {.kept_elements = kept}};
        auto moved = std::move(gradients);
        moved.combine([&](std::size_t) { return ones.data(); }, ones);
        for (Index i = 0; i < once.numel(); ++i)
            REQUIRE(w.grad()[i] == Approx(2 * once[i]).epsilon(1e-5).margin(1e-5));
    }
}

TEST_CASE("a graph can be kept for another pass", "[autograd][task_gradients]") {
    const Variable<float> w{normal<float>({40, 30}), true};
    const Variable<float> x{normal<float>({2, 30}, 2)};
    const std::vector<double> ones(3, 1.0);
    const auto losses = losses_of<float>(autograd::linear(x, w));
    for (int pass = 0; pass < 2; ++pass) {
        TaskGradients<float> kept{losses, {.retain_graph = true, .kept_elements = 0}};
        kept.combine([&](std::size_t) { return ones.data(); }, ones);
    }
    TaskGradients<float> last{losses, {.kept_elements = 0}};
    last.combine([&](std::size_t) { return ones.data(); }, ones);
    CHECK_THROWS_WITH(TaskGradients<float>(losses), ContainsSubstring("an earlier backward pass freed"));
    CHECK(w.has_grad());
}

TEST_CASE("tasks' gradients have the same bits for any number of threads", "[autograd][task_gradients][same_bits]") {
    manual_seed(3);
    nn::Sequential net{
        nn::Conv2d{1, 16, 3, {.padding = 1}}, nn::ReLU{}, nn::MaxPool2d{2}, nn::Flatten{}, nn::Linear{16 * 36, 300}, nn::Tanh{}};
    const Variable<float> input{normal<float>({16, 12, 12, 1})};
    std::vector<Tensor<float>> gradients;
    std::vector<std::vector<double>> gramians;
    for (const int threads : {1, 2, 4}) {
        const testing::Threads guard{threads};
        for (auto parameter : net.parameters())
            parameter.zero_grad();
        TaskGradients<float> tasks{losses_of<float>(net(input)), {.kept_elements = 0}};
        auto& gramian = gramians.emplace_back(9);
        for (std::size_t piece = 0; piece < tasks.pieces(); ++piece)
            tasks.add_gramian(piece, gramian.data());
        tasks.combine([&](std::size_t) { return gramian.data(); }, std::vector<double>(3, 1.0));
        gradients.push_back(testing::flat_gradients(net.parameters()));
    }
    for (std::size_t i = 1; i < 3; ++i) {
        CHECK(gramians[i] == gramians[0]);
        CHECK(testing::same_bits(gradients[i], gradients[0]));
    }
}

TEST_CASE("batches that count as one add their rows", "[autograd][task_gradients]") {
    const Variable<double> w{normal<double>({4, 3}), true}, late{normal<double>({4}, 9), true};
    const auto losses_of_part = [&](std::uint64_t seed, bool with_late) {
        auto y = autograd::linear(Variable<double>{normal<double>({2, 3}, seed)}, w);
        return losses_of<double>(with_late ? y * late : y);
    };
    auto first = losses_of_part(1, false), second = losses_of_part(2, true);
    const auto jacobian_1 = autograd::jacobian<double>(first, std::vector{w}, {.retain_graph = true});
    const auto jacobian_2 = autograd::jacobian<double>(second, std::vector{w, late}, {.retain_graph = true});
    TaskGradients<double> gradients{first, {.rows = true}};
    gradients.absorb(TaskGradients<double>{second, {.rows = true}});
    REQUIRE(gradients.pieces() == 2);
    Tensor<double> rows{{3, 16}};
    gradients.write_rows(0, rows.data(), 16);
    gradients.write_rows(1, rows.data() + 12, 16);
    for (Index t = 0; t < 3; ++t)
        for (Index p = 0; p < 16; ++p)
            CHECK(rows.at(t, p) == Approx((p < 12 ? jacobian_1.at(t, p) : 0) + jacobian_2.at(t, p)));
}

TEST_CASE("losses of some of the tasks have their rows", "[autograd][task_gradients]") {
    const Variable<double> w{normal<double>({4, 3}), true};
    const auto losses = losses_of<double>(autograd::linear(Variable<double>{normal<double>({2, 3})}, w));
    const std::vector<Variable<double>> two{losses[0], losses[2]};
    const auto jacobian = autograd::jacobian<double>(two, std::vector{w}, {.retain_graph = true});
    const std::vector<double> factors{2, 3};
    const std::vector<std::size_t> tasks{1, 3};
    TaskGradients<double> gradients{two, {.weights = factors, .tasks = tasks, .task_count = 5}};
    CHECK(gradients.tasks() == 5);
    std::vector<double> gramian(25);
    gradients.add_gramian(0, gramian.data());
    const auto products = products_of(jacobian);
    CHECK(gramian[1 * 5 + 1] == Approx(4 * products[0]));
    CHECK(gramian[1 * 5 + 3] == Approx(6 * products[1]));
    CHECK(gramian[3 * 5 + 3] == Approx(9 * products[3]));
    CHECK(gramian[0] == 0);
    CHECK_THROWS_WITH(TaskGradients<double>(two, {.weights = std::span{factors}.first(1)}), "[jacobian] expected 2 weights, got 1");
}
