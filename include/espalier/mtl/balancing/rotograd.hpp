// SPDX-License-Identifier: MIT
/// @file RotoGrad: each task sees the features turned so that the tasks' gradients on them agree, and scaled so that none lags behind.
#pragma once

#include <espalier/autograd/matmul.hpp>
#include <espalier/mtl/balancing/side_passes.hpp>
#include <espalier/mtl/balancing/state.hpp>
#include <espalier/mtl/multi_task_net.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {
namespace detail {

/// (I + K / 2)^-1 for the skew matrix K = W - W^T. Elimination needs no pivots: whatever is left of the matrix has the symmetric part of
/// a matrix that is at least I.
template <class Scalar>
[[nodiscard]] Matrix cayley_inverse(const Tensor<Scalar>& w) {
    const auto n = static_cast<std::size_t>(w.size(0));
    Matrix left{n, n};
    Matrix right{n, n};
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
            const auto r = static_cast<Index>(i * n + j);
            const auto s = static_cast<Index>(j * n + i);
            left(i, j) = (static_cast<double>(w[r]) - static_cast<double>(w[s])) / 2 + (i == j ? 1 : 0);
        }
        right(i, i) = 1;
    }
    auto l = left.map();
    auto r = right.map();
    for (Eigen::Index k = 0; k < l.rows(); ++k) {
        const double pivot = l(k, k);
        l.row(k) /= pivot;
        r.row(k) /= pivot;
        for (Eigen::Index i = 0; i < l.rows(); ++i)
            if (const double factor = l(i, k); i != k && factor != 0) {
                l.row(i) -= factor * l.row(k);
                r.row(i) -= factor * r.row(k);
            }
    }
    return right;
}

}  // namespace detail

/// Turns the last axis of the features, (..., d), by an orthogonal matrix R, the Cayley transform (I + K/2)^-1 (I - K/2) of K = W - W^T;
/// at first R = I. It stands first in each head: `nn::Sequential{mtl::Rotation{64}, nn::Linear{64, 10}}`. A backward pass of the losses
/// finds no gradient of W, its only parameter `rotation` (d, d): `rotograd_backward` does. Cost: d^3 a call, beside the product.
template <class Scalar = float>
class Rotation : public nn::Module<Rotation<Scalar>, Scalar> {
public:
    /// @throws ValueError unless there is a feature
    explicit Rotation(Index features) {
        require<ValueError>(features > 0, "Rotation", "expected at least one feature, got ", features);
        rotation_ = nn::Parameter<Scalar>{Tensor<Scalar>{Shape{features, features}}};
    }

    /// @throws ShapeError
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) const {
        return autograd::linear<Scalar>(x, Variable<Scalar>{matrix()});
    }
    /// R, of which x R^T is what the layer gives.
    [[nodiscard]] Tensor<Scalar> matrix() const {
        const Matrix inverse = detail::cayley_inverse(rotation_.value());
        Tensor<Scalar> result{rotation_.shape()};
        for (std::size_t i = 0; i < inverse.rows(); ++i)
            for (std::size_t j = 0; j < inverse.columns(); ++j)
                result[static_cast<Index>(i * inverse.columns() + j)] = static_cast<Scalar>(2 * inverse(i, j) - (i == j ? 1 : 0));
        return result;
    }

    void visit(nn::Visitor<Scalar>& visitor) { visitor("rotation", rotation_); }

private:
    nn::Parameter<Scalar> rotation_;
};

/// The parameters of a net's rotations, which have an optimizer of their own, and all others.
template <class Scalar>
struct SplitParameters {
    std::vector<Variable<Scalar>> rotations;
    std::vector<Variable<Scalar>> others;
};
/// The parameters of a net's rotations, and all others, for an optimizer each.
template <class Scalar>
[[nodiscard]] SplitParameters<Scalar> split_rotations(const MultiTaskNet<Scalar>& net) {
    SplitParameters<Scalar> result;
    for (const auto& [path, parameter] : net.named_parameters())
        (path.ends_with(".rotation") ? result.rotations : result.others).push_back(parameter);
    return result;
}

