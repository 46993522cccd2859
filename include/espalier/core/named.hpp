// SPDX-License-Identifier: MIT
/// @file A small map from names to values that keeps the order of insertion: task to head, task to loss, task to target.
#pragma once

#include <espalier/core/error.hpp>

#include <algorithm>
#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace espalier::inline ESPALIER_ABI {

/// Look-up is linear: there are as many entries as a model has tasks.
template <class T>
class Named {
public:
    using value_type = std::pair<std::string, T>;

    Named() = default;
    /// @throws StateError for a name that comes twice.
    Named(std::initializer_list<value_type> entries) {
        for (const value_type& entry : entries)
            insert(entry.first, entry.second);
    }

    /// Adds an entry at the end. @throws StateError if the name is there already.
    T& insert(std::string name, T value) {
        require<StateError>(!contains(name), "named", "expected each name once, got '", name, "' twice");
        return entries_.emplace_back(std::move(name), std::move(value)).second;
    }

    [[nodiscard]] bool contains(std::string_view name) const noexcept { return find(name) != end(); }

    /// @throws StateError that lists the names there are.
    [[nodiscard]] T& at(std::string_view name) { return const_cast<T&>(std::as_const(*this).at(name)); }
    [[nodiscard]] const T& at(std::string_view name) const {
        const auto found = find(name);
        require<StateError>(found != end(), "named", "expected one of ", names(), ", got '", name, "'");
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
    [[nodiscard]] auto find(std::string_view name) const noexcept {
        return std::find_if(entries_.begin(), entries_.end(), [&](const value_type& e) { return e.first == name; });
    }

    std::vector<value_type> entries_;
};

}  // namespace espalier::inline ESPALIER_ABI
