// SPDX-License-Identifier: MIT
/// @file Any layer behind one virtual call: how models of run-time structure stay cheap to compile.
#pragma once

#include <espalier/nn/module.hpp>
#include <espalier/nn/ownership.hpp>

#include <atomic>
#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::nn {

/// Anything that can be copied and called with a variable is a layer, a lambda too. If it has parameters, modes or
/// children, it shows them in `visit(Visitor<Scalar>&)`; a lambda cannot, so what it captures must have no parameters.
template <class L, class Scalar>
concept LayerOf = std::copy_constructible<L> && requires(L& layer, const Variable<Scalar>& x) {
    { layer(x) } -> std::same_as<Variable<Scalar>>;
};

/// A value that holds any layer. Copying it copies the layer with its parameters; assigning a layer of the same type moves
/// its values into the parameters that are there. One that was moved from can be assigned to, copied and destroyed, and
/// anything else throws a StateError.
template <class Scalar = float>
class Layer : public Module<Layer<Scalar>, Scalar> {
public:
    template <class L>
        requires(!std::same_as<std::remove_cvref_t<L>, Layer> && LayerOf<std::remove_cvref_t<L>, Scalar>)
    Layer(L&& layer) : held_{std::make_unique<Holder<std::remove_cvref_t<L>>>(std::forward<L>(layer))} {}
    /// @throws StateError for a layer whose copies share parameters with it, as one that holds a `shared_ptr`.
    Layer(const Layer& other) : Module<Layer, Scalar>{}, held_{other.held_ ? other.held_->clone() : nullptr} {
        if (held_)
            require_independent(*other.held_);
    }
    Layer(Layer&&) noexcept = default;
    Layer& operator=(const Layer& other) {
        if (this != &other)
            *this = Layer{other};
        return *this;
    }
    Layer& operator=(Layer&& other) {
        if (this == &other)
            return *this;
        if (held_ && other.held_ && held_->take(*other.held_))
            other.held_.reset();
        else
            held_ = std::move(other.held_);
        return *this;
    }
    ~Layer() = default;

    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) { return held().forward(x); }
    void visit(Visitor<Scalar>& visitor) { held().visit(visitor); }

    /// The held layer if it is an `L`, else null.
    template <class L>
    [[nodiscard]] L* get_if() & noexcept {
        return held_ && held_->type() == type_of<L>() ? &static_cast<Holder<L>&>(*held_).layer : nullptr;
    }

private:
    struct Concept {
        virtual ~Concept() = default;
        virtual Variable<Scalar> forward(const Variable<Scalar>& x) = 0;
        virtual void visit(Visitor<Scalar>& visitor) = 0;
        virtual std::unique_ptr<Concept> clone() const = 0;
        virtual const void* type() const noexcept = 0;
        virtual bool take(Concept& other) = 0;  ///< what the other holds, if it is assignable and of the same type

        /// Once that it shows all parameters it uses; two threads may both do it.
        ESPALIER_COLD void check(const Variable<Scalar>& x, const Variable<Scalar>& y) {
            detail::CollectNodes<Scalar> own;
            visit(own);
            detail::require_shown(x, y, own.nodes);
            checked.store(true, std::memory_order_relaxed);
        }
        std::atomic<bool> checked{false};
    };
    template <class L>
    struct Holder final : Concept {
        template <class From>
        explicit Holder(From&& from) : layer(std::forward<From>(from)) {}
        Variable<Scalar> forward(const Variable<Scalar>& x) override {
            Variable<Scalar> y = layer(x);
            if (!this->checked.load(std::memory_order_relaxed) && y.requires_grad()) [[unlikely]]
                this->check(x, y);
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

namespace detail {

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
