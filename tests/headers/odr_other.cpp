// SPDX-License-Identifier: MIT
// The whole library once more, built for AVX2 and FMA where the compiler has them.
#include "odr.hpp"

float train_with_other_flags() { return train(); }
