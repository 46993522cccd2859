// SPDX-License-Identifier: MIT
// Four floats in the vectors of g++ and clang++: what every x86-64 and every 64-bit ARM processor has. Included by kernels.hpp,
// in front of vector_four.ipp.

typedef float vec __attribute__((vector_size(16)));
typedef std::int32_t choice __attribute__((vector_size(16)));
typedef std::uint32_t unsigned_choice __attribute__((vector_size(16)));
typedef double two_doubles __attribute__((vector_size(16)));
typedef std::int64_t two_integers __attribute__((vector_size(16)));

ESPALIER_INLINE vec set1(float x) { return vec{x, x, x, x}; }
ESPALIER_INLINE vec zero() { return set1(0); }
ESPALIER_INLINE vec add(vec a, vec b) { return a + b; }
ESPALIER_INLINE vec sub(vec a, vec b) { return a - b; }
ESPALIER_INLINE vec mul(vec a, vec b) { return a * b; }
ESPALIER_INLINE vec div(vec a, vec b) { return a / b; }
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
ESPALIER_INLINE choice add(choice a, choice b) { return (choice)((unsigned_choice)a + (unsigned_choice)b); }
ESPALIER_INLINE choice sub(choice a, choice b) { return (choice)((unsigned_choice)a - (unsigned_choice)b); }
ESPALIER_INLINE choice exclusive_or(choice a, choice b) { return a ^ b; }
ESPALIER_INLINE choice shift_left_23(choice a) { return (choice)((unsigned_choice)a << 23); }
ESPALIER_INLINE choice shift_right_23(choice a) { return a >> 23; }
ESPALIER_INLINE choice where_below(choice a, choice b, choice then, choice otherwise) {
    const choice below = (choice)((unsigned_choice)a < (unsigned_choice)b);
    return (then & below) | (otherwise & ~below);
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
ESPALIER_INLINE vec where_chosen(choice from, int i, vec d) { return select((choice)(from == choose(i)), d); }

typedef double dvec __attribute__((vector_size(16)));
#if defined(__ARM_NEON) && defined(__aarch64__)
ESPALIER_INLINE dvec fma(dvec a, dvec b, dvec c) { return (dvec)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b); }
#else
ESPALIER_INLINE dvec fma(dvec a, dvec b, dvec c) { return a * b + c; }
#endif

/// The rows of a 4 x 4 matrix become its columns.
ESPALIER_INLINE void transpose_four(vec& a, vec& b, vec& c, vec& d) {
    const vec ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const vec cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    a = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5);
    b = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
    c = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
    d = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}
