// SPDX-License-Identifier: MIT
#include <espalier/losses/cross_entropy.hpp>
#include <espalier/losses/mse.hpp>
#include <espalier/mtl/multi_task_loss.hpp>
#include <espalier/mtl/multi_task_net.hpp>
#include <espalier/nn/activation.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/optim/sgd.hpp>

#include "nn/testing.hpp"

#include <limits>
#include <type_traits>

using namespace espalier;
using testing::names;
using testing::normal;
using testing::same_bits;
using Names = std::vector<std::string>;

namespace {

template <class T>
mtl::MultiTaskNet<T> small() {
    manual_seed(1);
    return {nn::Sequential{nn::Linear<T>{3, 4}, nn::Tanh{}}, {{"class", nn::Linear<T>{4, 5}}, {"size", nn::Linear<T>{4, 1}}}};
}

template <class T>
mtl::MultiTaskLoss<T> criterion_of(double class_weight = 1, double size_weight = 1) {
    return mtl::MultiTaskLoss<T>{{"class", losses::CrossEntropy<T>{}, class_weight}, {"size", losses::MSE<T>{}, size_weight}};
}

template <class T>
losses::Targets<T> targets_of(std::optional<Tensor<bool>> class_mask = {}, std::optional<Tensor<bool>> size_mask = {}) {
    return {{"class", {Tensor<Index>{{4}, {0, 4, 2, 1}}, std::move(class_mask)}},
            {"size", {Tensor<T>{{4, 1}, {1, -1, 0.5, 2}}, std::move(size_mask)}}};
}

}  // namespace

TEST_CASE("the scalar need not be said", "[mtl][loss]") {
    mtl::MultiTaskLoss criterion{{"left", losses::CrossEntropy{}}, {"right", losses::CrossEntropy{}}};
    CHECK(std::is_same_v<decltype(criterion), mtl::MultiTaskLoss<float>>);
    const auto own = [](const Variable<float>& x, const losses::Target<float>&) { return sum(x); };
    mtl::MultiTaskLoss lambda{{"a", own, 0.5}, {"b", losses::MSE{}}};
    CHECK(lambda.weight("a") == 0.5);
    CHECK(lambda.weight("b") == 1);
}

TEMPLATE_TEST_CASE("the total is the weighted sum of the parts", "[mtl][loss]", float, double) {
    using T = TestType;
    auto net = small<T>();
    const auto x = normal<T>({4, 3});
    const auto targets = targets_of<T>();
    const auto outputs = net(x);
    const double cross_entropy = static_cast<double>(losses::cross_entropy(outputs.at("class"), targets.at("class")).item());
    const double mse = static_cast<double>(losses::mse_loss(outputs.at("size"), targets.at("size")).item());

    auto criterion = criterion_of<T>();
    const auto loss = criterion(outputs, targets);
    CHECK(static_cast<double>(loss.item()) == Approx(cross_entropy + mse));
    CHECK(loss.total().item() == loss.item());
    CHECK(static_cast<double>(loss.item("class")) == Approx(cross_entropy));
    CHECK(static_cast<double>(loss.item("size")) == Approx(mse));
    CHECK(names(loss.tasks()) == Names{"class", "size"});
    CHECK(loss.active() == std::vector<bool>{true, true});
    CHECK_THROWS_WITH(loss.item("color"), "[named] expected one of 'class', 'size', got 'color'");

    criterion.set_weight("size", 0.25);
    CHECK(criterion.weight("size") == 0.25);
    const auto weighted = criterion(net(x), targets);
    CHECK(static_cast<double>(weighted.item()) == Approx(cross_entropy + 0.25 * mse));
    CHECK(static_cast<double>(weighted.item("size")) == Approx(mse));  // a task's own loss is without its weight
    CHECK(static_cast<double>(criterion_of<T>(2, 0)(net(x), targets).item()) == Approx(2 * cross_entropy));
}

