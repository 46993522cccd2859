// SPDX-License-Identifier: MIT
// The vector kernels, written once. Included by kernels.hpp once for each instruction set, in a namespace of its own and
// behind the vector_*.ipp that says what `vec` is; it must include nothing.

/// The sums of a tile.
template <int Rows, int Vectors>
struct Sums {
    vec v[Rows][Vectors];
};

template <int Rows, int Vectors>
ESPALIER_INLINE void multiply(const TileInput& in, Sums<Rows, Vectors>& sums) {
    const float* row[Rows];
#pragma GCC unroll 8
    for (int i = 0; i < Rows; ++i)
        row[i] = in.rows[i];
    const Index depth = in.depth;
    const std::int32_t* const offsets = in.offsets;
    const Index panel_step = in.panel_step;
    const float* panel = in.panel;
    for (Index k = 0; k < depth; ++k, panel += panel_step) {
        const Index at = offsets[k];
        vec right[Vectors];
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v)
            right[v] = load(panel + v * lanes);
#pragma GCC unroll 8
        for (int i = 0; i < Rows; ++i) {
            const vec left = set1(row[i][at]);
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v)
                sums.v[i][v] = fma(left, right[v], sums.v[i][v]);
        }
    }
}

/// Elements of vector v that lie within `width`.
ESPALIER_INLINE Index part(Index width, int v) { return width - v * lanes < lanes ? width - v * lanes : lanes; }

template <int Rows, int Vectors>
void tile(const TileInput& in, const TileOutput& out) {
    Sums<Rows, Vectors> sums;
    const Index last = part(out.width, Vectors - 1);
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
        const vec start = out.start != Start::bias ? zero()
                          : v + 1 < Vectors       ? load(out.bias + v * lanes)
                                                   : load_first(out.bias + v * lanes, last);
#pragma GCC unroll 8
        for (int i = 0; i < Rows; ++i)
            sums.v[i][v] = start;
    }
    if (out.start == Start::accumulate) {
#pragma GCC unroll 8
        for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v) {
                const float* const from = out.rows[i] + out.column + v * lanes;
                sums.v[i][v] = v + 1 < Vectors ? load(from) : load_first(from, last);
            }
    }
    multiply(in, sums);
    if (out.relu) {
#pragma GCC unroll 8
        for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v)
                sums.v[i][v] = relu(sums.v[i][v]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) {
            float* const to = out.rows[i] + out.column + v * lanes;
            if (v + 1 < Vectors || last == lanes)
                store(to, sums.v[i][v]);
            else
                store_first(to, sums.v[i][v], last);
        }
}

template <int Vectors>
void pool_tile(const TileInput& in, const PoolOutput& out) {
    Sums<pool_rows, Vectors> sums;
    const Index last = part(out.width, Vectors - 1);
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
        const vec start = !out.bias ? zero() : load_first(out.bias + v * lanes, v + 1 < Vectors ? lanes : last);
#pragma GCC unroll 8
        for (int i = 0; i < pool_rows; ++i)
            sums.v[i][v] = start;
    }
    multiply(in, sums);
#pragma GCC unroll 2
    for (int w = 0; w < pool_rows / 4; ++w)
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) {
            vec best = sums.v[4 * w][v];
            choice from = choose(0);
#pragma GCC unroll 4
            for (int i = 1; i < 4; ++i)
                take_greater(best, from, sums.v[4 * w + i][v], i);
            if (out.relu) {
                best = relu(best);
                choose_unless_positive(best, from, 4);
            }
            const Index at = out.column + v * lanes;
            store_first(out.rows[w] + at, best, v + 1 < Vectors ? lanes : last);
            store_first(out.winners[w] + at, from, v + 1 < Vectors ? lanes : last);
        }
}

