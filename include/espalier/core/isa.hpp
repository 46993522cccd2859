// SPDX-License-Identifier: MIT
/// @file Which vector instructions this processor has, found once at start.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/error.hpp>

#include <cstdlib>
#include <string_view>

#if (defined(__x86_64__) || defined(__i386__)) && (defined(__GNUC__) || defined(__clang__))
#define ESPALIER_DISPATCH_X86 1
#else
#define ESPALIER_DISPATCH_X86 0
#endif

namespace espalier::inline ESPALIER_ABI {

/// Instruction sets that kernels are written for, weakest first.
enum class Isa { baseline, avx2, avx512 };

/// The name that `ESPALIER_ISA` knows it by.
[[nodiscard]] constexpr std::string_view isa_name(Isa isa) noexcept {
    return isa == Isa::avx512 ? "avx512" : isa == Isa::avx2 ? "avx2" : "baseline";
}

namespace detail {

[[nodiscard]] inline Isa strongest_isa() noexcept {
#if ESPALIER_DISPATCH_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return Isa::avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return Isa::avx2;
#endif
    return Isa::baseline;
}

}  // namespace detail

/// The instruction set that kernels use: the strongest there is, or what the environment's `ESPALIER_ISA` names
/// (`baseline`, `avx2`, `avx512`). @throws ValueError at the first call if that is unknown or not there.
[[nodiscard]] ESPALIER_NOINLINE inline Isa isa() {
    static const Isa chosen = [] {
        const Isa strongest = detail::strongest_isa();
        const char* const text = std::getenv("ESPALIER_ISA");
        if (!text || !*text)
            return strongest;
        for (const Isa candidate : {Isa::baseline, Isa::avx2, Isa::avx512})
            if (isa_name(candidate) == text && candidate <= strongest)
                return candidate;
        fail<ValueError>("isa", "expected ESPALIER_ISA to name an instruction set up to ", isa_name(strongest), ", got ", text);
    }();
    return chosen;
}

}  // namespace espalier::inline ESPALIER_ABI