TEMPLATE_TEST_CASE("the gradient of the total is the weighted sum of the tasks' gradients", "[mtl][loss]", float, double) {
    using T = TestType;
    auto net = small<T>();
    const auto x = normal<T>({4, 3});
    const auto targets = targets_of<T>();
    criterion_of<T>(2, 0.5)(net(x), targets).backward();
    auto separate = net;
    const auto outputs = separate(x);
    (losses::cross_entropy(outputs.at("class"), targets.at("class")) * 2).backward();
    const auto again = separate(x);
    (losses::mse_loss(again.at("size"), targets.at("size")) * T(0.5)).backward();
    testing::require_close(testing::flat_gradients(net.parameters()), testing::flat_gradients(separate.parameters()),
                           std::is_same_v<T, float> ? 1e-5 : 1e-13);
}

TEST_CASE("backward through the total may keep the graph", "[mtl][loss]") {
    auto net = small<float>();
    const auto loss = criterion_of<float>()(net(normal<float>({4, 3})), targets_of<float>());
    loss.backward(true);
    const auto once = testing::flat_gradients(net.parameters());
    loss.backward();
    const auto twice = testing::flat_gradients(net.parameters());
    for (Index i = 0; i < once.numel(); ++i)
        REQUIRE(twice[i] == Approx(2 * once[i]).margin(1e-7));  // a product goes on from what is there
    CHECK_THROWS_AS(loss.backward(), StateError);
}

TEST_CASE("a mask leaves out what is not labelled", "[mtl][loss]") {
    auto net = small<float>();
    const auto x = normal<float>({4, 3});
    const Tensor<bool> half{{4}, {true, false, false, true}};
    auto targets = targets_of<float>(half, {});
    const auto loss = criterion_of<float>()(net(x), targets);
    CHECK(loss.active() == std::vector<bool>{true, true});
    const std::vector<Index> kept{0, 3};
    const auto rows = net(x.gather(kept));
    CHECK(loss.item("class") == Approx(losses::cross_entropy(rows.at("class"), losses::Target<float>{Tensor<Index>{{2}, {0, 1}}}).item()));
    loss.backward();
    CHECK(net.task_parameters("class")[0].has_grad());
}

TEMPLATE_TEST_CASE("a task without labels in a batch is left out", "[mtl][loss]", float, double) {
    using T = TestType;
    auto net = small<T>();
    optim::SGD<T> sgd{net.parameters(), {.learning_rate = 0.1, .momentum = 0.9}};
    const auto criterion = criterion_of<T>();
    const auto x = normal<T>({4, 3});
    const auto step = [&](const losses::Targets<T>& targets) {
        const auto loss = criterion(net(x), targets);
        sgd.zero_grad();
        loss.backward();
        sgd.step();
        return loss;
    };
    step(targets_of<T>());  // momentum that would move the head
    const auto before = net.state_dict();
    const auto loss = step(targets_of<T>({}, Tensor<bool>{Shape{4}}));
    CHECK(loss.active() == std::vector<bool>{true, false});
    CHECK(loss.item("size") == 0);
    CHECK(loss.item() == loss.item("class"));
    CHECK_FALSE(net.task_parameters("size")[0].has_grad());
    const auto after = net.state_dict();
    CHECK(same_bits(after.at("heads.size.weight"), before.at("heads.size.weight")));
    CHECK(same_bits(after.at("heads.size.bias"), before.at("heads.size.bias")));
    CHECK_FALSE(same_bits(after.at("heads.class.weight"), before.at("heads.class.weight")));
    CHECK_FALSE(same_bits(after.at("trunk.0.weight"), before.at("trunk.0.weight")));

    const auto none = step(targets_of<T>(Tensor<bool>{Shape{4}}, Tensor<bool>{Shape{4}}));
    CHECK(none.active() == std::vector<bool>{false, false});
    CHECK(none.item() == 0);
    CHECK(same_bits(net.state_dict(), after));
}

TEST_CASE("the loss of a task without labels is not even asked", "[mtl][loss]") {
    const auto careless = [](const Variable<float>& x, const losses::Target<float>& target) {
        return sum(x) / static_cast<float>(target.labelled_count());  // NaN over nothing
    };
    auto net = small<float>();
    const mtl::MultiTaskLoss<float> criterion{{"class", losses::CrossEntropy{}}, {"size", careless}};
    const auto loss = criterion(net(normal<float>({4, 3})), targets_of<float>({}, Tensor<bool>{Shape{4}}));
    CHECK(loss.item("size") == 0);
    CHECK(loss.active() == std::vector<bool>{true, false});
    loss.backward();
}

