// SPDX-License-Identifier: MIT
/// @file Gated recurrent units as a layer.
#pragma once

#include <espalier/autograd/gru.hpp>
#include <espalier/nn/recurrent.hpp>

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::nn {

/// Gated recurrent units (autograd/gru.hpp) along sequences (N, L, input): gives (N, L, hidden), or (N, L, 2 hidden) in both directions.
/// Parameters are PyTorch's, `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, `..._l0_reverse` and so on, uniform within
/// 1 / sqrt(hidden) at first.
template <class Scalar = float>
class GRU : public Module<GRU<Scalar>, Scalar> {
public:
    /// @throws ValueError unless the counts are positive and 0 <= dropout < 1
    ESPALIER_COLD GRU(Index input, Index hidden, RecurrentOptions options = {}) : stack_{"GRU", 3, input, hidden, options} {}

    /// @throws ShapeError
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) { return outputs(x, {}); }
    /// Of sequences with these lengths, (N,) of 0 to L: what is behind an end is not read, and the output there is 0.
    /// @throws ShapeError, ValueError
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x, const Tensor<Index>& lengths) { return outputs(x, lengths); }

    /// The same with the last states, (num_layers x directions, N, hidden), and from initial ones in the same shape.
    /// @throws ShapeError, ValueError
    [[nodiscard]] autograd::GruOutput<Scalar> run(const Variable<Scalar>& x, const std::optional<Tensor<Index>>& lengths = {},
                                                  const std::optional<Variable<Scalar>>& initial = {}) {
        std::vector<Variable<Scalar>> hidden;
        auto y = stack_.run(x, lengths, [&](std::size_t i, const auto& in, const auto& weights, const auto& options) {
            std::optional<Variable<Scalar>> state;
            if (initial)
                state = stack_.state(*initial, i, in.size(0));
            const auto result = autograd::gru_with_state(in, weights, options, state);
            hidden.push_back(result.hidden);
            return result.output;
        });
        return {std::move(y), stack_.stacked(hidden)};
    }

    [[nodiscard]] Index hidden() const noexcept { return stack_.hidden(); }
    void visit(Visitor<Scalar>& visitor) { stack_.visit(visitor); }

private:
    [[nodiscard]] Variable<Scalar> outputs(const Variable<Scalar>& x, const std::optional<Tensor<Index>>& lengths) {
        return stack_.run(x, lengths, [](std::size_t, const auto& in, const auto& weights, const auto& options) {
            return autograd::gru(in, weights, options);
        });
    }

    detail::RecurrentStack<Scalar> stack_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
