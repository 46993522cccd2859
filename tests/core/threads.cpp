// SPDX-License-Identifier: MIT
#include <espalier/core/threads.hpp>

#include "catch.hpp"
#include "threads.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <mutex>
#include <new>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

using namespace espalier;

namespace {

std::set<std::pair<Index, Index>> chunks_of(Index n, Index grain) {
    std::set<std::pair<Index, Index>> chunks;
    std::mutex mutex;
    parallel_for(n, grain, [&](Index begin, Index end) {
        const std::scoped_lock lock{mutex};
        chunks.emplace(begin, end);
    });
    return chunks;
}

}  // namespace

TEST_CASE("the chunks are the same for any number of threads and cover the range once", "[core][threads]") {
    const testing::Threads restore;
    for (const auto& [n, grain] : {std::pair<Index, Index>{10, 3}, {1, 5}, {64, 1}, {100, 7}, {5, 0}, {5, 5}}) {
        set_num_threads(1);
        const auto expected = chunks_of(n, grain);
        Index next = 0;
        for (const auto& [begin, end] : expected) {
            CHECK(begin == next);
            CHECK((end > begin && end - begin <= std::max<Index>(grain, 1)));
            next = end;
        }
        CHECK(next == n);
        for (const int count : {2, 3, 4}) {
            set_num_threads(count);
            CHECK(num_threads() == count);
            CHECK(chunks_of(n, grain) == expected);
        }
    }
}

TEST_CASE("an empty range calls nothing", "[core][threads]") {
    int calls = 0;
    parallel_for(0, 1, [&](Index, Index) { ++calls; });
    parallel_for(-4, 1, [&](Index, Index) { ++calls; });
    CHECK(calls == 0);
}

TEST_CASE("counts and grains near the largest Index are as good as others", "[core][threads]") {
    const testing::Threads restore;
    constexpr Index most = std::numeric_limits<Index>::max();
    for (const int count : {1, 3}) {
        set_num_threads(count);
        CHECK(chunks_of(8, most) == std::set<std::pair<Index, Index>>{{0, 8}});
        CHECK(chunks_of(8, most - 3) == std::set<std::pair<Index, Index>>{{0, 8}});
        CHECK(chunks_of(most, most) == std::set<std::pair<Index, Index>>{{0, most}});
        CHECK(chunks_of(most, most - 1) == std::set<std::pair<Index, Index>>{{0, most - 1}, {most - 1, most}});
        CHECK(chunks_of(most, most / 3 + 1).size() == 3);
        CHECK(chunks_of(most - 1, Index{1} << 62) == std::set<std::pair<Index, Index>>{{0, Index{1} << 62}, {Index{1} << 62, most - 1}});
        // Too many to run; but the first that throws ends it, and every range is one.
        std::atomic<int> wrong{0};
        const auto run = [&](Index grain) {
            parallel_for(most, grain, [&](Index begin, Index end) {
                wrong += begin < 0 || end <= begin || end - begin > grain;
                throw std::runtime_error{"enough"};
            });
        };
        for (int repeat = 0; repeat < 100; ++repeat) {
            CHECK_THROWS_WITH(run(1), "enough");
            CHECK_THROWS_WITH(run(2), "enough");
        }
        CHECK(wrong == 0);
        const auto none = [](Index, Index, void*) {};
        CHECK_THROWS_AS(parallel_for(2, 1, std::numeric_limits<std::size_t>::max(), none), std::bad_alloc);
        CHECK_THROWS_AS(parallel_for(2, 1, std::numeric_limits<std::size_t>::max() / 2, none), std::bad_alloc);
    }
}

TEST_CASE("ESPALIER_NUM_THREADS is a number or an error that says what it may be", "[core][threads]") {
    CHECK(detail::threads_at_first("1") == 1);
    CHECK(detail::threads_at_first("12") == 12);
    CHECK(detail::threads_at_first("1024") == 1024);
    CHECK(detail::threads_at_first(nullptr) >= 1);
    CHECK(detail::threads_at_first("") == detail::threads_at_first(nullptr));
    CHECK_THROWS_WITH(detail::threads_at_first("abc"),
                      "[num_threads] expected the environment's ESPALIER_NUM_THREADS to be a number from 1 to 1024, got 'abc'");
    for (const char* const text : {"0", "-3", "3x", "99999999999", "99999999999999999999999", " 4", "4 ", "1025", "+4", "2.0", "0x4", "-"})
        CHECK_THROWS_AS(detail::threads_at_first(text), ValueError);
}

