// SPDX-License-Identifier: MIT
/// @file One thread pool and one `parallel_for`, whose chunks depend on the problem and never on the threads.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/error.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/core/process.hpp>
#include <espalier/core/processors.hpp>
#include <espalier/core/shared_loop.hpp>
#include <espalier/core/thread_pool.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <string_view>
#include <utility>

namespace espalier::inline ESPALIER_ABI {
namespace detail {

inline constexpr int most_threads = 1024;

/// The number that `ESPALIER_NUM_THREADS` holds; without it, or if it is empty, the processors there are.
/// @throws ValueError for anything but a number from 1 to 1024.
[[nodiscard]] inline int threads_at_first(const char* text) {
    if (!text || !*text)
        return std::min(processors(processors_of_affinity(), processor_quota()), most_threads);
    const std::string_view digits{text};
    int count = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    require<ValueError>(error == std::errc{} && end == digits.data() + digits.size() && count >= 1 && count <= most_threads, "num_threads",
                        "expected the environment's ESPALIER_NUM_THREADS to be a number from 1 to ", most_threads, ", got '", text, "'");
    return count;
}

class Threads {
public:
    static Threads& instance() noexcept;

    /// @throws ValueError if the environment is asked for the first time and says nonsense
    [[nodiscard]] int count() {
        const std::scoped_lock lock{mutex_};
        return counted();
    }

    void set_count(int count) {
        std::shared_ptr<ThreadPool> old;  // joined after the lock is released
        const std::scoped_lock lock{mutex_};
        if (count != count_)
            old = std::exchange(pool_, nullptr);
        count_ = count;
    }

    /// The pool of `count() - 1` workers (the caller is the last thread), null when there is none. @throws as `count`
    [[nodiscard]] std::shared_ptr<ThreadPool> pool() {
        const std::scoped_lock lock{mutex_};
        if (!pool_ && counted() > 1 && !ended_)
            pool_ = std::make_shared<ThreadPool>(static_cast<unsigned>(count_ - 1));
        return pool_;
    }

private:
    friend struct ThreadsOfProcess;

    int counted() {
        if (count_ == 0)
            count_ = threads_at_first(std::getenv("ESPALIER_NUM_THREADS"));
        return count_;
    }

    /// The workers of a pool stay behind in the parent: it can neither be used nor joined in the child, nor be destroyed, as that joins.
    void abandon() noexcept { ::new (static_cast<void*>(&pool_)) std::shared_ptr<ThreadPool>; }

    /// Joins the workers; loops run serially from here on. `exit` within a loop leaves them alone: they may wait for that loop.
    void end() noexcept {
        std::shared_ptr<ThreadPool> old;
        const std::scoped_lock lock{mutex_};
        ended_ = true;
        if (within_loop())
            abandon();
        else
            old = std::exchange(pool_, nullptr);
    }

    std::mutex mutex_;
    int count_ = 0;  ///< 0: nobody has asked yet
    bool ended_ = false;
    std::shared_ptr<ThreadPool> pool_;
};

inline constinit Immortal<Threads> process_threads;

inline Threads& Threads::instance() noexcept { return process_threads.value; }

/// Ties the pool to the life of the process.
struct ThreadsOfProcess {
    AroundFork around{[]() noexcept { process_threads.value.mutex_.lock(); }, []() noexcept { process_threads.value.mutex_.unlock(); },
                      []() noexcept {
                          process_threads.value.abandon();
                          process_threads.value.mutex_.unlock();
                      }};
    ~ThreadsOfProcess() { process_threads.value.end(); }
};
inline const ThreadsOfProcess threads_of_process;

/// Calls `body` for every chunk in [0, chunks) on all threads, with `scratch_bytes` of memory that are this thread's own. Not a template:
/// it is compiled once, however many loops a program has.
inline void run_chunks(Index chunks, std::size_t scratch_bytes, ChunkBody body) {
    if (scratch_bytes > std::numeric_limits<std::size_t>::max() / (8 * most_threads))
        throw std::bad_alloc{};
    const auto pool = chunks > 1 && !within_loop() ? Threads::instance().pool() : nullptr;
    if (!pool) {
        const Buffer memory = scratch_bytes ? Buffer{scratch_bytes} : Buffer{};
        for (Index chunk = 0; chunk < chunks; ++chunk)
            body.run(body.context, chunk, memory.data());
        return;
    }
    const auto threads = static_cast<unsigned>(std::min<Index>(pool->size(), chunks - 1)) + 1;
    // Taken here and for all threads: which of them come to work at all differs from loop to loop.
    scratch_bytes = (scratch_bytes + memory_alignment - 1) / memory_alignment * memory_alignment;
    pool->run(new SharedLoop{static_cast<std::size_t>(chunks), threads, scratch_bytes, body});
}

}  // namespace detail

/// Threads that `parallel_for` uses; at first as many as the environment's `ESPALIER_NUM_THREADS` says or, without it, as there are
/// processors for this process: those of its affinity mask, or fewer if a quota of its control group (a container's) rations them.
/// @throws ValueError if the variable holds anything but a number from 1 to 1024
[[nodiscard]] inline int num_threads() { return detail::Threads::instance().count(); }

/// Sets how many threads `parallel_for` uses from here on. @throws ValueError unless 1 <= count <= 1024.
inline void set_num_threads(int count) {
    require<ValueError>(count >= 1 && count <= detail::most_threads, "set_num_threads", "expected 1 to ", detail::most_threads,
                        " threads, got ", count);
    detail::Threads::instance().set_count(count);
}

/// `parallel_for` with a body that needs memory to work in: calls `body(begin, end, scratch)` with `scratch_bytes` that no
/// other thread uses meanwhile, uninitialised and 64-byte aligned. @throws std::bad_alloc, and as the one below
template <class Body>
void parallel_for(Index n, Index grain, std::size_t scratch_bytes, const Body& body) {
    if (n <= 0)
        return;
    struct Context {
        const Body& body;
        Index n;
        Index grain;
    } const context{body, n, std::max<Index>(grain, 1)};
    detail::run_chunks((n - 1) / context.grain + 1, scratch_bytes,
                       {[](const void* pointer, Index chunk, void* scratch) {
                            const auto& c = *static_cast<const Context*>(pointer);
                            const Index begin = chunk * c.grain;
                            c.body(begin, begin + std::min(c.grain, c.n - begin), scratch);
                        },
                        &context});
}

/// Calls `body(begin, end)` on consecutive chunks of at most `grain` indices that cover [0, n), on all threads.
///
/// The chunks are the same for any number of threads; a body that writes only what belongs to its chunk therefore gives
/// the same bits on one thread and on sixteen. Nested calls run serially. The first exception of a body is rethrown.
///
/// After a `fork()` the child makes threads of its own at its first loop. @throws StateError in a child that was forked within a
/// body on several threads and returned from it (on a thread of the pool, which has no caller, that ends the child)
template <class Body>
void parallel_for(Index n, Index grain, const Body& body) {
    parallel_for(n, grain, 0, [&](Index begin, Index end, void*) { body(begin, end); });
}

}  // namespace espalier::inline ESPALIER_ABI
