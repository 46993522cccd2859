// SPDX-License-Identifier: MIT
/// @file F-MTL and SAMO: sharpness-aware steps of several tasks, around whatever rule a criterion has.
#pragma once

#include <espalier/mtl/balancing/side_passes.hpp>
#include <espalier/nn/mode.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace espalier::inline ESPALIER_ABI::mtl {

/// Settings of `sam_backward`.
struct SAMOptions {
    double rho = 0.05;      ///< length of the ascent
    bool adaptive = false;  ///< relative to the size of each parameter: a length of 1 / |theta|
    bool together = false;  ///< let the rule decide once, on the gradients behind the ascent
};

/// Settings of `samo_backward`.
struct SAMOOptions {
    double rho = 0.003;     ///< length of the ascent
    double beta = 0.1;      ///< share of the task's own, estimated direction
    double epsilon = 0.01;  ///< of the differences that it is estimated by
    bool adaptive = false;  ///< as above
};

namespace detail {

inline void check_rho(const char* operation, double rho) {
    require<ValueError>(is_finite(rho) && rho > 0, operation, "expected rho above 0, got ", rho);
}

/// The step of length rho along the gradients of one task, on what it shares and on what is its own each by itself.
template <class Scalar>
[[nodiscard]] Tensor<Scalar> ascent(const ParameterList<Scalar>& parameters, const ActiveLosses<Scalar>& active, std::size_t row,
                                    const Scalar* gradients, double rho, bool adaptive) {
    Tensor<Scalar> result{Shape{parameters.numel()}};
    for (const bool shared : {true, false}) {
        double squared = 0;
        const auto each = [&](const auto& f) {
            for (std::size_t i = 0; i < parameters.size(); ++i)
                if (active.reached[row][i] && active.shared(i) == shared)
                    for (std::size_t k = 0; k < parameters.part(i, gradients).size(); ++k) {
                        const double size = adaptive ? std::abs(static_cast<double>(parameters[i].value()[static_cast<Index>(k)])) : 1;
                        f(i, k, size, static_cast<double>(parameters.part(i, gradients)[k]));
                    }
        };
        each([&](std::size_t, std::size_t, double size, double gradient) { squared += size * gradient * size * gradient; });
        if (squared > 0)
            each([&](std::size_t i, std::size_t k, double size, double gradient) {
                parameters.part(i, result.data())[k] = static_cast<Scalar>(rho / std::sqrt(squared) * size * size * gradient);
            });
    }
    return result;
}

/// (1 - beta) g + beta z on what is shared, z along `noise` or against it, as the loss rises, of g's length in every parameter.
template <class Scalar>
[[nodiscard]] Tensor<Scalar> samo_direction(const ParameterList<Scalar>& parameters, const ActiveLosses<Scalar>& active,
                                            const Tensor<Scalar>& common, const Tensor<Scalar>& noise, double slope, double beta) {
    Tensor<Scalar> result = common;
    for (std::size_t i = 0; i < parameters.size(); ++i)
        if (active.shared(i)) {
            const auto g = parameters.part(i, result.data());
            const auto z = parameters.part(i, noise.data());
            const double length = std::sqrt(dot<Scalar>(z, z));
            const double scale = slope == 0 || length == 0 ? 0 : std::copysign(beta * std::sqrt(dot<Scalar>(g, g)) / length, slope);
            std::transform(g.begin(), g.end(), z.begin(), g.begin(), [&](Scalar a, Scalar b) {
                return static_cast<Scalar>((1 - beta) * static_cast<double>(a) + scale * static_cast<double>(b));
            });
        }
    return result;
}

/// The gradients of each active task behind an ascent of its own.
template <class Net, class Scalar, class Batch>
[[nodiscard]] Tensor<Scalar> gradients_after(const PoolVector<Tensor<Scalar>>& ascents, MovedParameters<Scalar>& moved, Net& net,
                                             const MultiTaskLoss<Scalar>& criterion, const Batch& batch, const ActiveLosses<Scalar>& active,
                                             const ParameterList<Scalar>& parameters) {
    auto result = Tensor<Scalar>::empty({static_cast<Index>(active.size()), parameters.numel()});
    for (std::size_t row = 0; row < active.size(); ++row) {
        moved.to(ascents[row], 1);
        const auto value = criterion(detail::outputs_of(net, batch), batch.targets);
        const auto gradient = gradients_of<Scalar>({&loss_of(value, active.tasks[row]), 1}, parameters);
        std::copy(gradient.begin(), gradient.end(), result.data() + static_cast<Index>(row) * parameters.numel());
    }
    return result;
}

}  // namespace detail

