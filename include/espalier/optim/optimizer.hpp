// SPDX-License-Identifier: MIT
/// @file What all optimizers share: parameters in groups, learning rates, state in one piece of memory, and passes over segments.
#pragma once

#include <espalier/core/named.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/prefetch.hpp>
#include <espalier/optim/distinct.hpp>
#include <espalier/optim/layout.hpp>
#include <espalier/optim/learning_rates.hpp>
#include <espalier/optim/parameter_group.hpp>

#include <concepts>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::optim {

template <class Scalar>
class Scheduler;

/// All that an optimizer remembers from one step to the next.
template <class Scalar = float>
struct OptimizerState {
    Named<Tensor<Scalar>> moments;  ///< each (P,): the elements of all parameters one after the other
    Tensor<Index> steps;            ///< (parameters,): how often each has been updated
    Tensor<double> learning_rates;  ///< (groups,)
};

namespace detail {

/// Whether an optimizer may be given it: a leaf that collects a gradient, or a frozen parameter, which may be thawed later.
template <class Scalar>
[[nodiscard]] bool is_parameter(const Variable<Scalar>& variable) noexcept {
    return variable.node() && variable.is_leaf() && (variable.requires_grad() || variable.node()->parameter);
}

}  // namespace detail

/// Base of the optimizers: `zero_grad()`, a backward pass, `step()`.
///
/// A parameter without a gradient, or one that requires none at the time, is left out of a step, and so are its state and its
/// step count. Values, gradients and moments lie side by side in the order of the parameters, so that a step is one pass over
/// memory: an optimizer moves the values there when it is made. Handles to them stay valid, pointers to elements do not. Memory
/// that others see too, as by `Tensor::alias`, stays where it is and gets a pass of its own.
///
/// A copy trains the same parameters, with a state of its own. One that was moved from can be assigned to, copied and
/// destroyed, and `zero_grad` does nothing; anything else throws a StateError.
template <class Scalar = float>
class Optimizer {
public:
    virtual ~Optimizer() = default;

    /// Forgets the gradients of all parameters.
    void zero_grad() noexcept {
        for (auto& parameter : parameters_)
            parameter.zero_grad();
    }

    /// Updates every parameter that has and requires a gradient. @throws StateError, before anything is changed, if a parameter
    /// or its gradient no longer has the shape that it had, or the layer of a parameter is gone.
    void step() {
        const auto& each_rate = rates().values;
        for (std::size_t i = 0; i < parameters_.size(); ++i)
            require_unchanged(i);
        segments_.clear();
        segments_.reserve(parameters_.size());  // so that no later step allocates
        Index first = 0;
        for (std::size_t i = 0; i < parameters_.size(); ++i) {
            auto& parameter = parameters_[i];
            const Index size = parameter.numel();
            if (takes_part(parameter)) {
                Index& steps = steps_[static_cast<Index>(i)];
                const Tensor<Index>* const rows = parameter.has_sparse_grad() ? &parameter.sparse_grad().rows : nullptr;
                if (size > 0)
                    append({first, size, parameter.mutable_value().data(), parameter.node()->gradient_elements().data(), steps,
                            each_rate[origins_[i].group], weight_decays_[origins_[i].group], rows,
                            rows ? parameter.shape().product(1, parameter.rank()) : 0});
                ++steps;
            }
            first += size;
        }
        for (const Segment& segment : segments_)
            update(segment);
    }

    /// Those of all groups, one group after the other.
    [[nodiscard]] const std::vector<Variable<Scalar>>& parameters() const& noexcept { return parameters_; }
    [[nodiscard]] std::vector<Variable<Scalar>> parameters() && { return parameters_; }

    /// How many groups of parameters there are; 1 if none were named.
    [[nodiscard]] Index group_count() const { return static_cast<Index>(rates().values.size()); }
    /// The present learning rate of a group. @throws ValueError for a group that is not there.
    [[nodiscard]] double learning_rate(std::integral auto group) const { return rates().values[position(group)]; }
    /// That of the first group.
    [[nodiscard]] double learning_rate() const { return learning_rate(0); }
    /// Those of all groups, (groups,).
    [[nodiscard]] Tensor<double> learning_rates() const {
        return Tensor<double>{Shape{group_count()}, std::span<const double>{rates().values}};
    }
    /// Sets that of one group. @throws ValueError for a group that is not there, or a rate that is not finite and at least 0.
    void set_learning_rate(double learning_rate, std::integral auto group) {
        const std::size_t i = position(group);
        detail::require_at_least_0<Scalar>(operation_, "learning_rate", learning_rate);
        rates().values[i] = learning_rate;
    }
    /// Sets that of all groups. @throws ValueError unless finite and at least 0.
    void set_learning_rate(double learning_rate) {
        detail::require_at_least_0<Scalar>(operation_, "learning_rate", learning_rate);
        for (double& rate : rates().values)
            rate = learning_rate;
    }

