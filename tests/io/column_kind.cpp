// SPDX-License-Identifier: MIT
#include <espalier/io/column_kind.hpp>

#include "catch.hpp"

#include <string>
#include <vector>

using namespace espalier;
using Names = std::vector<std::string>;

namespace {

/// A column of these cells, beside another: a table of one column has no empty lines at its end.
io::CsvColumn column_of(const Names& cells) {
    std::string text = "x,row\n";
    for (const std::string& cell : cells)
        text += cell + ",1\n";
    return io::parse_csv(text).column("x");
}

Names count_to(int last, const std::string& more = "") {
    Names cells;
    for (int i = 1; i <= last; ++i)
        cells.push_back(std::to_string(i) + more);
    return cells;
}

Names with(Names cells, const Names& more) {
    cells.insert(cells.end(), more.begin(), more.end());
    return cells;
}

}  // namespace

TEST_CASE("column_kind: texts that come again are classes, few whole numbers too", "[io][csv]") {
    using enum io::ColumnKind;
    CHECK(io::column_kind(column_of({"a", "b", "a", "", "b", "once"})).kind == classes);
    CHECK(io::column_kind(column_of({"0", "1", "1", "NA", "0"})).kind == classes);
    CHECK(io::column_kind(column_of(with(count_to(10), count_to(10)))).kind == classes);
    CHECK(io::column_kind(column_of({"1", "2", "three", "1", "2"})).kind == classes);
    CHECK(io::column_kind(column_of({"a-b", "c-d", "a-b", "c-d"})).kind == classes);
}

TEST_CASE("column_kind: a fraction or many different ones make a number", "[io][csv]") {
    using enum io::ColumnKind;
    CHECK(io::column_kind(column_of({"0.5", "1", "", "1"})).kind == number);
    CHECK(io::column_kind(column_of(with(count_to(11), count_to(11)))).kind == number);
    CHECK(io::column_kind(column_of(with(count_to(11), {"13"}))).kind == number);
    CHECK(io::column_kind(column_of({"-1e3", "2e-1"})).kind == number);
}

TEST_CASE("column_kind: labels lie between separators in a twentieth of the cells", "[io][csv]") {
    const auto bars = io::column_kind(column_of({"red|round", "red", "", "round | big"}));
    CHECK(bars.kind == io::ColumnKind::labels);
    CHECK(bars.separator == '|');
    CHECK(io::column_kind(column_of({"1;2", "2", "3;1"})).separator == ';');
    CHECK(io::column_kind(column_of({"a;b|c", "b|c", "a;b|d"})).separator == '|');
    const auto one_of = [](std::size_t cells) {
        Names names(cells - 1, "a");
        names.back() = "b";
        names.insert(names.begin(), "a|b");
        return io::column_kind(column_of(with(names, {})));
    };
    CHECK(one_of(20).kind == io::ColumnKind::labels);
    CHECK(one_of(21).kind == io::ColumnKind::nothing);  // "a" alone comes again
    CHECK(io::column_kind(column_of({"a|", "b|", "a|", "b|"})).kind == io::ColumnKind::classes);
    CHECK(io::column_kind(column_of({"a|b", "c|d"})).kind == io::ColumnKind::nothing);
}

TEST_CASE("column_kind: says why nothing can be learnt of a column", "[io][csv]") {
    const auto reason = [](const Names& cells) {
        const auto found = io::column_kind(column_of(cells));
        CHECK(found.kind == io::ColumnKind::nothing);
        return found.reason;
    };
    CHECK(reason({}) == "its cells are all empty");
    CHECK(reason({"", "NA"}) == "its cells are all empty");
    CHECK(reason({"a"}) == "its cells all say 'a'");
    CHECK(reason({"7", "", "7"}) == "its cells all say '7'");
    CHECK(reason(count_to(12)) == "its numbers from 1 to 12, each once, number the rows");
    CHECK(reason({"3", "1", "2"}) == "its numbers from 1 to 3, each once, number the rows");
    CHECK(reason(count_to(12, ".png")) == "fewer than two of its 12 texts come again");
    CHECK(reason({"a", "a", "b", "c"}) == "fewer than two of its 3 texts come again");
}

TEST_CASE("labels: names by how many cells hold them, values 0 and 1", "[io][csv]") {
    const auto column = column_of({" b | a||b", "", "a", "NA", "c|", "|"});
    CHECK(io::split_labels(column.text(0), '|') == Names{"b", "a", "b"});
    CHECK(io::split_labels("", '|').empty());
    CHECK(io::label_names(column, '|') == Names{"a", "b", "c"});
    CHECK(io::label_names(column, '|', 2) == Names{"a"});  // twice in one cell is one cell
    CHECK(io::label_values<double>(column, {"c", "a"}, '|') == Tensor<double>{{6, 2}, {0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0}});
    CHECK(io::label_values(column, {}, '|').shape() == Shape{6, 0});
    CHECK(io::label_values(column_of({}), {"a"}, '|').shape() == Shape{0, 1});
    CHECK(io::repeated_categories(column_of({"b", "a", "", "b", "", "c", "a"})) == Names{"a", "b"});
    CHECK(io::repeated_categories(column_of({})).empty());
}
