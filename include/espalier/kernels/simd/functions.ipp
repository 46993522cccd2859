// SPDX-License-Identifier: MIT
// Functions of one element and of two. Included by kernels.hpp once for each instruction set, behind tiles.ipp; it must include nothing.
//
// Every product that meets a sum goes through `fused`, so that the bits are the same with every instruction set and compiler: left
// to itself g++ fuses where it can. The polynomials are our own minimax fits, but for that of the exponential.

/// Products and sums by `fma`, whose last bit depends on the processor where it has no such instruction, or by `fused`.
struct Fast {
    ESPALIER_INLINE static vec fma_of(vec a, vec b, vec c) { return fma(a, b, c); }
};
struct Exact {
    ESPALIER_INLINE static vec fma_of(vec a, vec b, vec c) { return fused(a, b, c); }
};

/// Of x = n ln 2 + r the rest r, at most half of ln 2, and n told as 1.5 2^23 + n.
template <class Arithmetic>
ESPALIER_INLINE vec exp_remainder(vec x, vec& n) {
    n = Arithmetic::fma_of(x, set1(1.44269504F), set1(12582912.0F));
    const vec whole = sub(n, set1(12582912.0F));
    return Arithmetic::fma_of(whole, set1(-1.42860677e-6F), Arithmetic::fma_of(whole, set1(-0.693145752F), x));
}
/// e^r for r between halves of ln 2, by the polynomial of Cephes' expf.
template <class Arithmetic>
ESPALIER_INLINE vec exp_near_0(vec r) {
    vec p = Arithmetic::fma_of(set1(1.9875691500e-4F), r, set1(1.3981999507e-3F));
    p = Arithmetic::fma_of(p, r, set1(8.3334519073e-3F));
    p = Arithmetic::fma_of(p, r, set1(4.1665795894e-2F));
    p = Arithmetic::fma_of(p, r, set1(1.6666665459e-1F));
    p = Arithmetic::fma_of(p, r, set1(5.0000001201e-1F));
    return Arithmetic::fma_of(p, mul(r, r), add(r, set1(1)));
}
/// p 2^n for n told as above in [-252, 254]: in two steps, so that only the last of them can leave the normal numbers.
ESPALIER_INLINE vec scale_by_power(vec p, vec n) {
    const vec half = fused(sub(n, set1(12582912.0F)), set1(0.5F), set1(12582912.0F));
    const vec rest = add(sub(n, half), set1(12582912.0F));
    return mul(mul(p, power_of_two(half)), power_of_two(rest));
}
/// e^x to the least denormal number and to infinity.
ESPALIER_INLINE vec exp_anywhere(vec x) {
    vec n;
    const vec r = exp_remainder<Exact>(min(set1(89), max(set1(-104), x)), n);
    return scale_by_power(exp_near_0<Exact>(r), n);
}

/// log x. With x = 2^e (1 + z) and 1 + z between the roots of 1/2 and 2 it is e ln 2 + z - z^2 / 2 + z^3 P(z).
ESPALIER_INLINE vec log_anywhere(vec x) {
    const vec least_normal = set1(1.17549435e-38F);
    const choice bits = bits_of(where_less(x, least_normal, mul(min(set1(1), x), set1(8388608)), x));
    const choice exponent = shift_right_23(sub(bits, bits_of(set1(0.707106769F))));
    const vec e = add(to_float(exponent), where_less(x, least_normal, set1(-23), zero()));
    const vec z = sub(of_bits(sub(bits, shift_left_23(exponent))), set1(1));
    vec p = fused(set1(-0.0763635933F), z, set1(0.127621412F));
    p = fused(p, z, set1(-0.131595984F));
    p = fused(p, z, set1(0.142015859F));
    p = fused(p, z, set1(-0.166234106F));
    p = fused(p, z, set1(0.200012416F));
    p = fused(p, z, set1(-0.250008196F));
    p = fused(p, z, set1(0.333333313F));
    const vec square = mul(z, z);
    const vec rest = fused(e, set1(1.42860677e-6F), mul(p, mul(square, z)));
    const vec log = fused(e, set1(0.693145752F), add(z, fused(set1(-0.5F), square, rest)));
    const vec infinite = of_bits(choose(0x7F800000));
    const vec positive = where_less(x, infinite, log, x);  // infinity and NaN stay
    const vec not_negative = where_less(x, set1(1.40129846e-45F), sub(zero(), infinite), positive);
    return where_less(x, zero(), of_bits(choose(0x7FC00000)), not_negative);
}

