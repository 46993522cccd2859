// SPDX-License-Identifier: MIT
/// @file Rotary position embeddings (Su et al., RoFormer: Enhanced Transformer with rotary position embedding, 2021, arXiv:2104.09864).
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {

/// Of `rotary_embedding`. Designated initialisers stand in this order.
struct RotaryOptions {
    Index heads = 1;      ///< which the channels are cut into
    Index rest = 0;       ///< channels behind the heads that stay as they are, such as the values beside queries and keys
    double base = 10000;  ///< of the wavelengths, which go from 2 pi to nearly 2 pi base
    Index offset = 0;     ///< position of the first step
};

namespace detail {

/// Cosines and sines of each step and pair of channels.
template <class Scalar>
class Rotation {
public:
    Rotation(const Shape& x, Index width, const RotaryOptions& options)
        : steps_{x[1]}, half_{width / 2}, heads_{options.heads}, channels_{x[2]}, angles_{{steps_, 2, half_}} {
        for (Index step = 0; step < steps_; ++step)
            for (Index j = 0; j < half_; ++j) {
                const double speed = std::pow(options.base, -2 * static_cast<double>(j) / static_cast<double>(width));
                const double angle = static_cast<double>(options.offset + step) * speed;
                angles_[2 * step * half_ + j] = static_cast<Scalar>(std::cos(angle));
                angles_[(2 * step + 1) * half_ + j] = static_cast<Scalar>(std::sin(angle));
            }
    }

    /// Turns `rows` steps, all of some sequences, to `y`, which may be x itself; `direction` is 1, or -1 for back.
    void turn(Index rows, Scalar direction, const Scalar* x, Scalar* y) const {
        parallel_for(rows, kernels::row_grain(channels_), [&](Index begin, Index end) {
            for (Index r = begin; r < end; ++r) {
                const Scalar* const cosine = angles_.data() + 2 * (r % steps_) * half_;
                const Scalar* const sine = cosine + half_;
                const Index rest = r * channels_ + 2 * heads_ * half_;
                for (Index first = r * channels_; first < rest; first += 2 * half_)
                    kernels::vector_loop(0, half_, [=, in = x + first, out = y + first, half = half_](Index j) {
                        const Scalar a = in[j], b = in[j + half];
                        out[j] = a * cosine[j] - direction * (b * sine[j]);
                        out[j + half] = b * cosine[j] + direction * (a * sine[j]);
                    });
                if (x != y)
                    std::copy(x + rest, x + (r + 1) * channels_, y + rest);
            }
        });
    }

private:
    Index steps_, half_, heads_, channels_;
    Tensor<Scalar> angles_;  ///< (steps, cosine and sine, half)
};

}  // namespace detail

/// Turns pairs of channels of queries or keys by angles that grow with the step: scores then depend on distances alone. x (N, L, heads D +
/// rest), D even; channels j and j + D / 2 of a head are a pair, as in GPT-NeoX and LLaMA (RoFormer itself pairs neighbours), and step p
/// turns it by (offset + p) base^(-2 j / D).
/// @throws ShapeError for channels that cannot be cut so; ValueError for heads below 1, a negative rest or offset, or a base of 0 or less
template <class Scalar>
[[nodiscard]] Variable<Scalar> rotary_embedding(const Variable<Scalar>& x, const RotaryOptions& options = {}) {
    const char* const operation = "rotary_embedding";
    require<ValueError>(options.heads > 0 && options.rest >= 0 && options.offset >= 0 && is_finite(options.base) && options.base > 0,
                        operation, "expected at least one head, a rest and an offset of at least 0 and a base above 0, got ", options.heads,
                        ", ", options.rest, ", ", options.offset, " and ", options.base);
    require<ShapeError>(x.rank() == 3 && x.size(2) >= options.rest && (x.size(2) - options.rest) % options.heads == 0 &&
                            (x.size(2) - options.rest) / options.heads % 2 == 0,
                        operation, "expected (N, L, ", options.heads, " D + ", options.rest, ") with an even D, got ", x.shape());
    const detail::Rotation<Scalar> rotation{x.shape(), (x.size(2) - options.rest) / options.heads, options};
    auto y = Tensor<Scalar>::empty(x.shape());
    const Index rows = x.size(0) * x.size(1);
    rotation.turn(rows, 1, x.value().data(), y.data());
    return record<Scalar>(operation, std::move(y), {x}, [rotation, rows](Gradients<Scalar>& g) {
        Tensor<Scalar> dx = std::move(g.cotangent());
        rotation.turn(g.rows() * rows, -1, dx.data(), dx.data());
        g.add(0, std::move(dx));
    });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
