// SPDX-License-Identifier: MIT
/// @file One step of a recurrent unit, there and back, each with its definition for any scalar; simd/recurrent.ipp has it for vectors of
/// float.
///
/// What is multiplied by weights comes from outside; what is left is element by element, and here in one pass.
#pragma once

#include <espalier/kernels/functions.hpp>

#include <array>
#include <cmath>

namespace espalier::inline ESPALIER_ABI::kernels {
namespace simd {

/// One step of one sequence with n hidden units.
template <class Scalar>
struct RecurrentStep {
    Index n;
    Scalar* gates;              ///< (4 n,), sums at first, and then what is kept for the way back
    const Scalar* before;       ///< the hidden state of the step before
    const Scalar* cell_before;  ///< of an LSTM, likewise
    Scalar* cell;
    Scalar* hidden;
};

/// The same on the way back: what comes to a step's states becomes what comes to its sums and, but for what goes through the sums, to the
/// states of the step before.
template <class Scalar>
struct RecurrentPull {
    Index n;
    const Scalar* gates;
    const Scalar* before;
    const Scalar* cell_before;
    const Scalar* cell;
    const Scalar* dy;  ///< what comes to the hidden state as a result; `d_hidden` is what comes by way of the steps behind
    Scalar* d_hidden;
    Scalar* d_cell;
    Scalar* d_gates;
};

struct RecurrentKernels {
    void (*value)(const RecurrentStep<float>& step);
    void (*pull)(const RecurrentPull<float>& step);
};

}  // namespace simd

/// Rows of the hidden weights that are multiplied at once, as multiples of n: products from `row` on, `rows` of them, go to `gates` from
/// `column` on. `apart`: what is there before is not the input's product.
struct RecurrentProduct {
    Index row;
    Index rows;
    Index column;
    bool apart;
};

/// Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine translation", EMNLP 2014,
/// arXiv:1406.1078, as in cuDNN and PyTorch: with the sums r, z and n of the input, and m of the hidden state beside n,
///
///     r = sigmoid(r), z = sigmoid(z), n = tanh(n + r m), hidden = (1 - z) n + z before
///
/// `gates` are r, z, n and m.
struct Gru {
    using Kernels = simd::RecurrentKernels;
    static constexpr Index gates = 3;   ///< of the weights
    static constexpr Index states = 1;
    static constexpr std::array<RecurrentProduct, 2> products{{{0, 2, 0, false}, {2, 1, 3, true}}};

    template <class S>
    static void value(const simd::RecurrentStep<S>& s) {
        for (Index j = 0; j < s.n; ++j) {
            S* const gate = s.gates + j;
            gate[0] = Sigmoid::value(gate[0], S(0));
            gate[s.n] = Sigmoid::value(gate[s.n], S(0));
            gate[2 * s.n] = std::tanh(gate[2 * s.n] + gate[0] * gate[3 * s.n]);
            s.hidden[j] = gate[2 * s.n] + gate[s.n] * (s.before[j] - gate[2 * s.n]);
        }
    }
    template <class S>
    static void pull(const simd::RecurrentPull<S>& s) {
        for (Index j = 0; j < s.n; ++j) {
            const S r = s.gates[j], z = s.gates[s.n + j], n = s.gates[2 * s.n + j], m = s.gates[3 * s.n + j];
            const S d = s.d_hidden[j] + s.dy[j];
            const S dn = d * (1 - z) * (1 - n * n);
            s.d_gates[j] = Sigmoid::pull(r, r, dn * m, S(0));
            s.d_gates[s.n + j] = Sigmoid::pull(z, z, d * (s.before[j] - n), S(0));
            s.d_gates[2 * s.n + j] = dn;
            s.d_gates[3 * s.n + j] = dn * r;
            s.d_hidden[j] = d * z;
        }
    }
};

/// Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9, 1997, with a forget gate (Gers, Schmidhuber and Cummins,
/// 2000). `gates` are i, f, g and o:
///
///     cell = sigmoid(f) cell_before + sigmoid(i) tanh(g), hidden = sigmoid(o) tanh(cell)
struct Lstm {
    using Kernels = simd::RecurrentKernels;
    static constexpr Index gates = 4;
    static constexpr Index states = 2;
    static constexpr std::array<RecurrentProduct, 1> products{{{0, 4, 0, false}}};

    template <class S>
    static void value(const simd::RecurrentStep<S>& s) {
        for (Index j = 0; j < s.n; ++j) {
            S* const gate = s.gates + j;
            for (const Index sigmoid : {Index{0}, s.n, 3 * s.n})
                gate[sigmoid] = Sigmoid::value(gate[sigmoid], S(0));
            gate[2 * s.n] = std::tanh(gate[2 * s.n]);
            s.cell[j] = gate[s.n] * s.cell_before[j] + gate[0] * gate[2 * s.n];
            s.hidden[j] = gate[3 * s.n] * std::tanh(s.cell[j]);
        }
    }
    template <class S>
    static void pull(const simd::RecurrentPull<S>& s) {
        for (Index j = 0; j < s.n; ++j) {
            const S i = s.gates[j], f = s.gates[s.n + j], g = s.gates[2 * s.n + j], o = s.gates[3 * s.n + j];
            const S d = s.d_hidden[j] + s.dy[j], t = std::tanh(s.cell[j]);
            const S d_cell = s.d_cell[j] + d * o * (1 - t * t);
            s.d_gates[j] = Sigmoid::pull(i, i, d_cell * g, S(0));
            s.d_gates[s.n + j] = Sigmoid::pull(f, f, d_cell * s.cell_before[j], S(0));
            s.d_gates[2 * s.n + j] = d_cell * i * (1 - g * g);
            s.d_gates[3 * s.n + j] = Sigmoid::pull(o, o, d * t, S(0));
            s.d_cell[j] = d_cell * f;
            s.d_hidden[j] = 0;  // all of it went through the gates
        }
    }
};

}  // namespace espalier::inline ESPALIER_ABI::kernels
