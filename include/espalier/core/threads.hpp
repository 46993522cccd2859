// SPDX-License-Identifier: MIT
/// @file One thread pool (Eigen's) and one `parallel_for`, whose chunks depend on the problem and never on the threads.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/error.hpp>
#include <espalier/core/memory.hpp>

#if __has_include(<Eigen/ThreadPool>)
#include <Eigen/ThreadPool>
#else
#include <unsupported/Eigen/CXX11/ThreadPool>
#endif

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <thread>

namespace espalier::inline ESPALIER_ABI {
namespace detail {

class Threads {
public:
    static Threads& instance() {
        static Threads threads;
        return threads;
    }

    [[nodiscard]] int count() {
        const std::scoped_lock lock{mutex_};
        return count_;
    }

    void set_count(int count) {
        std::shared_ptr<Eigen::ThreadPool> old;  // joined after the lock is released
        const std::scoped_lock lock{mutex_};
        if (count != count_)
            old = std::exchange(pool_, nullptr);
        count_ = count;
    }

    /// The pool of `count() - 1` workers (the caller is the last thread), null when there is none.
    [[nodiscard]] std::shared_ptr<Eigen::ThreadPool> pool() {
        const std::scoped_lock lock{mutex_};
        if (!pool_ && count_ > 1)
            pool_ = std::make_shared<Eigen::ThreadPool>(count_ - 1);
        return pool_;
    }

    static bool& busy() noexcept {
        static thread_local bool inside = false;
        return inside;
    }

private:
    Threads() {
        if (const char* text = std::getenv("ESPALIER_NUM_THREADS"))
            count_ = std::atoi(text);
        else
            count_ = static_cast<int>(std::thread::hardware_concurrency());
        count_ = std::clamp(count_, 1, 1024);
    }

    std::mutex mutex_;
    int count_ = 1;
    std::shared_ptr<Eigen::ThreadPool> pool_;
};

struct BusyScope {
    bool before = std::exchange(Threads::busy(), true);
    ~BusyScope() { Threads::busy() = before; }
};

/// Rounds that a thread waits for others before it falls asleep, some tens of microseconds.
inline constexpr int spins = 2000;

inline void relax() noexcept {
#if (defined(__x86_64__) || defined(__i386__)) && defined(__GNUC__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) && defined(__GNUC__)
    asm volatile("yield");
#endif
}

/// Chunks that one thread begins with; those that are done with their own help it.
struct alignas(memory_alignment) Share {
    std::atomic<Index> next;
    Index end;
};

/// Calls `run(context, chunk, scratch)` for every chunk in [0, chunks) on all threads, with `scratch_bytes` of memory that
/// are this thread's own. Not a template: it is compiled once, however many loops a program has.
///
/// Each thread begins with the same part of the chunks in every loop: what it wrote in one, it finds in its own cache in the
/// next, which counts where the cores share none.
inline void run_chunks(Index chunks, std::size_t scratch_bytes, void (*run)(const void* context, Index chunk, void* scratch),
                       const void* context) {
    const auto pool = chunks > 1 && !Threads::busy() ? Threads::instance().pool() : nullptr;
    const auto helpers = pool ? static_cast<unsigned>(std::min<Index>(pool->NumThreads(), chunks - 1)) : 0;
    // Taken here and for all threads: which of them come to work at all differs from loop to loop.
    scratch_bytes = (scratch_bytes + memory_alignment - 1) / memory_alignment * memory_alignment;
    if (!pool) {
        const Buffer memory = scratch_bytes ? Buffer{scratch_bytes} : Buffer{};
        for (Index chunk = 0; chunk < chunks; ++chunk)
            run(context, chunk, memory.data());
        return;
    }
    const unsigned threads = helpers + 1;
    const Buffer memory{(sizeof(Share) + scratch_bytes) * threads};
    auto* const shares = static_cast<Share*>(memory.data());
    for (unsigned i = 0; i < threads; ++i)
        ::new (shares + i) Share{chunks * i / threads, chunks * (i + 1) / threads};
    std::exception_ptr failure;
    std::mutex failure_mutex;
    const auto work = [&](unsigned thread) {
        const BusyScope scope;
        try {
            void* const scratch = reinterpret_cast<std::byte*>(shares + threads) + scratch_bytes * thread;
            for (unsigned i = 0; i < threads; ++i) {
                Share& share = shares[(thread + i) % threads];
                for (Index chunk; (chunk = share.next.fetch_add(1)) < share.end;)
                    run(context, chunk, scratch);
            }
        } catch (...) {
            for (unsigned i = 0; i < threads; ++i)
                shares[i].next = shares[i].end;
            const std::scoped_lock lock{failure_mutex};
            if (!failure)
                failure = std::current_exception();
        }
    };
    Eigen::Barrier barrier{helpers};
    std::atomic<unsigned> busy{helpers};
    const auto help = [&](unsigned thread) {
        work(thread);
        busy.fetch_sub(1, std::memory_order_release);
        barrier.Notify();
    };
    for (unsigned i = 1; i <= helpers; ++i) {
        const int worker = static_cast<int>(i);
        pool->ScheduleWithHint([&help, i] { help(i); }, worker - 1, worker);  // two words: what std::function holds without allocating
    }
    work(0);
    // Falling asleep and being woken costs more than the last chunk of most loops is worth waiting for.
    for (int i = 0; i < spins && busy.load(std::memory_order_acquire) > 0; ++i)
        relax();
    barrier.Wait();
    if (failure)
        std::rethrow_exception(failure);
}

}  // namespace detail

/// Threads that `parallel_for` uses; at first `ESPALIER_NUM_THREADS` or, without it, the processors there are.
[[nodiscard]] inline int num_threads() { return detail::Threads::instance().count(); }

/// Sets how many threads `parallel_for` uses from here on. @throws ValueError unless 1 <= count <= 1024.
inline void set_num_threads(int count) {
    require<ValueError>(count >= 1 && count <= 1024, "set_num_threads", "expected 1 to 1024 threads, got ", count);
    detail::Threads::instance().set_count(count);
}

/// `parallel_for` with a body that needs memory to work in: calls `body(begin, end, scratch)` with `scratch_bytes` that no
/// other thread uses meanwhile, uninitialised and 64-byte aligned.
template <class Body>
void parallel_for(Index n, Index grain, std::size_t scratch_bytes, const Body& body) {
    if (n <= 0)
        return;
    struct Context {
        const Body& body;
        Index n;
        Index grain;
    } const context{body, n, std::max<Index>(grain, 1)};
    detail::run_chunks((n + context.grain - 1) / context.grain, scratch_bytes,
                       [](const void* pointer, Index chunk, void* scratch) {
                           const auto& c = *static_cast<const Context*>(pointer);
                           c.body(chunk * c.grain, std::min(c.n, (chunk + 1) * c.grain), scratch);
                       },
                       &context);
}

/// Calls `body(begin, end)` on consecutive chunks of at most `grain` indices that cover [0, n), on all threads.
///
/// The chunks are the same for any number of threads; a body that writes only what belongs to its chunk therefore gives
/// the same bits on one thread and on sixteen. Nested calls run serially. The first exception of a body is rethrown.
template <class Body>
void parallel_for(Index n, Index grain, const Body& body) {
    parallel_for(n, grain, 0, [&](Index begin, Index end, void*) { body(begin, end); });
}

}  // namespace espalier::inline ESPALIER_ABI
