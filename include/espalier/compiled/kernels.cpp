// SPDX-License-Identifier: MIT
// The vector kernels. Other units in compiled mode see the declarations alone.
#define ESPALIER_KERNELS_LINKAGE
#include <espalier/kernels/simd/kernels.hpp>
