// SPDX-License-Identifier: MIT
/// @file Any layer behind one virtual call: how models of run-time structure stay cheap to compile.
#pragma once

#include <espalier/nn/module.hpp>
#include <espalier/nn/ownership.hpp>

#include <atomic>
#include <concepts>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::nn {

namespace detail {

template <class L, class Output, class Input>
concept MapsTo = requires(L& layer, const Input& x) {
    { layer(x) } -> std::same_as<Output>;
};

}  // namespace detail

/// Anything that can be copied and called with a variable is a layer, a lambda too. If it has parameters, modes or
/// children, it shows them in `visit(Visitor<Scalar>&)`; a lambda cannot, so what it captures must have no parameters.
template <class L, class Scalar, class Output = Variable<Scalar>>
concept LayerOf = std::copy_constructible<L> && detail::MapsTo<L, Output, Variable<Scalar>>;

namespace detail {

/// What a layer gives, one variable or several.
template <class Scalar>
[[nodiscard]] std::span<const Variable<Scalar>> outputs_of(const Variable<Scalar>& output) noexcept {
    return {&output, 1};
}
template <class Scalar>
[[nodiscard]] std::span<const Variable<Scalar>> outputs_of(const PoolVector<Variable<Scalar>>& outputs) noexcept {
    return outputs;
}

}  // namespace detail

/// A value that holds anything that makes an `Output` of an `Input`, a variable or tensors by name. Copying it copies what it holds with
/// its parameters; assigning one of the same type moves its values into the parameters that are there. One that was moved from can be
/// assigned to, copied and destroyed, and anything else throws a StateError.
template <class Scalar, class Output, class Input = Variable<Scalar>>
class AnyLayer : public Module<AnyLayer<Scalar, Output, Input>, Scalar> {
public:
    template <class L>
        requires(!std::same_as<std::remove_cvref_t<L>, AnyLayer> && detail::MapsTo<std::remove_cvref_t<L>, Output, Input>)
    AnyLayer(L&& layer) : held_{std::make_unique<Holder<std::remove_cvref_t<L>>>(std::forward<L>(layer))} {
        // No constraint: whether a class can be copied may depend on this constructor, if it has one that takes a layer.
        static_assert(std::copy_constructible<std::remove_cvref_t<L>>, "a layer is a value: it can be copied");
    }
    /// @throws StateError for a layer whose copies share parameters with it, as one that holds a `shared_ptr`.
    AnyLayer(const AnyLayer& other) : Module<AnyLayer, Scalar>{}, held_{other.held_ ? other.held_->clone() : nullptr} {
        if (held_)
            require_independent(*other.held_);
    }
    AnyLayer(AnyLayer&&) noexcept = default;
    AnyLayer& operator=(const AnyLayer& other) {
        if (this != &other)
            *this = AnyLayer{other};
        return *this;
    }
    AnyLayer& operator=(AnyLayer&& other) {
        if (this == &other)
            return *this;
        if (held_ && other.held_ && held_->take(*other.held_))
            other.held_.reset();
        else
            held_ = std::move(other.held_);
        return *this;
    }
    ~AnyLayer() = default;

    [[nodiscard]] Output operator()(const Input& x) { return held().forward(x); }
    void visit(Visitor<Scalar>& visitor) {
        if constexpr (std::same_as<Output, Variable<Scalar>> && std::same_as<Input, Variable<Scalar>>)
            visitor.layer(*this);
        held().visit(visitor);
    }

    /// The held layer if it is an `L`, else null.
    template <class L>
    [[nodiscard]] L* get_if() & noexcept {
        return held_ && held_->type() == type_of<L>() ? &static_cast<Holder<L>&>(*held_).layer : nullptr;
    }

private:
    struct Concept {
        virtual ~Concept() = default;
        virtual Output forward(const Input& x) = 0;
        virtual void visit(Visitor<Scalar>& visitor) = 0;
        virtual std::unique_ptr<Concept> clone() const = 0;
        virtual const void* type() const noexcept = 0;
        virtual bool take(Concept& other) = 0;  ///< what the other holds, if it is assignable and of the same type

