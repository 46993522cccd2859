// SPDX-License-Identifier: MIT
/// @file Counter-based random numbers with our own distributions, the same on every platform and for any thread count.
///
/// The generator is Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). The i-th draw
/// of a stream is a pure function of (seed, stream, i), so draws can be made in parallel and resumed anywhere.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/error.hpp>
#include <espalier/core/finite.hpp>

#include <array>
#include <atomic>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <numbers>
#include <numeric>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI {

/// One stream of random numbers: `(seed, stream)` name it, `position` is how many have been drawn.
class Random {
public:
    explicit Random(std::uint64_t seed = 0, std::uint64_t stream = 0, std::uint64_t position = 0) noexcept
        : seed_{seed}, stream_{stream}, position_{position} {}

    /// The i-th 64 random bits of this stream, independent of `position()`.
    [[nodiscard]] std::uint64_t at(std::uint64_t i) const noexcept {
        const auto words = words_at(i);
        return std::uint64_t{words[0]} | std::uint64_t{words[1]} << 32;
    }
    /// All 128 bits that the i-th draw is made of.
    [[nodiscard]] std::array<std::uint32_t, 4> words_at(std::uint64_t i) const noexcept {
        return philox(seed_, {low(i), high(i), low(stream_), high(stream_)});
    }

    std::uint64_t next() noexcept { return at(position_++); }

    /// In [0, 1): 53 bits for double, 24 for float, so that 1 is never reached.
    template <std::floating_point S = double>
    S uniform() noexcept {
        return to_unit<S>(next());
    }

    template <std::floating_point S = double>
    S uniform(S low, S high) noexcept {
        return low + (high - low) * uniform<S>();
    }

    /// Standard normal by Box and Muller's transform, one value for two draws.
    template <std::floating_point S = double>
    S normal() noexcept {
        const double radius = std::sqrt(-2.0 * std::log1p(-uniform()));
        return static_cast<S>(radius * std::cos(2.0 * std::numbers::pi * uniform()));
    }

    /// From the gamma distribution of that shape and scale 1, by Marsaglia and Tsang's method (ACM TOMS 26, 2000). For a shape
    /// far below 1 most draws are too small for any number but 0. @throws ValueError unless the shape is above 0 and finite.
    template <std::floating_point S = double>
    S gamma(double shape) {
        require<ValueError>(shape > 0 && is_finite(shape), "gamma", "expected a finite shape above 0, got ", shape);
        if (shape < 1) {  // X U^(1/a) has shape a if X has a + 1
            const double larger = gamma(shape + 1);
            return static_cast<S>(larger * std::pow(1 - uniform(), 1 / shape));
        }
        const double d = shape - 1.0 / 3;
        const double c = 1 / std::sqrt(9 * d);
        for (;;) {
            const double x = normal();
            const double root = 1 + c * x;
            const double v = root * root * root;
            if (v > 0 && std::log1p(-uniform()) < x * x / 2 + d * (1 - v + std::log(v)))
                return static_cast<S>(d * v);
        }
    }

    /// Uniform in [0, n). @throws ValueError unless n > 0.
    Index below(Index n) {
        require<ValueError>(n > 0, "random", "expected an upper bound above 0, got ", n);
        const auto bound = static_cast<std::uint64_t>(n);
        const std::uint64_t reject = (0 - bound) % bound;  // 2^64 mod n: rejecting these keeps the draw exactly uniform
        for (;;)
            if (const std::uint64_t bits = next(); bits >= reject)
                return static_cast<Index>(bits % bound);
    }

    /// 0 ... n-1 in random order (Fisher and Yates).
    [[nodiscard]] std::vector<Index> permutation(Index n) {
        require<ValueError>(n >= 0, "permutation", "expected a length of at least 0, got ", n);
        std::vector<Index> order(static_cast<std::size_t>(n));
        std::iota(order.begin(), order.end(), Index{0});
        for (Index i = n - 1; i > 0; --i)
            std::swap(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(below(i + 1))]);
        return order;
    }

    /// In [0, 1) from 64 random bits.
    template <std::floating_point S>
    [[nodiscard]] static S to_unit(std::uint64_t bits) noexcept {
        if constexpr (sizeof(S) == sizeof(float))
            return static_cast<S>(bits >> 40) * static_cast<S>(0x1p-24);
        else
            return static_cast<S>(bits >> 11) * static_cast<S>(0x1p-53);
    }

    [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
    [[nodiscard]] std::uint64_t stream() const noexcept { return stream_; }
    [[nodiscard]] std::uint64_t position() const noexcept { return position_; }
    void skip(std::uint64_t draws) noexcept { position_ += draws; }

    /// The Philox4x32-10 bijection: 128 bits of counter to 128 random bits under a key of 64.
    [[nodiscard]] static std::array<std::uint32_t, 4> philox(std::uint64_t key, std::array<std::uint32_t, 4> counter) noexcept {
        std::uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
        std::uint32_t key0 = low(key);
        std::uint32_t key1 = high(key);
        for (int round = 0; round < 10; ++round) {  // no calls in it: where nothing is inlined, they would take nine tenths of the time
            const std::uint64_t product0 = std::uint64_t{0xD2511F53} * c0;
            const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * c2;
            c0 = static_cast<std::uint32_t>(product1 >> 32) ^ c1 ^ key0;
            c1 = static_cast<std::uint32_t>(product1);
            c2 = static_cast<std::uint32_t>(product0 >> 32) ^ c3 ^ key1;
            c3 = static_cast<std::uint32_t>(product0);
            key0 += 0x9E3779B9;
            key1 += 0xBB67AE85;
        }
        return {c0, c1, c2, c3};
    }

private:
    [[nodiscard]] static std::uint32_t low(std::uint64_t v) noexcept { return static_cast<std::uint32_t>(v); }
    [[nodiscard]] static std::uint32_t high(std::uint64_t v) noexcept { return static_cast<std::uint32_t>(v >> 32); }

    std::uint64_t seed_;
    std::uint64_t stream_;
    std::uint64_t position_;
};

namespace detail {
struct DefaultRandom {
    std::atomic<std::uint64_t> seed{0};
    std::atomic<std::uint64_t> streams{0};
};
inline DefaultRandom& default_random() noexcept {
    static DefaultRandom state;
    return state;
}
}  // namespace detail

/// Fixes everything that is drawn without an explicit generator from here on: initial weights, dropout masks.
inline void manual_seed(std::uint64_t seed) noexcept {
    detail::default_random().seed = seed;
    detail::default_random().streams = 0;
}

/// A fresh stream under the seed of `manual_seed()`; each layer takes its own when it is made.
[[nodiscard]] inline Random new_random() noexcept {
    auto& state = detail::default_random();
    return Random{state.seed, state.streams.fetch_add(1)};
}

}  // namespace espalier::inline ESPALIER_ABI