template <int Rows, int Columns>
void dot(const DotInput& in) {
    vec16 sums[Rows][Columns];
#pragma GCC unroll 4
    for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
        for (int j = 0; j < Columns; ++j)
            sums[i][j] = zero16();
    const float* a[Rows];
    const float* b[Columns];
#pragma GCC unroll 4
    for (int i = 0; i < Rows; ++i)
        a[i] = in.a[i];
#pragma GCC unroll 4
    for (int j = 0; j < Columns; ++j)
        b[j] = in.b[j];
    Index k = 0;
    for (; k + 16 <= in.depth; k += 16) {
        vec16 right[Columns];
#pragma GCC unroll 4
        for (int j = 0; j < Columns; ++j)
            right[j] = load16(b[j] + k);
#pragma GCC unroll 4
        for (int i = 0; i < Rows; ++i) {
            const vec16 left = load16(a[i] + k);
#pragma GCC unroll 4
            for (int j = 0; j < Columns; ++j)
                sums[i][j] = fma16(left, right[j], sums[i][j]);
        }
    }
    if (const Index rest = in.depth - k; rest > 0) {
        vec16 right[Columns];
#pragma GCC unroll 4
        for (int j = 0; j < Columns; ++j)
            right[j] = load_first16(b[j] + k, rest);
#pragma GCC unroll 4
        for (int i = 0; i < Rows; ++i) {
            const vec16 left = load_first16(a[i] + k, rest);
#pragma GCC unroll 4
            for (int j = 0; j < Columns; ++j)
                sums[i][j] = fma16(left, right[j], sums[i][j]);
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < Rows; ++i) {
        float* const out = in.out[i];
#pragma GCC unroll 4
        for (int j = 0; j < Columns; ++j)
            if (j < in.columns)
                out[j] += sum16(sums[i][j]);
    }
}

/// Calls `body(j, n)` for vectors that cover [0, count), n elements of each.
template <class Body>
ESPALIER_INLINE void for_each_vector(Index count, const Body& body) {
    Index j = 0;
    for (; j + lanes <= count; j += lanes)
        body(j, Index{lanes});
    if (j < count)
        body(j, count - j);
}
ESPALIER_INLINE vec load_n(const float* p, Index n) { return n == lanes ? load(p) : load_first(p, n); }
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

inline void add_to_rows(Index rows, Index n, const float* x, Index stride, float* y, Index y_stride) {
    for (Index r = 0; r < rows; ++r, x += stride, y += y_stride)
        for_each_vector(n, [&](Index j, Index part_of) { store_n(y + j, add(load_n(y + j, part_of), load_n(x + j, part_of)), part_of); });
}

inline void add_column_sums(Index rows, Index n, const float* x, Index stride, double* sums) {
    for_each_vector(n, [&](Index j, Index part_of) {
        vec sum[4] = {zero(), zero(), zero(), zero()};
        const float* row = x + j;
        Index r = 0;
        for (; r + 4 <= rows; r += 4, row += 4 * stride)
#pragma GCC unroll 4
            for (int i = 0; i < 4; ++i)
                sum[i] = add(sum[i], load_n(row + i * stride, part_of));
        for (; r < rows; ++r, row += stride)
            sum[0] = add(sum[0], load_n(row, part_of));
        float total[lanes];
        store(total, add(add(sum[0], sum[1]), add(sum[2], sum[3])));
        for (Index i = 0; i < part_of; ++i)
            sums[j + i] += static_cast<double>(total[i]);
    });
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

inline void adam(Index n, const AdamRule<float>& rule, const float* gradient, float* parameter, float* first, float* second) {
    const vec decay = set1(rule.weight_decay);
    for_each_vector(n, [&](Index j, Index part_of) {
        const vec p = load_n(parameter + j, part_of);
        const vec d = fma(decay, p, load_n(gradient + j, part_of));
        const vec old = load_n(first + j, part_of);
        const vec m = fma(set1(rule.fresh1), sub(d, old), old);
        const vec v = fma(set1(rule.beta2), load_n(second + j, part_of), mul(set1(rule.fresh2), mul(d, d)));
        store_n(first + j, m, part_of);
        store_n(second + j, v, part_of);
        const vec size = add(div(sqrt(v), set1(rule.root)), set1(rule.eps));
        store_n(parameter + j, sub(mul(set1(rule.keep), p), div(mul(set1(rule.step_size), m), size)), part_of);
    });
}

template <int Rows>
constexpr void list_tiles(Table& table) {
    table.tile[Rows - 1][0] = tile<Rows, 1>;
    table.tile[Rows - 1][1] = tile<Rows, 2>;
    if constexpr (tile_vectors > 2)
        table.tile[Rows - 1][2] = tile<Rows, 3>;
    if constexpr (Rows > 1)
        list_tiles<Rows - 1>(table);
}

[[nodiscard]] constexpr Table make_table() {
    Table table{};
    table.lanes = lanes;
    table.tile_rows = tile_rows;
    table.tile_vectors = tile_vectors;
    list_tiles<tile_rows>(table);
    table.pool_rows = pool_rows;
    table.pool_vectors = pool_vectors;
    table.pool_tile[0] = pool_tile<1>;
    table.pool_tile[1] = pool_tile<2>;
    if constexpr (pool_vectors > 2)
        table.pool_tile[2] = pool_tile<3>;
    table.dot_rows = dot_rows;
    table.dot_columns = dot_columns;
    table.dot[0] = dot<1, dot_columns>;
    table.dot[1] = dot<dot_rows, dot_columns>;
    table.copy_rows = copy_rows;
    table.add_rows = add_rows;
    table.add_to_rows = add_to_rows;
    table.add_column_sums = add_column_sums;
    table.relu_backward = relu_backward;
    table.unpool_row = unpool_row;
    table.sgd = sgd;
    table.sgd_momentum = sgd_momentum;
    table.adam = adam;
    return table;
}
