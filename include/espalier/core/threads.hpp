// SPDX-License-Identifier: MIT
/// @file One thread pool (Eigen's) and one `parallel_for`, whose chunks depend on the problem and never on the threads.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/error.hpp>

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

/// Calls `run(context, chunk)` for every chunk in [0, chunks) on all threads. Not a template: it is compiled once, however
/// many loops a program has.
inline void run_chunks(Index chunks, void (*run)(const void* context, Index chunk), const void* context) {
    const auto pool = chunks > 1 && !Threads::busy() ? Threads::instance().pool() : nullptr;
    if (!pool) {
        for (Index chunk = 0; chunk < chunks; ++chunk)
            run(context, chunk);
        return;
    }
    std::atomic<Index> next{0};
    std::exception_ptr failure;
    std::mutex failure_mutex;
    const auto work = [&] {
        const BusyScope scope;
        try {
            for (Index chunk; (chunk = next.fetch_add(1)) < chunks;)
                run(context, chunk);
        } catch (...) {
            next = chunks;
            const std::scoped_lock lock{failure_mutex};
            if (!failure)
                failure = std::current_exception();
        }
    };
    const auto helpers = static_cast<unsigned>(std::min<Index>(pool->NumThreads(), chunks - 1));
    Eigen::Barrier barrier{helpers};
    for (unsigned i = 0; i < helpers; ++i)
        pool->Schedule([&] {
            work();
            barrier.Notify();
        });
    work();
    barrier.Wait();
    if (failure)
        std::rethrow_exception(failure);
}

}  // namespace detail

/// Threads that `parallel_for` uses; at first `ESPALIER_NUM_THREADS` or, without it, the processors there are.
[[nodiscard]] inline int num_threads() { return detail::Threads::instance().count(); }

/// @throws ValueError unless 1 <= count <= 1024.
inline void set_num_threads(int count) {
    require<ValueError>(count >= 1 && count <= 1024, "set_num_threads", "expected 1 to 1024 threads, got ", count);
    detail::Threads::instance().set_count(count);
}

/// Calls `body(begin, end)` on consecutive chunks of at most `grain` indices that cover [0, n), on all threads.
///
/// The chunks are the same for any number of threads; a body that writes only what belongs to its chunk therefore gives
/// the same bits on one thread and on sixteen. Nested calls run serially. The first exception of a body is rethrown.
template <class Body>
void parallel_for(Index n, Index grain, const Body& body) {
    if (n <= 0)
        return;
    struct Context {
        const Body& body;
        Index n;
        Index grain;
    } const context{body, n, std::max<Index>(grain, 1)};
    detail::run_chunks((n + context.grain - 1) / context.grain,
                       [](const void* pointer, Index chunk) {
                           const auto& c = *static_cast<const Context*>(pointer);
                           c.body(chunk * c.grain, std::min(c.n, (chunk + 1) * c.grain));
                       },
                       &context);
}

}  // namespace espalier::inline ESPALIER_ABI
