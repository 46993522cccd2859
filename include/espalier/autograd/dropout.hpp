// SPDX-License-Identifier: MIT
/// @file Dropout. Its mask is a pure function of a random stream and the position, and is made once more on the way back.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/kernels/dropout.hpp>

#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

/// Each element is 0 with probability p, else x / (1 - p) (Srivastava et al., 2014). Advances `random` by `kernels::dropout_draws` of the
/// elements. @throws ValueError unless 0 <= p < 1.
template <class Scalar>
[[nodiscard]] Variable<Scalar> dropout(const Variable<Scalar>& x, double p, Random& random) {
    require<ValueError>(is_finite(p) && p >= 0 && p < 1, "dropout", "expected a probability in [0, 1), got ", p);
    if (p == 0)
        return x;
    const Index n = x.numel();
    const auto drop = [n, p, drawn = random](const Scalar* from, Scalar* to) {
        kernels::dropout(n, drawn, p, static_cast<Scalar>(1 / (1 - p)), from, to);
    };
    random.skip(kernels::dropout_draws(n));
    auto y = Tensor<Scalar>::empty(x.shape());
    drop(x.value().data(), y.data());
    return record<Scalar>("dropout", std::move(y), {x}, [n, drop](Gradients<Scalar>& g) {
        Tensor<Scalar> gradient = std::move(g.cotangent());
        for (Index t = 0; t < g.rows(); ++t)
            drop(gradient.data() + t * n, gradient.data() + t * n);
        g.add(0, std::move(gradient));
    });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
