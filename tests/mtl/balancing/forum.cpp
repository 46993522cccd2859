// SPDX-License-Identifier: MIT
#include <espalier/mtl/balancing/forum.hpp>
#include <espalier/mtl/balancing/rule_state.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/optim/sgd.hpp>

#include "mtl/balancing/beside.hpp"
#include "sanitized.hpp"

using namespace espalier;
using testing::flat_values;
using testing::same_bits;
using testing::beside::gradients_of;
using testing::beside::Model;
using testing::beside::tolerance;
using testing::beside::with_batch_norm;

namespace {

template <class T>
mtl::MultiTaskLoss<T> criterion_of(const Model<T>& model) {
    auto criterion = model.criterion(false);
    criterion.balance(mtl::SoftmaxWeights<T>{});
    auto numbers = criterion.parameters()[0];
    for (Index t = 0; t < numbers.numel(); ++t)
        numbers.mutable_value()[t] = static_cast<T>(t) / T(8);
    return criterion;
}

/// A point of the plane as the output of two tasks.
struct Point {
    nn::Parameter<double> at;

    Named<Variable<double>> operator()(const Tensor<double>&) const { return {{"a", at}, {"b", at}}; }
    [[nodiscard]] std::vector<Variable<double>> parameters() const { return {at}; }
};
Model<double>::Batch squared_distances_to(const Tensor<double>& a, const Tensor<double>& b) { return {{}, {{"a", a}, {"b", b}}}; }

struct End {
    Tensor<double> point;
    double trained;  ///< the place between the inner targets that the weights train
};
/// Where FORUM leads to from a point, and numbers of which the first is `number`.
End end_of(const Tensor<double>& start, double number) {
    Point net{nn::Parameter<double>{start}};
    mtl::MultiTaskLoss<double> criterion{{"a", losses::MSE<double>{}}, {"b", losses::MSE<double>{}}};
    criterion.balance(mtl::SoftmaxWeights<double>{});
    criterion.parameters()[0].mutable_value()[0] = number;
    optim::SGD<double> sgd{net.parameters(), {.learning_rate = 0.05}};
    optim::SGD<double> meta{criterion.parameters(), {.learning_rate = 0.5}};
    mtl::FORUM forum{2, {.rho = 0.5}};
    const auto inner = squared_distances_to(Tensor<double>{{2}, {-1, 0}}, Tensor<double>{{2}, {1, 0}});
    const auto outer = squared_distances_to(Tensor<double>{{2}, {0.5, 1}}, Tensor<double>{{2}, {0.75, 1}});
    for (int step = 0; step < 3000; ++step) {
        const double rate = 0.05 / (1 + step / 100.0);
        sgd.set_learning_rate(rate);
        meta.set_learning_rate(10 * rate);
        sgd.zero_grad();
        forum.backward(net, criterion, inner, outer);
        sgd.step();
        meta.step();
    }
    const mtl::Weights weights = mtl::softmax_weights(criterion.parameters()[0].value());
    return {net.at.value(), weights[1] - weights[0]};
}

/// Fails in one of its calls.
struct Failing {
    Named<Variable<double>> operator()(const Variable<double>& x) {
        if (++calls == fails_at)
            throw std::runtime_error{"as told"};
        return net(x);
    }
    [[nodiscard]] auto parameters() const { return net.parameters(); }
    template <class Visitor>
    void visit(Visitor& visitor) {
        visitor("net", net);
    }
    mtl::MultiTaskNet<double> net;
    int fails_at;
    int calls = 0;
};

}  // namespace

TEMPLATE_TEST_CASE("FORUM's gradients are those of the published program", "[mtl][balancing]", float, double) {
    using T = TestType;
    const Model<T> model{GENERATE("one", "three", "masked")};
    const bool normalize = GENERATE(false, true);
    const std::string what = normalize ? "forum_normalized" : "forum";
    CAPTURE(model.name, normalize);
    auto net = model.net();
    const auto before = flat_values(net);
    const auto criterion = criterion_of(model);
    auto numbers = criterion.parameters()[0];
    const auto ones = Tensor<T>::ones(numbers.shape());
    numbers.add_grad(ones.span());  // is replaced
    mtl::FORUM forum{model.tasks.size(), {.inner_steps = 3, .rho = 0.5, .normalize = normalize}};
    const auto inner = model.batch(2);
    const auto loss = forum.backward(net, criterion, inner, model.batch(3));
    testing::require_close(gradients_of(net), model.expected(what), tolerance<T>);
    testing::require_close(numbers.grad().template cast<double>(), model.expected(what + "_logits"), tolerance<T>);
    CHECK(loss.item("a") == criterion(net(inner.input), inner.targets).item("a"));
    CHECK(same_bits(flat_values(net), before));
    forum.backward(net, criterion, inner, model.batch(3));
    auto twice = model.expected(what);
    for (double& value : twice)
        value *= 2;
    testing::require_close(gradients_of(net), twice, tolerance<T>);  // is added to
}

