// SPDX-License-Identifier: MIT
/// @file What holds for every differentiable operation at random inputs.
#include "autograd/registry.hpp"
#include "catch.hpp"

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/gradcheck.hpp>
#include <espalier/autograd/reshape.hpp>

namespace {

using namespace registry;
using espalier::autograd::vjp;

constexpr int draws = 25;

/// The r-th cotangent alone, (1, ...).
template <class Scalar>
Tensor<Scalar> only(const Tensor<Scalar>& cotangents, Index r) {
    return cotangents.slice(r, r + 1);
}

template <class Scalar>
Variables<Scalar> leaves(const std::vector<Tensor<double>>& inputs) {
    Variables<Scalar> result;
    for (const auto& input : inputs)
        result.emplace_back(input.template cast<Scalar>(), true);
    return result;
}

/// Calls `body(row, draw, random)` for random inputs of every operation.
template <class Body>
void for_each_draw(const Body& body) {
    for (const Row& row : rows())
        for (int i = 0; i < draws; ++i) {
            Random random{static_cast<std::uint64_t>(i), std::hash<std::string>{}(row.name)};
            const Draw draw = row.random(random);
            CAPTURE(row.name, i, draw.inputs[0].shape());
            body(row, draw, random);
        }
}

/// How inputs are wired: leaves, whose gradients are written in place; behind another node, where cotangents gather; and
/// used twice, where they are added.
enum class Wiring { leaf, behind_a_node, twice };

Variable<double> wire(const Row& row, const Draw& draw, const Variables<double>& inputs, Wiring wiring) {
    if (wiring == Wiring::leaf)
        return row.apply<double>(inputs, draw.attributes);
    Variables<double> behind;
    for (const auto& input : inputs)
        behind.push_back(espalier::autograd::reshape(input, input.shape()));
    const auto once = row.apply<double>(behind, draw.attributes);
    return wiring == Wiring::twice ? once + row.apply<double>(behind, draw.attributes) : once;
}

}  // namespace

TEST_CASE("gradients equal finite differences for every operation", "[gradcheck]") {
    for_each_draw([](const Row& row, const Draw& draw, Random&) {
        const auto report = espalier::gradcheck([&](const Variables<double>& inputs) { return row.apply<double>(inputs, draw.attributes); },
                                                draw.inputs);
        CAPTURE(report);
        CHECK(report);
    });
}

TEST_CASE("one traversal with T cotangents gives what T traversals give, for every operation", "[cotangents]") {
    const auto wiring = GENERATE(Wiring::leaf, Wiring::behind_a_node, Wiring::twice);
    CAPTURE(static_cast<int>(wiring));
    for_each_draw([&](const Row& row, const Draw& draw, Random& random) {
        const auto inputs = leaves<double>(draw.inputs);
        const auto output = wire(row, draw, inputs, wiring);
        for (const Index count : {1, 2, 3, 7}) {
            const auto cotangents = normal(output.shape().prepended(count), random);
            const auto together = vjp<double>(output, cotangents, inputs, true);
            for (Index t = 0; t < count; ++t) {
                const auto alone = vjp<double>(output, only(cotangents, t), inputs, true);
                for (std::size_t i = 0; i < inputs.size(); ++i) {
                    CAPTURE(count, t, i);
                    // A linear layer multiplies the cotangents of all tasks by its weights at once, and the order of
                    // addition within a matrix product depends on its extents. All else is the same to the last bit.
                    if (row.name == "linear")
                        CHECK(difference(only(together[i], t), alone[i]) <= 1e-12);
                    else
                        CHECK(only(together[i], t) == alone[i]);
                }
            }
        }
    });
}

TEST_CASE("gradients in float equal those in double along random directions, for every operation", "[float]") {
    for_each_draw([](const Row& row, Draw draw, Random& random) {
        for (auto& input : draw.inputs)
            input = input.cast<float>().cast<double>();  // the same point in both
        const auto inputs = leaves<double>(draw.inputs);
        const auto inputs_float = leaves<float>(draw.inputs);
        const auto output = row.apply<double>(inputs, draw.attributes);
        const auto output_float = row.apply<float>(inputs_float, draw.attributes);
        CHECK(difference(output_float.value(), output.value()) <= 1e-5);
        const auto cotangent = normal(output.shape().prepended(1), random).cast<float>();
        const auto gradients = vjp<double>(output, cotangent.cast<double>(), inputs);
        const auto gradients_float = vjp<float>(output_float, cotangent, inputs_float);
        double along = 0;
        double along_float = 0;
        double scale = 1e-30;
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            const auto direction = normal(gradients[i].shape(), random);
            for (Index j = 0; j < direction.numel(); ++j) {
                along += direction[j] * gradients[i][j];
                along_float += direction[j] * static_cast<double>(gradients_float[i][j]);
                scale += std::abs(direction[j] * gradients[i][j]);
            }
        }
        // 1e-6 stands for gradients that cancel to nothing, as those of a softmax over one class.
        CHECK(std::abs(along_float - along) <= 1e-4 * scale + 1e-6);
    });
}

TEST_CASE("an operation on constants records nothing", "[constants]") {
    for (const Row& row : rows()) {
        CAPTURE(row.name);
        Random random{1};
        const Draw draw = row.random(random);
        const Variables<double> constants{draw.inputs.begin(), draw.inputs.end()};
        CHECK_FALSE(row.apply<double>(constants, draw.attributes).requires_grad());
        CHECK(espalier::no_grad([&] { return row.apply<double>(leaves<double>(draw.inputs), draw.attributes); }).is_leaf());
    }
}

TEST_CASE("gradients flow to the inputs that need them and to no other", "[constants]") {
    for (const Row& row : rows()) {
        Random random{2};
        const Draw draw = row.random(random);
        const auto all = leaves<double>(draw.inputs);
        const auto output = row.apply<double>(all, draw.attributes);
        const auto cotangent = normal(output.shape().prepended(2), random);
        const auto expected = vjp<double>(output, cotangent, all);
        for (std::size_t i = 0; i < all.size(); ++i) {
            CAPTURE(row.name, i);
            Variables<double> mixed{draw.inputs.begin(), draw.inputs.end()};
            mixed[i] = {draw.inputs[i], true};
            const Variables<double> one{mixed[i]};
            CHECK(vjp<double>(row.apply<double>(mixed, draw.attributes), cotangent, one)[0] == expected[i]);
        }
    }
}

TEST_CASE("bad input is refused in one sentence that names the operation", "[errors]") {
    for (const Row& row : rows())
        for (const Refusal& refusal : row.refusals) {
            CAPTURE(row.name);
            std::string message = "nothing was thrown";
            try {
                refusal.call();
            } catch (const espalier::Error& error) {
                message = error.what();
            }
            CHECK(message == refusal.message);
        }
}

TEMPLATE_TEST_CASE("a number on the left is one on the right", "[autograd]", float, double) {
    const Variable<TestType> x{Tensor<TestType>{{3}, {-2, 0.5, 3}}};
    const TestType number{0.3F};
    CHECK((number * x).value() == (x * number).value());
    CHECK((number + x).value() == (x + number).value());
}
