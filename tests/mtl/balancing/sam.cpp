// SPDX-License-Identifier: MIT
#include <espalier/data/batch.hpp>
#include <espalier/mtl/balancing/sam.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/sequential.hpp>

#include "mtl/balancing/beside.hpp"

using namespace espalier;
using testing::flat_values;
using testing::same_bits;
using testing::beside::gradients_of;
using testing::beside::Model;
using testing::beside::tolerance;

namespace {

const mtl::SAMOptions defaults{.rho = 0.1};

template <class T, class Backward>
void check(const Model<T>& model, const std::string& what, const Backward& backward) {
    auto net = model.net();
    const auto before = flat_values(net);
    const auto criterion = model.criterion();
    const auto batch = model.batch(2);
    const auto plain = criterion(net(batch.input), batch.targets);
    const auto loss = backward(net, criterion, batch);
    CHECK(same_bits(flat_values(net), before));
    testing::require_close(gradients_of(net), model.expected(what), tolerance<T>);
    CHECK(loss.active() == plain.active());
    for (const auto& task : model.tasks)
        CHECK(loss.item(task) == plain.item(task));
}

/// Fails in its third call.
struct Failing {
    Named<Variable<double>> operator()(const Variable<double>& x) {
        if (++calls == 3)
            throw std::runtime_error{"third"};
        return net(x);
    }
    [[nodiscard]] auto parameters() const { return net.parameters(); }
    mtl::MultiTaskNet<double> net;
    int calls = 0;
};

}  // namespace

TEMPLATE_TEST_CASE("sharpness-aware gradients are those of the published formulas", "[mtl][balancing]", float, double) {
    const Model<TestType> model{GENERATE("one", "three", "masked")};
    CAPTURE(model.name);
    check(model, "sam", [](auto& net, const auto& criterion, const auto& batch) { return sam_backward(net, criterion, batch, defaults); });
    check(model, "sam_together", [](auto& net, const auto& criterion, const auto& batch) {
        return sam_backward(net, criterion, batch, {.rho = 0.1, .together = true});
    });
    check(model, "sam_adaptive", [](auto& net, const auto& criterion, const auto& batch) {
        return sam_backward(net, criterion, batch, {.rho = 0.1, .adaptive = true});
    });
}

TEMPLATE_TEST_CASE("SAMO's gradients are those of the published formula", "[mtl][balancing]", float, double) {
    const Model<TestType> model{GENERATE("one", "three", "masked")};
    CAPTURE(model.name);
    check(model, "samo", [](auto& net, const auto& criterion, const auto& batch) {
        Random random{5};
        return samo_backward(net, criterion, batch, random, {.rho = 0.1, .beta = 0.25, .epsilon = 0.01});
    });
}

TEST_CASE("without a rule, or with one that sees losses, F-MTL decides once", "[mtl][balancing]") {
    const Model<double> model{"three"};
    const auto batch = model.batch(2);
    auto plain = model.net();
    sam_backward(plain, model.criterion(false), batch, defaults);
    auto net = model.net();
    auto criterion = model.criterion(false);
    int calls = 0;
    criterion.balance([&](const mtl::Losses<double>& losses) {
        ++calls;
        CHECK(losses.values()[1] == Approx(criterion(net(batch.input), batch.targets).item("b")));
        return losses[0] + losses[1] + losses[2];
    });
    sam_backward(net, criterion, batch, defaults);
    CHECK(calls == 1);
    testing::require_close(gradients_of(net), gradients_of(plain), 1e-12);
}

TEST_CASE("in a sharpness-aware step a rule looks at layers as ever, and at parameters instead of features", "[mtl][balancing]") {
    const Model<double> model{"three"};
    for (const auto scope : {mtl::Scope::layers, mtl::Scope::features}) {
        auto net = model.net();
        auto criterion = model.criterion(false);
        criterion.balance(testing::beside::UnitLengths{}, {.scope = scope});
        sam_backward(net, criterion, model.batch(2), defaults);
        testing::require_close(gradients_of(net), model.expected("sam"), 1e-10);  // the trunk is one layer
    }
}

TEST_CASE("running statistics move in the first of a sharpness-aware step's passes only", "[mtl][balancing]") {
    const Model<double> model{"three"};
    const auto batch = model.batch(2);
    manual_seed(1);
    mtl::MultiTaskNet<double> net{nn::Sequential{nn::Linear<double>{2, 2}, nn::BatchNorm<double>{2}},
                                  {{"a", nn::Linear<double>{2, 1}}, {"b", nn::Linear<double>{2, 1}}, {"c", nn::Linear<double>{2, 1}}}};
    auto once = net;
    (void)once(batch.input);
    auto with_samo = net;
    sam_backward(net, model.criterion(), batch, defaults);
    CHECK(same_bits(net.state_dict(), once.state_dict()));
    Random random{1};
    samo_backward(with_samo, model.criterion(), batch, random);
    CHECK(same_bits(with_samo.state_dict(), once.state_dict()));
}

