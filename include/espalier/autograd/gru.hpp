// SPDX-License-Identifier: MIT
/// @file Gated recurrent units (Cho et al., 2014), one direction of one layer.
#pragma once

#include <espalier/autograd/recurrent.hpp>
#include <espalier/autograd/reshape.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::autograd {

/// What a GRU makes of sequences.
template <class Scalar>
struct GruOutput {
    Variable<Scalar> output;  ///< (N, L, H)
    Variable<Scalar> hidden;  ///< (N, H), of the last step of each sequence
};

namespace detail {

template <class Scalar>
[[nodiscard]] Variable<Scalar> gru(const Variable<Scalar>& x, const RecurrentWeights<Scalar>& weights, const RecurrentOptions& options,
                                   const std::optional<Variable<Scalar>>& initial, bool with_end) {
    const std::span<const Variable<Scalar>> start{initial ? &*initial : nullptr, initial ? std::size_t{1} : std::size_t{0}};
    return recurrent<kernels::Gru>("gru", x, weights, options, start, with_end);
}

}  // namespace detail

/// The hidden states of gated recurrent units along sequences x (N, L, C): gives (N, L, H). `initial` is (N, H), zeros if absent. Behind
/// the end of a sequence, as `options.lengths` say, nothing is read, the output is 0, and no gradient comes back.
///
///     r = sigmoid(W_ir x + b_ir + W_hr h + b_hr), z = sigmoid(W_iz x + b_iz + W_hz h + b_hz),
///     n = tanh(W_in x + b_in + r (W_hn h + b_hn)), the next h = (1 - z) n + z h
///
/// Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine translation", EMNLP 2014,
/// arXiv:1406.1078, in the variant of cuDNN and PyTorch.
/// @throws ShapeError for shapes that do not fit; ValueError for lengths that are not 0 to L, or one bias of two
template <class Scalar>
[[nodiscard]] Variable<Scalar> gru(const Variable<Scalar>& x, const RecurrentWeights<Scalar>& weights, const RecurrentOptions& options = {},
                                   const std::optional<Variable<std::type_identity_t<Scalar>>>& initial = {}) {
    return detail::gru(x, weights, options, initial, false);
}

/// The same with the last states: of a sequence's last step, in reverse its first; of an empty sequence the initial one. @throws as `gru`
template <class Scalar>
[[nodiscard]] GruOutput<Scalar> gru_with_state(const Variable<Scalar>& x, const RecurrentWeights<Scalar>& weights,
                                               const RecurrentOptions& options = {},
                                               const std::optional<Variable<std::type_identity_t<Scalar>>>& initial = {}) {
    const auto y = detail::gru(x, weights, options, initial, true);
    return {narrow(y, 1, 0, x.size(1)), detail::state_behind(y, x.size(1), 0)};
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