/// tanh x = x + x^3 P(x^2) near 0, elsewhere 1 - 2 / (e^2x + 1).
ESPALIER_INLINE vec tanh_anywhere(vec x) {
    const vec size = magnitude(x);
    const vec near_0 = min(set1(0.625F), size);
    const vec square = mul(near_0, near_0);
    vec p = fused(set1(-0.0056922962F), square, set1(0.0206281673F));
    p = fused(p, square, set1(-0.0537365153F));
    p = fused(p, square, set1(0.133314058F));
    p = fused(p, square, set1(-0.333332807F));
    const vec within = fused(mul(near_0, square), p, near_0);
    const vec bounded = min(set1(20), size);
    vec n;
    const vec r = exp_remainder<Exact>(add(bounded, bounded), n);
    const vec e = mul(exp_near_0<Exact>(r), power_of_two(n));
    const vec large = sub(set1(1), div(set1(2), add(e, set1(1))));
    return with_sign(where_less(size, set1(0.625F), within, large), x);
}

/// What is beside a normal distribution: with t = |x|, at most 15, the probability beyond t is e^(-t^2 / 2) `ratio`, and the
/// exponential is `fraction` times 2^n. Their product, not their difference from 1, so that a small result has all its digits.
struct NormalTail {
    vec t;
    vec fraction;
    vec n;      ///< told as by `exp_remainder`
    vec ratio;  ///< Mills' ratio / sqrt(2 pi), a polynomial of (t - 1.5) / (t + 1.5) over t + 1.5
};
ESPALIER_INLINE NormalTail normal_tail(vec x) {
    NormalTail tail;
    tail.t = min(set1(15), magnitude(x));  // there nothing is left of the exponential
    const vec square = mul(tail.t, tail.t);
    const vec lost = fused(tail.t, tail.t, sub(zero(), square));
    const vec r = exp_remainder<Exact>(mul(set1(-0.5F), square), tail.n);
    tail.fraction = exp_near_0<Exact>(fused(set1(-0.5F), lost, r));
    const vec v = div(set1(1), add(tail.t, set1(1.5F)));
    const vec w = fused(set1(-3), v, set1(1));
    vec p = fused(set1(0.000150470383F), w, set1(0.000463283592F));
    p = fused(p, w, set1(0.000250823388F));
    p = fused(p, w, set1(-0.00103816355F));
    p = fused(p, w, set1(-0.00270941481F));
    p = fused(p, w, set1(-0.00243594591F));
    p = fused(p, w, set1(0.00398714328F));
    p = fused(p, w, set1(0.0176406074F));
    p = fused(p, w, set1(0.0178968161F));
    p = fused(p, w, set1(-0.0574954338F));
    p = fused(p, w, set1(-0.195099503F));
    p = fused(p, w, set1(0.617341995F));
    tail.ratio = mul(p, v);
    return tail;
}

ESPALIER_INLINE vec value_of(Relu, vec x, vec) { return relu(x); }
ESPALIER_INLINE vec value_of(Relu6, vec x, vec) { return min(set1(6), relu(x)); }
ESPALIER_INLINE vec value_of(LeakyRelu, vec x, vec slope) { return where_less(zero(), x, x, mul(slope, x)); }
ESPALIER_INLINE vec value_of(Sigmoid, vec x, vec) {
    const vec e = exp_anywhere(sub(zero(), magnitude(x)));
    return div(where_less(x, zero(), e, set1(1)), add(e, set1(1)));
}
ESPALIER_INLINE vec value_of(Tanh, vec x, vec) { return tanh_anywhere(x); }
ESPALIER_INLINE vec value_of(Gelu, vec x, vec) {
    const NormalTail tail = normal_tail(x);
    const vec beyond = scale_by_power(mul(tail.t, mul(tail.fraction, tail.ratio)), tail.n);
    return with_sign(sub(max(x, zero()), beyond), x);  // x (1 - q) or x q
}
ESPALIER_INLINE vec value_of(Exp, vec x, vec) { return exp_anywhere(x); }
ESPALIER_INLINE vec value_of(Log, vec x, vec) { return log_anywhere(x); }
ESPALIER_INLINE vec value_of(Sqrt, vec x, vec) { return sqrt(x); }
ESPALIER_INLINE vec value_of(Scale, vec x, vec factor) { return mul(x, factor); }
ESPALIER_INLINE vec value_of(Shift, vec x, vec term) { return add(x, term); }

