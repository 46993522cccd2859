// SPDX-License-Identifier: MIT
#include <espalier/nn/gru.hpp>
#include <espalier/nn/lstm.hpp>
#include <espalier/nn/sequential.hpp>

#include <espalier/io/pytorch.hpp>
#include <espalier/io/safetensors.hpp>

#include "io/files.hpp"
#include "nn/testing.hpp"
#include "threads.hpp"

#include <limits>
#include <string>
#include <vector>

using namespace espalier;
using testing::normal;
using testing::require_close;
using testing::same_bits;

namespace {

const io::TensorFile& golden() {
    static const auto file = io::load_safetensors(ESPALIER_GOLDEN_DIR "/recurrent.safetensors");
    return file;
}

/// A network of the golden file: outputs, last states and all gradients.
template <class T, class Net>
void gives_what_pytorch_gives(Net net, const std::string& name) {
    CAPTURE(name);
    const double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-10;
    const auto& file = golden();
    const auto read = [&](const std::string& key) { return file.get<T>(name + "/" + key); };
    Named<Tensor<T>> state;
    for (const auto& [path, parameter] : net.named_parameters())
        state.insert(path, read("parameter/" + path));
    net.load_state_dict(state);
    std::optional<Tensor<Index>> lengths;
    if (file.contains(name + "/lengths"))
        lengths = file.get<Index>(name + "/lengths");
    const Variable<T> x{read("input"), true};
    std::vector<Variable<T>> initial;
    for (const std::string key : {"initial_hidden", "initial_cell"})
        if (file.contains(name + "/" + key))
            initial.emplace_back(read(key), true);
    std::vector<std::pair<std::string, Variable<T>>> results;
    if constexpr (std::is_same_v<Net, nn::GRU<T>>) {
        const auto y = initial.empty() ? net.run(x, lengths) : net.run(x, lengths, initial[0]);
        results = {{"output", y.output}, {"hidden", y.hidden}};
    } else {
        const auto y = initial.empty() ? net.run(x, lengths) : net.run(x, lengths, autograd::LstmState<T>{initial[0], initial[1]});
        results = {{"output", y.output}, {"hidden", y.hidden}, {"cell", y.cell}};
    }
    Variable<T> loss{Tensor<T>::scalar(0)};
    for (const auto& [key, y] : results) {
        require_close(y.value(), read(key), tolerance);
        loss = loss + sum(y * Variable<T>{read("cotangent/" + key)});
    }
    CHECK(same_bits((lengths ? net(x, *lengths) : net(x)).value(),
                    initial.empty() ? results[0].second.value() : net.run(x, lengths).output.value()));
    loss.backward();
    require_close(x.grad(), read("gradient/input"), tolerance);
    for (const auto& [path, parameter] : net.named_parameters())
        require_close(parameter.grad(), read("gradient/parameter/" + path), tolerance);
    for (std::size_t i = 0; i < initial.size(); ++i)
        require_close(initial[i].grad(), read(i == 0 ? "gradient/initial_hidden" : "gradient/initial_cell"), tolerance);
}

template <class T, template <class> class Net>
void all_networks(const std::string& kind) {
    gives_what_pytorch_gives<T>(Net<T>{4, 5}, kind + "_plain");
    gives_what_pytorch_gives<T>(Net<T>{3, 6, {.num_layers = 2, .bidirectional = true}}, kind + "_deep");
    gives_what_pytorch_gives<T>(Net<T>{2, 3, {.num_layers = 2, .bias = false}}, kind + "_without_bias");
    gives_what_pytorch_gives<T>(Net<T>{5, 20, {.bidirectional = true}}, kind + "_both_ways");
}

}  // namespace

TEMPLATE_TEST_CASE("recurrent layers give PyTorch's outputs, last states and gradients", "[nn][recurrent]", float, double) {
    all_networks<TestType, nn::GRU>("gru");
    all_networks<TestType, nn::LSTM>("lstm");
}

