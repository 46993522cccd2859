// SPDX-License-Identifier: MIT
// Eight floats. Included by kernels.hpp in a region that is compiled for AVX2 and FMA.

using vec = __m256;
inline constexpr int lanes = 8;

ESPALIER_INLINE vec zero() { return _mm256_setzero_ps(); }
ESPALIER_INLINE vec set1(float x) { return _mm256_set1_ps(x); }
ESPALIER_INLINE vec load(const float* p) { return _mm256_loadu_ps(p); }
ESPALIER_INLINE void store(float* p, vec v) { _mm256_storeu_ps(p, v); }
ESPALIER_INLINE vec fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
ESPALIER_INLINE vec add(vec a, vec b) { return _mm256_add_ps(a, b); }
ESPALIER_INLINE vec sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
ESPALIER_INLINE vec mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
ESPALIER_INLINE vec div(vec a, vec b) { return _mm256_div_ps(a, b); }
ESPALIER_INLINE vec sqrt(vec a) { return _mm256_sqrt_ps(a); }
ESPALIER_INLINE vec max(vec a, vec b) { return _mm256_max_ps(a, b); }
ESPALIER_INLINE vec min(vec a, vec b) { return _mm256_min_ps(a, b); }
ESPALIER_INLINE vec fused(vec a, vec b, vec c) { return fma(a, b, c); }
ESPALIER_INLINE vec magnitude(vec a) { return _mm256_andnot_ps(set1(-0.0F), a); }
ESPALIER_INLINE vec with_sign(vec a, vec sign) { return _mm256_or_ps(magnitude(a), _mm256_and_ps(set1(-0.0F), sign)); }
ESPALIER_INLINE vec where_less(vec a, vec b, vec then, vec otherwise) {
    return _mm256_blendv_ps(otherwise, then, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
ESPALIER_INLINE vec power_of_two(vec n) {
    const __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(n), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(exponent, _mm256_castps_si256(set1(1))));
}

ESPALIER_INLINE __m256i first(Index n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
ESPALIER_INLINE vec load_first(const float* p, Index n) { return _mm256_maskload_ps(p, first(n)); }
ESPALIER_INLINE vec load_first(const float* p, Index n, vec otherwise) {
    return _mm256_blendv_ps(otherwise, load_first(p, n), _mm256_castsi256_ps(first(n)));
}
ESPALIER_INLINE void store_first(float* p, vec v, Index n) { _mm256_maskstore_ps(p, first(n), v); }

ESPALIER_INLINE vec unless_negative(vec y, vec d) { return _mm256_andnot_ps(_mm256_cmp_ps(y, zero(), _CMP_LT_OQ), d); }
ESPALIER_INLINE vec where_positive(vec y, vec d) { return _mm256_and_ps(_mm256_cmp_ps(y, zero(), _CMP_GT_OQ), d); }

using choice = __m256i;
ESPALIER_INLINE choice choose(int i) { return _mm256_set1_epi32(i); }
ESPALIER_INLINE choice bits_of(vec a) { return _mm256_castps_si256(a); }
ESPALIER_INLINE vec of_bits(choice a) { return _mm256_castsi256_ps(a); }
ESPALIER_INLINE vec to_float(choice a) { return _mm256_cvtepi32_ps(a); }
ESPALIER_INLINE choice lane_numbers() { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
ESPALIER_INLINE choice add(choice a, choice b) { return _mm256_add_epi32(a, b); }
ESPALIER_INLINE choice sub(choice a, choice b) { return _mm256_sub_epi32(a, b); }
ESPALIER_INLINE choice exclusive_or(choice a, choice b) { return _mm256_xor_si256(a, b); }
ESPALIER_INLINE choice shift_left_23(choice a) { return _mm256_slli_epi32(a, 23); }
ESPALIER_INLINE choice shift_right_23(choice a) { return _mm256_srai_epi32(a, 23); }
ESPALIER_INLINE choice where_below(choice a, choice b, choice then, choice otherwise) {
    const choice flip = choose(-0x7FFFFFFF - 1);
    return _mm256_blendv_epi8(otherwise, then, _mm256_cmpgt_epi32(_mm256_xor_si256(b, flip), _mm256_xor_si256(a, flip)));
}
ESPALIER_INLINE choice exclusive_or(choice a, choice b, choice c) { return exclusive_or(exclusive_or(a, b), c); }
ESPALIER_INLINE choice multiply_even(choice a, std::uint32_t by) { return _mm256_mul_epu32(a, _mm256_set1_epi32(static_cast<int>(by))); }
ESPALIER_INLINE choice odd_lanes(choice a) { return _mm256_srli_epi64(a, 32); }
ESPALIER_INLINE choice interleave_even(choice a, choice b) { return _mm256_blend_epi32(a, _mm256_slli_epi64(b, 32), 0xAA); }
ESPALIER_INLINE choice blend(choice a, choice b, vec take_b) {
    return _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), take_b));
}
ESPALIER_INLINE void take_greater(vec& best, choice& from, vec next, int i) {
    const vec better = _mm256_and_ps(_mm256_cmp_ps(next, best, _CMP_NLE_UQ), _mm256_cmp_ps(best, best, _CMP_ORD_Q));
    best = _mm256_blendv_ps(best, next, better);
    from = blend(from, choose(i), better);
}
ESPALIER_INLINE void choose_unless_positive(vec v, choice& from, int i) {
    from = blend(choose(i), from, _mm256_cmp_ps(v, zero(), _CMP_GT_OQ));
}
ESPALIER_INLINE void store_first(std::uint8_t* p, choice from, Index n) {
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(from), _mm256_extracti128_si256(from, 1));
    const long long bytes = _mm_cvtsi128_si64(_mm_packus_epi16(words, words));
    if (n == lanes)
        __builtin_memcpy(p, &bytes, 8);
    else
        __builtin_memcpy(p, &bytes, static_cast<std::size_t>(n));
}
ESPALIER_INLINE choice load_choice(const std::uint8_t* p) {
    long long bytes = 0;
    __builtin_memcpy(&bytes, p, 8);
    return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(bytes));
}
ESPALIER_INLINE void store_first(std::uint16_t* p, choice from, Index n) {
    const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(from), _mm256_extracti128_si256(from, 1));
    if (n == lanes)
        __builtin_memcpy(p, &words, 16);
    else
        __builtin_memcpy(p, &words, static_cast<std::size_t>(2 * n));
}
ESPALIER_INLINE vec where_chosen(choice from, int i, vec d) {
    return _mm256_and_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(from, choose(i))), d);
}

