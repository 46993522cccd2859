// SPDX-License-Identifier: MIT
// Four floats in the vectors of g++ and clang++: what every x86-64 and every 64-bit ARM processor has. Included by kernels.hpp.

typedef float vec __attribute__((vector_size(16)));
typedef std::int32_t choice __attribute__((vector_size(16)));
typedef std::uint32_t unsigned_choice __attribute__((vector_size(16)));
typedef double two_doubles __attribute__((vector_size(16)));
typedef std::int64_t two_integers __attribute__((vector_size(16)));
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
ESPALIER_INLINE vec fused(vec a, vec b, vec c) { return fma(a, b, c); }
#elif defined(__FMA__)
ESPALIER_INLINE vec fma(vec a, vec b, vec c) { return a * b + c; }
ESPALIER_INLINE vec fused(vec a, vec b, vec c) {
    return vec{__builtin_fmaf(a[0], b[0], c[0]), __builtin_fmaf(a[1], b[1], c[1]), __builtin_fmaf(a[2], b[2], c[2]),
               __builtin_fmaf(a[3], b[3], c[3])};
}
#else
ESPALIER_INLINE vec fma(vec a, vec b, vec c) { return a * b + c; }
/// In double the product is exact, and the sum is rounded to odd (Boldo and Melquiond, "Emulation of a FMA and correctly rounded
/// sums", 2008): its last bit is 1 where something is missing, so that rounding it again to float is rounding once.
ESPALIER_INLINE two_doubles rounded_to_odd(two_doubles a, two_doubles b, two_doubles c) {
    const two_doubles product = a * b;
    const two_doubles sum = product + c;
    const two_doubles added = sum - product;
    const two_doubles missing = (product - (sum - added)) + (c - added);  // NaN where the sum is not finite: neither above nor below 0
    const two_doubles none = {0, 0};
    const two_integers inexact = (two_integers)(missing < none) | (two_integers)(missing > none);
    const two_integers inwards = (two_integers)(missing < none) ^ (two_integers)(sum < none);  // -1 where the sum is too far from 0
    const two_integers even = ((two_integers)sum & 1) - 1;                                     // -1 where the last bit is 0
    return (two_doubles)((two_integers)sum + ((1 + 2 * inwards) & inexact & even));
}
ESPALIER_INLINE vec fused(vec a, vec b, vec c) {
    vec sum;
    for (int i = 0; i < 4; i += 2) {
        const two_doubles odd = rounded_to_odd(two_doubles{a[i], a[i + 1]}, two_doubles{b[i], b[i + 1]}, two_doubles{c[i], c[i + 1]});
        sum[i] = static_cast<float>(odd[0]);
        sum[i + 1] = static_cast<float>(odd[1]);
    }
    return sum;
}
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
ESPALIER_INLINE vec min(vec a, vec b) {
    const choice less = (choice)(a < b);
    return (vec)(((choice)a & less) | ((choice)b & ~less));
}
ESPALIER_INLINE vec magnitude(vec a) { return (vec)((choice)a & 0x7FFFFFFF); }
ESPALIER_INLINE vec with_sign(vec a, vec sign) { return (vec)((choice)magnitude(a) | ((choice)sign & ~0x7FFFFFFF)); }
ESPALIER_INLINE vec where_less(vec a, vec b, vec then, vec otherwise) {
    const choice less = (choice)(a < b);
    return (vec)(((choice)then & less) | ((choice)otherwise & ~less));
}
ESPALIER_INLINE vec power_of_two(vec n) { return (vec)(((choice)n << 23) + (choice)set1(1)); }
ESPALIER_INLINE vec where_positive(vec y, vec d) { return select((choice)(y > zero()), d); }

ESPALIER_INLINE choice choose(int i) { return choice{i, i, i, i}; }
ESPALIER_INLINE choice bits_of(vec a) { return (choice)a; }
ESPALIER_INLINE vec of_bits(choice a) { return (vec)a; }
ESPALIER_INLINE vec to_float(choice a) { return __builtin_convertvector(a, vec); }
ESPALIER_INLINE choice lane_numbers() { return choice{0, 1, 2, 3}; }
ESPALIER_INLINE choice add(choice a, choice b) { return (choice)((unsigned_choice)a + (unsigned_choice)b); }
ESPALIER_INLINE choice sub(choice a, choice b) { return (choice)((unsigned_choice)a - (unsigned_choice)b); }
ESPALIER_INLINE choice exclusive_or(choice a, choice b) { return a ^ b; }
ESPALIER_INLINE choice shift_left_23(choice a) { return (choice)((unsigned_choice)a << 23); }
ESPALIER_INLINE choice shift_right_23(choice a) { return a >> 23; }
ESPALIER_INLINE choice where_below(choice a, choice b, choice then, choice otherwise) {
    const choice below = (choice)((unsigned_choice)a < (unsigned_choice)b);
    return (then & below) | (otherwise & ~below);
}
ESPALIER_INLINE void multiply(choice a, std::uint32_t by, choice& high, choice& low) {
    for (int i = 0; i < lanes; ++i) {
        const std::uint64_t product = std::uint64_t{static_cast<std::uint32_t>(a[i])} * by;
        high[i] = static_cast<std::int32_t>(product >> 32);
        low[i] = static_cast<std::int32_t>(product);
    }
}
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
