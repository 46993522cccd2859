// SPDX-License-Identifier: MIT
/// @file Dropout with a mask that is a pure function of a random stream and the position.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/core/finite.hpp>

#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

/// Each element is 0 with probability p, else x / (1 - p) (Srivastava et al., 2014). Advances `random` by one draw an
/// element. @throws ValueError unless 0 <= p < 1.
template <class Scalar>
[[nodiscard]] Variable<Scalar> dropout(const Variable<Scalar>& x, double p, Random& random) {
    require<ValueError>(is_finite(p) && p >= 0 && p < 1, "dropout", "expected a probability in [0, 1), got ", p);
    if (p == 0)
        return x;
    const auto scale = static_cast<Scalar>(1 / (1 - p));
    auto mask = Tensor<Scalar>::empty(x.shape());
    auto y = Tensor<Scalar>::empty(x.shape());
    kernels::for_each_index(x.numel(), [&](Index i) {
        const std::uint64_t bits = random.at(random.position() + static_cast<std::uint64_t>(i));
        mask[i] = Random::to_unit<double>(bits) < p ? Scalar(0) : scale;
        y[i] = x.value()[i] * mask[i];
    });
    random.skip(static_cast<std::uint64_t>(x.numel()));
    return record<Scalar>("dropout", std::move(y), {x}, [mask = std::move(mask)](Gradients<Scalar>& g) {
        Tensor<Scalar> gradient = std::move(g.cotangent());
        const Index n = mask.numel();
        kernels::for_each_index(gradient.numel(), [&](Index i) { gradient[i] *= mask[i % n]; });
        g.add(0, std::move(gradient));
    });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
