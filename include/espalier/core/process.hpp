// SPDX-License-Identifier: MIT
/// @file What `fork()` and `exit` do to the globals of the library: one thread alone is copied, and statics end in some order.
#pragma once

#include <espalier/core/config.hpp>

#include <atomic>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#define ESPALIER_HAS_FORK 1
#else
#define ESPALIER_HAS_FORK 0
#endif

namespace espalier::inline ESPALIER_ABI::detail {

/// A global that is there before any other is made and after all are destroyed: static tensors may outlive any order of ours.
/// Without a guard, too: a thread that is just making a static would hold it over a fork, and the child wait for ever.
template <class T>
union Immortal {
    constexpr Immortal() noexcept : value{} {}
    constexpr ~Immortal() {}
    T value;
};

/// What happens around each `fork()` from now on; `before` runs in the parent, `child` in the new process.
struct AroundFork {
    AroundFork([[maybe_unused]] void (*before)() noexcept, [[maybe_unused]] void (*parent)() noexcept,
               [[maybe_unused]] void (*child)() noexcept) noexcept {
#if ESPALIER_HAS_FORK
        (void)pthread_atfork(before, parent, child);  // fails for want of memory alone; then a fork is as it was without it
#endif
    }
};

/// How many forks lie behind this process. What was made at another count has threads that stayed in another process: they can
/// neither be asked nor joined here.
inline constinit std::atomic<unsigned> forks{0};
inline const AroundFork counts_forks{nullptr, nullptr, []() noexcept { forks.fetch_add(1, std::memory_order_relaxed); }};

/// Whether this process was forked from the one in which there were `count`.
[[nodiscard]] inline bool forked_since(unsigned count) noexcept { return forks.load(std::memory_order_relaxed) != count; }

}  // namespace espalier::inline ESPALIER_ABI::detail