ESPALIER_INLINE vec pull_of(Relu, vec, vec y, vec dy, vec) { return where_positive(y, dy); }
ESPALIER_INLINE vec pull_of(Relu6, vec, vec y, vec dy, vec) { return where_less(y, set1(6), where_positive(y, dy), zero()); }
ESPALIER_INLINE vec pull_of(LeakyRelu, vec x, vec, vec dy, vec slope) { return where_less(zero(), x, dy, mul(dy, slope)); }
ESPALIER_INLINE vec pull_of(Sigmoid, vec, vec y, vec dy, vec) { return mul(dy, mul(y, sub(set1(1), y))); }
ESPALIER_INLINE vec pull_of(Tanh, vec, vec y, vec dy, vec) { return mul(dy, mul(sub(set1(1), y), add(set1(1), y))); }
/// dy (Phi(x) + x phi(x)).
ESPALIER_INLINE vec pull_of(Gelu, vec x, vec, vec dy, vec) {
    const NormalTail tail = normal_tail(x);
    const vec share = fused(tail.t, set1(-0.398942280F), tail.ratio);
    const vec below = scale_by_power(mul(tail.fraction, share), tail.n);
    return mul(dy, where_less(x, zero(), below, sub(set1(1), below)));
}
ESPALIER_INLINE vec pull_of(Exp, vec, vec y, vec dy, vec) { return mul(dy, y); }
ESPALIER_INLINE vec pull_of(Log, vec x, vec, vec dy, vec) { return mul(dy, div(set1(1), x)); }
ESPALIER_INLINE vec pull_of(Sqrt, vec, vec y, vec dy, vec) { return mul(dy, div(set1(1), mul(set1(2), y))); }
ESPALIER_INLINE vec pull_of(Scale, vec, vec, vec dy, vec factor) { return mul(dy, factor); }
ESPALIER_INLINE vec pull_of(Shift, vec, vec, vec dy, vec) { return dy; }

ESPALIER_INLINE vec value_of(Add, vec a, vec b) { return add(a, b); }
ESPALIER_INLINE vec value_of(Subtract, vec a, vec b) { return sub(a, b); }
ESPALIER_INLINE vec value_of(Multiply, vec a, vec b) { return mul(a, b); }
ESPALIER_INLINE vec value_of(Divide, vec a, vec b) { return div(a, b); }

ESPALIER_INLINE vec pull_left(Add, vec, vec, vec dy) { return dy; }
ESPALIER_INLINE vec pull_left(Subtract, vec, vec, vec dy) { return dy; }
ESPALIER_INLINE vec pull_left(Multiply, vec, vec b, vec dy) { return mul(dy, b); }
ESPALIER_INLINE vec pull_left(Divide, vec, vec b, vec dy) { return mul(dy, div(set1(1), b)); }
ESPALIER_INLINE vec pull_right(Add, vec, vec, vec dy) { return dy; }
ESPALIER_INLINE vec pull_right(Subtract, vec, vec, vec dy) { return sub(set1(-0.0F), dy); }
ESPALIER_INLINE vec pull_right(Multiply, vec a, vec, vec dy) { return mul(dy, a); }
ESPALIER_INLINE vec pull_right(Divide, vec a, vec b, vec dy) { return mul(dy, div(sub(set1(-0.0F), a), mul(b, b))); }
