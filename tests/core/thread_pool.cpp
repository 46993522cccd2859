// SPDX-License-Identifier: MIT
#include "catch.hpp"

#include <espalier/core/thread_pool.hpp>

#include <atomic>
#include <chrono>
#include <thread>

using namespace espalier;

namespace {

/// A loop over `chunks` that counts them.
detail::SharedLoop* counting(std::atomic<int>& count, std::size_t chunks, unsigned threads) {
    return new detail::SharedLoop{
        chunks,
        threads,
        0,
        {[](const void* context, Index, void*) { ++*static_cast<std::atomic<int>*>(const_cast<void*>(context)); }, &count}};
}

/// A loop of two chunks, of which the pool's worker is in one until the loop shall end.
struct LongLoop {
    std::atomic<bool> at_work{false}, over{false};
    detail::SharedLoop* loop = new detail::SharedLoop{2, 2, 0, {&wait, this}};

    explicit LongLoop(detail::ThreadPool& pool) {
        pool.offer(*loop);
        while (!at_work)
            std::this_thread::yield();
    }
    void end() {
        over = true;
        loop->work();
        loop->finish();
    }
    static void wait(const void* self, Index, void*) {
        auto& [at_work, over, loop] = *static_cast<LongLoop*>(const_cast<void*>(self));
        at_work = true;
        while (!over)
            std::this_thread::yield();
    }
};

}  // namespace

TEST_CASE("workers help at once, after they fell asleep, and again", "[core][threads]") {
    detail::ThreadPool pool{3};
    CHECK(pool.size() == 3);
    std::atomic<int> count{0};
    int expected = 0;
    for (const int pause : {0, 0, 30, 0, 30}) {
        std::this_thread::sleep_for(std::chrono::milliseconds{pause});
        for (const unsigned threads : {1U, 2U, 4U}) {
            pool.run(counting(count, 50, threads));
            CHECK(count == (expected += 50));
        }
    }
}

TEST_CASE("a pool without workers, and one whose workers never had anything to do, end", "[core][threads]") {
    for (const unsigned workers : {0U, 1U, 5U}) {
        const detail::ThreadPool pool{workers};
        CHECK(pool.size() == workers);
    }
}

TEST_CASE("a loop takes the place of one that no worker came to", "[core][threads]") {
    std::atomic<int> count{0};
    detail::ThreadPool pool{1};
    LongLoop long_loop{pool};
    for (int i = 1; i <= 100; ++i) {
        pool.run(counting(count, 7, 2));
        CHECK(count == 7 * i);
    }
    long_loop.end();
}

TEST_CASE("an offer that no worker came for is taken back", "[core][threads]") {
    std::atomic<int> count{0};
    detail::ThreadPool pool{1};
    LongLoop long_loop{pool};
    auto* const loop = counting(count, 7, 2);
    pool.offer(*loop);
    loop->work();
    CHECK(loop->awaits_helpers());
    pool.withdraw(*loop);
    CHECK_FALSE(loop->awaits_helpers());
    pool.withdraw(*loop);  // again: there is nothing to take
    loop->finish();
    pool.withdraw(*long_loop.loop);  // the worker has it
    CHECK(long_loop.loop->awaits_helpers());
    long_loop.end();
    CHECK(count == 7);
}
