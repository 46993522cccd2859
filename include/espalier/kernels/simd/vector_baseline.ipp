// SPDX-License-Identifier: MIT
// Four floats in the vectors of g++ and clang++: what every x86-64 and every 64-bit ARM processor has. Included by kernels.hpp.

typedef float vec __attribute__((vector_size(16)));
typedef std::int32_t choice __attribute__((vector_size(16)));
inline constexpr int lanes = 4;

ESPALIER_INLINE vec set1(float x) { return vec{x, x, x, x}; }
ESPALIER_INLINE vec zero() { return set1(0); }
ESPALIER_INLINE vec load(const float* p) {
    vec v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}
ESPALIER_INLINE void store(float* p, vec v) { __builtin_memcpy(p, &v, sizeof v); }
ESPALIER_INLINE vec add(vec a, vec b) { return a + b; }
ESPALIER_INLINE vec sub(vec a, vec b) { return a - b; }
ESPALIER_INLINE vec mul(vec a, vec b) { return a * b; }
ESPALIER_INLINE vec div(vec a, vec b) { return a / b; }
ESPALIER_INLINE vec sqrt(vec a) {
    return vec{__builtin_sqrtf(a[0]), __builtin_sqrtf(a[1]), __builtin_sqrtf(a[2]), __builtin_sqrtf(a[3])};
}
#if defined(__ARM_NEON) && defined(__aarch64__)
ESPALIER_INLINE vec fma(vec a, vec b, vec c) { return (vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
#else
ESPALIER_INLINE vec fma(vec a, vec b, vec c) { return a * b + c; }
#endif

ESPALIER_NOINLINE inline vec load_first(const float* p, Index n, vec otherwise = zero()) {
    __builtin_memcpy(&otherwise, p, static_cast<std::size_t>(n) * sizeof(float));
    return otherwise;
}
ESPALIER_NOINLINE inline void store_first(float* p, vec v, Index n) {
    __builtin_memcpy(p, &v, static_cast<std::size_t>(n) * sizeof(float));
}

ESPALIER_INLINE vec select(choice take, vec a) { return (vec)((choice)a & take); }
ESPALIER_INLINE vec unless_negative(vec y, vec d) { return select(~(choice)(y < zero()), d); }
ESPALIER_INLINE vec max(vec a, vec b) {
    const choice greater = (choice)(a > b);
    return (vec)(((choice)a & greater) | ((choice)b & ~greater));
}
ESPALIER_INLINE vec power_of_two(vec n) { return (vec)(((choice)n << 23) + (choice)set1(1)); }
ESPALIER_INLINE vec where_positive(vec y, vec d) { return select((choice)(y > zero()), d); }

ESPALIER_INLINE choice choose(int i) { return choice{i, i, i, i}; }
ESPALIER_INLINE void take_greater(vec& best, choice& from, vec next, int i) {
    const choice better = ~(choice)(next <= best) & (choice)(((choice)best & 0x7FFFFFFF) <= 0x7F800000);
    best = (vec)(((choice)next & better) | ((choice)best & ~better));
    from = (choose(i) & better) | (from & ~better);
}
ESPALIER_INLINE void choose_unless_positive(vec v, choice& from, int i) {
    const choice positive = (choice)(v > zero());
    from = (from & positive) | (choose(i) & ~positive);
}
template <class Winner>
ESPALIER_INLINE void store_first(Winner* p, choice from, Index n) {
    for (Index i = 0; i < n; ++i)
        p[i] = static_cast<Winner>(from[i]);
}
ESPALIER_INLINE choice load_choice(const std::uint8_t* p) { return choice{p[0], p[1], p[2], p[3]}; }
ESPALIER_INLINE vec where_chosen(choice from, int i, vec d) { return select((choice)(from == choose(i)), d); }

struct vec16 {
    vec v[4];
};
ESPALIER_INLINE vec16 zero16() { return {{zero(), zero(), zero(), zero()}}; }
ESPALIER_INLINE vec16 load16(const float* p) { return {{load(p), load(p + 4), load(p + 8), load(p + 12)}}; }
ESPALIER_INLINE vec16 load_first16(const float* p, Index n) {
    float all[16] = {};
    __builtin_memcpy(all, p, static_cast<std::size_t>(n) * sizeof(float));
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
    const vec four = (a.v[0] + a.v[2]) + (a.v[1] + a.v[3]);
    return (four[0] + four[2]) + (four[1] + four[3]);
}

typedef double dvec __attribute__((vector_size(16)));
ESPALIER_INLINE dvec set_double(double x) { return dvec{x, x}; }
#if defined(__ARM_NEON) && defined(__aarch64__)
ESPALIER_INLINE dvec fma(dvec a, dvec b, dvec c) { return (dvec)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b); }
#else
ESPALIER_INLINE dvec fma(dvec a, dvec b, dvec c) { return a * b + c; }
#endif
inline constexpr int double_rows = 4;
inline constexpr int double_vectors = 2;

inline constexpr int tile_rows = 4;
inline constexpr int tile_vectors = 2;
inline constexpr int pool_rows = 4;
inline constexpr int pool_vectors = 2;
inline constexpr int dot_rows = 1;
inline constexpr int dot_columns = 2;
