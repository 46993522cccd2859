// SPDX-License-Identifier: MIT
#include <espalier/io/operation_kind.hpp>
#include <espalier/io/recorded_graph.hpp>

#include <espalier/autograd.hpp>
#include <espalier/nn.hpp>

#include "catch.hpp"

#include <string>
#include <vector>

using namespace espalier;
using io::detail::GraphStep;
using io::detail::kind_of;
using io::detail::OperationKind;

namespace {

template <class Net>
std::vector<GraphStep> run(Net& net, const Shape& sample) {
    std::vector<nn::Parameter<float>*> parameters;
    for (const auto& [path, entry] : nn::detail::tensors_of<float>(net))
        parameters.push_back(entry.parameter);
    return io::detail::recorded_run<float>(net, parameters, sample);
}

}  // namespace

TEST_CASE("a run is a list of steps, inputs before what is made of them", "[io][recorded_graph]") {
    nn::Sequential net{nn::Linear{3, 4}, nn::BatchNorm{4}, nn::Dropout{0.9}, nn::ReLU{}};
    const auto steps = run(net, {3});
    std::size_t inputs = 0;
    std::vector<std::string> operations;
    std::vector<std::size_t> tensors;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        inputs += steps[i].is_input ? 1 : 0;
        for (const std::size_t input : steps[i].inputs)
            CHECK(input < i);
        if (steps[i].is_computed())
            operations.push_back(steps[i].operation);
        if (steps[i].is_parameter())
            tensors.push_back(steps[i].tensor);
    }
    CHECK(inputs == 1);
    CHECK(operations == std::vector<std::string>{"linear", "batch_norm", "relu"});  // no dropout: in evaluation mode
    CHECK(tensors == std::vector<std::size_t>{0, 1, 2, 3});
    CHECK(steps.back().shape == Shape{2, 4});
}

TEST_CASE("what throws in the middle of a run leaves all as it was", "[io][recorded_graph]") {
    struct Throws : nn::Module<Throws, float> {
        nn::Linear<float> inner{3, 3};
        nn::Mode mode;
        Variable<float> operator()(const Variable<float>& x) {
            (void)inner(x);
            throw std::string{"away"};
        }
        void visit(nn::Visitor<float>& v) {
            v("inner", inner);
            v.mode(mode);
        }
    } net;
    net.inner.weight().variable().node()->requires_grad = false;
    {
        const NoGrad no_graph;
        CHECK_THROWS_AS(run(net, {3}), std::string);
        CHECK_FALSE(autograd::detail::recording());
    }
    CHECK(autograd::detail::recording());
    CHECK(net.mode.training());
    CHECK_FALSE(net.inner.weight().variable().requires_grad());
    CHECK(net.inner.bias().variable().requires_grad());
}

TEST_CASE("constants, and values that were cut off", "[io][recorded_graph]") {
    const auto cut = [](const Shape& shape) {
        GraphStep step;
        step.shape = shape;
        return step.is_cut();
    };
    CHECK(cut({2, 5}));
    CHECK_FALSE(cut({5}));
    CHECK_FALSE(cut({1, 5}));
    CHECK_FALSE(cut({}));
    CHECK_FALSE(GraphStep{"leaf", {2, 5}, {}, 0, false}.is_cut());
    CHECK_FALSE(GraphStep{"leaf", {2, 5}, {}, GraphStep::none, true}.is_cut());
}

TEST_CASE("every operation of the library that a net has is known by its name", "[io][recorded_graph]") {
    const Variable<float> image{Tensor<float>::ones({2, 4, 4, 2}), true};
    const Variable<float> row{Tensor<float>::ones({2, 4}), true};
    const Variable<float> square{Tensor<float>::ones({4, 4}), true};
    const Variable<float> vector{Tensor<float>::ones({4}), true};
    const Variable<float> kernel{Tensor<float>::ones({3, 1, 1, 2}), true};
    const Variable<float> channels{Tensor<float>::ones({2}), true};
    autograd::RunningStatistics<float> running{Tensor<float>{Shape{2}}, Tensor<float>::ones({2})};
    Random random{1};
    using namespace autograd;
    // clang-format off
    const std::vector<Variable<float>> results{
        linear(row, square, vector), linear_relu(row, square), matmul(row, square), conv2d(image, kernel), conv2d_relu(image, kernel),
        conv2d_relu_max_pool2d(image, kernel), batch_norm(image, channels, channels, running, false), layer_norm(image, channels, channels),
        reshape(row, {8}), flatten(image), cat(std::vector<Variable<float>>{row, row}, 1), narrow(row, 0, 0, 1), sum(row),
        sum(row, 1), mean(row), max(row, 0), embedding(square, Tensor<Index>{{1}, {0}}), max_pool2d(image, 2), avg_pool2d(image, 2),
        global_avg_pool2d(image), upsample_nearest2d(image, 8), upsample_bilinear2d(image, 8, false), relu(row), relu6(row), leaky_relu(row),
        sigmoid(row), tanh(row), gelu(row), exp(row), log(row), sqrt(row), row * 2, row + 1, row + row, row - row, row * row, row / row,
        softmax(row), log_softmax(row), dropout(row, 0.5, random)};
    // clang-format on
    for (const auto& result : results) {
        CAPTURE(result.operation());
        CHECK(kind_of(result.operation()) != OperationKind::unknown);
    }
    CHECK(kind_of("swish") == OperationKind::unknown);
    CHECK(kind_of("conv2d_transposed") == OperationKind::unknown);
}
