// SPDX-License-Identifier: MIT
#include <espalier/data/dataset.hpp>
#include <espalier/io/table_encoder.hpp>

#include "catch.hpp"
#include "io/files.hpp"

#include <cmath>
#include <numeric>
#include <span>
#include <string>
#include <vector>

using namespace espalier;
using Names = std::vector<std::string>;

namespace {

const std::string people =
    "age,job,hours,pay,owner,city\n"
    "20,cook,40,10,no,Ulm\n"
    "30,baker,,20,yes,Ulm\n"
    ",cook,20,,NA,\n"
    "40,,60,30,no,Bonn\n";

io::TableColumns columns() {
    return {.numbers = {"age", "hours"},
            .categories = {"job", "city"},
            .indicators = true,
            .targets = {io::number_target("pay"), io::binary_target("owner", "no", "yes"), io::class_target("city")}};
}

void require_close(const Tensor<float>& a, const Tensor<float>& b) {
    REQUIRE(a.shape() == b.shape());
    for (Index i = 0; i < a.numel(); ++i) {
        CAPTURE(i);
        CHECK(a[i] == Approx(b[i]).margin(1e-5));
    }
}

}  // namespace

TEST_CASE("one call makes the features of a table with holes", "[io][table_encoder]") {
    const auto table = io::parse_csv(people);
    const io::TableEncoder encoder{table, columns()};
    CHECK(encoder.width() == 8);
    CHECK(encoder.feature_names() ==
          Names{"age", "hours", "age is missing", "hours is missing", "job=baker", "job=cook", "city=Bonn", "city=Ulm"});
    const float a = std::sqrt(1.5F);  // ages 20, 30, 40 and hours 40, 20, 60 have deviation sqrt(200 / 3)
    require_close(encoder.features(table), {{4, 8}, {-a, 0,  0, 0, 0, 1, 0, 1,  //
                                                     0,  0,  0, 1, 1, 0, 0, 1,  //
                                                     0,  -a, 1, 0, 0, 1, 0, 0,  //
                                                     a,  a,  0, 0, 0, 0, 1, 0}});
    const auto wide = encoder.features<double>(table);
    CHECK(wide[0] == Approx(-std::sqrt(1.5)));
    const io::TableEncoder plain{table, {.numbers = {"age"}}};
    CHECK(plain.feature_names() == Names{"age"});
    CHECK(plain.features(table)[2] == 0);
    CHECK(plain.targets(table).empty());
    CHECK((io::TableEncoder{table, {.categories = {"job"}}}).features(table) == Tensor<float>{{4, 2}, {0, 1, 1, 0, 0, 1, 0, 0}});
}

TEST_CASE("one call makes the inputs of nn::Table, with indices for categories", "[io][table_encoder]") {
    const auto table = io::parse_csv(people);
    const io::TableEncoder encoder{table, columns()};
    const auto inputs = encoder.inputs(table);
    const auto features = encoder.features(table);
    const auto& numbers = data::values_of(inputs, "numbers");
    REQUIRE(numbers.shape() == Shape{4, 4});
    for (Index row = 0; row < 4; ++row)
        for (Index i = 0; i < 4; ++i)
            CHECK(numbers.at(row, i) == features.at(row, i));
    CHECK(data::indices_of(inputs, "job") == Tensor<Index>{{4}, {1, 0, 1, -1}});
    CHECK(data::indices_of(inputs, "city") == Tensor<Index>{{4}, {1, 1, -1, 0}});
    CHECK(inputs.size() == 3);

    const auto reads = encoder.table_inputs();
    REQUIRE(reads.numbers.size() == 1);
    CHECK(reads.numbers[0].name == "numbers");
    CHECK(reads.numbers[0].width == 4);
    REQUIRE(reads.categories.size() == 2);
    CHECK(reads.categories[1].name == "city");
    CHECK(reads.categories[1].categories == 2);
    CHECK(reads.categories[1].width == 0);

    const auto unknown = io::parse_csv("job,hours,city,age\nsmith,,Bonn,20\n");
    CHECK(encoder.inputs<double>(unknown).at("job").indices() == Tensor<Index>{{1}, {-1}});
    CHECK_THROWS_WITH(encoder.inputs(io::parse_csv("job,age\nsmith,20\n")), ContainsSubstring("expected columns 'hours', 'city'"));
    const io::TableEncoder texts{table, {.categories = {"job"}}};
    CHECK(texts.inputs(table).names() == "'job'");
    CHECK(texts.table_inputs().numbers.empty());
    const auto taken = io::parse_csv("numbers,age\na,1\n");
    CHECK_THROWS_AS((io::TableEncoder{taken, {.numbers = {"age"}, .categories = {"numbers"}}}).inputs(taken), StateError);
}

