// SPDX-License-Identifier: MIT
/// @file The clocks that benchmarks read.
#pragma once

#include <chrono>
#include <ctime>

namespace benchmarks {

inline double seconds_now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Seconds of this thread alone, if one thread works and the system can tell, so that others on the machine do not count; else of the clock
/// on the wall.
inline double clock_seconds(int threads) {
#if defined(CLOCK_THREAD_CPUTIME_ID)
    if (threads == 1) {
        timespec now{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
    }
#endif
    return seconds_now();
}

}  // namespace benchmarks
