// SPDX-License-Identifier: MIT
/// @file A small map from names to values that keeps the order of insertion: task to head, task to loss, task to target.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/memory.hpp>

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace espalier::inline ESPALIER_ABI {

/// Look-up is linear: there are as many entries as a model has tasks. Copies share the names, as do the results of `map`;
/// a name lives as long as one map that has it.
template <class T>
class Named {
public:
    using value_type = std::pair<std::string, T>;
    using Entry = std::pair<const std::string&, T>;  ///< what one iterates over

    Named() = default;
    /// @throws StateError for a name that comes twice.
    Named(std::initializer_list<value_type> entries) {
        for (const value_type& entry : entries)
            insert(entry.first, entry.second);
    }
    Named(const Named&) = default;
    Named(Named&&) noexcept = default;
    Named& operator=(Named other) noexcept {
        names_.swap(other.names_);
        entries_.swap(other.entries_);
        return *this;
    }
    ~Named() = default;

    /// Adds an entry at the end. @throws StateError if the name is there already.
    T& insert(std::string name, T value) {
        if (contains(name))
            fail<StateError>("named", "expected each name once, got '", name, "' twice");
        return append(std::allocate_shared<const std::string>(PoolAllocator<std::string>{}, std::move(name)), std::move(value));
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

    [[nodiscard]] bool contains(std::string_view name) const noexcept { return find(name) != end(); }

    /// @throws StateError that lists the names there are.
    [[nodiscard]] T& at(std::string_view name) { return const_cast<T&>(std::as_const(*this).at(name)); }
    [[nodiscard]] const T& at(std::string_view name) const {
        const auto found = find(name);
        if (found == end())
            fail<StateError>("named", "expected one of ", names(), ", got '", name, "'");
        return found->second;
    }

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    [[nodiscard]] auto begin() noexcept { return entries_.begin(); }
    [[nodiscard]] auto end() noexcept { return entries_.end(); }
    [[nodiscard]] auto begin() const noexcept { return entries_.begin(); }
    [[nodiscard]] auto end() const noexcept { return entries_.end(); }

    /// `'left', 'right'`, or `nothing`.
    [[nodiscard]] std::string names() const {
        std::string list;
        for (const auto& [name, value] : entries_)
            list += (list.empty() ? "'" : ", '") + name + "'";
        return list.empty() ? "nothing" : list;
    }

private:
    template <class>
    friend class Named;
    using Name = std::shared_ptr<const std::string>;

    T& append(const Name& name, T value) {
        names_.push_back(name);
        return entries_.emplace_back(*name, std::move(value)).second;
    }

    template <class Self, class F>
    [[nodiscard]] static auto mapped(Self& self, const F& f) {
        Named<std::remove_cvref_t<decltype(f(*self.names_[0], self.entries_[0].second))>> result;
        for (std::size_t i = 0; i < self.size(); ++i)
            result.append(self.names_[i], f(*self.names_[i], self.entries_[i].second));
        return result;
    }

    [[nodiscard]] auto find(std::string_view name) const noexcept {
        return std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.first == name; });
    }

    PoolVector<Name> names_;  ///< owns what the entries refer to
    PoolVector<Entry> entries_;
};

}  // namespace espalier::inline ESPALIER_ABI
