// SPDX-License-Identifier: MIT
// Sixteen floats. Included by kernels.hpp in a region that is compiled for AVX-512 F. Masked forms stand where plain ones
// would do: g++ 12 warns of the undefined operand that its own header gives to those.

using vec = __m512;
inline constexpr int lanes = 16;

ESPALIER_INLINE vec zero() { return _mm512_setzero_ps(); }
ESPALIER_INLINE vec set1(float x) { return _mm512_set1_ps(x); }
ESPALIER_INLINE vec load(const float* p) { return _mm512_loadu_ps(p); }
ESPALIER_INLINE void store(float* p, vec v) { _mm512_storeu_ps(p, v); }
ESPALIER_INLINE vec fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
ESPALIER_INLINE vec add(vec a, vec b) { return _mm512_add_ps(a, b); }
ESPALIER_INLINE vec sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
ESPALIER_INLINE vec mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
ESPALIER_INLINE vec div(vec a, vec b) { return _mm512_div_ps(a, b); }
ESPALIER_INLINE vec sqrt(vec a) { return _mm512_maskz_sqrt_ps(0xFFFF, a); }
/// a > b ? a : b, so that NaN in b passes through.
ESPALIER_INLINE vec max(vec a, vec b) { return _mm512_maskz_max_ps(0xFFFF, a, b); }
ESPALIER_INLINE vec min(vec a, vec b) { return _mm512_maskz_min_ps(0xFFFF, a, b); }
/// a b + c, rounded once on every processor: `fma` where that is fast, else emulated.
ESPALIER_INLINE vec fused(vec a, vec b, vec c) { return fma(a, b, c); }
ESPALIER_INLINE vec magnitude(vec a) {
    return _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32(0x7FFFFFFF)));
}
/// a with the sign of `sign`.
ESPALIER_INLINE vec with_sign(vec a, vec sign) {
    const __m512i bit = _mm512_and_si512(_mm512_castps_si512(set1(-0.0F)), _mm512_castps_si512(sign));
    return _mm512_castsi512_ps(_mm512_or_si512(_mm512_castps_si512(magnitude(a)), bit));
}
/// a < b ? then : otherwise; with NaN, `otherwise`.
ESPALIER_INLINE vec where_less(vec a, vec b, vec then, vec otherwise) {
    return _mm512_mask_mov_ps(otherwise, _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), then);
}
/// 2^n for whole n in [-126, 127], told as 1.5 2^23 + n, whose last bits are n.
ESPALIER_INLINE vec power_of_two(vec n) {
    const __m512i exponent = _mm512_maskz_slli_epi32(0xFFFF, _mm512_castps_si512(n), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(exponent, _mm512_castps_si512(set1(1))));
}

ESPALIER_INLINE __mmask16 first(Index n) { return static_cast<__mmask16>((1U << n) - 1U); }
/// The first n lanes, 0 <= n <= 16; the others are zero and nothing of them is read.
ESPALIER_INLINE vec load_first(const float* p, Index n) { return _mm512_maskz_loadu_ps(first(n), p); }
ESPALIER_INLINE vec load_first(const float* p, Index n, vec otherwise) { return _mm512_mask_loadu_ps(otherwise, first(n), p); }
ESPALIER_INLINE void store_first(float* p, vec v, Index n) { _mm512_mask_storeu_ps(p, first(n), v); }

/// y < 0 ? 0 : d.
ESPALIER_INLINE vec unless_negative(vec y, vec d) { return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(y, zero(), _CMP_NLT_UQ), d); }
/// d where y > 0, else 0.
ESPALIER_INLINE vec where_positive(vec y, vec d) { return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(y, zero(), _CMP_GT_OQ), d); }

