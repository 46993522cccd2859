// SPDX-License-Identifier: MIT
#include <espalier/nn/encoder.hpp>
#include <espalier/nn/table.hpp>

#include "nn/testing.hpp"

#include <atomic>
#include <cmath>
#include <limits>
#include <thread>
#include <utility>

using namespace espalier;
using testing::names;
using testing::same_bits;
using Names = std::vector<std::string>;

namespace {

const nn::TableInputs columns{.numbers = {{"size", 2}}, .categories = {{"job", 3, 2}, {"city", 4, 3}}};

/// Six samples; the second size of the third, a job and two cities are missing.
template <class T>
data::Inputs<T> samples() {
    Tensor<T> size{Shape{6, 2}};
    for (Index i = 0; i < 12; ++i)
        size[i] = static_cast<T>(3 * std::cos(0.9 * static_cast<double>(i)) + 1);
    size.at(2, 1) = std::numeric_limits<T>::quiet_NaN();
    return {{"city", Tensor<Index>{{6}, {3, -1, -1, 0, 1, 3}}}, {"job", Tensor<Index>{{6}, {0, 2, -1, 1, 2, 2}}}, {"size", size}};
}
template <class T>
data::Inputs<T> some(const data::Inputs<T>& inputs, Index first, Index last) {
    return inputs.map([&](const auto&, const auto& input) { return input.slice(first, last); });
}
template <class T>
nn::Table<T> table(std::uint64_t seed = 1) {
    manual_seed(seed);
    return nn::Table{columns, samples<T>()};
}

}  // namespace

TEST_CASE("the gradient of a table is that of finite differences", "[nn][table]") {
    auto encoder = table<double>();
    const auto weights = testing::normal<double>({6, 7}, 3);
    const auto loss = [&] { return sum(encoder(samples<double>()) * Variable<double>{weights}); };
    loss().backward();
    for (auto& [name, parameter] : encoder.named_parameters())
        for (Index i = 0; i < parameter.numel(); ++i) {
            CAPTURE(name, i);
            const double before = parameter.value()[i];
            parameter.mutable_value()[i] = before + 1e-5;
            const double above = loss().item();
            parameter.mutable_value()[i] = before - 1e-5;
            const double below = loss().item();
            parameter.mutable_value()[i] = before;
            REQUIRE(parameter.grad()[i] == Approx((above - below) / 2e-5).epsilon(1e-8).margin(1e-8));
        }
}

TEST_CASE("columns are shown by their names, and a missing category begins as 0", "[nn][table]") {
    auto encoder = table<float>();
    CHECK(names(encoder.state_dict()) == Names{"size.mean", "size.std", "job.weight", "city.weight"});
    CHECK(names(encoder.named_parameters()) == Names{"job.weight", "city.weight"});
    const auto job = encoder.state_dict().at("job.weight"), city = encoder.state_dict().at("city.weight");
    CHECK(job.shape() == Shape{4, 2});
    CHECK(city.shape() == Shape{5, 3});
    CHECK(job.slice(0, 1) == Tensor<float>{Shape{1, 2}});
    CHECK(job[2] != 0);
    const auto third = encoder(some(samples<float>(), 2, 3)).value();
    for (Index i = 1; i < 7; ++i)
        CHECK(third[i] == 0);  // nothing is known of it but a number
    const auto last = encoder(some(samples<float>(), 5, 6)).value();
    CHECK(last.at(0, 2) == job.at(3, 0));
    CHECK(last.at(0, 6) == city.at(4, 2));
    CHECK(encoder(some(samples<float>(), 0, 0)).shape() == Shape{0, 7});

    sum(encoder(samples<float>())).backward();  // of those that are missing something is learnt as well
    CHECK(encoder.parameters()[1].grad().slice(0, 1) == Tensor<float>::full({1, 3}, 2));
}

TEST_CASE("numbers without statistics stay as they are, and one number may come without its axis", "[nn][table]") {
    nn::Table raw{{.numbers = {{"age"}, {"size", 2}}}};
    const Tensor<float> size{{2, 2}, {1, 2, 3, 4}};
    const data::Inputs<> flat{{"age", Tensor<float>{{2}, {5, 6}}}, {"size", size}};
    CHECK(raw(flat).value() == Tensor<float>{{2, 3}, {5, 1, 2, 6, 3, 4}});
    CHECK(raw({{"age", Tensor<float>{{2, 1}, {5, 6}}}, {"size", size}}).value() == raw(flat).value());
    CHECK(raw.parameters().empty());
    nn::Table fitted{{.numbers = {{"age"}}}, flat};
    CHECK(fitted(flat).value() == Tensor<float>{{2, 1}, {-1, 1}});
}

TEST_CASE("the width of an embedding is fastai's unless it is given", "[nn][table]") {
    CHECK(nn::embedding_width(2) == 2);
    CHECK(nn::embedding_width(10) == 6);
    CHECK(nn::embedding_width(100) == 21);
    CHECK(nn::embedding_width(1000) == 77);
    CHECK(nn::embedding_width(1000000) == 600);
    CHECK_THROWS_AS(nn::embedding_width(0), ValueError);
    CHECK(nn::Table{{.categories = {{"a", 9}, {"b", 9, 1}}}}.width() == 7);
}

