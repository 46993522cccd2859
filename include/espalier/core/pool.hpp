// SPDX-License-Identifier: MIT
/// @file Memory by sizes: what is freed is kept and handed out again.
///
/// A training step asks for the same sizes again and again. Rooms of a cache line and more are kept by size class; small ones
/// are cut out of chunks one beside the other, so that the thousands of nodes of a graph lie in few pages.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/process.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#define ESPALIER_POOL_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ESPALIER_POOL_MEMORY 0
#endif
#endif
#ifndef ESPALIER_POOL_MEMORY
#define ESPALIER_POOL_MEMORY 1  // kept rooms would hide a use after free from the address sanitizer
#endif

namespace espalier::inline ESPALIER_ABI {

/// Of every block, in bytes.
inline constexpr std::size_t memory_alignment = 64;

namespace detail {

/// Classes of rooms: 64 bytes, and 64 more than 64, 128 ... 512 bytes or than four sizes to each power of two from there, so
/// that a block of such a size fits with its header. At most 63 bytes or a fifth of a room are unused.
[[nodiscard]] constexpr std::size_t size_class_of(std::size_t bytes) noexcept {
    if (bytes <= memory_alignment)
        return 0;
    const std::size_t lines = (bytes - 1) / memory_alignment;  // beside the first
    if (lines <= 8)
        return lines;
    const auto log = static_cast<std::size_t>(std::bit_width(lines - 1)) - 1;  // 2^log < lines <= 2^(log + 1)
    return (log - 3) * 4 + ((lines - 1) >> (log - 2)) + 5;
}

[[nodiscard]] constexpr std::size_t size_class_bytes(std::size_t size_class) noexcept {
    if (size_class <= 8)
        return memory_alignment * (1 + size_class);
    const std::size_t log = 3 + (size_class - 9) / 4;
    return memory_alignment * (1 + (std::size_t{1} << log) + ((size_class - 9) % 4 + 1) * (std::size_t{1} << (log - 2)));
}

class MemoryPool {
public:
    /// Uninitialised memory, aligned to 64 bytes. @throws std::bad_alloc
    [[nodiscard]] ESPALIER_NOINLINE static void* take(std::size_t bytes) {
        if (bytes > std::numeric_limits<std::size_t>::max() / 4)
            throw std::bad_alloc{};
        if constexpr (ESPALIER_POOL_MEMORY) {
            const std::size_t size_class = size_class_of(bytes);
            MemoryPool& pool = instance();
            const std::scoped_lock lock{pool.mutex_};
            if (Room* const room = pool.free_[size_class]) {
                pool.free_[size_class] = room->next;
                __builtin_prefetch(room->next);  // likely the next to be taken, and long out of the cache
                return room;
            }
            return size_class < carved ? pool.carve(size_class_bytes(size_class)) : allocate(size_class_bytes(size_class));
        }
        return allocate(bytes);
    }

    /// @param bytes as it was taken with
    ESPALIER_NOINLINE static void give_back(void* memory, std::size_t bytes) noexcept {
        if constexpr (ESPALIER_POOL_MEMORY) {
            MemoryPool& pool = instance();
            const std::scoped_lock lock{pool.mutex_};
            Room*& head = pool.free_[size_class_of(bytes)];
            head = new (memory) Room{head};
        } else {
            release(memory);
        }
    }

    /// Of a chunk with rooms in use nothing can be returned.
    ESPALIER_COLD static void trim() noexcept {
        MemoryPool& pool = instance();
        const std::scoped_lock lock{pool.mutex_};
        for (std::size_t size_class = carved; size_class < pool.free_.size(); ++size_class)
            while (Room* const room = pool.free_[size_class]) {
                pool.free_[size_class] = room->next;
                release(room);
            }
        pool.trim_chunks();
    }

private:
    friend struct PoolOverFork;

    struct Room {
        Room* next;
    };

    struct alignas(memory_alignment) Chunk {
        Chunk* next;
        std::size_t used = sizeof(Chunk);  ///< bytes that rooms were cut from, and this
        std::size_t idle = 0;              ///< of them in free rooms; only while trimming
    };

    static constexpr std::size_t chunk_bytes = std::size_t{1} << 21;  ///< and alignment: a huge page
    static constexpr std::size_t carved = 12;                         ///< classes of up to a kilobyte

    [[nodiscard]] static MemoryPool& instance() noexcept;

    [[nodiscard]] static void* allocate(std::size_t bytes) { return ::operator new(bytes, std::align_val_t{memory_alignment}); }
    static void release(void* memory) noexcept { ::operator delete(memory, std::align_val_t{memory_alignment}); }

    [[nodiscard]] ESPALIER_NOINLINE void* carve(std::size_t bytes) {
        if (!chunks_ || chunk_bytes - chunks_->used < bytes) {
            void* const memory = ::operator new(chunk_bytes, std::align_val_t{chunk_bytes});
#if defined(MADV_HUGEPAGE)
            if (chunks_)  // a small program need not have all of its only chunk in memory
                (void)::madvise(memory, chunk_bytes, MADV_HUGEPAGE);
#endif
            chunks_ = new (memory) Chunk{chunks_};
        }
        return reinterpret_cast<std::byte*>(chunks_) + std::exchange(chunks_->used, chunks_->used + bytes);
    }

    [[nodiscard]] static Chunk& chunk_of(void* room) noexcept {
        return *reinterpret_cast<Chunk*>(static_cast<std::byte*>(room) - reinterpret_cast<std::uintptr_t>(room) % chunk_bytes);
    }

    ESPALIER_COLD void trim_chunks() noexcept {
        for (std::size_t size_class = 0; size_class < carved; ++size_class)
            for (Room* room = free_[size_class]; room; room = room->next)
                chunk_of(room).idle += size_class_bytes(size_class);
        const auto empty = [](const Chunk& chunk) { return sizeof(Chunk) + chunk.idle == chunk.used; };
        for (std::size_t size_class = 0; size_class < carved; ++size_class)
            for (Room** link = &free_[size_class]; *link;)
                if (empty(chunk_of(*link)))
                    *link = (*link)->next;
                else
                    link = &(*link)->next;
        for (Chunk** link = &chunks_; *link;) {
            Chunk* const chunk = *link;
            if (empty(*chunk)) {
                *link = chunk->next;
                ::operator delete(chunk, std::align_val_t{chunk_bytes});
            } else {
                chunk->idle = 0;
                link = &chunk->next;
            }
        }
    }

    std::mutex mutex_;
    std::array<Room*, 256> free_{};
    Chunk* chunks_ = nullptr;  ///< rooms are cut from the first
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

/// Returns to the system the memory that is kept for later; of small blocks that lie side by side, only all at once.
inline void trim_memory() noexcept { detail::MemoryPool::trim(); }

}  // namespace espalier::inline ESPALIER_ABI