TEST_CASE("tasks, losses and targets have to belong together", "[mtl][loss]") {
    auto net = small<float>();
    const auto x = normal<float>({4, 3});
    const auto targets = targets_of<float>();
    const auto outputs = net(x);
    const auto criterion = criterion_of<float>();

    const mtl::MultiTaskLoss<float> one{{"size", losses::MSE{}}};
    CHECK_THROWS_AS(one(outputs, targets), StateError);
    CHECK_THROWS_WITH(one(outputs, targets), "[MultiTaskLoss] expected a loss for every task, got none for 'class', only for 'size'");

    const mtl::MultiTaskLoss<float> three{{"class", losses::CrossEntropy{}}, {"size", losses::MSE{}}, {"age", losses::MSE{}}};
    CHECK_THROWS_AS(three(outputs, targets), StateError);
    CHECK_THROWS_WITH(three(outputs, targets), "[MultiTaskLoss] expected an output for task 'age', got 'class', 'size'");

    const losses::Targets<float> missing{{"class", targets.at("class")}};
    CHECK_THROWS_AS(criterion(outputs, missing), StateError);
    CHECK_THROWS_WITH(criterion(outputs, missing), "[MultiTaskLoss] expected a target for task 'size', got 'class'");
    CHECK_THROWS_WITH(criterion(outputs, {}), "[MultiTaskLoss] expected a target for task 'class', got nothing");
}

TEST_CASE("what a loss refuses comes with the name of its task", "[mtl][loss]") {
    auto net = small<float>();
    const auto outputs = net(normal<float>({4, 3}));
    const auto criterion = criterion_of<float>();
    const auto with = [&](const losses::Target<float>& labels, const losses::Target<float>& size) {
        return criterion(outputs, losses::Targets<float>{{"class", labels}, {"size", size}});
    };
    const losses::Target<float> labels{Tensor<Index>{Shape{4}}};
    const losses::Target<float> sizes{Tensor<float>{Shape{4, 1}}};
    CHECK_THROWS_AS(with(Tensor<Index>{{4}, {0, 4, 5, 1}}, sizes), ValueError);
    CHECK_THROWS_WITH(with(Tensor<Index>{{4}, {0, 4, 5, 1}}, sizes),
                      "[cross_entropy] expected labels in [0, 5), got 5 at sample 2, for task 'class'");
    CHECK_THROWS_WITH(with(Tensor<Index>{{4}, {0, 4, 0, -1}}, sizes),
                      "[cross_entropy] expected labels in [0, 5), got -1 at sample 3, for task 'class'");
    CHECK_THROWS_AS(with(sizes, sizes), StateError);
    CHECK_THROWS_WITH(
        with(sizes, sizes),
        "[cross_entropy] expected a target of class indices, got values of shape (4, 1): give labels as a Tensor<Index>, for task 'class'");
    CHECK_THROWS_AS(with(labels, Tensor<float>{Shape{4}}), ShapeError);
    CHECK_THROWS_WITH(
        with(labels, Tensor<float>{Shape{4}}),
        "[mse_loss] expected values of the shape of the prediction (4, 1), got (4,): reshape them to (4, 1), for task 'size'");
}

TEST_CASE("a loss has to be one finite number", "[mtl][loss]") {
    auto net = small<float>();
    auto x = normal<float>({4, 3});
    const auto each = [](const Variable<float>& y, const losses::Target<float>&) { return sum(y, 0); };
    const mtl::MultiTaskLoss<float> many{{"class", each}, {"size", losses::MSE{}}};
    CHECK_THROWS_AS(many(net(x), targets_of<float>()), ShapeError);
    CHECK_THROWS_WITH(many(net(x), targets_of<float>()),
                      "[MultiTaskLoss] expected a loss of one element for task 'class', got (5,): use the mean or the sum");
    const mtl::MultiTaskLoss<float> unreduced{{"class", losses::CrossEntropy{{.reduction = losses::Reduction::none}}},
                                              {"size", losses::MSE{}}};
    CHECK_THROWS_WITH(unreduced(net(x), targets_of<float>()),
                      "[MultiTaskLoss] expected a loss of one element for task 'class', got (4,): use the mean or the sum");

    const auto before = net.state_dict();
    const auto criterion = criterion_of<float>();
    auto targets = losses::Targets<float>{{"class", Tensor<Index>{Shape{4}}},
                                          {"size", Tensor<float>{{4, 1}, {0, std::numeric_limits<float>::infinity(), 0, 0}}}};
    CHECK_THROWS_AS(criterion(net(x), targets), ValueError);
    CHECK_THROWS_WITH(criterion(net(x), targets), "[MultiTaskLoss] expected a finite loss for task 'size', got inf");
    x[4] = std::numeric_limits<float>::quiet_NaN();
    CHECK_THROWS_AS(criterion(net(x), targets_of<float>()), ValueError);
    CHECK_THROWS_WITH(criterion(net(x), targets_of<float>()),
                      ContainsSubstring("[MultiTaskLoss] expected a finite loss for task 'class', got ") && ContainsSubstring("nan"));
    CHECK(same_bits(net.state_dict(), before));
    for (const auto& parameter : net.parameters())
        CHECK_FALSE(parameter.has_grad());
}

