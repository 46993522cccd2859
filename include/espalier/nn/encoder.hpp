// SPDX-License-Identifier: MIT
/// @file From inputs by name to one variable: what stands in front of a trunk where a sample is more than one tensor.
///
/// @code
/// nn::Concatenated encoder{nn::From{"image", nn::Sequential{nn::Conv2d{1, 8, 3}, nn::ReLU{}, nn::Flatten{}}},
///                          nn::From{"city", nn::Embedding{300, 16}}};
/// mtl::MultiTaskNet net{encoder, trunk, heads};
/// auto outputs = net(batch.inputs);
/// @endcode
#pragma once

#include <espalier/autograd/reshape.hpp>
#include <espalier/data/inputs.hpp>
#include <espalier/nn/children.hpp>
#include <espalier/nn/layer.hpp>
#include <espalier/nn/undo.hpp>

#include <concepts>
#include <span>
#include <string>
#include <utility>

namespace espalier::inline ESPALIER_ABI::nn {

/// Any encoder: what can be copied and makes one variable of `data::Inputs<Scalar>`, a lambda too. It is held, copied and assigned
/// as a layer is. One with parameters shows them in `visit`, where `visitor.input("image")` says what it reads.
template <class Scalar = float>
using Encoder = AnyLayer<Scalar, Variable<Scalar>, data::Inputs<Scalar>>;

namespace detail {

/// The scalar of a layer that has one.
template <class L>
struct OwnScalar {};
template <class L>
    requires requires { typename L::value_type; }
struct OwnScalar<L> {
    using value_type = typename L::value_type;
};

template <class L, class Scalar>
concept ReadsIndices = MapsTo<L, Variable<Scalar>, Tensor<Index>>;
template <class L, class Scalar>
concept ReadsSequences = MapsTo<L, Variable<Scalar>, data::Sequences>;

}  // namespace detail

/// A layer that reads one input by its name: numbers as a variable, indices and sequences as they are if it is called with a
/// `Tensor<Index>`, as an `Embedding` is, or with `data::Sequences`, as an `EmbeddingBag` is. An encoder of the layer's scalar, or of any
/// if it has none; parameters have the paths that they have in the layer.
template <class L>
class From : public detail::OwnScalar<L> {
public:
    From(std::string input, L layer) : input_{std::move(input)}, layer_{std::move(layer)} {}

    /// @throws StateError for an input that is not there or of another kind; what the layer throws, a ShapeError or ValueError, such
    /// as that of an index out of range, names the input
    template <class Scalar>
        requires(LayerOf<L, Scalar> || detail::ReadsIndices<L, Scalar> || detail::ReadsSequences<L, Scalar>)
    [[nodiscard]] Variable<Scalar> operator()(const data::Inputs<Scalar>& inputs) {
        try {
            return detail::naming_place([&] { return apply(inputs); }, [&](const ShapeError&) { return "input '" + input_ + "'"; });
        } catch (ValueError& error) {
            error.append(", in input '" + input_ + "'");
            throw;
        }
    }

    template <class Scalar>
    void visit(Visitor<Scalar>& visitor) {
        visitor.input(input_);
        if constexpr (requires { layer_.visit(visitor); })
            layer_.visit(visitor);
    }

private:
    template <class Scalar>
    [[nodiscard]] Variable<Scalar> apply(const data::Inputs<Scalar>& inputs) {
        if constexpr (detail::ReadsSequences<L, Scalar>)
            if (const auto& input = data::input_of(inputs, input_); input.kind() == data::InputKind::sequences)
                return layer_(input.sequences());
        if constexpr (detail::ReadsIndices<L, Scalar>)
            if (const auto& input = data::input_of(inputs, input_); input.has_indices())
                return layer_(input.indices());
        // Of the kinds that are left the one that it reads, if it is there.
        if constexpr (LayerOf<L, Scalar>)
            return layer_(Variable<Scalar>{data::values_of(inputs, input_)});
        else if constexpr (detail::ReadsIndices<L, Scalar>)
            return layer_(data::indices_of(inputs, input_));
        else
            return layer_(data::sequences_of(inputs, input_));
    }

    std::string input_;
    L layer_;
};

/// What several encoders make, side by side along the last axis. Parameters are named by position: `0.weight`.
///
/// One `Concatenated` alone in the braces of another is a copy of it and no encoder within it.
template <class Scalar = float>
class Concatenated : public Module<Concatenated<Scalar>, Scalar> {
public:
    template <class... Encoders>
        requires(sizeof...(Encoders) > 0 && !(sizeof...(Encoders) == 1 && (std::same_as<Encoders, Concatenated> && ...)) &&
                 (std::constructible_from<Encoder<Scalar>, Encoders> && ...))
    ESPALIER_COLD explicit(false) Concatenated(Encoders... encoders) {
        (encoders_.push_back(std::move(encoders)), ...);
    }

    /// (..., sum of the widths). @throws what an encoder throws, a ShapeError says which; ShapeError for shapes that differ before the
    /// last axis
    [[nodiscard]] Variable<Scalar> operator()(const data::Inputs<Scalar>& inputs) {
        const detail::ForwardScope call;
        PoolVector<Variable<Scalar>> parts;
        for (std::size_t i = 0; i < encoders_.size(); ++i)
            parts.push_back(detail::naming_place([&] { return encoders_[i](inputs); },
                                                 [&](const ShapeError&) { return "encoder " + std::to_string(i); }));
        return autograd::cat(std::span<const Variable<Scalar>>{parts}, -1);
    }

    void visit(Visitor<Scalar>& visitor) { encoders_.visit(visitor); }

private:
    Children<Encoder<Scalar>> encoders_;
};

template <class... Encoders>
    requires(sizeof...(Encoders) > 0)
Concatenated(Encoders...) -> Concatenated<typename detail::ScalarOf<Encoders...>::type>;

namespace detail {

/// The names of the inputs that a model reads, each once, as `'image', 'city'`.
template <class Scalar>
struct CollectInputs final : Visitor<Scalar> {
    Named<bool> names;

private:
    void on_input(const std::string& name) override {
        if (!names.contains(name))
            names.insert(name, true);
    }
};

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::nn