struct vec16 {
    vec low, high;
};
ESPALIER_INLINE vec16 widened(vec a) { return {a, zero()}; }
ESPALIER_INLINE vec16 zero16() { return {zero(), zero()}; }
ESPALIER_INLINE vec16 load16(const float* p) { return {load(p), load(p + 8)}; }
ESPALIER_INLINE vec16 load_first16(const float* p, Index n) {
    return n > 8 ? vec16{load(p), load_first(p + 8, n - 8)} : vec16{load_first(p, n), zero()};
}
ESPALIER_INLINE vec16 fma16(vec16 a, vec16 b, vec16 c) { return {fma(a.low, b.low, c.low), fma(a.high, b.high, c.high)}; }
ESPALIER_INLINE float largest(vec v) {
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}
ESPALIER_INLINE float sum16(vec16 a) {
    const __m256 eight = _mm256_add_ps(a.low, a.high);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

using dvec = __m256d;
ESPALIER_INLINE dvec set_double(double x) { return _mm256_set1_pd(x); }
ESPALIER_INLINE dvec fma(dvec a, dvec b, dvec c) { return _mm256_fmadd_pd(a, b, c); }
inline constexpr int double_rows = 6;
inline constexpr int double_vectors = 2;

inline constexpr int tile_rows = 6;
inline constexpr int tile_vectors = 2;
inline constexpr int pool_rows = 4;
inline constexpr int pool_vectors = 3;
inline constexpr int dot_rows = 3;
inline constexpr int dot_columns = 2;
