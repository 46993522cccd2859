// SPDX-License-Identifier: MIT
/// @file Of what a user did before what matters for the item in question: the attention of the deep interest network.
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/embedding.hpp>
#include <espalier/autograd/reshape.hpp>
#include <espalier/autograd/segment.hpp>
#include <espalier/autograd/softmax.hpp>
#include <espalier/nn/activation.hpp>
#include <espalier/nn/layer.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/sequential.hpp>
#include <espalier/nn/undo.hpp>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::nn {

/// Of a `TargetAttention`. Designated initialisers stand in this order.
struct TargetAttentionOptions {
    std::vector<Index> hidden = {80, 40};  ///< units of the layers between, with sigmoids, as in the authors' program
    bool softmax = false;                  ///< weights that add up to 1 within a history; the paper keeps their size as a strength
};

/// Zhou et al., "Deep interest network for click-through rate prediction" (KDD 2018, arXiv:1706.06978).
///
/// Each element k of a sample's history has the weight that a small network, the activation unit, gives [q, k, q - k, q * k] with the
/// sample's query q; the result is the sum of the elements, each times its weight, 0 for an empty history. What is behind the end of a
/// history is not read. Paths are those of the unit, `unit.0.weight`.
template <class Scalar = float>
class TargetAttention : public Module<TargetAttention<Scalar>, Scalar> {
public:
    /// @throws ValueError for a width or a number of hidden units below 1
    explicit TargetAttention(Index width, TargetAttentionOptions options = {})
        : TargetAttention{perceptron(width, options.hidden), options.softmax} {}
    /// With a unit of one's own, (1, M, 4 D) to (1, M, 1): elements are steps of a sequence, to whose products it is all the same how many
    /// there are.
    explicit TargetAttention(Layer<Scalar> unit, bool softmax = false) : unit_{std::move(unit)}, softmax_{softmax} {}

    /// Histories (N, L, D) of which the first `lengths[n]` elements are there, and queries (N, D), give (N, D).
    /// @throws ShapeError for shapes that do not fit, ValueError for a length beside [0, L]
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& history, const Tensor<Index>& lengths,
                                              const Variable<Scalar>& query) {
        if (history.rank() == 2)
            return attend(history, lengths, query);
        require<ShapeError>(history.rank() == 3, "TargetAttention", "expected histories (N, L, D), or (sum of lengths, D) end to end, got ",
                            history.shape());
        const Index samples = history.size(0), longest = history.size(1), width = history.size(2);
        require<ShapeError>(lengths.shape() == Shape{samples}, "TargetAttention", "expected lengths (", samples, ",), got ",
                            lengths.shape());
        std::vector<Index> rows;
        for (Index n = 0; n < samples; ++n) {
            require<ValueError>(lengths[n] >= 0 && lengths[n] <= longest, "TargetAttention", "expected lengths of 0 to ", longest, ", got ",
                                lengths[n], " at sample ", n);
            for (Index i = 0; i < lengths[n]; ++i)
                rows.push_back(n * longest + i);
        }
        const auto all = autograd::reshape(history, {samples * longest, width});
        return attend(std::cmp_equal(rows.size(), samples * longest) ? all : autograd::embedding(all, indices(rows)), lengths, query);
    }

    void visit(Visitor<Scalar>& visitor) { visitor("unit", unit_); }

private:
    [[nodiscard]] static Layer<Scalar> perceptron(Index width, const std::vector<Index>& hidden) {
        require<ValueError>(width > 0 && std::all_of(hidden.begin(), hidden.end(), [](Index units) { return units > 0; }),
                            "TargetAttention", "expected a width and numbers of hidden units of at least 1, got others");
        Sequential<Scalar> unit;
        Index in = 4 * width;
        for (const Index units : hidden) {
            unit.add(Linear<Scalar>{in, units});
            unit.add(Sigmoid{});
            in = units;
        }
        unit.add(Linear<Scalar>{in, 1});
        return unit;
    }
    [[nodiscard]] static Tensor<Index> indices(const std::vector<Index>& values) {
        return {Shape{static_cast<Index>(values.size())}, values};
    }

    /// Of histories (sum of lengths, D), end to end.
    [[nodiscard]] Variable<Scalar> attend(const Variable<Scalar>& keys, const Tensor<Index>& lengths, const Variable<Scalar>& query) {
        require<ShapeError>(query.rank() == 2 && query.size(1) == keys.size(1) && lengths.shape() == Shape{query.size(0)},
                            "TargetAttention", "expected queries (N, ", keys.size(1), ") and lengths (N,), got ", query.shape(), " and ",
                            lengths.shape());
        (void)espalier::detail::segment_starts("TargetAttention", lengths, keys.size(0), "elements");
        std::vector<Index> sample;  // of each element
        for (Index n = 0; n < lengths.numel(); ++n)
            sample.insert(sample.end(), static_cast<std::size_t>(lengths[n]), n);
        const detail::ForwardScope call;
        const auto asked = autograd::embedding(query, indices(sample));
        auto weights = detail::naming_place(
            [&] {
                const auto pairs = autograd::cat({asked, keys, asked - keys, asked * keys}, 1);
                return unit_(autograd::reshape(pairs, pairs.shape().prepended(1)));
            },
            [](const ShapeError&) { return std::string{"the unit"}; });
        require<ShapeError>(weights.shape() == Shape{1, keys.size(0), 1}, "TargetAttention", "expected a weight (1, ", keys.size(0),
                            ", 1) for each element from the unit, got ", weights.shape());
        weights = autograd::reshape(weights, {keys.size(0), 1});
        if (softmax_)
            weights = softmax_within(weights, lengths);
        return autograd::segment_sum(weights * keys, lengths);
    }

    /// Of weights (M, 1), laid out as (N, longest) with a last one that weighs nothing in every empty place.
    [[nodiscard]] static Variable<Scalar> softmax_within(const Variable<Scalar>& weights, const Tensor<Index>& lengths) {
        const Index count = weights.size(0), samples = lengths.numel();
        const Index longest = std::max<Index>(1, samples ? *std::max_element(lengths.begin(), lengths.end()) : 0);
        auto from = Tensor<Index>::full({samples, longest}, count);
        std::vector<Index> back;
        for (Index n = 0; n < samples; ++n)
            for (Index i = 0; i < lengths[n]; ++i) {
                from[n * longest + i] = static_cast<Index>(back.size());
                back.push_back(n * longest + i);
            }
        const Variable<Scalar> nothing{Tensor<Scalar>::full({1, 1}, std::numeric_limits<Scalar>::lowest() / 2)};
        const auto table = autograd::reshape(autograd::embedding(autograd::cat({weights, nothing}, 0), from), {samples, longest});
        return autograd::embedding(autograd::reshape(autograd::softmax(table), {samples * longest, 1}), indices(back));
    }

    Layer<Scalar> unit_;
    bool softmax_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
