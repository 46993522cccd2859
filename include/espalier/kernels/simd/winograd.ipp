// SPDX-License-Identifier: MIT
// The transforms of Winograd's convolution, one vector of channels at a time. Included by kernels.hpp behind passes.ipp. Templates, so that
// a program compiles them where it asks for them; without lambdas, as in maps.ipp. Each multiply-add is a fused one and no product is
// added to anything else, so that no compiler may round it in another way.

/// What a size does along one axis: M results of R taps from M + R - 1 pixels. With the points p, of which the last is infinity, and with
/// N(p) = the product of p - q over the other finite points q (docs/architecture.md explains it),
///
///     results      y[i]  = sum over p of p^i m[p]                 the transpose of it: powers
///     taps         u[p]  = sum over i of p^i g[i] / N(p)          the transpose of it: weights
///     pixels       v[p]  = the coefficients of the product of (x - q) over the other q, times d
template <int M, int R>
struct Axis;

/// Six points: 0, a, -a, b, -b and infinity, of which 3/4 and 3/2 lose the fewest bits.
struct SixPoints {
    static constexpr int points = 6;
    static constexpr float a = 0.75F, b = 1.5F, a2 = a * a, b2 = b * b;
    static constexpr float of_zero = 1 / (a2 * b2), of_a = 1 / (2 * a2 * (a2 - b2)), of_b = 1 / (2 * b2 * (b2 - a2));

    ESPALIER_INLINE static void pixels(const vec (&d)[6], vec (&v)[6]) {
        const vec even_a = fma(set1(-b2), d[2], d[4]), odd_a = fma(set1(-b2), d[1], d[3]);
        const vec even_b = fma(set1(-a2), d[2], d[4]), odd_b = fma(set1(-a2), d[1], d[3]);
        v[0] = fma(set1(a2 * b2), d[0], fma(set1(-(a2 + b2)), d[2], d[4]));
        v[1] = fma(set1(a), odd_a, even_a);
        v[2] = fma(set1(-a), odd_a, even_a);
        v[3] = fma(set1(b), odd_b, even_b);
        v[4] = fma(set1(-b), odd_b, even_b);
        v[5] = fma(set1(a2 * b2), d[1], fma(set1(-(a2 + b2)), d[3], d[5]));
    }
};

template <>
struct Axis<4, 3> : SixPoints {
    ESPALIER_INLINE static void results(const vec (&m)[6], vec (&y)[4]) {
        const vec s = add(m[1], m[2]), d = sub(m[1], m[2]), t = add(m[3], m[4]), e = sub(m[3], m[4]);
        y[0] = add(m[0], add(s, t));
        y[1] = fma(set1(b), e, mul(set1(a), d));
        y[2] = fma(set1(b2), t, mul(set1(a2), s));
        y[3] = fma(set1(b2 * b), e, fma(set1(a2 * a), d, m[5]));
    }
    ESPALIER_INLINE static void powers(const vec (&y)[4], vec (&d)[6]) {
        const vec even_a = fma(set1(a2), y[2], y[0]), odd_a = fma(set1(a2 * a), y[3], mul(set1(a), y[1]));
        const vec even_b = fma(set1(b2), y[2], y[0]), odd_b = fma(set1(b2 * b), y[3], mul(set1(b), y[1]));
        d[0] = y[0];
        d[1] = add(even_a, odd_a);
        d[2] = sub(even_a, odd_a);
        d[3] = add(even_b, odd_b);
        d[4] = sub(even_b, odd_b);
        d[5] = y[3];
    }
    ESPALIER_INLINE static void taps(const vec (&g)[3], vec (&u)[6]) {
        const vec even_a = fma(set1(a2), g[2], g[0]), even_b = fma(set1(b2), g[2], g[0]);
        u[0] = mul(set1(of_zero), g[0]);
        u[1] = mul(set1(of_a), fma(set1(a), g[1], even_a));
        u[2] = mul(set1(of_a), fma(set1(-a), g[1], even_a));
        u[3] = mul(set1(of_b), fma(set1(b), g[1], even_b));
        u[4] = mul(set1(of_b), fma(set1(-b), g[1], even_b));
        u[5] = g[2];
    }
    ESPALIER_INLINE static void weights(const vec (&u)[6], vec (&g)[3]) {
        const vec s = add(u[1], u[2]), d = sub(u[1], u[2]), t = add(u[3], u[4]), e = sub(u[3], u[4]);
        g[0] = fma(set1(of_b), t, fma(set1(of_a), s, mul(set1(of_zero), u[0])));
        g[1] = fma(set1(of_b * b), e, mul(set1(of_a * a), d));
        g[2] = fma(set1(of_b * b2), t, fma(set1(of_a * a2), s, u[5]));
    }
};

