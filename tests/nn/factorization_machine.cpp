// SPDX-License-Identifier: MIT
#include <espalier/nn/factorization_machine.hpp>

#include <espalier/nn/sequential.hpp>

#include "nn/testing.hpp"
#include "threads.hpp"

using namespace espalier;
using testing::normal;
using testing::same_bits;

TEMPLATE_TEST_CASE("a factorisation machine adds up the products of all pairs of fields", "[nn][factorization_machine]", float, double) {
    using T = TestType;
    const nn::FactorizationMachine machine;
    const Variable<T> x{Tensor<T>{{1, 3, 2}, {1, 2, 3, 4, 5, 6}}, true};
    const auto y = machine(x);
    CHECK(y.value() == Tensor<T>{{1, 1}, {11 + 17 + 39}});
    sum(y).backward();
    CHECK(x.grad() == Tensor<T>{{1, 3, 2}, {8, 10, 6, 8, 4, 6}});  // the sum of the others
    CHECK(machine(Variable<T>{Tensor<T>::ones({2, 1, 4})}).value() == Tensor<T>{{2, 1}, {0, 0}});  // one field has no pair
    CHECK(machine(Variable<T>{Tensor<T>{Shape{0, 3, 2}}}).shape() == Shape{0, 1});
    CHECK(machine(Variable<T>{Tensor<T>{Shape{2, 0, 2}}}).value() == Tensor<T>{{2, 1}, {0, 0}});
    // Two pairs of large opposite vectors: what is left of the difference of squares must not be rounding of floats.
    const Variable<T> large{Tensor<T>{{1, 3, 1}, {4096, -4096, 1}}};
    CHECK(machine(large).value().item() == T(-16777216));
}

TEST_CASE("a factorisation machine gives the same bits for any number of threads", "[nn][factorization_machine]") {
    const auto values = normal<float>({700, 9, 17});
    std::vector<Tensor<float>> results;
    for (const int threads : {1, 2, 4}) {
        const testing::Threads guard{threads};
        const Variable<> x{values, true};
        nn::Layer<> layer = nn::Sequential{nn::FactorizationMachine{}};
        const auto y = layer(x);
        sum(y).backward();
        results.push_back(y.value());
        results.push_back(x.grad());
    }
    for (std::size_t i = 2; i < results.size(); ++i)
        CHECK(same_bits(results[i], results[i % 2]));
}
