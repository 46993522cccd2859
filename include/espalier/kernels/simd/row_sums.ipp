// SPDX-License-Identifier: MIT
// Sums over one row, in sixteen lanes whatever the vectors. Included by kernels.hpp behind doubles.ipp.

inline constexpr float ones16[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

ESPALIER_INLINE vec16 first16(const float* p, Index n) { return n == 16 ? load16(p) : load_first16(p, n); }

/// A value in all of sixteen lanes, or in the first of them.
struct Broadcast16 {
    float v[16];

    ESPALIER_INLINE explicit Broadcast16(float value) {
        for (float& lane : v)
            lane = value;
    }
    ESPALIER_INLINE vec16 first(Index n) const { return first16(v, n); }
};

/// `Sums` sums over a row at once: `add(j, n, to)` adds what n elements from j on give, at most sixteen, to the sums of sixteen lanes.
template <int Sums, class Add>
ESPALIER_INLINE void sum_row_by(Index n, const Add& add, double* sums) {
    for (int i = 0; i < Sums; ++i)
        sums[i] = 0;
    constexpr Index block = 1024;  // few enough that sums of floats are as good as doubles
    for (Index first = 0; first < n; first += block) {
        const Index end = n - first < block ? n : first + block;
        vec16 even[Sums], odd[Sums];  // two chains, of which neither waits for the other
        for (int i = 0; i < Sums; ++i)
            even[i] = odd[i] = zero16();
        Index j = first;
        for (; end - j >= 32; j += 32) {
            add(j, 16, even);
            add(j + 16, 16, odd);
        }
        for (; j < end; j += 16)
            add(j, end - j < 16 ? end - j : 16, even);
        for (int i = 0; i < Sums; ++i)
            sums[i] += static_cast<double>(sum16(even[i])) + static_cast<double>(sum16(odd[i]));
    }
}

inline double row_sum(Index n, const float* x) {
    double sum;
    sum_row_by<1>(
        n, [=](Index j, Index count, vec16* to) { to[0] = fma16(first16(x + j, count), load16(ones16), to[0]); }, &sum);
    return sum;
}
inline double row_product(Index n, const float* x, const float* y) {
    double sum;
    sum_row_by<1>(
        n, [=](Index j, Index count, vec16* to) { to[0] = fma16(first16(x + j, count), first16(y + j, count), to[0]); }, &sum);
    return sum;
}
inline double row_squares(Index n, const float* x, float shift) {
    const Broadcast16 minus_shift{-shift};
    double sum;
    sum_row_by<1>(
        n,
        [&](Index j, Index count, vec16* to) {
            const vec16 d = fma16(first16(x + j, count), load16(ones16), minus_shift.first(count));
            to[0] = fma16(d, d, to[0]);
        },
        &sum);
    return sum;
}
