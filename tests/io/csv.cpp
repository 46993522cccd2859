// SPDX-License-Identifier: MIT
#include <espalier/io/csv.hpp>

#include "catch.hpp"
#include "io/files.hpp"

#include <cmath>
#include <locale>
#include <optional>
#include <string>
#include <vector>

using namespace espalier;
using Names = std::vector<std::string>;

TEST_CASE("columns of numbers and of text", "[io][csv]") {
    const TemporaryFolder folder;
    const auto table = io::load_csv(folder.file("people.csv", "age,job,pay\n30,cook,1.5\n41,baker,-2e3\n7,cook,+0.25\n"));
    CHECK(table.rows() == 3);
    CHECK(table.columns() == 3);
    CHECK(table.names() == Names{"age", "job", "pay"});
    CHECK(table.column("age").numbers() == Tensor<float>{{3}, {30, 41, 7}});
    CHECK(table.column("pay").numbers<double>() == Tensor<double>{{3}, {1.5, -2000, 0.25}});
    CHECK(table.column(0).numbers<Index>() == Tensor<Index>{{3}, {30, 41, 7}});
    CHECK(table.numbers({"pay", "age"}) == Tensor<float>{{3, 2}, {1.5, 30, -2000, 41, 0.25, 7}});
    CHECK(table.column("job").name() == "job");
    CHECK(table.column("job").text(1) == "baker");
    CHECK(table.column("job").categories() == Names{"baker", "cook"});
    CHECK(table.column("job").indices() == Tensor<Index>{{3}, {1, 0, 1}});
    CHECK(table.column("job").indices({"cook", "smith", "baker"}) == Tensor<Index>{{3}, {0, 2, 0}});
}

TEST_CASE("a column outlives its table", "[io][csv]") {
    const auto column = std::optional{io::parse_csv("a\n1\n2\n")}->column("a");
    CHECK(column.numbers() == Tensor<float>{{2}, {1, 2}});
}

TEST_CASE("ends of lines, a byte order mark, no header, other separators", "[io][csv]") {
    CHECK(io::parse_csv("a,b\r\n1,2\r\n\r\n").numbers({"a", "b"}) == Tensor<float>{{1, 2}, {1, 2}});
    CHECK(io::parse_csv("\xEF\xBB\xBF" "a,b\n1,2").names() == Names{"a", "b"});
    const auto plain = io::parse_csv("1;2\n3;4", {.header = false, .separator = ';'});
    CHECK(plain.names() == Names{"0", "1"});
    CHECK(plain.numbers({"0", "1"}) == Tensor<float>{{2, 2}, {1, 2, 3, 4}});
    CHECK(io::parse_csv("a\tb\n\t2\n", {.separator = '\t', .trim = true}).column("a").text(0).empty());
    CHECK(io::parse_csv("a,b\n1,").column("b").text(0).empty());
    CHECK(io::parse_csv("a,b\n").rows() == 0);
    CHECK(io::parse_csv("a\n\n1\n").rows() == 2);  // in one column, an empty line is an empty cell
    CHECK_THROWS_AS(io::parse_csv("a\n1", {.separator = '\n'}), ValueError);
}

TEST_CASE("quotes as in RFC 4180", "[io][csv]") {
    const auto table = io::parse_csv("\"a\",\"b,c\"\r\n\"say \"\"hi\"\"\",\"two\nlines\"\r\n\"\",5\" wide\n");
    CHECK(table.names() == Names{"a", "b,c"});
    CHECK(table.column(0).text(0) == "say \"hi\"");
    CHECK(table.column(1).text(0) == "two\nlines");
    CHECK(table.column(0).text(1).empty());
    CHECK(table.column(1).text(1) == "5\" wide");
}

TEST_CASE("spaces are dropped on request, but not inside quotes", "[io][csv]") {
    const std::string text = "a, b \n x ,\t\" y \" \n";
    const auto trimmed = io::parse_csv(text, {.trim = true});
    CHECK(trimmed.names() == Names{"a", "b"});
    CHECK(trimmed.column("a").text(0) == "x");
    CHECK(trimmed.column("b").text(0) == " y ");
    const auto whole = io::parse_csv("a, b\n x ,2\n");
    CHECK(whole.names() == Names{"a", " b"});
    CHECK(whole.column(0).text(0) == " x ");
}

TEST_CASE("missing cells are masked, replaced, or an error", "[io][csv]") {
    const auto table = io::parse_csv("n,c\n1,x\n?,\n3,y\n", {.missing = {"?", ""}});
    CHECK(table.column("n").present() == Tensor<bool>{{3}, {true, false, true}});
    CHECK(table.column("n").numbers(-1) == Tensor<float>{{3}, {1, -1, 3}});
    CHECK(table.numbers({"n"}, 0.5F) == Tensor<float>{{3, 1}, {1, 0.5F, 3}});
    CHECK(table.column("c").categories() == Names{"x", "y"});
    CHECK(table.column("c").indices(-1) == Tensor<Index>{{3}, {0, -1, 1}});
    CHECK_THROWS_WITH(table.column("n").numbers(), ContainsSubstring("[csv] expected a value in") &&
                                                       ContainsSubstring("line 3, column 1 'n', got a missing cell"));
    CHECK_THROWS_AS(table.column("c").indices(), IoError);
}