/// A backward pass by F-MTL (Phan et al., "Beyond Losses Reweighting: Empowering Multi-Task Learning via the Generalization Perspective",
/// ICCV 2025, arXiv 2211.13723) instead of `criterion(net(batch.input), batch.targets).backward()`:
/// @code
/// sgd.zero_grad();
/// const auto loss = mtl::sam_backward(net, criterion, batch, {.rho = 0.05});
/// sgd.step();
/// @endcode
/// Each task climbs by itself, by rho g_i / |g_i| on what it shares and on its own head, and has the gradient h_i there. The rule decides
/// on the g_i, then on the differences h_i - g_i (its direction of flatness), and both are added; with `.together`, as for rules that
/// keep a state, it decides on the h_i alone, and so does a rule that sees losses. Heads get h_i. With one task it is SAM
/// (Foret et al., ICLR 2021).
///
/// Cost: a traversal of the trunk for T cotangents, and T passes. Memory: 2 T rows of all parameters. The rule sees the losses of the
/// first pass, which are returned; it does not act on features, but on parameters then. Running statistics move in the first pass
/// only; dropout draws anew in each. Parameters are back where they were, bit for bit, before the rule is asked, or if anything throws;
/// then gradients are as they were, too, while a rule that refuses its second decision has made its first.
/// @throws ValueError for rho, and for gradients that are not finite; what net, criterion and rule throw
template <class Net, class Scalar, class Batch>
MultiTaskLossValue<Scalar> sam_backward(Net& net, const MultiTaskLoss<Scalar>& criterion, const Batch& batch, SAMOptions options = {}) {
    detail::check_rho("sam_backward", options.rho);
    detail::ParameterList<Scalar> parameters{net};
    const auto value = criterion(detail::outputs_of(net, batch), batch.targets);
    const detail::ActiveLosses<Scalar> active{value, parameters};
    if (active.size() == 0) {
        value.backward();  // which may decide on batches that were collected before
        return value;
    }
    const Tensor<Scalar> level = detail::gradients_of<Scalar>(active.losses, parameters);
    Tensor<Scalar> sharp;
    {
        PoolVector<Tensor<Scalar>> ascents;
        for (std::size_t row = 0; row < active.size(); ++row)
            ascents.push_back(detail::ascent(parameters, active, row, level.data() + static_cast<Index>(row) * parameters.numel(),
                                             options.rho, options.adaptive));
        detail::MovedParameters<Scalar> moved{net, parameters};
        sharp = detail::gradients_after(ascents, moved, net, criterion, batch, active, parameters);
    }
    if (options.together || !criterion.balances_gradients()) {
        auto result = detail::with_gradients(criterion, value, active, parameters, sharp);
        result.backward();
        return result;
    }
    std::transform(sharp.begin(), sharp.end(), level.begin(), sharp.begin(), [](Scalar h, Scalar g) { return h - g; });
    auto result = detail::with_gradients(criterion, value, active, parameters, level);
    const auto flatness = detail::with_gradients(criterion, value, active, parameters, sharp);
    detail::SavedGradients<Scalar> saved{parameters};
    result.backward();
    flatness.backward();
    saved.keep();
    return result;
}

/// A backward pass by SAMO (Ban, Subramani and Ji, "SAMO: A Lightweight Sharpness-Aware Approach for Multi-Task Optimization with Joint
/// Global-Local Perturbation", ICCV 2025, arXiv 2507.07883), to be used as `sam_backward`, with a stream of random numbers.
///
/// On what is shared a task climbs along (1 - beta) g + beta z_i: g is the gradient of the mean loss, z_i the task's own, estimated from
/// two passes without a graph as (L_i(theta + epsilon z) - L_i(theta - epsilon z)) z / (2 epsilon) for normal z, and scaled to the
/// length of g parameter by parameter. On its own head it climbs along g. The rule decides on the gradients behind these ascents.
///
/// Cost: a plain backward pass, 2 T forward passes in evaluation mode as in the authors' program, and T passes. Memory: T rows. What else
/// is said of `sam_backward` is so here: losses, features, statistics, exceptions.
/// @throws ValueError for options out of range, and as `sam_backward`
template <class Net, class Scalar, class Batch>
MultiTaskLossValue<Scalar> samo_backward(Net& net, const MultiTaskLoss<Scalar>& criterion, const Batch& batch, Random& random,
                                         SAMOOptions options = {}) {
    detail::check_rho("samo_backward", options.rho);
    require<ValueError>(options.beta >= 0 && options.beta <= 1, "samo_backward", "expected beta in [0, 1], got ", options.beta);
    require<ValueError>(is_finite(options.epsilon) && options.epsilon > 0, "samo_backward", "expected epsilon above 0, got ",
                        options.epsilon);
    detail::ParameterList<Scalar> parameters{net};
    const auto value = criterion(detail::outputs_of(net, batch), batch.targets);
    const detail::ActiveLosses<Scalar> active{value, parameters};
    if (active.size() == 0) {
        value.backward();  // which may decide on batches that were collected before
        return value;
    }
    const PoolVector<Scalar> shares(active.size(), Scalar(1) / static_cast<Scalar>(active.size()));
    const Variable<Scalar> mean = autograd::weighted_sum<Scalar>(active.losses, shares);
    const Tensor<Scalar> common = detail::gradients_of<Scalar>({&mean, 1}, parameters);
    Tensor<Scalar> sharp;
    {
        detail::MovedParameters<Scalar> moved{net, parameters};
        PoolVector<Tensor<Scalar>> ascents;
        for (std::size_t row = 0; row < active.size(); ++row) {
            Tensor<Scalar> noise{Shape{parameters.numel()}};
            for (std::size_t i = 0; i < parameters.size(); ++i)
                if (active.shared(i))
                    for (Scalar& z : parameters.part(i, noise.data()))
                        z = random.normal<Scalar>();
            const auto loss_at = [&](double factor) {
                const NoGrad no_graph;
                const nn::EvalScope evaluation;
                moved.to(noise, factor);
                return static_cast<double>(
                    detail::loss_of(criterion(detail::outputs_of(net, batch), batch.targets), active.tasks[row]).item());
            };
            const double slope = loss_at(options.epsilon) - loss_at(-options.epsilon);
            const Tensor<Scalar> along = detail::samo_direction(parameters, active, common, noise, slope, options.beta);
            moved.to(noise, 0);
            ascents.push_back(detail::ascent(parameters, active, row, along.data(), options.rho, options.adaptive));
        }
        sharp = detail::gradients_after(ascents, moved, net, criterion, batch, active, parameters);
    }
    auto result = detail::with_gradients(criterion, value, active, parameters, sharp);
    result.backward();
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::mtl
