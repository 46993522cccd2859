// SPDX-License-Identifier: MIT
/// @file Learning rates as functions of time: a schedule is a pure function, the scheduler applies it to an optimizer.
#pragma once

#include <espalier/core/finite.hpp>
#include <espalier/optim/optimizer.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <numbers>
#include <utility>

namespace espalier::inline ESPALIER_ABI::optim {

/// The learning rate at time t, in epochs or batches, of a training that `base` is given for. Any callable will do.
using Schedule = std::function<double(double base, Index t)>;

/// Of a `StepLR`; times in the unit in which the scheduler steps.
struct StepLROptions {
    Index step_size;
    double gamma = 0.1;
};

/// base * gamma^(t / step_size), the quotient rounded down.
class StepLR {
public:
    /// @throws ValueError unless step_size > 0 and gamma >= 0.
    explicit StepLR(const StepLROptions& options) : options_{options} {
        require<ValueError>(options.step_size > 0, "step_lr", "expected a step_size above 0, got ", options.step_size);
        require<ValueError>(options.gamma >= 0 && is_finite(options.gamma), "step_lr", "expected a finite gamma of at least 0, got ",
                            options.gamma);
    }
    [[nodiscard]] double operator()(double base, Index t) const {
        const Index steps = t / options_.step_size;
        return base * std::pow(options_.gamma, static_cast<double>(steps));
    }

private:
    StepLROptions options_;
};

/// base * gamma^t.
class ExponentialLR {
public:
    /// @throws ValueError unless gamma >= 0.
    explicit ExponentialLR(double gamma) : gamma_{gamma} {
        require<ValueError>(gamma >= 0 && is_finite(gamma), "exponential_lr", "expected a finite gamma of at least 0, got ", gamma);
    }
    [[nodiscard]] double operator()(double base, Index t) const { return base * std::pow(gamma_, static_cast<double>(t)); }

private:
    double gamma_;
};

/// Of a `CosineAnnealingLR`; times in the unit in which the scheduler steps.
struct CosineAnnealingLROptions {
    Index t_max;
    double eta_min = 0;
};

/// From base at 0 to eta_min at t_max on half a cosine, and on along the cosine (Loshchilov and Hutter, ICLR 2017).
class CosineAnnealingLR {
public:
    /// @throws ValueError unless t_max > 0 and eta_min >= 0.
    explicit CosineAnnealingLR(const CosineAnnealingLROptions& options) : options_{options} {
        require<ValueError>(options.t_max > 0, "cosine_annealing_lr", "expected a t_max above 0, got ", options.t_max);
        require<ValueError>(options.eta_min >= 0 && is_finite(options.eta_min), "cosine_annealing_lr",
                            "expected a finite eta_min of at least 0, got ", options.eta_min);
    }
    [[nodiscard]] double operator()(double base, Index t) const {
        const double angle = std::numbers::pi * static_cast<double>(t) / static_cast<double>(options_.t_max);
        return options_.eta_min + (base - options_.eta_min) * (1 + std::cos(angle)) / 2;
    }

private:
    CosineAnnealingLROptions options_;
};

/// Of a `LinearWarmup`; times in the unit in which the scheduler steps.
struct LinearWarmupOptions {
    Index steps;
    double start_factor = 1.0 / 3;
};

/// From start_factor * base at 0 in a straight line to base at `steps`; then `next`, which sees its time begin there, or
/// base for ever. As PyTorch's LinearLR, followed by another in a SequentialLR.
class LinearWarmup {
public:
    /// @throws ValueError unless steps > 0 and start_factor is in (0, 1].
    explicit LinearWarmup(const LinearWarmupOptions& options, Schedule next = {}) : options_{options}, next_{std::move(next)} {
        require<ValueError>(options.steps > 0, "linear_warmup", "expected steps above 0, got ", options.steps);
        require<ValueError>(is_finite(options.start_factor) && options.start_factor > 0 && options.start_factor <= 1, "linear_warmup",
                            "expected a start_factor in (0, 1], got ", options.start_factor);
    }
    [[nodiscard]] double operator()(double base, Index t) const {
        if (t >= options_.steps)
            return next_ ? next_(base, t - options_.steps) : base;
        const double way = static_cast<double>(t) / static_cast<double>(options_.steps);
        return base * (options_.start_factor + (1 - options_.start_factor) * way);
    }

private:
    LinearWarmupOptions options_;
    Schedule next_;
};

/// What a scheduler remembers.
struct SchedulerState {
    Tensor<double> base_learning_rates;  ///< (groups,)
    Index time = 0;
};

/// Applies a schedule to an optimizer: to each of its groups, with the learning rate at the start as base. It stays with the
/// optimizer when that is moved; once that is gone, or was replaced by another, it throws a StateError. Two schedulers of one
/// optimizer would only take turns, so it cannot be copied.
/// @code
/// optim::Scheduler scheduler{sgd, optim::LinearWarmup{{.steps = 5}, optim::CosineAnnealingLR{{.t_max = 45}}}};
/// for (int epoch = 0; epoch < 50; ++epoch) { ...; scheduler.step(); }
/// @endcode
template <class Scalar = float>
class Scheduler {
public:
    /// Sets the learning rates of time 0. @throws ValueError for an empty schedule, or one whose value is no learning rate.
    Scheduler(Optimizer<Scalar>& optimizer, Schedule schedule) : schedule_{std::move(schedule)}, state_{optimizer.learning_rates(), 0} {
        require<ValueError>(static_cast<bool>(schedule_), "scheduler", "expected a schedule, got an empty function");
        rates_ = optimizer.rates_.place();
        apply(state_.base_learning_rates, 0);
    }
    Scheduler(const Scheduler&) = delete;
    Scheduler(Scheduler&&) noexcept = default;
    Scheduler& operator=(const Scheduler&) = delete;
    Scheduler& operator=(Scheduler&&) noexcept = default;
    ~Scheduler() = default;

    /// One epoch or batch on. @throws ValueError if the schedule's value is no learning rate, StateError if the optimizer is
    /// gone; nothing is changed then.
    void step() {
        apply(state_.base_learning_rates, state_.time + 1);
        ++state_.time;
    }

    /// The present one of the optimizer's first group. @throws StateError if the optimizer is gone.
    [[nodiscard]] double learning_rate() const { return rates()->values[0]; }
    [[nodiscard]] Index time() const noexcept { return state_.time; }

    [[nodiscard]] const SchedulerState& state_dict() const& noexcept { return state_; }
    [[nodiscard]] SchedulerState state_dict() && { return state_; }
    /// Goes on from there, with the learning rates of that time. @throws ValueError for a time below 0, StateError for another
    /// number of groups, and as `step`.
    void load_state_dict(SchedulerState state) {
        apply(state.base_learning_rates, state.time);
        state_ = std::move(state);
    }

private:
    [[nodiscard]] std::shared_ptr<detail::Rates<Scalar>> rates() const {
        auto rates = rates_.lock();
        require<StateError>(rates != nullptr, "scheduler", "expected an optimizer, got one that is gone");
        return rates;
    }

    void apply(const Tensor<double>& bases, Index time) const {
        const auto target = rates();
        require<ValueError>(time >= 0 && time <= detail::max_steps, "scheduler", "expected a time in [0, ", detail::max_steps, "], got ",
                            time);
        PoolVector<double> values;
        for (const double base : bases)
            values.push_back(schedule_(base, time));
        target->set(values);
    }

    std::weak_ptr<detail::Rates<Scalar>> rates_;
    Schedule schedule_;
    SchedulerState state_;
};

}  // namespace espalier::inline ESPALIER_ABI::optim
