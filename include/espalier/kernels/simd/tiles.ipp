// SPDX-License-Identifier: MIT
// Sums of products in registers. Included by kernels.hpp once for each instruction set, in a namespace of its own and behind
// the vector_*.ipp that says what `vec` is; it must include nothing.

/// v < 0 ? 0 : v, so that NaN passes through.
ESPALIER_INLINE vec relu(vec v) { return unless_negative(v, v); }

/// The sums of a tile.
template <int Rows, int Vectors>
struct Sums {
    vec v[Rows][Vectors];
};

/// The first `count` of `from`, then the last `Group` of them again and again.
template <int Rows, int Group, class T>
ESPALIER_INLINE void take_rows(T* (&to)[Rows], T* const* from, Index count) {
#pragma GCC unroll 8
    for (Index i = 0; i < Rows; ++i)
        to[i] = from[i < count ? i : count - Group + i % Group];
}

template <int Group, int Rows, int Vectors>
ESPALIER_INLINE void multiply(const TileInput& in, Sums<Rows, Vectors>& sums) {
    const float* row[Rows];
    take_rows<Rows, Group>(row, in.rows, in.count);
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
    float* to[Rows];
    take_rows<Rows, 1>(to, out.rows, in.count);
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
        const vec start = out.start != Start::bias ? zero()
                          : v + 1 < Vectors        ? load(out.bias + v * lanes)
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
                const float* const from = to[i] + out.column + v * lanes;
                sums.v[i][v] = v + 1 < Vectors ? load(from) : load_first(from, last);
            }
    }
    multiply<1>(in, sums);
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
            float* const at = to[i] + out.column + v * lanes;
            if (v + 1 < Vectors || last == lanes)
                store(at, sums.v[i][v]);
            else
                store_first(at, sums.v[i][v], last);
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
    multiply<4>(in, sums);
    float* to[pool_rows / 4];
    std::uint8_t* winners[pool_rows / 4];
    take_rows<pool_rows / 4, 1>(to, out.rows, in.count / 4);
    take_rows<pool_rows / 4, 1>(winners, out.winners, in.count / 4);
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
            store_first(to[w] + at, best, v + 1 < Vectors ? lanes : last);
            store_first(winners[w] + at, from, v + 1 < Vectors ? lanes : last);
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
            if (j < in.columns) {
                const float y = out[j] + sum16(sums[i][j]);
                out[j] = in.relu && y < 0 ? 0 : y;
            }
    }
}