TEST_CASE("one call makes the targets, with masks where cells are missing", "[io][table_encoder]") {
    const auto table = io::parse_csv(people);
    const io::TableEncoder encoder{table, columns()};
    const auto targets = encoder.targets(table);
    CHECK(targets.names() == "'pay', 'owner', 'city'");
    const float a = std::sqrt(1.5F);
    require_close(targets.at("pay").values(), {{4, 1}, {-a, 0, 0, a}});
    CHECK(*targets.at("pay").mask() == Tensor<bool>{{4}, {true, true, false, true}});
    CHECK(targets.at("owner").values() == Tensor<float>{{4, 1}, {0, 1, 0, 0}});
    CHECK(*targets.at("owner").mask() == Tensor<bool>{{4}, {true, true, false, true}});
    CHECK(encoder.classes("owner") == Names{"no", "yes"});
    CHECK(targets.at("city").labels() == Tensor<Index>{{4}, {1, 1, 0, 0}});
    CHECK(encoder.classes("city") == Names{"Bonn", "Ulm"});
    require_close(encoder.unscaled("pay", targets.at("pay").values()), {{4, 1}, {10, 20, 20, 30}});

    const io::TableEncoder raw{
        table, {.numbers = {"age"}, .targets = {io::number_target("pay", false), io::class_target("job", {"cook", "smith", "baker"})}}};
    const auto other = raw.targets<double>(table);
    CHECK(other.at("pay").values() == Tensor<double>{{4, 1}, {10, 20, 0, 30}});
    CHECK(raw.unscaled("pay", Tensor<double>{{1}, {7}}).item() == 7);
    CHECK(other.at("job").labels() == Tensor<Index>{{4}, {0, 2, 0, 0}});
    const data::Dataset<> set{encoder.features(table), targets};
    CHECK(set.tasks() == Names{"pay", "owner", "city"});
    const auto full = io::parse_csv("a,b\n1,x\n2,y\n");
    const auto all_there = io::TableEncoder{full, {.numbers = {"a"}, .targets = {io::class_target("b")}}}.targets(full);
    CHECK(all_there.at("b").mask() == nullptr);

    CHECK_THROWS_WITH(encoder.classes("pay"), ContainsSubstring("expected a target with classes, got 'pay', a number"));
    CHECK_THROWS_WITH(encoder.unscaled("city", Tensor<float>{}), ContainsSubstring("expected a target of numbers, got 'city'"));
    CHECK_THROWS_WITH(encoder.classes("age"), ContainsSubstring("expected one of the targets 'pay', 'owner', 'city', got 'age'"));
}

TEST_CASE("new rows: columns in another order, without targets, with texts that were never seen", "[io][table_encoder]") {
    const io::TableEncoder encoder{io::parse_csv(people), columns()};
    const auto rows = io::parse_csv("city,hours,more,job,age\nRome,40,x,baker,30\nUlm,,y,smith,\n");
    require_close(encoder.features(rows), {{2, 8},
                                           {0, 0, 0, 0, 1, 0, 0, 0,  //
                                            0, 0, 1, 1, 0, 0, 0, 1}});
    CHECK(encoder.features(io::parse_csv("city,hours,job,age\n")).shape() == Shape{0, 8});
    CHECK_THROWS_WITH(encoder.targets(rows),
                      ContainsSubstring("expected columns 'pay', 'owner' in \"text\", got 'city', 'hours', 'more', 'job', 'age'"));

    const TemporaryFolder folder;
    const auto refused = [&](const std::string& text, const std::string& message) {
        const auto table = io::load_csv(folder.file("new.csv", text));
        CHECK_THROWS_AS(encoder.features(table), IoError);
        CHECK_THROWS_WITH(encoder.features(table), ContainsSubstring("new.csv") && ContainsSubstring(message));
    };
    refused("city,hours\nUlm,1\n", "[table_encoder] expected columns 'age', 'job' in ");
    refused("city,hours,job,age\nUlm,40,cook,20\nUlm,many,cook,20\n", "line 3, column 2 'hours', got 'many'");
    refused("city,hours,job,age\nUlm,1e300,cook,20\n", "expected a number that is finite when standardised in");
    const auto targets = io::parse_csv("pay,owner,city\n1,maybe,Ulm\n");
    CHECK_THROWS_WITH(encoder.targets(targets),
                      ContainsSubstring("expected one of 2 known categories in \"text\", line 2, column 2 'owner', got 'maybe'"));
}

