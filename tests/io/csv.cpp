// SPDX-License-Identifier: MIT
#include <espalier/io/csv.hpp>

#include "catch.hpp"
#include "io/files.hpp"

#include <cmath>
#include <locale>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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
    const auto column = std::optional { io::parse_csv("a\n1\n2\n") } -> column("a");
    CHECK(column.numbers() == Tensor<float>{{2}, {1, 2}});
}

TEST_CASE("ends of lines, a byte order mark, no header, other separators", "[io][csv]") {
    CHECK(io::parse_csv("a,b\r\n1,2\r\n\r\n").numbers({"a", "b"}) == Tensor<float>{{1, 2}, {1, 2}});
    CHECK(io::parse_csv("\xEF\xBB\xBF"
                        "a,b\n1,2")
              .names() == Names{"a", "b"});
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
                                                       ContainsSubstring("line 3, column 1 'n', got '?', which .missing") &&
                                                       ContainsSubstring("as in numbers(0), and present() is their mask"));
    CHECK_THROWS_AS(table.column("c").indices(), IoError);
    CHECK_THROWS_WITH(table.column("c").indices(),
                      ContainsSubstring("line 3, column 2 'c', got ''") && ContainsSubstring("as in indices(-1)"));
}

TEST_CASE("a column is walked over without a copy", "[io][csv]") {
    const auto table = io::parse_csv("n,c\n1.5,x\nNA,\n-3,NAN\n 4,na\n", {.trim = true});
    std::vector<std::optional<double>> numbers;
    table.column("n").for_each_number<double>([&](Index row, const std::optional<double>& number) {
        CHECK(row == static_cast<Index>(numbers.size()));
        numbers.push_back(number);
    });
    CHECK(numbers == std::vector<std::optional<double>>{1.5, {}, -3, 4});
    std::vector<std::pair<Index, std::string>> texts;
    table.column("c").for_each_text([&](Index row, std::string_view text) { texts.emplace_back(row, text); });
    CHECK(texts == std::vector<std::pair<Index, std::string>>{{0, "x"}, {2, "NAN"}, {3, "na"}});
    const auto ignore = [](Index, const auto&) {};
    CHECK_THROWS_WITH(table.column("c").for_each_number(ignore), ContainsSubstring("line 2, column 2 'c', got 'x'"));
    CHECK_THROWS_WITH(table.column("n").for_each_number<Index>(ignore), ContainsSubstring("expected an integer in range"));
    io::parse_csv("n\n").column(0).for_each_number([](Index, const auto&) { FAIL("there are no rows"); });
}

TEST_CASE("the ends of fields of any length are found, at any place", "[io][csv]") {
    for (std::size_t length = 0; length < 20; ++length)
        for (std::size_t before = 0; before < 9; ++before) {
            const std::string cell(length, '\x80'), first(before, 'y');  // bytes of UTF-8, whose top bit is set
            const auto table = io::parse_csv("a,b,c\n" + first + "," + cell + ",-\r\n" + cell + "," + first + "," + cell, {.missing = {}});
            REQUIRE(table.rows() == 2);
            CHECK(table.column("b").text(0) == cell);
            CHECK(table.column("c").text(0) == "-");
            CHECK(table.column("b").text(1) == first);
            CHECK(table.column("c").text(1) == cell);
        }
}

