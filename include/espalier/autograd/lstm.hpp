// SPDX-License-Identifier: MIT
/// @file Long short-term memory (Hochreiter and Schmidhuber, 1997), one direction of one layer.
#pragma once

#include <espalier/autograd/recurrent.hpp>
#include <espalier/autograd/reshape.hpp>

#include <array>
#include <optional>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::autograd {

/// The states of an LSTM, (N, H) each.
template <class Scalar>
struct LstmState {
    Variable<Scalar> hidden;
    Variable<Scalar> cell;
};

/// What an LSTM makes of sequences.
template <class Scalar>
struct LstmOutput {
    Variable<Scalar> output;  ///< (N, L, H)
    Variable<Scalar> hidden;  ///< (N, H), of the last step of each sequence
    Variable<Scalar> cell;    ///< likewise
};

namespace detail {

template <class Scalar>
[[nodiscard]] Variable<Scalar> lstm(const Variable<Scalar>& x, const RecurrentWeights<Scalar>& weights, const RecurrentOptions& options,
                                    const std::optional<LstmState<Scalar>>& initial, bool with_end) {
    if (!initial)
        return recurrent<kernels::Lstm, Scalar>("lstm", x, weights, options, {}, with_end);
    const std::array<Variable<Scalar>, 2> start{initial->hidden, initial->cell};
    return recurrent<kernels::Lstm, Scalar>("lstm", x, weights, options, start, with_end);
}

}  // namespace detail

/// The hidden states of long short-term memory along sequences x (N, L, C): gives (N, L, H). `initial` states are zeros if absent. Behind
/// the end of a sequence, as `options.lengths` say, nothing is read, the output is 0, and no gradient comes back.
///
///     i, f, o = sigmoid(W_i x + b_i + W_h h + b_h) and g = tanh(...) of their own rows,
///     the next c = f c + i g, the next h = o tanh(c)
///
/// Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1997, with a forget gate.
/// @throws ShapeError for shapes that do not fit; ValueError for lengths that are not 0 to L, or one bias of two
template <class Scalar>
[[nodiscard]] Variable<Scalar> lstm(const Variable<Scalar>& x, const RecurrentWeights<Scalar>& weights,
                                    const RecurrentOptions& options = {},
                                    const std::optional<LstmState<std::type_identity_t<Scalar>>>& initial = {}) {
    return detail::lstm(x, weights, options, initial, false);
}

/// The same with the last states: of a sequence's last step, in reverse its first; of an empty sequence the initial ones. @throws as `lstm`
template <class Scalar>
[[nodiscard]] LstmOutput<Scalar> lstm_with_state(const Variable<Scalar>& x, const RecurrentWeights<Scalar>& weights,
                                                 const RecurrentOptions& options = {},
                                                 const std::optional<LstmState<std::type_identity_t<Scalar>>>& initial = {}) {
    const auto y = detail::lstm(x, weights, options, initial, true);
    return {narrow(y, 1, 0, x.size(1)), detail::state_behind(y, x.size(1), 0), detail::state_behind(y, x.size(1), 1)};
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