    [[nodiscard]] OptimizerState<Scalar> state_dict() const { return {moments_, steps_, learning_rates()}; }
    /// Goes on from what `state_dict()` gave for the same parameters in the same groups. @throws StateError, ShapeError or
    /// ValueError, and changes nothing, if it is of another optimizer or of other parameters.
    void load_state_dict(OptimizerState<Scalar> state) {
        auto& present = rates();
        require<StateError>(state.moments.size() == moments_.size(), operation_, "expected a state of ", moments_.names(), ", got ",
                            state.moments.names());
        for (const auto& [name, moment] : moments_) {
            require<StateError>(state.moments.contains(name), operation_, "expected a state of ", moments_.names(), ", got ",
                                state.moments.names());
            require<ShapeError>(state.moments.at(name).shape() == moment.shape(), operation_, "expected ", name, " of shape ",
                                moment.shape(), ", got ", state.moments.at(name).shape());
        }
        require<ShapeError>(state.steps.shape() == steps_.shape(), operation_, "expected steps of shape ", steps_.shape(), ", got ",
                            state.steps.shape());
        for (const Index count : state.steps)
            require<ValueError>(count >= 0 && count <= detail::max_steps, operation_, "expected step counts in [0, ", detail::max_steps,
                                "], got ", count);
        require<ShapeError>(state.learning_rates.shape() == Shape{group_count()}, operation_, "expected learning_rates of shape ",
                            Shape{group_count()}, ", got ", state.learning_rates.shape());
        present.set(state.learning_rates.span());
        for (auto& [name, moment] : moments_)
            moment = std::move(state.moments.at(name));
        steps_ = std::move(state.steps);
    }

    /// How many passes over memory the last step made.
    [[nodiscard]] std::size_t passes() const noexcept { return segments_.size(); }

protected:
    /// Elements [first, first + size) of all, in one piece and with the same factors, each updated `steps` times before. Those of some
    /// rows alone, if there is a list of them: the gradient then has one row for each.
    struct Segment {
        Index first;
        Index size;
        Scalar* value;
        const Scalar* gradient;
        Index steps;
        double learning_rate;
        double weight_decay;
        const Tensor<Index>* rows;
        Index width;  ///< of a row
    };

    using Groups = std::vector<ParameterGroup<Scalar>>;

    /// `operation` is the name in errors; groups without a learning rate or weight decay get those given here; each of `moments`
    /// becomes a state of zeros as long as all parameters together. Nothing has moved in memory if it throws.
    /// @throws ValueError for no parameters, one that comes twice or is no leaf, or a bad learning rate or weight decay.
    ESPALIER_COLD Optimizer(const char* operation, Groups groups, double learning_rate, double weight_decay,
                            std::initializer_list<const char*> moments)
        : operation_{operation}, rates_{{operation, PoolVector<double>(groups.size(), learning_rate)}} {
        detail::require_at_least_0<Scalar>(operation, "learning_rate", learning_rate);
        detail::require_at_least_0<Scalar>(operation, "weight_decay", weight_decay);
        PoolVector<double> learning_rates;
        Index total = 0;
        for (std::size_t k = 0; k < groups.size(); ++k) {
            learning_rates.push_back(groups[k].learning_rate.value_or(learning_rate));
            weight_decays_.push_back(groups[k].weight_decay.value_or(weight_decay));
            detail::require_at_least_0<Scalar>(operation, "weight_decay", weight_decays_[k], ", in group ", k);
            for (std::size_t i = 0; i < groups[k].parameters.size(); ++i) {
                Variable<Scalar>& parameter = groups[k].parameters[i];
                origins_.push_back({k, i, {}});
                if (!detail::is_parameter(parameter))
                    fail<ValueError>(operation, "expected parameters, got at ", place(parameters_.size(), groups.size()), " the ",
                                     described(parameter));
                origins_.back().shape = parameter.shape();
                total += parameter.numel();
                parameters_.push_back(std::move(parameter));
            }
        }
        require<ValueError>(!parameters_.empty(), operation, "expected at least one parameter, got none");
        rates().set(learning_rates);
        const auto firsts = detail::first_positions<Scalar>(parameters_);
        for (std::size_t i = 0; i < parameters_.size(); ++i)
            if (firsts[i] != i)
                fail<ValueError>(operation, "expected each parameter once, got that of shape ", parameters_[i].shape(), " at ",
                                 place(firsts[i], groups.size()), " and at ", place(i, groups.size()));
        steps_ = Tensor<Index>{Shape{static_cast<Index>(parameters_.size())}};
        for (const char* name : moments)
            moments_.insert(name, Tensor<Scalar>{Shape{total}});
        detail::lay_out<Scalar>(parameters_);
    }
    Optimizer(const Optimizer&) = default;
    Optimizer(Optimizer&&) noexcept = default;
    Optimizer& operator=(const Optimizer&) = default;
    Optimizer& operator=(Optimizer&&) noexcept = default;