TEST_CASE("what is learnt comes from the given rows alone", "[io][table_encoder]") {
    const std::vector<Index> train{0, 1, 2, 3};
    const auto learnt = [&](const std::string& tests) {
        return io::TableEncoder{io::parse_csv(people + tests),
                                {.numbers = {"age", "hours"}, .categories = {"job"}, .targets = {io::number_target("pay")}},
                                train};
    };
    CHECK(learnt("") == learnt("99,smith,1,1000,no,Ulm\n"));
    CHECK(learnt("") == io::TableEncoder{io::parse_csv(people),
                                         {.numbers = {"age", "hours"}, .categories = {"job"}, .targets = {io::number_target("pay")}}});
    const auto table = io::parse_csv(people + "99,smith,1,1000,no,Rome\n");
    CHECK(learnt("99,smith,1,1000,no,Rome\n").features(table).shape() == Shape{5, 4});
    // The list of classes is that of the table: a row of the test may have one that the training lacks.
    const io::TableEncoder classes{table, {.numbers = {"age"}, .targets = {io::class_target("city")}}, train};
    CHECK(classes.classes("city") == Names{"Bonn", "Rome", "Ulm"});
}

TEST_CASE("a column that never changes becomes 0", "[io][table_encoder]") {
    const auto table = io::parse_csv("a,b\n0.1,1\n0.1,2\n0.1,3\n");
    const auto features = io::TableEncoder{table, {.numbers = {"a"}}}.features(table);
    CHECK(features == Tensor<float>{Shape{3, 1}});
    CHECK(io::TableEncoder{table, {.numbers = {"a"}}}.features(io::parse_csv("a\n1.1\n")).item() == Approx(1));
    const auto rounded = io::parse_csv("a\n0.3\n0.30000000000000004\n0.3\n");  // 3 * 0.1 in doubles
    CHECK(io::TableEncoder{rounded, {.numbers = {"a"}}}.features(io::parse_csv("a\n1.3\n")).item() == Approx(1));
}

