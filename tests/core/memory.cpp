// SPDX-License-Identifier: MIT
#include <espalier/core/memory.hpp>

#include "catch.hpp"

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

using namespace espalier;

TEST_CASE("size classes hold what is asked and waste at most a fifth or less than a line", "[core][memory]") {
    for (std::size_t bytes = 0; bytes < 100000; bytes += 7) {
        const std::size_t size_class = detail::size_class_of(bytes);
        const std::size_t room = detail::size_class_bytes(size_class);
        REQUIRE(room >= bytes);
        REQUIRE(room % memory_alignment == 0);
        REQUIRE((room - bytes < memory_alignment || bytes == 0 || (room - bytes) * 5 <= room));
        REQUIRE((size_class == 0 || detail::size_class_bytes(size_class - 1) < bytes));
    }
    for (std::size_t power = 9; power < 62; ++power) {  // a tensor of such a size with the count of its owners wastes next to nothing
        const std::size_t bytes = (std::size_t{1} << power) + memory_alignment;
        REQUIRE(detail::size_class_bytes(detail::size_class_of(bytes)) == bytes);
        REQUIRE(detail::size_class_bytes(detail::size_class_of(bytes + 1)) == bytes + (std::size_t{1} << power) / 4);
        REQUIRE(detail::size_class_of(bytes) < 256);
    }
}

TEST_CASE("buffers are aligned and can be written to the end", "[core][memory]") {
    for (const std::size_t bytes : std::initializer_list<std::size_t>{0, 1, 64, 65, 256, 4096, 100001}) {
        const Buffer buffer{bytes};
        REQUIRE(reinterpret_cast<std::uintptr_t>(buffer.data()) % memory_alignment == 0);
        std::memset(buffer.data(), 0xAB, bytes);
    }
}

TEST_CASE("copies of a buffer share its memory until the last is gone", "[core][memory]") {
    Buffer first{16};
    void* const data = first.data();
    CHECK(first.use_count() == 1);
    Buffer second = first;
    CHECK(second.data() == data);
    CHECK(second.use_count() == 2);
    first = Buffer{};
    CHECK(first.data() == nullptr);
    CHECK(first.use_count() == 0);
    CHECK(second.use_count() == 1);
    std::memset(second.data(), 1, 16);  // the address sanitizer would tell if it were freed
    const Buffer third = std::move(second);
    CHECK(third.data() == data);
}

#if ESPALIER_POOL_MEMORY
TEST_CASE("freed memory is handed out again, to the same size class", "[core][memory]") {
    trim_memory();
    void* data = nullptr;
    {
        const Buffer buffer{1000};
        data = buffer.data();
    }
    const Buffer other{5000};
    CHECK(other.data() != data);
    const Buffer again{1010};
    CHECK(again.data() == data);
}
#endif

TEST_CASE("containers and objects live in the pool", "[core][memory]") {
    struct Object : Pooled {
        int value = 3;
    };
    PoolVector<int> numbers;
    for (int i = 0; i < 1000; ++i)
        numbers.push_back(i);
    CHECK(reinterpret_cast<std::uintptr_t>(numbers.data()) % memory_alignment == 0);
    CHECK(PoolVector<int>{numbers} == numbers);
    const auto object = std::make_unique<Object>();
    CHECK(object->value == 3);
    const auto shared = std::allocate_shared<int>(PoolAllocator<int>{}, 4);
    CHECK(*shared == 4);
#if ESPALIER_POOL_MEMORY
    const void* const data = numbers.data();
    numbers = PoolVector<int>{};
    CHECK(PoolVector<int>(1000).data() == data);
#endif
}

TEST_CASE("trimming leaves live buffers alone", "[core][memory]") {
    const Buffer live{64};
    std::memset(live.data(), 7, 64);
    { const Buffer freed{64}; }
    trim_memory();
    CHECK(static_cast<const unsigned char*>(live.data())[63] == 7);
}

TEST_CASE("trimming leaves live memory alone, small and large, and what is free beside it can be taken again", "[core][memory]") {
    // Over more than one chunk of small rooms, with every third one alive.
    std::vector<Buffer> buffers;
    for (std::size_t i = 0; i < 30000; ++i) {
        buffers.emplace_back(40 + i % 5 * 200);
        std::memset(buffers.back().data(), static_cast<int>(i % 251), 40);
    }
    for (std::size_t i = 0; i < buffers.size(); ++i)
        if (i % 3 != 0)
            buffers[i] = Buffer{};
    for (int round = 0; round < 2; ++round) {
        trim_memory();
        for (std::size_t i = 0; i < buffers.size(); ++i)
            if (i % 3 == 1) {
                buffers[i] = Buffer{40 + i % 7 * 150};
                std::memset(buffers[i].data(), static_cast<int>(i % 251), 40);
            }
        for (std::size_t i = 0; i < buffers.size(); ++i)
            if (i % 3 != 2)
                REQUIRE(static_cast<const unsigned char*>(buffers[i].data())[39] == i % 251);
    }
    buffers.clear();
    trim_memory();
    trim_memory();
    const Buffer after{40};
    std::memset(after.data(), 1, 40);
}

TEST_CASE("absurd sizes are refused", "[core][memory]") {
    for (const std::size_t less : std::initializer_list<std::size_t>{0, 1, 63, 64, 1000})
        CHECK_THROWS_AS(Buffer{std::numeric_limits<std::size_t>::max() - less}, std::bad_alloc);
    CHECK_THROWS_AS(Buffer{std::numeric_limits<std::size_t>::max() / 2}, std::bad_alloc);
    CHECK_THROWS_AS(PoolAllocator<double>{}.allocate(std::numeric_limits<std::size_t>::max() / 4), std::bad_alloc);
}

TEST_CASE("buffers are taken, shared and given back from many threads", "[core][memory][threads]") {
    const Buffer shared{128};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([shared, t] {
            for (std::size_t i = 0; i < 500; ++i) {
                const Buffer copy = shared;
                const Buffer own{64 + i % 5 * 300};
                std::memset(own.data(), t, 64);
            }
        });
    for (auto& thread : threads)
        thread.join();
    CHECK(shared.data() != nullptr);
}
