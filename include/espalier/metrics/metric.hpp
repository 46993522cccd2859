// SPDX-License-Identifier: MIT
/// @file Any metric as one type.
#pragma once

#include <espalier/losses/target.hpp>

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::metrics {

template <class Scalar>
class Metric;

/// What a metric can do: it gathers over batches and gives one number. `count()` is how much that number rests on.
template <class M, class Scalar>
concept MetricOf = !std::same_as<std::remove_cvref_t<M>, Metric<Scalar>> && std::copyable<std::remove_cvref_t<M>> &&
                   requires(std::remove_cvref_t<M> metric, const std::remove_cvref_t<M> given, const Tensor<Scalar> prediction,
                            const losses::Target<Scalar> target) {
                       metric.update(prediction, target);
                       { given.value() } -> std::convertible_to<double>;
                       { given.count() } -> std::convertible_to<Index>;
                       metric.reset();
                   };

/// Any metric, as a value: copying it copies what it has gathered.
template <class Scalar = float>
class Metric {
public:
    template <MetricOf<Scalar> M>
    Metric(M&& metric) : held_{std::make_unique<Holder<std::remove_cvref_t<M>>>(std::forward<M>(metric))} {}
    Metric(const Metric& other) : held_{other.held_->clone()} {}
    Metric(Metric&&) noexcept = default;
    Metric& operator=(Metric other) noexcept {
        held_ = std::move(other.held_);
        return *this;
    }
    ~Metric() = default;

    /// Adds a batch: predictions (N, ...) and what they are compared with.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) { held_->update(prediction, target); }
    /// @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const { return held_->value(); }
    [[nodiscard]] Index count() const { return held_->count(); }
    void reset() { held_->reset(); }

private:
    struct Interface {
        virtual ~Interface() = default;
        [[nodiscard]] virtual std::unique_ptr<Interface> clone() const = 0;
        virtual void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) = 0;
        [[nodiscard]] virtual double value() const = 0;
        [[nodiscard]] virtual Index count() const = 0;
        virtual void reset() = 0;
    };

    template <class M>
    struct Holder final : Interface {
        explicit Holder(M given) : metric{std::move(given)} {}
        [[nodiscard]] std::unique_ptr<Interface> clone() const override { return std::make_unique<Holder>(metric); }
        void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) override {
            metric.update(prediction, target);
        }
        [[nodiscard]] double value() const override { return metric.value(); }
        [[nodiscard]] Index count() const override { return metric.count(); }
        void reset() override { metric.reset(); }
        M metric;
    };

    std::unique_ptr<Interface> held_;
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
