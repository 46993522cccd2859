// SPDX-License-Identifier: MIT
#include <espalier/autograd/activation.hpp>
#include <espalier/autograd/logit_product.hpp>
#include <espalier/losses/binary_cross_entropy.hpp>
#include <espalier/losses/cross_entropy.hpp>
#include <espalier/losses/mse.hpp>
#include <espalier/mtl/balancing/mgda.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn/activation.hpp>
#include <espalier/nn/conv2d.hpp>
#include <espalier/nn/dropout.hpp>
#include <espalier/nn/embedding.hpp>
#include <espalier/nn/freeze.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/pooling.hpp>
#include <espalier/nn/reshape.hpp>
#include <espalier/nn/sequential.hpp>

#include "nn/testing.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace espalier;
using testing::names;
using testing::normal;
using testing::same_bits;
using Names = std::vector<std::string>;

namespace {

/// (N, 3) to features (N, 4); heads `class` (N, 5) and `size` (N, 1).
template <class T>
mtl::MultiTaskNet<T> small(std::uint64_t seed = 1) {
    manual_seed(seed);
    nn::Sequential trunk{nn::Linear<T>{3, 4}, nn::Tanh{}};
    return {std::move(trunk), {{"class", nn::Linear<T>{4, 5}}, {"size", nn::Linear<T>{4, 1}}}};
}

template <class T>
mtl::MultiTaskNet<T> with_heads(Index count) {
    manual_seed(9);
    std::vector<mtl::Head<T>> heads;
    for (Index t = 0; t < count; ++t)
        heads.push_back({"task" + std::to_string(t), nn::Sequential{nn::Linear<T>{6, 3}, nn::Tanh{}, nn::Linear<T>{3, 1 + t % 2}}});
    nn::Sequential trunk{
        nn::Conv2d<T>{2, 3, 3, {.padding = 1}}, nn::ReLU{}, nn::MaxPool2d{2}, nn::Flatten{}, nn::Linear<T>{12, 6}, nn::ReLU{}};
    return {std::move(trunk), std::move(heads)};
}

/// Of images (N, 4, 4, 1) and words (N,) below 6; heads `class` (N, 5) and `size` (N, 1).
template <class T>
mtl::MultiTaskNet<T> of_image_and_word(std::uint64_t seed = 1) {
    manual_seed(seed);
    nn::Sequential image{nn::Conv2d<T>{1, 2, 3}, nn::BatchNorm<T>{2}, nn::ReLU{}, nn::Flatten{}};
    nn::Concatenated encoder{nn::From{"image", std::move(image)}, nn::From{"word", nn::Embedding<T>{6, 3}}};
    nn::Sequential trunk{nn::Linear<T>{11, 4}, nn::Tanh{}};
    return {std::move(encoder), std::move(trunk), {{"class", nn::Linear<T>{4, 5}}, {"size", nn::Linear<T>{4, 1}}}};
}
template <class T>
data::Inputs<T> images_and_words(Index count) {
    Tensor<Index> words{Shape{count}};
    for (Index i = 0; i < count; ++i)
        words[i] = i * i % 6;
    return {{"word", words}, {"image", normal<T>({count, 4, 4, 1})}};
}

/// ESMM: (N, 3) to the logits of a click, of a purchase after it, and of both.
template <class T>
mtl::MultiTaskNet<T> entire_space() {
    manual_seed(1);
    mtl::MultiTaskNet<T> net{nn::Sequential{nn::Linear<T>{3, 4}, nn::Tanh{}},
                             {{"click", nn::Linear<T>{4, 1}}, {"buy", nn::Linear<T>{4, 1}}}};
    net.derive("both", [](const mtl::Outputs<T>& outputs) { return logit_product(outputs.at("click"), outputs.at("buy")); });
    return net;
}

template <class T, class Input>
std::vector<Variable<T>> losses_of(mtl::MultiTaskNet<T>& net, const Input& input) {
    std::vector<Variable<T>> losses;
    for (const auto& [task, output] : net(input))
        losses.push_back(sum(output * output) * static_cast<T>(losses.size() + 1));
    return losses;
}

}  // namespace

TEMPLATE_TEST_CASE("a net feeds every head with the features of its trunk", "[mtl][net]", float, double) {
    using T = TestType;
    auto net = small<T>();
    const Variable<T> x{normal<T>({7, 3})};
    const auto features = net.features(x);
    CHECK(features.value() == net.trunk()(x).value());
    const auto outputs = net(x);
    CHECK(names(outputs) == Names{"class", "size"});
    CHECK(net.tasks() == names(outputs));
    CHECK(outputs.at("class").shape() == Shape{7, 5});
    CHECK(outputs.at("size").value() == net.head("size")(features).value());
    CHECK(net.heads(features).at("class").value() == outputs.at("class").value());
}

