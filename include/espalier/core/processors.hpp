// SPDX-License-Identifier: MIT
/// @file How many processors this process may use: those of its affinity mask, or fewer if a control group rations their time.
///
/// The processors of the machine are too many in a container: 64 threads that share the time of 2 processors wait for each other.
#pragma once

#include <espalier/core/config.hpp>
#include <espalier/core/memory.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace espalier::inline ESPALIER_ABI::detail {

/// All of a small file such as those of /proc, empty if it cannot be read.
[[nodiscard]] ESPALIER_COLD inline std::string text_of(const std::string& path) {
    std::string text;
    if (std::FILE* const file = std::fopen(path.c_str(), "rb")) {
        char part[4096];
        while (const std::size_t read = std::fread(part, 1, sizeof part, file))
            text.append(part, read);
        std::fclose(file);
    }
    return text;
}

/// The parts of a text between the separators.
[[nodiscard]] ESPALIER_COLD inline PoolVector<std::string_view> split_text(std::string_view text, char separator) {
    PoolVector<std::string_view> parts;
    for (std::size_t end; (end = text.find(separator)) != text.npos; text.remove_prefix(end + 1))
        parts.push_back(text.substr(0, end));
    parts.push_back(text);
    return parts;
}

/// A whole number above 0 that makes up the text, but for a line end; nothing for others, as `max` and -1, which mean no limit.
[[nodiscard]] ESPALIER_COLD inline std::optional<double> positive_number(std::string_view text) {
    const std::string_view digits = text.substr(0, text.find('\n'));
    unsigned long long number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size() || number == 0)
        return {};
    return static_cast<double>(number);
}

/// Paths in /proc/self/mountinfo write blanks and backslashes as `\040` and `\134`.
[[nodiscard]] ESPALIER_COLD inline std::string unescaped(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        int code = 0;
        if (text[i] == '\\' && i + 3 < text.size() && std::from_chars(&text[i + 1], &text[i + 1] + 3, code, 8).ptr == &text[i + 1] + 3) {
            result += static_cast<char>(code);
            i += 3;
        } else {
            result += text[i];
        }
    }
    return result;
}

/// Processors' worth of time that one control group grants: `cpu.max` of version 2 says "quota period", version 1 has a file for each.
[[nodiscard]] ESPALIER_COLD inline std::optional<double> quota_of_group(const std::string& folder, bool version_2) {
    std::optional<double> quota, period;
    if (version_2) {
        const std::string text = text_of(folder + "/cpu.max");
        const auto parts = split_text(text, ' ');
        quota = positive_number(parts.front());
        period = positive_number(parts.back());
    } else {
        quota = positive_number(text_of(folder + "/cpu.cfs_quota_us"));
        period = positive_number(text_of(folder + "/cpu.cfs_period_us"));
    }
    return quota && period ? std::optional{*quota / *period} : std::nullopt;
}

/// The smallest quota of this process's group and of those above it, as far as they can be seen; nothing without one. All files are
/// looked for under `root`, which is for tests.
[[nodiscard]] ESPALIER_COLD inline std::optional<double> processor_quota(const std::string& root = {}) {
    const std::string mounts = text_of(root + "/proc/self/mountinfo"), groups = text_of(root + "/proc/self/cgroup");
    std::optional<double> smallest;
    for (const std::string_view mount : split_text(mounts, '\n')) {
        // number parent device root mount-point options ... - type source options
        const std::size_t dash = mount.find(" - ");
        const auto before = split_text(mount.substr(0, dash), ' ');
        const auto behind = split_text(dash == mount.npos ? "" : mount.substr(dash + 3), ' ');
        if (before.size() < 5 || behind.size() < 3)
            continue;
        const auto names_cpu = [](std::string_view list) { return std::ranges::count(split_text(list, ','), "cpu") > 0; };
        const bool version_2 = behind[0] == "cgroup2";
        if (!version_2 && !(behind[0] == "cgroup" && names_cpu(behind[2])))
            continue;
        for (const std::string_view group : split_text(groups, '\n')) {
            const std::size_t first = group.find(':'), second = group.find(':', first + 1);  // number:controllers:path
            if (second == group.npos)
                continue;
            const std::string_view controllers = group.substr(first + 1, second - first - 1);
            if (version_2 ? !controllers.empty() : !names_cpu(controllers))
                continue;
            // The mount shows the groups below its root. A path that is not below it, as seen from another namespace, is of use no more.
            const std::string point = root + unescaped(before[4]), top = before[3] == "/" ? "" : unescaped(before[3]);
            std::string path{group.substr(second + 1)};
            path = path.starts_with(top) && path[top.size()] == '/' && !path.starts_with("/..") ? path.substr(top.size()) : "";
            for (bool more = true; more;) {
                if (const auto quota = quota_of_group(point + path, version_2))
                    smallest = std::min(smallest.value_or(*quota), *quota);
                more = !path.empty();
                path.resize(more ? path.rfind('/') : 0);
            }
        }
    }
    return smallest;
}

/// Processors that the calling thread may run on.
[[nodiscard]] ESPALIER_COLD inline int processors_of_affinity() {
#if defined(__linux__)
    for (std::size_t most = 1024; most <= 65536; most *= 2) {  // as long as the mask is refused as too short for the machine
        cpu_set_t* const mask = CPU_ALLOC(most);
        const std::size_t bytes = CPU_ALLOC_SIZE(most);
        const int count = mask && sched_getaffinity(0, bytes, mask) == 0 ? CPU_COUNT_S(bytes, mask) : 0;
        CPU_FREE(mask);
        if (count > 0)
            return count;
    }
#endif
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// The threads that can run at a time: of a quota of 2.5 processors, three can, though not all the time. At least 1.
[[nodiscard]] ESPALIER_COLD inline int processors(int of_affinity, std::optional<double> quota) {
    if (!quota || *quota >= of_affinity)
        return of_affinity;
    const int whole = static_cast<int>(*quota);
    return std::max(1, whole + (*quota > whole));
}

}  // namespace espalier::inline ESPALIER_ABI::detail
