// SPDX-License-Identifier: MIT
// Passes over rows and arrays. Included by kernels.hpp behind tiles.ipp.

/// Calls `body(j, n)` for vectors that cover [0, count), n elements of each.
template <class Body>
ESPALIER_INLINE void for_each_vector(Index count, const Body& body) {
    Index j = 0;
    for (; j + lanes <= count; j += lanes)
        body(j, Index{lanes});
    if (j < count)
        body(j, count - j);
}
/// The same with the body compiled once: for long ones, where asking for each vector whether it is whole costs little.
template <class Body>
ESPALIER_INLINE void for_each_part(Index count, const Body& body) {
    for (Index j = 0; j < count; j += lanes)
        body(j, count - j < lanes ? count - j : Index{lanes});
}
ESPALIER_INLINE vec load_n(const float* p, Index n) { return n == lanes ? load(p) : load_first(p, n); }
ESPALIER_INLINE vec load_n(const float* p, Index n, vec otherwise) { return n == lanes ? load(p) : load_first(p, n, otherwise); }
ESPALIER_INLINE void store_n(float* p, vec v, Index n) { n == lanes ? store(p, v) : store_first(p, v, n); }

inline void copy_rows(Index rows, Index n, const float* x, Index stride, float* out, Index out_stride, Index padded) {
    for (Index r = 0; r < rows; ++r, x += stride, out += out_stride) {
        for_each_vector(n, [&](Index j, Index part_of) { store_n(out + j, load_n(x + j, part_of), part_of); });
        for (Index j = n; j < padded; ++j)
            out[j] = 0;
    }
}

inline void add_rows(Index n, Index count, const float* a, Index a_step, const float* x, Index stride, float* y) {
    for (; count > 0; count -= 8, a += 8 * a_step, x += 8 * stride) {
        if (count >= 8) {
            const vec f[8] = {set1(a[0]),          set1(a[a_step]),     set1(a[2 * a_step]), set1(a[3 * a_step]),
                              set1(a[4 * a_step]), set1(a[5 * a_step]), set1(a[6 * a_step]), set1(a[7 * a_step])};
            for_each_vector(n, [&](Index j, Index part_of) {
                vec sum = load_n(y + j, part_of);
#pragma GCC unroll 8
                for (int r = 0; r < 8; ++r)
                    sum = fma(f[r], load_n(x + r * stride + j, part_of), sum);
                store_n(y + j, sum, part_of);
            });
        } else {
            for_each_vector(n, [&](Index j, Index part_of) {
                vec sum = load_n(y + j, part_of);
                for (Index r = 0; r < count; ++r)
                    sum = fma(set1(a[r * a_step]), load_n(x + r * stride + j, part_of), sum);
                store_n(y + j, sum, part_of);
            });
        }
    }
}

inline void weighted_runs(Index runs, const WeightedRun* run, const float* weights, Index n, const float* x, float* y) {
    for (; runs > 0; --runs, ++run, y += n) {
        const float* const w = weights + run->weights;
        const float* const from = x + run->first * n;
        for_each_vector(n, [&, count = run->count](Index j, Index part_of) {
            vec sum = zero();
            for (Index k = 0; k < count; ++k)
                sum = fma(set1(w[k]), load_n(from + k * n + j, part_of), sum);
            store_n(y + j, sum, part_of);
        });
    }
}

inline void add_to_rows(Index rows, Index n, const float* x, Index stride, float* y, Index y_stride) {
    for (Index r = 0; r < rows; ++r, x += stride, y += y_stride)
        for_each_vector(n, [&](Index j, Index part_of) { store_n(y + j, add(load_n(y + j, part_of), load_n(x + j, part_of)), part_of); });
}

/// What is summed over rows: x, (x - shift) y, or (x - shift)^2. `of_columns` is what a term needs of n columns from j on, and `added`
/// the sum with the term of those at offset `at` of the arrays.
struct PlainTerm {
    const float* x;
    ESPALIER_INLINE vec of_columns(Index, Index) const { return zero(); }
    ESPALIER_INLINE vec added(vec sum, Index at, Index n, vec) const { return add(load_n(x + at, n), sum); }
};
struct ProductTerm {
    const float* x;
    const float* shift;
    const float* y;
    ESPALIER_INLINE vec of_columns(Index j, Index n) const { return load_n(shift + j, n); }
    ESPALIER_INLINE vec added(vec sum, Index at, Index n, vec center) const {
        return fma(sub(load_n(x + at, n), center), load_n(y + at, n), sum);
    }
};
struct SquareTerm {
    const float* x;
    const float* shift;
    ESPALIER_INLINE vec of_columns(Index j, Index n) const { return load_n(shift + j, n); }
    ESPALIER_INLINE vec added(vec sum, Index at, Index n, vec center) const {
        const vec d = sub(load_n(x + at, n), center);
        return fma(d, d, sum);
    }
};

