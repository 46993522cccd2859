// SPDX-License-Identifier: MIT
/// @file What functions beside the training loop have in common: passes over a net whose parameters they move and put back, and
/// gradients that were made by such passes and go to a criterion's rule.
#pragma once

#include <espalier/autograd/backward.hpp>
#include <espalier/mtl/balancing/solvers/arrays.hpp>
#include <espalier/mtl/multi_task_loss.hpp>
#include <espalier/nn/module.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl::detail {

/// What a net makes of a batch, whose input is one tensor or, as in a `data::Batch`, perhaps several by name.
template <class Net, class Batch>
[[nodiscard]] auto outputs_of(Net&& net, const Batch& batch) {
    if constexpr (requires { batch.inputs.empty() ? net(batch.inputs) : net(batch.input); })
        if (!batch.inputs.empty())
            return net(batch.inputs);
    return net(batch.input);
}

/// The parameters of a net that are trained, side by side.
template <class Scalar>
class ParameterList {
public:
    template <class Net>
    explicit ParameterList(const Net& net) {
        for (const Variable<Scalar>& parameter : net.parameters())
            if (parameter.requires_grad()) {
                firsts_.push_back(numel_);
                numel_ += parameter.numel();
                all_.push_back(parameter);
            }
    }

    [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
    [[nodiscard]] Index numel() const noexcept { return numel_; }
    [[nodiscard]] std::span<const Variable<Scalar>> all() const noexcept { return all_; }
    [[nodiscard]] Variable<Scalar>& operator[](std::size_t i) noexcept { return all_[i]; }
    [[nodiscard]] const Variable<Scalar>& operator[](std::size_t i) const noexcept { return all_[i]; }
    /// Where the elements of parameter i lie in a row of gradients.
    [[nodiscard]] std::span<const Scalar> part(std::size_t i, const Scalar* row) const noexcept {
        return {row + firsts_[i], static_cast<std::size_t>(all_[i].numel())};
    }
    [[nodiscard]] std::span<Scalar> part(std::size_t i, Scalar* row) const noexcept {
        return {row + firsts_[i], static_cast<std::size_t>(all_[i].numel())};
    }

private:
    std::vector<Variable<Scalar>> all_;
    PoolVector<Index> firsts_;
    Index numel_ = 0;
};

/// While one lives, the parameters of a net may be moved from where they were when it was made. When it goes, by an exception too, they
/// are put back bit for bit, and so is what the layers keep beside them, as the running statistics of batch normalisation. Graphs that
/// were recorded before a move refuse to run backward after it.
template <class Scalar>
class MovedParameters {
public:
    template <class Net>
    MovedParameters(Net& net, ParameterList<Scalar>& parameters)
        : parameters_{parameters}, values_{Tensor<Scalar>::empty({parameters.numel()})} {
        for (std::size_t i = 0; i < parameters.size(); ++i)
            std::copy(parameters[i].value().begin(), parameters[i].value().end(), parameters.part(i, values_.data()).begin());
        if constexpr (requires(nn::Visitor<Scalar>& visitor) { net.visit(visitor); })
            for (const auto& [path, entry] : nn::detail::tensors_of<Scalar>(net))
                if (!entry.parameter)
                    buffers_.push_back({entry.tensor, *entry.tensor});
    }
    MovedParameters(const MovedParameters&) = delete;
    MovedParameters& operator=(const MovedParameters&) = delete;
    ~MovedParameters() {
        if (moved_)
            move(nullptr, 0);
        for (auto& [buffer, value] : buffers_)
            std::copy(value.begin(), value.end(), buffer->begin());
    }

    /// Where they were.
    [[nodiscard]] const Scalar* values() const noexcept { return values_.data(); }
    /// To where they were plus `factor` times `direction`, a row of gradients' size.
    void to(const Tensor<Scalar>& direction, double factor) noexcept { move(direction.data(), factor); }

private:
    void move(const Scalar* direction, double factor) noexcept {
        moved_ = true;
        for (std::size_t i = 0; i < parameters_.size(); ++i) {
            const auto from = parameters_.part(i, std::as_const(values_).data());
            auto& value = parameters_[i].mutable_value();
            if (direction)
                std::transform(from.begin(), from.end(), parameters_.part(i, direction).begin(), value.begin(),
                               [factor](Scalar v, Scalar d) { return static_cast<Scalar>(v + factor * d); });
            else
                std::copy(from.begin(), from.end(), value.begin());
        }
    }

