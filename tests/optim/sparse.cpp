// SPDX-License-Identifier: MIT
// What optimizers do with gradients that list rows of a table.
#include <espalier/autograd/embedding.hpp>
#include <espalier/optim.hpp>

#include "optim/testing.hpp"
#include "threads.hpp"

using namespace espalier;
using namespace testing;
namespace ag = espalier::autograd;

namespace {

const std::vector<Tensor<Index>> looked_up{Tensor<Index>{{3}, {1, 3, 1}}, Tensor<Index>{{2}, {4, 1}}, Tensor<Index>{{4}, {3, 3, 3, 0}}};

/// A step for each of the lists, on y³ / 3 + exp(y) of what is looked up.
template <class Scalar, class O>
void train_table(O& optimizer, const Variable<Scalar>& weight, bool sparse) {
    for (const auto& list : looked_up) {
        optimizer.zero_grad();
        const auto y = ag::embedding(weight, list, sparse);
        (ag::sum(y * y * y) / Scalar(3) + ag::sum(ag::exp(y))).backward();
        optimizer.step();
    }
}

template <class O, class Options>
void require_steps(const Options& options, double tolerance, const std::vector<double>& expected) {
    const auto p = leaves({Tensor<double>{{5, 2}, {1, -2, 0.5, 0.25, 3, -1, 0.1, 0.2, -0.3, 0.4}}});
    O optimizer{p, options};
    train_table(optimizer, p[0], true);
    for (std::size_t i = 0; i < expected.size(); ++i)
        CHECK(p[0].value()[static_cast<Index>(i)] == Approx(expected[i]).epsilon(tolerance));
}

template <class Scalar>
Variable<Scalar> big_table(Index rows, Index width) {
    Random random{5};
    return {Tensor<Scalar>::uniform({rows, width}, random, -1, 1), true};
}

}  // namespace

TEST_CASE("sparse steps are PyTorch's", "[optim][sparse]") {
    // torch 2.13: torch.nn.Embedding(5, 2, sparse=True) in float64, SGD, Adagrad and SparseAdam with lr=.1
    require_steps<optim::SGD<double>>(optim::SGDOptions{.learning_rate = 0.1}, 1e-12,
                                      {0.6281718171540954, -2.4135335283236614, 0.006031077308046144, -0.1174303586043797, 3.0, -1.0,
                                       -0.30812157763307196, -0.2507735833139928, -0.38308182206817176, 0.23481753023587296});
    require_steps<optim::Adagrad<double>>(optim::AdagradOptions{.learning_rate = 0.1}, 1e-12,
                                          {0.9000000000026894, -2.099999999997582, 0.36011189943364263, 0.10974345720970057, 3.0, -1.0,
                                           -0.09373349658096848, 0.006430085940730374, -0.39999999998796365, 0.3000000000060539});
    // SparseAdam's eps is not divided by the correction of the second mean
    require_steps<optim::Adam<double>>(optim::AdamOptions{.learning_rate = 0.1}, 1e-5,
                                       {0.9361186454930497, -2.063881355054865, 0.30886569288631094, 0.058699517234792026, 3.0, -1.0,
                                        -0.07991538593611512, 0.019937765550429004, -0.3744136540332178, 0.32558633188916464});
}

TEST_CASE("SGD and Adagrad give the same bits by lists and by whole gradients, on any number of threads", "[optim][sparse]") {
    const auto bits = [](auto make, bool sparse, int threads) {
        const Threads guard{threads};
        const auto weight = big_table<float>(3000, 5);
        auto optimizer = make(std::vector{weight});
        Random random{9};
        for (int step = 0; step < 4; ++step) {
            auto list = Tensor<Index>::empty({4000});
            for (Index& row : list)
                row = random.below(2000);
            optimizer.zero_grad();
            const auto y = ag::embedding(weight, list, sparse);
            ag::sum(y * y * y).backward();
            optimizer.step();
        }
        return weight.value();
    };
    const auto sgd = [](auto p) { return optim::SGD{p, {.learning_rate = 0.01}}; };
    const auto adagrad = [](auto p) { return optim::Adagrad{p, {.learning_rate = 0.05}}; };
    for (const int threads : {1, 2, 5}) {
        CHECK(bits(sgd, true, threads) == bits(sgd, false, 1));
        CHECK(bits(adagrad, true, threads) == bits(adagrad, false, 1));
    }
}

TEST_CASE("rows that were not looked up keep value and moments", "[optim][sparse]") {
    const auto weight = big_table<double>(5, 2);
    const auto before = weight.value().slice(2, 3);
    optim::SGD sgd{std::vector{weight}, {.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.1}};
    train_table(sgd, weight, true);
    CHECK(weight.value().slice(2, 3) == before);
    const auto velocity = sgd.state_dict().moments.at("momentum_buffer");
    for (Index i = 0; i < 10; ++i)
        CHECK((velocity[i] == 0) == (i / 2 == 2));
    CHECK(sgd.state_dict().steps == Tensor<Index>{{1}, {3}});
}

TEST_CASE("a sparse gradient beside whole ones, in groups", "[optim][sparse]") {
    const auto run = [](bool sparse) {
        const auto weight = big_table<double>(5, 2);
        const auto others = leaves({Tensor<double>{{2}, {1, 2}}, Tensor<double>{{3}, {3, 4, 5}}});
        optim::SGD<double> sgd{{{.parameters = {others[0], weight}, .learning_rate = 0.1}, {.parameters = {others[1]}}}};
        for (const auto& list : looked_up) {
            sgd.zero_grad();
            (ag::sum(ag::embedding(weight, list, sparse)) + ag::sum(others[0] * others[0]) + ag::sum(others[1] * others[1])).backward();
            CHECK(weight.has_sparse_grad() == sparse);
            sgd.step();
        }
        CHECK(sgd.passes() == (sparse ? 3 : 2));
        return std::vector{weight.value(), others[0].value(), others[1].value()};
    };
    CHECK(run(true) == run(false));
}

TEST_CASE("clipping counts the rows that are listed", "[optim][sparse]") {
    const auto clipped = [](bool sparse, bool by_norm) {
        const auto weight = big_table<double>(5, 2);
        const auto y = ag::embedding(weight, looked_up[0], sparse);
        ag::sum(y * 3.0).backward();
        if (by_norm)
            CHECK(optim::clip_grad_norm(std::vector{weight}, 1.0) == Approx(std::sqrt(2 * 36.0 + 2 * 9.0)));
        else
            optim::clip_grad_value(std::vector{weight}, 4.0);
        CHECK(weight.has_sparse_grad() == sparse);
        return weight.grad();
    };
    for (const bool by_norm : {false, true})
        CHECK(clipped(true, by_norm) == clipped(false, by_norm));
}

TEST_CASE("an optimizer that is made while there is a sparse gradient keeps it", "[optim][sparse]") {
    const auto weight = big_table<double>(5, 2);
    const auto expected = weight.value();
    ag::sum(ag::embedding(weight, looked_up[0], true)).backward();
    optim::SGD sgd{std::vector{weight}, {.learning_rate = 0.5}};
    CHECK(weight.has_sparse_grad());
    sgd.step();
    for (Index i = 0; i < 10; ++i)
        CHECK(weight.value()[i] == expected[i] - 0.5 * (i / 2 == 1 ? 2 : i / 2 == 3 ? 1 : 0));
    sgd.step();  // once more, by the same gradient
    CHECK(weight.value()[2] == expected[2] - 2);
}