/// Four integers of 32 bits a lane of `vec`: which of several values was taken.
using choice = __m512i;
ESPALIER_INLINE choice choose(int i) { return _mm512_set1_epi32(i); }
ESPALIER_INLINE choice bits_of(vec a) { return _mm512_castps_si512(a); }
ESPALIER_INLINE vec of_bits(choice a) { return _mm512_castsi512_ps(a); }
ESPALIER_INLINE vec to_float(choice a) { return _mm512_maskz_cvtepi32_ps(0xFFFF, a); }
ESPALIER_INLINE choice lane_numbers() { return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
ESPALIER_INLINE choice add(choice a, choice b) { return _mm512_add_epi32(a, b); }
ESPALIER_INLINE choice sub(choice a, choice b) { return _mm512_sub_epi32(a, b); }
ESPALIER_INLINE choice exclusive_or(choice a, choice b) { return _mm512_xor_si512(a, b); }
ESPALIER_INLINE choice shift_left_23(choice a) { return _mm512_maskz_slli_epi32(0xFFFF, a, 23); }
/// The sign moves in.
ESPALIER_INLINE choice shift_right_23(choice a) { return _mm512_maskz_srai_epi32(0xFFFF, a, 23); }
/// a < b ? then : otherwise, of unsigned numbers.
ESPALIER_INLINE choice where_below(choice a, choice b, choice then, choice otherwise) {
    return _mm512_mask_mov_epi32(otherwise, _mm512_cmp_epu32_mask(a, b, _MM_CMPINT_LT), then);
}
ESPALIER_INLINE choice exclusive_or(choice a, choice b, choice c) { return _mm512_ternarylogic_epi32(a, b, c, 0x96); }
/// Lanes 0, 2, ... as unsigned numbers times `by`: the 64 bits of each in that lane and the next.
ESPALIER_INLINE choice multiply_even(choice a, std::uint32_t by) {
    return _mm512_maskz_mul_epu32(0xFF, a, _mm512_set1_epi32(static_cast<int>(by)));
}
/// Lanes 1, 3, ... in the place of the one before, behind each a 0.
ESPALIER_INLINE choice odd_lanes(choice a) { return _mm512_maskz_srli_epi64(0xFF, a, 32); }
/// Lanes 0, 2, ... of both, in turns.
ESPALIER_INLINE choice interleave_even(choice a, choice b) {
    return _mm512_mask_mov_epi32(a, 0xAAAA, _mm512_maskz_slli_epi64(0xFF, b, 32));
}
/// Takes `next` where it is greater or NaN and `best` is a number; NaN stays.
ESPALIER_INLINE void take_greater(vec& best, choice& from, vec next, int i) {
    const __mmask16 number = _mm512_cmp_ps_mask(best, best, _CMP_ORD_Q);
    const __mmask16 better = _mm512_mask_cmp_ps_mask(number, next, best, _CMP_NLE_UQ);
    best = _mm512_mask_mov_ps(best, better, next);
    from = _mm512_mask_mov_epi32(from, better, choose(i));
}
ESPALIER_INLINE void choose_unless_positive(vec v, choice& from, int i) {
    from = _mm512_mask_mov_epi32(choose(i), _mm512_cmp_ps_mask(v, zero(), _CMP_GT_OQ), from);
}
ESPALIER_INLINE void store_first(std::uint8_t* p, choice from, Index n) { _mm512_mask_cvtepi32_storeu_epi8(p, first(n), from); }
/// Reads a byte for each lane.
ESPALIER_INLINE choice load_choice(const std::uint8_t* p) {
    return _mm512_maskz_cvtepu8_epi32(0xFFFF, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
ESPALIER_INLINE void store_first(std::uint16_t* p, choice from, Index n) {
    const __m256i words = _mm512_maskz_cvtepi32_epi16(0xFFFF, from);  // narrowing stores with a mask are slow
    if (n == lanes)
        __builtin_memcpy(p, &words, 32);
    else
        __builtin_memcpy(p, &words, static_cast<std::size_t>(2 * n));
}
/// d in the lanes that chose i, else 0.
ESPALIER_INLINE vec where_chosen(choice from, int i, vec d) { return _mm512_maskz_mov_ps(_mm512_cmpeq_epi32_mask(from, choose(i)), d); }

/// Sixteen floats whatever the instruction set, so that sums over them have the same bits with AVX2 and AVX-512.
struct vec16 {
    vec v;
};
ESPALIER_INLINE vec16 widened(vec a) { return {a}; }  ///< with zeros behind it
ESPALIER_INLINE vec16 zero16() { return {zero()}; }
ESPALIER_INLINE vec16 load16(const float* p) { return {load(p)}; }
ESPALIER_INLINE vec16 load_first16(const float* p, Index n) { return {load_first(p, n)}; }
ESPALIER_INLINE vec16 fma16(vec16 a, vec16 b, vec16 c) { return {fma(a.v, b.v, c.v)}; }
ESPALIER_INLINE float largest(vec v) {
    const __m512d pairs = _mm512_castps_pd(v);
    const __m256 low = _mm256_castpd_ps(_mm512_maskz_extractf64x4_pd(0xF, pairs, 0));
    const __m256 eight = _mm256_max_ps(low, _mm256_castpd_ps(_mm512_maskz_extractf64x4_pd(0xF, pairs, 1)));
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}
ESPALIER_INLINE float sum16(vec16 a) {
    const __m512d pairs = _mm512_castps_pd(a.v);
    const __m256 low = _mm256_castpd_ps(_mm512_maskz_extractf64x4_pd(0xF, pairs, 0));
    const __m256 eight = _mm256_add_ps(low, _mm256_castpd_ps(_mm512_maskz_extractf64x4_pd(0xF, pairs, 1)));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

using dvec = __m512d;
ESPALIER_INLINE dvec set_double(double x) { return _mm512_set1_pd(x); }
ESPALIER_INLINE dvec fma(dvec a, dvec b, dvec c) { return _mm512_fmadd_pd(a, b, c); }
inline constexpr int double_rows = 8;
inline constexpr int double_vectors = 3;

/// Tiles that the registers hold: rows x vectors of `tile`, of `pool_tile` and rows x columns of `dot`.
inline constexpr int tile_rows = 8;
inline constexpr int tile_vectors = 3;
inline constexpr int pool_rows = 8;
inline constexpr int pool_vectors = 3;
inline constexpr int dot_rows = 4;
inline constexpr int dot_columns = 4;