TEST_CASE("the scalar of a net is that of its trunk", "[mtl][net]") {
    mtl::MultiTaskNet f{nn::Sequential{nn::Linear{2, 2}}, {{"a", nn::Linear{2, 1}}}};
    mtl::MultiTaskNet d{nn::Linear<double>{2, 2}, {{"a", nn::Linear<double>{2, 1}}, {"b", nn::Identity{}}}};
    mtl::MultiTaskNet v{nn::Linear<double>{2, 2}, std::vector<mtl::Head<double>>{{"a", nn::ReLU{}}}};
    CHECK(std::is_same_v<decltype(f), mtl::MultiTaskNet<float>>);
    CHECK(std::is_same_v<decltype(d), mtl::MultiTaskNet<double>>);
    CHECK(std::is_same_v<decltype(v), mtl::MultiTaskNet<double>>);
}

TEMPLATE_TEST_CASE("the parameters of a net are the shared ones and then those of each head", "[mtl][net]", float, double) {
    using T = TestType;
    auto net = small<T>();
    CHECK(names(net.named_parameters()) ==
          Names{"trunk.0.weight", "trunk.0.bias", "heads.class.weight", "heads.class.bias", "heads.size.weight", "heads.size.bias"});
    CHECK(net.shared_size() == 16);
    CHECK(net.parameter_count() == 16 + 25 + 5);
    CHECK(net.shared_parameters().size() == 2);
    CHECK(net.task_parameters("class").size() == 2);
    CHECK(net.task_parameters("size")[0].shape() == Shape{1, 4});
}

TEST_CASE("a copied net is another net", "[mtl][net]") {
    auto net = small<float>();
    auto copy = net;
    CHECK(same_bits(net.state_dict(), copy.state_dict()));
    CHECK(copy.shared_size() == net.shared_size());
    const auto before = net.state_dict();
    for (auto parameter : copy.parameters())
        parameter.mutable_value().fill(1);
    CHECK(same_bits(net.state_dict(), before));
    sum(copy(normal<float>({2, 3})).at("size")).backward();
    CHECK_FALSE(net.parameters()[0].has_grad());
    CHECK(copy.parameters()[0].has_grad());
}

TEST_CASE("a moved net keeps its parameters, and what is left can be assigned to", "[mtl][net]") {
    auto net = small<float>();
    const auto handle = net.parameters()[0];
    auto moved = std::move(net);
    CHECK(moved.parameters()[0].node() == handle.node());
    CHECK_THROWS_AS(net(Tensor<float>{Shape{2, 3}}), StateError);
    CHECK_THROWS_AS(net.parameters(), StateError);
    CHECK_THROWS_AS(std::as_const(net).predict(Tensor<float>{Shape{2, 3}}), StateError);
    CHECK(net.tasks().empty());
    net = moved;
    CHECK(same_bits(net.state_dict(), moved.state_dict()));
    CHECK(net.parameters()[0].node() != handle.node());
    CHECK_FALSE(handle.node()->orphaned);
}

TEST_CASE("assigning a net of another structure takes over trunk and heads", "[mtl][net]") {
    auto a = small<float>(1);
    const auto handle = a.parameters()[0];
    mtl::MultiTaskNet b{nn::Linear{3, 2}, {{"only", nn::Linear{2, 2}}}};
    a = b;
    CHECK(a.tasks() == Names{"only"});
    CHECK(a.shared_size() == 8);
    CHECK(same_bits(a.state_dict(), b.state_dict()));
    a.parameters()[0].mutable_value().fill(0);
    CHECK_FALSE(same_bits(a.state_dict(), b.state_dict()));
    CHECK(handle.node()->orphaned);
    const auto& self = a;
    a = self;
    CHECK(a.tasks() == Names{"only"});
}

TEMPLATE_TEST_CASE("assigning a net of the same structure moves its values into the parameters that are there", "[mtl][net]", float,
                   double) {
    using T = TestType;
    auto net = with_heads<T>(3);
    const auto best = net;
    const auto handles = net.parameters();
    for (auto parameter : net.parameters())
        parameter.mutable_value().fill(1);
    const auto require_best = [&] {
        REQUIRE(same_bits(net.state_dict(), best.state_dict()));
        for (std::size_t i = 0; i < handles.size(); ++i)
            REQUIRE(net.parameters()[i].node() == handles[i].node());
    };
    net = best;
    require_best();
    for (auto parameter : net.parameters())
        parameter.mutable_value().fill(2);
    auto other = best;
    net = std::move(other);
    require_best();
    net.head("task1").parameters()[0].mutable_value().fill(3);
    net.head("task1") = best.head("task1");
    require_best();
    net.trunk().parameters()[0].mutable_value().fill(3);
    net.trunk() = mtl::MultiTaskNet<T>{best}.trunk();
    require_best();
}

