// SPDX-License-Identifier: MIT
/// @file Group normalisation, by the statistics of each sample and group of channels.
#pragma once

#include <espalier/autograd/normalization.hpp>
#include <espalier/autograd/record.hpp>
#include <espalier/kernels/normalization.hpp>
#include <espalier/kernels/reduction.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {
namespace detail {

/// (N, ..., C) as N samples of so many places with C channels, which are cut into groups.
struct GroupNormExtents {
    Index samples;
    Index places;
    Index channels;
    Index groups;

    [[nodiscard]] Index sample() const noexcept { return places * channels; }
    [[nodiscard]] Index depth() const noexcept { return channels / groups; }  ///< channels of a group
    /// What a sum over a group is divided by: how many values there are, or 1 where there are none.
    [[nodiscard]] double count() const noexcept { return static_cast<double>(std::max<Index>(1, places * depth())); }
    /// The sum over each group of `term(channel)`, put at all its channels.
    template <class Term>
    void fold(double* to, const Term& term) const {
        for (Index first = 0; first < channels; first += depth()) {
            double sum = 0;
            for (Index c = first; c < first + depth(); ++c)
                sum += term(c);
            std::fill_n(to + first, depth(), sum);
        }
    }
};

/// What is subtracted from each channel of each sample, and what it is multiplied by, (N, C) both.
template <class Scalar>
struct GroupStatistics {
    Tensor<Scalar> mean;
    Tensor<double> inverse;  ///< of the standard deviation, 1 / sqrt(variance + eps)
};

/// Sums go over the places of all channels at once, and only then over the channels of a group: images are read in whole vectors. Samples
/// are shared out to the threads, or the places of a single one.
template <class Scalar>
[[nodiscard]] GroupStatistics<Scalar> statistics_of_groups(const GroupNormExtents& e, const Scalar* x, double eps) {
    const Shape shape{e.samples, e.channels};
    GroupStatistics<Scalar> result{Tensor<Scalar>::empty(shape), Tensor<double>::empty(shape)};
    parallel_for(
        e.samples, kernels::row_grain(e.sample()), static_cast<std::size_t>(e.channels) * sizeof(double),
        [&](Index begin, Index end, void* scratch) {
            auto* const sums = static_cast<double*>(scratch);
            for (Index n = begin; n < end; ++n) {
                Scalar* const mean = result.mean.data() + n * e.channels;
                double* const inverse = result.inverse.data() + n * e.channels;
                kernels::column_sums(e.places, e.channels, x + n * e.sample(), sums);
                e.fold(inverse, [sums](Index c) { return sums[c]; });
                std::transform(inverse, inverse + e.channels, mean, [&](double sum) { return static_cast<Scalar>(sum / e.count()); });
                kernels::column_squares(e.places, e.channels, x + n * e.sample(), mean, sums);
                e.fold(inverse, [sums](Index c) { return sums[c]; });
                std::transform(inverse, inverse + e.channels, inverse, [&](double sum) { return 1 / std::sqrt(sum / e.count() + eps); });
            }
        });
    return result;
}

/// With i = 1 / sqrt(variance + eps), z = (x - mean) i, y = weight z + bias, d = weight dy, and means over the n values of a group:
///
///     dbias   = sum dy       over the places of all samples, as is
///     dweight = sum z dy
///     dx      = i (d - mean d - z mean (z d)) = (x - mean) slope + offset + scale dy
///
/// with slope = -i^2 mean (z d), offset = -i mean d and scale = weight i; without a weight it is 1.
template <class Scalar>
class GroupNormBackward {
public:
    GroupNormBackward(const GroupNormExtents& e, const GroupStatistics<Scalar>& statistics, Gradients<Scalar>& g)
        : e_{e},
          statistics_{statistics},
          g_{g},
          x_{g.input(0).data()},
          weight_{g.inputs() > 1 ? g.input(1).data() : nullptr},
          moments_(static_cast<std::size_t>(2 * g.rows() * e.samples * e.channels)) {}

    void run() {
        parallel_for(g_.rows() * e_.samples, kernels::row_grain(e_.sample()), [this](Index begin, Index end) {
            for (Index i = begin; i < end; ++i)
                of_sample(i);
        });
        for (const std::size_t input : {std::size_t{1}, std::size_t{2}})
            if (input < g_.inputs() && g_.needs(input))
                g_.add(input, sum_over_samples(input));
        if (g_.needs(0))
            g_.add(0, std::move(g_.cotangent()));
    }

private:
    /// Of dy, and of (x - mean) dy, sums over the places of sample i of the T N.
    [[nodiscard]] double* moments(Index i) { return moments_.data() + 2 * i * e_.channels; }

