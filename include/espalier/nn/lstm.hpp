// SPDX-License-Identifier: MIT
/// @file Long short-term memory as a layer.
#pragma once

#include <espalier/autograd/lstm.hpp>
#include <espalier/nn/recurrent.hpp>

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::nn {

/// Long short-term memory (autograd/lstm.hpp) along sequences (N, L, input): gives (N, L, hidden), or (N, L, 2 hidden) in both directions.
/// Parameters are PyTorch's, `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, `..._l0_reverse` and so on, uniform within
/// 1 / sqrt(hidden) at first.
template <class Scalar = float>
class LSTM : public Module<LSTM<Scalar>, Scalar> {
public:
    /// @throws ValueError unless the counts are positive and 0 <= dropout < 1
    ESPALIER_COLD LSTM(Index input, Index hidden, RecurrentOptions options = {}) : stack_{"LSTM", 4, input, hidden, options} {}

    /// @throws ShapeError
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) { return outputs(x, {}); }
    /// Of sequences with these lengths, (N,) of 0 to L: what is behind an end is not read, and the output there is 0.
    /// @throws ShapeError, ValueError
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x, const Tensor<Index>& lengths) { return outputs(x, lengths); }

    /// The same with the last states, (num_layers x directions, N, hidden) each, and from initial ones in the same shape.
    /// @throws ShapeError, ValueError
    [[nodiscard]] autograd::LstmOutput<Scalar> run(const Variable<Scalar>& x, const std::optional<Tensor<Index>>& lengths = {},
                                                   const std::optional<autograd::LstmState<Scalar>>& initial = {}) {
        std::vector<Variable<Scalar>> hidden, cell;
        auto y = stack_.run(x, lengths, [&](std::size_t i, const auto& in, const auto& weights, const auto& options) {
            std::optional<autograd::LstmState<Scalar>> state;
            if (initial)
                state = {stack_.state(initial->hidden, i, in.size(0)), stack_.state(initial->cell, i, in.size(0))};
            const auto result = autograd::lstm_with_state(in, weights, options, state);
            hidden.push_back(result.hidden);
            cell.push_back(result.cell);
            return result.output;
        });
        return {std::move(y), stack_.stacked(hidden), stack_.stacked(cell)};
    }

    [[nodiscard]] Index hidden() const noexcept { return stack_.hidden(); }
    void visit(Visitor<Scalar>& visitor) { stack_.visit(visitor); }

private:
    [[nodiscard]] Variable<Scalar> outputs(const Variable<Scalar>& x, const std::optional<Tensor<Index>>& lengths) {
        return stack_.run(x, lengths, [](std::size_t, const auto& in, const auto& weights, const auto& options) {
            return autograd::lstm(in, weights, options);
        });
    }

    detail::RecurrentStack<Scalar> stack_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