TEST_CASE("a sharpness-aware step that fails leaves parameters and gradients as they were", "[mtl][balancing]") {
    const Model<double> model{"three"};
    auto batch = model.batch(2);
    Failing failing{model.net()};
    const auto before = flat_values(failing.net);
    CHECK_THROWS_WITH(sam_backward(failing, model.criterion(), batch, defaults), "third");
    CHECK(same_bits(flat_values(failing.net), before));
    CHECK_FALSE(failing.parameters()[0].has_grad());
    failing.calls = 0;
    Random random{1};
    CHECK_THROWS_WITH(samo_backward(failing, model.criterion(), batch, random), "third");
    CHECK(same_bits(flat_values(failing.net), before));
    auto criterion = model.criterion();
    criterion.balance([](const mtl::Gramian&) -> mtl::Weights { throw std::runtime_error{"rule"}; });
    CHECK_THROWS_WITH(sam_backward(failing.net, criterion, batch, defaults), "rule");
    CHECK(same_bits(flat_values(failing.net), before));
    CHECK_FALSE(failing.parameters()[0].has_grad());
    CHECK_THROWS_WITH(sam_backward(failing.net, criterion, batch, {.rho = 1e200}), ContainsSubstring("expected a finite loss"));
    CHECK(same_bits(flat_values(failing.net), before));
    CHECK_THROWS_WITH(sam_backward(failing.net, criterion, batch, {.rho = 0}), "[sam_backward] expected rho above 0, got 0");
    CHECK_THROWS_AS(samo_backward(failing.net, criterion, batch, random, {.beta = 2}), ValueError);
    CHECK_THROWS_AS(samo_backward(failing.net, criterion, batch, random, {.epsilon = 0}), ValueError);
    failing.calls = 10;
    batch.targets = model.batch(3).targets;
    sam_backward(failing, model.criterion(), batch, defaults);  // the next step works
    CHECK(failing.parameters()[0].has_grad());
}

TEST_CASE("a rule that refuses F-MTL's second decision leaves the gradients as they were before the first", "[mtl][balancing]") {
    const Model<double> model{"three"};
    const auto batch = model.batch(2);
    auto net = model.net();
    auto criterion = model.criterion(false);
    int calls = 0;
    criterion.balance([&](const mtl::Gramian& gramian) {
        if (++calls % 2 == 0)
            throw std::runtime_error{"second"};
        return mtl::Weights(gramian.size(), 1.0);
    });
    CHECK_THROWS_WITH(sam_backward(net, criterion, batch, defaults), "second");
    CHECK(calls == 2);
    for (const auto& parameter : net.parameters())
        CHECK_FALSE(parameter.has_grad());
    model.criterion()(net(batch.input), batch.targets).backward();
    const auto before = gradients_of(net);
    CHECK_THROWS_WITH(sam_backward(net, criterion, batch, defaults), "second");
    CHECK(same_bits(gradients_of(net), before));
    sam_backward(net, model.criterion(), batch, defaults);  // is added
    CHECK_FALSE(same_bits(gradients_of(net), before));
}

TEST_CASE("with no active task a sharpness-aware step does nothing", "[mtl][balancing]") {
    const Model<double> model{"three"};
    auto net = model.net();
    auto batch = model.batch(2);
    for (auto& [task, target] : batch.targets)
        target = {target.values(), Tensor<bool>::full({4}, false)};
    sam_backward(net, model.criterion(), batch, defaults);
    CHECK_FALSE(net.parameters()[0].has_grad());
}

TEST_CASE("a sharpness-aware step takes a batch with inputs by name", "[mtl][balancing][encoder]") {
    const Model<double> model{"three"};
    auto plain = model.net();
    const auto batch = model.batch(2);
    mtl::MultiTaskNet<double> net{nn::From{"x", plain.trunk()}, nn::Sequential<double>{},
                                  std::vector<mtl::Head<double>>{{"a", plain.head("a")}, {"b", plain.head("b")}, {"c", plain.head("c")}}};
    sam_backward(plain, model.criterion(), batch, defaults);
    sam_backward(net, model.criterion(), data::Batch<double>{{}, batch.targets, {{"x", batch.input}}}, defaults);
    CHECK(same_bits(gradients_of(net), gradients_of(plain)));
}
