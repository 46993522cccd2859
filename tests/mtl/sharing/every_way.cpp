// SPDX-License-Identifier: MIT
/// @file What holds for every way of sharing, with tables and images, two tasks and five.
#include <espalier/autograd/reshape.hpp>
#include <espalier/losses/mse.hpp>
#include <espalier/mtl/balancing/upgrad.hpp>
#include <espalier/optim/sgd.hpp>

#include "mtl/sharing/ways.hpp"
#include "nn/testing.hpp"
#include "sanitized.hpp"
#include "threads.hpp"

#include <cfenv>
#include <utility>
#include <vector>

using namespace espalier;
using testing::flat_gradients;
using testing::flat_values;
using testing::same_bits;

namespace {

/// A net as a layer that gives all outputs side by side, and its penalty if there is one.
struct Whole {
    mtl::MultiTaskNet<double>& net;

    Variable<double> operator()(const Variable<double>& x) {
        std::vector<Variable<double>> outputs;
        for (const auto& [task, output] : net(x))
            outputs.push_back(output);
        if (const auto penalty = net.penalty(); penalty.item() != 0)
            outputs.push_back(Variable<double>{Tensor<double>{Shape{x.size(0), 1}}} + penalty);
        return autograd::cat(outputs, 1);
    }
    Named<Variable<double>> named_parameters() const { return net.named_parameters(); }
};

template <class S>
mtl::MultiTaskLoss<S> squares(const mtl::MultiTaskNet<S>& net) {
    std::vector<mtl::TaskLoss<S>> losses;
    for (const std::string& task : net.tasks())
        losses.push_back({task, losses::MSE<S>{}});
    return mtl::MultiTaskLoss<S>{std::move(losses)};
}
/// Targets of which the last task's have no label if `unlabelled`.
template <class S>
losses::Targets<S> zeros(const mtl::MultiTaskNet<S>& net, Index samples, bool unlabelled) {
    losses::Targets<S> targets;
    for (std::size_t i = 0; i < net.tasks().size(); ++i) {
        Tensor<S> values{Shape{samples, static_cast<Index>(i % 2 + 1)}};
        if (unlabelled && i + 1 == net.tasks().size())
            targets.insert(net.tasks()[i], {std::move(values), Tensor<bool>::full({samples}, false)});
        else
            targets.insert(net.tasks()[i], std::move(values));
    }
    return targets;
}

template <class F>
void for_every_way(const F& f) {
    for (const auto& [way, make] : ways::all<double>())
        for (const std::size_t tasks : {2U, 5U})
            for (const bool image : {false, true}) {
                CAPTURE(way, tasks, image);
                f(way, tasks, image);
            }
}

}  // namespace

TEST_CASE("every way of sharing has right gradients", "[mtl][sharing]") {
    for_every_way([](const std::string& way, std::size_t tasks, bool image) {
        if ((tasks == 5 && image) || (testing::sanitized && (tasks == 5 || image)))
            return;  // the same code, and many parameters
        if (ways::stops_gradients(way))
            return;
        auto net = ways::net<double>(way, tasks, image);
        Whole whole{net};
        testing::require_gradients(whole, ways::input<double>(image));
    });
}

TEST_CASE("every way of sharing: all tasks' gradients in one traversal are those of one after the other", "[mtl][sharing]") {
    for_every_way([](const std::string& way, std::size_t tasks, bool image) {
        auto net = ways::net<double>(way, tasks, image);
        const auto loss = squares(net)(net(ways::input<double>(image)), zeros(net, 3, false));
        const auto rows = net.shared_jacobian(loss, true);
        const auto shared = net.shared_parameters();
        Index task = 0;
        for (const auto& [name, value] : loss.tasks()) {
            for (auto parameter : shared)
                parameter.zero_grad();
            value.backward(true);
            Index column = 0;
            for (const auto& parameter : shared)
                for (Index i = 0; i < parameter.numel(); ++i, ++column) {
                    const double alone = parameter.has_grad() ? parameter.grad()[i] : 0;
                    REQUIRE(rows.at(task, column) == Approx(alone).epsilon(1e-10).margin(1e-13));
                }
            ++task;
        }
    });
}

TEST_CASE("every way of sharing has the same bits for any number of threads", "[mtl][sharing]") {
    for_every_way([](const std::string& way, std::size_t tasks, bool image) {
        std::vector<Tensor<float>> results;
        for (const int threads : {1, 2, 4}) {
            const testing::Threads guard{threads};
            auto net = ways::net<float>(way, tasks, image);
            auto criterion = squares(net);
            criterion.balance(mtl::UPGrad{});
            optim::SGD<float> sgd{net.parameters(), {.learning_rate = 0.1, .momentum = 0.9}};
            for (int step = 0; step < 3; ++step) {
                const auto outputs = net(ways::input<float>(image, 65));
                const auto loss = criterion(outputs, zeros(net, 65, step == 1)).add(net.penalty());
                sgd.zero_grad();
                loss.backward();
                sgd.step();
            }
            results.push_back(flat_values(net));
        }
        CHECK(same_bits(results[0], results[1]));
        CHECK(same_bits(results[0], results[2]));
    });
}

TEST_CASE("every way of sharing: a task without labels leaves its head alone", "[mtl][sharing]") {
    for_every_way([](const std::string& way, std::size_t tasks, bool image) {
        auto net = ways::net<double>(way, tasks, image);
        for (auto parameter : net.parameters())
            parameter.zero_grad();
        squares(net)(net(ways::input<double>(image)), zeros(net, 3, true)).backward();
        for (const auto& parameter : net.task_parameters(net.tasks().back()))
            for (Index i = 0; parameter.has_grad() && i < parameter.numel(); ++i)
                REQUIRE(parameter.grad()[i] == 0);
        CHECK(net.task_parameters("task0")[0].has_grad());
    });
}

TEST_CASE("gates that leave experts out raise no floating-point exception", "[mtl][sharing]") {
    const testing::Threads guard{1};  // whose flags they are
    for (const char* const way : {"DSelectK", "static DSelectK", "NoisyTopK"}) {
        auto net = ways::net<float>(way, 2, false);
        for (auto parameter : net.shared_parameters())
            for (float& value : parameter.mutable_value())
                value *= 30;  // all bits are set or not
        std::feclearexcept(FE_ALL_EXCEPT);
        const auto outputs = net(ways::input<float>(false));
        (sum(outputs.at("task0")) + net.penalty()).backward();
        const int raised = std::fetestexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW);
        CAPTURE(way);
        CHECK(raised == 0);
    }
}

TEST_CASE("every way of sharing is a value: saved, loaded, copied, assigned", "[mtl][sharing]") {
    for_every_way([](const std::string& way, std::size_t tasks, bool image) {
        auto net = ways::net<float>(way, tasks, image, 1);
        const auto other = ways::net<float>(way, tasks, image, 2);
        const auto x = ways::input<float>(image);
        const auto own = net.predict(x), others = other.predict(x);
        CHECK_FALSE(same_bits(own, others));
        auto copy = net;
        const auto handles = net.parameters();
        net.load_state_dict(other.state_dict());
        CHECK(same_bits(net.predict(x), others));
        CHECK(same_bits(copy.predict(x), own));
        net = copy;  // the values come, the places stay
        CHECK(same_bits(net.predict(x), own));
        for (std::size_t i = 0; i < handles.size(); ++i)
            CHECK(handles[i].node() == net.parameters()[i].node());
        net = std::move(copy);
        CHECK(same_bits(net.predict(x), own));
    });
}
