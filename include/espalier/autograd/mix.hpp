// SPDX-License-Identifier: MIT
/// @file Weighted sums of several variables, by weights that are learned: what gates make of experts, and exchange of networks.
#pragma once

#include <espalier/autograd/record.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI::autograd {
namespace detail {

/// How terms are cut: into parts of `size` elements, the last one perhaps shorter, each with one row of weights.
struct MixParts {
    Index terms;
    Index numel;
    Index size;
    Index count;
    Index weight_stride;  ///< from a part's weights to the next part's, 0 if all have the same

    static MixParts of(Index terms, const Shape& term, bool weights_of_samples) {
        constexpr Index same_weights = 8192;  // elements of a part where the cut is free
        const Index numel = term.numel();
        const Index size = weights_of_samples ? std::max<Index>(1, numel / std::max<Index>(1, term[0])) : same_weights;
        return {terms, numel, size, numel ? (numel - 1) / size + 1 : 0, weights_of_samples ? terms : 0};
    }
    /// `body(part, begin, end)` for all parts, on all threads.
    template <class Body>
    void for_each(const Body& body) const {
        parallel_for(count, kernels::row_grain(size * terms), [&](Index first, Index last) {
            for (Index part = first; part < last; ++part)
                body(part, part * size, std::min(numel, (part + 1) * size));
        });
    }
};

/// In double, but for so few products at a time that sums of floats are as good.
template <class Scalar>
[[nodiscard]] double inner_product(Index n, const Scalar* a, const Scalar* b) noexcept {
    constexpr Index lanes = 16, block = 32 * lanes;
    double total = 0;
    for (Index first = 0; first < n; first += block) {
        const Index end = std::min(n, first + block), whole = first + (end - first) / lanes * lanes;
        std::array<Scalar, lanes> sums{};
        for (Index i = first; i < whole; i += lanes)
            for (Index j = 0; j < lanes; ++j)
                sums[static_cast<std::size_t>(j)] += a[i + j] * b[i + j];
        for (Index i = whole; i < end; ++i)
            sums[static_cast<std::size_t>(i - whole)] += a[i] * b[i];
        for (const Scalar sum : sums)
            total += static_cast<double>(sum);
    }
    return total;
}

/// The gradients of the weights for one cotangent: inner products of it and the terms.
template <class Scalar>
void mix_weights_backward(const MixParts& parts, const Gradients<Scalar>& g, const Scalar* dy, Scalar* to) {
    const auto terms = static_cast<std::size_t>(parts.terms);
    PoolVector<double> products(terms * static_cast<std::size_t>(parts.count));
    parts.for_each([&](Index part, Index begin, Index end) {
        for (Index i = 0; i < parts.terms; ++i)
            products[static_cast<std::size_t>(part * parts.terms + i)] = inner_product(end - begin, dy + begin,
                                                                                       g.input(static_cast<std::size_t>(i)).data() + begin);
    });
    if (parts.weight_stride == 0)
        for (std::size_t i = terms; i < products.size(); ++i)
            products[i % terms] += products[i];
    for (Index i = 0; i < g.input(terms).numel(); ++i)
        to[i] = products.empty() ? Scalar(0) : static_cast<Scalar>(products[static_cast<std::size_t>(i)]);
}

}  // namespace detail

/// sum over i of `weights[i] * terms[i]` with weights (terms,), or (N, terms) of the samples of terms (N, ...); both are differentiated.
/// The terms are added in their order.
/// @throws ShapeError for no term, terms of different shapes, or weights of another shape
template <class Scalar>
[[nodiscard]] Variable<Scalar> mix(std::span<const Variable<Scalar>> terms, const Variable<Scalar>& weights) {
    require<ShapeError>(!terms.empty(), "mix", "expected at least one term, got none");
    const Shape& shape = terms[0].shape();
    const auto count = static_cast<Index>(terms.size());
    for (std::size_t i = 1; i < terms.size(); ++i)
        require<ShapeError>(terms[i].shape() == shape, "mix", "expected terms of one shape, got ", shape, " and ", terms[i].shape(), " at ",
                            i);
    const bool of_samples = weights.rank() == 2 && shape.rank() > 0 && weights.shape() == Shape{shape[0], count};
    require<ShapeError>(of_samples || weights.shape() == Shape{count}, "mix", "expected weights (", count, ",) or (N, ", count, ") of ",
                        count, " terms ", shape, ", got ", weights.shape());
    const auto parts = detail::MixParts::of(count, shape, of_samples);
    auto y = Tensor<Scalar>::empty(shape);
    parts.for_each([&](Index part, Index begin, Index end) {
        const Scalar* const w = weights.value().data() + part * parts.weight_stride;
        std::fill(y.data() + begin, y.data() + end, Scalar(0));
        for (Index i = 0; i < count; ++i)
            kernels::vector_loop(begin, end,
                                 [to = y.data(), x = terms[static_cast<std::size_t>(i)].value().data(), factor = w[i]](Index j) {
                                     to[j] += factor * x[j];
                                 });
    });
    PoolVector<Variable<Scalar>> inputs(terms.begin(), terms.end());
    inputs.push_back(weights);
    return record<Scalar>("mix", std::move(y), inputs, [parts](Gradients<Scalar>& g) {
        const auto last = static_cast<std::size_t>(parts.terms);
        if (g.needs(last)) {
            auto gradient = Tensor<Scalar>::empty(g.input(last).shape().prepended(g.rows()));
            for (Index t = 0; t < g.rows(); ++t)
                detail::mix_weights_backward(parts, g, g.cotangent().data() + t * parts.numel, gradient.data() + t * g.input(last).numel());
            g.add(last, std::move(gradient));
        }
        for (std::size_t i = 0; i < last; ++i) {
            if (!g.needs(i))
                continue;
            auto gradient = Tensor<Scalar>::empty(g.cotangent().shape());
            for (Index t = 0; t < g.rows(); ++t)
                parts.for_each([&](Index part, Index begin, Index end) {
                    const Scalar factor = g.input(last)[part * parts.weight_stride + static_cast<Index>(i)];
                    kernels::vector_loop(begin, end,
                                         [=, dy = g.cotangent().data() + t * parts.numel, to = gradient.data() + t * parts.numel](Index j) {
                                             to[j] = factor * dy[j];
                                         });
                });
            g.add(i, std::move(gradient));
        }
    });
}

}  // namespace espalier::inline ESPALIER_ABI::autograd