TEST_CASE("one layer under two heads is one layer", "[mtl][net]") {
    struct Shared {
        std::shared_ptr<nn::Linear<float>> inner;
        Variable<float> operator()(const Variable<float>& x) const { return (*inner)(x); }
        void visit(nn::Visitor<float>& v) { v("inner", *inner); }
    };
    const Shared head{std::make_shared<nn::Linear<float>>(4, 1)};
    mtl::MultiTaskNet net{nn::Linear{3, 4}, {{"a", head}, {"b", head}}};
    CHECK(net.parameters().size() == 4);
    CHECK(net.state_dict().size() == 6);
    const auto x = normal<float>({2, 3});
    (sum(net(x).at("a")) + sum(net(x).at("b"))).backward();
    CHECK(net.task_parameters("a")[0].node() == net.task_parameters("b")[0].node());
    CHECK_THROWS_WITH(mtl::MultiTaskNet<float>{net}, ContainsSubstring("[layer] expected a copy with parameters of its own"));
    const auto moved = std::move(net);
    CHECK(moved.parameters().size() == 4);
}

TEMPLATE_TEST_CASE("prediction in batches of any size is prediction as a whole", "[mtl][net]", float, double) {
    using T = TestType;
    manual_seed(2);
    nn::Sequential trunk{nn::Linear<T>{3, 8}, nn::BatchNorm<T>{8}, nn::ReLU{}, nn::Dropout{0.5}};
    mtl::MultiTaskNet net{std::move(trunk), {{"a", nn::Linear<T>{8, 5}}, {"b", nn::Linear<T>{8, 1}}}};
    (void)net(normal<T>({16, 3}, 5));  // running statistics that are not those of the start
    const auto x = normal<T>({10, 3});
    const auto before = net.state_dict();
    const auto whole = net.predict(x);
    CHECK(names(whole) == Names{"a", "b"});
    CHECK(whole.at("a").shape() == Shape{10, 5});
    CHECK(whole.at("b").shape() == Shape{10, 1});
    const double tolerance = std::is_same_v<T, float> ? 1e-6 : 1e-13;  // a product of few rows may add up in another order
    for (const Index size : {1, 3, 5, 10, 100})
        for (const auto& [task, output] : net.predict(x, size))
            testing::require_close(output, whole.at(task), tolerance);
    CHECK(same_bits(net.predict(x, 100), whole));
    CHECK(same_bits(net.state_dict(), before));
    net.eval();
    CHECK(net(x).at("a").value() == whole.at("a"));
}

TEST_CASE("prediction evaluates, whatever mode the layers are in", "[mtl][net]") {
    manual_seed(2);
    std::vector<bool> seen;
    bool fails = false;
    struct Watch {
        std::vector<bool>* seen;
        bool* fails;
        nn::Mode mode = {};
        Variable<float> operator()(const Variable<float>& x) const {
            seen->push_back(mode.training());
            if (*fails)
                throw std::runtime_error{"on the way"};
            return x;
        }
        void visit(nn::Visitor<float>& v) { v.mode(mode); }
    };
    mtl::MultiTaskNet net{nn::Sequential{nn::Linear{2, 2}, Watch{&seen, &fails}}, {{"a", Watch{&seen, &fails}}}};
    net.head("a").eval();
    const auto x = normal<float>({3, 2});
    (void)std::as_const(net).predict(x);
    (void)net(x);
    CHECK(seen == std::vector<bool>{false, false, true, false});
    CHECK(net(x).at("a").requires_grad());  // recording again
    fails = true;
    seen.clear();
    CHECK_THROWS_WITH(net.predict(x), "on the way");
    fails = false;
    (void)net(x);
    CHECK(seen == std::vector<bool>{false, true, false});
    CHECK(net(x).at("a").requires_grad());
}

TEST_CASE("threads predict with one net", "[mtl][net]") {
    manual_seed(2);
    nn::Sequential trunk{nn::Conv2d{1, 4, 3}, nn::BatchNorm{4},  nn::ReLU{},      nn::MaxPool2d{2},
                         nn::Flatten{},       nn::Linear{36, 8}, nn::Dropout{0.5}};
    mtl::MultiTaskNet net{std::move(trunk), {{"a", nn::Linear{8, 3}}, {"b", nn::Sequential{nn::BatchNorm{8}, nn::Linear{8, 1}}}}};
    const auto x = normal<float>({5, 8, 8, 1});
    (void)net(x);
    const auto& shared = net;
    const auto expected = shared.predict(x);
    const auto state = net.state_dict();
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 50; ++i)
                wrong += !same_bits(shared.predict(x, 2 + i % 4), expected);
        });
    for (auto& thread : threads)
        thread.join();
    CHECK(wrong == 0);
    CHECK(same_bits(net.state_dict(), state));
    CHECK_FALSE(same_bits(net(x).at("a").value(), expected.at("a")));  // still in training
}