// The weights of the inner losses can train the points between (-1, 0) and (1, 0) alone. Of these, those between the feet of the two
// outer targets are Pareto-optimal; without the inner problem it would be those between the outer targets themselves.
TEST_CASE("FORUM comes to points that weights can train, and of which none is better for all outer losses", "[mtl][balancing][long]") {
    double least = 1;
    double most = 0;
    for (const auto& start : {Tensor<double>{{2}, {-2, 1}}, Tensor<double>{{2}, {2, -1}}, Tensor<double>{{2}, {0.625, 1}}})
        for (const double number : {-2.0, 0.0, 1.0}) {
            if (testing::sanitized && number != -2)
                continue;
            const End end = end_of(start, number);
            CAPTURE(start[0], start[1], number, end.point[0], end.point[1], end.trained);
            CHECK(std::abs(end.point[1]) < 0.005);
            CHECK(end.point[0] == Approx(end.trained).margin(0.005));
            CHECK(end.point[0] > 0.495);
            CHECK(end.point[0] < 0.755);
            least = std::min(least, end.point[0]);
            most = std::max(most, end.point[0]);
        }
    CHECK(most - least > 0.2);  // they are not all the same one
}

TEST_CASE("FORUM's shares are an average that gets slower with the epochs", "[mtl][balancing]") {
    const Model<double> model{"three"};
    auto net = model.net();
    const auto criterion = criterion_of(model);
    const auto shares_of_next = [&](mtl::FORUM& forum) {
        forum.backward(net, criterion, model.batch(3), model.batch(4));
        return std::vector<double>(forum.shares().begin(), forum.shares().end());
    };
    mtl::FORUM forum{3};
    forum.backward(net, criterion, model.batch(2), model.batch(3));
    const std::vector<double> first(forum.shares().begin(), forum.shares().end());
    mtl::FORUM fresh{3};
    const auto second = shares_of_next(fresh);
    CHECK(first != second);
    forum.end_epoch();
    const auto averaged = shares_of_next(forum);
    const double rate = std::pow(2, -0.75);
    for (std::size_t t = 0; t < 3; ++t)
        CHECK(averaged[t] == Approx((1 - rate) * first[t] + rate * second[t]).margin(1e-12));
}

TEST_CASE("FORUM's state is shown, and goes on elsewhere", "[mtl][balancing][state]") {
    const Model<double> model{"three"};
    auto net = model.net();
    const auto criterion = criterion_of(model);
    mtl::FORUM forum{3};
    const auto go_on = [&](mtl::FORUM& which) {
        for (auto parameter : net.parameters())
            parameter.zero_grad();
        for (Index step = 0; step < 3; ++step)
            which.backward(net, criterion, model.batch(2 + step), model.batch(3 + step));
        return gradients_of(net);
    };
    forum.end_epoch();
    go_on(forum);
    mtl::detail::CollectState<double> collect;
    forum.visit(collect);
    mtl::FORUM other{3};
    mtl::detail::RestoreState<double> restore{collect.state};
    other.visit(restore);
    restore.require_fit();
    mtl::FORUM copy = forum;
    const auto gradients = go_on(forum);
    CHECK(same_bits(go_on(other), gradients));
    CHECK(same_bits(go_on(copy), gradients));
    mtl::FORUM started{3};
    CHECK_FALSE(same_bits(go_on(started), gradients));
}

