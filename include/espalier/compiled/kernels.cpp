// SPDX-License-Identifier: MIT
// The vector kernels. Other units of a program in compiled mode see only the declarations of their tables.
#define ESPALIER_COMPILED_KERNELS
#include <espalier/kernels/simd/kernels.hpp>