TEST_CASE("threads take Jacobians of one net", "[mtl][net]") {
    auto net = with_heads<double>(3);
    (void)net(normal<double>({3, 4, 4, 2}, 4));
    const auto jacobian = [&] {
        const auto losses = losses_of(net, normal<double>({3, 4, 4, 2}, 4));
        const auto shared = net.shared_parameters();
        return autograd::jacobian<double>(losses, shared);
    };
    const auto expected = jacobian();
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 20; ++i)
                wrong += !same_bits(jacobian(), expected);
        });
    for (auto& thread : threads)
        thread.join();
    CHECK(wrong == 0);
}

TEST_CASE("prediction refuses what it cannot put together", "[mtl][net]") {
    auto net = small<float>();
    CHECK_THROWS_AS(net.predict(Tensor<float>{Shape{0, 3}}), ShapeError);
    CHECK_THROWS_WITH(net.predict(Tensor<float>{Shape{0, 3}}), "[predict] expected at least one input, got shape (0, 3)");
    CHECK_THROWS_WITH(net.predict(Tensor<float>::scalar(1)), "[predict] expected at least one input, got shape ()");
    CHECK_THROWS_AS(net.predict(Tensor<float>{Shape{2, 3}}, 0), ValueError);
    CHECK_THROWS_WITH(net.predict(Tensor<float>{Shape{2, 3}}, 0), "[predict] expected a batch size above 0, got 0");
    const auto reshaping = [](const Variable<float>& x) { return autograd::reshape(x, {2 * x.size(0), x.size(1) / 2}); };
    const auto summing = [](const Variable<float>& x) { return sum(x); };
    const auto growing = [](const Variable<float>& x) { return autograd::reshape(sum(x), Shape{1}); };
    mtl::MultiTaskNet pairs{nn::Linear{3, 4}, {{"pairs", reshaping}}};
    CHECK_THROWS_AS(pairs.predict(Tensor<float>{Shape{5, 3}}, 2), ShapeError);
    CHECK_THROWS_WITH(pairs.predict(Tensor<float>{Shape{5, 3}}, 2), "[predict] expected 2 outputs for task 'pairs', got shape (4, 2)");
    mtl::MultiTaskNet sums{nn::Linear{3, 4}, {{"sum", summing}}};
    CHECK_THROWS_WITH(sums.predict(Tensor<float>{Shape{5, 3}}), "[predict] expected 5 outputs for task 'sum', got shape ()");
    mtl::MultiTaskNet means{nn::Linear{3, 4}, {{"mean", growing}}};
    CHECK_THROWS_WITH(means.predict(Tensor<float>{Shape{3, 3}}, 2), "[predict] expected 2 outputs for task 'mean', got shape (1,)");
    const auto flat = [](const Variable<float>& x) { return autograd::reshape(x, {x.size(0), x.size(1) / x.size(0), x.size(0)}); };
    mtl::MultiTaskNet varying{nn::Linear{3, 4}, {{"varying", flat}}};
    CHECK_THROWS_WITH(varying.predict(Tensor<float>{Shape{3, 3}}, 2),
                      "[predict] expected batches of one shape for task 'varying', got (3, 2, 2) and (1, 4, 1)");
}

TEST_CASE("a net has at least one head, and one for each task", "[mtl][net]") {
    using Heads = std::vector<mtl::Head<float>>;
    CHECK_THROWS_AS((mtl::MultiTaskNet{nn::Linear{3, 4}, Heads{}}), StateError);
    CHECK_THROWS_WITH((mtl::MultiTaskNet{nn::Linear{3, 4}, Heads{}}), "[MultiTaskNet] expected at least one head, got none");
    CHECK_THROWS_AS((mtl::MultiTaskNet{nn::Linear{3, 4}, {{"a", nn::Linear{4, 1}}, {"a", nn::Linear{4, 2}}}}), StateError);
    CHECK_THROWS_WITH((mtl::MultiTaskNet{nn::Linear{3, 4}, {{"a", nn::Linear{4, 1}}, {"a", nn::Linear{4, 2}}}}),
                      "[MultiTaskNet] expected one head for each task, got 'a' twice");
    auto net = small<float>();
    CHECK_THROWS_AS(net.head("color"), StateError);
    CHECK_THROWS_WITH(net.head("color"), "[named] expected one of 'class', 'size', got 'color'");
    CHECK_THROWS_WITH(net.task_parameters("color"), "[named] expected one of 'class', 'size', got 'color'");
}