TEST_CASE("what does not fit a table names the column", "[nn][table]") {
    auto encoder = table<float>();
    const auto with = [&](const std::string& name, data::Input<> input) {
        auto inputs = samples<float>();
        inputs.at(name) = std::move(input);
        return encoder(inputs);
    };
    CHECK_THROWS_AS(with("city", Tensor<Index>{{6}, {0, 1, 2, 4, 1, 1}}), ValueError);
    CHECK_THROWS_WITH(with("city", Tensor<Index>{{6}, {0, 1, 2, 4, 1, 1}}),
                      "[Table] expected indices in [-1, 4) in column 'city', got 4 at sample 3");
    CHECK_THROWS_WITH(with("job", Tensor<Index>{{6}, {0, 1, 2, 1, 1, -2}}), ContainsSubstring("in column 'job', got -2 at sample 5"));
    CHECK_THROWS_WITH(with("job", Tensor<Index>::full({6}, (Index{1} << 24) + 1)), ContainsSubstring("in column 'job', got 16777217 at"));
    CHECK_THROWS_WITH(with("job", Tensor<Index>{Shape{6, 1}}), "[Table] expected indices (N,) in column 'job', got shape (6, 1)");
    CHECK_THROWS_WITH(with("size", Tensor<float>{Shape{6}}), "[Table] expected numbers (N, 2) in column 'size', got shape (6,)");
    CHECK_THROWS_WITH(with("job", Tensor<float>{Shape{6}}), "[inputs] expected indices in input 'job', got numbers of shape (6,)");
    CHECK_THROWS_WITH(with("size", Tensor<Index>{Shape{6, 2}}), "[inputs] expected numbers in input 'size', got indices of shape (6, 2)");
    CHECK_THROWS_WITH(with("job", Tensor<Index>{Shape{5}}), "[inputs] expected 6 samples in input 'job' as in 'city', got shape (5,)");
    CHECK_THROWS_WITH(encoder({{"town", Tensor<Index>{Shape{1}}}, {"size", Tensor<float>{Shape{1, 2}}}, {"job", Tensor<Index>{Shape{1}}}}),
                      "[inputs] expected an input 'city', got 'town', 'size', 'job'");
}

TEST_CASE("what is no table is refused", "[nn][table]") {
    CHECK_THROWS_AS(nn::Table{nn::TableInputs{}}, ValueError);
    CHECK_THROWS_WITH((nn::Table{{.categories = {{"a", 0}}}}),
                      ContainsSubstring("expected at least one category and a width in column 'a'"));
    CHECK_THROWS_WITH((nn::Table{{.numbers = {{"a", 0}}}}), "[Table] expected at least one number in column 'a', got 0");
    CHECK_THROWS_AS((nn::Table{{.numbers = {{"a"}, {"a"}}}}), StateError);
    CHECK_THROWS_WITH((nn::Table{{.numbers = {{"a"}}, .categories = {{"a", 2}}}}), "[Table] expected each column once, got 'a' twice");
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const auto fitted = [](Tensor<float> values) { return nn::Table{{.numbers = {{"a"}}}, data::Inputs<>{{"a", std::move(values)}}}; };
    CHECK_THROWS_WITH(fitted({{2}, {nan, nan}}), ContainsSubstring("got none in channel 0, in column 'a'"));
    CHECK_THROWS_WITH(fitted({{2}, {1, std::numeric_limits<float>::infinity()}}), ContainsSubstring("got inf in channel 0, in column 'a'"));
    CHECK_THROWS_AS(fitted(Tensor<float>{Shape{2, 2}}), ShapeError);
    CHECK_THROWS_AS((nn::Table{columns, data::Inputs<>{}}), StateError);
}

TEST_CASE("a table is a value, also as one encoder of several", "[nn][table]") {
    const auto inputs = samples<float>();
    nn::Concatenated both{table<float>(1), nn::From{"size", nn::Standardize{2}}};
    CHECK(names(both.state_dict())[0] == "0.size.mean");
    const auto expected = both(inputs).value();
    REQUIRE(expected.shape() == Shape{6, 9});
    CHECK(same_bits(both(some(inputs, 3, 4)).value(), expected.slice(3, 4)));
    CHECK_THROWS_AS(both({{"size", Tensor<float>{Shape{6, 2}}}}), StateError);

    nn::Concatenated other{nn::Table{columns}, nn::From{"size", nn::Standardize{2}}};  // knows no statistics yet
    CHECK_FALSE(same_bits(other(inputs).value(), expected));
    other.load_state_dict(both.state_dict());
    CHECK(same_bits(other(inputs).value(), expected));
    const auto copy = both;
    const auto handle = both.parameters()[0];
    for (auto parameter : both.parameters())
        parameter.mutable_value().fill(1);
    CHECK_FALSE(same_bits(both(inputs).value(), expected));
    both = copy;
    CHECK(same_bits(both(inputs).value(), expected));
    CHECK(both.parameters()[0].node() == handle.node());

    auto encoder = table<float>();
    const auto moved = std::move(encoder);
    CHECK(encoder.width() == 0);
    CHECK_THROWS_AS(encoder(inputs), ShapeError);
    encoder = moved;
    CHECK(same_bits(encoder(inputs).value(), moved(inputs).value()));

    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t)
        threads.emplace_back([&] {
            const NoGrad no_graph;
            for (int i = 0; i < 10; ++i)
                wrong += !same_bits(both(inputs).value(), expected);
        });
    for (auto& thread : threads)
        thread.join();
    CHECK(wrong == 0);
}