    ParameterList<Scalar>& parameters_;
    Tensor<Scalar> values_;
    std::vector<std::pair<Tensor<Scalar>*, Tensor<Scalar>>> buffers_;
    bool moved_ = false;
};

/// Puts the gradients of parameters back to what they were when it was made, unless they are to be kept.
template <class Scalar>
class SavedGradients {
public:
    explicit SavedGradients(ParameterList<Scalar>& parameters) : parameters_{parameters} {
        for (const Variable<Scalar>& parameter : parameters.all())
            gradients_.push_back(parameter.has_grad() ? std::optional{parameter.grad()} : std::nullopt);
    }
    SavedGradients(const SavedGradients&) = delete;
    SavedGradients& operator=(const SavedGradients&) = delete;
    ~SavedGradients() {
        for (std::size_t i = 0; i < gradients_.size(); ++i)
            if (gradients_[i])
                std::copy(gradients_[i]->begin(), gradients_[i]->end(), parameters_[i].mutable_grad().begin());
            else
                parameters_[i].zero_grad();
    }

    /// The gradients stay as they are.
    void keep() noexcept { gradients_.clear(); }

private:
    ParameterList<Scalar>& parameters_;
    std::vector<std::optional<Tensor<Scalar>>> gradients_;
};

/// Which parameters a loss reaches.
template <class Scalar>
[[nodiscard]] PoolVector<char> reached_by(const Variable<Scalar>& loss, const ParameterList<Scalar>& parameters) {
    PoolVector<char> result(parameters.size(), 0);
    autograd::detail::Seeds<Scalar> seed;
    seed.push_back({loss, autograd::detail::Rows::all(1), {}});
    autograd::detail::Traversal<Scalar> graph{"reached_by", seed, autograd::detail::Rows::all(1), false};
    for (std::size_t i = 0; i < parameters.size(); ++i)
        result[i] = graph.slot_of(*parameters[i].node()) != nullptr;
    return result;
}

/// The active tasks of a batch: their losses, and which parameters each of them reaches.
template <class Scalar>
struct ActiveLosses {
    ActiveLosses(const MultiTaskLossValue<Scalar>& value, const ParameterList<Scalar>& parameters) {
        std::size_t task = 0;
        for (const auto& [name, loss] : value.tasks()) {
            if (loss.requires_grad()) {
                tasks.push_back(task);
                losses.push_back(loss.rank() == 0 ? loss : autograd::reshape(loss, {}));
                reached.push_back(reached_by(loss, parameters));
            }
            ++task;
        }
    }

    [[nodiscard]] std::size_t size() const noexcept { return tasks.size(); }
    /// Whether more than one of the tasks reaches a parameter.
    [[nodiscard]] bool shared(std::size_t parameter) const {
        return std::count_if(reached.begin(), reached.end(), [&](const auto& row) { return row[parameter] != 0; }) > 1;
    }

    PoolVector<std::size_t> tasks;  ///< which of all they are, ascending
    PoolVector<Variable<Scalar>> losses;
    PoolVector<PoolVector<char>> reached;
};

/// The losses of a batch that have gradients, and what each weighs: a part of a step of several batches.
template <class Scalar>
struct BatchGradients {
    template <class Net, class Batch>
    BatchGradients(Net& net, const MultiTaskLoss<Scalar>& criterion, const Batch& batch)
        : value{criterion(detail::outputs_of(net, batch), batch.targets)} {
        std::size_t task = 0;
        for (const auto& [name, loss] : value.tasks()) {
            const double weight = criterion.weight(name);
            if (loss.requires_grad() && weight > 0) {
                tasks.push_back(task);
                losses.push_back(loss);
                factors.push_back(weight);
            }
            ++task;
        }
    }

