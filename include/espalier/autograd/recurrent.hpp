// SPDX-License-Identifier: MIT
/// @file One direction of one layer of a recurrent network as one operation, whatever its unit (gru.hpp, lstm.hpp).
///
/// The products of all inputs come first, then the steps, which the weights' gradients of all steps at once end on the way back. What
/// belongs to one sequence comes to the same bits whatever lies beside it in the batch and however long the padding is.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/autograd/recurrent_steps.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/kernels/gemm.hpp>
#include <espalier/kernels/reduction.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::autograd {

/// The weights of one direction of a layer with H hidden units, for G gates one above the other, under the names and in the order of
/// PyTorch: a GRU has 3 (reset, update, new), an LSTM 4 (input, forget, cell, output).
template <class Scalar>
struct RecurrentWeights {
    Variable<Scalar> weight_ih;                    ///< (G H, C)
    Variable<Scalar> weight_hh;                    ///< (G H, H)
    std::optional<Variable<Scalar>> bias_ih = {};  ///< (G H,), both or neither
    std::optional<Variable<Scalar>> bias_hh = {};
};

namespace detail {

template <class Unit, class Scalar>
[[nodiscard]] Recurrence<Unit, Scalar> recurrence(const char* operation, const Shape& x, const RecurrentWeights<Scalar>& weights,
                                                  const RecurrentOptions& options, std::span<const Variable<Scalar>> start, bool with_end) {
    const Shape& ih = weights.weight_ih.shape();
    const Shape& hh = weights.weight_hh.shape();
    require<ShapeError>(x.rank() == 3, operation, "expected sequences (N, L, C), got input ", x);
    require<ShapeError>(hh.rank() == 2 && hh[1] > 0 && hh[0] == Unit::gates * hh[1] && ih.rank() == 2 && ih[0] == hh[0] && ih[1] > 0,
                        operation, "expected weights (", Unit::gates, " H, C) and (", Unit::gates, " H, H) with H and C at least 1, got ",
                        ih, " and ", hh);
    require<ShapeError>(x[2] == ih[1], operation, "expected ", ih[1], " input features, got input ", x);
    require<ValueError>(weights.bias_ih.has_value() == weights.bias_hh.has_value(), operation, "expected both biases or neither, got one");
    for (const auto& bias : {weights.bias_ih, weights.bias_hh})
        require<ShapeError>(!bias || bias->shape() == Shape{hh[0]}, operation, "expected a bias of shape (", hh[0], ",), got ",
                            bias ? bias->shape() : Shape{});
    for (const auto& state : start)
        require<ShapeError>(state.shape() == Shape{x[0], hh[1]}, operation, "expected initial states ", Shape{x[0], hh[1]}, ", got ",
                            state.shape());
    return {{operation, x[0], x[1], options}, x[2], hh[1], weights.bias_ih.has_value(), !start.empty(), with_end};
}

/// What is added to the products of the inputs: both biases, but for those of hidden products that stand apart.
template <class Unit, class Scalar>
[[nodiscard]] PoolVector<Scalar> input_bias(const RecurrentWeights<Scalar>& weights, Index hidden) {
    PoolVector<Scalar> bias(weights.bias_ih->value().begin(), weights.bias_ih->value().end());
    for (const auto& part : Unit::products)
        for (Index i = part.row * hidden; !part.apart && i < (part.row + part.rows) * hidden; ++i)
            bias[static_cast<std::size_t>(i)] += weights.bias_hh->value()[i];
    return bias;
}

/// Writes gates, cells and results of all steps.
template <class Unit, class Scalar>
void recurrent_forward(const Recurrence<Unit, Scalar>& r, const Variable<Scalar>& x, const RecurrentWeights<Scalar>& weights,
                       const StartStates<Scalar>& start, Scalar* gates, Scalar* cells, Scalar* y) {
    {
        const kernels::PackedMatrix<Scalar> input{r.features, r.sums(), weights.weight_ih.value().data(), 1, r.features};
        const PoolVector<Scalar> bias = r.with_bias ? input_bias<Unit>(weights, r.hidden) : PoolVector<Scalar>{};
        multiply_rows(
            input, r.steps.rows(), [&](Index row) { return x.value().data() + r.steps.element(row) * r.features; },
            [&](Index row) { return gates + row * r.kept(); }, r.with_bias ? bias.data() : nullptr);
    }
    const auto products = r.hidden_products(weights.weight_hh.value().data(), /*back*/ false);
    const Scalar* const bias = r.with_bias ? weights.bias_hh->value().data() : nullptr;
    r.for_each_part(1, [&](Index, Index first, Index last) { run_steps(r, first, last, products, bias, start, gates, cells, y); });
}

/// What comes to the sums of all steps, (T, rows, kept), and to the initial states, (T, N, H) each.
template <class Scalar>
struct StepGradients {
    Tensor<Scalar> gates;
    std::array<Tensor<Scalar>, 2> states;
};
template <class Unit, class Scalar>
[[nodiscard]] StepGradients<Scalar> step_gradients(const Recurrence<Unit, Scalar>& r, const Tensor<Scalar>& gates,
                                                   const Tensor<Scalar>& cells, const StartStates<Scalar>& start, Gradients<Scalar>& g) {
    StepGradients<Scalar> d{Tensor<Scalar>::empty({g.rows(), r.steps.rows(), r.kept()}), {}};
    for (std::size_t state = 0; state < Unit::states; ++state)
        d.states[state] = Tensor<Scalar>::empty({g.rows(), r.steps.samples(), r.hidden});
    const auto products = r.hidden_products(g.input(2).data(), /*back*/ true);
    r.for_each_part(g.rows(), [&](Index i, Index first, Index last) {
        const Index t = i / r.parts(), states = t * r.steps.samples() * r.hidden;
        run_back<Unit, Scalar>(r, first, last, products, start,
                               {gates.data(),
                                Unit::states > 1 ? cells.data() : nullptr,
                                g.output().data(),
                                g.cotangent().data() + t * g.output().numel(),
                                d.gates.data() + t * gates.numel(),
                                {d.states[0].data() + states, Unit::states > 1 ? d.states[1].data() + states : nullptr}});
    });
    return d;
}

/// The hidden states that the steps began with, (rows, H).
template <class Unit, class Scalar>
[[nodiscard]] Tensor<Scalar> states_before(const Recurrence<Unit, Scalar>& r, const Tensor<Scalar>& y, const StartStates<Scalar>& start) {
    auto result = Tensor<Scalar>::empty({r.steps.rows(), r.hidden});
    for (Index place = 0; place < r.steps.samples(); ++place) {
        const Scalar* before = start.row(0, r.steps.sample(place));
        for (Index step = 0; step < r.steps.length(place); ++step) {
            std::copy_n(before, r.hidden, result.data() + r.steps.row(place, step) * r.hidden);
            before = y.data() + (r.steps.sample(place) * r.height() + r.steps.time(place, step)) * r.hidden;
        }
    }
    return result;
}

template <class Unit, class Scalar>
void add_recurrent_weight_gradients(const Recurrence<Unit, Scalar>& r, const Tensor<Scalar>& d, const StartStates<Scalar>& start,
                                    Gradients<Scalar>& g) {
    using enum kernels::Transpose;
    const Index rows = r.steps.rows(), kept = r.kept();
    if (g.needs(1)) {
        Tensor<Scalar> space;
        const Scalar* const x = r.steps.gathered(g.input(0), space);
        g.produce(1, [&](const kernels::Target<Scalar>& dw) {
            for (Index t = 0; t < g.rows(); ++t)
                kernels::parallel_gemm<Scalar>(yes, no, r.sums(), r.features, rows, {d.data() + t * rows * kept, kept}, {x, r.features},
                                               {dw.row(t), r.features}, dw.accumulate);
        });
    }
    if (g.needs(2)) {
        const Tensor<Scalar> before = states_before(r, g.output(), start);
        g.produce(2, [&](const kernels::Target<Scalar>& dw) {
            for (Index t = 0; t < g.rows(); ++t)
                for (const auto& part : Unit::products)
                    kernels::parallel_gemm<Scalar>(yes, no, part.rows * r.hidden, r.hidden, rows,
                                                   {d.data() + t * rows * kept + part.column * r.hidden, kept}, {before.data(), r.hidden},
                                                   {dw.row(t) + part.row * r.hidden * r.hidden, r.hidden}, dw.accumulate);
        });
    }
    if (!r.with_bias || !(g.needs(3) || g.needs(4)))
        return;
    auto of_input = Tensor<Scalar>::empty({g.rows(), r.sums()});
    auto of_hidden = Tensor<Scalar>::empty({g.rows(), r.sums()});
    PoolVector<double> sums(static_cast<std::size_t>(kept));
    for (Index t = 0; t < g.rows(); ++t) {
        kernels::column_sums(rows, kept, d.data() + t * rows * kept, sums.data());
        const auto copy = [&](Index from, Index count, Scalar* to) {
            std::transform(sums.begin() + from, sums.begin() + from + count, to, [](double sum) { return static_cast<Scalar>(sum); });
        };
        copy(0, r.sums(), of_input.data() + t * r.sums());
        for (const auto& part : Unit::products)
            copy(part.column * r.hidden, part.rows * r.hidden, of_hidden.data() + t * r.sums() + part.row * r.hidden);
    }
    if (g.needs(3))
        g.add(3, std::move(of_input));
    if (g.needs(4))
        g.add(4, std::move(of_hidden));
}

template <class Unit, class Scalar>
void add_recurrent_gradients(const Recurrence<Unit, Scalar>& r, const Tensor<Scalar>& gates, const Tensor<Scalar>& cells,
                             Gradients<Scalar>& g) {
    StartStates<Scalar> start{{}, PoolVector<Scalar>(static_cast<std::size_t>(r.hidden))};
    for (std::size_t state = 0; r.with_start && state < Unit::states; ++state)
        start.data[state] = g.input(r.start_input() + state).data();
    StepGradients<Scalar> d = step_gradients(r, gates, cells, start, g);
    add_recurrent_weight_gradients(r, d.gates, start, g);
    if (g.needs(0)) {
        const Index rows = r.steps.rows(), elements = r.steps.samples() * r.steps.longest();
        const kernels::PackedMatrix<Scalar> weight{r.sums(), r.features, g.input(1).data(), r.features, 1};
        auto dx = Tensor<Scalar>::empty(g.input(0).shape().prepended(g.rows()));
        if (!r.steps.whole())
            dx.fill(0);
        multiply_rows<Scalar>(
            weight, g.rows() * rows, [&](Index i) { return d.gates.data() + i * r.kept(); },
            [&](Index i) { return dx.data() + (i / rows * elements + r.steps.element(i % rows)) * r.features; }, nullptr);
        g.add(0, std::move(dx));
    }
    for (std::size_t state = 0; r.with_start && state < Unit::states; ++state)
        if (g.needs(r.start_input() + state))
            g.add(r.start_input() + state, std::move(d.states[state]));
}

/// (N, L, H), and behind the L results of a sample, if `with_end`, its last states. `start`: none, or the initial states, (N, H) each.
template <class Unit, class Scalar>
[[nodiscard]] Variable<Scalar> recurrent(const char* operation, const Variable<Scalar>& x, const RecurrentWeights<Scalar>& weights,
                                         const RecurrentOptions& options, std::span<const Variable<Scalar>> start, bool with_end) {
    auto r = recurrence<Unit>(operation, x.shape(), weights, options, start, with_end);
    StartStates<Scalar> states{{}, PoolVector<Scalar>(static_cast<std::size_t>(r.hidden))};
    for (std::size_t i = 0; i < start.size(); ++i)
        states.data[i] = start[i].value().data();
    auto gates = Tensor<Scalar>::empty({r.steps.rows(), r.kept()});
    Tensor<Scalar> cells;
    if (Unit::states > 1)
        cells = Tensor<Scalar>::empty({r.steps.rows(), r.hidden});
    auto y = Tensor<Scalar>::empty({x.size(0), r.height(), r.hidden});
    recurrent_forward(r, x, weights, states, gates.data(), Unit::states > 1 ? cells.data() : nullptr, y.data());
    std::vector<Variable<Scalar>> inputs{x, weights.weight_ih, weights.weight_hh};
    if (r.with_bias)
        inputs.insert(inputs.end(), {*weights.bias_ih, *weights.bias_hh});
    inputs.insert(inputs.end(), start.begin(), start.end());
    return record<Scalar>(operation, std::move(y), std::span<const Variable<Scalar>>{inputs},
                          [r = std::move(r), gates = std::move(gates), cells = std::move(cells)](Gradients<Scalar>& g) {
                              add_recurrent_gradients(r, gates, cells, g);
                          });
}

/// The last state number i behind the results of `recurrent`, (N, H).
template <class Scalar>
[[nodiscard]] Variable<Scalar> state_behind(const Variable<Scalar>& y, Index longest, Index i) {
    return reshape(narrow(y, 1, longest + i, 1), {y.size(0), y.size(2)});
}

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::autograd