/// Of some rows from `offset` of the arrays on.
template <class Term>
ESPALIER_INLINE void add_terms_of_block(const Term& term, Index rows, Index n, Index offset, Index stride, double* sums) {
    const Index whole = n / 64 * 64;  // whatever the vectors, so that all of them sum in the same order
    for (Index j = 0; j < n;) {
        // Four sums at once, of vectors side by side or, at the end, of every fourth row of one.
        const bool wide = j < whole;
        const Index part_of = n - j < lanes ? n - j : Index{lanes};
        const Index gap = wide ? Index{lanes} : stride;
        const Index step = wide ? stride : 4 * stride;
        vec of_columns[4];
        vec sum[4];
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
            of_columns[i] = term.of_columns(j + (wide ? i * lanes : 0), part_of);
            sum[i] = zero();
        }
        Index at = offset + j;
        for (Index r = wide ? rows : rows / 4; r > 0; --r, at += step)
#pragma GCC unroll 4
            for (int i = 0; i < 4; ++i)
                sum[i] = term.added(sum[i], at + i * gap, part_of, of_columns[i]);
        for (Index r = wide ? 0 : rows % 4; r > 0; --r, at += stride)
            sum[0] = term.added(sum[0], at, part_of, of_columns[0]);
        if (!wide)
            sum[0] = add(add(sum[0], sum[1]), add(sum[2], sum[3]));
        float total[4 * lanes];
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i)
            store(total + i * lanes, sum[i]);
        const Index columns = wide ? Index{4 * lanes} : part_of;
        for (Index i = 0; i < columns; ++i)
            sums[j + i] += static_cast<double>(total[i]);
        j += columns;
    }
}

template <class Term>
ESPALIER_INLINE void add_terms(const Term& term, Index rows, Index n, Index stride, double* sums) {
    constexpr Index block = 256;  // few enough that sums of floats are as good as doubles
    for (Index r = 0; r < rows; r += block)
        add_terms_of_block(term, rows - r < block ? rows - r : block, n, r * stride, stride, sums);
}

inline void add_column_sums(Index rows, Index n, const float* x, Index stride, double* sums) {
    add_terms(PlainTerm{x}, rows, n, stride, sums);
}
inline void add_column_products(Index rows, Index n, const float* x, const float* shift, const float* y, Index stride, double* sums) {
    add_terms(ProductTerm{x, shift, y}, rows, n, stride, sums);
}
inline void add_column_squares(Index rows, Index n, const float* x, const float* shift, Index stride, double* sums) {
    add_terms(SquareTerm{x, shift}, rows, n, stride, sums);
}

inline void affine_rows(Index rows, const Affine& f, const float* x, const float* z, float* y) {
    for (Index r = 0; r < rows; ++r, x += f.n, y += f.n) {
        for_each_vector(f.n, [&](Index j, Index part_of) {
            const vec d = sub(load_n(x + j, part_of), load_n(f.shift + j, part_of));
            vec sum = fma(d, load_n(f.scale + j, part_of), load_n(f.offset + j, part_of));
            if (z)
                sum = add(sum, load_n(z + j, part_of));
            if (f.z_scale)
                sum = mul(sum, load_n(f.z_scale + j, part_of));
            store_n(y + j, f.relu ? relu(sum) : sum, part_of);
        });
        z = z ? z + f.n : z;
    }
}

/// e^x for x <= 0 to about two units in the last place; 0 below the normal numbers, and NaN passes.
ESPALIER_INLINE vec exp(vec x) {
    const vec least = set1(-87.3365447F);
    vec n;
    const vec r = exp_remainder<Fast>(max(least, x), n);
    return unless_negative(sub(x, least), mul(exp_near_0<Fast>(r), power_of_two(n)));
}

/// e^(x - top). Half the distance to the largest never overflows, and where it is 500 nothing is left of e^x.
ESPALIER_INLINE vec exp_of_distance(vec x, float top) {
    const vec half = max(set1(-500), fma(set1(0.5F), x, set1(-0.5F * top)));
    return exp(add(half, half));
}
/// Lanes without an element have the largest: what is computed in them raises no floating-point exception.
ESPALIER_INLINE vec exp_of_distance(const float* x, Index part_of, float top) {
    return exp_of_distance(load_n(x, part_of, set1(top)), top);
}