TEST_CASE("a shape error says whether trunk or head, and which layer", "[mtl][net]") {
    auto net = with_heads<float>(2);
    const auto run = [&](const Shape& shape) { return net(Tensor<float>{shape}); };
    CHECK(run({3, 4, 4, 2}).size() == 2);
    CHECK_THROWS_AS(run({3, 4, 4, 1}), ShapeError);
    CHECK_THROWS_WITH(run({3, 4, 4, 1}), "[conv2d] expected 2 input channels, got input (3, 4, 4, 1), in layer 0, in trunk");
    CHECK_THROWS_WITH(run({3, 4, 4}), "[conv2d] expected images (N, H, W, C), got input (3, 4, 4), in layer 0, in trunk");
    CHECK_THROWS_WITH(run({3, 6, 6, 2}), "[linear] expected 12 input features, got input (3, 27), in layer 4, in trunk");
    mtl::MultiTaskNet wrong{nn::Linear{3, 4}, {{"good", nn::Linear{4, 1}}, {"bad", nn::Sequential{nn::ReLU{}, nn::Linear{5, 1}}}}};
    CHECK_THROWS_AS(wrong(Tensor<float>{Shape{2, 3}}), ShapeError);
    CHECK_THROWS_WITH(wrong(Tensor<float>{Shape{2, 3}}), "[linear] expected 5 input features, got input (2, 4), in layer 1, in head 'bad'");
    CHECK_THROWS_WITH(wrong.heads(Tensor<float>{Shape{2, 3}}), "[linear] expected 4 input features, got input (2, 3), in head 'good'");
}

TEMPLATE_TEST_CASE("the shared Jacobian holds the gradient of every task", "[mtl][net]", float, double) {
    using T = TestType;
    const double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-12;
    const Index tasks = GENERATE(1, 2, 3, 7);
    CAPTURE(tasks);
    auto net = with_heads<T>(tasks);
    const auto x = normal<T>({3, 4, 4, 2}, 4);

    // T backward passes, one after the other.
    Tensor<T> expected{Shape{tasks, net.shared_size()}};
    std::vector<Tensor<T>> head_gradients;
    auto alone = net;
    for (Index t = 0; t < tasks; ++t) {
        for (auto parameter : alone.shared_parameters())
            parameter.zero_grad();
        losses_of(alone, x)[static_cast<std::size_t>(t)].backward();
        const auto row = testing::flat_gradients(alone.shared_parameters());
        std::copy_n(row.data(), net.shared_size(), expected.data() + t * net.shared_size());
    }
    const auto losses = losses_of(net, x);
    const auto jacobian = net.shared_jacobian(losses, true);
    testing::require_close(jacobian, expected, tolerance);
    for (const auto& parameter : net.shared_parameters())
        CHECK_FALSE(parameter.has_grad());
    const auto require_heads = [&](T factor) {
        for (const auto& task : net.tasks())
            for (std::size_t i = 0; i < net.task_parameters(task).size(); ++i) {
                auto scaled = alone.task_parameters(task)[i].grad();
                for (T& v : scaled)
                    v *= factor;
                CAPTURE(task, i);
                testing::require_close(net.task_parameters(task)[i].grad(), scaled, tolerance);
            }
    };
    require_heads(1);
    CHECK(same_bits(net.shared_jacobian(losses), jacobian));  // the same graph, now freed
    require_heads(2);                                         // added, as by backward
    CHECK_THROWS_AS(net.shared_jacobian(losses), StateError);
}

TEST_CASE("the shared Jacobian of odd cases", "[mtl][net]") {
    auto net = small<float>();
    const auto x = normal<float>({2, 3});
    auto outputs = net(x);
    const std::vector<Variable<float>> with_constant{Variable<float>{Tensor<float>::scalar(3)}, sum(outputs.at("size"))};
    const auto jacobian = net.shared_jacobian(with_constant);
    CHECK(jacobian.slice(0, 1) == Tensor<float>{Shape{1, 16}});
    CHECK_FALSE(jacobian.slice(1, 2) == Tensor<float>{Shape{1, 16}});
    CHECK_FALSE(net.task_parameters("class")[0].has_grad());

    const std::vector<Variable<float>> vector{net(x).at("class")};
    CHECK_THROWS_AS(net.shared_jacobian(vector), ShapeError);
    CHECK_THROWS_WITH(net.shared_jacobian(vector), "[jacobian] expected a loss of one element, got linear (2, 5)");

    mtl::MultiTaskNet<float> bare{nn::Flatten{}, {{"a", nn::Linear{3, 1}}}};  // a trunk without parameters
    CHECK(bare.shared_size() == 0);
    const std::vector<Variable<float>> loss{sum(bare(x).at("a"))};
    CHECK(bare.shared_jacobian(loss).shape() == Shape{1, 0});
    CHECK(bare.task_parameters("a")[0].has_grad());
}