/// Five points: 0, 1/2, -1, 2 and infinity.
template <>
struct Axis<3, 3> {
    static constexpr int points = 5;

    ESPALIER_INLINE static void pixels(const vec (&d)[5], vec (&v)[5]) {
        v[0] = fma(set1(-1.5F), add(d[1], d[2]), add(d[0], d[3]));
        v[1] = fma(set1(-2), d[1], sub(d[3], d[2]));
        v[2] = fma(set1(-2.5F), d[2], add(d[1], d[3]));
        v[3] = fma(set1(0.5F), sub(d[2], d[1]), d[3]);
        v[4] = fma(set1(-1.5F), add(d[2], d[3]), add(d[1], d[4]));
    }
    ESPALIER_INLINE static void results(const vec (&m)[5], vec (&y)[3]) {
        y[0] = add(add(m[0], m[1]), add(m[2], m[3]));
        y[1] = fma(set1(2), m[3], fma(set1(0.5F), m[1], sub(zero(), m[2])));
        y[2] = fma(set1(4), m[3], fma(set1(0.25F), m[1], add(m[2], m[4])));
    }
    ESPALIER_INLINE static void powers(const vec (&y)[3], vec (&d)[5]) {
        d[0] = y[0];
        d[1] = fma(set1(0.25F), y[2], fma(set1(0.5F), y[1], y[0]));
        d[2] = add(sub(y[0], y[1]), y[2]);
        d[3] = fma(set1(4), y[2], fma(set1(2), y[1], y[0]));
        d[4] = y[2];
    }
    ESPALIER_INLINE static void taps(const vec (&g)[3], vec (&u)[5]) {
        u[0] = g[0];
        u[1] = mul(set1(-8.0F / 9), fma(set1(0.25F), g[2], fma(set1(0.5F), g[1], g[0])));
        u[2] = mul(set1(-2.0F / 9), add(sub(g[0], g[1]), g[2]));
        u[3] = mul(set1(1.0F / 9), fma(set1(4), g[2], fma(set1(2), g[1], g[0])));
        u[4] = g[2];
    }
    ESPALIER_INLINE static void weights(const vec (&u)[5], vec (&g)[3]) {
        g[0] = fma(set1(1.0F / 9), u[3], fma(set1(-2.0F / 9), u[2], fma(set1(-8.0F / 9), u[1], u[0])));
        g[1] = fma(set1(2.0F / 9), add(u[2], u[3]), mul(set1(-4.0F / 9), u[1]));
        g[2] = fma(set1(4.0F / 9), u[3], fma(set1(-2.0F / 9), add(u[1], u[2]), u[4]));
    }
};