/// Settings of `RotoScale`.
struct RotoScaleOptions {
    Index burn_in = 20;  ///< the step whose lengths take the place of those of the first one
};

/// The scaling half of RotoGrad, for `Scope::features`: all gradients get the length sum of a_k |g_k|, where a_k is |g_k| / |g_k(0)|
/// divided by the sum of these over the tasks, so that those which have converged the least count the most.
///
/// Cost and memory: those of a weighting at features, one traversal of the trunk. Heads get their own gradients. State: a first length
/// for each task, that of the first step with a gradient above 0. A task without a gradient gets no weight; if none has one, all get 1.
class RotoScale {
public:
    explicit RotoScale(RotoScaleOptions options = {}) : options_{options} {
        require<ValueError>(options.burn_in >= 0, "RotoScale", "expected a burn-in of at least 0 steps, got ", options.burn_in);
    }
    void start(std::size_t tasks) { first_ = Tensor<double>{Shape{static_cast<Index>(tasks)}}; }

    [[nodiscard]] Weights operator()(const Gramian& gramian) {
        const StepContext& context = gramian.context();
        detail::check_started("RotoScale", first_, context);
        Weights result(gramian.size(), 1.0);
        double sum = 0;
        double length = 0;
        for (std::size_t t = 0; t < result.size(); ++t) {
            double& first = first_[static_cast<Index>(context.tasks[t])];
            if (first == 0 || context.step == options_.burn_in)
                first = gramian.norm(t);
            const double ratio = first > 0 ? gramian.norm(t) / first : 0;
            sum += ratio;
            length += ratio * gramian.norm(t);
        }
        for (std::size_t t = 0; t < result.size() && sum > 0; ++t)
            result[t] = gramian.norm(t) > 0 ? length / sum / gramian.norm(t) : 0;
        return result;
    }

    template <class Scalar>
    void visit(RuleVisitor<Scalar>& visitor) {
        visitor("first", first_);
    }

private:
    RotoScaleOptions options_;
    Tensor<double> first_;
};

namespace detail {

/// v, the direction that the rotations are to turn the gradients on the features into: the mean of these, each of the length of the mean.
template <class Scalar>
[[nodiscard]] PoolVector<double> common_direction(const Tensor<Scalar>& rows) {
    const auto tasks = static_cast<std::size_t>(rows.size(0));
    const auto size = static_cast<std::size_t>(rows.size(1));
    const auto row = [&](std::size_t t) { return rows.span().subspan(t * size, size); };
    PoolVector<double> mean(size, 0.0);
    PoolVector<double> result(size, 0.0);
    for (std::size_t t = 0; t < tasks; ++t)
        for (std::size_t i = 0; i < size; ++i)
            mean[i] += static_cast<double>(row(t)[i]) / static_cast<double>(tasks);
    const double length = std::sqrt(dot<double>(mean, mean));
    for (std::size_t t = 0; t < tasks; ++t)
        if (const double own = std::sqrt(dot<Scalar>(row(t), row(t))); own > 0)
            for (std::size_t i = 0; i < size; ++i)
                result[i] += static_cast<double>(row(t)[i]) * (length / own) / static_cast<double>(tasks);
    return result;
}

/// The gradient on W of the mean over the samples of |R v - R g|^2, where R g, the gradient behind the rotation, counts as constant.
template <class Scalar>
[[nodiscard]] Tensor<Scalar> rotation_gradient(const Variable<Scalar>& w, std::span<const double> v, std::span<const Scalar> g,
                                               Index samples) {
    using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const Eigen::Index d = w.size(0);
    const Eigen::Index count = static_cast<Eigen::Index>(v.size()) / d;
    const Matrix held = cayley_inverse(w.value());
    const auto inverse = held.map();
    const Eigen::Map<const Rows> towards{v.data(), count, d};
    const Eigen::Map<const Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> own{g.data(), count, d};
    Rows apart = towards - own.template cast<double>();
    Rows rotation = 2 * inverse;
    rotation.diagonal().array() -= 1;
    apart = apart * rotation.transpose();
    const Rows on_rotation = apart.transpose() * towards * (2 / static_cast<double>(samples));
    const Rows on_skew = -(inverse.transpose() * on_rotation * inverse.transpose());
    Tensor<Scalar> result{w.shape()};
    for (Eigen::Index i = 0; i < d; ++i)
        for (Eigen::Index j = 0; j < d; ++j)
            result[i * d + j] = static_cast<Scalar>(on_skew(i, j) - on_skew(j, i));
    return result;
}

}  // namespace detail

