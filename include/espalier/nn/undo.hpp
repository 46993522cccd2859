// SPDX-License-Identifier: MIT
/// @file A forward pass that throws changes nothing: what layers have changed on the way is taken back.
///
/// Batch normalisation moves its running statistics when it is called, and a layer behind it may refuse its input. A layer
/// that changes its own state in a call says how to take that back:
/// @code
/// nn::undo_on_error([this, before = count_] { count_ = before; });
/// ++count_;
/// @endcode
#pragma once

#include <espalier/core/memory.hpp>

#include <concepts>
#include <exception>
#include <memory>
#include <utility>

namespace espalier::inline ESPALIER_ABI::nn {
namespace detail {

struct Undo : Pooled {
    virtual ~Undo() = default;
    virtual void operator()() noexcept = 0;
};

/// One call of something that consists of layers. If it ends by an exception, what was changed within it is taken back, the
/// last change first; if not, that remains to the call around it.
class ForwardScope {
public:
    ESPALIER_NOINLINE ForwardScope() noexcept : first_{log().entries.size()}, exceptions_{std::uncaught_exceptions()} { ++log().depth; }
    ForwardScope(const ForwardScope&) = delete;
    ForwardScope& operator=(const ForwardScope&) = delete;
    ESPALIER_NOINLINE ~ForwardScope() {
        auto& [entries, depth] = log();
        --depth;
        if (std::uncaught_exceptions() > exceptions_)
            for (; entries.size() > first_; entries.pop_back())
                (*entries.back())();
        else if (depth == 0)
            entries.clear();
    }

    struct Log {
        PoolVector<std::unique_ptr<Undo>> entries;
        int depth = 0;  ///< of scopes within scopes
    };
    [[nodiscard]] static Log& log() noexcept {
        static thread_local Log log;
        return log;
    }

private:
    std::size_t first_;
    int exceptions_;
};

}  // namespace detail

/// Keeps `undo()` until the outermost call of a `Sequential` or a `MultiTaskNet` in which this thread is has ended, and
/// calls it if that is by an exception. It must not throw, and the layer has to outlive that call. Outside of one nothing
/// happens.
template <std::invocable F>
void undo_on_error(F undo) {
    struct Entry final : detail::Undo {
        explicit Entry(F&& given) : f{std::move(given)} {}
        void operator()() noexcept override { f(); }
        F f;
    };
    if (auto& log = detail::ForwardScope::log(); log.depth > 0)
        log.entries.push_back(std::make_unique<Entry>(std::move(undo)));
}

}  // namespace espalier::inline ESPALIER_ABI::nn
