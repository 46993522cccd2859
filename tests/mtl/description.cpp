// SPDX-License-Identifier: MIT
/// @file Descriptions as text and as a drawing.
#include "catch.hpp"

#include <espalier/mtl/description.hpp>

#include <cstddef>
#include <limits>
#include <string>

using namespace espalier;
using mtl::Description;

namespace {

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++found;
    return found;
}

}  // namespace

TEST_CASE("a description is a table with a column for each task", "[describe]") {
    const Description description{{{"trunk", 1605776, 1234, {true, true}, true}, {"heads.b", 12, 0, {false, true}}},
                                  {{"a", 1605776, 1234}, {"b", 1605788, 1234}},
                                  1605788,
                                  1234};
    CHECK(description.text() ==
          "part            parameters  multiply-adds  a  b\n"
          "trunk (frozen)   1,605,776          1,234  x  x\n"
          "heads.b                 12              0     x\n"
          "for a            1,605,776          1,234\n"
          "for b            1,605,788          1,234\n"
          "in all           1,605,788          1,234\n");
}

TEST_CASE("numbers in a drawing have three digits and a suffix", "[describe]") {
    using mtl::detail::shortened;
    CHECK(shortened(0) == "0");
    CHECK(shortened(999) == "999");
    CHECK(shortened(1000) == "1.00 k");
    CHECK(shortened(1605776) == "1.60 M");
    CHECK(shortened(16057760) == "16.0 M");
    CHECK(shortened(160577600) == "160 M");
    CHECK(shortened(std::numeric_limits<Index>::max()) == "9.22 E");
}

TEST_CASE("a drawing has a box for each run of tasks that need a part, and any name in it", "[describe]") {
    const Description description{{{"trunk", 5, 6, {true, true, true}},
                                   {"trunk.gate", 1, 1, {true, false, true}},
                                   {"heads.<&'\">", 1, 1, {false, true, false}},
                                   {"unused", 1, 1, {false, false, false}},
                                   {std::string(200, 'n'), 1, 1, {true, true, false}, true}},
                                  {{"a", 1, 1}, {"<&'\">", 1, 1}, {"c", 1, 1}},
                                  9,
                                  9};
    const std::string svg = description.svg();
    CHECK(count(svg, "<rect class='all'") == 1);
    CHECK(count(svg, "<rect class='some'") == 2);
    CHECK(count(svg, "<rect class='own'") == 1);
    CHECK(count(svg, "<rect class='some frozen'") == 1);
    CHECK(count(svg, "<path") == 1);  // from the gate's one run to the other
    CHECK(count(svg, "&lt;&amp;&#39;&quot;&gt;") == 2);
    CHECK(count(svg, "nnn...") == 1);
    CHECK(count(svg, "<text") == count(svg, "</text>"));
    CHECK(svg.ends_with("</svg>\n"));
    CHECK(Description{}.svg().ends_with("</svg>\n"));
}
