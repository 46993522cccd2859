// SPDX-License-Identifier: MIT
/// @file Which vector instructions this processor has, found once at start.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/error.hpp>

#include <atomic>
#include <cstdlib>
#include <string_view>

/// 1 if kernels for several instruction sets are compiled, of which the processor chooses.
#if ESPALIER_SIMD && (defined(__x86_64__) || defined(__i386__))
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

/// The strongest there is without a name. @throws ValueError for one that is unknown or not there.
[[nodiscard]] inline Isa isa_of(const char* name) {
    const Isa strongest = strongest_isa();
    if (!name || !*name)
        return strongest;
    for (const Isa candidate : {Isa::baseline, Isa::avx2, Isa::avx512})
        if (isa_name(candidate) == name && candidate <= strongest)
            return candidate;
    fail<ValueError>("isa", "expected ESPALIER_ISA to name an instruction set up to ", isa_name(strongest), ", got ", name);
}

}  // namespace detail

/// The instruction set that kernels use: the strongest there is, or what the environment's `ESPALIER_ISA` names
/// (`baseline`, `avx2`, `avx512`). @throws ValueError at the first call if that is unknown or not there.
[[nodiscard]] ESPALIER_NOINLINE inline Isa isa() {
    // Not a static that one thread makes while others wait: in the child of a fork meanwhile, there is nobody to end that wait.
    static constinit std::atomic<int> chosen{-1};
    if (const int known = chosen.load(std::memory_order_relaxed); known >= 0)
        return static_cast<Isa>(known);
    const Isa found = detail::isa_of(std::getenv("ESPALIER_ISA"));
    chosen.store(static_cast<int>(found), std::memory_order_relaxed);
    return found;
}

}  // namespace espalier::inline ESPALIER_ABI
