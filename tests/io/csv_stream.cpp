// SPDX-License-Identifier: MIT
#include <espalier/data/loader.hpp>
#include <espalier/data/stream_loader.hpp>
#include <espalier/io/csv_stream.hpp>
#include <espalier/io/table_encoder.hpp>

#include "catch.hpp"
#include "io/files.hpp"

#include <filesystem>
#include <iterator>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if ESPALIER_HAS_POSIX
#include <sys/stat.h>
#endif

using namespace espalier;
using Names = std::vector<std::string>;

namespace {

/// All cells of a table, block after block.
std::vector<Names> cells_of(const io::CsvStream& stream) {
    std::vector<Names> rows;
    for (const io::CsvTable& block : stream) {
        CHECK(block.rows() > 0);
        CHECK(block.names() == stream.names());
        for (Index row = 0; row < block.rows(); ++row) {
            Names& cells = rows.emplace_back();
            for (Index column = 0; column < block.columns(); ++column)
                cells.emplace_back(block.column(column).text(row));
        }
    }
    return rows;
}
std::vector<Names> cells_of(const io::CsvTable& table) {
    std::vector<Names> rows(static_cast<std::size_t>(table.rows()));
    for (Index row = 0; row < table.rows(); ++row)
        for (Index column = 0; column < table.columns(); ++column)
            rows[static_cast<std::size_t>(row)].emplace_back(table.column(column).text(row));
    return rows;
}

/// People with holes in their rows, as text.
std::string people(Index first, Index last, bool header = true) {
    std::string text = header ? "age,job,pay,owner\n" : "";
    for (Index i = first; i < last; ++i) {
        text += i % 7 == 3 ? "" : std::to_string(20 + i * 13 % 45);
        text += i % 5 == 2 ? ",NA," : i % 5 == 1 ? ",\"driver, \"\"bus\"\"\"," : i % 5 == 0 ? ",cook," : ",baker,";
        text += std::to_string(i % 11) + ".25," + (i % 3 == 0 ? "yes" : i % 13 == 1 ? "" : "no") + '\n';
    }
    return text;
}

io::TableColumns columns() {
    return {.numbers = {"age"},
            .categories = {"job"},
            .indicators = true,
            .targets = {io::number_target("pay"), io::binary_target("owner", "no", "yes"), io::class_target("job")}};
}

}  // namespace

TEST_CASE("a table in blocks has the cells of the whole, wherever a block ends", "[io][csv_stream]") {
    const TemporaryFolder folder;
    const std::vector<std::pair<std::string, io::CsvOptions>> tables{
        {"a,b\n1,2\n3,4", {}},
        {"a,b\r\n1,2\r\n3,4\r\n\r\n", {}},
        {"\xEF\xBB\xBF"
         "a,b\n1,2\n",
         {}},
        {"\"a\",\"b,c\"\r\n\"say \"\"hi\"\"\",\"two\nlines\"\r\n\"\",5\" wide\n\"\"\"\",\"\"\"\"\"\"\n", {}},
        {"a\n\n1\n\n\n", {}},
        {"1;2\n3;4\n\n\n", {.header = false, .separator = ';'}},
        {" \"x\" ,\t y\n \"1\"\"\" \t, 2 \n", {.trim = true}},
        {"a,b\n", {}},
        {"a,b\n1,2\n", {}},
    };
    for (const auto& [text, options] : tables) {
        const auto whole = io::parse_csv(text, options);
        for (const bool zipped : {false, true}) {
            if (zipped && !ESPALIER_HAS_ZLIB)
                continue;
            const auto path = folder.file("table.csv", zipped ? gzipped(text) : text);
            for (std::size_t bytes = 1; bytes <= text.size() + 1; ++bytes) {
                CAPTURE(text, zipped, bytes);
                const io::CsvStream stream{path, {.csv = options, .block_bytes = bytes}};
                CHECK(stream.names() == whole.names());
                CHECK(cells_of(stream) == cells_of(whole));
                CHECK(stream.count_rows() == whole.rows());
            }
        }
    }
    static_assert(std::input_iterator<io::CsvStream::Iterator>);
}

