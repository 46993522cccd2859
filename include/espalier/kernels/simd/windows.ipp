// SPDX-License-Identifier: MIT
// What depthwise convolution and pooling do with runs of windows. Included by kernels.hpp behind passes.ipp.

/// `Pixels` windows at a time, so that a weight is read once for all of them; n <= lanes channels of one, or all of several.
template <int Pixels>
ESPALIER_INLINE void sum_windows(const WindowRun& run, const float* x, const WindowWeights& weights, Index j, Index n, float* out,
                                 Index out_step) {
    const auto take = [n](const float* p) { return Pixels > 1 ? load(p) : load_n(p, n); };
    const Index step = run.step;
    const Index pitch = weights.pitch;
    const WindowTap* const end = run.taps + run.count;
    const vec start = weights.bias ? take(weights.bias + j) : zero();
    vec sum[Pixels];
#pragma GCC unroll 8
    for (int p = 0; p < Pixels; ++p)
        sum[p] = start;
    for (const WindowTap* tap = run.taps; tap < end; ++tap) {
        const float* const from = x + j + tap->offset;
        const vec by = take(weights.weight + j + tap->position * pitch);
#pragma GCC unroll 8
        for (int p = 0; p < Pixels; ++p)
            sum[p] = fma(by, take(from + p * step), sum[p]);
    }
    if (weights.relu) {
#pragma GCC unroll 8
        for (int p = 0; p < Pixels; ++p)
            sum[p] = relu(sum[p]);
    }
#pragma GCC unroll 8
    for (int p = 0; p < Pixels; ++p)
        Pixels > 1 ? store(out + p * out_step + j, sum[p]) : store_n(out + j, sum[p], n);
}

inline void window_sums(const WindowRun& run, const float* x, const WindowWeights& weights, float* out, Index out_step) {
    constexpr int together = 6;
    const Index whole = run.channels / lanes * lanes;
    Index p = 0;
    while (run.pixels >= together && run.pixels - p > together / 2) {
        p = p < run.pixels - together ? p : run.pixels - together;  // many that are left are worth computing some again
        for (Index j = 0; j < whole; j += lanes)
            sum_windows<together>(run, x + p * run.step, weights, j, lanes, out + p * out_step, out_step);
        p += together;
    }
    for (Index i = 0; i < run.pixels; ++i)
        for (Index j = i < p ? whole : 0; j < run.channels; j += lanes)
            sum_windows<1>(run, x + i * run.step, weights, j, j < whole ? lanes : run.channels - j, out + i * out_step, out_step);
}

/// Products of `Taps` taps at a time with what they share, for n <= lanes channels.
template <int Taps>
ESPALIER_INLINE void multiply_windows(const WindowRun& run, const float* x, Index rows, Index x_row, const float* dy, Index dy_step,
                                      Index dy_row, Index pitch, float* sums, Index n) {
    const Index step = run.step;
    const Index pixels = run.pixels;
    for (Index t = 0; t < run.count; t += Taps) {
        const float* from[Taps];
        float* to[Taps];
        vec sum[Taps];
#pragma GCC unroll 9
        for (int i = 0; i < Taps; ++i) {  // those past the last are never stored
            const WindowTap& tap = run.taps[t + i < run.count ? t + i : run.count - 1];
            from[i] = x + tap.offset;
            to[i] = sums + tap.position * pitch;
            sum[i] = load_n(to[i], n);
        }
        const float* d = dy;
        for (Index r = 0; r < rows; ++r, d += dy_row - pixels * dy_step)
            for (Index p = 0, at = r * x_row; p < pixels; ++p, at += step, d += dy_step) {
                const vec by = load_n(d, n);
#pragma GCC unroll 9
                for (int i = 0; i < Taps; ++i)
                    sum[i] = fma(load_n(from[i] + at, n), by, sum[i]);
            }
        const Index last = run.count - t;
#pragma GCC unroll 9
        for (int i = 0; i < Taps; ++i)
            if (i < last)
                store_n(to[i], sum[i], n);
    }
}

inline void window_products(const WindowRun& run, const float* x, Index rows, Index x_row, const float* dy, Index dy_step, Index dy_row,
                            Index pitch, float* sums) {
    Index j = 0;
    for (; j + lanes <= run.channels; j += lanes)
        multiply_windows<9>(run, x + j, rows, x_row, dy + j, dy_step, dy_row, pitch, sums + j, lanes);  // a window of 3x3 at once
    if (j < run.channels)
        multiply_windows<3>(run, x + j, rows, x_row, dy + j, dy_step, dy_row, pitch, sums + j, run.channels - j);
}

inline void window_max(const WindowRun& run, const float* x, float* out, std::uint16_t* winners) {
    for (Index p = 0; p < run.pixels; ++p, x += run.step, out += run.channels, winners += run.channels)
        for (Index j = 0; j < run.channels; j += lanes) {
            const Index n = run.channels - j < lanes ? run.channels - j : lanes;
            vec best = load_n(x + run.taps[0].offset + j, n);
            choice from = choose(static_cast<int>(run.taps[0].position));
            for (Index t = 1; t < run.count; ++t)
                take_greater(best, from, load_n(x + run.taps[t].offset + j, n), static_cast<int>(run.taps[t].position));
            store_n(out + j, best, n);
            store_first(winners + j, from, n);
        }
}