    [[nodiscard]] static Groups one_group(std::vector<Variable<Scalar>> parameters) {
        Groups groups(1);
        groups[0].parameters = std::move(parameters);
        return groups;
    }

    /// (P,)
    [[nodiscard]] Tensor<Scalar>& moment(const char* name) { return moments_.at(name); }

    /// `body(first, size, gradient, value)` for a segment, or for each row of its list.
    template <class Body>
    void for_each_piece(const Segment& segment, const Body& body) const {
        if (!segment.rows)
            return body(segment.first, segment.size, segment.gradient, segment.value);
        const Tensor<Index>& rows = *segment.rows;
        const Index width = segment.width;
        parallel_for(rows.numel(), kernels::row_grain(width), [&](Index begin, Index end) {
            for (Index i = begin; i < end; ++i) {
                if (i + kernels::rows_ahead < end)
                    prefetch(segment, rows[i + kernels::rows_ahead] * width);
                body(segment.first + rows[i] * width, width, segment.gradient + i * width, segment.value + rows[i] * width);
            }
        });
    }

private:
    friend class Scheduler<Scalar>;

    /// A row of a segment's parameter and of its moments, which begins `start` elements behind the segment's first.
    ESPALIER_INLINE void prefetch(const Segment& segment, Index start) const noexcept {
        kernels::prefetch_row(segment.value + start, segment.width);
        for (const auto& [name, moment] : moments_)
            kernels::prefetch_row(moment.data() + segment.first + start, segment.width);
    }

    /// Where a parameter stood in the groups, and the shape that it had.
    struct Origin {
        std::size_t group;
        std::size_t position;
        Shape shape;
    };

    virtual void update(const Segment& segment) = 0;

    [[nodiscard]] static bool takes_part(const Variable<Scalar>& parameter) noexcept {
        return parameter.has_grad() && parameter.requires_grad();
    }

    void require_unchanged(std::size_t i) const {
        const auto& parameter = parameters_[i];
        const Shape& shape = origins_[i].shape;
        if (parameter.node()->orphaned)
            fail<StateError>(operation_, "expected parameters of layers that live, got ", parameter.node()->description(),
                             ", whose layer was replaced or destroyed: make an optimizer of the parameters that there are now");
        require<StateError>(parameter.shape() == shape, operation_, "expected parameter ", i, " of shape ", shape, " as before, got ",
                            parameter.shape());
        require<StateError>(!parameter.has_grad() || parameter.has_sparse_grad() || parameter.grad().shape() == shape, operation_,
                            "expected a gradient of shape ", shape, " for parameter ", i, ", got another");
    }

    [[nodiscard]] detail::Rates<Scalar>& rates() const {
        require<StateError>(rates_.place() != nullptr, operation_, "expected an optimizer, got one that was moved from");
        return *rates_.place();
    }

    [[nodiscard]] std::size_t position(std::integral auto group) const {
        const std::size_t count = rates().values.size();
        require<ValueError>(std::cmp_greater_equal(group, 0) && std::cmp_less(group, count), operation_, "expected a group in [0, ", count,
                            "), got ", group);
        return static_cast<std::size_t>(group);
    }

    [[nodiscard]] std::string place(std::size_t i, std::size_t groups) const {
        const Origin& origin = origins_[i];
        return groups == 1 ? concat(origin.position) : concat(origin.position, " of group ", origin.group);
    }
    [[nodiscard]] static std::string described(const Variable<Scalar>& variable) {
        if (!variable.node())
            return "variable that was moved from";
        return concat(variable.is_leaf() ? "constant" : variable.operation(), ' ', variable.shape());
    }

    void append(const Segment& next) {
        if (!segments_.empty() && !next.rows && !segments_.back().rows) {
            Segment& last = segments_.back();
            if (last.first + last.size == next.first && last.value + last.size == next.value &&
                last.gradient + last.size == next.gradient && last.steps == next.steps && last.learning_rate == next.learning_rate &&
                last.weight_decay == next.weight_decay) {
                last.size += next.size;
                return;
            }
        }
        segments_.push_back(next);
    }

    const char* operation_;
    std::vector<Variable<Scalar>> parameters_;
    std::vector<Origin> origins_;
    std::vector<double> weight_decays_;  // one for each group
    detail::RatesOwner<Scalar> rates_;
    Named<Tensor<Scalar>> moments_;
    Tensor<Index> steps_;
    std::vector<Segment> segments_;  // kept from step to step, so that a step allocates nothing
};

}  // namespace espalier::inline ESPALIER_ABI::optim
