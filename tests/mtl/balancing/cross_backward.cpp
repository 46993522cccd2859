// SPDX-License-Identifier: MIT
#include <espalier/mtl/balancing/cross_backward.hpp>
#include <espalier/mtl/balancing/modo.hpp>
#include <espalier/mtl/balancing/sdm_grad.hpp>

#include "mtl/balancing/beside.hpp"

using namespace espalier;
using testing::beside::gradients_of;
using testing::beside::Model;
using testing::beside::tolerance;

namespace {

/// The script's: the first row of the products.
const auto first_row = [](const mtl::CrossGramian& products) {
    mtl::Weights weights;
    for (std::size_t t = 0; t < products.size(); ++t)
        weights.push_back(products(0, t));
    return weights;
};

}  // namespace

TEMPLATE_TEST_CASE("products of the gradients of two batches weigh those of a third", "[mtl][balancing]", float, double) {
    const Model<TestType> model{GENERATE("three", "masked")};
    CAPTURE(model.name);
    auto net = model.net();
    const auto criterion = model.criterion();  // whose rule is not asked
    const auto products = cross_gramian(net, criterion, model.batch(2), model.batch(3));
    const auto expected = model.expected("cross");
    CHECK(products.context().task_count == 3);
    CHECK(products.context().tasks == (model.name == "three" ? PoolVector<std::size_t>{0, 1, 2} : PoolVector<std::size_t>{0, 2}));
    REQUIRE(static_cast<Index>(products.size()) == expected.size(0));
    for (std::size_t i = 0; i < products.size(); ++i) {
        const auto batch = model.batch(2);
        const auto& task = model.tasks[products.context().tasks[i]];
        CHECK(products.losses()[i] == Approx(criterion(net(batch.input), batch.targets).item(task)));
        for (std::size_t j = 0; j < products.size(); ++j)
            CHECK(products(i, j) == Approx(expected.at(static_cast<Index>(i), static_cast<Index>(j))).epsilon(tolerance<TestType>));
    }
    CHECK_FALSE(net.parameters()[0].has_grad());
    auto rule = first_row;
    const auto loss = cross_backward(net, criterion, rule, model.batch(2), model.batch(3), model.batch(4));
    testing::require_close(gradients_of(net), model.expected("cross_combined"), tolerance<TestType>);
    CHECK(loss.active()[0]);
}

TEST_CASE("the criterion's weights are in the products", "[mtl][balancing]") {
    const Model<double> model{"three"};
    auto net = model.net();
    auto criterion = model.criterion();
    const auto plain = cross_gramian(net, criterion, model.batch(2), model.batch(3));
    criterion.set_weight("b", 3);
    const auto weighed = cross_gramian(net, criterion, model.batch(2), model.batch(3));
    CHECK(weighed(1, 1) == Approx(9 * plain(1, 1)));
    CHECK(weighed(0, 1) == Approx(3 * plain(0, 1)));
    criterion.set_weight("b", 0);
    CHECK(cross_gramian(net, criterion, model.batch(2), model.batch(3)).context().tasks == PoolVector<std::size_t>{0, 2});
}

TEST_CASE("tasks that two batches do not have in common", "[mtl][balancing]") {
    const Model<double> model{"three"};
    const Model<double> masked{"masked"};
    auto net = model.net();
    const auto criterion = model.criterion();
    auto rule = [](const mtl::CrossGramian& products) { return mtl::Weights(products.size(), 1.0); };
    cross_backward(net, criterion, rule, model.batch(2), masked.batch(3), model.batch(4));
    auto without = model.net();
    const auto batch = masked.batch(4);
    model.criterion(false)(without(batch.input), batch.targets).backward();
    for (Index i = 0; i < 6; ++i)  // task b has no part in what is shared, but trains its head
        CHECK(gradients_of(net)[i] == Approx(gradients_of(without)[i]));
    CHECK(gradients_of(net)[9] != 0);
    auto none = model.batch(2);
    for (auto& [task, target] : none.targets)
        target = {target.values(), Tensor<bool>::full({4}, false)};
    auto never = [](const mtl::CrossGramian&) -> mtl::Weights { throw std::logic_error{"asked"}; };
    auto plain = model.net();
    auto nothing = model.net();
    cross_backward(nothing, criterion, never, none, model.batch(3), model.batch(4));
    const auto third = model.batch(4);
    model.criterion(false)(plain(third.input), third.targets).backward();
    testing::require_close(gradients_of(nothing), gradients_of(plain), 1e-12);
    auto untouched = model.net();
    cross_backward(untouched, criterion, never, model.batch(2), model.batch(3), none);
    CHECK_FALSE(untouched.parameters()[0].has_grad());
}

TEST_CASE("a rule of two batches that fails changes nothing", "[mtl][balancing]") {
    const Model<double> model{"three"};
    auto net = model.net();
    const auto step = [&](auto rule) { cross_backward(net, model.criterion(), rule, model.batch(2), model.batch(3), model.batch(4)); };
    CHECK_THROWS_WITH(step([](const mtl::CrossGramian&) {
                          return mtl::Weights{1, 2};
                      }),
                      "[cross_backward] expected from the rule a weight for each of 3 active tasks, got 2");
    CHECK_THROWS_AS(step([](const mtl::CrossGramian&) { return mtl::Weights{1, 2, std::nan("")}; }), ValueError);
    CHECK_FALSE(net.parameters()[0].has_grad());
}

TEMPLATE_TEST_CASE("the library's rules of two batches take a step", "[mtl][balancing]", mtl::SDMGrad, mtl::MoDo) {
    const Model<double> model{GENERATE("one", "three", "masked")};
    auto net = model.net();
    TestType rule;
    rule.start(model.tasks.size());
    auto same = rule;
    const auto weights = same(cross_gramian(net, model.criterion(), model.batch(2), model.batch(3)));
    auto chosen = [&](const mtl::CrossGramian&) { return weights; };
    auto other = model.net();
    cross_backward(net, model.criterion(), rule, model.batch(2), model.batch(3), model.batch(4));
    cross_backward(other, model.criterion(), chosen, model.batch(2), model.batch(3), model.batch(4));
    CHECK(testing::same_bits(gradients_of(net), gradients_of(other)));
}
