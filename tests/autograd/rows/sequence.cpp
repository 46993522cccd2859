// SPDX-License-Identifier: MIT
#include "autograd/registry.hpp"

#include <espalier/autograd/gru.hpp>
#include <espalier/autograd/lstm.hpp>
#include <espalier/autograd/rms_norm.hpp>

namespace registry {
namespace {

namespace ag = espalier::autograd;
using espalier::concat;

ag::RecurrentOptions recurrent_options_of(const Attributes& a) {
    ag::RecurrentOptions options{.lengths = {}, .reverse = a.flag("reverse")};
    if (a.contains("lengths")) {
        const auto lengths = a.indices("lengths");
        options.lengths = Tensor<Index>{{static_cast<Index>(lengths.size())}, lengths};
    }
    return options;
}

template <class Scalar>
ag::RecurrentWeights<Scalar> weights_of(const Variables<Scalar>& v, const Attributes& a) {
    if (a.flag("bias"))
        return {v[1], v[2], v[3], v[4]};
    return {v[1], v[2]};
}

/// The last states behind the outputs, as further steps.
template <class Scalar>
Variable<Scalar> with_states(const Variable<Scalar>& output, std::initializer_list<Variable<Scalar>> states) {
    Variables<Scalar> all{output};
    for (const auto& state : states)
        all.push_back(ag::reshape(state, {state.size(0), 1, state.size(1)}));
    return ag::cat(all, 1);
}

Draw sequences(Random& random, Index gates, Index states) {
    const Index samples = between(random, 1, 4), longest = between(random, 1, 5);
    const Index features = between(random, 1, 3), hidden = between(random, 1, 3);
    const auto small = [&](const Shape& shape) { return Tensor<double>::normal(shape, random, 0, 0.7); };
    Draw draw{{small({samples, longest, features}), small({gates * hidden, features}), small({gates * hidden, hidden})}};
    const auto flag = [&](const char* name) {
        const bool on = random.below(2) != 0;
        draw.attributes.set(name, std::vector<Index>{on});
        return on;
    };
    if (flag("bias"))
        for (int i = 0; i < 2; ++i)
            draw.inputs.push_back(small({gates * hidden}));
    if (flag("initial"))
        for (Index i = 0; i < states; ++i)
            draw.inputs.push_back(small({samples, hidden}));
    flag("reverse");
    flag("states");
    if (random.below(2)) {
        std::vector<Index> lengths;
        for (Index i = 0; i < samples; ++i)
            lengths.push_back(random.below(longest + 1));
        draw.attributes.set("lengths", lengths);
    }
    return draw;
}

/// A call of either operation with x, both weights and options.
using Call = void (*)(const Shape&, const Shape&, const Shape&, const ag::RecurrentOptions&);

std::vector<Refusal> recurrent_refusals(const std::string& name, Index gates, Call call) {
    const std::string tag = "[" + name + "] ";
    const Shape ih{gates * 2, 4}, hh{gates * 2, 2};
    const auto weights = [=](const Shape& a, const Shape& b) {
        return concat(tag, "expected weights (", gates, " H, C) and (", gates, " H, H) with H and C at least 1, got ", a, " and ", b);
    };
    return {{[=] { call({3, 4}, ih, hh, {}); }, tag + "expected sequences (N, L, C), got input (3, 4)"},
            {[=] { call({3, 5, 3}, ih, hh, {}); }, tag + "expected 4 input features, got input (3, 5, 3)"},
            {[=] { call({3, 5, 4}, ih, {gates * 2, 3}, {}); }, weights(ih, {gates * 2, 3})},
            {[=] { call({3, 5, 4}, {gates * 3, 4}, hh, {}); }, weights({gates * 3, 4}, hh)},
            {[=] { call({3, 5, 4}, {0, 4}, {0, 0}, {}); }, weights({0, 4}, {0, 0})},
            {[=] { call({3, 5, 0}, {gates * 2, 0}, hh, {}); }, weights({gates * 2, 0}, hh)},
            {[=] { call({3, 5, 4}, ih, hh, {.lengths = Tensor<Index>{{2}, {1, 2}}}); }, tag + "expected lengths of shape (3,), got (2,)"},
            {[=] { call({2, 5, 4}, ih, hh, {.lengths = Tensor<Index>{{2}, {1, 6}}}); }, tag + "expected lengths of 0 to 5, got 6"},
            {[=] { call({2, 5, 4}, ih, hh, {.lengths = Tensor<Index>{{2}, {-1, 5}}}); }, tag + "expected lengths of 0 to 5, got -1"}};
}

std::vector<Refusal> gru_refusals() {
    auto refusals = recurrent_refusals("gru", 3, [](const Shape& x, const Shape& ih, const Shape& hh, const ag::RecurrentOptions& options) {
        (void)ag::gru(zeros(x), {zeros(ih), zeros(hh)}, options);
    });
    refusals.push_back({[] { (void)ag::gru(zeros({2, 5, 4}), {zeros({6, 4}), zeros({6, 2}), zeros({6})}); },
                        "[gru] expected both biases or neither, got one"});
    refusals.push_back({[] { (void)ag::gru(zeros({2, 5, 4}), {zeros({6, 4}), zeros({6, 2}), zeros({6}), zeros({2})}); },
                        "[gru] expected a bias of shape (6,), got (2,)"});
    refusals.push_back({[] { (void)ag::gru(zeros({2, 5, 4}), {zeros({6, 4}), zeros({6, 2})}, {}, zeros({2, 3})); },
                        "[gru] expected initial states (2, 2), got (2, 3)"});
    return refusals;
}

std::vector<Refusal> lstm_refusals() {
    auto refusals = recurrent_refusals("lstm", 4,
                                       [](const Shape& x, const Shape& ih, const Shape& hh, const ag::RecurrentOptions& options) {
                                           (void)ag::lstm(zeros(x), {zeros(ih), zeros(hh)}, options);
                                       });
    refusals.push_back({[] {
                            (void)ag::lstm(zeros({2, 5, 4}), {zeros({8, 4}), zeros({8, 2})}, {},
                                           ag::LstmState<double>{zeros({2, 2}), zeros({1, 2})});
                        },
                        "[lstm] expected initial states (2, 2), got (1, 2)"});
    return refusals;
}

}  // namespace

Rows sequence_rows() {
    Rows rows;
    rows.push_back(row(
        "gru",
        []<class Scalar>(const Variables<Scalar>& v, const Attributes& a) {
            std::optional<Variable<Scalar>> initial;
            if (a.flag("initial"))
                initial = v.back();
            if (!a.flag("states"))
                return ag::gru(v[0], weights_of(v, a), recurrent_options_of(a), initial);
            const auto y = ag::gru_with_state(v[0], weights_of(v, a), recurrent_options_of(a), initial);
            return with_states(y.output, {y.hidden});
        },
        [](Random& random) { return sequences(random, 3, 1); }, gru_refusals()));
    rows.push_back(row(
        "lstm",
        []<class Scalar>(const Variables<Scalar>& v, const Attributes& a) {
            std::optional<ag::LstmState<Scalar>> initial;
            if (a.flag("initial"))
                initial = {v[v.size() - 2], v.back()};
            if (!a.flag("states"))
                return ag::lstm(v[0], weights_of(v, a), recurrent_options_of(a), initial);
            const auto y = ag::lstm_with_state(v[0], weights_of(v, a), recurrent_options_of(a), initial);
            return with_states(y.output, {y.hidden, y.cell});
        },
        [](Random& random) { return sequences(random, 4, 2); }, lstm_refusals()));
    rows.push_back(row(
        "rms_norm",
        [](const auto& v, const Attributes& a) {
            return ag::rms_norm(v[0], v[1], a.contains("epsilon") ? std::optional{a.number("epsilon")} : std::nullopt);
        },
        [](Random& random) {
            const Shape shape = random_shape(random, 2, 3);
            return Draw{{normal(shape, random), normal({shape.back()}, random)}, {{"epsilon", {0.1}}}};
        },
        {{[] { (void)ag::rms_norm(zeros({4, 3}), zeros({4})); },
          "[rms_norm] expected (..., C) and a weight (C,), got input (4, 3) and weight (4,)"},
         {[] { (void)ag::rms_norm(zeros({}), zeros({1})); },
          "[rms_norm] expected (..., C) and a weight (C,), got input () and weight (1,)"}}));
    return rows;
}

}  // namespace registry