inline void softmax_rows(Index rows, Index n, const float* x, float* p, float* top, float* sum) {
    if (n <= lanes) {  // a row that never leaves its vector
        const vec within = load_n(ones16, n);
        for (Index r = 0; r < rows; ++r, x += n, p += n) {
            const vec row = load_n(x, n, set1(x[0]));
            const float most = largest(row);
            const vec e = where_positive(within, exp_of_distance(row, most));
            const float total = sum16(widened(e));
            store_n(p, mul(e, set1(1 / total)), n);
            top[r] = most;
            sum[r] = total;
        }
        return;
    }
    for (Index r = 0; r < rows; ++r, x += n, p += n) {
        vec largest_of_lanes = set1(x[0]);
        for_each_part(n, [&](Index j, Index part_of) {
            largest_of_lanes = max(largest_of_lanes, load_first(x + j, part_of, largest_of_lanes));
        });
        const float most = largest(largest_of_lanes);
        for_each_part(n, [&](Index j, Index part_of) { store_n(p + j, exp_of_distance(x + j, part_of, most), part_of); });
        const auto total = static_cast<float>(row_sum(n, p));
        const vec share = set1(1 / total);
        for_each_part(n, [&](Index j, Index part_of) { store_n(p + j, mul(load_n(p + j, part_of), share), part_of); });
        top[r] = most;
        sum[r] = total;
    }
}

inline void softmax_again(Index n, const float* x, float top, float sum, float* p) {
    const vec share = set1(1 / sum);
    for_each_part(n, [&](Index j, Index part_of) { store_n(p + j, mul(exp_of_distance(x + j, part_of, top), share), part_of); });
}

inline void relu_backward(Index pixels, Index n, const float* y, const float* dy, float* dx, Index pitch) {
    for (Index p = 0; p < pixels; ++p, y += n, dy += n, dx += pitch)
        for_each_vector(n, [&](Index j, Index part_of) {
            store_n(dx + j, where_positive(load_n(y + j, part_of), load_n(dy + j, part_of)), part_of);
        });
}

inline void unpool_row(Index windows, Index n, const float* dy, const std::uint8_t* winners, int first, float* dx, Index pitch) {
    for (Index p = 0; p < windows; ++p, dy += n, winners += n, dx += 2 * pitch)
        for_each_vector(n, [&](Index j, Index part_of) {
            const vec d = load_n(dy + j, part_of);
            const choice from = load_choice(winners + j);
            store_n(dx + j, where_chosen(from, first, d), part_of);
            store_n(dx + pitch + j, where_chosen(from, first + 1, d), part_of);
        });
}

inline void sgd(Index n, const SgdRule<float>& rule, const float* gradient, float* parameter) {
    const vec step = set1(-rule.learning_rate);
    const vec decay = set1(rule.weight_decay);
    for_each_vector(n, [&](Index j, Index part_of) {
        const vec p = load_n(parameter + j, part_of);
        store_n(parameter + j, fma(step, fma(decay, p, load_n(gradient + j, part_of)), p), part_of);
    });
}

inline void sgd_momentum(Index n, const SgdRule<float>& rule, const float* gradient, float* parameter, float* velocity) {
    const vec step = set1(-rule.learning_rate);
    const vec decay = set1(rule.weight_decay);
    const vec momentum = set1(rule.momentum);
    const vec fresh = set1(rule.fresh);
    for_each_vector(n, [&](Index j, Index part_of) {
        const vec p = load_n(parameter + j, part_of);
        const vec d = fma(decay, p, load_n(gradient + j, part_of));
        const vec v = fma(momentum, load_n(velocity + j, part_of), mul(fresh, d));
        store_n(velocity + j, v, part_of);
        store_n(parameter + j, fma(step, rule.nesterov ? fma(momentum, v, d) : v, p), part_of);
    });
}

inline void adagrad(Index n, const AdagradRule<float>& rule, const float* gradient, float* parameter, float* squares) {
    const vec decay = set1(rule.weight_decay);
    for_each_part(n, [&](Index j, Index part_of) {
        const vec p = load_n(parameter + j, part_of);
        const vec d = fma(decay, p, load_n(gradient + j, part_of, set1(1)));  // as for adam
        const vec s = fma(d, d, load_n(squares + j, part_of));
        store_n(squares + j, s, part_of);
        store_n(parameter + j, sub(p, div(mul(set1(rule.step_size), d), add(sqrt(s), set1(rule.eps)))), part_of);
    });
}

inline void adam(Index n, const AdamRule<float>& rule, const float* gradient, float* parameter, float* first, float* second) {
    const vec decay = set1(rule.weight_decay);
    for_each_part(n, [&](Index j, Index part_of) {
        const vec p = load_n(parameter + j, part_of);
        const vec d = fma(decay, p, load_n(gradient + j, part_of, set1(1)));  // 1 where there is none: a step of 0 / 0 would trap
        const vec old = load_n(first + j, part_of);
        const vec m = fma(set1(rule.fresh1), sub(d, old), old);
        const vec v = fma(set1(rule.beta2), load_n(second + j, part_of), mul(set1(rule.fresh2), mul(d, d)));
        store_n(first + j, m, part_of);
        store_n(second + j, v, part_of);
        const vec size = add(div(sqrt(v), set1(rule.root)), set1(rule.eps));
        store_n(parameter + j, sub(mul(set1(rule.keep), p), div(mul(set1(rule.step_size), m), size)), part_of);
    });
}
