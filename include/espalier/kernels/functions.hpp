// SPDX-License-Identifier: MIT
/// @file Functions of one element and of two, each with its definition for a single number; functions.ipp has it for vectors of float.
///
/// A function is a type, by which its kernels are found and made: only what a program uses is compiled.
#pragma once

#include <espalier/core/config.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace espalier::inline ESPALIER_ABI::kernels {

namespace simd {

/// y = f(x), and dy becomes f'(x) dy with what f needs of x and y, for arrays of n.
struct MapKernels {
    void (*value)(Index n, const float* x, float* y, float parameter);
    void (*pull)(Index n, const float* x, const float* y, float* dy, float parameter);
};

/// y = f(a, b), and dx, the derivative by the left or right operand times dy.
struct CombineKernels {
    void (*value)(Index n, const float* a, const float* b, float* y);
    void (*pull_left)(Index n, const float* a, const float* b, const float* dy, float* dx);
    void (*pull_right)(Index n, const float* a, const float* b, const float* dy, float* dx);
};

/// What an element is multiplied by: 0 where the 32 bits that it takes of a stream are below `bound`, else `scale`.
struct DropoutRule {
    std::uint64_t seed, stream, first;
    std::uint32_t bound;
    float scale;
};
struct DropoutKernels {
    void (*run)(Index n, const DropoutRule& rule, const float* x, float* y);
};

/// A draw has bits for four elements: of a group the elements k, k + 16, k + 32 and k + 48 take the words of draw k.
inline constexpr Index draws_of_group = 16, elements_of_group = 4 * draws_of_group;

}  // namespace simd

struct MapFunction {
    using Kernels = simd::MapKernels;
};
struct CombineFunction {
    using Kernels = simd::CombineKernels;
};
struct Dropout {
    using Kernels = simd::DropoutKernels;
};

/// max(x, 0); NaN passes, and nothing comes back where the result is not positive.
struct Relu : MapFunction {
    template <class S>
    static S value(S x, S) {
        return x < 0 ? S(0) : x;
    }
    template <class S>
    static S pull(S, S y, S dy, S) {
        return y > 0 ? dy : S(0);
    }
};
/// min(max(x, 0), 6); NaN passes, and nothing comes back but from between the two.
struct Relu6 : MapFunction {
    template <class S>
    static S value(S x, S) {
        return x < 0 ? S(0) : x > 6 ? S(6) : x;
    }
    template <class S>
    static S pull(S, S y, S dy, S) {
        return y > 0 && y < 6 ? dy : S(0);
    }
};
struct LeakyRelu : MapFunction {
    template <class S>
    static S value(S x, S slope) {
        return x > 0 ? x : slope * x;
    }
    template <class S>
    static S pull(S x, S, S dy, S slope) {
        return x > 0 ? dy : dy * slope;
    }
};
struct Sigmoid : MapFunction {
    template <class S>
    static S value(S x, S) {
        const S e = std::exp(-std::abs(x));
        return (x >= 0 ? S(1) : e) / (1 + e);
    }
    template <class S>
    static S pull(S, S y, S dy, S) {
        return dy * (y * (1 - y));
    }
};
struct Tanh : MapFunction {
    template <class S>
    static S value(S x, S) {
        return std::tanh(x);
    }
    template <class S>
    static S pull(S, S y, S dy, S) {
        return dy * (1 - y * y);
    }
};
struct Gelu : MapFunction {
    template <class S>
    static S value(S x, S) {
        const S bounded = std::max(x, S(-50));  // where Phi has long been 0, which times minus infinity were NaN
        return bounded / 2 * std::erfc(-bounded * root_half<S>);
    }
    template <class S>
    static S pull(S x, S, S dy, S) {
        const S bounded = std::clamp(x, S(-50), S(50));  // where the density has long been 0, and the square is finite
        const S density = std::numbers::inv_sqrtpi_v<S> * root_half<S> * std::exp(-bounded * bounded / 2);
        return dy * (std::erfc(-bounded * root_half<S>) / 2 + bounded * density);
    }

private:
    template <class S>
    static constexpr S root_half = std::numbers::sqrt2_v<S> / 2;
};
struct Exp : MapFunction {
    template <class S>
    static S value(S x, S) {
        return std::exp(x);
    }
    template <class S>
    static S pull(S, S y, S dy, S) {
        return dy * y;
    }
};
struct Log : MapFunction {
    template <class S>
    static S value(S x, S) {
        return std::log(x);
    }
    template <class S>
    static S pull(S x, S, S dy, S) {
        return dy * (1 / x);
    }
};
struct Sqrt : MapFunction {
    template <class S>
    static S value(S x, S) {
        return std::sqrt(x);
    }
    template <class S>
    static S pull(S, S y, S dy, S) {
        return dy * (1 / (2 * y));
    }
};
struct Scale : MapFunction {
    template <class S>
    static S value(S x, S factor) {
        return x * factor;
    }
    template <class S>
    static S pull(S, S, S dy, S factor) {
        return dy * factor;
    }
};
struct Shift : MapFunction {
    template <class S>
    static S value(S x, S term) {
        return x + term;
    }
    template <class S>
    static S pull(S, S, S dy, S) {
        return dy;
    }
};

struct Add : CombineFunction {
    template <class S>
    static S value(S a, S b) {
        return a + b;
    }
    template <class S>
    static S pull_left(S, S, S dy) {
        return dy;
    }
    template <class S>
    static S pull_right(S, S, S dy) {
        return dy;
    }
};
struct Subtract : CombineFunction {
    template <class S>
    static S value(S a, S b) {
        return a - b;
    }
    template <class S>
    static S pull_left(S, S, S dy) {
        return dy;
    }
    template <class S>
    static S pull_right(S, S, S dy) {
        return -dy;
    }
};
struct Multiply : CombineFunction {
    template <class S>
    static S value(S a, S b) {
        return a * b;
    }
    template <class S>
    static S pull_left(S, S b, S dy) {
        return dy * b;
    }
    template <class S>
    static S pull_right(S a, S, S dy) {
        return dy * a;
    }
};
struct Divide : CombineFunction {
    template <class S>
    static S value(S a, S b) {
        return a / b;
    }
    template <class S>
    static S pull_left(S, S b, S dy) {
        return dy * (1 / b);
    }
    template <class S>
    static S pull_right(S a, S b, S dy) {
        return dy * (-a / (b * b));
    }
};

/// What comes back to the left or to the right operand of F.
template <class F>
struct PullLeft {
    using Function = F;
    static constexpr auto kernel = &simd::CombineKernels::pull_left;
    template <class S>
    S operator()(S a, S b, S dy) const {
        return F::pull_left(a, b, dy);
    }
};
template <class F>
struct PullRight {
    using Function = F;
    static constexpr auto kernel = &simd::CombineKernels::pull_right;
    template <class S>
    S operator()(S a, S b, S dy) const {
        return F::pull_right(a, b, dy);
    }
};

}  // namespace espalier::inline ESPALIER_ABI::kernels
