// SPDX-License-Identifier: MIT
// Four floats as an array, for compilers without the vectors of g++ and clang++, with the same results as vector_baseline.ipp. Included
// by kernels.hpp, in front of vector_four.ipp.

template <class T, int Count>
struct Lanes {
    T lane[Count];
    T operator[](Index i) const { return lane[i]; }
    T& operator[](Index i) { return lane[i]; }
};
using vec = Lanes<float, 4>;
using choice = Lanes<std::int32_t, 4>;
using dvec = Lanes<double, 2>;

/// f(i) in lane i.
template <class Vector, class F>
ESPALIER_INLINE Vector each(const F& f) {
    Vector result{};
    for (int i = 0; i < static_cast<int>(sizeof(Vector) / sizeof(result.lane[0])); ++i)
        result[i] = f(i);
    return result;
}
ESPALIER_INLINE std::uint32_t word(std::int32_t a) { return static_cast<std::uint32_t>(a); }
ESPALIER_INLINE std::int32_t whole(std::uint32_t a) { return static_cast<std::int32_t>(a); }

ESPALIER_INLINE vec set1(float x) { return vec{x, x, x, x}; }
ESPALIER_INLINE vec zero() { return set1(0); }
ESPALIER_INLINE vec add(vec a, vec b) {
    return each<vec>([&](int i) { return a[i] + b[i]; });
}
ESPALIER_INLINE vec sub(vec a, vec b) {
    return each<vec>([&](int i) { return a[i] - b[i]; });
}
ESPALIER_INLINE vec mul(vec a, vec b) {
    return each<vec>([&](int i) { return a[i] * b[i]; });
}
ESPALIER_INLINE vec div(vec a, vec b) {
    return each<vec>([&](int i) { return a[i] / b[i]; });
}
ESPALIER_INLINE vec fma(vec a, vec b, vec c) {
    return each<vec>([&](int i) { return a[i] * b[i] + c[i]; });
}
ESPALIER_INLINE vec fused(vec a, vec b, vec c) {
    return each<vec>([&](int i) { return std::fma(a[i], b[i], c[i]); });
}
ESPALIER_INLINE vec max(vec a, vec b) {
    return each<vec>([&](int i) { return a[i] > b[i] ? a[i] : b[i]; });
}
ESPALIER_INLINE vec min(vec a, vec b) {
    return each<vec>([&](int i) { return a[i] < b[i] ? a[i] : b[i]; });
}
ESPALIER_INLINE vec magnitude(vec a) {
    return each<vec>([&](int i) { return std::abs(a[i]); });
}
ESPALIER_INLINE vec with_sign(vec a, vec sign) {
    return each<vec>([&](int i) { return std::copysign(a[i], sign[i]); });
}
ESPALIER_INLINE vec where_less(vec a, vec b, vec then, vec otherwise) {
    return each<vec>([&](int i) { return a[i] < b[i] ? then[i] : otherwise[i]; });
}
ESPALIER_INLINE vec unless_negative(vec y, vec d) {
    return each<vec>([&](int i) { return y[i] < 0 ? 0.0F : d[i]; });
}
ESPALIER_INLINE vec where_positive(vec y, vec d) {
    return each<vec>([&](int i) { return y[i] > 0 ? d[i] : 0.0F; });
}

ESPALIER_INLINE choice odd_lanes(choice a) { return {a[1], 0, a[3], 0}; }
ESPALIER_INLINE choice interleave_even(choice a, choice b) { return {a[0], b[0], a[2], b[2]}; }
ESPALIER_INLINE choice multiply_even(choice a, std::uint32_t by) {
    const std::uint64_t first = std::uint64_t{word(a[0])} * by, second = std::uint64_t{word(a[2])} * by;
    return {whole(static_cast<std::uint32_t>(first)), whole(static_cast<std::uint32_t>(first >> 32)),
            whole(static_cast<std::uint32_t>(second)), whole(static_cast<std::uint32_t>(second >> 32))};
}
ESPALIER_INLINE choice choose(int i) { return choice{i, i, i, i}; }
ESPALIER_INLINE choice bits_of(vec a) { return std::bit_cast<choice>(a); }
ESPALIER_INLINE vec of_bits(choice a) { return std::bit_cast<vec>(a); }
ESPALIER_INLINE vec to_float(choice a) {
    return each<vec>([&](int i) { return static_cast<float>(a[i]); });
}
ESPALIER_INLINE choice add(choice a, choice b) {
    return each<choice>([&](int i) { return whole(word(a[i]) + word(b[i])); });
}
ESPALIER_INLINE choice sub(choice a, choice b) {
    return each<choice>([&](int i) { return whole(word(a[i]) - word(b[i])); });
}
ESPALIER_INLINE choice exclusive_or(choice a, choice b) {
    return each<choice>([&](int i) { return a[i] ^ b[i]; });
}
ESPALIER_INLINE choice shift_left_23(choice a) {
    return each<choice>([&](int i) { return whole(word(a[i]) << 23); });
}
ESPALIER_INLINE choice shift_right_23(choice a) {
    return each<choice>([&](int i) { return a[i] >> 23; });
}
ESPALIER_INLINE choice where_below(choice a, choice b, choice then, choice otherwise) {
    return each<choice>([&](int i) { return word(a[i]) < word(b[i]) ? then[i] : otherwise[i]; });
}
ESPALIER_INLINE vec power_of_two(vec n) { return of_bits(add(shift_left_23(bits_of(n)), bits_of(set1(1)))); }
ESPALIER_INLINE void take_greater(vec& best, choice& from, vec next, int from_next) {
    for (int i = 0; i < 4; ++i)
        if (best[i] == best[i] && !(next[i] <= best[i])) {
            best[i] = next[i];
            from[i] = from_next;
        }
}
ESPALIER_INLINE void choose_unless_positive(vec v, choice& from, int otherwise) {
    from = each<choice>([&](int i) { return v[i] > 0 ? from[i] : otherwise; });
}
ESPALIER_INLINE vec where_chosen(choice from, int chosen, vec d) {
    return each<vec>([&](int i) { return from[i] == chosen ? d[i] : 0.0F; });
}

ESPALIER_INLINE dvec fma(dvec a, dvec b, dvec c) {
    return each<dvec>([&](int i) { return a[i] * b[i] + c[i]; });
}

/// The rows of a 4 x 4 matrix become its columns.
ESPALIER_INLINE void transpose_four(vec& a, vec& b, vec& c, vec& d) {
    const vec rows[4] = {a, b, c, d};
    a = each<vec>([&](int i) { return rows[i][0]; });
    b = each<vec>([&](int i) { return rows[i][1]; });
    c = each<vec>([&](int i) { return rows[i][2]; });
    d = each<vec>([&](int i) { return rows[i][3]; });
}