TEST_CASE("a batch of FORUM may have no labels of a task, or none at all", "[mtl][balancing]") {
    const Model<double> model{"three"};
    const Model<double> masked{"masked"};
    auto net = model.net();
    const auto criterion = criterion_of(model);
    mtl::FORUM forum{3, {.rho = 0.5}};
    forum.end_epoch();
    forum.backward(net, criterion, model.batch(2), masked.batch(3));
    CHECK(forum.shares()[1] == 1.0 / 3);  // what it had
    CHECK(forum.shares()[0] + forum.shares()[2] == Approx(2.0 / 3));
    auto none = model.batch(3);
    for (const auto& task : model.tasks)
        none.targets.at(task) = {testing::beside::numbers<double>({4, 1}, 1), Tensor<bool>::full({4}, false)};
    const std::vector<double> before(forum.shares().begin(), forum.shares().end());
    for (auto parameter : net.parameters())
        parameter.zero_grad();
    auto numbers = criterion.parameters()[0];
    // Without outer losses -d is rho times the gradient of q.
    forum.backward(net, criterion, model.batch(2), none);
    const auto on_net = gradients_of(net);
    const auto on_numbers = numbers.grad();
    auto plain = model.net();
    const auto batch = model.batch(2);
    criterion(plain(batch.input), batch.targets).backward();
    auto expected = gradients_of(plain);
    for (double& value : expected)
        value *= 0.5;
    testing::require_close(on_net, expected, 1e-12);
    CHECK(std::abs(on_numbers[0]) > 1e-6);
    CHECK(std::equal(before.begin(), before.end(), forum.shares().begin()));
    // Without inner losses q is 0, and without any there is nothing to do.
    forum.backward(net, criterion, none, model.batch(3));
    CHECK(numbers.grad()[0] == 0);
    auto untouched = model.net();
    forum.backward(untouched, criterion, none, none);
    CHECK_FALSE(untouched.parameters()[0].has_grad());
}

TEST_CASE("FORUM moves statistics in the passes at the net's parameters alone", "[mtl][balancing]") {
    const Model<double> model{"three"};
    auto net = with_batch_norm();
    auto once = net;
    const auto criterion = criterion_of(model);
    mtl::FORUM forum{3};
    forum.backward(net, criterion, model.batch(2), model.batch(3));
    (void)once(model.batch(2).input);
    (void)once(model.batch(3).input);
    CHECK(same_bits(net.state_dict(), once.state_dict()));
}

TEST_CASE("FORUM leaves parameters, gradients and its state as they are after an error", "[mtl][balancing]") {
    const Model<double> model{"three"};
    const auto criterion = criterion_of(model);
    auto numbers = criterion.parameters()[0];
    const auto ones = Tensor<double>::ones(numbers.shape());
    numbers.add_grad(ones.span());
    mtl::FORUM forum{3, {.inner_steps = 3}};
    const std::vector<double> shares(forum.shares().begin(), forum.shares().end());
    const auto unchanged = [&](const mtl::MultiTaskNet<double>& net) {
        CHECK(same_bits(flat_values(net), flat_values(model.net())));
        CHECK_FALSE(net.parameters()[0].has_grad());
        CHECK(same_bits(numbers.grad(), ones));
        CHECK(std::equal(shares.begin(), shares.end(), forum.shares().begin()));
    };
    for (int call = 1; call <= 5; ++call) {  // at theta, at each step, and at theta with the other batch
        Failing failing{model.net(), call};
        CHECK_THROWS_WITH(forum.backward(failing, criterion, model.batch(2), model.batch(3)), "as told");
        unchanged(failing.net);
    }
    auto net = model.net();
    mtl::FORUM wild{3, {.inner_rate = 1e200}};
    CHECK_THROWS_AS(wild.backward(net, criterion, model.batch(2), model.batch(3)), ValueError);
    CHECK_THROWS_WITH(forum.backward(net, model.criterion(), model.batch(2), model.batch(3)),
                      ContainsSubstring("[FORUM] expected a criterion under a rule that learns a weight for each of 3 tasks"));
    mtl::FORUM of_two{2};
    CHECK_THROWS_AS(of_two.backward(net, criterion, model.batch(2), model.batch(3)), StateError);
    unchanged(net);
    Failing works{model.net(), 6};
    forum.backward(works, criterion, model.batch(2), model.batch(3));
    CHECK(works.calls == 5);
    CHECK(works.parameters()[0].has_grad());
}

TEST_CASE("FORUM refuses options out of range", "[mtl][balancing]") {
    CHECK_THROWS_AS(mtl::FORUM{0}, StateError);
    CHECK_THROWS_WITH((mtl::FORUM{2, {.inner_rate = 0}}), "[FORUM] expected an inner rate above 0, got 0");
    CHECK_THROWS_WITH((mtl::FORUM{2, {.inner_steps = 0}}), "[FORUM] expected at least 1 inner step, got 0");
    CHECK_THROWS_AS((mtl::FORUM{2, {.rho = -1}}), ValueError);
    CHECK_THROWS_AS((mtl::FORUM{2, {.rho = std::nan("")}}), ValueError);
    CHECK_THROWS_AS((mtl::FORUM{2, {.decay = 1.5}}), ValueError);
}
