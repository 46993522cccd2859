// SPDX-License-Identifier: MIT
/// @file The steps of one direction of a recurrent layer, there and back: each is a product of the few rows of its sequences with weights
/// that are packed once, and a pass over the gates.
#pragma once

#include <espalier/autograd/sequence_steps.hpp>
#include <espalier/core/threads.hpp>
#include <espalier/kernels/packed_matrix.hpp>
#include <espalier/kernels/product.hpp>
#include <espalier/kernels/recurrent.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace espalier::inline ESPALIER_ABI::autograd::detail {

/// What both ways through the steps know. `Unit` is one of kernels/recurrent.hpp.
template <class Unit, class Scalar>
struct Recurrence {
    using Matrix = kernels::PackedMatrix<Scalar>;

    SequenceSteps steps;
    Index features;   ///< C
    Index hidden;     ///< H
    bool with_bias;
    bool with_start;  ///< whether initial states are inputs
    bool with_end;    ///< whether the last states stand behind a sample's L results

    [[nodiscard]] Index sums() const noexcept { return Unit::gates * hidden; }
    /// What is kept of each step's gates.
    [[nodiscard]] Index kept() const noexcept { return 4 * hidden; }
    /// Rows of the result of one sample.
    [[nodiscard]] Index height() const noexcept { return steps.longest() + (with_end ? Unit::states : 0); }
    /// Which input the first initial state is.
    [[nodiscard]] std::size_t start_input() const noexcept { return with_bias ? 5 : 3; }
    /// Sequences that are worth a thread: enough that weights which come from a cache cost little.
    [[nodiscard]] Index grain() const noexcept {
        const Index cost = std::max<Index>(1, steps.longest() * sums() * hidden);
        return std::max<Index>(16, kernels::detail::gemm_grain / cost / 8 * 8);
    }
    [[nodiscard]] Index parts() const noexcept { return kernels::simd::ceil_div(steps.samples(), grain()); }
    /// `body(i, first, last)` for the places of part i of T times `parts()`.
    template <class Body>
    void for_each_part(Index tensors, const Body& body) const {
        parallel_for(tensors * parts(), 1, [&](Index begin, Index end) {
            for (Index i = begin; i < end; ++i) {
                const Index first = i % parts() * grain();
                body(i, first, std::min(first + grain(), steps.samples()));
            }
        });
    }
    /// The hidden weights as the steps need them: their transposes on the way there.
    [[nodiscard]] PoolVector<Matrix> hidden_products(const Scalar* weight, bool back) const {
        PoolVector<Matrix> result;
        for (const auto& part : Unit::products) {
            const Scalar* const rows = weight + part.row * hidden * hidden;
            if (back)
                result.push_back({part.rows * hidden, hidden, rows, hidden, 1});
            else
                result.push_back({hidden, part.rows * hidden, rows, 1, hidden});
        }
        return result;
    }
};

/// Rows `from(i)` times a matrix, to `to(i)`, for i < count.
template <class Scalar, class From, class To>
void multiply_rows(const kernels::PackedMatrix<Scalar>& matrix, Index count, const From& from, const To& to, const Scalar* bias) {
    constexpr Index most = 48;
    parallel_for(count, most, [&](Index begin, Index end) {
        std::array<const Scalar*, most> rows;
        std::array<Scalar*, most> out;
        for (Index i = begin; i < end; ++i) {
            rows[static_cast<std::size_t>(i - begin)] = from(i);
            out[static_cast<std::size_t>(i - begin)] = to(i);
        }
        matrix.multiply(end - begin, rows.data(), out.data(), bias ? kernels::simd::Start::bias : kernels::simd::Start::zero, bias);
    });
}

template <class Unit, class Scalar>
void unit_value(const kernels::simd::RecurrentStep<Scalar>& step) {
    if constexpr (kernels::simd::vectorised<Scalar>)
        kernels::simd::kernels_of<Unit>().value(step);
    else
        Unit::value(step);
}
template <class Unit, class Scalar>
void unit_pull(const kernels::simd::RecurrentPull<Scalar>& step) {
    if constexpr (kernels::simd::vectorised<Scalar>)
        kernels::simd::kernels_of<Unit>().pull(step);
    else
        Unit::pull(step);
}

/// The states that sequences begin with: rows of the inputs, or of zeros.
template <class Scalar>
struct StartStates {
    std::array<const Scalar*, 2> data{};  ///< (N, H) each, or null
    PoolVector<Scalar> zeros;

    [[nodiscard]] const Scalar* row(std::size_t state, Index sample) const noexcept {
        return data[state] ? data[state] + sample * static_cast<Index>(zeros.size()) : zeros.data();
    }
};

