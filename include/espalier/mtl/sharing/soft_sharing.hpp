// SPDX-License-Identifier: MIT
/// @file Soft parameter sharing: networks of their own whose parameters are drawn together.
#pragma once

#include <espalier/autograd/arithmetic.hpp>
#include <espalier/autograd/record.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/mtl/balancing/solvers/symmetric.hpp>
#include <espalier/mtl/sharing.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::mtl {

/// What draws networks together, of each parameter and with the tasks' values of it as rows of a matrix.
enum class Attraction {
    squared_distance,  ///< sum over tasks of |row - mean of the rows|^2: for two tasks half the square of their distance
    trace_norm         ///< the sum of the singular values, which rows lower that are combinations of each other
};

/// Of a `SoftSharing`.
struct SoftSharingOptions {
    double factor = 0.01;  ///< of the penalty; with 0 the networks are separate
    Attraction attraction = Attraction::squared_distance;
};

namespace detail {

/// The penalty on one parameter of all networks. Either kind has the gradient S X for rows X and a symmetric S (T, T).
template <class Scalar>
[[nodiscard]] Variable<Scalar> attraction(Attraction kind, std::span<const Variable<Scalar>> rows) {
    const std::size_t tasks = rows.size();
    const bool centred = kind == Attraction::squared_distance;
    Matrix products{tasks, tasks}, slope{tasks, tasks};
    PoolVector<double> column(tasks);
    for (Index p = 0; p < rows[0].numel(); ++p) {
        double mean = 0;
        for (std::size_t i = 0; i < tasks; ++i)
            mean += column[i] = static_cast<double>(rows[i].value()[p]);
        for (std::size_t i = 0; i < tasks; ++i)
            column[i] -= centred ? mean / static_cast<double>(tasks) : 0;
        for (std::size_t i = 0; i < tasks; ++i)
            for (std::size_t j = 0; j < tasks; ++j)
                products(i, j) += column[i] * column[j];
    }
    double value = 0;
    if (centred) {
        for (std::size_t i = 0; i < tasks; ++i) {
            value += products(i, i);
            for (std::size_t j = 0; j < tasks; ++j)
                slope(i, j) = 2 * ((i == j ? 1 : 0) - 1 / static_cast<double>(tasks));
        }
    } else {
        const solvers::SymmetricEigen eigen{products};
        for (std::size_t k = 0; k < eigen.rank(); ++k) {
            const double singular = std::sqrt(eigen.values()[k]);
            value += singular;
            for (std::size_t i = 0; i < tasks; ++i)
                for (std::size_t j = 0; j < tasks; ++j)
                    slope(i, j) += eigen.vector(k)[i] * eigen.vector(k)[j] / singular;
        }
    }
    return autograd::record<Scalar>(
        "attraction", Tensor<Scalar>::scalar(static_cast<Scalar>(value)), rows, [slope = std::move(slope)](autograd::Gradients<Scalar>& g) {
            for (std::size_t i = 0; i < g.inputs(); ++i) {
                if (!g.needs(i))
                    continue;
                const Index numel = g.input(i).numel();
                auto gradient = Tensor<Scalar>::empty(g.input(i).shape().prepended(g.rows()));
                for (Index p = 0; p < numel; ++p) {
                    double sum = 0;
                    for (std::size_t j = 0; j < g.inputs(); ++j)
                        sum += slope(i, j) * static_cast<double>(g.input(j)[p]);
                    for (Index t = 0; t < g.rows(); ++t)
                        gradient[t * numel + p] = static_cast<Scalar>(sum * static_cast<double>(g.cotangent()[t]));
                }
                g.add(i, std::move(gradient));
            }
        });
}

}  // namespace detail

/// Duong, Cohn, Bird and Cook, "Low resource dependency parsing: cross-lingual parameter sharing in a neural network parser" (ACL
/// 2015): squared distance. Yang and Hospedales, "Trace norm regularised deep multi-task learning" (2017, arXiv:1606.04038): trace norm.
///
/// Every task has a network of its own, in the order of the heads. `MultiTaskNet::penalty()` is `factor` times the sum over all
/// parameters of what the tasks' values of it differ by, or of the trace norm of these values stacked as rows (T, numel), in the paper
/// its flattening along the last axis. Where singular values are 0 its gradient is the subgradient that leaves them at 0.
template <class Scalar = float>
class SoftSharing : public nn::Module<SoftSharing<Scalar>, Scalar> {
public:
    /// @throws ValueError for no network, networks of different structure, or a factor that is negative or not finite
    explicit SoftSharing(std::vector<nn::Layer<Scalar>> networks, SoftSharingOptions options = {})
        : networks_{std::move(networks)}, options_{options} {
        require<ValueError>(!networks_.empty(), "SoftSharing", "expected a network for each task, got none");
        require<ValueError>(is_finite(options.factor) && options.factor >= 0, "SoftSharing", "expected a factor of at least 0, got ",
                            options.factor);
        detail::CollectHandles<Scalar> first{true};
        networks_[0].visit(first);
        for (std::size_t k = 1; k < networks_.size(); ++k) {
            detail::CollectHandles<Scalar> other{true};
            networks_[k].visit(other);
            for (std::size_t i = 0; i < first.handles.size() || i < other.handles.size(); ++i)
                require<ValueError>(other.describe(i) == first.describe(i), "SoftSharing", "expected networks of one structure, got ",
                                    first.describe(i), " in network 0 and ", other.describe(i), " in network ", k);
        }
    }

    /// @throws what a network throws; a ShapeError says which
    [[nodiscard]] Features<Scalar> operator()(const Variable<Scalar>& input) { return detail::apply_each(networks_, input, "network"); }

    void visit(nn::Visitor<Scalar>& visitor) {
        visitor("networks", networks_);
        if (options_.factor > 0)
            visitor.penalty([this] { return penalty(); });
    }

private:
    [[nodiscard]] Variable<Scalar> penalty() {
        detail::CollectHandles<Scalar> all{false};
        networks_.visit(all);
        const std::size_t count = all.handles.size() / networks_.size();
        PoolVector<Variable<Scalar>> terms, rows(networks_.size());
        for (std::size_t i = 0; i < count; ++i) {
            for (std::size_t k = 0; k < rows.size(); ++k)
                rows[k] = all.handles[k * count + i];
            terms.push_back(detail::attraction<Scalar>(options_.attraction, rows));
        }
        if (terms.empty())  // networks without parameters
            return Tensor<Scalar>::scalar(0);
        return autograd::weighted_sum<Scalar>(terms, PoolVector<Scalar>(count, static_cast<Scalar>(options_.factor)));
    }

    nn::Children<nn::Layer<Scalar>> networks_;
    SoftSharingOptions options_;
};

}  // namespace espalier::inline ESPALIER_ABI::mtl
