// SPDX-License-Identifier: MIT
// Products of double precision: sums in registers, as in tiles.ipp. Included by kernels.hpp once for each instruction set, behind
// the vector_*.ipp that says what `dvec` is; it must include nothing.

inline constexpr int double_lanes = sizeof(dvec) / sizeof(double);

ESPALIER_INLINE dvec load_double(const double* p) {
    dvec v;
    std::memcpy(&v, p, sizeof v);
    return v;
}
ESPALIER_INLINE void store_double(double* p, dvec v) { std::memcpy(p, &v, sizeof v); }

/// c (Rows, width) = a (Rows, depth) times a panel of so many vectors, added to c if `accumulate`.
template <int Rows, int Vectors>
void double_tile(const DoubleTile& t) {
    dvec sums[Rows][Vectors];
    double edge[Vectors * double_lanes];  // a row of c whose last vector is not whole
    const Index whole = t.width / double_lanes;
#pragma GCC unroll 8
    for (int i = 0; i < Rows; ++i) {
        const double* from = t.c + i * t.c_stride;
        if (t.accumulate && whole < Vectors) {
            for (Index j = 0; j < Vectors * double_lanes; ++j)
                edge[j] = j < t.width ? from[j] : 0;
            from = edge;
        }
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v)
            sums[i][v] = t.accumulate ? load_double(from + v * double_lanes) : dvec{};
    }
    const double* row[Rows];
#pragma GCC unroll 8
    for (int i = 0; i < Rows; ++i)
        row[i] = t.a + i * t.a_row;
    const Index depth = t.depth, a_column = t.a_column, panel_step = t.panel_step;
    const double* panel = t.panel;
    for (Index k = 0, at = 0; k < depth; ++k, at += a_column, panel += panel_step) {
        dvec right[Vectors];
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v)
            right[v] = load_double(panel + v * double_lanes);
#pragma GCC unroll 8
        for (int i = 0; i < Rows; ++i) {
            const dvec left = set_double(row[i][at]);
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v)
                sums[i][v] = fma(left, right[v], sums[i][v]);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < Rows; ++i) {
        double* const row_of_c = t.c + i * t.c_stride;
        double* const to = whole < Vectors ? edge : row_of_c;
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v)
            store_double(to + v * double_lanes, sums[i][v]);
        for (Index j = 0; whole < Vectors && j < t.width; ++j)
            row_of_c[j] = edge[j];
    }
}

/// out[j] = sum over k < depth of a[k] b[j stride + k], for some columns j: in eight parts whatever the vectors, added in a tree.
ESPALIER_INLINE void double_dots_of(Index count, Index depth, const double* a, const double* b, Index stride, double* out) {
    constexpr int columns = 4, vectors = 8 / double_lanes;
    const double* column[columns];
    double parts[columns][8];
    dvec sums[columns][vectors];
#pragma GCC unroll 4
    for (int j = 0; j < columns; ++j) {
        column[j] = b + (j < count ? j : count - 1) * stride;
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v)
            sums[j][v] = dvec{};
    }
    Index k = 0;
    for (; k + 8 <= depth; k += 8)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) {
            const dvec left = load_double(a + k + v * double_lanes);
#pragma GCC unroll 4
            for (int j = 0; j < columns; ++j)
                sums[j][v] = fma(left, load_double(column[j] + k + v * double_lanes), sums[j][v]);
        }
#pragma GCC unroll 4
    for (int j = 0; j < columns; ++j) {
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v)
            store_double(parts[j] + v * double_lanes, sums[j][v]);
        for (Index rest = k; rest < depth; ++rest)
            parts[j][rest - k] += a[rest] * column[j][rest];
        for (int half = 4; half > 0; half /= 2)
            for (int p = 0; p < half; ++p)
                parts[j][p] += parts[j][p + half];
        if (j < count)
            out[j] = parts[j][0];
    }
}
inline void double_dots(Index count, Index depth, const double* a, const double* b, Index stride, double* out) {
    for (Index j = 0; j < count; j += 4)
        double_dots_of(count - j < 4 ? count - j : 4, depth, a, b + j * stride, stride, out + j);
}

/// Tiles of `Rows`, of half of them, and so on to one row.
template <int Rows>
constexpr void list_double_tiles(DoubleTable& table, int height) {
    table.tile[height][0] = double_tile<Rows, 1>;
    table.tile[height][1] = double_tile<Rows, 2>;
    if constexpr (double_vectors > 2)
        table.tile[height][2] = double_tile<Rows, 3>;
    if constexpr (Rows > 1)
        list_double_tiles<Rows / 2>(table, height + 1);
}

/// A template, so that it is compiled where it is called.
template <int Rows>
constexpr DoubleTable make_double_table() {
    DoubleTable table{};
    table.lanes = double_lanes;
    table.rows = Rows;
    table.vectors = double_vectors;
    list_double_tiles<Rows>(table, 0);
    table.dots = double_dots;
    return table;
}
