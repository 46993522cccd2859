// SPDX-License-Identifier: MIT
/// @file Any metric as one type, and what a metric of one's own must have.
///
/// Four functions: it takes batches, gives one number and how much that rests on, and starts again.
/// @code
/// /// The share of predictions that are within 10 % of the value.
/// class Within {
/// public:
///     void update(const Tensor<float>& prediction, const losses::Target<float>& target) {
///         for (Index i = 0; i < prediction.numel(); ++i)
///             if (target.counts(i)) {                    // leaves out what is not labelled
///                 within_ += std::abs(prediction[i] - target.values()[i]) <= 0.1F * std::abs(target.values()[i]);
///                 ++count_;
///             }
///     }
///     double value() const { return static_cast<double>(within_) / static_cast<double>(count_); }
///     Index count() const { return count_; }
///     void reset() { within_ = count_ = 0; }
///
/// private:
///     Index within_ = 0;
///     Index count_ = 0;
/// };
/// metrics::PerTask metrics{{"class", metrics::Accuracy{}}, {"price", Within{}}};
/// @endcode
/// A fifth is optional: `void check(prediction, target) const` throws what `update` would throw for them. `PerTask` then need not
/// copy the metric for each batch to be able to leave it as it was, which counts for one that gathers much.
#pragma once

#include <espalier/losses/target.hpp>

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI::metrics {

template <class Scalar>
class Metric;

namespace detail {

template <class M, class Scalar>
concept HasUpdate = requires(M metric, const Tensor<Scalar> prediction, const losses::Target<Scalar> target) {
    metric.update(prediction, target);
};
template <class M>
concept HasValue = requires(const M metric) {
    { metric.value() } -> std::convertible_to<double>;
};
template <class M>
concept HasCount = requires(const M metric) {
    { metric.count() } -> std::convertible_to<Index>;
};
template <class M>
concept HasReset = requires(M metric) { metric.reset(); };
template <class M, class Scalar>
concept HasCheck = requires(const M metric, const Tensor<Scalar> prediction, const losses::Target<Scalar> target) {
    metric.check(prediction, target);
};

}  // namespace detail

/// What a metric can do: it gathers over batches and gives one number. `count()` is how much that number rests on.
template <class M, class Scalar>
concept MetricOf = !std::same_as<std::remove_cvref_t<M>, Metric<Scalar>> && std::copyable<std::remove_cvref_t<M>> &&
                   detail::HasUpdate<std::remove_cvref_t<M>, Scalar> && detail::HasValue<std::remove_cvref_t<M>> &&
                   detail::HasCount<std::remove_cvref_t<M>> && detail::HasReset<std::remove_cvref_t<M>>;

namespace detail {

/// Says in one sentence what is missing.
template <class M, class Scalar>
[[nodiscard]] constexpr bool is_metric() noexcept {
    static_assert(std::copyable<M>, "a metric must be a value that can be copied and assigned");
    static_assert(HasUpdate<M, Scalar>,
                  "a metric needs a function update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) "
                  "of the scalar of the others, float unless said otherwise");
    static_assert(HasValue<M>, "a metric needs a function value() const that gives a number");
    static_assert(HasCount<M>, "a metric needs a function count() const that says how many elements were counted");
    static_assert(HasReset<M>, "a metric needs a function reset()");
    return MetricOf<M, Scalar>;
}

}  // namespace detail

/// Any metric, as a value: copying it copies what it has gathered.
template <class Scalar = float>
class Metric {
public:
    /// Every class is taken here; one that is no metric does not compile, and the error says what it lacks.
    template <class M>
        requires(!std::same_as<std::remove_cvref_t<M>, Metric> && std::is_class_v<std::remove_cvref_t<M>>)
    Metric(M&& metric) {
        if constexpr (detail::is_metric<std::remove_cvref_t<M>, Scalar>())
            held_ = std::make_unique<Holder<std::remove_cvref_t<M>>>(std::forward<M>(metric));
    }
    Metric(const Metric& other) : held_{other.held_->clone()} {}
    Metric(Metric&&) noexcept = default;
    Metric& operator=(Metric other) noexcept {
        held_ = std::move(other.held_);
        return *this;
    }
    ~Metric() = default;

    /// Throws what `update` would throw for these, if the metric has a `check` of its own; false if it has none.
    bool check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const { return held_->check(prediction, target); }
    /// Adds a batch: predictions (N, ...) and what they are compared with.
    void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) { held_->update(prediction, target); }
    /// @throws StateError if nothing has been counted.
    [[nodiscard]] double value() const { return held_->value(); }
    [[nodiscard]] Index count() const { return held_->count(); }
    void reset() { held_->reset(); }

    /// The metric itself, for what it has beside a value: `metric.as<ConfusionMatrix<>>().matrix()`.
    /// @throws StateError if it is of another type.
    template <MetricOf<Scalar> M>
    [[nodiscard]] const M& as() const& {
        require<StateError>(held_->type() == type_of<M>(), "metric", "expected a metric of the type that was asked for, got another");
        return static_cast<const Holder<M>&>(*held_).metric;
    }
    template <MetricOf<Scalar> M>
    [[nodiscard]] M as() && {
        (void)std::as_const(*this).template as<M>();
        return std::move(static_cast<Holder<M>&>(*held_).metric);
    }

private:
    /// One address for each type; typeid would need RTTI.
    template <class M>
    [[nodiscard]] static const void* type_of() noexcept {
        static const char tag = 0;
        return &tag;
    }

    struct Interface {
        virtual ~Interface() = default;
        [[nodiscard]] virtual std::unique_ptr<Interface> clone() const = 0;
        [[nodiscard]] virtual const void* type() const noexcept = 0;
        virtual bool check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const = 0;
        virtual void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) = 0;
        [[nodiscard]] virtual double value() const = 0;
        [[nodiscard]] virtual Index count() const = 0;
        virtual void reset() = 0;
    };

    template <class M>
    struct Holder final : Interface {
        explicit Holder(M given) : metric{std::move(given)} {}
        [[nodiscard]] std::unique_ptr<Interface> clone() const override { return std::make_unique<Holder>(metric); }
        [[nodiscard]] const void* type() const noexcept override { return type_of<M>(); }
        bool check(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) const override {
            if constexpr (detail::HasCheck<M, Scalar>)
                metric.check(prediction, target);
            return detail::HasCheck<M, Scalar>;
        }
        void update(const Tensor<Scalar>& prediction, const losses::Target<Scalar>& target) override { metric.update(prediction, target); }
        [[nodiscard]] double value() const override { return metric.value(); }
        [[nodiscard]] Index count() const override { return metric.count(); }
        void reset() override { metric.reset(); }
        M metric;
    };

    std::unique_ptr<Interface> held_;
};

}  // namespace espalier::inline ESPALIER_ABI::metrics
