// SPDX-License-Identifier: MIT
/// @file A row of items made ahead on one thread, at most a few of them at a time.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/error.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/core/process.hpp>

#include <atomic>
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

/// Hands out `make(0)`, `make(1)`, ..., `make(count - 1)`, in that order, or as far as `make` gives something, made by a thread that is at
/// most `ahead` items ahead; with `ahead` 0 there is no thread. Destroying it stops the thread after the item it is at. In the child of a
/// `fork()`, where the thread is not, the rest is made when it is asked for.
template <class Item>
class Prefetcher {
public:
    ESPALIER_COLD Prefetcher(std::function<std::optional<Item>(Index)> make, Index count, Index ahead) {
        auto work = std::make_unique<Work>(std::move(make), count, static_cast<std::size_t>(ahead));
        if (ahead > 0)
            work->thread = std::jthread{[work = work.get()] { work->run(); }};
        work_ = work.release();
    }
    Prefetcher(Prefetcher&& other) noexcept : work_{std::exchange(other.work_, nullptr)} {}
    Prefetcher& operator=(Prefetcher&&) = delete;
    ~Prefetcher() {
        // Neither a thread that stayed in the parent process can be joined nor the one that this runs on, as when `make` calls `exit`:
        // then whoever waits for an item, on a thread that `exit` does not stop, waits in what is still there.
        if (!work_ || work_->left_behind() || work_->thread.get_id() == std::this_thread::get_id())
            return;
        work_->stop();
        delete work_;
    }

    /// Nothing when all items have been handed out. @throws what `make` threw, in the place of that item; then nothing more comes
    [[nodiscard]] std::optional<Item> next() {
        return work_->thread.joinable() && !work_->left_behind() ? work_->take() : work_->make_one();
    }

private:
    struct Work {
        Work(std::function<std::optional<Item>(Index)> make_item, Index item_count, std::size_t most)
            : make{std::move(make_item)}, count{item_count}, ahead{most} {}

        void run() noexcept {
            for (Index number = 0; number < count; ++number) {
                {
                    std::unique_lock lock{mutex};
                    changed.wait(lock, [&] { return stopped || ready.size() < ahead; });
                    if (stopped)
                        return;
                }
                std::exception_ptr thrown;
                try {
                    std::optional<Item> item = make(number);
                    refuse_in_child();
                    if (!item)
                        break;
                    put(std::move(*item));
                } catch (...) {
                    thrown = std::current_exception();
                }
                if (thrown) {  // handed over behind the handler: whoever takes it is then the only one to hold it
                    const std::scoped_lock lock{mutex};
                    failure = std::move(thrown);
                    made = count;
                    changed.notify_all();
                    return;
                }
            }
            const std::scoped_lock lock{mutex};
            made = count;
            changed.notify_all();
        }

        void put(Item item) {
            const std::scoped_lock lock{mutex};
            ready.push_back(std::move(item));
            ++made;
            changed.notify_all();
        }

        /// If `make` forks and returns in the child as well, nobody is there to take what it made. Ends the child.
        void refuse_in_child() const noexcept {
            require<StateError>(!left_behind(), "data_loader",
                                "expected the process that began the loop to end it, got a child that was "
                                "forked while a batch was made and returned");
        }

        std::optional<Item> take() {
            std::unique_lock lock{mutex};
            changed.wait(lock, [&] { return !ready.empty() || made == count; });
            if (ready.empty()) {
                handed = count;
                if (failure)
                    std::rethrow_exception(std::exchange(failure, nullptr));
                return {};
            }
            std::optional<Item> item{std::move(ready.front())};
            ready.erase(ready.begin());
            ++handed;
            changed.notify_all();
            return item;
        }

        std::optional<Item> make_one() {
            if (handed == count)
                return {};
            const Index number = std::exchange(handed, count);  // stays at the end if making throws
            std::optional<Item> item = make(number);
            if (item)
                handed = number + 1;
            return item;
        }

        void stop() {
            const std::scoped_lock lock{mutex};
            stopped = true;
            changed.notify_all();
        }

        /// Whether this is the child of a fork, and the thread, with all that it shares and perhaps holds, is in the parent.
        [[nodiscard]] bool left_behind() const noexcept { return ahead > 0 && espalier::detail::forked_since(process); }

        const std::function<std::optional<Item>(Index)> make;
        const Index count;
        const std::size_t ahead;
        std::mutex mutex;
        std::condition_variable changed;
        PoolVector<Item> ready;  // the first is the next one; of a few, moving up costs nothing
        std::exception_ptr failure;
        Index made = 0;
        bool stopped = false;
        Index handed = 0;  // of the one who asks alone, so that it can be relied on after a fork
        const unsigned process = espalier::detail::forks.load(std::memory_order_relaxed);
        std::jthread thread;  // destroyed first: it is joined while the rest is still there
    };

    Work* work_ = nullptr;  // owned; not a smart pointer, which would be emptied where others still read it at exit
};

}  // namespace espalier::inline ESPALIER_ABI::data::detail