TEST_CASE("names and weights of the losses are checked", "[mtl][loss]") {
    using Loss = mtl::MultiTaskLoss<float>;
    using Tasks = std::vector<mtl::TaskLoss<float>>;
    CHECK_THROWS_AS(Loss{Tasks{}}, StateError);
    CHECK_THROWS_WITH(Loss{Tasks{}}, "[MultiTaskLoss] expected at least one task, got none");
    CHECK_THROWS_AS((Loss{{"a", losses::MSE{}}, {"a", losses::MSE{}}}), StateError);
    CHECK_THROWS_WITH((Loss{{"a", losses::MSE{}}, {"a", losses::MSE{}}}), "[MultiTaskLoss] expected one loss for each task, got 'a' twice");
    CHECK_THROWS_AS((Loss{{"a", losses::MSE{}, -1}}), ValueError);
    CHECK_THROWS_WITH((Loss{{"a", losses::MSE{}, -1}}), "[MultiTaskLoss] expected a weight of at least 0 for task 'a', got -1");
    Loss criterion{{"a", losses::MSE{}}};
    CHECK_THROWS_AS(criterion.set_weight("a", std::numeric_limits<double>::infinity()), ValueError);
    CHECK_THROWS_WITH(criterion.set_weight("a", std::numeric_limits<double>::infinity()),
                      "[MultiTaskLoss] expected a weight of at least 0 for task 'a', got inf");
    CHECK(criterion.weight("a") == 1);
    CHECK_THROWS_AS(criterion.set_weight("b", 1), StateError);
    CHECK_THROWS_WITH(criterion.weight("b"), "[named] expected one of 'a', got 'b'");
}

TEST_CASE("what a temporary loss gives outlives it", "[mtl][loss]") {
    auto net = small<float>();
    const auto x = normal<float>({4, 3});
    const auto targets = targets_of<float>();
    const auto criterion = criterion_of<float>();
    const auto& total = criterion(net(x), targets).total();
    const auto& tasks = criterion(net(x), targets).tasks();
    const float expected = criterion(net(x), targets).item();
    CHECK(total.item() == expected);
    CHECK(tasks.at("class").item() + tasks.at("size").item() == Approx(expected));
    total.backward();
    CHECK(net.parameters()[0].has_grad());
}

TEST_CASE("a loss that is a constant although the output is not counts for nothing", "[mtl][loss]") {
    auto net = small<float>();
    mtl::MultiTaskLoss criterion{
        {"class", [](const Variable<float>&, const losses::Target<float>&) { return Variable<float>{Tensor<float>::scalar(0)}; }},
        {"size", losses::MSE{}}};
    const auto loss = criterion(net(normal<float>({4, 3})), targets_of<float>());
    CHECK(loss.active() == std::vector<bool>{false, true});
    loss.backward();
    CHECK_FALSE(net.task_parameters("class")[0].has_grad());
    CHECK(net.task_parameters("size")[0].has_grad());
}

TEST_CASE("the losses of a prediction are those of the net in evaluation", "[mtl][loss]") {
    auto net = small<float>();
    const auto x = normal<float>({4, 3});
    const auto criterion = criterion_of<float>(2, 0.5);
    const auto loss = criterion(net.predict(x), targets_of<float>());
    CHECK(loss.item() == criterion(net(x), targets_of<float>()).item());
    CHECK(loss.active() == std::vector<bool>{true, true});
    CHECK(loss.weights() == std::vector<double>{2, 0.5});
    loss.backward();  // nothing to do
}