/// The five ways along an axis as types, with how many numbers they take and give.
template <int M, int R>
struct Pixels {
    static constexpr int takes = Axis<M, R>::points, gives = Axis<M, R>::points;
    ESPALIER_INLINE static void line(const vec (&in)[takes], vec (&out)[gives]) { Axis<M, R>::pixels(in, out); }
};
template <int M, int R>
struct Results {
    static constexpr int takes = Axis<M, R>::points, gives = M;
    ESPALIER_INLINE static void line(const vec (&in)[takes], vec (&out)[gives]) { Axis<M, R>::results(in, out); }
};
template <int M, int R>
struct Powers {
    static constexpr int takes = M, gives = Axis<M, R>::points;
    ESPALIER_INLINE static void line(const vec (&in)[takes], vec (&out)[gives]) { Axis<M, R>::powers(in, out); }
};
template <int M, int R>
struct Taps {
    static constexpr int takes = R, gives = Axis<M, R>::points;
    ESPALIER_INLINE static void line(const vec (&in)[takes], vec (&out)[gives]) { Axis<M, R>::taps(in, out); }
};
template <int M, int R>
struct Weights {
    static constexpr int takes = Axis<M, R>::points, gives = R;
    ESPALIER_INLINE static void line(const vec (&in)[takes], vec (&out)[gives]) { Axis<M, R>::weights(in, out); }
};

/// The rows of what `columns_of` gave, row r of the result.
template <class Way>
ESPALIER_INLINE void row_of(const vec (&columns)[Way::takes][Way::gives], int r, vec (&out)[Way::gives]) {
    vec in[Way::takes];
#pragma GCC unroll 8
    for (int c = 0; c < Way::takes; ++c)
        in[c] = columns[c][r];
    Way::line(in, out);
}

/// The columns of a square, of which n lanes are read, or all if `Whole`: number (r, c) is at `from + r row + c column`.
template <class Way, bool Whole>
ESPALIER_INLINE void columns_of(const float* from, Index row, Index column, Index n, vec (&out)[Way::takes][Way::gives]) {
    for (int c = 0; c < Way::takes; ++c) {
        vec in[Way::takes];
#pragma GCC unroll 8
        for (int r = 0; r < Way::takes; ++r)
            in[r] = Whole ? load(from + r * row + c * column) : load_first(from + r * row + c * column, n);
        Way::line(in, out[c]);
    }
}
template <class Way>
ESPALIER_INLINE void columns_of(const float* from, Index row, Index column, Index n, vec (&out)[Way::takes][Way::gives]) {
    n >= lanes ? columns_of<Way, true>(from, row, column, lanes, out) : columns_of<Way, false>(from, row, column, n, out);
}

/// Those of a square that an edge of the image cuts, from channel j on.
template <class Way>
ESPALIER_INLINE void columns_of_part(const WinogradSquare& from, Index j, Index n, vec (&out)[Way::takes][Way::gives]) {
    static constexpr float zeros[lanes] = {};
    for (int c = 0; c < Way::takes; ++c) {
        const bool inside = c >= from.left && c < from.right;
        const Index at = from.offset + c * from.column + j;
        vec in[Way::takes];
#pragma GCC unroll 8
        for (int r = 0; r < Way::takes; ++r)
            in[r] = load_n(inside && r >= from.top && r < from.bottom ? from.data + at + r * from.row : zeros, n);
        Way::line(in, out[c]);
    }
}

/// Number (r, c) of the result goes to `to + r row + c column`, in a whole vector.
template <class Way>
ESPALIER_INLINE void store_rows(const vec (&columns)[Way::takes][Way::gives], float* to, Index row, Index column) {
    for (int r = 0; r < Way::gives; ++r) {
        vec out[Way::gives];
        row_of<Way>(columns, r, out);
#pragma GCC unroll 8
        for (int c = 0; c < Way::gives; ++c)
            store(to + r * row + c * column, out[c]);
    }
}

