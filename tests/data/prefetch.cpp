// SPDX-License-Identifier: MIT
#include <espalier/data/prefetch.hpp>

#include <espalier/data/loader.hpp>

#include "catch.hpp"
#include "forked.hpp"

#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace espalier;

namespace {

using Prefetcher = data::detail::Prefetcher<Index>;

std::vector<Index> rest_of(Prefetcher& source) {
    std::vector<Index> items;
    while (const auto item = source.next())
        items.push_back(*item);
    return items;
}

}  // namespace

TEST_CASE("items come in their order, however many are made ahead", "[data][prefetch]") {
    for (const Index ahead : {0, 1, 3, 100}) {
        Prefetcher source{[](Index i) { return i * i; }, 5, ahead};
        CHECK(rest_of(source) == std::vector<Index>{0, 1, 4, 9, 16});
        CHECK_FALSE(source.next());
        Prefetcher empty{[](Index i) { return i; }, 0, ahead};
        CHECK_FALSE(empty.next());
        Prefetcher moved{std::move(empty)};
        CHECK_FALSE(moved.next());
        Prefetcher throwing{[](Index i) { return i == 2 ? throw std::runtime_error{"two"} : i; }, 5, ahead};
        CHECK(throwing.next() == 0);
        CHECK(throwing.next() == 1);
        CHECK_THROWS_WITH(throwing.next(), "two");
        CHECK_FALSE(throwing.next());
        CHECK_FALSE(throwing.next());
    }
}

TEST_CASE("items end where none is made, before their number as well", "[data][prefetch]") {
    for (const Index ahead : {0, 1, 3, 100})
        for (const Index end : {0, 1, 4}) {
            Prefetcher source{[end](Index i) { return i < end ? std::optional<Index>{i} : std::nullopt; }, 1'000'000, ahead};
            CHECK(rest_of(source).size() == static_cast<std::size_t>(end));
            CHECK_FALSE(source.next());
            CHECK_FALSE(source.next());
        }
}

#if ESPALIER_TEST_FORKS

TEST_CASE("a child takes the rest of the items from where the parent was, and ends", "[data][prefetch][process]") {
    for (const Index ahead : {0, 1, 3, 100}) {
        Prefetcher source{[](Index i) { return i == 4 ? throw std::runtime_error{"four"} : 10 * i; }, 6, ahead};
        CHECK(source.next() == 0);
        CHECK(source.next() == 10);
        CHECK(in_child([&] {
                  if (source.next() != 20 || source.next() != 30)
                      return 1;
                  try {
                      (void)source.next();
                      return 2;
                  } catch (const std::runtime_error&) {
                  }
                  return source.next() ? 3 : 0;
              }) == 0);
        CHECK(in_child([&] {
                  const Prefetcher left = std::move(source);
                  return 0;  // without another item
              }) == 0);
        CHECK(in_child([&]() -> int { std::_Exit(5); }) == 5);
        CHECK(source.next() == 20);  // the parent goes on
        CHECK(source.next() == 30);
        CHECK_THROWS_AS(source.next(), std::runtime_error);
        CHECK(in_child([&] { return source.next() ? 1 : 0; }) == 0);
    }
}

TEST_CASE("loaders and their loops in the child of a fork", "[data][prefetch][process]") {
    const auto numbers = Tensor<float>::arange(20);
    data::DataLoader loader{data::Dataset{numbers, "same", numbers}, {.batch_size = 3, .seed = 1}};
    const auto epoch = [](data::DataLoader<>& source) {
        std::vector<float> seen;
        for (const auto& batch : source)
            seen.insert(seen.end(), batch.input.begin(), batch.input.end());
        return seen;
    };
    const auto expected = epoch(loader);
    CHECK(in_child([&] {  // one that the parent made
              loader.set_epoch(0);
              return epoch(loader) == expected ? 0 : 1;
          }) == 0);
    CHECK(in_child([&] {  // one of its own
              data::DataLoader own{data::Dataset{numbers, "same", numbers}, {.batch_size = 3, .seed = 1}};
              return epoch(own) == expected ? 0 : 1;
          }) == 0);

    // While a loop is open: the child goes on with it, leaves it, or exits within it.
    loader.set_epoch(0);
    std::vector<float> seen;
    int number = 0;
    for (const auto& batch : loader) {
        seen.insert(seen.end(), batch.input.begin(), batch.input.end());
        if (++number == 2)
            CHECK(in_child([] { return 0; }) == 0);
        if (number != 3)
            continue;
        const pid_t child = fork();
        if (child == 0) {
            begin_child();
            number = -1000;
            continue;
        }
        int status = 0;
        waitpid(child, &status, 0);
        CHECK(result_of(status) == 33);
    }
    if (number < 0)
        std::exit(seen == expected ? 33 : 1);
    CHECK(seen == expected);
    CHECK(in_child([&] {  // a loop that is left within a child of a child
              for ([[maybe_unused]] const auto& batch : loader)
                  return in_child([&] { return epoch(loader).size() == 20 ? 0 : 1; });
              return 1;
          }) == 0);
}

TEST_CASE("exit and fork while a batch is made, on the thread that makes it", "[data][prefetch][process]") {
    CHECK(in_child([]() -> int {
              static Prefetcher source{[](Index i) { return i == 2 ? (std::exit(21), i) : i; }, 5, 3};  // destroyed on its own thread
              for (;;)
                  (void)source.next();
          }) == 21);
    int result = 0;
    Prefetcher source{[&](Index i) {
                          if (i == 1) {
                              const pid_t child = fork();
                              if (child == 0)
                                  begin_child();
                              else {
                                  int status = 0;
                                  waitpid(child, &status, 0);
                                  result = result_of(status);
                              }
                          }
                          return i;
                      },
                      3, 1};
    CHECK(rest_of(source) == std::vector<Index>{0, 1, 2});
    CHECK(result == killed + SIGABRT);  // nobody is there to take what it makes
}

#endif
