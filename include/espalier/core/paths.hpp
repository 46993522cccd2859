// SPDX-License-Identifier: MIT
/// @file Dotted paths such as `trunk.0.weight`, and what is meant by naming one.
#pragma once

#include <espalier/core/error.hpp>
#include <espalier/core/named.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace espalier::inline ESPALIER_ABI::detail {

/// Takes the first component off a path.
[[nodiscard]] inline std::string_view take_component(std::string_view& path) noexcept {
    const std::size_t dot = path.find('.');
    const std::string_view first = path.substr(0, dot);
    path = dot == path.npos ? std::string_view{} : path.substr(dot + 1);
    return first;
}

/// Whether `path` is what `named` names, or lies below it: component by component, `*` for any one. An empty name is the whole.
[[nodiscard]] inline bool lies_at(std::string_view path, std::string_view named) noexcept {
    while (!named.empty()) {
        if (path.empty())
            return false;
        const std::string_view wanted = take_component(named);
        if (const std::string_view component = take_component(path); wanted != "*" && wanted != component)
            return false;
    }
    return true;
}

/// @throws StateError that lists what there is, as far as the name leads somewhere, unless it names one of the paths or what they lie
/// below.
inline void require_path(const char* operation, const std::vector<std::string_view>& paths, std::string_view named) {
    const auto leads = [&](std::string_view to) {
        return std::any_of(paths.begin(), paths.end(), [&](std::string_view path) { return lies_at(path, to); });
    };
    if (named.empty() || leads(named))
        return;
    std::string_view known = named;
    while (!known.empty() && !leads(known))
        known = known.substr(0, known.find('.') == known.npos ? 0 : known.rfind('.'));
    const auto depth = known.empty() ? 0 : 1 + std::count(known.begin(), known.end(), '.');
    Named<bool> there;
    for (const std::string_view path : paths) {
        if (!lies_at(path, known))
            continue;
        std::string_view rest = path;
        for (auto i = depth; i >= 0; --i)
            (void)take_component(rest);
        const std::string_view part = rest.empty() ? path : path.substr(0, path.size() - rest.size() - 1);
        if (!there.contains(part))
            there.insert(std::string{part}, true);
    }
    fail<StateError>(operation, "expected the path of a part of the model, as ", there.names(), ", got '", named, "'");
}

}  // namespace espalier::inline ESPALIER_ABI::detail
