// SPDX-License-Identifier: MIT
/// @file How much memory a training takes, counted where it asks the system for it. Replaces `operator new` of aligned memory, so one
/// source file of a program includes it.
#pragma once

#include <espalier/core/memory.hpp>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace balance_rules {

/// Bytes of the blocks that the library's pool has taken, without the chunks that nodes of the tape and other small ones are cut from.
inline std::atomic<std::size_t> taken_bytes{0};

/// What `run` needs at once, be it freed in the end or not: the pool keeps what is freed, and only asks for what it has not.
template <class Run>
[[nodiscard]] std::size_t peak_bytes(const Run& run) {
    espalier::trim_memory();  // so that nothing is left of before
    const std::size_t before = taken_bytes;
    run();
    return taken_bytes - before;
}

}  // namespace balance_rules

// Not inlined: g++ would warn of a `new` that ends in `free`.
ESPALIER_NOINLINE void* operator new(std::size_t bytes, std::align_val_t alignment) {
    const auto step = static_cast<std::size_t>(alignment);
    void* const memory = std::aligned_alloc(step, (bytes + step - 1) / step * step);
    if (!memory)
        throw std::bad_alloc{};
    if (step == espalier::memory_alignment)
        balance_rules::taken_bytes += bytes;
    return memory;
}
ESPALIER_NOINLINE void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
ESPALIER_NOINLINE void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
