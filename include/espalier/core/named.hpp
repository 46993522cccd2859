// SPDX-License-Identifier: MIT
/// @file A small map from names to values that keeps the order of insertion: task to head, task to loss, task to target.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/memory.hpp>

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI {
namespace detail {

/// Names in their order. Copies share them: a name stays at its address as long as one list that has it.
class NameList {
public:
    static constexpr auto none = static_cast<std::size_t>(-1);

    /// @throws StateError if the name is there already.
    ESPALIER_NOINLINE const std::string& add(std::string name) {
        if (find(name) != none)
            fail<StateError>("named", "expected each name once, got '", name, "' twice");
        names_.push_back(std::allocate_shared<const std::string>(PoolAllocator<std::string>{}, std::move(name)));
        return *names_.back();
    }

    [[nodiscard]] const std::string& operator[](std::size_t i) const noexcept { return *names_[i]; }

    /// The position of a name, or `none`.
    [[nodiscard]] ESPALIER_NOINLINE std::size_t find(std::string_view name) const noexcept {
        for (std::size_t i = 0; i < names_.size(); ++i)
            if (*names_[i] == name)
                return i;
        return none;
    }
    /// The position of a name. @throws StateError that lists the names there are.
    [[nodiscard]] ESPALIER_NOINLINE std::size_t at(std::string_view name) const {
        const std::size_t i = find(name);
        if (i == none)
            fail<StateError>("named", "expected one of ", list(), ", got '", name, "'");
        return i;
    }

    /// `'left', 'right'`, or `nothing`.
    [[nodiscard]] ESPALIER_NOINLINE std::string list() const {
        std::string result;
        for (const auto& name : names_)
            result += concat(result.empty() ? "'" : ", '", *name, "'");
        return result.empty() ? "nothing" : result;
    }

private:
    PoolVector<std::shared_ptr<const std::string>> names_;
};

}  // namespace detail

/// Look-up is linear: there are as many entries as a model has tasks. Copies share the names, as do the results of `map`;
/// a name lives as long as one map that has it.
template <class T>
class Named {
public:
    using value_type = std::pair<std::string, T>;
    using Entry = std::pair<const std::string&, T>;  ///< what one iterates over

    Named() = default;
    /// @throws StateError for a name that comes twice.
    ESPALIER_COLD Named(std::initializer_list<value_type> entries) {
        for (const value_type& entry : entries)
            insert(entry.first, entry.second);
    }
    Named(const Named&) = default;
    Named(Named&&) noexcept = default;
    Named& operator=(Named other) noexcept {
        std::swap(names_, other.names_);
        entries_.swap(other.entries_);
        return *this;
    }
    ~Named() = default;

    /// Adds an entry at the end. @throws StateError if the name is there already.
    T& insert(std::string name, T value) {
        return entries_.emplace_back(names_.add(std::move(name)), std::move(value)).second;
    }

    /// The same names with `f(name, value)` of each entry, in their order. Unlike `insert` it copies no name.
    template <class F>
    [[nodiscard]] auto map(const F& f) {
        return mapped(*this, f);
    }
    template <class F>
    [[nodiscard]] auto map(const F& f) const {
        return mapped(*this, f);
    }

    [[nodiscard]] bool contains(std::string_view name) const noexcept { return names_.find(name) != names_.none; }

    /// @throws StateError that lists the names there are.
    [[nodiscard]] T& at(std::string_view name) { return entries_[names_.at(name)].second; }
    [[nodiscard]] const T& at(std::string_view name) const { return entries_[names_.at(name)].second; }

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    [[nodiscard]] auto begin() noexcept { return entries_.begin(); }
    [[nodiscard]] auto end() noexcept { return entries_.end(); }
    [[nodiscard]] auto begin() const noexcept { return entries_.begin(); }
    [[nodiscard]] auto end() const noexcept { return entries_.end(); }

    /// `'left', 'right'`, or `nothing`.
    [[nodiscard]] std::string names() const { return names_.list(); }

private:
    template <class>
    friend class Named;

    template <class Self, class F>
    [[nodiscard]] static auto mapped(Self& self, const F& f) {
        Named<std::remove_cvref_t<decltype(f(self.names_[0], self.entries_[0].second))>> result;
        result.names_ = self.names_;
        result.entries_.reserve(self.size());
        for (std::size_t i = 0; i < self.size(); ++i)
            result.entries_.emplace_back(self.names_[i], f(self.names_[i], self.entries_[i].second));
        return result;
    }

    detail::NameList names_;  ///< owns what the entries refer to
    PoolVector<Entry> entries_;
};

}  // namespace espalier::inline ESPALIER_ABI
