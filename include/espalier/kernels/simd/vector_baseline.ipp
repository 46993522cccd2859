// SPDX-License-Identifier: MIT
// Four floats in the vectors of g++ and clang++: what every x86-64 and every 64-bit ARM processor has. Included by kernels.hpp,
// in front of vector_four.ipp.

typedef float vec __attribute__((vector_size(16)));
typedef std::int32_t choice __attribute__((vector_size(16)));
typedef std::uint32_t unsigned_choice __attribute__((vector_size(16)));
typedef std::uint64_t wide_choice __attribute__((vector_size(16)));

ESPALIER_INLINE vec set1(float x) { return vec{x, x, x, x}; }
ESPALIER_INLINE vec zero() { return set1(0); }
ESPALIER_INLINE vec add(vec a, vec b) { return a + b; }
ESPALIER_INLINE vec sub(vec a, vec b) { return a - b; }
ESPALIER_INLINE vec mul(vec a, vec b) { return a * b; }
ESPALIER_INLINE vec div(vec a, vec b) { return a / b; }
#if defined(__ARM_NEON) && defined(__aarch64__)
ESPALIER_INLINE vec fma(vec a, vec b, vec c) { return (vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
ESPALIER_INLINE vec fused(vec a, vec b, vec c) { return fma(a, b, c); }
#else
ESPALIER_INLINE vec fma(vec a, vec b, vec c) { return a * b + c; }
ESPALIER_NOINLINE inline vec fused_one_by_one(vec a, vec b, vec c) {
    return vec{__builtin_fmaf(a[0], b[0], c[0]), __builtin_fmaf(a[1], b[1], c[1]), __builtin_fmaf(a[2], b[2], c[2]),
               __builtin_fmaf(a[3], b[3], c[3])};
}
#if defined(__SSE2__) && !defined(__FMA__)
/// In double the product is exact, and to round its sum with c a second time, to float, is to round once unless the first sum lies in
/// the middle of two floats, where what it lost might decide. (A denormal result, which has other middles, may be rounded twice.)
ESPALIER_INLINE vec fused(vec a, vec b, vec c) {
    const __m128d low = _mm_cvtps_pd((__m128)a) * _mm_cvtps_pd((__m128)b) + _mm_cvtps_pd((__m128)c);
    const auto upper = [](vec v) { return _mm_cvtps_pd(_mm_movehl_ps((__m128)v, (__m128)v)); };
    const __m128d high = upper(a) * upper(b) + upper(c);
    const choice last_bits = (choice)_mm_shuffle_ps(_mm_castpd_ps(low), _mm_castpd_ps(high), 0x88) & 0x1FFFFFFF;
    if (_mm_movemask_ps((__m128)(last_bits == choice{} + 0x10000000)) != 0) [[unlikely]]
        return fused_one_by_one(a, b, c);
    return (vec)_mm_movelh_ps(_mm_cvtpd_ps(low), _mm_cvtpd_ps(high));
}
#else
ESPALIER_INLINE vec fused(vec a, vec b, vec c) { return fused_one_by_one(a, b, c); }
#endif
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

ESPALIER_INLINE choice odd_lanes(choice a) { return (choice)((wide_choice)a >> 32); }
ESPALIER_INLINE choice interleave_even(choice a, choice b) { return (choice)(((wide_choice)a & 0xFFFFFFFFU) | (wide_choice)b << 32); }
ESPALIER_INLINE choice multiply_even(choice a, std::uint32_t by) {
#if defined(__SSE2__)
    return (choice)_mm_mul_epu32((__m128i)a, _mm_set1_epi32(static_cast<int>(by)));
#else
    return (choice)(((wide_choice)a & 0xFFFFFFFFU) * by);
#endif
}

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