TEST_CASE("parallel_for waits for all of its chunks", "[core][threads]") {
    const testing::Threads restore;
    set_num_threads(4);
    for (int round = 0; round < 200; ++round) {
        std::vector<int> values(257, 0);
        parallel_for(257, 10, [&](Index begin, Index end) {
            for (Index i = begin; i < end; ++i)
                values[static_cast<std::size_t>(i)] = static_cast<int>(i) + round;
        });
        for (int i = 0; i < 257; ++i)
            REQUIRE(values[static_cast<std::size_t>(i)] == i + round);
    }
}

TEST_CASE("more than one thread takes part", "[core][threads]") {
    const testing::Threads restore;
    set_num_threads(2);
    // Each chunk waits until the other has begun; on one thread this would never end.
    std::atomic<int> begun{0};
    parallel_for(2, 1, [&](Index, Index) {
        ++begun;
        while (begun < 2)
            std::this_thread::yield();
    });
    CHECK(begun == 2);
}

TEST_CASE("each thread works in scratch memory of its own", "[core][threads]") {
    const testing::Threads restore;
    for (const int count : {1, 3}) {
        set_num_threads(count);
        std::atomic<int> wrong{0};
        parallel_for(60, 1, 100 * sizeof(Index), [&](Index begin, Index, void* scratch) {
            wrong += reinterpret_cast<std::uintptr_t>(scratch) % memory_alignment != 0;
            auto* const values = static_cast<Index*>(scratch);
            std::fill_n(values, 100, begin);
            std::this_thread::yield();
            wrong += std::count(values, values + 100, begin) != 100;
        });
        CHECK(wrong == 0);
    }
}

TEST_CASE("an exception of a body is rethrown, and the pool works on", "[core][threads]") {
    const testing::Threads restore;
    for (const int count : {1, 4}) {
        set_num_threads(count);
        CHECK_THROWS_WITH(parallel_for(100, 1,
                                       [](Index begin, Index) {
                                           if (begin == 37)
                                               throw std::runtime_error{"thirty-seven"};
                                       }),
                          "thirty-seven");
        CHECK_THROWS_AS(parallel_for(50, 1, [](Index, Index) { throw std::logic_error{"all"}; }), std::logic_error);
        CHECK(chunks_of(100, 1).size() == 100);
    }
}

TEST_CASE("nested calls run, serially and without a deadlock", "[core][threads]") {
    const testing::Threads restore;
    set_num_threads(3);
    std::atomic<Index> sum{0};
    parallel_for(8, 1, [&](Index outer, Index) {
        const auto id = std::this_thread::get_id();
        parallel_for(8, 1, [&](Index inner, Index) {
            if (std::this_thread::get_id() == id)
                sum += outer * 8 + inner;
        });
    });
    CHECK(sum == 64 * 63 / 2);
}

TEST_CASE("several threads may use the pool at once", "[core][threads]") {
    const testing::Threads restore;
    set_num_threads(3);
    std::atomic<Index> sum{0};
    std::vector<std::thread> callers;
    for (int t = 0; t < 3; ++t)
        callers.emplace_back([&] {
            for (int i = 0; i < 50; ++i)
                parallel_for(20, 1, [&](Index begin, Index) { sum += begin; });
        });
    for (auto& caller : callers)
        caller.join();
    CHECK(sum == 3 * 50 * 190);
}

TEST_CASE("a loop does not wait for a thread that has no time for it", "[core][threads]") {
    const testing::Threads restore;
    set_num_threads(2);
    std::atomic<int> begun{0};
    std::atomic<bool> over{false};
    std::thread other{[&] {
        parallel_for(2, 1, [&](Index, Index) {  // this thread and the pool's only one
            ++begun;
            while (!over)
                std::this_thread::yield();
        });
    }};
    while (begun < 2)
        std::this_thread::yield();
    Index sum = 0;
    for (int i = 0; i < 3000; ++i)  // more than the pool's queue takes
        parallel_for(4, 1, 64, [&](Index begin, Index, void* scratch) { sum += *static_cast<Index*>(scratch) = begin; });
    CHECK_THROWS_AS(parallel_for(4, 1, [](Index, Index) { throw std::logic_error{"own"}; }), std::logic_error);
    over = true;
    other.join();
    CHECK(sum == 3000 * 6);
    CHECK(chunks_of(100, 1).size() == 100);
}

TEST_CASE("set_num_threads refuses what makes no sense", "[core][threads]") {
    const int before = num_threads();
    CHECK_THROWS_WITH(set_num_threads(0), "[set_num_threads] expected 1 to 1024 threads, got 0");
    CHECK_THROWS_AS(set_num_threads(-1), ValueError);
    CHECK_THROWS_AS(set_num_threads(1025), ValueError);
    CHECK(num_threads() == before);
}
