// SPDX-License-Identifier: MIT
#include <espalier/io/state_match.hpp>

#include "catch.hpp"

#include <memory>
#include <string>
#include <vector>

using namespace espalier;
using io::detail::OfferedTensor;
using io::detail::ShortList;
using io::detail::WantedTensor;

TEST_CASE("a list is short, and says how much it leaves out", "[io][state_match]") {
    ShortList list{"missing "};
    CHECK(list.text().empty());
    for (int i = 0; i < 8; ++i)
        list.add(std::to_string(i));
    CHECK(list.text() == "missing 0, 1, 2, 3, 4, 5, 6, 7");
    list.add("8");
    CHECK(list.text() == "missing 0, 1, 2, 3, 4, 5, 6, 7 and 1 more");
}

TEST_CASE("tensors below a prefix", "[io][state_match]") {
    io::TensorFile file;
    for (const std::string name : {"a", "a.b", "a.b.c", "ab.c", ""})
        file.insert(name, Tensor<float>{});
    const auto below = [&](const std::string& prefix) {
        std::vector<std::string> paths;
        for (const auto& tensor : io::detail::below(file, prefix, "test", " here"))
            paths.push_back(tensor.path);
        return paths;
    };
    CHECK(below("").size() == 5);
    CHECK(below("a") == std::vector<std::string>{"b", "b.c"});
    CHECK(below("a.b.") == std::vector<std::string>{"c"});
    CHECK_THROWS_AS(below("c"), StateError);
    CHECK_THROWS_WITH(below("."), "[test] expected tensors below '.' here, got 5 tensors: '', 'a', 'a.b', 'a.b.c', 'ab.c'");
}

TEST_CASE("hostile names are matched as any others and printed with care", "[io][state_match]") {
    const io::StoredTensor stored{Tensor<float>{Shape{1}}};
    const std::vector<std::string> names{"", "..", "../../etc/passwd", "a\n; missing b", std::string(1000, '.'), "w"};
    std::vector<OfferedTensor> offered;
    for (const auto& name : names)
        offered.push_back({name, name, &stored});
    const std::vector<WantedTensor> wanted{{"w", {1}, &stored, {}}};
    io::LoadReport report;
    const auto found = io::detail::match<float>(wanted, offered, false, "test", "", report);
    CHECK(found == std::vector<const io::StoredTensor*>{&stored});
    CHECK(report.unexpected == std::vector<std::string>(names.begin(), names.end() - 1));
    CHECK(report.text() == "unexpected , .., ../../etc/passwd, a?; missing b, " + std::string(120, '.') + "...");
    io::LoadReport strict;
    CHECK_THROWS_AS(io::detail::match<float>(wanted, offered, true, "test", "", strict), StateError);
}

TEST_CASE("extents beyond what a tensor here can have are a mismatch like others", "[io][state_match]") {
    const std::string bytes;
    const auto owner = std::make_shared<const std::string>(bytes);
    const io::StoredTensor wide{io::Dtype::F32, {std::uint64_t{1} << 63, 0}, owner, {}};
    const io::StoredTensor deep{io::Dtype::F32, {1, 1, 1, 1, 1, 1, 1, 1, 1}, owner, {}};
    const std::vector<WantedTensor> wanted{{"a", {2}, &wide, {}}, {"b", {1}, &deep, {}}, {"c", {}, &bytes, "a reason"}};
    io::LoadReport report;
    const std::vector<OfferedTensor> offered{{"a", "a", &wide}, {"b", "b", &deep}, {"c", "c", &deep}};
    CHECK_THROWS_WITH(io::detail::match<float>(wanted, offered, false, "test", " here", report),
                      "[test] expected the tensors of this model here, got others: a of shape (2,) came as shape (9223372036854775808, 0), "
                      "b of shape (1,) came as shape (1, 1, 1, 1, 1, 1, 1, 1, 1), c: a reason");
}