TEST_CASE("an empty cell and the usual texts are missing unless something else is said", "[io][csv]") {
    const auto table = io::parse_csv("n,c\n1,x\n,\nNA,N/A\nNaN,null\n \t, nan \n2,None\n");
    const Tensor<bool> present{{6}, {true, false, false, false, false, true}};
    for (const char* name : {"n", "c"})
        CHECK(table.column(name).present() == present);
    CHECK(table.column("n").numbers(0) == Tensor<float>{{6}, {1, 0, 0, 0, 0, 2}});
    CHECK(table.column("c").categories() == Names{"None", "x"});
    CHECK_THROWS_WITH(table.column("n").numbers(), ContainsSubstring("line 3, column 1 'n', got ''"));
    CHECK_THROWS_AS(table.column("c").indices(), IoError);

    // One's own texts do not make empty cells data; that is said by itself.
    const auto own = io::parse_csv("n,c\n1,x\n?,\n3,NA\n", {.missing = {"?"}});
    CHECK(own.column("c").present() == Tensor<bool>{{3}, {true, false, true}});
    CHECK(own.column("c").categories() == Names{"NA", "x"});
    CHECK(io::parse_csv("n, c\n1, x\n2, ?\n3, \"?\"\n", {.trim = true, .missing = {"?"}}).column("c").categories() == Names{"x"});
    CHECK(io::parse_csv("n, c\n1, x\n2, ?\n3,?\n", {.missing = {" ?"}}).column(" c").categories() == Names{" x"});
    const auto data = io::parse_csv("n,c\n1,x\n2,\n", {.empty_is_missing = false});
    CHECK(data.column("c").categories() == Names{"", "x"});
    CHECK_THROWS_WITH(io::parse_csv("n\n?\n").column("n").numbers(),
                      ContainsSubstring("expected a finite number") && ContainsSubstring("list it in .missing of CsvOptions"));

    // NA is Namibia in one column and nothing in another.
    const auto countries = io::parse_csv("country,people\nNA,3\nDE,NA\n,1\n", {.missing_in = {{"country", {}}}});
    CHECK(countries.column("country").categories() == Names{"DE", "NA"});
    CHECK(countries.column("country").present() == Tensor<bool>{{3}, {true, true, false}});
    CHECK(countries.column("people").numbers(-1) == Tensor<float>{{3}, {3, -1, 1}});
    CHECK_THROWS_WITH(io::parse_csv("a,b\n1,2\n", {.missing_in = {{"c", {}}}}), ContainsSubstring("'a', 'b'; got 'c'"));
}

TEST_CASE("a text that is in no list is an error or what stands for it", "[io][csv]") {
    const auto column = io::parse_csv("c\nx\ny\nNA\n").column("c");
    CHECK(column.indices({"x"}, -1, -2) == Tensor<Index>{{3}, {0, -2, -1}});
    CHECK_THROWS_AS(column.indices({"x"}, -1), IoError);
}

TEST_CASE("lines end with LF or CR LF, also by turns; a CR alone is refused with its place", "[io][csv]") {
    for (const char* text : {"a,b\n1,2\n3,4\n", "a,b\r\n1,2\r\n3,4\r\n", "a,b\r\n1,2\n3,4", "a,b\n1,2\r\n3,\"4\"\r\n\n\r\n"}) {
        INFO(text);
        CHECK(io::parse_csv(text).numbers({"a", "b"}) == Tensor<float>{{2, 2}, {1, 2, 3, 4}});
    }
    const auto refused = [](const std::string& text, const char* place) {
        INFO(text);
        CHECK_THROWS_AS(io::parse_csv(text), IoError);
        CHECK_THROWS_WITH(io::parse_csv(text),
                          ContainsSubstring("expected lines that end with LF or CR LF in \"text\", " + std::string{place}) &&
                              ContainsSubstring("got a CR alone"));
    };
    refused("a,b\r1,2\r", "line 1, column 2");
    refused("a\r1\r2\r", "line 1, column 1");
    refused("a,b\n1,2\n3\r,4\n", "line 3, column 1");
    refused("a,b\n1,\"2\"\r3,4\n", "line 2, column 2");
    refused("a,b\n1,2\r\r\n", "line 2, column 2");
    refused("a,b\r\n1,2\r", "line 2, column 2");
    CHECK(io::parse_csv("a,b\n\"1\r2\",3\n").column("a").text(0) == "1\r2");
    CHECK_THROWS_WITH(io::parse_csv("\r\r"), ContainsSubstring("got an empty file"));
}

TEST_CASE("in a table of one column an empty line is a missing cell, at the end as well", "[io][csv]") {
    CHECK(io::parse_csv("a\n1\n\n2\n\n").column("a").numbers(-1) == Tensor<float>{{4}, {1, -1, 2, -1}});
    CHECK(io::parse_csv("a\r\n\r\n2").column("a").numbers(-1) == Tensor<float>{{2}, {-1, 2}});
    CHECK_THROWS_WITH(io::parse_csv("a\n1\n\n").column("a").numbers(), ContainsSubstring("line 3, column 1 'a', got ''"));
    for (const char* text : {"a", "a\n", "a\r\n", "\xEF\xBB\xBF\"a\"\n"}) {
        INFO(text);
        CHECK(io::parse_csv(text).names() == Names{"a"});
        CHECK(io::parse_csv(text).column("a").numbers().shape() == Shape{0});
        CHECK(io::parse_csv(text).column("a").categories().empty());
        CHECK(io::parse_csv(text).numbers({"a"}).shape() == Shape{0, 1});
    }
    CHECK(io::parse_csv("a,b\n\n\r\n").rows() == 0);
    CHECK_THROWS_WITH(io::parse_csv("\xEF\xBB\xBF"), ContainsSubstring("got an empty file"));
}