/// A square of n channels transformed both ways.
template <class Way>
ESPALIER_INLINE void winograd_transform(Index n, const float* from, Index row, Index column, float* to, Index to_row, Index to_column) {
    for (Index j = 0; j < n; j += lanes) {
        vec columns[Way::takes][Way::gives];
        columns_of<Way>(from + j, row, column, n - j, columns);
        store_rows<Way>(columns, to + j, to_row, to_column);
    }
}
template <class Way>
ESPALIER_INLINE void winograd_transform(Index n, const WinogradSquare& from, float* to, Index step) {
    if (from.top == 0 && from.left == 0 && from.bottom == Way::takes && from.right == Way::takes)
        return winograd_transform<Way>(n, from.data + from.offset, from.row, from.column, to, Way::gives * step, step);
    for (Index j = 0; j < n; j += lanes) {
        vec columns[Way::takes][Way::gives];
        columns_of_part<Way>(from, j, n - j < lanes ? n - j : Index{lanes}, columns);
        store_rows<Way>(columns, to + j, Way::gives * step, step);
    }
}

template <int M, int R>
void winograd_pixels(Index n, const WinogradSquare& from, float* to, Index step) {
    winograd_transform<Pixels<M, R>>(n, from, to, step);
}
template <int M, int R>
void winograd_weights(Index n, const float* from, Index row, Index column, float* to, Index step) {
    winograd_transform<Taps<M, R>>(n, from, row, column, to, Axis<M, R>::points * step, step);
}
template <int M, int R>
void winograd_weight_gradients(Index n, const float* from, Index step, float* to, Index row, Index column) {
    winograd_transform<Weights<M, R>>(n, from, Axis<M, R>::points * step, step, to, row, column);
}
template <int M, int R>
void winograd_cotangents(Index n, const WinogradSquare& from, float* to, Index step, float* sums) {
    winograd_transform<Powers<M, R>>(n, from, to, step);
    for (Index j = 0; sums && j < n; j += lanes) {
        const Index part_of = n - j < lanes ? n - j : Index{lanes};
        vec sum = zero();
        for (int r = from.top; r < from.bottom; ++r)
            for (int c = from.left; c < from.right; ++c)
                sum = add(sum, load_n(from.data + from.offset + r * from.row + c * from.column + j, part_of));
        store(sums + j, sum);
    }
}

/// The results of a tile, of which the first rows and columns are stored.
template <int M, int R>
void winograd_results(Index n, const float* from, Index step, const WinogradResults& to) {
    using Way = Results<M, R>;
    for (Index j = 0; j < n; j += lanes) {
        const Index part_of = n - j < lanes ? n - j : Index{lanes};
        vec columns[Way::takes][M];
        columns_of<Way, true>(from + j, Way::takes * step, step, lanes, columns);
        const vec start = to.bias ? load_n(to.bias + j, part_of) : zero();
        for (int r = 0; r < to.rows; ++r) {
            vec out[M];
            row_of<Way>(columns, r, out);
#pragma GCC unroll 4
            for (int c = 0; c < M; ++c)
                if (c < to.columns) {
                    const vec y = add(out[c], start);
                    store_n(to.y + r * to.row + c * to.column + j, to.relu ? relu(y) : y, part_of);
                }
        }
    }
}

/// As `pool_tile` pools: windows of the row of pixels at x and of the one `row` floats behind it.
inline void winograd_pool(Index windows, Index n, const float* x, Index row, Index column, float* y, std::uint8_t* winners, Index pitch) {
    for (Index w = 0; w < windows; ++w, x += 2 * column, y += pitch, winners += pitch)
        for (Index j = 0; j < n; j += lanes) {
            const Index part_of = n - j < lanes ? n - j : Index{lanes};
            vec best = load_n(x + j, part_of);
            choice from = choose(0);
            take_greater(best, from, load_n(x + column + j, part_of), 1);
            take_greater(best, from, load_n(x + row + j, part_of), 2);
            take_greater(best, from, load_n(x + row + column + j, part_of), 3);
            best = relu(best);
            choose_unless_positive(best, from, 4);
            store_first(y + j, best, part_of);
            store_first(winners + j, from, part_of);
        }
}
