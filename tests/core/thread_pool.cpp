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

}  // namespace

TEST_CASE("workers help at once, after they fell asleep, and again", "[core][threads]") {
    detail::ThreadPool pool{3};
    CHECK(pool.size() == 3);
    std::atomic<int> count{0};
    int expected = 0;
    for (const int pause : {0, 0, 30, 0, 30}) {
        std::this_thread::sleep_for(std::chrono::milliseconds{pause});
        for (const unsigned threads : {1U, 2U, 4U}) {
            auto* const loop = counting(count, 50, threads);
            pool.offer(*loop);
            loop->finish();
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
    std::atomic<bool> at_work{false}, over{false};
    struct Context {
        std::atomic<bool>& at_work;
        std::atomic<bool>& over;
    } const context{at_work, over};
    detail::ThreadPool pool{1};
    const auto wait = [](const void* pointer, Index, void*) {
        const auto& c = *static_cast<const Context*>(pointer);
        c.at_work = true;
        while (!c.over)
            std::this_thread::yield();
    };
    auto* const long_loop = new detail::SharedLoop{2, 2, 0, {wait, &context}};
    pool.offer(*long_loop);
    while (!at_work)  // the worker's first chunk
        std::this_thread::yield();
    for (int i = 1; i <= 100; ++i) {
        auto* const loop = counting(count, 7, 2);
        pool.offer(*loop);
        loop->finish();
        CHECK(count == 7 * i);
    }
    over = true;
    long_loop->finish();
}