TEST_CASE("the Jacobian of a criterion's losses has their weights, and a combined gradient finds its way back", "[mtl][net]") {
    auto net = small<double>();
    mtl::MultiTaskLoss<double> criterion{{"class", losses::CrossEntropy<double>{}, 0.5}, {"size", losses::MSE<double>{}, 2}};
    const auto x = normal<double>({4, 3});
    const losses::Targets<double> targets{{"class", Tensor<Index>{{4}, {0, 1, 2, 3}}}, {"size", normal<double>({4, 1}, 3)}};
    auto summed = net;
    criterion(summed(x), targets).backward();

    const auto jacobian = net.shared_jacobian(criterion(net(x), targets));
    REQUIRE(jacobian.shape() == Shape{2, 16});
    auto total = jacobian.slice(0, 1).reshape({16});
    for (Index i = 0; i < 16; ++i)
        total[i] += jacobian[16 + i];
    net.add_shared_gradient(total);
    testing::require_close(testing::flat_gradients(net.parameters()), testing::flat_gradients(summed.parameters()), 1e-12);
    net.add_shared_gradient(total);
    for (Index i = 0; i < 16; ++i)
        CHECK(testing::flat_gradients(net.shared_parameters())[i] == Approx(2 * total[i]));
    CHECK_THROWS_WITH(net.add_shared_gradient(Tensor<double>{Shape{17}}),
                      "[add_shared_gradient] expected a gradient of shape (16,), got (17,)");

    const losses::Targets<double> half{{"class", {Tensor<Index>{Shape{4}}, Tensor<bool>{Shape{4}}}}, {"size", normal<double>({4, 1}, 3)}};
    const auto masked = net.shared_jacobian(criterion(net(x), half));
    CHECK(masked.slice(0, 1) == Tensor<double>{Shape{1, 16}});
    CHECK(masked.slice(1, 2) == jacobian.slice(1, 2));

    nn::freeze(net.trunk());
    CHECK(net.shared_jacobian(criterion(net(x), targets)) == Tensor<double>{Shape{2, 16}});
    net.add_shared_gradient(total);
    CHECK_FALSE(net.shared_parameters()[0].has_grad());
}

TEMPLATE_TEST_CASE("an encoder stands in front of the trunk and is shared", "[mtl][net][encoder]", float, double) {
    using T = TestType;
    auto net = of_image_and_word<T>();
    const auto inputs = images_and_words<T>(7);
    CHECK(names(net.named_parameters()) == Names{"encoder.0.0.weight", "encoder.0.0.bias", "encoder.0.1.weight", "encoder.0.1.bias",
                                                 "encoder.1.weight", "trunk.0.weight", "trunk.0.bias", "heads.class.weight",
                                                 "heads.class.bias", "heads.size.weight", "heads.size.bias"});
    const Index encoder_size = 18 + 2 + 4 + 18;
    CHECK(net.encoder().parameter_count() == encoder_size);
    CHECK(net.shared_size() == encoder_size + 48);
    CHECK(net.shared_parameters().size() == 7);

    net.eval();
    const auto encoded = net.encoder()(inputs);
    CHECK(encoded.shape() == Shape{7, 11});
    const auto features = net.trunk()(encoded);
    CHECK(net.features(inputs).value() == features.value());
    CHECK(net(inputs).at("size").value() == net.head("size")(features).value());
    net.train();

    // One row of each task, over the encoder's parameters as well.
    const auto losses = losses_of(net, inputs);
    const auto jacobian = net.shared_jacobian(losses, true);
    REQUIRE(jacobian.shape() == Shape{2, encoder_size + 48});
    for (std::size_t t = 0; t < 2; ++t) {
        for (auto& parameter : net.parameters())
            parameter.zero_grad();
        losses[t].backward({.retain_graph = true});
        testing::require_close(testing::flat_gradients(net.shared_parameters()),
                               jacobian.slice(static_cast<Index>(t), static_cast<Index>(t) + 1).reshape({encoder_size + 48}), 1e-5);
    }
    nn::freeze(net.encoder());
    CHECK_FALSE(net.encoder()(inputs).requires_grad());
    CHECK(net(inputs).at("size").requires_grad());
}

TEST_CASE("a net with an encoder is a value", "[mtl][net][encoder]") {
    const auto inputs = images_and_words<float>(5);
    auto a = of_image_and_word<float>(1);
    const auto b = of_image_and_word<float>(2);
    const auto copy = a;
    CHECK(same_bits(copy.predict(inputs), a.predict(inputs)));
    const auto handle = a.shared_parameters()[4];
    a = b;
    CHECK(same_bits(a.predict(inputs), b.predict(inputs)));
    CHECK(a.shared_parameters()[4].node() == handle.node());
    CHECK_FALSE(same_bits(copy.predict(inputs), b.predict(inputs)));
    a.load_state_dict(copy.state_dict());
    CHECK(same_bits(a.predict(inputs), copy.predict(inputs)));
    auto moved = std::move(a);
    CHECK_THROWS_WITH(a.predict(inputs), "[layer] expected a layer, got one that was moved from");
    CHECK_THROWS_AS(a.shared_parameters(), StateError);
    a = small<float>();  // of one tensor: the encoder is gone
    CHECK(a(Tensor<float>{Shape{2, 3}}).size() == 2);
    CHECK_THROWS_AS(a.encoder(), StateError);
    a = moved;
    CHECK(same_bits(a.predict(inputs), moved.predict(inputs)));
    CHECK(std::move(moved).encoder().parameter_count() == 42);
}

