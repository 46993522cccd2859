// SPDX-License-Identifier: MIT
/// @file Names without end, such as those of users and items, as rows of a table that has an end: by a hash.
///
/// The hash is FNV-1a of 64 bits over the bytes of the text (Fowler, Noll and Vo; offset basis 0xcbf29ce484222325, prime 0x100000001b3),
/// whose bits are then mixed by MurmurHash3's finaliser `fmix64`; the basis is taken exclusive-or `fmix64(seed)`, which is the plain one
/// for seed 0. The bucket is the hash modulo the number of buckets. It is the same on every platform and in every version.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/tensor/tensor.hpp>

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace espalier::inline ESPALIER_ABI::data {
namespace detail {

/// MurmurHash3's finaliser: every bit of the argument changes about half of those of the result.
[[nodiscard]] constexpr std::uint64_t fmix64(std::uint64_t h) noexcept {
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccd;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53;
    return h ^ h >> 33;
}

}  // namespace detail

/// 64 bits that a text and a seed determine; as the file's comment has it.
[[nodiscard]] constexpr std::uint64_t hash_text(std::string_view text, std::uint64_t seed = 0) noexcept {
    std::uint64_t h = 0xcbf29ce484222325 ^ detail::fmix64(seed);
    for (const char c : text) {
        h ^= static_cast<unsigned char>(c);
        h *= 0x100000001b3;
    }
    return detail::fmix64(h);
}

/// The bucket of a text, in [0, buckets). Texts that share one are the same to whoever sees buckets; under another seed others do.
/// @throws ValueError for no bucket
[[nodiscard]] inline Index hash_bucket(std::string_view text, Index buckets, std::uint64_t seed = 0) {
    require<ValueError>(buckets > 0, "hash_bucket", "expected at least one bucket, got ", buckets);
    return static_cast<Index>(hash_text(text, seed) % static_cast<std::uint64_t>(buckets));
}
/// That of an integer is the one of its decimal digits: 7 and "7" are the same. @throws as above
template <std::integral Integer>
    requires(!std::is_same_v<Integer, bool> && !std::is_same_v<Integer, char>)
[[nodiscard]] Index hash_bucket(Integer number, Index buckets, std::uint64_t seed = 0) {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    return hash_bucket(std::string_view{digits.data(), static_cast<std::size_t>(end - digits.data())}, buckets, seed);
}
/// Those of all integers of a tensor, in its shape. @throws as above
[[nodiscard]] inline Tensor<Index> hash_bucket(const Tensor<Index>& numbers, Index buckets, std::uint64_t seed = 0) {
    require<ValueError>(buckets > 0, "hash_bucket", "expected at least one bucket, got ", buckets);
    auto result = Tensor<Index>::empty(numbers.shape());
    for (Index i = 0; i < numbers.numel(); ++i)
        result[i] = hash_bucket(numbers[i], buckets, seed);
    return result;
}

}  // namespace espalier::inline ESPALIER_ABI::data
