// SPDX-License-Identifier: MIT
/// @file A small map from names to values that keeps the order of insertion: task to head, task to loss, task to target.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/memory.hpp>

#include <algorithm>
#include <concepts>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace espalier::inline ESPALIER_ABI {
namespace detail {

/// Names in their order, found by hash. Copies share the list until one of them adds to it, so a copy costs a pointer; a
/// name stays at its address as long as one list that has it.
class NameList {
public:
    static constexpr auto none = static_cast<std::size_t>(-1);

    /// @throws StateError if the name is there already.
    ESPALIER_NOINLINE const std::string& add(std::string name) {
        if (find(name) != none)
            fail<StateError>("named", "expected each name once, got '", name, "' twice");
        if (!names_ || names_.use_count() > 1)
            names_ = std::allocate_shared<Names>(PoolAllocator<Names>{}, names_ ? *names_ : Names{});
        auto& order = names_->order;
        order.push_back(std::allocate_shared<const std::string>(PoolAllocator<std::string>{}, std::move(name)));
        if (order.size() > few)
            for (std::size_t i = names_->places.size(); i < order.size(); ++i)
                names_->places.emplace(*order[i], i);
        return *order.back();
    }

    [[nodiscard]] const std::string& operator[](std::size_t i) const noexcept { return *names_->order[i]; }
    [[nodiscard]] std::size_t size() const noexcept { return names_ ? names_->order.size() : 0; }

    /// The position of a name, or `none`; `guess`, where it may well be, is looked at first.
    [[nodiscard]] ESPALIER_NOINLINE std::size_t find(std::string_view name, std::size_t guess = 0) const noexcept {
        if (guess < size() && (*this)[guess] == name)
            return guess;
        if (size() > few) {
            const auto place = names_->places.find(name);
            return place == names_->places.end() ? none : place->second;
        }
        for (std::size_t i = 0; i < size(); ++i)
            if ((*this)[i] == name)
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

    /// `'left', 'right'`, or `nothing`; of many names the first ones and how many more there are.
    [[nodiscard]] ESPALIER_NOINLINE std::string list() const {
        constexpr std::size_t shown = 20;
        std::string result;
        for (std::size_t i = 0; i < std::min(size(), shown); ++i)
            result += concat(result.empty() ? "'" : ", '", (*this)[i], "'");
        if (size() > shown)
            result += concat(" and ", size() - shown, " more");
        return result.empty() ? "nothing" : result;
    }

    friend bool operator==(const NameList& a, const NameList& b) noexcept {
        if (a.names_ == b.names_)
            return true;
        bool same = a.size() == b.size();
        for (std::size_t i = 0; same && i < a.size(); ++i)
            same = a[i] == b[i];
        return same;
    }

private:
    static constexpr std::size_t few = 8;  ///< up to here comparing each is faster than a hash

    struct Names {
        PoolVector<std::shared_ptr<const std::string>> order;
        std::unordered_map<std::string_view, std::size_t, std::hash<std::string_view>, std::equal_to<>,
                           PoolAllocator<std::pair<const std::string_view, std::size_t>>>
            places;  ///< empty while there are few
    };

    std::shared_ptr<Names> names_;
};

}  // namespace detail

/// Copies share the names, as do the results of `map`; a name lives as long as one map that has it. Assigning between maps
/// of the same names assigns the values one by one: what a value refers to, as a layer does to its parameters, stays in place.
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
    Named& operator=(const Named& other) {
        if (this != &other)
            *this = Named{other};  // what may throw comes first
        return *this;
    }
    Named& operator=(Named&& other) noexcept(std::is_nothrow_move_assignable_v<T>) {
        if (this == &other)
            return *this;
        if (names_ == other.names_) {
            for (std::size_t i = 0; i < entries_.size(); ++i)
                entries_[i].second = std::move(other.entries_[i].second);
        } else {
            entries_.swap(other.entries_);
            std::swap(names_, other.names_);
        }
        return *this;
    }
    ~Named() = default;

    /// Adds an entry at the end. @throws StateError if the name is there already.
    T& insert(std::string name, T value) {
        if (entries_.size() == entries_.capacity())
            entries_.reserve(2 * entries_.size() + 1);  // first, so that a name without an entry cannot stay behind
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

    /// The value of a name, null without one. Who goes through two maps side by side passes the position in the other as
    /// `guess`: where the order is the same, nothing need be looked up.
    [[nodiscard]] const T* find(std::string_view name, std::size_t guess = 0) const& noexcept {
        const std::size_t i = names_.find(name, guess);
        return i == names_.none ? nullptr : &entries_[i].second;
    }
    const T* find(std::string_view, std::size_t = 0) const&& = delete;

    /// A reference into this map; of a temporary one the value itself. @throws StateError that lists the names there are.
    [[nodiscard]] T& at(std::string_view name) & { return entries_[names_.at(name)].second; }
    [[nodiscard]] const T& at(std::string_view name) const& { return entries_[names_.at(name)].second; }
    [[nodiscard]] T at(std::string_view name) && { return std::move(entries_[names_.at(name)].second); }

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    [[nodiscard]] auto begin() noexcept { return entries_.begin(); }
    [[nodiscard]] auto end() noexcept { return entries_.end(); }
    [[nodiscard]] auto begin() const noexcept { return entries_.begin(); }
    [[nodiscard]] auto end() const noexcept { return entries_.end(); }

    /// `'left', 'right'`, or `nothing`.
    [[nodiscard]] std::string names() const { return names_.list(); }

    /// The same names in the same order with equal values.
    friend bool operator==(const Named& a, const Named& b)
        requires std::equality_comparable<T>
    {
        return a.names_ == b.names_ &&
               std::equal(a.begin(), a.end(), b.begin(), [](const Entry& x, const Entry& y) { return x.second == y.second; });
    }

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
