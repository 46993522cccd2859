// SPDX-License-Identifier: MIT
/// @file Experts: networks of one input, which all that read them read together. Those that begin alike begin with one product.
#pragma once

#include <espalier/autograd/matmul.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/mtl/sharing.hpp>
#include <espalier/nn/sequential.hpp>

#include <cstddef>

namespace espalier::inline ESPALIER_ABI::mtl::detail {

/// How an expert begins, if it does with a `Linear`: the layer itself, or the first of a sequence.
template <class Scalar>
struct LinearStart {
    nn::Linear<Scalar>* linear = nullptr;
    nn::Sequential<Scalar>* sequence = nullptr;  ///< null for the layer itself
    bool relu = false;                           ///< the second of the sequence

    [[nodiscard]] static LinearStart of(nn::Layer<Scalar>& layer) {
        auto* const sequence = layer.template get_if<nn::Sequential<Scalar>>();
        if (!sequence)
            return {layer.template get_if<nn::Linear<Scalar>>()};
        if (sequence->size() == 0)
            return {};
        const auto layers = sequence->begin();
        return {layers[0].template get_if<nn::Linear<Scalar>>(), sequence,
                sequence->size() > 1 && layers[1].template get_if<nn::ReLU>() != nullptr};
    }
    [[nodiscard]] Index in() const { return linear->weight().variable().size(1); }
    [[nodiscard]] Index out() const { return linear->weight().variable().size(0); }
    [[nodiscard]] bool is_like(const LinearStart& other) const {
        return linear && other.linear && relu == other.relu && linear->has_bias() == other.linear->has_bias() && in() == other.in();
    }
    /// What the expert makes of what its start found.
    [[nodiscard]] Variable<Scalar> finish(const Variable<Scalar>& found) const {
        const std::size_t done = relu ? 2 : 1;
        return sequence && sequence->size() > done ? sequence->run(found, done, sequence->size()) : found;
    }
};

/// A product with few columns takes as long as reading its input does; one of all experts reads it once. From so many columns on there
/// is nothing to gain, and of so many elements on the rows of all tasks' gradients would be large.
inline constexpr Index most_columns_together = 512, most_weights_together = 1 << 18;

/// The starts of all experts if they are to begin together, else none.
template <class Scalar>
[[nodiscard]] PoolVector<LinearStart<Scalar>> starts_together(nn::Children<nn::Layer<Scalar>>& experts, const Variable<Scalar>& input) {
    PoolVector<LinearStart<Scalar>> starts;
    if (experts.size() < 2 || nn::detail::layers_apart() || input.rank() == 0)
        return starts;
    Index columns = 0;
    for (auto& expert : experts) {
        const auto start = LinearStart<Scalar>::of(expert);
        if (!start.is_like(starts.empty() ? start : starts.front()))
            return {};
        columns += start.out();
        starts.push_back(start);
    }
    const Index in = starts.front().in();
    return in == input.size(-1) && columns <= most_columns_together && columns * in <= most_weights_together
               ? starts
               : PoolVector<LinearStart<Scalar>>{};
}

/// What all starts find, side by side.
template <class Scalar>
[[nodiscard]] Variable<Scalar> start_together(const PoolVector<LinearStart<Scalar>>& starts, const Variable<Scalar>& input) {
    PoolVector<Variable<Scalar>> weights, biases;
    for (const auto& start : starts) {
        weights.push_back(start.linear->weight());
        if (start.linear->has_bias())
            biases.push_back(start.linear->bias());
    }
    const auto weight = autograd::cat<Scalar>(weights, 0);
    const bool relu = starts.front().relu;
    if (biases.empty())
        return relu ? autograd::linear_relu<Scalar>(input, weight) : autograd::linear<Scalar>(input, weight);
    const auto bias = autograd::cat<Scalar>(biases, 0);
    return relu ? autograd::linear_relu(input, weight, bias) : autograd::linear(input, weight, bias);
}

/// What each expert makes of the input. A ShapeError says in which: `in expert 2`.
///
/// Not for networks of which each task reads its own: a parameter in a product that all tasks reach counts as shared.
template <class Scalar>
[[nodiscard]] Features<Scalar> apply_experts(nn::Children<nn::Layer<Scalar>>& experts, const Variable<Scalar>& input, const char* kind) {
    const auto starts = starts_together(experts, input);
    if (starts.empty())
        return apply_each(experts, input, kind);
    const auto found = start_together(starts, input);
    Features<Scalar> result;
    Index column = 0;
    for (std::size_t i = 0; i < starts.size(); column += starts[i++].out())
        result.push_back(nn::detail::naming_place([&] { return starts[i].finish(autograd::narrow(found, -1, column, starts[i].out())); },
                                                  [&](const ShapeError&) { return concat(kind, ' ', i); }));
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::mtl::detail