        /// Once that it shows all parameters it uses; two threads may both do it.
        void check(const Input& x, std::span<const Variable<Scalar>> outputs) {
            for (const Variable<Scalar>& y : outputs)
                if (y.requires_grad())
                    return check_recorded(x, outputs);
        }
        ESPALIER_COLD void check_recorded(const Input& x, std::span<const Variable<Scalar>> outputs) {
            detail::CollectNodes<Scalar> own;
            visit(own);
            const autograd::detail::Node<Scalar>* from = nullptr;
            if constexpr (std::same_as<Input, Variable<Scalar>>)
                from = x.node().get();
            for (const Variable<Scalar>& y : outputs)
                detail::require_shown(from, y, own.nodes);
            checked.store(true, std::memory_order_relaxed);
        }
        std::atomic<bool> checked{false};
    };
    template <class L>
    struct Holder final : Concept {
        template <class From>
        explicit Holder(From&& from) : layer(std::forward<From>(from)) {}
        Output forward(const Input& x) override {
            Output y = layer(x);
            if (!this->checked.load(std::memory_order_relaxed)) [[unlikely]]
                this->check(x, detail::outputs_of(y));
            return y;
        }
        void visit([[maybe_unused]] Visitor<Scalar>& visitor) override {
            if constexpr (requires { layer.visit(visitor); })
                layer.visit(visitor);
        }
        std::unique_ptr<Concept> clone() const override { return std::make_unique<Holder>(layer); }
        const void* type() const noexcept override { return type_of<L>(); }
        bool take([[maybe_unused]] Concept& other) override {
            if constexpr (std::is_move_assignable_v<L>) {
                if (other.type() == type()) {
                    layer = std::move(static_cast<Holder&>(other).layer);
                    return true;
                }
            }
            return false;
        }
        L layer;
    };

    /// An address for each type: works without run-time type information.
    template <class L>
    [[nodiscard]] static const void* type_of() noexcept {
        static char here;
        return &here;
    }

    [[nodiscard]] Concept& held() const {
        require<StateError>(held_ != nullptr, "layer", "expected a layer, got one that was moved from");
        return *held_;
    }

    ESPALIER_COLD void require_independent(Concept& original) const {
        detail::CollectNodes<Scalar> originals;
        original.visit(originals);
        detail::CollectNodes<Scalar> copies{originals.nodes};
        held_->visit(copies);
        require<StateError>(copies.common.empty(), "layer", "expected a copy with parameters of its own, got ", copies.common,
                            " shared with the original: hold layers and parameters by value");
    }

    std::unique_ptr<Concept> held_;
};

/// Any layer.
template <class Scalar = float>
using Layer = AnyLayer<Scalar, Variable<Scalar>>;

namespace detail {

/// The layers that a model holds as `nn::Layer`, each before those within it: for who puts others in their places.
template <class Scalar>
struct CollectLayers final : Visitor<Scalar> {
    CollectLayers() : Visitor<Scalar>{false} {}
    std::vector<Layer<Scalar>*> layers;

private:
    void on_layer(Layer<Scalar>& layer) override { layers.push_back(&layer); }
};

/// The scalar of the first type that names one, float if none does: `Sequential{Flatten{}, Linear<double>{...}}`.
template <class... Layers>
struct ScalarOf {
    using type = float;
};
template <class First, class... Rest>
struct ScalarOf<First, Rest...> : ScalarOf<Rest...> {};
template <class First, class... Rest>
    requires requires { typename First::value_type; }
struct ScalarOf<First, Rest...> {
    using type = typename First::value_type;
};

/// Calls `run()`; a shape error of it comes out with `, in <place(error)>` at its end.
template <class Run, class Place>
decltype(auto) naming_place(const Run& run, const Place& place) {
    try {
        return run();
    } catch (ShapeError& error) {
        error.append(concat(", in ", place(error)));
        throw;
    }
}

}  // namespace detail
}  // namespace espalier::inline ESPALIER_ABI::nn
