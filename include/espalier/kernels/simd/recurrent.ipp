// SPDX-License-Identifier: MIT
// Steps of recurrent units, kernels/recurrent.hpp. Included by kernels.hpp behind passes.ipp. Lanes without an element are 1, for which
// nothing raises a floating-point exception.

ESPALIER_INLINE vec load_or_1(const float* p, Index n) { return load_n(p, n, set1(1)); }

ESPALIER_INLINE void step_of(Gru, const RecurrentStep<float>& s, Index j, Index part_of) {
    float* const gate = s.gates + j;
    const vec r = value_of(Sigmoid{}, load_or_1(gate, part_of), zero());
    const vec z = value_of(Sigmoid{}, load_or_1(gate + s.n, part_of), zero());
    const vec sum = fused(r, load_or_1(gate + 3 * s.n, part_of), load_or_1(gate + 2 * s.n, part_of));
    const vec n = value_of(Tanh{}, sum, zero());
    store_n(gate, r, part_of);
    store_n(gate + s.n, z, part_of);
    store_n(gate + 2 * s.n, n, part_of);
    store_n(s.hidden + j, fused(z, sub(load_or_1(s.before + j, part_of), n), n), part_of);
}
ESPALIER_INLINE void pull_of(Gru, const RecurrentPull<float>& s, Index j, Index part_of) {
    const float* const gate = s.gates + j;
    const vec r = load_or_1(gate, part_of), z = load_or_1(gate + s.n, part_of);
    const vec n = load_or_1(gate + 2 * s.n, part_of), m = load_or_1(gate + 3 * s.n, part_of);
    const vec d = add(load_or_1(s.d_hidden + j, part_of), load_or_1(s.dy + j, part_of));
    const vec dn = pull_of(Tanh{}, n, n, mul(d, sub(set1(1), z)), zero());
    const vec dz = mul(d, sub(load_or_1(s.before + j, part_of), n));
    float* const to = s.d_gates + j;
    store_n(to, pull_of(Sigmoid{}, r, r, mul(dn, m), zero()), part_of);
    store_n(to + s.n, pull_of(Sigmoid{}, z, z, dz, zero()), part_of);
    store_n(to + 2 * s.n, dn, part_of);
    store_n(to + 3 * s.n, mul(dn, r), part_of);
    store_n(s.d_hidden + j, mul(d, z), part_of);
}

ESPALIER_INLINE void step_of(Lstm, const RecurrentStep<float>& s, Index j, Index part_of) {
    float* const gate = s.gates + j;
    const vec i = value_of(Sigmoid{}, load_or_1(gate, part_of), zero());
    const vec f = value_of(Sigmoid{}, load_or_1(gate + s.n, part_of), zero());
    const vec g = value_of(Tanh{}, load_or_1(gate + 2 * s.n, part_of), zero());
    const vec o = value_of(Sigmoid{}, load_or_1(gate + 3 * s.n, part_of), zero());
    const vec cell = fused(f, load_or_1(s.cell_before + j, part_of), mul(i, g));
    store_n(gate, i, part_of);
    store_n(gate + s.n, f, part_of);
    store_n(gate + 2 * s.n, g, part_of);
    store_n(gate + 3 * s.n, o, part_of);
    store_n(s.cell + j, cell, part_of);
    store_n(s.hidden + j, mul(o, value_of(Tanh{}, cell, zero())), part_of);
}
ESPALIER_INLINE void pull_of(Lstm, const RecurrentPull<float>& s, Index j, Index part_of) {
    const float* const gate = s.gates + j;
    const vec i = load_or_1(gate, part_of), f = load_or_1(gate + s.n, part_of);
    const vec g = load_or_1(gate + 2 * s.n, part_of), o = load_or_1(gate + 3 * s.n, part_of);
    const vec d = add(load_or_1(s.d_hidden + j, part_of), load_or_1(s.dy + j, part_of));
    const vec t = value_of(Tanh{}, load_or_1(s.cell + j, part_of), zero());
    const vec slope = mul(sub(set1(1), t), add(set1(1), t));
    const vec d_cell = fused(mul(d, o), slope, load_or_1(s.d_cell + j, part_of));
    float* const to = s.d_gates + j;
    store_n(to, pull_of(Sigmoid{}, i, i, mul(d_cell, g), zero()), part_of);
    store_n(to + s.n, pull_of(Sigmoid{}, f, f, mul(d_cell, load_or_1(s.cell_before + j, part_of)), zero()), part_of);
    store_n(to + 2 * s.n, pull_of(Tanh{}, g, g, mul(d_cell, i), zero()), part_of);
    store_n(to + 3 * s.n, pull_of(Sigmoid{}, o, o, mul(d, t), zero()), part_of);
    store_n(s.d_cell + j, mul(d_cell, f), part_of);
    store_n(s.d_hidden + j, zero(), part_of);
}

template <class F>
void recurrent_step(const RecurrentStep<float>& s) {
    for (Index j = 0; j < s.n; j += lanes)
        step_of(F{}, s, j, s.n - j < lanes ? s.n - j : Index{lanes});
}
template <class F>
void recurrent_pull(const RecurrentPull<float>& s) {
    for (Index j = 0; j < s.n; j += lanes)
        pull_of(F{}, s, j, s.n - j < lanes ? s.n - j : Index{lanes});
}
template <class F>
constexpr void take_kernels(RecurrentKernels& kernels) {
    kernels = {recurrent_step<F>, recurrent_pull<F>};
}