TEST_CASE("prediction from inputs by name, in batches of any size and on several threads", "[mtl][net][encoder]") {
    auto net = of_image_and_word<float>();
    const auto inputs = images_and_words<float>(9);
    (void)net(inputs);
    const auto& shared = net;
    const auto whole = shared.predict(inputs);
    CHECK(whole.at("class").shape() == Shape{9, 5});
    const std::vector<Index> third{3};
    const auto one = inputs.map([&](const auto&, const auto& input) { return input.gather(third); });
    CHECK(same_bits(shared.predict(one).at("class"), whole.at("class").slice(3, 4)));
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t)
        threads.emplace_back([&] {
            for (Index size = 1; size < 11; ++size)
                wrong += !same_bits(shared.predict(inputs, size), whole);
        });
    for (auto& thread : threads)
        thread.join();
    CHECK(wrong == 0);
    CHECK_THROWS_WITH(shared.predict(images_and_words<float>(0)), "[predict] expected at least one sample of 'word', 'image', got none");
    CHECK_THROWS_AS(shared.predict(data::Inputs<>{}), ValueError);
    CHECK_THROWS_AS(shared.predict(inputs, 0), ValueError);
    CHECK(net(images_and_words<float>(1)).at("size").shape() == Shape{1, 1});
    net.eval();
    CHECK(net(images_and_words<float>(0)).at("size").shape() == Shape{0, 1});
}

TEST_CASE("the other form of input, and inputs that do not fit, say what a net wants", "[mtl][net][encoder]") {
    auto named = of_image_and_word<float>();
    auto plain = small<float>();
    const Tensor<float> tensor{Shape{2, 3}};
    const auto inputs = images_and_words<float>(2);
    CHECK_THROWS_AS(named(tensor), StateError);
    CHECK_THROWS_WITH(named(tensor), "[net] expected inputs by name, 'image', 'word', got one tensor of shape (2, 3)");
    CHECK_THROWS_WITH(named.predict(tensor), ContainsSubstring("expected inputs by name, 'image', 'word', got one tensor"));
    CHECK_THROWS_WITH(named.features(tensor), ContainsSubstring("expected inputs by name"));
    CHECK_THROWS_WITH(plain(inputs), ContainsSubstring("[net] expected one tensor, got inputs by name, 'word', 'image'"));
    CHECK_THROWS_AS(plain.predict(inputs), StateError);
    CHECK_THROWS_WITH(plain.encoder(), "[encoder] expected a net of inputs by name, got one of one tensor");
    const auto state = named.state_dict();
    CHECK_THROWS_WITH(named({{"image", data::values_of(inputs, "image")}, {"words", data::indices_of(inputs, "word")}}),
                      "[inputs] expected an input 'word', got 'image', 'words'");
    CHECK_THROWS_WITH(named({{"image", data::values_of(inputs, "image")}, {"word", Tensor<Index>{Shape{3}}}}),
                      "[inputs] expected 2 samples in input 'word' as in 'image', got shape (3,)");
    CHECK(same_bits(named.state_dict(), state));  // the running statistics that the image has moved are taken back
    CHECK_THROWS_WITH(named({{"image", tensor}, {"word", data::indices_of(inputs, "word")}}),
                      ContainsSubstring("in layer 0, in input 'image', in encoder 0, in encoder"));
    mtl::MultiTaskNet silent{
        [](const data::Inputs<>& in) { return Variable<>{data::values_of(in, "x")}; }, nn::Linear{3, 1}, {{"a", nn::ReLU{}}}};
    CHECK(silent({{"x", tensor}}).at("a").shape() == Shape{2, 1});
    CHECK_THROWS_WITH(silent(tensor), "[net] expected inputs by name, got one tensor of shape (2, 3)");
}

TEMPLATE_TEST_CASE("a derived output is made of those of the heads, wherever outputs are", "[mtl][net]", float, double) {
    using T = TestType;
    auto net = entire_space<T>();
    const Variable<T> x{normal<T>({7, 3})};
    const auto outputs = net(x);
    CHECK(names(outputs) == Names{"click", "buy", "both"});
    CHECK(net.tasks() == names(outputs));
    const auto product = autograd::sigmoid(outputs.at("click")) * autograd::sigmoid(outputs.at("buy"));
    testing::require_close(autograd::sigmoid(outputs.at("both")).value(), product.value(), std::is_same_v<T, float> ? 1e-6 : 1e-14);
    const auto predicted = net.predict(x.value(), 3);
    CHECK(names(predicted) == names(outputs));
    CHECK(predicted.at("both").shape() == Shape{7, 1});
    CHECK(same_bits(net.heads(net.features(x)).at("both").value(), outputs.at("both").value()));
    CHECK(net(Tensor<T>{Shape{0, 3}}).at("both").shape() == Shape{0, 1});
    CHECK(net.task_parameters("both").empty());
    CHECK(net.state_dict().size() == 6);

    auto copy = net;
    copy.derive("odds", [](const mtl::Outputs<T>& of_heads) { return exp(of_heads.at("click")); });
    CHECK(names(copy(x)) == Names{"click", "buy", "both", "odds"});
    CHECK(net.tasks().size() == 3);
    const auto handle = net.parameters()[0];
    copy.parameters()[0].mutable_value().fill(1);
    net = copy;  // the values into the parameters that are there
    CHECK(net.parameters()[0].node() == handle.node());
    CHECK(same_bits(net(x).at("odds").value(), copy(x).at("odds").value()));
}

