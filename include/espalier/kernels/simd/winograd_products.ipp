// SPDX-License-Identifier: MIT
// The products of Winograd's convolution. Included by kernels.hpp behind tiles.ipp. They are short: what `multiply` there asks for a tile,
// the addresses of its rows and of each element in them, and a call of it, would take a quarter of their time. Strides tell all of that.

/// Some rows of one number's product; a tile of more than `count` rows computes the last again.
template <int Rows, int Vectors>
ESPALIER_INLINE void winograd_product(const WinogradProducts& p, Index count, const float* rows, const float* panel, float* out) {
    if (p.add) {
#pragma GCC unroll 8
        for (Index i = 0; i < Rows; ++i)
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v)
                __builtin_prefetch(out + (i < count ? i : count - 1) * p.out_row + v * lanes, 1);
    }
    const float* row[Rows];
#pragma GCC unroll 8
    for (Index i = 0; i < Rows; ++i)
        row[i] = rows + (i < count ? i : count - 1) * p.row;
    for (Index first = 0; first < p.depth; first += p.chain) {
        Sums<Rows, Vectors> sums;
#pragma GCC unroll 8
        for (int i = 0; i < Rows; ++i)
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v)
                sums.v[i][v] = zero();
        const Index end = p.depth - first < p.chain ? p.depth : first + p.chain;
        Index at = first * p.column;
        const Index column = p.column, panel_row = p.panel_row;
        for (Index k = first; k < end; ++k, at += column, panel += panel_row) {
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
        if (p.add || first > 0) {
#pragma GCC unroll 8
            for (Index i = 0; i < Rows; ++i)
#pragma GCC unroll 4
                for (int v = 0; v < Vectors; ++v)
                    sums.v[i][v] = add(load(out + (i < count ? i : count - 1) * p.out_row + v * lanes), sums.v[i][v]);
        }
#pragma GCC unroll 8
        for (Index i = 0; i < Rows; ++i)
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v)
                store(out + (i < count ? i : count - 1) * p.out_row + v * lanes, sums.v[i][v]);
    }
}

template <int Vectors>
void winograd_products(const WinogradProducts& p) {
    for (Index number = 0; number < p.numbers; ++number) {
        const float* const panel = p.panel + number * p.panel_step;
        for (Index i = 0; i < p.count; i += tile_rows) {
            const float* const rows = p.rows + number * p.rows_step + i * p.row;
            float* const out = p.out + number * p.out_step + i * p.out_row;
            if (p.count - i > tile_rows / 2)
                winograd_product<tile_rows, Vectors>(p, p.count - i, rows, panel, out);
            else
                winograd_product<tile_rows / 2, Vectors>(p, p.count - i, rows, panel, out);
        }
    }
}
