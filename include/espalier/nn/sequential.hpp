// SPDX-License-Identifier: MIT
/// @file Layers one after the other.
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/nn/activation.hpp>
#include <espalier/nn/children.hpp>
#include <espalier/nn/conv2d.hpp>
#include <espalier/nn/layer.hpp>
#include <espalier/nn/linear.hpp>
#include <espalier/nn/normalization.hpp>
#include <espalier/nn/pooling.hpp>
#include <espalier/nn/undo.hpp>

#include <algorithm>
#include <concepts>
#include <string>
#include <string_view>
#include <utility>

namespace espalier::inline ESPALIER_ABI::nn {

/// Feeds each layer the output of the one before. Parameters are named by position: `0.weight`.
///
/// One `Sequential` alone in the braces of another is a copy of it and no layer within it: compilers differ in what else they
/// could make of it. `add()` nests one, `0.0.weight`.
template <class Scalar = float>
class Sequential : public Module<Sequential<Scalar>, Scalar> {
public:
    Sequential() = default;
    template <class... Layers>
        requires(sizeof...(Layers) > 0 && !(sizeof...(Layers) == 1 && (std::same_as<Layers, Sequential> && ...)) &&
                 (LayerOf<Layers, Scalar> && ...))
    ESPALIER_COLD explicit(false) Sequential(Layers... layers) {
        (add(std::move(layers)), ...);
    }
    void add(Layer<Scalar> layer) { layers_.push_back(std::move(layer)); }
    [[nodiscard]] std::size_t size() const noexcept { return layers_.size(); }
    [[nodiscard]] auto begin() noexcept { return layers_.begin(); }
    [[nodiscard]] auto end() noexcept { return layers_.end(); }

    /// A convolution, the ReLU after it and a 2x2 max pooling before or after that run as one, as do a Linear and its ReLU and a BatchNorm
    /// and its ReLU; the bits are the same.
    /// @throws what a layer throws; a ShapeError says which layer.
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) { return run(x, 0, layers_.size()); }

    /// The layers from `first` to before `last` alone. @throws as all of them
    [[nodiscard]] Variable<Scalar> run(const Variable<Scalar>& x, std::size_t first, std::size_t last) {
        const detail::ForwardScope call;
        Variable<Scalar> y = x;
        for (std::size_t i = first; i < last;) {
            const Joined joined = joined_at(i, last);
            y = detail::naming_place(
                [&] {
                    return joined.convolution ? joined.convolution->with_relu(y, joined.pool != 0)
                           : joined.linear    ? joined.linear->with_relu(y)
                           : joined.norm      ? joined.norm->with_relu(y)
                                              : layers_[i](y);
                },
                [&](const ShapeError& error) {
                    return "layer " + std::to_string(i + (error.operation() == std::string_view{"max_pool2d"} ? joined.pool : 0));
                });
            i += joined.layers;
        }
        return y;
    }

    /// `relu` of what the layers give plus `summand`, with the same bits; in one pass with the last layer, if that is a BatchNorm.
    /// @throws what a layer throws; ShapeError
    [[nodiscard]] Variable<Scalar> with_sum_and_relu(const Variable<Scalar>& x, const Variable<Scalar>& summand) {
        const std::size_t last = std::max<std::size_t>(layers_.size(), 1) - 1;
        auto* const norm = layers_.empty() ? nullptr : layers_[last].template get_if<BatchNorm<Scalar>>();
        if (!norm)
            return autograd::relu((*this)(x) + summand);
        const detail::ForwardScope call;
        const Variable<Scalar> y = run(x, 0, last);
        if (y.shape() != summand.shape())
            return autograd::relu(run(y, last, layers_.size()) + summand);
        return detail::naming_place([&] { return norm->with_sum_and_relu(y, summand); },
                                    [&](const ShapeError&) { return "layer " + std::to_string(last); });
    }

    void visit(Visitor<Scalar>& visitor) { layers_.visit(visitor); }

private:
    /// Layers that run as one: how many, and which of them pools, 0 for none.
    struct Joined {
        std::size_t layers = 1;
        Linear<Scalar>* linear = nullptr;
        BatchNorm<Scalar>* norm = nullptr;
        Conv2d<Scalar>* convolution = nullptr;
        std::size_t pool = 0;
    };

    [[nodiscard]] Joined joined_at(std::size_t i, std::size_t last) noexcept {
        const auto is_relu = [&](std::size_t k) { return k < last && layers_[k].template get_if<ReLU>(); };
        if (auto* const linear = layers_[i].template get_if<Linear<Scalar>>(); linear && is_relu(i + 1))
            return {.layers = 2, .linear = linear};
        if (auto* const norm = layers_[i].template get_if<BatchNorm<Scalar>>(); norm && is_relu(i + 1))
            return {.layers = 2, .norm = norm};
        if constexpr (kernels::has_tiled_conv2d<Scalar>) {
            const auto is_pool = [&](std::size_t k) {
                const auto* const pool = k < last ? layers_[k].template get_if<MaxPool2d>() : nullptr;
                return pool && pool->halves();
            };
            if (auto* const convolution = layers_[i].template get_if<Conv2d<Scalar>>()) {
                if (is_relu(i + 1) && is_pool(i + 2))
                    return {.layers = 3, .convolution = convolution, .pool = 2};
                if (is_relu(i + 1))
                    return {.layers = 2, .convolution = convolution};
                if (is_pool(i + 1) && is_relu(i + 2))  // the largest of what is not negative is the same
                    return {.layers = 3, .convolution = convolution, .pool = 1};
            }
        }
        return {};
    }

    Children<Layer<Scalar>> layers_;
};

template <class... Layers>
    requires(sizeof...(Layers) > 0)
Sequential(Layers...) -> Sequential<typename detail::ScalarOf<Layers...>::type>;

}  // namespace espalier::inline ESPALIER_ABI::nn
