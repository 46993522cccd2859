// SPDX-License-Identifier: MIT
/// @file A scale and a shift of each channel of each sample: what makes a network do as another input says.
#pragma once

#include <espalier/autograd/record.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/elementwise.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace espalier::inline ESPALIER_ABI::autograd {
namespace detail {

/// (N, ..., C) as N samples of so many places with C channels.
struct FilmExtents {
    Index samples;
    Index places;
    Index channels;

    [[nodiscard]] Index sample() const noexcept { return places * channels; }
    /// `body(i, sample, scratch)` for the samples of T tensors, i of T N, with memory for a double of each channel.
    template <class Body>
    void for_each(Index tensors, const Body& body) const {
        parallel_for(tensors * samples, kernels::row_grain(sample()), static_cast<std::size_t>(channels) * sizeof(double),
                     [&](Index first, Index last, void* scratch) {
                         for (Index i = first; i < last; ++i)
                             body(i, i % samples, static_cast<double*>(scratch));
                     });
    }
};

/// For each sample of each cotangent, the sum over its places of `term(dy, x)`.
template <class Scalar, class Term>
[[nodiscard]] Tensor<Scalar> film_sums(const FilmExtents& e, Gradients<Scalar>& g, const Term& term) {
    auto result = Tensor<Scalar>::empty({g.rows(), e.samples, e.channels});
    e.for_each(g.rows(), [&, all = g.cotangent().data(), to = result.data()](Index i, Index sample, double* sums) {
        std::fill_n(sums, e.channels, 0.0);
        const Scalar* dy = all + i * e.sample();
        const Scalar* x = g.input(0).data() + sample * e.sample();
        for (Index place = 0; place < e.places; ++place, dy += e.channels, x += e.channels)
            kernels::vector_loop(0, e.channels, [=](Index c) { sums[c] += static_cast<double>(term(dy[c], x[c])); });
        std::transform(sums, sums + e.channels, to + i * e.channels, [](double sum) { return static_cast<Scalar>(sum); });
    });
    return result;
}

}  // namespace detail

/// `scale * x + shift` with scale and shift (N, C) of the samples' channels, x (N, ..., C); all three are differentiated. The operation
/// of FiLM (Perez et al., "FiLM: visual reasoning with a general conditioning layer", AAAI 2018, arXiv:1709.07871).
/// @throws ShapeError for shapes that do not fit
template <class Scalar>
[[nodiscard]] Variable<Scalar> film(const Variable<Scalar>& x, const Variable<Scalar>& scale, const Variable<Scalar>& shift) {
    require<ShapeError>(x.rank() >= 2, "film", "expected (N, ..., C), got input ", x.shape());
    const Shape modulation{x.size(0), x.size(-1)};
    require<ShapeError>(scale.shape() == modulation && shift.shape() == modulation, "film", "expected scale and shift ", modulation,
                        " of input ", x.shape(), ", got ", scale.shape(), " and ", shift.shape());
    const detail::FilmExtents e{x.size(0), x.shape().product(1, x.rank() - 1), x.size(-1)};
    auto y = Tensor<Scalar>::empty(x.shape());
    e.for_each(1, [&, out = y.data()](Index, Index sample, double*) {
        const Scalar* const a = scale.value().data() + sample * e.channels;
        const Scalar* const b = shift.value().data() + sample * e.channels;
        for (Index at = sample * e.sample(), end = at + e.sample(); at < end; at += e.channels)
            kernels::vector_loop(0, e.channels,
                                 [=, from = x.value().data() + at, to = out + at](Index c) { to[c] = a[c] * from[c] + b[c]; });
    });
    return record<Scalar>("film", std::move(y), {x, scale, shift}, [e](Gradients<Scalar>& g) {
        if (g.needs(1))
            g.add(1, detail::film_sums(e, g, [](Scalar dy, Scalar value) { return dy * value; }));
        if (g.needs(2))
            g.add(2, detail::film_sums(e, g, [](Scalar dy, Scalar) { return dy; }));
        if (!g.needs(0))
            return;
        Scalar* const dx = g.cotangent().data();  // in place: it is not needed any more
        e.for_each(g.rows(), [&](Index i, Index sample, double*) {
            const Scalar* const a = g.input(1).data() + sample * e.channels;
            for (Index at = i * e.sample(), end = at + e.sample(); at < end; at += e.channels)
                kernels::vector_loop(0, e.channels, [=, to = dx + at](Index c) { to[c] *= a[c]; });
        });
        g.add(0, std::move(g.cotangent()));
    });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
