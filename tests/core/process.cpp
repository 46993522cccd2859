// SPDX-License-Identifier: MIT
// What fork() and exit do to threads and memory. Each case ends a process, so each runs in one of its own.
#include <espalier/core/process.hpp>

#include <espalier/core/memory.hpp>
#include <espalier/core/threads.hpp>

#include "catch.hpp"
#include "forked.hpp"
#include "threads.hpp"

#include <atomic>
#include <numeric>
#include <thread>
#include <vector>

using namespace espalier;

#if ESPALIER_TEST_FORKS

namespace {

/// 0 if a loop on several threads did its work, and 1 if not.
int loop() {
    std::vector<int> values(1000, 0);
    parallel_for(1000, 7, 128, [&](Index begin, Index end, void* scratch) {
        *static_cast<Index*>(scratch) = begin;
        for (Index i = begin; i < end; ++i)
            values[static_cast<std::size_t>(i)] = static_cast<int>(i);
    });
    for (int i = 0; i < 1000; ++i)
        if (values[static_cast<std::size_t>(i)] != i)
            return 1;
    return 0;
}

/// 0 if two threads work at a time, else the child hangs.
int two_at_a_time() {
    std::atomic<int> begun{0};
    parallel_for(2, 1, [&](Index, Index) {
        ++begun;
        while (begun < 2)
            std::this_thread::yield();
    });
    return 0;
}

bool loop_at_the_very_end = false;

/// Made before all other statics of the program, and so destroyed after them.
struct [[maybe_unused]] AtTheVeryEnd {
    ~AtTheVeryEnd() {
        if (loop_at_the_very_end)
            _exit(loop() == 0 ? 42 : 1);
    }
};
[[gnu::init_priority(101)]] const AtTheVeryEnd at_the_very_end;

}  // namespace

TEST_CASE("in_child tells results, exceptions and hanging children apart", "[core][process]") {
    CHECK(in_child([] { return 7; }) == 7);
    CHECK(in_child([]() -> int { throw 1; }) == 99);
    CHECK(in_child([]() -> int { std::abort(); }) == killed + SIGABRT);
    CHECK(in_child([]() -> int {
              alarm(1);
              for (;;)
                  pause();
          }) == hung);
}

TEST_CASE("the child of a fork makes threads of its own, and ends", "[core][process]") {
    const testing::Threads restore;
    set_num_threads(3);
    REQUIRE(loop() == 0);  // the pool is there
    CHECK(in_child([] { return 0; }) == 0);
    CHECK(in_child(loop) == 0);
    CHECK(in_child([] { return loop() + loop() + two_at_a_time(); }) == 0);
    CHECK(in_child([] {
              set_num_threads(2);  // lets the inherited pool go
              return two_at_a_time();
          }) == 0);
    CHECK(in_child([] { return num_threads(); }) == 3);
    CHECK(loop() == 0);  // and the parent's works on
    CHECK(two_at_a_time() == 0);
}

TEST_CASE("children of children, and children of several threads at a time", "[core][process]") {
    if (!ESPALIER_POOL_MEMORY)
        return;  // the address sanitizer's own locks may be held by other threads at the moment of a fork
    const testing::Threads restore;
    set_num_threads(2);
    REQUIRE(loop() == 0);
    CHECK(in_child([] { return loop() + in_child([] { return loop() + in_child(loop); }) + loop(); }) == 0);
    std::atomic<int> sum{0};
    std::vector<std::thread> callers;
    for (int i = 0; i < 3; ++i)
        callers.emplace_back([&] {
            for (int repeat = 0; repeat < 5; ++repeat)
                sum += loop() + in_child(loop) + loop();
        });
    for (auto& caller : callers)
        caller.join();
    CHECK(sum == 0);
}

TEST_CASE("locks that other threads hold when a process forks are free in the child", "[core][process]") {
    if (!ESPALIER_POOL_MEMORY)
        return;  // see above: every allocation of such a build takes a lock of the sanitizer's
    const testing::Threads restore;
    set_num_threads(2);
    std::atomic<bool> stop{false};
    std::vector<std::thread> others;
    others.emplace_back([&] {
        while (!stop)
            Buffer{100};  // nearly always within the memory pool's lock
    });
    others.emplace_back([&] {
        for (int count = 2; !stop; count = 5 - count) {
            set_num_threads(count);
            (void)(num_threads() + loop());
        }
    });
    int sum = 0;
    for (int repeat = 0; repeat < 100; ++repeat)
        sum += in_child([] {
            const Buffer buffer{100};
            const int result = num_threads() >= 2 ? loop() : 1;
            return result;
        });
    stop = true;
    for (auto& other : others)
        other.join();
    CHECK(sum == 0);
}

