// SPDX-License-Identifier: MIT
/// @file Dropout with a mask that is a pure function of a random stream and the position.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/kernels/combine.hpp>
#include <espalier/kernels/dropout.hpp>

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
    kernels::dropout(x.numel(), random, p, scale, x.value().data(), mask.data(), y.data());
    random.skip(static_cast<std::uint64_t>(x.numel()));
    return record<Scalar>("dropout", std::move(y), {x}, [mask = std::move(mask)](Gradients<Scalar>& g) {
        Tensor<Scalar> gradient = std::move(g.cotangent());
        const Index n = mask.numel();
        for (Index t = 0; t < g.rows(); ++t)
            kernels::combine<kernels::Multiply, Scalar>(n, {gradient.data() + t * n, n}, {mask.data(), n}, gradient.data() + t * n);
        g.add(0, std::move(gradient));
    });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