/// A backward pass by RotoGrad (Javaloy and Valera, "RotoGrad: Gradient Homogenization in Multitask Learning", ICLR 2022, arXiv
/// 2103.02631), for a net whose heads begin with a `Rotation`:
/// @code
/// criterion.balance(mtl::RotoScale{}, {.scope = mtl::Scope::features});
/// const auto [rotations, others] = mtl::split_rotations(net);
/// optim::Adam adam{others};
/// optim::Adam turn{rotations, {.learning_rate = 1e-4}};
/// for (const auto& batch : loader) {
///     adam.zero_grad();
///     turn.zero_grad();
///     mtl::rotograd_backward(net, criterion, batch);
///     adam.step();
///     turn.step();
/// }
/// @endcode
/// It is the backward pass of the criterion under its rule, of which `RotoScale` makes the paper's, and adds to each active task's
/// rotation R_k the gradient of the mean over the samples of |R_k v - R_k g_k|^2: g_k is the task's gradient on the features before the
/// rotation, R_k g_k behind it and constant here, v the mean of the g_k, each scaled to the length of their mean. The authors' program
/// has the exponential of a skew matrix by default where this has the Cayley transform, its other choice.
///
/// Cost: beside the criterion's, a pass through the heads with T cotangents. Memory: T rows of the batch's features. Running statistics
/// in the heads move once; dropout in them draws twice. @throws StateError for a head that does not begin with a rotation; what net,
/// criterion and rule throw, and then no gradient has changed
template <class Scalar, class Batch>
MultiTaskLossValue<Scalar> rotograd_backward(MultiTaskNet<Scalar>& net, const MultiTaskLoss<Scalar>& criterion, const Batch& batch) {
    const auto named = net.named_parameters();
    std::vector<Variable<Scalar>> rotations;
    for (const std::string& task : net.tasks()) {
        const Variable<Scalar>* const found = named.find("heads." + task + ".0.rotation");
        require<StateError>(found != nullptr, "rotograd_backward", "expected heads that begin with a Rotation, got another for task '",
                            task, '\'');
        rotations.push_back(*found);
    }
    const Variable<Scalar> features = detail::outputs_of([&](const auto& input) { return net.features(input); }, batch);
    PoolVector<std::pair<std::size_t, Tensor<Scalar>>> gradients;
    {
        detail::ParameterList<Scalar> parameters{net};
        const detail::MovedParameters<Scalar> statistics{net, parameters};
        const Variable<Scalar> leaf{features.value(), true};
        const auto value = criterion(net.heads(leaf), batch.targets);
        PoolVector<std::size_t> tasks;
        PoolVector<Variable<Scalar>> losses;
        for (std::size_t t = 0; t < rotations.size(); ++t)
            if (const Variable<Scalar>& loss = detail::loss_of(value, t); loss.requires_grad()) {
                tasks.push_back(t);
                losses.push_back(loss);
            }
        if (!tasks.empty()) {
            const Tensor<Scalar> rows = autograd::jacobian<Scalar>(losses, std::span<const Variable<Scalar>>{&leaf, 1});
            const auto v = detail::common_direction(rows);
            for (std::size_t i = 0; i < tasks.size(); ++i)
                gradients.push_back({tasks[i], detail::rotation_gradient<Scalar>(
                                                   rotations[tasks[i]], v, rows.span().subspan(i * v.size(), v.size()), leaf.size(0))});
        }
    }
    auto value = criterion(net.heads(features), batch.targets);
    value.backward();
    for (const auto& [task, gradient] : gradients)
        if (rotations[task].requires_grad())
            rotations[task].add_grad(gradient.span());
    return value;
}

}  // namespace espalier::inline ESPALIER_ABI::mtl
