// SPDX-License-Identifier: MIT
/// @file Layers one after the other.
#pragma once

#include <espalier/nn/layer.hpp>

#include <concepts>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::nn {

/// Feeds each layer the output of the one before. Parameters are named by position: `0.weight`.
template <class Scalar = float>
class Sequential : public Module<Sequential<Scalar>, Scalar> {
public:
    Sequential() = default;
    template <class... Layers>
        requires(sizeof...(Layers) > 0 && !(sizeof...(Layers) == 1 && (std::same_as<Layers, Sequential> && ...)) &&
                 (LayerOf<Layers, Scalar> && ...))
    explicit(false) Sequential(Layers... layers) {
        layers_.reserve(sizeof...(layers));
        (layers_.emplace_back(std::move(layers)), ...);
    }

    void add(Layer<Scalar> layer) { layers_.push_back(std::move(layer)); }
    [[nodiscard]] std::size_t size() const noexcept { return layers_.size(); }
    [[nodiscard]] auto begin() noexcept { return layers_.begin(); }
    [[nodiscard]] auto end() noexcept { return layers_.end(); }

    /// @throws what a layer throws; a ShapeError says which layer.
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) {
        Variable<Scalar> y = x;
        for (std::size_t i = 0; i < layers_.size(); ++i)
            y = detail::naming_place([&] { return layers_[i](y); }, "layer " + std::to_string(i));
        return y;
    }

    void visit(Visitor<Scalar>& visitor) {
        for (std::size_t i = 0; i < layers_.size(); ++i)
            visitor(std::to_string(i), layers_[i]);
    }

private:
    std::vector<Layer<Scalar>> layers_;
};

template <class... Layers>
    requires(sizeof...(Layers) > 0)
Sequential(Layers...) -> Sequential<typename detail::ScalarOf<Layers...>::type>;

}  // namespace espalier::inline ESPALIER_ABI::nn
