// SPDX-License-Identifier: MIT
/// @file Pooled, 64-byte aligned memory: the storage behind every tensor, and behind the nodes of the tape.
///
/// A training step asks for the same sizes again and again, so freed blocks are kept by size class and handed out again.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/process.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#define ESPALIER_POOL_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ESPALIER_POOL_MEMORY 0
#endif
#endif
#ifndef ESPALIER_POOL_MEMORY
#define ESPALIER_POOL_MEMORY 1  // kept blocks would hide a use after free from the address sanitizer
#endif

namespace espalier::inline ESPALIER_ABI {

/// Of every block, in bytes.
inline constexpr std::size_t memory_alignment = 64;

namespace detail {

struct alignas(memory_alignment) Block {
    std::atomic<std::size_t> references{1};
    std::size_t size_class = 0;
    Block* next = nullptr;
};
static_assert(sizeof(Block) == memory_alignment);

/// Four size classes to each power of two: at most a quarter of a block is unused.
[[nodiscard]] constexpr std::size_t size_class_of(std::size_t bytes) noexcept {
    if (bytes <= 64)
        return 0;
    const auto log = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1;  // 2^log < bytes <= 2^(log + 1)
    return (log - 6) * 4 + ((bytes - 1) >> (log - 2)) - 3;
}

[[nodiscard]] constexpr std::size_t size_class_bytes(std::size_t size_class) noexcept {
    if (size_class == 0)
        return 64;
    const std::size_t log = 6 + (size_class - 1) / 4;
    return (std::size_t{1} << log) + ((size_class - 1) % 4 + 1) * (std::size_t{1} << (log - 2));
}

class MemoryPool {
public:
    [[nodiscard]] ESPALIER_NOINLINE static Block* take(std::size_t bytes) {
        if (bytes > std::numeric_limits<std::size_t>::max() / 4)
            throw std::bad_alloc{};
        const std::size_t size_class = size_class_of(bytes);
        if constexpr (ESPALIER_POOL_MEMORY) {
            MemoryPool& pool = instance();
            const std::scoped_lock lock{pool.mutex_};
            if (Block* block = pool.free_[size_class]) {
                pool.free_[size_class] = block->next;
                block->references.store(1, std::memory_order_relaxed);
                return block;
            }
        }
        const std::size_t room = ESPALIER_POOL_MEMORY ? size_class_bytes(size_class) : bytes;
        void* memory = ::operator new(sizeof(Block) + room, std::align_val_t{memory_alignment});
        auto* block = new (memory) Block;
        block->size_class = size_class;
        return block;
    }

    ESPALIER_NOINLINE static void give_back(Block* block) noexcept {
        if constexpr (ESPALIER_POOL_MEMORY) {
            MemoryPool& pool = instance();
            const std::scoped_lock lock{pool.mutex_};
            block->next = pool.free_[block->size_class];
            pool.free_[block->size_class] = block;
        } else {
            release(block);
        }
    }

    static void trim() noexcept {
        MemoryPool& pool = instance();
        const std::scoped_lock lock{pool.mutex_};
        for (Block*& head : pool.free_)
            while (head)
                release(std::exchange(head, head->next));
    }

private:
    friend struct PoolOverFork;
    [[nodiscard]] static MemoryPool& instance() noexcept;

    static void release(Block* block) noexcept {
        block->~Block();
        ::operator delete(block, std::align_val_t{memory_alignment});
    }

    std::mutex mutex_;
    std::array<Block*, 256> free_{};
};

inline constinit Immortal<MemoryPool> process_memory;

inline MemoryPool& MemoryPool::instance() noexcept { return process_memory.value; }

/// Holds the lock while the process forks, so that the child finds it free and the lists whole.
struct PoolOverFork {
    static void unlock() noexcept { process_memory.value.mutex_.unlock(); }
    AroundFork around{[]() noexcept { process_memory.value.mutex_.lock(); }, &unlock, &unlock};
};
inline const PoolOverFork pool_over_fork;

}  // namespace detail

/// Shared ownership of one block of memory; copying shares it, the last owner gives it back to the pool.
class Buffer {
public:
    Buffer() noexcept = default;
    /// Uninitialised memory. @throws std::bad_alloc
    explicit Buffer(std::size_t bytes) : block_{detail::MemoryPool::take(bytes)} {}
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

    [[nodiscard]] void* data() const& noexcept { return block_ ? block_ + 1 : nullptr; }
    void* data() const&& = delete;  // the memory of a temporary is somebody else's in the next line
    /// How many share the block, this one included; 0 without one.
    [[nodiscard]] std::size_t use_count() const noexcept {
        return block_ ? block_->references.load(std::memory_order_acquire) : 0;
    }

private:
    ESPALIER_NOINLINE static void release(detail::Block* block) noexcept {
        if (block->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
            detail::MemoryPool::give_back(block);
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
        return reinterpret_cast<T*>(detail::MemoryPool::take(n * sizeof(T)) + 1);
    }
    void deallocate(T* memory, std::size_t) noexcept {
        detail::MemoryPool::give_back(reinterpret_cast<detail::Block*>(memory) - 1);
    }

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
    static void* operator new(std::size_t bytes) { return PoolAllocator<std::byte>{}.allocate(bytes); }
    static void operator delete(void* memory) noexcept {
        PoolAllocator<std::byte>{}.deallocate(static_cast<std::byte*>(memory), 0);
    }
};

/// Returns to the system every block that the pool keeps for later.
inline void trim_memory() noexcept { detail::MemoryPool::trim(); }

}  // namespace espalier::inline ESPALIER_ABI
