// SPDX-License-Identifier: MIT
// One pass over arrays for all functions of functions.ipp, and dropout. Included by kernels.hpp behind passes.ipp. Templates, so that a
// program compiles those alone that it uses; without lambdas, which would not be compiled for the instruction set in a template.

/// The last vector may be a part: lanes without an element are 1, for which no function raises a floating-point exception.
template <class F>
void map(Index n, const float* x, float* y, float parameter) {
    for (Index i = 0; i < n; i += lanes) {
        const Index part_of = n - i < lanes ? n - i : Index{lanes};
        store_n(y + i, value_of(F{}, load_n(x + i, part_of, set1(1)), set1(parameter)), part_of);
    }
}
template <class F>
void map_back(Index n, const float* x, const float* y, float* dy, float parameter) {
    for (Index i = 0; i < n; i += lanes) {
        const Index part_of = n - i < lanes ? n - i : Index{lanes};
        const vec in = load_n(x + i, part_of, set1(1));
        const vec out = load_n(y + i, part_of, set1(1));
        store_n(dy + i, pull_of(F{}, in, out, load_n(dy + i, part_of, set1(1)), set1(parameter)), part_of);
    }
}
template <class F>
constexpr void take_kernels(MapKernels& kernels) {
    kernels = {map<F>, map_back<F>};
}

template <class F>
void combine(Index n, const float* a, const float* b, float* y) {
    for (Index i = 0; i < n; i += lanes) {
        const Index part_of = n - i < lanes ? n - i : Index{lanes};
        store_n(y + i, value_of(F{}, load_n(a + i, part_of, set1(1)), load_n(b + i, part_of, set1(1))), part_of);
    }
}
template <class F, bool Left>
void combine_back(Index n, const float* a, const float* b, const float* dy, float* dx) {
    for (Index i = 0; i < n; i += lanes) {
        const Index part_of = n - i < lanes ? n - i : Index{lanes};
        const vec left = load_n(a + i, part_of, set1(1));
        const vec right = load_n(b + i, part_of, set1(1));
        const vec d = load_n(dy + i, part_of, set1(1));
        store_n(dx + i, Left ? pull_left(F{}, left, right, d) : pull_right(F{}, left, right, d), part_of);
    }
}
template <class F>
constexpr void take_kernels(CombineKernels& kernels) {
    kernels = {combine<F>, combine_back<F, true>, combine_back<F, false>};
}

ESPALIER_INLINE choice low_word(std::uint64_t bits) { return choose(static_cast<int>(static_cast<std::uint32_t>(bits))); }
/// A round of Philox, of the draws that stand in the lanes 0, 2, ...; in the others nothing that matters.
ESPALIER_INLINE void draw_round(choice* words, choice key0, choice key1) {
    const choice product0 = multiply_even(words[0], 0xD2511F53U), product1 = multiply_even(words[2], 0xCD9E8D57U);
    words[0] = exclusive_or(odd_lanes(product1), words[1], key0);
    words[1] = product1;
    words[2] = exclusive_or(odd_lanes(product0), words[3], key1);
    words[3] = product0;
}
/// Philox as core/random.hpp has it, for the draws from `first` on, one a lane: the four words of each, one behind the other.
ESPALIER_INLINE void draw(const DropoutRule& rule, std::uint64_t first, choice* words) {
    const choice counter = add(low_word(first), lane_numbers());
    const choice carried = add(low_word(first >> 32), where_below(counter, lane_numbers(), choose(1), choose(0)));
    choice even[4] = {counter, carried, low_word(rule.stream), low_word(rule.stream >> 32)};
    choice odd[4] = {odd_lanes(counter), odd_lanes(carried), even[2], even[3]};
    auto key0 = static_cast<std::uint32_t>(rule.seed);
    auto key1 = static_cast<std::uint32_t>(rule.seed >> 32);
    for (int round = 0; round < 10; ++round) {
        draw_round(even, low_word(key0), low_word(key1));
        draw_round(odd, low_word(key0), low_word(key1));
        key0 += 0x9E3779B9U;
        key1 += 0xBB67AE85U;
    }
    for (int w = 0; w < 4; ++w)
        words[w] = interleave_even(even[w], odd[w]);
}

template <class F>
void drop(Index n, const DropoutRule& rule, const float* x, float* y) {
    static_assert(draws_of_group % lanes == 0);
    const choice bound = low_word(rule.bound);
    const choice scale = bits_of(set1(rule.scale));
    for (Index group = 0; group < n; group += elements_of_group)
        for (Index k = 0; k < draws_of_group && group + k < n; k += lanes) {
            choice words[4];
            draw(rule, rule.first + static_cast<std::uint64_t>(group / 4 + k), words);
            for (int w = 0; w < 4; ++w) {
                const Index i = group + w * draws_of_group + k;
                if (i >= n)
                    break;
                const Index part_of = n - i < lanes ? n - i : Index{lanes};
                store_n(y + i, mul(load_n(x + i, part_of), of_bits(where_below(words[w], bound, choose(0), scale))), part_of);
            }
        }
}
template <class F>
constexpr void take_kernels(DropoutKernels& kernels) {
    kernels = {drop<F>};
}

template <class F>
constexpr typename F::Kernels kernels_of() {
    typename F::Kernels kernels{};
    take_kernels<F>(kernels);
    return kernels;
}
