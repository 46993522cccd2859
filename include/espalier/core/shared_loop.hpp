// SPDX-License-Identifier: MIT
/// @file A loop that several threads run, and that ends without waiting for those that never came.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/error.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/core/process.hpp>

#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

namespace espalier::inline ESPALIER_ABI::detail {

/// Whether this thread is within a body of a loop.
[[nodiscard]] inline bool& within_loop() noexcept {
    static thread_local bool within = false;
    return within;
}

inline void relax() noexcept {
#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
    asm volatile("yield");
#endif
}

/// What a loop does with each of its chunks, in memory of the thread's own.
struct ChunkBody {
    void (*run)(const void* context, Index chunk, void* scratch);
    const void* context;
};

/// Chunks that one thread begins with; those that are done with their own help it. Unsigned, as `next` runs past the end, by one
/// for each thread that looks.
struct alignas(memory_alignment) Share {
    std::atomic<std::size_t> next;
    std::size_t end;
};

/// A loop of one caller and of helpers that may come at any time: where processors are scarce, after all is done and the caller has gone
/// on. They find it closed then. Hence it lives in the pool's memory, until the last of them has looked in; all else is the caller's.
///
/// Each thread begins with the same part of the chunks in every loop: what it wrote in one, it finds in its own cache in the
/// next, which counts where the cores share none.
class SharedLoop : public Pooled {
public:
    /// Of `threads`, of which one is the caller. @throws std::bad_alloc
    SharedLoop(std::size_t chunks, unsigned threads, std::size_t scratch_bytes, ChunkBody body)
        : body_{body},
          threads_{threads},
          scratch_bytes_{scratch_bytes},
          memory_{(sizeof(Share) + scratch_bytes) * threads},
          owners_{threads} {
        const std::size_t whole = chunks / threads, rest = chunks % threads;
        for (unsigned i = 0; i < threads; ++i)  // chunks * i / threads, of which the product may be too large
            ::new (shares() + i) Share{whole * i + rest * i / threads, whole * (i + 1) + rest * (i + 1) / threads};
    }

    [[nodiscard]] unsigned helpers() const noexcept { return threads_ - 1; }

    /// The helper's part, once each: chunks, if there are some left. @throws StateError as `finish`, which ends the child
    void help(unsigned thread) {
        if ((inside_.fetch_add(1, std::memory_order_acquire) & closed) == 0) {
            work(thread);
            refuse_in_child();
        }
        if (inside_.fetch_sub(1, std::memory_order_acq_rel) == closed + 1)
            inside_.notify_all();
        release();
    }

    /// The caller's part: chunks until there are none left to begin with.
    void work() noexcept { work(0); }

    /// The caller's, after its part: waits until no helper has any chunk. The loop is gone afterwards. Rethrows the first exception of
    /// a body. @throws StateError in a child that was forked within a body: there the loop cannot end, as its helpers stayed behind
    void finish() {
        const std::unique_ptr<SharedLoop> of_child{forked_since(process_) ? this : nullptr};
        refuse_in_child();
        unsigned inside = inside_.fetch_or(closed, std::memory_order_acq_rel) | closed;
        // Falling asleep and being woken costs more than the last chunk of most loops is worth waiting for.
        for (int i = 0; i < spins && inside != closed; ++i, inside = inside_.load(std::memory_order_acquire))
            relax();
        for (; inside != closed; inside = inside_.load(std::memory_order_acquire))
            inside_.wait(inside, std::memory_order_acquire);
        const std::exception_ptr failure = std::exchange(failure_, nullptr);
        memory_ = Buffer{};
        release();
        if (failure)
            std::rethrow_exception(failure);
    }

    /// Whether helpers hold the loop, or an offer of it.
    [[nodiscard]] bool awaits_helpers() const noexcept { return owners_.load(std::memory_order_relaxed) > 1; }

    /// By a thread that will not touch the loop any more, or in place of a helper that will not come.
    void release() noexcept {
        if (owners_.fetch_sub(1, std::memory_order_acq_rel) == 1)
            delete this;
    }

private:
    static constexpr unsigned closed = 1U << 31;
    static constexpr int spins = 2000;  ///< rounds of waiting before falling asleep, some tens of microseconds

    [[nodiscard]] Share* shares() noexcept { return static_cast<Share*>(memory_.data()); }

    void work(unsigned thread) noexcept {
        const bool before = std::exchange(within_loop(), true);
        try {
            void* const scratch = reinterpret_cast<std::byte*>(shares() + threads_) + scratch_bytes_ * thread;
            for (unsigned i = 0; i < threads_; ++i) {
                Share& share = shares()[(thread + i) % threads_];
                for (std::size_t chunk; (chunk = share.next.fetch_add(1)) < share.end;)
                    body_.run(body_.context, static_cast<Index>(chunk), scratch);
            }
        } catch (...) {
            for (unsigned i = 0; i < threads_; ++i)
                shares()[i].next = shares()[i].end;
            const std::scoped_lock lock{failure_mutex_};
            if (!failure_)
                failure_ = std::current_exception();
        }
        within_loop() = before;
    }

    void refuse_in_child() const {
        require<StateError>(!forked_since(process_), "parallel_for",
                            "expected the process that began the loop to end it, got a child that was forked within its body and returned");
    }

    ChunkBody body_;
    unsigned threads_;
    std::size_t scratch_bytes_;  ///< of each thread
    Buffer memory_;  ///< the shares, and the scratch memory
    std::atomic<unsigned> owners_;
    std::atomic<unsigned> inside_{0};  ///< helpers at work, and whether the loop is `closed`
    unsigned process_ = forks.load(std::memory_order_relaxed);
    std::exception_ptr failure_;
    std::mutex failure_mutex_;
};

}  // namespace espalier::inline ESPALIER_ABI::detail
