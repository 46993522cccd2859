// SPDX-License-Identifier: MIT
/// @file What all optimizers share: parameters, learning rate, state in one piece of memory, and passes over segments.
#pragma once

#include <espalier/autograd/variable.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/core/named.hpp>

#include <algorithm>
#include <initializer_list>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::optim {

/// All that an optimizer remembers from one step to the next.
template <class Scalar = float>
struct OptimizerState {
    Named<Tensor<Scalar>> moments;  ///< each (P,): the elements of all parameters one after the other
    Tensor<Index> steps;            ///< (parameters,): how often each has been updated
    double learning_rate = 0;
};

/// Base of the optimizers: `zero_grad()`, a backward pass, `step()`.
///
/// A parameter without a gradient is left out of a step, and so are its state and its step count. Moments lie side by
/// side in the order of the parameters; neighbours whose values and gradients lie side by side too, as in the arena of a
/// model, are updated by one pass over memory.
template <class Scalar = float>
class Optimizer {
public:
    virtual ~Optimizer() = default;

    /// Forgets the gradients of all parameters.
    void zero_grad() noexcept {
        for (auto& parameter : parameters_)
            parameter.zero_grad();
    }

    /// Updates every parameter that has a gradient. @throws StateError, before anything is changed, if a parameter or its
    /// gradient no longer has the size that it had.
    void step() {
        segments_.clear();
        Index first = 0;
        for (std::size_t i = 0; i < parameters_.size(); ++i) {
            auto& parameter = parameters_[i];
            const Index size = sizes_[i];
            require<StateError>(parameter.numel() == size && (!parameter.has_grad() || parameter.grad().numel() == size),
                                operation_, "expected ", size, " elements of parameter ", i, " as before, got value ",
                                parameter.shape(), parameter.has_grad() ? " and another gradient" : "");
            if (parameter.has_grad() && size > 0)
                append({first, size, parameter.mutable_value().data(), parameter.grad().data(), steps_[static_cast<Index>(i)]});
            first += size;
        }
        for (const Segment& segment : segments_)
            update(segment);
        for (std::size_t i = 0; i < parameters_.size(); ++i)
            steps_[static_cast<Index>(i)] += parameters_[i].has_grad();
    }

    [[nodiscard]] const std::vector<Variable<Scalar>>& parameters() const noexcept { return parameters_; }
    [[nodiscard]] double learning_rate() const noexcept { return learning_rate_; }
    /// @throws ValueError unless finite and at least 0.
    void set_learning_rate(double learning_rate) {
        require_at_least_0("learning_rate", learning_rate);
        learning_rate_ = learning_rate;
    }

    [[nodiscard]] OptimizerState<Scalar> state() const { return {moments_, steps_, learning_rate_}; }
    /// Goes on from what `state()` gave for the same parameters. @throws StateError, ShapeError or ValueError, and changes
    /// nothing, if it is of another optimizer or of other parameters.
    void load_state(OptimizerState<Scalar> state) {
        require<StateError>(state.moments.size() == moments_.size(), operation_, "expected a state of ", moments_.names(),
                            ", got ", state.moments.names());
        for (const auto& [name, moment] : moments_) {
            require<StateError>(state.moments.contains(name), operation_, "expected a state of ", moments_.names(), ", got ",
                                state.moments.names());
            require<ShapeError>(state.moments.at(name).shape() == moment.shape(), operation_, "expected ", name, " of shape ",
                                moment.shape(), ", got ", state.moments.at(name).shape());
        }
        require<ShapeError>(state.steps.shape() == steps_.shape(), operation_, "expected steps of shape ", steps_.shape(),
                            ", got ", state.steps.shape());
        for (const Index count : state.steps)
            require<ValueError>(count >= 0, operation_, "expected step counts of at least 0, got ", count);
        require_at_least_0("learning_rate", state.learning_rate);
        for (auto& [name, moment] : moments_)
            moment = std::move(state.moments.at(name));
        steps_ = std::move(state.steps);
        learning_rate_ = state.learning_rate;
    }

    /// How many passes over memory the last step made.
    [[nodiscard]] std::size_t passes() const noexcept { return segments_.size(); }

protected:
    /// Parameters [first, first + size) of all, in one piece, each updated `steps` times before.
    struct Segment {
        Index first;
        Index size;
        Scalar* value;
        const Scalar* gradient;
        Index steps;
    };

    /// `operation` is the name in errors; each of `moments` becomes a state of zeros as long as all parameters together.
    /// @throws ValueError for no parameters, one that comes twice or is no leaf with a gradient, or a bad learning rate.
    ESPALIER_COLD Optimizer(const char* operation, std::vector<Variable<Scalar>> parameters, double learning_rate,
              std::initializer_list<const char*> moments)
        : operation_{operation}, parameters_{std::move(parameters)} {
        require<ValueError>(!parameters_.empty(), operation_, "expected at least one parameter, got none");
        set_learning_rate(learning_rate);
        Index total = 0;
        for (std::size_t i = 0; i < parameters_.size(); ++i) {
            const auto& parameter = parameters_[i];
            require<ValueError>(parameter.is_leaf() && parameter.requires_grad(), operation_,
                                "expected parameters that collect a gradient, got at ", i, " the ",
                                parameter.is_leaf() ? "constant" : parameter.operation(), ' ', parameter.shape());
            const auto same = [&](const Variable<Scalar>& other) { return other.node() == parameter.node(); };
            const auto self = parameters_.begin() + static_cast<std::ptrdiff_t>(i);
            require<ValueError>(std::none_of(parameters_.begin(), self, same), operation_,
                                "expected each parameter once, got again at ", i, " that of shape ", parameter.shape());
            sizes_.push_back(parameter.numel());
            total += parameter.numel();
        }
        steps_ = Tensor<Index>{Shape{static_cast<Index>(parameters_.size())}};
        for (const char* name : moments)
            moments_.insert(name, Tensor<Scalar>{Shape{total}});
    }
    Optimizer(const Optimizer&) = default;
    Optimizer(Optimizer&&) noexcept = default;
    Optimizer& operator=(const Optimizer&) = default;
    Optimizer& operator=(Optimizer&&) noexcept = default;

    /// The part of a moment that belongs to a segment.
    [[nodiscard]] Scalar* moment(const char* name, const Segment& segment) { return moments_.at(name).data() + segment.first; }

    void require_at_least_0(const char* name, double value) const {
        require<ValueError>(value >= 0 && is_finite(value), operation_, "expected a finite ", name, " of at least 0, got ",
                            value);
    }

private:
    virtual void update(const Segment& segment) = 0;

    void append(const Segment& next) {
        if (!segments_.empty()) {
            Segment& last = segments_.back();
            if (last.first + last.size == next.first && last.value + last.size == next.value &&
                last.gradient + last.size == next.gradient && last.steps == next.steps) {
                last.size += next.size;
                return;
            }
        }
        segments_.push_back(next);
    }

    const char* operation_;
    std::vector<Variable<Scalar>> parameters_;
    std::vector<Index> sizes_;
    Named<Tensor<Scalar>> moments_;
    Tensor<Index> steps_;
    double learning_rate_ = 0;
    std::vector<Segment> segments_;  // kept from step to step, so that a step allocates nothing
};

}  // namespace espalier::inline ESPALIER_ABI::optim
