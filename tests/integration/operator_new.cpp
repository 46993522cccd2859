// SPDX-License-Identifier: MIT
// Alone in its file: inlined into others, g++ would warn of a `new` that ends in `free`. Worker threads (std::thread) ask
// for memory too, hence the atomic counters.
#include "integration/operator_new.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

// All other forms of new and delete call one of these; that which does not throw is here because the address sanitizer has one of
// its own, whose memory the `delete` below could not free.
void* operator new(std::size_t size) {
    ++testing::allocations;
    if (void* memory = std::malloc(size ? size : 1))
        return memory;
    throw std::bad_alloc{};
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    ++testing::allocations;
    return std::malloc(size ? size : 1);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

void* operator new(std::size_t size, std::align_val_t alignment) {
    const auto step = static_cast<std::size_t>(alignment);
    void* memory = std::aligned_alloc(step, (size + step - 1) / step * step);
    if (!memory)
        throw std::bad_alloc{};
    ++testing::allocations;
    ++testing::aligned_taken;
    ++testing::aligned_living;
    return memory;
}
void operator delete(void* memory, std::align_val_t) noexcept {
    if (memory)
        --testing::aligned_living;
    std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t alignment) noexcept { operator delete(memory, alignment); }
