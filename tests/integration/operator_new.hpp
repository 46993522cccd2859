// SPDX-License-Identifier: MIT
/// @file How often this test program has called `operator new`, which operator_new.cpp replaces.
#pragma once

#include <atomic>

namespace testing {

inline std::atomic<long> allocations{0};     ///< all calls there have been
inline std::atomic<long> aligned_taken{0};   ///< those for aligned memory: blocks of the pool
inline std::atomic<long> aligned_living{0};  ///< and how many of these have not been freed

}  // namespace testing
