// SPDX-License-Identifier: MIT
/// @file A number of threads for a scope of a test.
#pragma once

#include <espalier/core/threads.hpp>

namespace testing {

/// Gives back at its end the number of threads that there were, also when a REQUIRE has failed.
class Threads {
public:
    Threads() = default;
    explicit Threads(int count) { espalier::set_num_threads(count); }
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;
    ~Threads() { espalier::set_num_threads(before_); }

private:
    int before_ = espalier::num_threads();
};

}  // namespace testing