TEST_CASE("a process asks its environment for the number of threads at the first loop", "[core][process]") {
    const auto with = [](const char* text, auto body) {
        return in_child([&] {
            setenv("ESPALIER_NUM_THREADS", text, 1);
            execl("/proc/self/exe", "test", body, "-o", "/dev/null", nullptr);
            return 98;
        });
    };
    CHECK(with("3", "three threads") == 0);
    CHECK(with("abc", "an error of the environment") == 0);
    CHECK(with("0", "an error of the environment") == 0);
}

TEST_CASE("three threads", "[.process]") {
    CHECK(num_threads() == 3);
    CHECK(loop() == 0);
}

TEST_CASE("an error of the environment", "[.process]") {
    const auto run = [] { parallel_for(2, 1, [](Index, Index) {}); };
    for (int repeat = 0; repeat < 2; ++repeat) {  // not at the first call alone
        CHECK_THROWS_AS(num_threads(), ValueError);
        CHECK_THROWS_WITH(run(), ContainsSubstring("ESPALIER_NUM_THREADS"));
    }
    set_num_threads(2);  // one who says the number need not ask
    CHECK(two_at_a_time() == 0);
}

TEST_CASE("a fork within a body: the child that returns from it gets an error, the parent goes on", "[core][process]") {
    const testing::Threads restore;
    for (const bool on_a_worker : {false, true}) {
        set_num_threads(2);
        std::atomic<int> begun{0}, result{-1};
        const auto caller = std::this_thread::get_id();
        bool child = false;
        int outcome = 0;
        const auto run = [&] {
            parallel_for(2, 1, [&](Index, Index) {
                ++begun;
                while (begun < 2)  // so that each thread has one
                    std::this_thread::yield();
                if ((std::this_thread::get_id() != caller) != on_a_worker)
                    return;
                const pid_t pid = fork();
                if (pid == 0) {
                    child = true;
                    begin_child();
                    return;
                }
                int status = 0;
                waitpid(pid, &status, 0);
                result = result_of(status);
            });
        };
        try {
            run();
        } catch (const StateError& error) {
            outcome = error.message().find("forked within its body") != std::string_view::npos ? 5 : 6;
        } catch (...) {
            outcome = 7;
        }
        if (child)
            std::exit(outcome);
        CHECK(outcome == 0);
        CHECK(result == (on_a_worker ? killed + SIGABRT : 5));  // a worker has nobody to throw to
    }
}

TEST_CASE("exit works from everywhere", "[core][process]") {
    const testing::Threads restore;
    set_num_threads(3);
    REQUIRE(loop() == 0);
    // Within a body, on the thread of the caller or on one of the pool.
    for (const bool on_a_worker : {false, true})
        CHECK(in_child([&] {
                  const auto caller = std::this_thread::get_id();
                  std::atomic<int> begun{0};
                  std::atomic<bool> exits{false};  // two threads must not call exit at the same time
                  parallel_for(3, 1, [&](Index, Index) {
                      ++begun;
                      while (begun < 3)
                          std::this_thread::yield();
                      if ((std::this_thread::get_id() != caller) == on_a_worker && !exits.exchange(true))
                          std::exit(11);
                      for (;;)
                          pause();  // the others wait for ever
                  });
                  return 1;
              }) == 11);
    // On another thread, while a loop runs.
    CHECK(in_child([]() -> int {
              std::atomic<bool> running{false};
              std::thread other{[&] {
                  while (!running)
                      std::this_thread::yield();
                  std::exit(12);
              }};
              for (;;)
                  running = loop() == 0;
          }) == 12);
}

TEST_CASE("statics and thread-locals may run loops and hold memory until the very end", "[core][process]") {
    const testing::Threads restore;
    set_num_threads(2);
    REQUIRE(loop() == 0);
    CHECK(in_child([] {
              loop_at_the_very_end = true;
              return two_at_a_time();
          }) == 42);
    CHECK(in_child([] {
              loop_at_the_very_end = true;  // and nothing has run in this process before
              return 0;
          }) == 42);
    CHECK(in_child([] {
              static Buffer held{1000};
              static thread_local Buffer held_by_thread{1000};
              std::thread{[] { held_by_thread = held; }}.join();
              held_by_thread = Buffer{500};
              return held.data() && held_by_thread.data() ? loop() : 1;
          }) == 0);
}

#endif
