// SPDX-License-Identifier: MIT
/// @file Dropout as a layer, for any scalar.
#pragma once

#include <espalier/autograd/dropout.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/nn/module.hpp>
#include <espalier/nn/undo.hpp>

namespace espalier::inline ESPALIER_ABI::nn {

/// In training each element is dropped with probability p; in evaluation the layer does nothing. It draws from a stream
/// of its own, taken under `manual_seed()` when the layer is made; a copy continues the same stream.
class Dropout {
public:
    /// @throws ValueError unless 0 <= p < 1.
    explicit Dropout(double p = 0.5) : p_{p}, random_{new_random()} {
        require<ValueError>(is_finite(p) && p >= 0 && p < 1, "Dropout", "expected a probability in [0, 1), got ", p);
    }

    template <class Scalar>
    [[nodiscard]] Variable<Scalar> operator()(const Variable<Scalar>& x) {
        if (!mode_.training())
            return x;
        undo_on_error([this, before = random_] { random_ = before; });
        return autograd::dropout(x, p_, random_);
    }
    template <class Scalar>
    void visit(Visitor<Scalar>& visitor) {
        visitor.mode(mode_);
    }

private:
    double p_;
    Random random_;
    Mode mode_;
};

}  // namespace espalier::inline ESPALIER_ABI::nn