TEMPLATE_TEST_CASE("a sequence alone and in a padded batch comes to the same bits, there and back", "[nn][recurrent]", nn::GRU<float>,
                   nn::GRU<double>, nn::LSTM<float>, nn::LSTM<double>) {
    using T = typename TestType::value_type;
    const Tensor<Index> lengths{{21}, {3, 9, 0, 9, 1, 5, 5, 2, 7, 8, 9, 4, 4, 6, 1, 0, 9, 3, 2, 5, 6}};
    const Index samples = lengths.numel(), longest = 9, features = 19, width = 2 * 37;
    TestType net{features, 37, {.num_layers = 2, .bidirectional = true}};
    auto values = normal<T>({samples, longest, features}), cotangents = normal<T>({samples, longest, width}, 2);
    for (Index i = 0; i < samples; ++i)
        for (Index time = lengths[i]; time < longest; ++time) {
            std::fill_n(values.data() + (i * longest + time) * features, features, std::numeric_limits<T>::quiet_NaN());
            std::fill_n(cotangents.data() + (i * longest + time) * width, width, std::numeric_limits<T>::quiet_NaN());
        }
    for (const int threads : {1, 3}) {
        const testing::Threads guard{threads};
        const Variable<T> batch{values, true};
        const auto y = net.run(batch, lengths);
        const auto dx = autograd::vjp<T>(y.output, cotangents.reshape({1, samples, longest, width}), std::vector{batch})[0];
        for (Index i = 0; i < samples; ++i) {
            CAPTURE(threads, i);
            const auto alone = [&](const Tensor<T>& all) {
                const Index row = all.size(-1);
                const auto sample = all.slice(i, i + 1);
                return Tensor<T>{{1, lengths[i], row}, sample.span().first(static_cast<std::size_t>(lengths[i] * row))};
            };
            const Variable<T> x{alone(values), true};
            const auto own = net.run(x);
            CHECK(same_bits(own.output.value(), alone(y.output.value())));
            for (Index k = 0; k < 4; ++k)
                CHECK(same_bits(autograd::narrow(own.hidden, 0, k, 1).value(),
                                autograd::narrow(autograd::narrow(y.hidden, 0, k, 1), 1, i, 1).value()));
            const auto cotangent = alone(cotangents);
            const auto own_dx = autograd::vjp<T>(own.output, cotangent.reshape(cotangent.shape().prepended(1)), std::vector{x})[0];
            CHECK(same_bits(own_dx.reshape(x.shape()), alone(dx.reshape(values.shape()))));
        }
        const auto behind = [&](const Tensor<T>& all, Index row) {  // what padding comes to
            T most = 0;
            for (Index i = 0; i < samples; ++i)
                for (Index j = lengths[i] * row; j < longest * row; ++j)
                    most = std::max(most, std::abs(all[i * longest * row + j]));
            return most;
        };
        CHECK(behind(y.output.value(), width) == 0);
        CHECK(behind(dx, features) == 0);
    }
}

TEMPLATE_TEST_CASE("gradients of weights have the same bits however long the padding is", "[nn][recurrent]", nn::GRU<float>,
                   nn::LSTM<double>) {
    using T = typename TestType::value_type;
    TestType net{3, 20, {.bidirectional = true}};
    const Tensor<Index> lengths{{2}, {4, 2}};
    std::vector<Tensor<T>> gradients;
    for (const Index longest : {4, 4, 30}) {
        const auto values = normal<T>({2, 4, 3});
        auto padded = Tensor<T>::full({2, longest, 3}, std::numeric_limits<T>::infinity());
        for (Index i = 0; i < 2; ++i)
            std::copy_n(values.data() + i * 12, 12, padded.data() + i * longest * 3);
        for (auto& parameter : net.parameters())
            parameter.zero_grad();
        sum(net(Variable<T>{padded}, lengths)).backward();
        gradients.push_back(testing::flat_gradients(net.parameters()));
    }
    CHECK(same_bits(gradients[0], gradients[1]));
    CHECK(same_bits(gradients[0], gradients[2]));
}

TEMPLATE_TEST_CASE("batches of nothing, sequences of nothing, and one step", "[nn][recurrent]", nn::GRU<float>, nn::LSTM<double>) {
    using T = typename TestType::value_type;
    TestType net{3, 4, {.num_layers = 2, .bidirectional = true}};
    CHECK(net(Variable<T>{Tensor<T>{Shape{0, 5, 3}}}).shape() == Shape{0, 5, 8});
    const auto nothing = net.run(Variable<T>{Tensor<T>{Shape{2, 0, 3}}});
    CHECK(nothing.output.shape() == Shape{2, 0, 8});
    CHECK(nothing.hidden.value() == Tensor<T>{Shape{4, 2, 4}});
    const auto state = normal<T>({4, 2, 4});
    const auto kept = [&] {
        const Variable<T> x{normal<T>({2, 5, 3})};
        const Tensor<Index> lengths{{2}, {0, 3}};
        if constexpr (std::is_same_v<TestType, nn::GRU<T>>)
            return net.run(x, lengths, Variable<T>{state}).hidden;
        else
            return net.run(x, lengths, autograd::LstmState<T>{Variable<T>{state}, Variable<T>{state}}).cell;
    }();
    for (Index k = 0; k < 4; ++k)
        for (Index j = 0; j < 4; ++j) {
            CHECK(kept.value().at(k, 0, j) == state.at(k, 0, j));
            CHECK(kept.value().at(k, 1, j) != state.at(k, 1, j));
        }
    CHECK(net(Variable<T>{normal<T>({1, 1, 3})}).shape() == Shape{1, 1, 8});
}