TEST_CASE("a zero byte is no text: a table in UTF-16 is refused", "[io][csv]") {
    using namespace std::string_literals;
    CHECK_THROWS_WITH(io::parse_csv("a,b\n1,2\n3,\0004\n"s), ContainsSubstring("line 3, got a zero byte"));
    CHECK_THROWS_AS(io::parse_csv("\xFF\xFE"
                                  "a\0,\0b\0\n\0"s),
                    IoError);
    CHECK_THROWS_AS(io::parse_csv("a\n\"\0\"\n"s), IoError);
}

namespace {

struct Comma : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
};

}  // namespace

TEST_CASE("numbers and names do not follow the locale", "[io][csv]") {
    const std::locale before = std::locale::global(std::locale{std::locale::classic(), new Comma});
    std::string wide(2000, ',');
    const auto table = io::parse_csv("a,b\n1.5,2\n");
    const auto numbers = table.numbers({"a", "b"});
    const auto many = io::parse_csv(wide, {.header = false}).names();
    CHECK_THROWS_AS(io::parse_csv("a;b\n1,5;2\n", {.separator = ';'}).column("a").numbers(), IoError);
    std::locale::global(before);
    CHECK(numbers == Tensor<float>{{1, 2}, {1.5F, 2}});
    CHECK(many.back() == "2000");
}

TEST_CASE("what a temporary table or column gives may be kept", "[io][csv]") {
    const auto load = [] { return io::parse_csv("name,b\n" + std::string(100, 'x') + ",2\n"); };
    const auto& names = load().names();
    const auto& name = load().column(0).name();
    const auto& text = load().column(0).text(0);
    CHECK(names == Names{"name", "b"});
    CHECK(name == "name");
    CHECK(text == std::string(100, 'x'));
}

TEST_CASE("what is no number is named with file, line and column", "[io][csv]") {
    const TemporaryFolder folder;
    const auto table = io::load_csv(folder.file("bad.csv", "a,\"b\nc\"\n1,2\n3,x4\n"));
    CHECK_THROWS_AS(table.column(1).numbers(), IoError);
    CHECK_THROWS_WITH(table.column(1).numbers(),
                      ContainsSubstring("bad.csv") && ContainsSubstring("line 4, column 2") && ContainsSubstring("got 'x4'"));
    for (const char* text : {"", " 1", "1 ", "1,5", "0x10", "nan", "inf", "-inf", "1e999", "1e39", "++1", "+-1", "--1", "1e", "-", "+"}) {
        INFO(text);
        const auto column = io::parse_csv("a\n'\n" + std::string{text} + "\n0\n",
                                          {.separator = ';', .missing = {"'"}, .empty_is_missing = false})
                                .column(0);
        CHECK_THROWS_WITH(column.numbers(0), ContainsSubstring("expected a finite number"));
    }
    CHECK_THROWS_WITH(io::parse_csv("a,b\n1, 2\n").column("b").numbers(),
                      ContainsSubstring("got ' 2'; for tables with blanks") && ContainsSubstring(".trim of CsvOptions"));
    CHECK_THROWS_WITH(io::parse_csv("a,b\n1, -\n").column("b").numbers(), ContainsSubstring("got ' -'; if that means \"no value\""));
    for (const std::string& tiny : {std::string{"1e-400"}, std::string{"-25.5e-99999999999999999999"}, "0." + std::string(400, '0') + "1",
                                    std::string(5, '0') + ".001e-330", std::string(20, '9') + "E-350"})
        CHECK(io::parse_csv("a\n" + tiny + "\n").column(0).numbers<double>().item() == 0);
    for (const std::string& huge :
         {std::string{"1e99999999999999999999"}, "1" + std::string(400, '0'), std::string{"-0.1e+310"}, std::string{"1e-400x"}})
        CHECK_THROWS_WITH(io::parse_csv("a\n" + huge + "\n").column(0).numbers<double>(), ContainsSubstring("expected a finite number"));
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
        CHECK_THROWS_WITH(io::load_csv(folder / "t.csv"),
                          ContainsSubstring("[load_csv]") && ContainsSubstring("t.csv") && ContainsSubstring(message));
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
    CHECK_THROWS_WITH(table.column("b").indices({"y", "z"}),
                      ContainsSubstring("expected one of 2 known categories") && ContainsSubstring("line 2, column 2 'b', got 'x'"));
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