/// The steps of the sequences at some places, there. `gates` hold the inputs' products, and what is kept afterwards.
template <class Unit, class Scalar>
void run_steps(const Recurrence<Unit, Scalar>& r, Index first, Index last, const PoolVector<kernels::PackedMatrix<Scalar>>& products,
               const Scalar* bias, const StartStates<Scalar>& start, Scalar* gates, Scalar* cells, Scalar* y) {
    using kernels::simd::Start;
    const auto count = static_cast<std::size_t>(last - first);
    PoolVector<const Scalar*> before(count), cell_before(count);
    PoolVector<Scalar*> to(count);
    for (std::size_t i = 0; i < count; ++i) {
        before[i] = start.row(0, r.steps.sample(first + static_cast<Index>(i)));
        cell_before[i] = start.row(1, r.steps.sample(first + static_cast<Index>(i)));
    }
    for (Index step = 0; step < r.steps.length(first); ++step) {
        const Index active = r.steps.active(first, last, step);
        for (std::size_t k = 0; k < products.size(); ++k) {
            const auto& part = Unit::products[k];
            for (Index i = 0; i < active; ++i)
                to[static_cast<std::size_t>(i)] = gates + r.steps.row(first + i, step) * r.kept() + part.column * r.hidden;
            products[k].multiply(active, before.data(), to.data(),
                                 !part.apart ? Start::accumulate
                                 : bias      ? Start::bias
                                             : Start::zero,
                                 bias ? bias + part.row * r.hidden : nullptr);
        }
        for (Index at = 0; at < active; ++at) {
            const auto i = static_cast<std::size_t>(at);
            const Index row = r.steps.row(first + at, step);
            Scalar* const cell = cells ? cells + row * r.hidden : nullptr;
            Scalar* const hidden = y + (r.steps.sample(first + at) * r.height() + r.steps.time(first + at, step)) * r.hidden;
            unit_value<Unit, Scalar>({r.hidden, gates + row * r.kept(), before[i], cell_before[i], cell, hidden});
            before[i] = hidden;
            cell_before[i] = cell;
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        const Index place = first + static_cast<Index>(i), length = r.steps.length(place);
        Scalar* const sample = y + r.steps.sample(place) * r.height() * r.hidden;
        std::fill(sample + length * r.hidden, sample + r.steps.longest() * r.hidden, Scalar(0));
        for (Index state = 0; r.with_end && state < Unit::states; ++state)
            std::copy_n(state == 0 ? before[i] : cell_before[i], r.hidden, sample + (r.steps.longest() + state) * r.hidden);
    }
}

/// What the way back reads, and where it writes for one of the cotangents.
template <class Scalar>
struct RecurrentBack {
    const Scalar* gates;
    const Scalar* cells;
    const Scalar* y;
    const Scalar* dy;
    Scalar* d_gates;                        ///< (rows, kept)
    std::array<Scalar*, 2> d_states;        ///< (N, H) each: at the end, what comes to the initial states
};

/// The steps of the sequences at some places, back.
template <class Unit, class Scalar>
void run_back(const Recurrence<Unit, Scalar>& r, Index first, Index last, const PoolVector<kernels::PackedMatrix<Scalar>>& products,
              const StartStates<Scalar>& start, const RecurrentBack<Scalar>& b) {
    const auto count = static_cast<std::size_t>(last - first);
    PoolVector<const Scalar*> from(count);
    PoolVector<Scalar*> to(count);
    for (Index place = first; place < last; ++place) {
        const Index sample = r.steps.sample(place);
        for (Index state = 0; state < Unit::states; ++state) {
            Scalar* const d = b.d_states[static_cast<std::size_t>(state)] + sample * r.hidden;
            if (r.with_end)
                std::copy_n(b.dy + (sample * r.height() + r.steps.longest() + state) * r.hidden, r.hidden, d);
            else
                std::fill_n(d, r.hidden, Scalar(0));
        }
        to[static_cast<std::size_t>(place - first)] = b.d_states[0] + sample * r.hidden;
    }
    for (Index step = r.steps.length(first); step-- > 0;) {
        const Index active = r.steps.active(first, last, step);
        for (Index i = 0; i < active; ++i) {
            const Index place = first + i, sample = r.steps.sample(place), row = r.steps.row(place, step);
            const Index element = sample * r.height() + r.steps.time(place, step);
            const Index row_before = step > 0 ? r.steps.row(place, step - 1) : 0;
            const Index element_before = step > 0 ? sample * r.height() + r.steps.time(place, step - 1) : 0;
            const Scalar* const before = step > 0 ? b.y + element_before * r.hidden : start.row(0, sample);
            const Scalar* const cell_before = step > 0 && b.cells ? b.cells + row_before * r.hidden : start.row(1, sample);
            unit_pull<Unit, Scalar>({r.hidden, b.gates + row * r.kept(), before, cell_before, b.cells ? b.cells + row * r.hidden : nullptr,
                                     b.dy + element * r.hidden, b.d_states[0] + sample * r.hidden,
                                     b.d_states[1] ? b.d_states[1] + sample * r.hidden : nullptr, b.d_gates + row * r.kept()});
        }
        for (std::size_t k = 0; k < products.size(); ++k) {
            for (Index i = 0; i < active; ++i)
                from[static_cast<std::size_t>(i)] = b.d_gates + r.steps.row(first + i, step) * r.kept() +
                                                    Unit::products[k].column * r.hidden;
            products[k].multiply(active, from.data(), to.data(), kernels::simd::Start::accumulate);
        }
    }
}

}  // namespace espalier::inline ESPALIER_ABI::autograd::detail
