// SPDX-License-Identifier: MIT
// What four floats do lane by lane or by the operations of vector_baseline.ipp and vector_portable.ipp. Included by kernels.hpp behind
// one of these.

inline constexpr int lanes = 4;

ESPALIER_INLINE vec load(const float* p) {
    vec v;
    std::memcpy(&v, p, sizeof v);
    return v;
}
ESPALIER_INLINE void store(float* p, vec v) { std::memcpy(p, &v, sizeof v); }
ESPALIER_INLINE vec sqrt(vec a) { return vec{std::sqrt(a[0]), std::sqrt(a[1]), std::sqrt(a[2]), std::sqrt(a[3])}; }
ESPALIER_NOINLINE inline vec load_first(const float* p, Index n, vec otherwise = zero()) {
    std::memcpy(&otherwise, p, static_cast<std::size_t>(n) * sizeof(float));
    return otherwise;
}
ESPALIER_NOINLINE inline void store_first(float* p, vec v, Index n) { std::memcpy(p, &v, static_cast<std::size_t>(n) * sizeof(float)); }

ESPALIER_INLINE choice lane_numbers() { return choice{0, 1, 2, 3}; }
template <class Winner>
ESPALIER_INLINE void store_first(Winner* p, choice from, Index n) {
    for (Index i = 0; i < n; ++i)
        p[i] = static_cast<Winner>(from[i]);
}
ESPALIER_INLINE choice load_choice(const std::uint8_t* p) { return choice{p[0], p[1], p[2], p[3]}; }
ESPALIER_INLINE choice exclusive_or(choice a, choice b, choice c) { return exclusive_or(exclusive_or(a, b), c); }

struct vec16 {
    vec v[4];
};
ESPALIER_INLINE vec16 widened(vec a) { return {{a, zero(), zero(), zero()}}; }
ESPALIER_INLINE vec16 zero16() { return {{zero(), zero(), zero(), zero()}}; }
ESPALIER_INLINE vec16 load16(const float* p) { return {{load(p), load(p + 4), load(p + 8), load(p + 12)}}; }
ESPALIER_INLINE vec16 load_first16(const float* p, Index n) {
    float all[16] = {};
    std::memcpy(all, p, static_cast<std::size_t>(n) * sizeof(float));
    return load16(all);
}
ESPALIER_INLINE vec16 fma16(vec16 a, vec16 b, vec16 c) {
    return {{fma(a.v[0], b.v[0], c.v[0]), fma(a.v[1], b.v[1], c.v[1]), fma(a.v[2], b.v[2], c.v[2]), fma(a.v[3], b.v[3], c.v[3])}};
}
ESPALIER_INLINE float largest(vec v) {
    const float a = v[0] > v[2] ? v[0] : v[2];
    const float b = v[1] > v[3] ? v[1] : v[3];
    return a > b ? a : b;
}
ESPALIER_INLINE float sum16(vec16 a) {
    const vec four = add(add(a.v[0], a.v[2]), add(a.v[1], a.v[3]));
    return (four[0] + four[2]) + (four[1] + four[3]);
}

ESPALIER_INLINE dvec set_double(double x) { return dvec{x, x}; }

inline constexpr int double_rows = 4;
inline constexpr int double_vectors = 2;

inline constexpr int tile_rows = 4;
inline constexpr int tile_vectors = 2;
inline constexpr int pool_rows = 4;
inline constexpr int pool_vectors = 2;
inline constexpr int dot_rows = 1;
inline constexpr int dot_columns = 2;
