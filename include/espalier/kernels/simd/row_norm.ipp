// SPDX-License-Identifier: MIT
// Rows that are normalised, kernels/row_norm.hpp. Included by kernels.hpp behind passes.ipp.

ESPALIER_INLINE vec normalised(const NormalisedRow<float>& row, Index j, Index part_of) {
    return mul(sub(load_n(row.x + j, part_of), set1(row.mean)), set1(row.inverse));
}

inline void normalise_row(const NormalisedRow<float>& row, const float* bias, float* y) {
    for_each_vector(row.n, [&](Index j, Index part_of) {
        const vec start = bias ? load_n(bias + j, part_of) : zero();
        store_n(y + j, fma(load_n(row.weight + j, part_of), normalised(row, j, part_of), start), part_of);
    });
}

inline void row_slopes(const NormalisedRow<float>& row, const float* dy, double* sums) {
    const Broadcast16 minus_mean{-row.mean};
    sum_row_by<2>(
        row.n,
        [&](Index j, Index count, vec16* to) {
            const vec16 w = first16(row.weight + j, count), d = first16(dy + j, count);
            to[0] = fma16(w, d, to[0]);
            to[1] = fma16(fma16(w, d, zero16()), fma16(first16(row.x + j, count), load16(ones16), minus_mean.first(count)), to[1]);
        },
        sums);
    sums[1] *= static_cast<double>(row.inverse);
}

inline void normalise_row_back(const NormalisedRow<float>& row, const float* dy, float of_one, float of_z, float* dx) {
    const vec one = set1(-of_one), by_z = set1(-of_z);
    for_each_vector(row.n, [&](Index j, Index part_of) {
        const vec d = fma(load_n(row.weight + j, part_of), load_n(dy + j, part_of), one);
        store_n(dx + j, mul(fma(normalised(row, j, part_of), by_z, d), set1(row.inverse)), part_of);
    });
}

/// `Vectors` vectors of columns, the last of them perhaps in part.
template <int Vectors>
ESPALIER_INLINE void add_normalised_products(Index rows, Index width, Index stride, const float* x, const float* means,
                                             const float* inverses, const float* dy, double* sums) {
    vec sum[Vectors];
#pragma GCC unroll 4
    for (int i = 0; i < Vectors; ++i)
        sum[i] = zero();
    for (Index r = 0; r < rows; ++r, x += stride, dy += stride) {
        const vec mean = set1(means ? means[r] : 0.0F), inverse = set1(inverses[r]);
#pragma GCC unroll 4
        for (int i = 0; i < Vectors; ++i) {
            const Index count = i + 1 < Vectors ? Index{lanes} : width - i * lanes;
            const vec z = mul(sub(load_n(x + i * lanes, count), mean), inverse);
            sum[i] = fma(z, load_n(dy + i * lanes, count), sum[i]);
        }
    }
    float total[Vectors * lanes];
#pragma GCC unroll 4
    for (int i = 0; i < Vectors; ++i)
        store(total + i * lanes, sum[i]);
    for (Index i = 0; i < width; ++i)
        sums[i] += static_cast<double>(total[i]);
}

/// For at most 256 rows, few enough that sums of floats are as good as doubles.
inline void add_normalised_columns(Index rows, Index n, Index stride, const float* x, const float* means, const float* inverses,
                                   const float* dy, double* sums) {
    Index j = 0;
    for (; n - j >= 4 * lanes; j += 4 * lanes)
        add_normalised_products<4>(rows, 4 * lanes, stride, x + j, means, inverses, dy + j, sums + j);
    for (; j < n; j += lanes)
        add_normalised_products<1>(rows, n - j < lanes ? n - j : Index{lanes}, stride, x + j, means, inverses, dy + j, sums + j);
}

template <class F>
constexpr void take_kernels(RowNormKernels& kernels) {
    kernels = {normalise_row, row_slopes, normalise_row_back, add_normalised_columns};
}