    MultiTaskLossValue<Scalar> value;
    PoolVector<std::size_t> tasks;
    PoolVector<Variable<Scalar>> losses;
    PoolVector<double> factors;
};

/// The gradients of losses, (losses.size(), P); those of the parameters are not touched. The graph is freed.
template <class Scalar>
[[nodiscard]] Tensor<Scalar> gradients_of(std::span<const Variable<Scalar>> losses, const ParameterList<Scalar>& parameters) {
    return autograd::jacobian<Scalar>(losses, parameters.all());
}

/// One task's loss, by the position of the task.
template <class Scalar>
[[nodiscard]] const Variable<Scalar>& loss_of(const MultiTaskLossValue<Scalar>& value, std::size_t task) {
    return (value.tasks().begin() + static_cast<std::ptrdiff_t>(task))->second;
}

template <class Scalar>
[[nodiscard]] double dot(std::span<const Scalar> a, std::span<const Scalar> b) {
    return solvers::dot(a.data(), b.data(), a.size());
}

/// What each task weighs in the criterion.
template <class Scalar>
[[nodiscard]] PoolVector<Scalar> factors_of(const MultiTaskLoss<Scalar>& criterion, const MultiTaskLossValue<Scalar>& value) {
    PoolVector<Scalar> result;
    for (const auto& [task, loss] : value.tasks())
        result.push_back(static_cast<Scalar>(criterion.weight(task)));
    return result;
}

/// The gradient (P,) of the sum of the active tasks' losses, each times `factor(task)`; 0 without one. The graph is freed.
template <class Scalar, class Factor>
[[nodiscard]] Tensor<Scalar> gradient_of_sum(const MultiTaskLossValue<Scalar>& value, const Factor& factor,
                                             const ParameterList<Scalar>& parameters) {
    PoolVector<Variable<Scalar>> terms;
    PoolVector<Scalar> factors;
    std::size_t task = 0;
    for (const auto& [name, loss] : value.tasks()) {
        if (loss.requires_grad()) {
            terms.push_back(loss.rank() == 0 ? loss : autograd::reshape(loss, {}));
            factors.push_back(static_cast<Scalar>(factor(task)));
        }
        ++task;
    }
    if (terms.empty())
        return Tensor<Scalar>{Shape{parameters.numel()}};
    const Variable<Scalar> sum = autograd::weighted_sum<Scalar>(terms, factors);
    return gradients_of<Scalar>({&sum, 1}, parameters).reshape({parameters.numel()});
}

/// The weights that a criterion's rule learns, one for each task.
template <class Scalar>
[[nodiscard]] Variable<Scalar> learned_weights(const char* operation, const MultiTaskLoss<Scalar>& criterion, std::size_t tasks) {
    const auto learned = criterion.parameters();
    require<StateError>(learned.size() == 1 && learned[0].shape() == Shape{static_cast<Index>(tasks)}, operation,
                        "expected a criterion under a rule that learns a weight for each of ", tasks, " tasks, got another");
    return learned[0];
}

/// A loss whose value and gradients are known: a backward pass adds these to those of the parameters that it reaches.
template <class Scalar>
[[nodiscard]] Variable<Scalar> known_loss(Scalar value, const ParameterList<Scalar>& parameters, const PoolVector<char>& reached,
                                          const Scalar* gradients) {
    PoolVector<Variable<Scalar>> inputs;
    PoolVector<Tensor<Scalar>> rows;
    for (std::size_t i = 0; i < parameters.size(); ++i)
        if (reached[i]) {
            inputs.push_back(parameters[i]);
            rows.emplace_back(parameters[i].shape(), parameters.part(i, gradients));
        }
    return autograd::record<Scalar>("known_loss", Tensor<Scalar>::scalar(value), std::span<const Variable<Scalar>>{inputs},
                                    [rows = std::move(rows)](autograd::Gradients<Scalar>& g) {
                                        for (std::size_t i = 0; i < rows.size(); ++i) {
                                            auto all = Tensor<Scalar>::empty(rows[i].shape().prepended(g.rows()));
                                            Scalar* to = all.data();
                                            for (Index t = 0; t < g.rows(); ++t)
                                                to = std::transform(rows[i].begin(), rows[i].end(), to,
                                                                    [times = g.cotangent()[t]](Scalar v) { return times * v; });
                                            g.add(i, std::move(all));
                                        }
                                    });
}

/// The losses of a batch with gradients of their own, row after row those of the active tasks, for a criterion's rule to decide on.
/// @throws ValueError for a gradient that is not finite
template <class Scalar>
[[nodiscard]] MultiTaskLossValue<Scalar> with_gradients(const MultiTaskLoss<Scalar>& criterion, const MultiTaskLossValue<Scalar>& value,
                                                        const ActiveLosses<Scalar>& active, const ParameterList<Scalar>& parameters,
                                                        const Tensor<Scalar>& gradients) {
    std::size_t task = 0;
    std::size_t row = 0;
    return criterion.join(value.tasks().map([&](const std::string& name, const Variable<Scalar>& loss) -> Variable<Scalar> {
        if (row == active.size() || active.tasks[row] != task++)
            return loss.detach();
        const Scalar* const from = gradients.data() + static_cast<Index>(row) * parameters.numel();
        require<ValueError>(std::all_of(from, from + parameters.numel(), [](Scalar v) { return is_finite(v); }), "backward",
                            "expected finite gradients, got others of task '", name, '\'');
        return known_loss(loss.item(), parameters, active.reached[row++], from);
    }));
}

}  // namespace espalier::inline ESPALIER_ABI::mtl::detail
