// SPDX-License-Identifier: MIT
/// @file Memory of the pool as owners hold it: the storage behind every tensor, and behind the nodes of the tape.
#pragma once

#include <espalier/core/pool.hpp>

#include <atomic>
#include <cstddef>
#include <limits>
#include <new>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI {
namespace detail {

/// Behind the memory of a buffer: a small tensor and what counts its owners share a cache line.
struct alignas(16) Block {
    std::size_t offset;  ///< from where the memory begins
    std::atomic<std::size_t> references{1};
};

}  // namespace detail

/// Shared ownership of one block of memory; copying shares it, the last owner gives it back to the pool.
class Buffer {
public:
    Buffer() noexcept = default;
    /// Uninitialised memory. @throws std::bad_alloc
    explicit Buffer(std::size_t bytes) : block_{block_of(bytes)} {}
    Buffer(const Buffer& other) noexcept : block_{other.block_} {
        if (block_)
            block_->references.fetch_add(1, std::memory_order_relaxed);
    }
    Buffer(Buffer&& other) noexcept : block_{std::exchange(other.block_, nullptr)} {}
    Buffer& operator=(Buffer other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~Buffer() {
        if (block_)
            release(block_);
    }

    [[nodiscard]] void* data() const& noexcept { return block_ ? reinterpret_cast<std::byte*>(block_) - block_->offset : nullptr; }
    void* data() const&& = delete;  // the memory of a temporary is somebody else's in the next line
    /// How many share the block, this one included; 0 without one.
    [[nodiscard]] std::size_t use_count() const noexcept { return block_ ? block_->references.load(std::memory_order_acquire) : 0; }

private:
    [[nodiscard]] ESPALIER_NOINLINE static detail::Block* block_of(std::size_t bytes) {
        constexpr std::size_t alignment = alignof(detail::Block);
        if (bytes > std::numeric_limits<std::size_t>::max() / 2)
            throw std::bad_alloc{};
        const std::size_t offset = (bytes + alignment - 1) / alignment * alignment;
        auto* const memory = static_cast<std::byte*>(detail::MemoryPool::take(offset + sizeof(detail::Block)));
        return new (memory + offset) detail::Block{offset};
    }
    ESPALIER_NOINLINE static void release(detail::Block* block) noexcept {
        if (block->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
            detail::MemoryPool::give_back(reinterpret_cast<std::byte*>(block) - block->offset, block->offset + sizeof(detail::Block));
    }

    detail::Block* block_ = nullptr;
};

/// What containers and nodes of a training step allocate with, so that they too are made of blocks of earlier steps.
template <class T>
struct PoolAllocator {
    static_assert(alignof(T) <= memory_alignment);
    using value_type = T;

    PoolAllocator() noexcept = default;
    template <class U>
    PoolAllocator(const PoolAllocator<U>&) noexcept {}

    [[nodiscard]] T* allocate(std::size_t n) {
        if (n > std::numeric_limits<std::size_t>::max() / sizeof(T))
            throw std::bad_alloc{};
        return static_cast<T*>(detail::MemoryPool::take(n * sizeof(T)));
    }
    void deallocate(T* memory, std::size_t n) noexcept { detail::MemoryPool::give_back(memory, n * sizeof(T)); }

    template <class U>
    friend bool operator==(const PoolAllocator&, const PoolAllocator<U>&) noexcept {
        return true;
    }
};

/// A `std::vector` whose memory comes from the pool.
template <class T>
using PoolVector = std::vector<T, PoolAllocator<T>>;

/// Base of classes whose objects `new` takes from the pool.
struct Pooled {
    static void* operator new(std::size_t bytes) { return detail::MemoryPool::take(bytes); }
    static void operator delete(void* memory, std::size_t bytes) noexcept { detail::MemoryPool::give_back(memory, bytes); }
};

}  // namespace espalier::inline ESPALIER_ABI