TEST_CASE("what is wrong in a table is the same error in blocks, with its file, line and column", "[io][csv_stream]") {
    const TemporaryFolder folder;
    using namespace std::string_literals;
    for (const auto& text :
         {"a,b\n1,2\n\"x\ny\",3\n4\n5,6\n"s, "a,b\n1,2\n3,4,5\n"s, "a,b\n1,2\n\n3,4\n"s, "a,b\n1,2\n3,\"4\n"s, "a,b\n1,2\n\"3\"x,4\n"s,
          "a,b\n1\r2,3\n"s, "a,b\n1,2\n3,\0004\n"s, ""s, "\n\n"s, "a,a\n1,2\n"s, "a,b\n1,2\n3,4\r"s}) {
        const auto path = folder.file("table.csv", text);
        std::string expected;
        try {
            (void)io::load_csv(path);
        } catch (const IoError& error) {
            expected = error.what();
        }
        REQUIRE(!expected.empty());
        for (std::size_t bytes = 1; bytes <= text.size() + 1; ++bytes) {
            CAPTURE(text, bytes);
            CHECK_THROWS_WITH((io::CsvStream{path, {.block_bytes = bytes}}.count_rows()), expected);
        }
    }
    CHECK_THROWS_WITH(io::CsvStream{folder / "absent.csv"}, ContainsSubstring("absent.csv"));
    CHECK_THROWS_AS((io::CsvStream{std::vector<std::filesystem::path>{}}), ValueError);
    CHECK_THROWS_AS((io::CsvStream{folder.file("a.csv", "a\n1"), {.csv = {.separator = '\n'}}}), ValueError);
}

