// SPDX-License-Identifier: MIT
/// @file Sequences (N, L, C) of different lengths to one row each, and what pads them to zeros.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/autograd/sequence_steps.hpp>
#include <espalier/core/finite.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {
namespace detail {

/// Sequences of a batch, each up to its end.
struct SequenceEnds {
    Index samples, longest, width;
    PoolVector<Index> ends;

    /// @throws ShapeError unless x is (N, L, C); as require_lengths
    SequenceEnds(const char* operation, const Shape& x, const std::optional<Tensor<Index>>& lengths) {
        require<ShapeError>(x.rank() == 3, operation, "expected sequences (N, L, C), got input ", x);
        if (lengths)
            require_lengths(operation, *lengths, x[0], x[1]);
        samples = x[0];
        longest = x[1];
        width = x[2];
        ends.assign(static_cast<std::size_t>(samples), longest);
        if (lengths)
            std::copy(lengths->begin(), lengths->end(), ends.begin());
    }

    [[nodiscard]] Index end_of(Index sample) const noexcept { return ends[static_cast<std::size_t>(sample)]; }

    /// `body(i, length, step, rest)` for every i of `rows` batches: where its sequence and what pads it begin in T inputs.
    template <class Body>
    void for_each(Index rows, const Body& body) const {
        parallel_for(rows * samples, kernels::row_grain(longest * width), [&](Index begin, Index end) {
            for (Index i = begin; i < end; ++i)
                body(i, end_of(i % samples), i * longest * width, (i * longest + end_of(i % samples)) * width);
        });
    }
    [[nodiscard]] Index padding_of(Index sample) const noexcept { return (longest - end_of(sample)) * width; }
};

}  // namespace detail

/// x with zeros for what is behind the end of each sequence, whatever stands there, and no gradient. @throws ShapeError, ValueError
template <class Scalar>
[[nodiscard]] Variable<Scalar> mask_padding(const Variable<Scalar>& x, const Tensor<Index>& lengths) {
    const detail::SequenceEnds sequences{"mask_padding", x.shape(), lengths};
    auto y = Tensor<Scalar>::empty(x.shape());
    sequences.for_each(1, [&](Index i, Index length, Index first, Index rest) {
        std::copy_n(x.value().data() + first, length * sequences.width, y.data() + first);
        std::fill_n(y.data() + rest, sequences.padding_of(i), Scalar(0));
    });
    return record<Scalar>("mask_padding", std::move(y), {x}, [sequences](Gradients<Scalar>& g) {
        Tensor<Scalar> dx = std::move(g.cotangent());
        sequences.for_each(g.rows(), [&](Index i, Index, Index, Index rest) {
            std::fill_n(dx.data() + rest, sequences.padding_of(i % sequences.samples), Scalar(0));
        });
        g.add(0, std::move(dx));
    });
}

/// Mean over the steps of each sequence: (N, L, C) gives (N, C). Lengths are (N,) of 0 to L, nothing behind which is read, all L if absent;
/// an empty sequence gives 0. Added up in double. @throws ShapeError, ValueError
template <class Scalar>
[[nodiscard]] Variable<Scalar> sequence_mean(const Variable<Scalar>& x, const std::optional<Tensor<Index>>& lengths = {}) {
    const detail::SequenceEnds sequences{"sequence_mean", x.shape(), lengths};
    const Index width = sequences.width;
    auto y = Tensor<Scalar>::empty({sequences.samples, width});
    sequences.for_each(1, [&](Index i, Index length, Index first, Index) {
        for (Index c = 0; c < width; ++c) {
            double sum = 0;
            for (Index step = 0; step < length; ++step)
                sum += static_cast<double>(x.value()[first + step * width + c]);
            y[i * width + c] = static_cast<Scalar>(length > 0 ? sum / static_cast<double>(length) : 0);
        }
    });
    return record<Scalar>("sequence_mean", std::move(y), {x}, [sequences, width](Gradients<Scalar>& g) {
        auto dx = Tensor<Scalar>::empty(g.input(0).shape().prepended(g.rows()));
        sequences.for_each(g.rows(), [&](Index i, Index length, Index first, Index rest) {
            for (Index step = 0; step < length; ++step)
                kernels::vector_loop(0, width,
                                     [=, n = static_cast<Scalar>(length), dy = std::as_const(g.cotangent()).data() + i * width,
                                      to = dx.data() + first + step * width](Index c) { to[c] = dy[c] / n; });
            std::fill_n(dx.data() + rest, sequences.padding_of(i % sequences.samples), Scalar(0));
        });
        g.add(0, std::move(dx));
    });
}

/// The largest value of each channel over the steps of each sequence; its gradient goes to the first of equals, and NaN passes. Lengths as
/// for `sequence_mean`. @throws ShapeError, ValueError
template <class Scalar>
[[nodiscard]] Variable<Scalar> sequence_max(const Variable<Scalar>& x, const std::optional<Tensor<Index>>& lengths = {}) {
    const detail::SequenceEnds sequences{"sequence_max", x.shape(), lengths};
    const Index width = sequences.width;
    Tensor<Scalar> y{{sequences.samples, width}};
    auto winners = Tensor<Index>::empty(y.shape());  // -1 for none
    sequences.for_each(1, [&](Index i, Index length, Index first, Index) {
        std::fill_n(winners.data() + i * width, width, Index{-1});
        for (Index step = 0; step < length; ++step)
            for (Index c = 0; c < width; ++c) {
                const Scalar value = x.value()[first + step * width + c], best = y[i * width + c];
                if (step > 0 && (value <= best || is_nan(best)))
                    continue;
                y[i * width + c] = value;
                winners[i * width + c] = step;
            }
    });
    return record<Scalar>("sequence_max", std::move(y), {x}, [sequences, width, winners = std::move(winners)](Gradients<Scalar>& g) {
        Tensor<Scalar> dx{g.input(0).shape().prepended(g.rows())};
        sequences.for_each(g.rows(), [&](Index i, Index, Index first, Index) {
            for (Index c = 0; c < width; ++c)
                if (const Index step = winners[i % sequences.samples * width + c]; step >= 0)
                    dx[first + step * width + c] = std::as_const(g.cotangent())[i * width + c];
        });
        g.add(0, std::move(dx));
    });
}

/// The last step of each sequence, of its own: (N, L, C) gives (N, C). Lengths as for `sequence_mean`. @throws ShapeError, ValueError
template <class Scalar>
[[nodiscard]] Variable<Scalar> sequence_last(const Variable<Scalar>& x, const std::optional<Tensor<Index>>& lengths = {}) {
    const detail::SequenceEnds sequences{"sequence_last", x.shape(), lengths};
    const Index width = sequences.width;
    Tensor<Scalar> y{{sequences.samples, width}};
    sequences.for_each(1, [&](Index i, Index length, Index, Index rest) {
        if (length > 0)
            std::copy_n(x.value().data() + rest - width, width, y.data() + i * width);
    });
    return record<Scalar>("sequence_last", std::move(y), {x}, [sequences, width](Gradients<Scalar>& g) {
        Tensor<Scalar> dx{g.input(0).shape().prepended(g.rows())};
        sequences.for_each(g.rows(), [&](Index i, Index length, Index, Index rest) {
            if (length > 0)
                std::copy_n(std::as_const(g.cotangent()).data() + i * width, width, dx.data() + rest - width);
        });
        g.add(0, std::move(dx));
    });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
