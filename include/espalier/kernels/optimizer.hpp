// SPDX-License-Identifier: MIT
/// @file Update rules of optimizers, each one pass over memory.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/kernels/elementwise.hpp>
#include <espalier/kernels/simd/kernels.hpp>
#include <espalier/kernels/update_rule.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace espalier::inline ESPALIER_ABI::kernels {

/// Elements that one call of an update rule works on.
inline constexpr Index update_block = 16;

/// As Eigen's `Stride<0, 0>`. Being of our namespace, it makes all functions that Eigen has for these maps others for each set of
/// compiler flags; else the linker might take those of another unit.
struct UpdateStride : Eigen::Stride<0, 0> {};
template <class Scalar>
using UpdateMap = Eigen::Map<Eigen::Array<Scalar, update_block, 1>, Eigen::Unaligned, UpdateStride>;
template <class Scalar>
using ConstUpdateMap = Eigen::Map<const Eigen::Array<Scalar, update_block, 1>, Eigen::Unaligned, UpdateStride>;

/// `update(gradient, arrays)` on blocks of `update_block` elements that cover [0, n). What is left at the end is worked on
/// in a padded copy: every element then goes through the same instructions, and has the same bits wherever a pass begins.
template <class Scalar, std::size_t Count, class Update>
void update_blocks(Index n, const Scalar* gradient, const std::array<Scalar*, Count>& arrays, const Update& update) {
    static_assert(1024 % update_block == 0);  // as chunks are multiples of
    parallel_for(n, elementwise_grain(n), [&](Index begin, Index end) {
        std::array<std::array<Scalar, update_block>, Count + 1> copies{};
        for (Index i = begin; i < end; i += update_block) {
            const Index size = std::min(update_block, end - i);
            const Scalar* from = gradient + i;
            std::array<Scalar*, Count> block;
            for (std::size_t k = 0; k < Count; ++k)
                block[k] = arrays[k] + i;
            if (size < update_block) {
                std::copy_n(from, size, copies[Count].data());
                std::fill(copies[Count].begin() + size, copies[Count].end(), Scalar(1));  // steps of 0 / 0 would trap
                from = copies[Count].data();
                for (std::size_t k = 0; k < Count; ++k) {
                    std::copy_n(block[k], size, copies[k].data());
                    block[k] = copies[k].data();
                }
            }
            update(from, block);
            for (std::size_t k = 0; size < update_block && k < Count; ++k)
                std::copy_n(copies[k].data(), size, arrays[k] + i);
        }
    });
}

/// p -= learning_rate (g + weight_decay p).
template <class Scalar>
void sgd(Index n, const SgdRule<Scalar>& rule, const Scalar* gradient, Scalar* parameter) {
    if constexpr (simd::vectorised<Scalar>)
        return parallel_for(n, elementwise_grain(n),
                            [&](Index begin, Index end) { simd::table().sgd(end - begin, rule, gradient + begin, parameter + begin); });
    else
        update_blocks<Scalar, 1>(n, gradient, {parameter}, [&](const Scalar* g, const std::array<Scalar*, 1>& a) {
            UpdateMap<Scalar> p{a[0]};
            p -= rule.learning_rate * (ConstUpdateMap<Scalar>{g} + rule.weight_decay * p);
        });
}

/// The same through a velocity: v = momentum v + fresh d with d = g + weight_decay p; then p -= learning_rate v, or with
/// `nesterov` p -= learning_rate (d + momentum v).
template <class Scalar>
void sgd_momentum(Index n, const SgdRule<Scalar>& rule, const Scalar* gradient, Scalar* parameter, Scalar* velocity) {
    if constexpr (simd::vectorised<Scalar>)
        return parallel_for(n, elementwise_grain(n), [&](Index begin, Index end) {
            simd::table().sgd_momentum(end - begin, rule, gradient + begin, parameter + begin, velocity + begin);
        });
    else
        update_blocks<Scalar, 2>(n, gradient, {parameter, velocity}, [&](const Scalar* g, const std::array<Scalar*, 2>& a) {
            UpdateMap<Scalar> p{a[0]};
            UpdateMap<Scalar> v{a[1]};
            std::array<Scalar, update_block> memory;
            UpdateMap<Scalar> d{memory.data()};
            d = ConstUpdateMap<Scalar>{g} + rule.weight_decay * p;
            v = rule.momentum * v + rule.fresh * d;
            if (rule.nesterov)
                p -= rule.learning_rate * (d + rule.momentum * v);
            else
                p -= rule.learning_rate * v;
        });
}

/// p = keep p; d = g + weight_decay p; m += fresh1 (d - m); v = beta2 v + fresh2 d²; p -= step_size m / (sqrt(v) / root + eps).
template <class Scalar>
void adam(Index n, const AdamRule<Scalar>& rule, const Scalar* gradient, Scalar* parameter, Scalar* first, Scalar* second) {
    if constexpr (simd::vectorised<Scalar>)
        return parallel_for(n, elementwise_grain(n), [&](Index begin, Index end) {
            simd::table().adam(end - begin, rule, gradient + begin, parameter + begin, first + begin, second + begin);
        });
    else
        update_blocks<Scalar, 3>(n, gradient, {parameter, first, second}, [&](const Scalar* g, const std::array<Scalar*, 3>& a) {
            UpdateMap<Scalar> p{a[0]};
            UpdateMap<Scalar> m{a[1]};
            UpdateMap<Scalar> v{a[2]};
            std::array<Scalar, update_block> memory;
            UpdateMap<Scalar> d{memory.data()};
            d = ConstUpdateMap<Scalar>{g} + rule.weight_decay * p;
            m += rule.fresh1 * (d - m);
            v = rule.beta2 * v + rule.fresh2 * d.square();
            p = rule.keep * p - rule.step_size * m / (v.sqrt() / rule.root + rule.eps);
        });
}

/// d = g + weight_decay p; s += d²; p -= step_size d / (sqrt(s) + eps).
template <class Scalar>
void adagrad(Index n, const AdagradRule<Scalar>& rule, const Scalar* gradient, Scalar* parameter, Scalar* squares) {
    if constexpr (simd::vectorised<Scalar>)
        return parallel_for(n, elementwise_grain(n), [&](Index begin, Index end) {
            simd::table().adagrad(end - begin, rule, gradient + begin, parameter + begin, squares + begin);
        });
    else
        update_blocks<Scalar, 2>(n, gradient, {parameter, squares}, [&](const Scalar* g, const std::array<Scalar*, 2>& a) {
            UpdateMap<Scalar> p{a[0]};
            UpdateMap<Scalar> s{a[1]};
            std::array<Scalar, update_block> memory;
            UpdateMap<Scalar> d{memory.data()};
            d = ConstUpdateMap<Scalar>{g} + rule.weight_decay * p;
            s += d.square();
            p -= rule.step_size * d / (s.sqrt() + rule.eps);
        });
}

}  // namespace espalier::inline ESPALIER_ABI::kernels
