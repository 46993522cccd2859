// SPDX-License-Identifier: MIT
/// @file Threads that wait for loops.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/memory.hpp>
#include <espalier/core/shared_loop.hpp>

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace espalier::inline ESPALIER_ABI::detail {

/// Workers, each with a place for one loop that it shall help with. A step of training is some hundred loops a few microseconds apart, and
/// to fall asleep and to be woken takes tens of them; so a worker looks out for the next loop for a while before it sleeps.
class ThreadPool {
public:
    /// @throws std::system_error if so many threads cannot be made
    explicit ThreadPool(unsigned workers) : places_(workers) {
        try {
            for (unsigned i = 0; i < workers; ++i)
                threads_.emplace_back([this, i] { serve(i); });
        } catch (...) {
            stop();
            throw;
        }
    }
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;
    ~ThreadPool() { stop(); }

    [[nodiscard]] unsigned size() const noexcept { return static_cast<unsigned>(places_.size()); }

    /// Runs a loop on the caller and on its helpers, the first workers, and deletes it. @throws as `SharedLoop::finish`
    void run(SharedLoop* loop) {
        offer(*loop);
        loop->work();
        withdraw(*loop);
        loop->finish();
    }

    /// Offers a loop to its helpers. One that has not come to the loop before, as it has no processor or another caller's loop to help
    /// with, will not come to that any more.
    void offer(SharedLoop& loop) noexcept {
        for (unsigned i = 0; i < loop.helpers(); ++i)
            put(i, &loop);
    }

    /// Takes back what no helper has come for. Its memory is then free for the next loop: how many of them a step of training takes would
    /// hang on the processors that are idle otherwise.
    void withdraw(SharedLoop& loop) noexcept {
        for (unsigned i = 0; i < loop.helpers() && loop.awaits_helpers(); ++i) {
            auto& place = places_[i].loop;
            SharedLoop* offered = &loop;
            if (place.load(std::memory_order_relaxed) == offered &&
                place.compare_exchange_strong(offered, nullptr, std::memory_order_acq_rel, std::memory_order_relaxed))
                loop.release();
        }
    }

private:
    struct alignas(memory_alignment) Place {
        std::atomic<SharedLoop*> loop{nullptr};
    };

    static constexpr int spins = 10'000;  ///< rounds of looking out before falling asleep, some hundred microseconds

    /// In place of a loop: that there will be no more.
    [[nodiscard]] static SharedLoop* no_more() noexcept {
        alignas(SharedLoop) static constinit std::byte mark[sizeof(SharedLoop)]{};
        return reinterpret_cast<SharedLoop*>(mark);
    }

    void put(unsigned worker, SharedLoop* loop) noexcept {
        auto& place = places_[worker].loop;
        if (SharedLoop* const before = place.exchange(loop, std::memory_order_acq_rel))
            before->release();
        place.notify_one();
    }

    void stop() noexcept {
        for (unsigned i = 0; i < size(); ++i)
            put(i, no_more());
        threads_.clear();
    }

    void serve(unsigned worker) {
        auto& place = places_[worker].loop;
        for (int i = 0;; ++i) {
            SharedLoop* const loop = place.load(std::memory_order_relaxed) ? place.exchange(nullptr, std::memory_order_acq_rel) : nullptr;
            if (loop == no_more())
                return;
            if (loop) {
                loop->help(worker + 1);
                i = 0;
            } else if (i < spins) {
                relax();
            } else {
                place.wait(nullptr, std::memory_order_relaxed);
                i = 0;
            }
        }
    }

    std::vector<Place> places_;
    std::vector<std::jthread> threads_;  ///< the last member: they use the others
};

}  // namespace espalier::inline ESPALIER_ABI::detail
