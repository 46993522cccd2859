// SPDX-License-Identifier: MIT
/// @file A row of items made ahead on one thread, at most a few of them at a time.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/memory.hpp>

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace espalier::inline ESPALIER_ABI::data::detail {

/// Hands out `make(0)`, `make(1)`, ..., `make(count - 1)`, in that order, made by a thread that is at most `ahead`
/// items ahead; with `ahead` 0 there is no thread. Destroying it stops the thread after the item it is at.
template <class Item>
class Prefetcher {
public:
    ESPALIER_COLD Prefetcher(std::function<Item(Index)> make, Index count, Index ahead)
        : work_{std::make_unique<Work>(std::move(make), count, static_cast<std::size_t>(ahead))} {
        if (ahead > 0)
            thread_ = std::jthread{[work = work_.get()] { work->run(); }};
    }
    Prefetcher(Prefetcher&&) noexcept = default;
    Prefetcher& operator=(Prefetcher&&) = delete;
    ~Prefetcher() {
        if (work_)
            work_->stop();
    }

    /// Nothing when all items have been handed out. @throws what `make` threw, in the place of that item; then nothing more comes
    [[nodiscard]] std::optional<Item> next() { return thread_.joinable() ? work_->take() : work_->make_one(); }

private:
    struct Work {
        Work(std::function<Item(Index)> make_item, Index item_count, std::size_t most)
            : make{std::move(make_item)}, count{item_count}, ahead{most} {}

        void run() noexcept {
            for (Index number = 0; number < count; ++number) {
                {
                    std::unique_lock lock{mutex};
                    changed.wait(lock, [&] { return stopped || ready.size() < ahead; });
                    if (stopped)
                        return;
                }
                try {
                    put(make(number));
                } catch (...) {
                    const std::scoped_lock lock{mutex};
                    failure = std::current_exception();
                    made = count;
                    changed.notify_all();
                    return;
                }
            }
        }

        void put(Item item) {
            const std::scoped_lock lock{mutex};
            ready.push_back(std::move(item));
            ++made;
            changed.notify_all();
        }

        std::optional<Item> take() {
            std::unique_lock lock{mutex};
            changed.wait(lock, [&] { return !ready.empty() || made == count; });
            if (ready.empty()) {
                if (failure)
                    std::rethrow_exception(std::exchange(failure, nullptr));
                return {};
            }
            std::optional<Item> item{std::move(ready.front())};
            ready.erase(ready.begin());
            changed.notify_all();
            return item;
        }

        std::optional<Item> make_one() {
            if (made == count)
                return {};
            const Index number = std::exchange(made, count);  // stays at the end if making throws
            std::optional<Item> item{make(number)};
            made = number + 1;
            return item;
        }

        void stop() {
            const std::scoped_lock lock{mutex};
            stopped = true;
            changed.notify_all();
        }

        const std::function<Item(Index)> make;
        const Index count;
        const std::size_t ahead;
        std::mutex mutex;
        std::condition_variable changed;
        PoolVector<Item> ready;  // the first is the next one; of a few, moving up costs nothing
        std::exception_ptr failure;
        Index made = 0;
        bool stopped = false;
    };

    std::unique_ptr<Work> work_;
    std::jthread thread_;  // destroyed first: it is joined while the work is still there
};

}  // namespace espalier::inline ESPALIER_ABI::data::detail