TEST_CASE("a recurrent layer is a layer: named, copied, trained in a Sequential", "[nn][recurrent]") {
    nn::GRU<double> gru{3, 4, {.bidirectional = true}};
    CHECK(gru.named_parameters().names() ==
          "'weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0', 'bias_hh_l0', 'weight_ih_l0_reverse', 'weight_hh_l0_reverse', "
          "'bias_ih_l0_reverse', 'bias_hh_l0_reverse'");
    CHECK(nn::LSTM<double>{3, 4, {.num_layers = 2, .bias = false}}.named_parameters().names() ==
          "'weight_ih_l0', 'weight_hh_l0', 'weight_ih_l1', 'weight_hh_l1'");
    for (const auto& [name, parameter] : gru.named_parameters())
        for (const double value : parameter.value())
            CHECK(std::abs(value) <= 0.5);
    nn::Sequential<double> net{gru, nn::Linear<double>{8, 2}};
    testing::require_gradients(net, normal<double>({2, 3, 3}));
    const auto copy = net;
    net.parameters()[0].mutable_value()[0] += 1;
    CHECK(copy.parameters()[0].value()[0] != net.parameters()[0].value()[0]);
    const auto held = net.parameters()[0];  // an optimizer's grip
    net = copy;
    CHECK(held.value() == copy.parameters()[0].value());
}

TEST_CASE("dropout between recurrent layers is for training, and for several of them", "[nn][recurrent]") {
    const Variable<> x{normal<float>({2, 3, 4})};
    nn::LSTM<> deep{4, 5, {.num_layers = 2, .dropout = 0.5}}, one{4, 5, {.dropout = 0.5}};
    CHECK_FALSE(same_bits(deep(x).value(), deep(x).value()));
    CHECK(same_bits(one(x).value(), one(x).value()));
    deep.eval();
    CHECK(same_bits(deep(x).value(), deep(x).value()));
}

TEST_CASE("a recurrent layer says what it expects", "[nn][recurrent]") {
    CHECK_THROWS_WITH((nn::GRU{0, 4}), "[GRU] expected at least one input feature, hidden unit and layer, got 0, 4 and 1");
    CHECK_THROWS_WITH((nn::LSTM{3, 4, {.num_layers = 0}}),
                      "[LSTM] expected at least one input feature, hidden unit and layer, got 3, 4 and 0");
    CHECK_THROWS_AS((nn::GRU{3, 4, {.dropout = 1}}), ValueError);
    nn::GRU<> gru{3, 4};
    const Variable<> x{Tensor<float>{Shape{2, 5, 3}}};
    CHECK_THROWS_WITH(gru(Variable<>{Tensor<float>{Shape{2, 3}}}), "[gru] expected sequences (N, L, C), got input (2, 3)");
    CHECK_THROWS_WITH(gru(x, Tensor<Index>{{2}, {5, 6}}), "[gru] expected lengths of 0 to 5, got 6");
    CHECK_THROWS_WITH(gru.run(x, {}, Variable<>{Tensor<float>{Shape{2, 2, 4}}}), "[GRU] expected initial states (1, 2, 4), got (2, 2, 4)");
}

TEST_CASE("a state_dict of recurrent layers goes to PyTorch's order and back unchanged", "[nn][recurrent]") {
    const TemporaryFolder folder;
    nn::Sequential<> net{nn::GRU{3, 4, {.num_layers = 2, .bidirectional = true}}, nn::LSTM{8, 5}, nn::Linear{5, 2}};
    io::save_pytorch(net, folder / "net.safetensors", {7, 3});
    const auto file = io::load_safetensors(folder / "net.safetensors");
    for (const auto& [name, value] : net.state_dict())
        CHECK(file.get<float>(name) == value);
    nn::Sequential<> other{nn::GRU{3, 4, {.num_layers = 2, .bidirectional = true}}, nn::LSTM{8, 5}, nn::Linear{5, 2}};
    CHECK(io::load_pytorch(other, folder / "net.safetensors", {7, 3}).complete());
    CHECK(same_bits(other.state_dict(), net.state_dict()));
}