TEST_CASE("what is no number is named with file, line and column", "[io][csv]") {
    const TemporaryFolder folder;
    const auto table = io::load_csv(folder.file("bad.csv", "a,\"b\nc\"\n1,2\n3,x4\n"));
    CHECK_THROWS_AS(table.column(1).numbers(), IoError);
    CHECK_THROWS_WITH(table.column(1).numbers(), ContainsSubstring("bad.csv") &&
                                                     ContainsSubstring("line 4, column 2") && ContainsSubstring("got 'x4'"));
    for (const char* text : {"", " 1", "1 ", "1,5", "0x10", "nan", "inf", "-inf", "1e999", "1e39", "++1", "+-1", "--1", "1e", "-", "+"}) {
        INFO(text);
        const auto column = io::parse_csv("a\n'\n" + std::string{text} + "\n0\n", {.separator = ';', .missing = {"'"}}).column(0);
        CHECK_THROWS_WITH(column.numbers(0), ContainsSubstring("expected a finite number"));
    }
    CHECK(io::parse_csv("a\n1e-60\n").column(0).numbers() == Tensor<float>{{1}, {0}});
    CHECK(io::parse_csv("a\n1e39\n").column(0).numbers<double>().item() == 1e39);
    CHECK_THROWS_WITH(io::parse_csv("a\n1.5\n").column(0).numbers<Index>(), ContainsSubstring("expected an integer in range"));
    CHECK_THROWS_AS(io::parse_csv("a\n99999999999999999999\n").column(0).numbers<Index>(), IoError);
}

TEST_CASE("a malformed table is named with file, line and column", "[io][csv]") {
    const TemporaryFolder folder;
    const auto refused = [&](const std::string& text, const std::string& message) {
        folder.file("t.csv", text);
        CHECK_THROWS_AS(io::load_csv(folder / "t.csv"), IoError);
        CHECK_THROWS_WITH(io::load_csv(folder / "t.csv"), ContainsSubstring("[load_csv]") && ContainsSubstring("t.csv") && ContainsSubstring(message));
    };
    refused("a,b\n1,2\n3\n", "expected 2 columns");
    refused("a,b\n1,2\n3\n", "line 3, got 1");
    refused("a,b\n1,2,3\n", "line 2, got 3");
    refused("a,b\n1,2\n\n3,4\n", "line 3, got 1");
    refused("a,b\n1,2\n3,\"4\n5,6\n", "expected a closing quote");
    refused("a,b\n1,2\n3,\"4\n5,6\n", "line 3, column 2, got the end of the file");
    refused("a,b\n\"1\"x,2\n", "expected a separator after the closing quote");
    refused("a,b\n\"1\"x,2\n", "line 2, column 1, got 'x'");
    refused("a,b,a\n1,2,3\n", "got 'a' twice");
    refused("", "got an empty file");
    refused("\n\n", "got an empty file");
    CHECK_THROWS_AS(io::load_csv(folder / "absent.csv"), IoError);
    folder.file("large.csv", "a\n1\n2\n3\n");
    CHECK_THROWS_WITH(io::load_csv(folder / "large.csv", {.max_bytes = 7}), ContainsSubstring("expected at most 7 bytes"));
}

TEST_CASE("columns and categories that there are not", "[io][csv]") {
    const auto table = io::parse_csv("a,b\n1,x\n");
    CHECK_THROWS_WITH(table.column("c"), ContainsSubstring("'a', 'b'; got 'c'"));
    CHECK_THROWS_WITH(table.column(2), ContainsSubstring("expected a column in [0, 2)") && ContainsSubstring("got 2"));
    CHECK_THROWS_AS(table.column(-1), IoError);
    CHECK_THROWS_AS(table.column(0).text(1), ValueError);
    CHECK_THROWS_WITH(table.column("b").indices({"y", "z"}), ContainsSubstring("expected one of 2 known categories") &&
                                                                 ContainsSubstring("line 2, column 2 'b', got 'x'"));
    CHECK_THROWS_WITH(table.column("b").indices({"x", "x"}), ContainsSubstring("got 'x' twice"));
    const auto wordy = io::parse_csv("a\n" + std::string(500, 'w') + "\n");
    CHECK_THROWS_WITH(wordy.column(0).numbers(), ContainsSubstring("wwww...'") && !ContainsSubstring(std::string(50, 'w')));
}

#if ESPALIER_HAS_ZLIB

TEST_CASE("a gzipped table is read, a cut one refused", "[io][csv][gzip]") {
    const TemporaryFolder folder;
    const std::string bytes = gzipped("a,b\n1,2\n");
    CHECK(io::load_csv(folder.file("t.csv.gz", bytes)).numbers({"a", "b"}) == Tensor<float>{{1, 2}, {1, 2}});
    CHECK_THROWS_WITH(io::load_csv(folder.file("cut.csv.gz", bytes.substr(0, 20))), ContainsSubstring("cut.csv.gz"));
}

#endif