    void of_sample(Index i) {
        const Index n = i % e_.samples;
        const Scalar* const x = x_ + n * e_.sample();
        const Scalar* const mean = statistics_.mean.data() + n * e_.channels;
        const double* const inverse = statistics_.inverse.data() + n * e_.channels;
        Scalar* const dy = g_.cotangent().data() + i * e_.sample();
        double* const sums = moments(i);
        kernels::gated_column_moments<Scalar>(e_.places, e_.channels, x, mean, nullptr, dy, sums);
        if (!g_.needs(0))
            return;
        const auto channels = static_cast<std::size_t>(e_.channels);
        PoolVector<double> folded(2 * channels);
        e_.fold(folded.data(), [&](Index c) { return weight(c) * sums[c]; });
        e_.fold(folded.data() + channels, [&](Index c) { return weight(c) * sums[e_.channels + c]; });
        PoolVector<Scalar> factors(4 * channels);
        Scalar *const slope = factors.data(), *const offset = slope + channels, *const scale = offset + channels,
                      *const zero = scale + channels;
        for (Index c = 0; c < e_.channels; ++c) {
            const double r = inverse[c];
            slope[c] = static_cast<Scalar>(-r * r * r * folded[channels + static_cast<std::size_t>(c)] / e_.count());
            offset[c] = static_cast<Scalar>(-r * folded[static_cast<std::size_t>(c)] / e_.count());
            scale[c] = static_cast<Scalar>(r * weight(c));
        }
        // In the place of dy, block by block that stays in cache.
        kernels::detail::for_each_rows(e_.places, e_.channels, [&](Index first, Index last) {
            const Index at = first * e_.channels;
            kernels::affine_rows<Scalar>(last - first, e_.channels, dy + at, {zero, scale, zero}, dy + at);
            kernels::affine_rows<Scalar>(last - first, e_.channels, x + at, {mean, slope, offset}, dy + at, false, dy + at);
        });
    }

    [[nodiscard]] double weight(Index c) const { return weight_ ? static_cast<double>(weight_[c]) : 1; }

    /// The gradient of weight or bias, of the samples in their order.
    [[nodiscard]] Tensor<Scalar> sum_over_samples(std::size_t input) {
        auto result = Tensor<Scalar>::empty({g_.rows(), e_.channels});
        PoolVector<double> total(static_cast<std::size_t>(e_.channels));
        for (Index t = 0; t < g_.rows(); ++t) {
            std::fill(total.begin(), total.end(), 0.0);
            for (Index n = 0; n < e_.samples; ++n) {
                const double* const sums = moments(t * e_.samples + n) + (input == 1 ? e_.channels : 0);
                const double* const inverse = statistics_.inverse.data() + n * e_.channels;
                for (Index c = 0; c < e_.channels; ++c)
                    total[static_cast<std::size_t>(c)] += input == 1 ? inverse[c] * sums[c] : sums[c];
            }
            std::transform(total.begin(), total.end(), result.data() + t * e_.channels, [](double v) { return static_cast<Scalar>(v); });
        }
        return result;
    }

    const GroupNormExtents& e_;
    const GroupStatistics<Scalar>& statistics_;
    Gradients<Scalar>& g_;
    const Scalar* x_;
    const Scalar* weight_;
    PoolVector<double> moments_;
};

template <class Scalar>
[[nodiscard]] Variable<Scalar> group_norm(const Variable<Scalar>& x, Index groups, const Variable<Scalar>* weight,
                                          const Variable<Scalar>* bias, double eps) {
    require<ShapeError>(x.rank() >= 2 && x.size(-1) > 0, "group_norm", "expected (N, ..., C) of at least one channel, got input ",
                        x.shape());
    if (weight)
        require_affine("group_norm", x, *weight, *bias);
    const GroupNormExtents e{x.size(0), x.shape().product(1, x.rank() - 1), x.size(-1), groups};
    require<ValueError>(groups > 0 && e.channels % groups == 0, "group_norm", "expected groups that divide ", e.channels, " channels, got ",
                        groups);
    auto statistics = statistics_of_groups(e, x.value().data(), eps);
    auto y = Tensor<Scalar>::empty(x.shape());
    parallel_for(e.samples, kernels::row_grain(e.sample()), 2 * static_cast<std::size_t>(e.channels) * sizeof(Scalar),
                 [&](Index begin, Index end, void* scratch) {
                     auto* const scale = static_cast<Scalar*>(scratch);
                     Scalar* const offset = scale + e.channels;
                     for (Index n = begin; n < end; ++n) {
                         const Index row = n * e.channels;
                         for (Index c = 0; c < e.channels; ++c) {
                             const double by = weight ? static_cast<double>(weight->value()[c]) : 1;
                             scale[c] = static_cast<Scalar>(statistics.inverse[row + c] * by);
                             offset[c] = bias ? bias->value()[c] : Scalar(0);
                         }
                         kernels::affine_rows<Scalar>(e.places, e.channels, x.value().data() + n * e.sample(),
                                                      {statistics.mean.data() + row, scale, offset}, y.data() + n * e.sample());
                     }
                 });
    auto backward = [e, statistics = std::move(statistics)](Gradients<Scalar>& g) { GroupNormBackward<Scalar>{e, statistics, g}.run(); };
    return weight ? record<Scalar>("group_norm", std::move(y), {x, *weight, *bias}, std::move(backward))
                  : record<Scalar>("group_norm", std::move(y), {x}, std::move(backward));
}

}  // namespace detail

/// weight * (x - mean) / sqrt(variance + eps) + bias for x (N, ..., C), with the statistics of each sample and each of `groups` parts of
/// its channels, over all its places (Wu and He, Group Normalization, ECCV 2018); weight and bias are (C,). A group of a single value
/// gives the bias. @throws ShapeError; ValueError unless the groups divide the channels
template <class Scalar>
[[nodiscard]] Variable<Scalar> group_norm(const Variable<Scalar>& x, Index groups, const Variable<Scalar>& weight,
                                          const Variable<Scalar>& bias, double eps = 1e-5) {
    return detail::group_norm(x, groups, &weight, &bias, eps);
}
/// The same with weights of 1 and no bias.
template <class Scalar>
[[nodiscard]] Variable<Scalar> group_norm(const Variable<Scalar>& x, Index groups, double eps = 1e-5) {
    return detail::group_norm<Scalar>(x, groups, nullptr, nullptr, eps);
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
