// SPDX-License-Identifier: MIT
#include <espalier/core/processors.hpp>

#include "catch.hpp"
#include "io/files.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>

using namespace espalier;

namespace {

/// The quota that is found in a folder with these files.
std::optional<double> quota_with(const std::map<std::string, std::string>& files) {
    const TemporaryFolder root;
    for (const auto& [name, text] : files) {
        std::filesystem::create_directories((root / name).parent_path());
        std::ofstream{root / name} << text;
    }
    return detail::processor_quota(root.path().string());
}

const std::string v2_mount =
    "24 1 0:22 / /proc rw shared:5 - proc proc rw\n"
    "35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n";
const std::string group = "sys/fs/cgroup/";

}  // namespace

TEST_CASE("a quota of control groups, version 2: the smallest on the way up", "[core][processors]") {
    const auto with = [](const std::string& path, std::map<std::string, std::string> files) {
        files.emplace("proc/self/mountinfo", v2_mount);
        files.emplace("proc/self/cgroup", "0::" + path + "\n");
        return quota_with(files);
    };
    CHECK(with("/", {{group + "cpu.max", "200000 100000\n"}}) == 2);
    CHECK(with("/a/b", {{group + "a/b/cpu.max", "150000 100000\n"}}) == 1.5);
    CHECK(with("/a/b", {{group + "a/b/cpu.max", "max 100000\n"}, {group + "a/cpu.max", "300000 100000\n"}}) == 3);
    CHECK(with("/a/b", {{group + "a/b/cpu.max", "800000 100000\n"}, {group + "a/cpu.max", "50000 100000\n"}}) == 0.5);
    CHECK(with("/a/b", {{group + "a/b/cpu.max", "100000 100000\n"}, {group + "cpu.max", "300000 100000\n"}}) == 1);
    CHECK_FALSE(with("/a/b", {{group + "a/b/cpu.max", "max 100000\n"}, {group + "cpu.max", "max 100000\n"}}));
    CHECK_FALSE(with("/a", {}));
    for (const std::string text : {"", "\n", "max", "0 100000", "100000 0", "-5 100000", "many 100000", "100000 many", "1e5 1e5"})
        CHECK_FALSE(with("/", {{group + "cpu.max", text}}));
    CHECK(with("/../other", {{group + "cpu.max", "400000 100000\n"}}) == 4);  // as seen from a namespace that does not hold it
}

TEST_CASE("a quota where the mount shows a part of the groups, or lies elsewhere", "[core][processors]") {
    // A container without a namespace of groups: its own group is the mount's root.
    CHECK(quota_with({{"proc/self/mountinfo", "35 24 0:30 /docker/1f /sys/fs/cgroup ro - cgroup2 cgroup rw\n"},
                      {"proc/self/cgroup", "0::/docker/1f/inner\n"},
                      {group + "cpu.max", "200000 100000\n"},
                      {group + "inner/cpu.max", "max 100000\n"}}) == 2);
    CHECK(quota_with({{"proc/self/mountinfo", "35 24 0:30 /docker/1f /sys/fs/cgroup ro - cgroup2 cgroup rw\n"},
                      {"proc/self/cgroup", "0::/docker/1ffff\n"},  // begins alike and is another
                      {group + "cpu.max", "200000 100000\n"}}) == 2);
    CHECK(quota_with({{"proc/self/mountinfo", "35 24 0:30 / /my\\040groups rw - cgroup2 cgroup rw\n"},
                      {"proc/self/cgroup", "0::/a\\b\n"},
                      {"my groups/a\\b/cpu.max", "700000 100000"}}) == 7);
}

TEST_CASE("a quota of control groups, version 1, and both versions side by side", "[core][processors]") {
    const std::string mounts =
        "30 24 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
        "31 24 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
        "32 24 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct\n";
    const std::string groups = "4:cpuset:/other\n3:cpu,cpuacct:/a/b\n0::/u\n";
    const std::string cpu = group + "cpu,cpuacct/";
    CHECK(quota_with({{"proc/self/mountinfo", mounts},
                      {"proc/self/cgroup", groups},
                      {cpu + "a/b/cpu.cfs_quota_us", "250000\n"},
                      {cpu + "a/b/cpu.cfs_period_us", "100000\n"},
                      {group + "cpuset/other/cpu.cfs_quota_us", "1\n"},  // of no concern
                      {group + "cpuset/other/cpu.cfs_period_us", "100000\n"}}) == 2.5);
    CHECK(quota_with({{"proc/self/mountinfo", mounts},
                      {"proc/self/cgroup", groups},
                      {cpu + "a/b/cpu.cfs_quota_us", "-1\n"},
                      {cpu + "a/b/cpu.cfs_period_us", "100000\n"},
                      {cpu + "cpu.cfs_quota_us", "400000\n"},
                      {cpu + "cpu.cfs_period_us", "100000\n"},
                      {group + "unified/u/cpu.max", "300000 100000\n"}}) == 3);
    CHECK_FALSE(quota_with({{"proc/self/mountinfo", mounts}, {"proc/self/cgroup", groups}}));
}

TEST_CASE("files that are missing or hold something else are no quota", "[core][processors]") {
    CHECK_FALSE(quota_with({}));
    CHECK_FALSE(quota_with({{"proc/self/mountinfo", v2_mount}, {group + "cpu.max", "100000 100000"}}));
    CHECK_FALSE(quota_with({{"proc/self/cgroup", "0::/\n"}, {group + "cpu.max", "100000 100000"}}));
    for (const std::string text : {"", "\n\n", "no mounts", "1 2 3 - cgroup2", " - cgroup2 a b", "35 24 0:30 / - cgroup2 c rw"})
        CHECK_FALSE(quota_with({{"proc/self/mountinfo", text}, {"proc/self/cgroup", "0::/\n"}, {group + "cpu.max", "100000 100000"}}));
    for (const std::string text : {"", ":", "::", "0:", "0:cpu", "::::\n:::", "1:name=systemd:/a"})
        (void)quota_with({{"proc/self/mountinfo", v2_mount}, {"proc/self/cgroup", text}});  // reads nothing out of bounds
    CHECK(detail::processor_quota().value_or(1) > 0);  // and of this process, whatever it is
}

TEST_CASE("processors are those of the mask, or fewer by a quota, and at least one", "[core][processors]") {
    CHECK(detail::processors(64, 2.0) == 2);
    CHECK(detail::processors(64, 2.5) == 3);
    CHECK(detail::processors(64, 0.1) == 1);
    CHECK(detail::processors(64, 1e300) == 64);
    CHECK(detail::processors(1, 2.0) == 1);
    CHECK(detail::processors(3, 3.0) == 3);
    CHECK(detail::processors(64, std::nullopt) == 64);
}

#if defined(__linux__)
TEST_CASE("the affinity mask of a thread counts", "[core][processors]") {
    int before = 0, within = 0;
    std::thread{[&] {  // a mask is of a thread: that of the tests stays as it is
        before = detail::processors_of_affinity();
        cpu_set_t all, one;
        sched_getaffinity(0, sizeof all, &all);
        CPU_ZERO(&one);
        for (int i = 0; i < CPU_SETSIZE; ++i)
            if (CPU_ISSET(i, &all)) {
                CPU_SET(i, &one);
                break;
            }
        sched_setaffinity(0, sizeof one, &one);
        within = detail::processors_of_affinity();
    }}
        .join();
    CHECK(before >= 1);
    CHECK(within == 1);
}
#endif