TEST_CASE("k scaled backward passes make one batch of k", "[mtl][loss]") {
    auto net = small<double>();
    auto whole = net;
    const auto criterion = criterion_of<double>();
    const auto x = normal<double>({4, 3});
    criterion(whole(x), targets_of<double>()).backward();
    const auto targets = targets_of<double>();
    for (Index first = 0; first < 4; first += 2) {
        const std::vector<Index> half{first, first + 1};
        losses::Targets<double> part;
        for (const auto& [task, target] : targets)
            part.insert(task, target.gather(half));
        criterion(net(x.slice(first, first + 2)), part).backward({.scale = 0.5});
    }
    testing::require_close(testing::flat_gradients(net.parameters()), testing::flat_gradients(whole.parameters()), 1e-12);
}

TEST_CASE("losses that were made elsewhere are joined as those of a batch", "[mtl][loss]") {
    auto net = small<double>();
    const auto criterion = criterion_of<double>(2, 3);
    const auto x = normal<double>({4, 3});
    const auto targets = targets_of<double>();
    const auto direct = criterion(net(x), targets);
    const auto joined = criterion.join(criterion(net(x), targets).tasks());
    CHECK(joined.item() == direct.item());
    CHECK(joined.weights() == std::vector<double>{2, 3});
    direct.backward();
    const auto expected = testing::flat_gradients(net.parameters());
    for (auto parameter : net.parameters())
        parameter.zero_grad();
    joined.backward();
    CHECK(same_bits(testing::flat_gradients(net.parameters()), expected));
    const Variable<double> one{Tensor<double>::scalar(1)};
    CHECK(criterion.join({{"class", one}, {"size", one}}).active() == std::vector<bool>{false, false});
    CHECK_THROWS_WITH(criterion.join({{"size", one}, {"class", one}}), "[join] expected losses of 'class', 'size', got 'size', 'class'");
    CHECK_THROWS_AS(criterion.join({{"class", one}}), StateError);
    CHECK_THROWS_AS(criterion.join({{"class", one}, {"size", Tensor<double>{Shape{2}}}}), ShapeError);
    const Variable<double> bad{Tensor<double>::scalar(std::numeric_limits<double>::infinity())};
    CHECK_THROWS_AS(criterion.join({{"class", one}, {"size", bad}}), ValueError);
}

TEST_CASE("an output may be said to have no loss", "[mtl][loss]") {
    using Loss = mtl::MultiTaskLoss<float>;
    auto net = small<float>();
    const auto x = normal<float>({4, 3});
    const Loss criterion{{"class", mtl::no_loss}, {"size", losses::MSE{}}};
    auto targets = targets_of<float>();
    const auto loss = criterion(net(x), {{"size", targets.at("size")}});
    CHECK(names(loss.tasks()) == Names{"size"});
    CHECK(loss.item() == losses::mse_loss(net(x).at("size"), targets.at("size")).item());
    loss.backward();
    CHECK_FALSE(net.task_parameters("class")[0].has_grad());
    CHECK(criterion(net.predict(x), targets).item() == loss.item());
    CHECK(names(criterion.join({{"size", loss.total().detach()}}).tasks()) == Names{"size"});
    CHECK_THROWS_AS(criterion.weight("class"), StateError);

    const Loss misspelt{{"clas", mtl::no_loss}, {"size", losses::MSE{}}};
    CHECK_THROWS_WITH(misspelt(net(x), targets), "[MultiTaskLoss] expected a loss for every task, got none for 'class', only for 'size'");
    const Loss more{{"class", losses::CrossEntropy{}}, {"size", losses::MSE{}}, {"color", mtl::no_loss}};
    CHECK_THROWS_WITH(more(net(x), targets), "[MultiTaskLoss] expected an output 'color', which has no loss, got 'class', 'size'");
    CHECK_THROWS_WITH((Loss{{"a", mtl::no_loss}, {"a", losses::MSE{}}}), "[MultiTaskLoss] expected one loss for each task, got 'a' twice");
    CHECK_THROWS_WITH((Loss{{"a", mtl::no_loss}}), "[MultiTaskLoss] expected at least one task, got none");
}
