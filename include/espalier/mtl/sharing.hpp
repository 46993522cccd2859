// SPDX-License-Identifier: MIT
/// @file What stands between the input and the heads: one trunk for all tasks, or networks that share less.
#pragma once

#include <espalier/nn/children.hpp>
#include <espalier/nn/layer.hpp>

#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// What a sharing gives to the heads: features for all of them, or for each its own, in the order of the heads.
template <class Scalar = float>
using Features = PoolVector<Variable<Scalar>>;

/// A value that holds any sharing: whatever can be copied and makes `Features<Scalar>` of a variable. Its parameters, modes and children
/// are shown by `visit`, as those of a layer are.
template <class Scalar = float>
using Sharing = nn::AnyLayer<Scalar, Features<Scalar>>;

/// So many layers that `make()` gives, each with first values of its own: networks of tasks, experts, gates.
template <class Make>
[[nodiscard]] auto repeat(std::size_t count, Make make) {
    using Made = decltype(make());
    using Scalar = typename Made::value_type;
    std::vector<nn::Layer<Scalar>> result;
    for (std::size_t i = 0; i < count; ++i)
        result.emplace_back(make());
    return result;
}

namespace detail {

/// What each layer makes of the input. A ShapeError says in which: `in expert 2`.
template <class Scalar>
[[nodiscard]] Features<Scalar> apply_each(nn::Children<nn::Layer<Scalar>>& layers, const Variable<Scalar>& input, const char* kind) {
    Features<Scalar> result;
    for (std::size_t i = 0; i < layers.size(); ++i)
        result.push_back(nn::detail::naming_place([&] { return layers[i](input); },
                                                  [&](const ShapeError&) { return concat(kind, ' ', i); }));
    return result;
}

/// The parameters that layers show, in their order. Paths are not noted as names: that is for the whole model to do.
template <class Scalar>
struct CollectHandles final : nn::Visitor<Scalar> {
    explicit CollectHandles(bool with_paths) : nn::Visitor<Scalar>{with_paths} {}
    PoolVector<Variable<Scalar>> handles;
    std::vector<std::string> paths;

    [[nodiscard]] std::string describe(std::size_t i) const {
        return i < handles.size() ? concat(paths[i], ' ', handles[i].shape()) : "nothing";
    }

private:
    void on_parameter(const std::string& path, nn::Parameter<Scalar>& parameter) override {
        handles.push_back(parameter.variable());
        if (!path.empty())
            paths.push_back(path);
    }
};

}  // namespace detail

/// Hard parameter sharing (Caruana, 1997): one layer makes the features of all tasks.
template <class Scalar = float>
class HardSharing : public nn::Module<HardSharing<Scalar>, Scalar> {
public:
    explicit HardSharing(nn::Layer<Scalar> trunk) : trunk_{std::move(trunk)} {}

    /// One variable. @throws what the trunk throws; a ShapeError says that it was there
    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) {
        auto features = nn::detail::naming_place([&] { return trunk_(input); }, [](const ShapeError&) { return "trunk"; });
        features.node()->features = true;  // where a rule that acts on features looks
        return Features<Scalar>(1, std::move(features));
    }

    void visit(nn::Visitor<Scalar>& visitor) { trunk_.visit(visitor); }

    [[nodiscard]] nn::Layer<Scalar>& trunk() noexcept { return trunk_; }

private:
    nn::Layer<Scalar> trunk_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
