// SPDX-License-Identifier: MIT
// The pool's functions as they are without it: every block is new, and valgrind knows that nothing was written to it. A program
// takes a function of one name from the first of its objects that has it: linked before the others, this one decides for all.
#define ESPALIER_POOL_MEMORY 0

#include <espalier/core/pool.hpp>

[[gnu::used]] static void* (*const take)(std::size_t) = &espalier::detail::MemoryPool::take;
[[gnu::used]] static void (*const give_back)(void*, std::size_t) noexcept = &espalier::detail::MemoryPool::give_back;