TEST_CASE("a number that is none, far down in a stream, is told by its place", "[io][csv_stream]") {
    const TemporaryFolder folder;
    std::string text = "a,b\n";
    for (int row = 0; row < 50'000; ++row)
        text += row == 49'998 ? "1,many\n" : "1,2\n";  // line 50,000
    const io::CsvStream stream{folder.file("long.csv", text), {.block_bytes = 10'000}};
    CHECK_THROWS_WITH((io::TableEncoder{stream, {.numbers = {"a", "b"}}}),
                      ContainsSubstring("long.csv\", line 50000, column 2 'b', got 'many'"));
    const io::TableEncoder encoder{io::parse_csv("a,b\n1,2\n3,4\n"), {.numbers = {"b"}, .targets = {io::number_target("a")}}};
    for (const Index prefetch : {0, 2}) {
        data::StreamLoader loader{stream,
                                  [&](const io::CsvTable& block) {
                                      return data::Dataset{encoder.features(block), encoder.targets(block)};
                                  },
                                  {.batch_size = 100, .prefetch = prefetch, .buffer = 1000}};
        Index rows = 0;
        const auto run = [&] {
            for (const auto& batch : loader)
                rows += batch.size();
        };
        CHECK_THROWS_WITH(run(), ContainsSubstring("line 50000, column 2 'b', got 'many'"));
        CHECK(rows > 40'000);
    }
}

TEST_CASE("shards of a folder come by name, plain and gzipped ones, and must have the same columns", "[io][csv_stream]") {
    const TemporaryFolder folder;
    const std::string second = people(10, 20);
    folder.file("part-1.csv", people(0, 10));
    folder.file("part-2.csv.gz", ESPALIER_HAS_ZLIB ? gzipped(second) : second);
    folder.file("part-0.csv", "age,job,pay,owner\n");  // no rows
    folder.file("_SUCCESS", "no table");
    std::filesystem::create_directory(folder / "more.csv");
    const io::CsvStream stream{folder.path()};
    CHECK(stream.shards() == 3);
    CHECK(stream.paths()[2].filename() == "part-2.csv.gz");
    CHECK(cells_of(stream) == cells_of(io::parse_csv(people(0, 20))));
    CHECK(cells_of(io::CsvStream{stream.paths(), {.block_bytes = 50}}) == cells_of(stream));
    auto turned = stream.open({2, 1});
    CHECK(turned()->column("pay").text(0) == "10.25");
    CHECK(turned()->column("pay").text(0) == "0.25");
    CHECK_FALSE(turned());
    CHECK_FALSE(turned());
    CHECK_THROWS_WITH(stream.open({3}), ContainsSubstring("expected shards in [0, 3), got 3"));
    CHECK_FALSE(stream.open({})());

    folder.file("part-1.csv", people(0, 10) + "\n\r\n\n");  // empty lines at an end are no part of the next shard
    for (const std::size_t bytes : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}})
        CHECK(cells_of(io::CsvStream{stream.paths(), {.block_bytes = bytes}}) == cells_of(stream));
    CHECK(stream.count_rows() == 20);

    const auto refused = [&](const std::string& name, const std::string& text, const std::string& message) {
        const auto path = folder.file(name, text);
        CHECK_THROWS_WITH(io::CsvStream{folder.path()}.count_rows(), ContainsSubstring(name) && ContainsSubstring(message));
        std::filesystem::remove(path);
    };
    refused("part-9.csv", "age,job,owner,pay\n1,cook,no,1\n",
            "expected in every shard the same columns, 'age', 'job', 'pay', 'owner'; got");
    refused("part-9.csv", "", "got an empty file");
    refused("part-9.csv", "age,job,pay,owner\n1,2,3\n", "expected 4 columns in");
    const auto files = io::CsvStream{folder.path()};
    std::filesystem::remove(folder / "part-1.csv");
    CHECK_THROWS_WITH(files.count_rows(), ContainsSubstring("part-1.csv"));
#if ESPALIER_HAS_ZLIB
    refused("part-9.csv.gz", gzipped(people(0, 9000)).substr(0, 70'000), "that ends in the middle");
#endif
    const TemporaryFolder empty;
    CHECK_THROWS_WITH(io::CsvStream{empty.path()}, ContainsSubstring("expected files that end in .csv or .csv.gz in folder"));
    std::filesystem::create_symlink("loop.csv", empty / "loop.csv");
    CHECK_THROWS_AS(io::CsvStream{empty.path()}, IoError);
}

TEST_CASE("behind an error in a stream nothing more comes", "[io][csv_stream]") {
    const TemporaryFolder folder;
    const io::CsvStream stream{folder.file("table.csv", "a,b\n1,2\n3\n5,6\n7,8\n"), {.block_bytes = 4}};
    auto blocks = stream.open({0});
    CHECK(blocks()->column("a").text(0) == "1");
    CHECK_THROWS_AS(blocks(), IoError);
    CHECK_FALSE(blocks());
    auto block = stream.begin();
    CHECK_THROWS_AS(++block, IoError);
    CHECK(block == stream.end());
}

#if ESPALIER_HAS_POSIX
TEST_CASE("a pipe is no stream: what is read of it is gone", "[io][csv_stream]") {
    const TemporaryFolder folder;
    const auto pipe = folder / "pipe.csv";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK_THROWS_WITH(io::CsvStream{pipe},
                      ContainsSubstring("expected a file, which can be read again, at") && ContainsSubstring("pipe.csv"));
    CHECK_THROWS_WITH((io::CsvStream{std::vector{folder.file("a.csv", "a\n1\n"), pipe}}), ContainsSubstring("got a pipe or a device"));
}
#endif

TEST_CASE("rows longer than blocks are read, up to a limit", "[io][csv_stream]") {
    const TemporaryFolder folder;
    const std::string long_cell(10'000'000, 'x');
    const auto path = folder.file("long.csv", "a,b\n1,2\n\"" + long_cell + "\",\"3\n\"\n4,5\n");
    const io::CsvStream stream{path, {.block_bytes = 4096}};
    CHECK(cells_of(stream) == std::vector<Names>{{"1", "2"}, {long_cell, "3\n"}, {"4", "5"}});
    CHECK_THROWS_WITH((io::CsvStream{path, {.block_bytes = 4096, .max_row_bytes = 1'000'000}}.count_rows()),
                      ContainsSubstring("expected rows of at most 1000000 bytes (see .max_row_bytes) in") &&
                          ContainsSubstring("line 3 on"));
    const auto open = folder.file("open.csv", "a,b\n1,2\n3,\"4\n" + long_cell);
    CHECK_THROWS_WITH((io::CsvStream{open, {.max_row_bytes = 2'000'000}}.count_rows()), ContainsSubstring("from line 3 on"));
}

TEST_CASE("an encoder that is fitted in one pass knows what one of the whole table knows", "[io][csv_stream][table_encoder]") {
    const TemporaryFolder folder;
    folder.file("0.csv", people(0, 100));
    folder.file("1.csv", people(100, 230));
    const auto whole = io::parse_csv(people(0, 230));
    for (const auto bytes : {std::size_t{64}, std::size_t{1000}, std::size_t{1'000'000}}) {
        const io::CsvStream stream{folder.path(), {.block_bytes = bytes}};
        CHECK(io::TableEncoder{stream, columns()} == io::TableEncoder{whole, columns()});
    }
    const io::CsvStream stream{folder.path()};
    CHECK_THROWS_WITH((io::TableEncoder{stream, {.numbers = {"height"}}}), ContainsSubstring("expected columns 'height' in"));
    CHECK_THROWS_WITH((io::TableEncoder{stream, {.categories = {"pay"}, .max_categories = 10}}),
                      ContainsSubstring("at most 10 categories"));
    const io::CsvStream none{folder.file("none.csv", "age\n")};
    CHECK_THROWS_WITH((io::TableEncoder{none, {.numbers = {"age"}}}), ContainsSubstring("at least one row of"));
}

TEST_CASE("frequent texts are kept, the others are as unknown", "[io][csv_stream][table_encoder]") {
    const auto table = io::parse_csv("c,n\nb,1\na,1\nd,1\nb,1\na,1\nc,1\nb,1\ne,1\ne,1\nNA,1\n");  // b 3, a 2, e 2, c 1, d 1
    const auto names = [&](io::TableColumns columns) {
        columns.categories = {"c"};
        return io::TableEncoder{table, columns}.feature_names();
    };
    CHECK(names({.min_frequency = 2}) == Names{"c=a", "c=b", "c=e"});
    CHECK(names({.min_frequency = 3}) == Names{"c=b"});
    CHECK(names({.most_frequent = 2}) == Names{"c=a", "c=b"});  // of a and e the first by its bytes
    CHECK(names({.most_frequent = 9}) == Names{"c=a", "c=b", "c=c", "c=d", "c=e"});
    CHECK(names({.max_categories = 3, .most_frequent = 3}) == Names{"c=a", "c=b", "c=e"});
    CHECK(names({.max_categories = 3, .min_frequency = 2, .most_frequent = 1}) == Names{"c=b"});
    CHECK_THROWS_WITH(names({.min_frequency = 4}),
                      ContainsSubstring("in column 'c' that at least 4 rows hold (see .min_frequency), got none"));
    CHECK_THROWS_WITH(names({.max_categories = 2, .min_frequency = 2}), ContainsSubstring("at most 2 categories"));
    CHECK_THROWS_WITH(names({.max_categories = 4}), ContainsSubstring("at most 4 categories"));
    CHECK_THROWS_WITH(names({.min_frequency = 0}), ContainsSubstring("got 0 and 0"));
    CHECK_THROWS_WITH(names({.most_frequent = -1}), ContainsSubstring("got 1 and -1"));

    const io::TableEncoder encoder{table, {.categories = {"c"}, .most_frequent = 2}};
    CHECK(encoder.inputs(table).at("c").indices() == Tensor<Index>{{10}, {1, 0, -1, 1, 0, -1, 1, -1, -1, -1}});
    const std::vector<Index> rows{2, 5, 5};
    CHECK(io::TableEncoder{table, {.categories = {"c"}, .most_frequent = 1}, rows}.feature_names() == Names{"c=c"});
}

TEST_CASE("a stream of tables trains as the tables in memory do: the same rows, in shuffled batches", "[io][csv_stream][stream_loader]") {
    const TemporaryFolder folder;
    folder.file("0.csv", people(0, 100));
    folder.file("1.csv", people(100, 230));
    const io::CsvStream stream{folder.path(), {.block_bytes = 300}};
    const io::TableEncoder encoder{stream, columns()};
    const auto whole = io::parse_csv(people(0, 230));
    const data::Dataset<> set{encoder.inputs(whole), encoder.targets(whole)};
    const auto encode = [&](const io::CsvTable& block) { return data::Dataset<>{encoder.inputs(block), encoder.targets(block)}; };

    data::StreamLoader in_order{stream, encode, {.batch_size = 16, .shuffle = false}};
    data::DataLoader reference{set, {.batch_size = 16, .shuffle = false}};
    auto expected = reference.begin();
    for (const auto& batch : in_order) {
        CHECK(batch.inputs == expected->inputs);
        for (const auto& [task, target] : batch.targets) {
            const auto& same = expected->targets.at(task);
            REQUIRE(target.shape() == same.shape());
            for (Index i = 0; i < target.size(); ++i)
                CHECK(target.labelled(i) == same.labelled(i));
            if (target.has_labels())
                CHECK(target.labels() == same.labels());
            else
                CHECK(target.values() == same.values());
        }
        ++expected;
    }
    CHECK(expected == std::default_sentinel);

    data::StreamLoader shuffled{stream, encode, {.batch_size = 16, .buffer = 64}};
    std::map<std::pair<float, float>, int> seen, there;
    for (const auto& batch : shuffled)
        for (Index i = 0; i < batch.size(); ++i)
            ++seen[{batch.inputs.at("numbers").values()[2 * i], batch.targets.at("pay").values()[i]}];
    for (Index i = 0; i < set.size(); ++i)
        ++there[{set.named_inputs().at("numbers").values()[2 * i], set.target("pay").values()[i]}];
    CHECK(seen == there);
    std::vector<std::thread> threads;  // loaders of one stream on several threads
    std::vector<Index> rows(3, 0);
    for (Index& count : rows)
        threads.emplace_back([&stream, &encode, &count] {
            for (const auto& batch : data::StreamLoader{stream, encode, {.batch_size = 16}})
                count += batch.size();
        });
    for (std::thread& thread : threads)
        thread.join();
    CHECK(rows == std::vector<Index>{230, 230, 230});
}