TEST_CASE("a head without a loss learns from what is derived of it", "[mtl][net]") {
    auto net = entire_space<double>();
    const mtl::MultiTaskLoss<double> criterion{
        {"click", losses::BCEWithLogits<double>{}}, {"both", losses::BCEWithLogits<double>{}}, {"buy", mtl::no_loss}};
    const Tensor<double> clicked{{4, 1}, {1, 0, 1, 0}}, bought{{4, 1}, {1, 0, 0, 0}};
    const auto x = normal<double>({4, 3});
    const auto loss = criterion(net(x), {{"click", clicked}, {"both", bought}});
    CHECK(names(loss.tasks()) == Names{"click", "both"});
    loss.backward();
    CHECK(net.task_parameters("buy")[0].has_grad());

    // The paper's formula in probabilities, where those are still exact.
    auto plain = entire_space<double>();
    const auto outputs = plain(x);
    const auto click = autograd::sigmoid(outputs.at("click")), both = click * autograd::sigmoid(outputs.at("buy"));
    const auto cross_entropy = [](const Variable<double>& p, const Tensor<double>& y) {
        const Variable<double> label{y};
        return -mean(label * log(p) + (1 - label) * log(1 - p));
    };
    (cross_entropy(click, clicked) + cross_entropy(both, bought)).backward();
    testing::require_close(testing::flat_gradients(net.parameters()), testing::flat_gradients(plain.parameters()), 1e-10);
}

TEST_CASE("rules see a head as shared that another output is derived of", "[mtl][net]") {
    auto net = entire_space<double>();
    mtl::MultiTaskLoss<double> criterion{
        {"click", losses::BCEWithLogits<double>{}}, {"both", losses::BCEWithLogits<double>{}}, {"buy", mtl::no_loss}};
    const losses::Targets<double> targets{{"click", Tensor<double>{{4, 1}, {1, 0, 1, 0}}}, {"both", Tensor<double>{{4, 1}, {1, 0, 0, 0}}}};
    const auto x = normal<double>({4, 3});
    std::vector<Variable<double>> shared = net.shared_parameters();
    for (const auto& parameter : net.task_parameters("click"))
        shared.push_back(parameter);
    std::vector<Variable<double>> losses;
    for (const auto& [task, loss] : criterion(net(x), targets).tasks())
        losses.push_back(loss);
    const auto rows = autograd::jacobian<double>(losses, shared);
    criterion.balance(mtl::MGDA{});
    const auto loss = criterion(net(x), targets);
    loss.backward();
    const auto gramian = loss.gramian();
    for (Index i = 0; i < 2; ++i)
        for (Index j = 0; j < 2; ++j) {
            double product = 0;
            for (Index p = 0; p < rows.size(1); ++p)
                product += rows.at(i, p) * rows.at(j, p);
            CHECK(gramian(static_cast<std::size_t>(i), static_cast<std::size_t>(j)) == Approx(product));
        }
}

TEST_CASE("a derived output that fails says which it is", "[mtl][net]") {
    auto net = entire_space<float>();
    const auto none = [](const mtl::Outputs<float>&) { return Variable<float>{}; };
    CHECK_THROWS_WITH(net.derive("click", none), "[derive] expected a name beside 'click', 'buy', 'both', got 'click' again");
    CHECK_THROWS_AS(net.derive("both", none), StateError);
    CHECK_THROWS_WITH(net.derive("more", nullptr), "[derive] expected a function that makes 'more', got none");
    CHECK(net.tasks().size() == 3);
    const auto x = normal<float>({2, 3});
    auto misspelt = net, wide = net, single = net;
    misspelt.derive("more", [](const mtl::Outputs<float>& outputs) { return outputs.at("clik"); });
    CHECK_THROWS_WITH(misspelt(x), "[named] expected one of 'click', 'buy', got 'clik', in derived output 'more'");
    CHECK_THROWS_AS(misspelt(x), StateError);
    wide.derive("more", [](const mtl::Outputs<float>& outputs) {
        return outputs.at("click") + Variable<float>{Tensor<float>{Shape{3, 1}}};
    });
    CHECK_THROWS_WITH(wide(x), "[add] expected shapes that broadcast, got (2, 1) and (3, 1), in derived output 'more'");
    single.derive("more", [](const mtl::Outputs<float>& outputs) { return sum(outputs.at("click")); });
    CHECK_THROWS_WITH(single.predict(x), "[predict] expected 2 outputs for task 'more', got shape ()");
    CHECK_THROWS_AS(net.head("both"), StateError);
    CHECK_THROWS_AS(net.task_parameters("more"), StateError);
}
