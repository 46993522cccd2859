// SPDX-License-Identifier: MIT
/// @file What recurrent layers have in common: weights under PyTorch's names, layers upon layers, both directions.
#pragma once

#include <espalier/autograd/recurrent.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/nn/children.hpp>
#include <espalier/nn/dropout.hpp>
#include <espalier/nn/init.hpp>
#include <espalier/nn/module.hpp>
#include <espalier/nn/undo.hpp>

#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::nn {

/// Of a `GRU` or `LSTM`, by the names of PyTorch.
struct RecurrentOptions {
    Index num_layers = 1;        ///< each reads the output of the one before
    bool bidirectional = false;  ///< each has a second direction, from the end of a sequence, whose outputs stand behind the first's
    double dropout = 0;          ///< in training, of what goes from a layer to the next
    bool bias = true;
};

namespace detail {

/// The parameters of one direction of one layer.
template <class Scalar>
struct RecurrentDirection {
    Parameter<Scalar> weight_ih, weight_hh, bias_ih, bias_hh;

    RecurrentDirection(Index sums, Index in, Index hidden, Random& random) {
        const double bound = 1 / std::sqrt(static_cast<double>(hidden));
        const auto make = [&](const Shape& shape) {
            auto value = Tensor<Scalar>::empty(shape);
            init::uniform(value, random, -bound, bound);
            return Parameter<Scalar>{std::move(value)};
        };
        weight_ih = make({sums, in});
        weight_hh = make({sums, hidden});
        bias_ih = make({sums});
        bias_hh = make({sums});
    }
};

/// The layers of a recurrent network with `gates` gates. `operation` is its name in errors.
template <class Scalar>
class RecurrentStack {
public:
    ESPALIER_COLD RecurrentStack(const char* operation, Index gates, Index input, Index hidden, const nn::RecurrentOptions& options)
        : operation_{operation}, hidden_{hidden}, options_{options}, dropout_{options.dropout} {
        require<ValueError>(input > 0 && hidden > 0 && options.num_layers > 0, operation,
                            "expected at least one input feature, hidden unit and layer, got ", input, ", ", hidden, " and ",
                            options.num_layers);
        Random random = new_random();
        for (Index layer = 0; layer < options.num_layers; ++layer)
            for (Index direction = 0; direction < directions(); ++direction)
                parameters_.push_back({gates * hidden, layer == 0 ? input : directions() * hidden, hidden, random});
    }

    [[nodiscard]] Index directions() const noexcept { return options_.bidirectional ? 2 : 1; }
    [[nodiscard]] Index hidden() const noexcept { return hidden_; }

    /// All layers, one upon the other: `direction(i, x, weights, options)` runs the i-th and gives (N, L, H).
    template <class Direction>
    [[nodiscard]] Variable<Scalar> run(const Variable<Scalar>& x, const std::optional<Tensor<Index>>& lengths, const Direction& direction) {
        const ForwardScope call;
        Variable<Scalar> y = x;
        for (std::size_t i = 0; i < parameters_.size(); ++i) {
            if (i > 0 && options_.dropout > 0)
                y = dropout_(y);
            const Variable<Scalar> forward = direction(i, y, weights(i), autograd::RecurrentOptions{lengths, false});
            if (!options_.bidirectional) {
                y = forward;
                continue;
            }
            ++i;
            y = autograd::cat({forward, direction(i, y, weights(i), autograd::RecurrentOptions{lengths, true})}, 2);
        }
        return y;
    }

    /// The initial state of one direction, (N, H), of those of all, (layers x directions, N, H). @throws ShapeError
    [[nodiscard]] Variable<Scalar> state(const Variable<Scalar>& states, std::size_t i, Index samples) const {
        const Shape expected{static_cast<Index>(parameters_.size()), samples, hidden_};
        require<ShapeError>(states.shape() == expected, operation_, "expected initial states ", expected, ", got ", states.shape());
        return autograd::reshape(autograd::narrow(states, 0, static_cast<Index>(i), 1), {samples, hidden_});
    }
    /// The last states of all directions, (N, H) each, as one variable.
    [[nodiscard]] static Variable<Scalar> stacked(const std::vector<Variable<Scalar>>& states) {
        std::vector<Variable<Scalar>> all;
        for (const auto& state : states)
            all.push_back(autograd::reshape(state, state.shape().prepended(1)));
        return autograd::cat(all, 0);
    }

    void visit(Visitor<Scalar>& visitor) {
        for (std::size_t i = 0; i < parameters_.size(); ++i) {
            const auto per_layer = static_cast<std::size_t>(directions());
            const std::string suffix = "_l" + std::to_string(i / per_layer) + (i % per_layer ? "_reverse" : "");
            visitor("weight_ih" + suffix, parameters_[i].weight_ih);
            visitor("weight_hh" + suffix, parameters_[i].weight_hh);
            if (!options_.bias)
                continue;
            visitor("bias_ih" + suffix, parameters_[i].bias_ih);
            visitor("bias_hh" + suffix, parameters_[i].bias_hh);
        }
        dropout_.visit(visitor);
    }

private:
    [[nodiscard]] autograd::RecurrentWeights<Scalar> weights(std::size_t i) const {
        const auto& p = parameters_[i];
        if (options_.bias)
            return {p.weight_ih, p.weight_hh, p.bias_ih.variable(), p.bias_hh.variable()};
        return {p.weight_ih, p.weight_hh};
    }

    const char* operation_;
    Index hidden_;
    nn::RecurrentOptions options_;
    Children<RecurrentDirection<Scalar>> parameters_;
    Dropout dropout_;
};

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::nn