TEST_CASE("an encoder is kept as text", "[io][table_encoder]") {
    const auto table = io::parse_csv("a,\"quoted \"\"x\"\", y\",c,d\n0.1,\xC3\xA9t\xC3\xA9,1,no\n1e-7,\"new\nline\",2,yes\n3,,1,no\n");
    const io::TableEncoder encoder{table,
                                   {.numbers = {"a"},
                                    .categories = {"quoted \"x\", y"},
                                    .indicators = true,
                                    .targets = {io::class_target("c"), io::number_target("a"), io::binary_target("d", "no", "yes")}}};
    const std::string text = encoder.to_json();
    const auto again = io::TableEncoder::from_json(text);
    CHECK(again == encoder);
    CHECK(again.features(table) == encoder.features(table));
    CHECK(again.targets(table).at("a").values() == encoder.targets(table).at("a").values());
    CHECK(again.feature_names() == encoder.feature_names());
    CHECK(again.to_json() == text);

    const auto latin = io::parse_csv("a\ncaf\xE9\n");
    const io::TableEncoder other{latin, {.categories = {"a"}}};
    CHECK(other.features(latin).item() == 1);
    CHECK_THROWS_WITH(other.to_json(), ContainsSubstring("in UTF-8"));

    const auto changed = [&](const std::string& from, const std::string& to) {
        std::string result = text;
        const auto at = result.find(from);
        REQUIRE(at != result.npos);
        return result.replace(at, from.size(), to);
    };
    const auto refused = [](const std::string& json, const std::string& message) {
        INFO(json);
        CHECK_THROWS_AS(io::TableEncoder::from_json(json), IoError);
        CHECK_THROWS_WITH(io::TableEncoder::from_json(json), ContainsSubstring("[table_encoder]") && ContainsSubstring(message));
    };
    for (std::size_t length = 0; length < text.size(); ++length)
        CHECK_THROWS_AS(io::TableEncoder::from_json(text.substr(0, length)), IoError);
    refused("", "expected the JSON of a table encoder");
    refused("[]", "expected the JSON of a table encoder");
    refused(changed("encoder 1", "encoder 2"), "expected the format 'espalier table encoder 1', got \"espalier table encoder 2\"");
    refused(changed("\"mean\":", "\"mean\":\"x\",\"was\":"), "expected the JSON of a table encoder");
    refused(changed("\"deviation\":", "\"deviation\":-1,\"was\":"), "a deviation above 0 for column 'a'");
    refused(changed("\"deviation\":", "\"deviation\":0,\"was\":"), "a deviation above 0 for column 'a'");
    refused(changed("\"mean\":", "\"mean\":1e999,\"was\":"), "expected the JSON of a table encoder");
    refused(changed("\"kind\":\"binary\"", "\"kind\":\"ternary\""), "expected a known kind of target, got 'ternary'");
    refused(changed("[\"no\",\"yes\"]", "[\"no\"]"), "expected the two texts of binary target 'd', got 1");
    refused(changed("[\"1\",\"2\"]", "[\"1\",\"1\"]"), "expected each class once in column 'c', got '1' twice");
    refused(R"({"format": "espalier table encoder 1", "numbers": [], "indicators": false, "categories": [], "targets": []})",
            "expected at least one feature");
    refused(std::string(100'000, '['), "expected the JSON of a table encoder");
}

TEST_CASE("what no encoder can be made of is refused", "[io][table_encoder]") {
    const auto table = io::parse_csv("a,b,c\n1,x,\n2,y,\n");
    const auto refused = [&](const io::TableColumns& columns, const std::string& message) {
        CHECK_THROWS_WITH((io::TableEncoder{table, columns}), ContainsSubstring(message));
    };
    refused({}, "[table_encoder] expected at least one column of numbers or categories, got none");
    refused({.numbers = {"a", "d"}, .categories = {"e"}}, "expected columns 'd', 'e' in \"text\", got 'a', 'b', 'c'");
    refused({.numbers = {"a", "a"}}, "expected each column once, got 'a' twice");
    refused({.categories = {"b", "b"}}, "expected each column once, got 'b' twice");
    refused({.numbers = {"a"}, .targets = {io::class_target("b"), io::number_target("b")}}, "expected each column once, got 'b' twice");
    refused({.numbers = {"b"}}, "line 2, column 2 'b', got 'x'");
    refused({.numbers = {"c"}}, "expected at least one number in column 'c'");
    refused({.categories = {"c"}}, "expected at least one category in column 'c'");
    refused({.numbers = {"a"}, .targets = {io::class_target("c")}}, "expected at least one class in column 'c', got none");
    refused({.numbers = {"a"}, .targets = {io::number_target("c")}}, "expected at least one number in column 'c'");
    refused({.numbers = {"a"}, .targets = {io::binary_target("b", "x", "x")}}, "got 'x' twice");
    refused({.categories = {"b"}, .max_categories = 1}, "expected at most 1 categories in column 'b' (see .max_categories), got 2");
    CHECK_THROWS_AS((io::TableEncoder{table, {.numbers = {"a"}, .targets = {io::class_target("c")}}}), ValueError);
    CHECK_THROWS_AS((io::TableEncoder{table, {.numbers = {"d"}}}), IoError);
    for (const std::vector<Index>& rows : {std::vector<Index>{2}, std::vector<Index>{-1}, std::vector<Index>{}})
        CHECK_THROWS_AS((io::TableEncoder{table, {.numbers = {"a"}}, rows}), ValueError);
    CHECK_THROWS_WITH((io::TableEncoder{io::parse_csv("a\n"), {.numbers = {"a"}}}),
                      ContainsSubstring("expected at least one row of \"text\", got none"));
    CHECK_THROWS_AS((io::TableEncoder{io::parse_csv("a\n1e308\n-1e308\n"), {.numbers = {"a"}}}), ValueError);
}

TEST_CASE("texts without end are categories by their hash", "[io][table_encoder]") {
    const auto table = io::parse_csv("user,age\nfoobar,20\n7,30\n,40\n");
    const io::TableEncoder encoder{table, {.numbers = {"age"}, .hashed = {{"user", 10, 1}}}};
    CHECK(encoder.width() == 11);
    CHECK(encoder.feature_names().front() == "age");
    CHECK(encoder.feature_names().back() == "user#9");
    const auto inputs = encoder.inputs(table);
    CHECK(data::indices_of(inputs, "user") == Tensor<Index>{{3}, {9, 9, -1}});  // of 17397918411789343729 and 3084206706802877949
    CHECK(encoder.table_inputs().categories[0].categories == 10);
    const auto features = encoder.features(table);
    CHECK(features.at(0, 10) == 1);
    CHECK(std::accumulate(features.data() + 22, features.data() + 33, 0.0F) == features.at(2, 0));  // of the missing one the age alone
    CHECK(encoder.inputs(io::parse_csv("age,user\n1,never seen\n")).at("user").indices()[0] >= 0);
    const auto again = io::TableEncoder::from_json(encoder.to_json());
    CHECK(again == encoder);
    CHECK(again.inputs(table).at("user") == inputs.at("user"));
    const io::TableEncoder alone{table, {.hashed = {{"user", 3}}}};
    CHECK(alone.features(table).shape() == Shape{3, 3});
    CHECK_THROWS_WITH((io::TableEncoder{table, {.hashed = {{"user", 0}}}}),
                      "[table_encoder] expected at least one bucket for column 'user', got 0");
    CHECK_THROWS_WITH((io::TableEncoder{table, {.categories = {"user"}, .hashed = {{"user", 4}}}}),
                      "[table_encoder] expected each column once, got 'user' twice");
    std::string json = alone.to_json();
    json.replace(json.find("\"buckets\":3"), 11, "\"buckets\":-3");
    CHECK_THROWS_WITH(io::TableEncoder::from_json(json), ContainsSubstring("expected 1 to 1000000000 buckets for column 'user', got -3"));
}
