// SPDX-License-Identifier: MIT
#include <espalier/io/image_folder.hpp>
#include <espalier/io/image_table.hpp>

#include "catch.hpp"
#include "io/files.hpp"

#include <espalier/data/loader.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

using namespace espalier;

#if ESPALIER_HAS_PNG
namespace {

using Names = std::vector<std::string>;

/// Every pixel of one grey.
void write_grey(const std::filesystem::path& path, std::uint8_t grey, Index height = 2, Index width = 3) {
    std::filesystem::create_directories(path.parent_path());
    io::write_png(path,
                  io::Image<std::uint8_t>{height, width, 1, std::vector<std::uint8_t>(static_cast<std::size_t>(height * width), grey)});
}

constexpr std::array<Index, 4> some{2, 0, 3, 2};

}  // namespace

TEMPLATE_TEST_CASE("folders are classes, in torchvision's order", "[io][image]", float, double) {
    const TemporaryFolder folder;
    write_grey(folder / "b/2.png", 51);
    write_grey(folder / "b/10.PNG", 102);
    write_grey(folder / "b/sub/1.png", 153);
    write_grey(folder / "a/z.jpeg", 204);  // the content counts
    write_grey(folder / "beside.png", 1);
    folder.file("a/notes.txt", "no image");
    folder.file("a/._z.jpeg", "what macOS keeps of z.jpeg");
    write_grey(folder / ".ipynb_checkpoints/z.png", 2);
    const io::ImageFolder<TestType> set{folder.path()};
    CHECK(set.size() == 4);
    CHECK(set.classes() == Names{"a", "b"});
    CHECK(set.targets().at("class").labels() == Tensor<Index>{{4}, {0, 1, 1, 1}});
    Names names;
    for (const auto& path : set.paths())
        names.push_back(path.filename().string());
    CHECK(names == Names{"z.jpeg", "10.PNG", "2.png", "1.png"});

    const auto batch = set.gather(some);
    CHECK(batch.input.shape() == Shape{4, 2, 3, 3});
    CHECK(batch.targets.at("class").labels() == Tensor<Index>{{4}, {1, 0, 1, 1}});
    CHECK(batch.input.at(0, 0, 0, 0) == TestType(51) / 255);
    CHECK(batch.input.at(1, 1, 2, 2) == TestType(204) / 255);
    CHECK(set.gather({}).input.shape() == Shape{0, 2, 3, 3});
    CHECK_THROWS_WITH(set.image(4), "[image_set] expected a sample in [0, 4), got 4");
    CHECK_THROWS_AS(set.gather(std::array<Index, 1>{-1}), ValueError);

    const auto part = set.subset(some).subset(std::array<Index, 2>{1, 2});
    CHECK(part.size() == 2);
    CHECK(part.paths()[0] == set.paths()[0]);
    CHECK(part.targets().at("class").labels() == Tensor<Index>{{2}, {0, 1}});
    CHECK(part.image(1).at(0, 0, 0) == TestType(153) / 255);
}

TEST_CASE("a loader reads images on its thread, as without it", "[io][image]") {
    const TemporaryFolder folder;
    for (int i = 0; i < 10; ++i)
        write_grey(folder / (std::string{i % 2 ? "odd/" : "even/"} + std::to_string(i) + ".png"), static_cast<std::uint8_t>(i), 3 + i, 5);
    const io::ImageFolder set{folder.path(), {.size = {4, 6}, .channels = 1}};
    std::vector<std::vector<float>> epochs;
    for (const Index prefetch : {0, 3}) {
        data::DataLoader loader{set, {.batch_size = 4, .seed = 1, .prefetch = prefetch}};
        auto& all = epochs.emplace_back();
        for (const auto& batch : loader) {
            CHECK(batch.input.shape() == Shape{batch.size(), 4, 6, 1});
            for (Index i = 0; i < batch.size(); ++i) {
                all.push_back(batch.input.at(i, 0, 0, 0));
                const auto grey = static_cast<Index>(batch.input.at(i, 1, 1, 0) * 255 + 0.5f);
                CHECK(batch.targets.at("class").labels()[i] == grey % 2);
            }
        }
    }
    CHECK(epochs[0].size() == 10);
    CHECK(epochs[0] == epochs[1]);
    // An error goes through the loader to the loop.
    folder.file("odd/1.png", "broken");
    data::DataLoader loader{set, {.batch_size = 10}};
    CHECK_THROWS_WITH(loader.begin(), ContainsSubstring("1.png") && ContainsSubstring("got other bytes"));
}

TEST_CASE("images of several sizes are an error, unless they are brought to one", "[io][image]") {
    const TemporaryFolder folder;
    write_grey(folder / "a/1.png", 255, 4, 4);
    write_grey(folder / "a/2.png", 255, 4, 5);
    const io::ImageFolder set{folder.path()};
    CHECK_NOTHROW(set.image(0));
    CHECK_THROWS_WITH(set.image(1), ContainsSubstring("[image_set] expected images of 4x4 pixels as the first one") &&
                                        ContainsSubstring("got 4x5 in") && ContainsSubstring("2.png"));
    const std::array<Index, 2> swapped{1, 0};
    CHECK_THROWS_AS(set.subset(swapped).gather(swapped), IoError);
    const io::ImageFolder sized{folder.path(), {.size = 7, .channels = 4}};
    const auto image = sized.image(1);
    CHECK(image.shape() == Shape{7, 7, 4});
    for (const float value : image)
        CHECK(value == Approx(1));
    CHECK_THROWS_AS((io::ImageFolder{folder.path(), {.size = {0, 3}}}), ValueError);
    CHECK_THROWS_AS((io::ImageFolder{folder.path(), {.channels = 0}}), ValueError);
    CHECK_THROWS_WITH((io::ImageFolder{folder.path(), {.max_pixels = 15}}), ContainsSubstring("1.png"));
}

TEST_CASE("transparent pixels show what lies behind them, if that is told", "[io][image]") {
    const TemporaryFolder folder;
    std::filesystem::create_directory(folder / "a");
    io::write_png(folder / "a/1.png", io::Image<std::uint8_t>{1, 2, 4, {255, 0, 0, 255, 0, 51, 0, 0}});
    const auto read = [&](const io::ImageSetOptions& options) { return io::ImageFolder{folder.path(), options}.image(0); };
    CHECK(read({}) == Tensor<float>{{1, 2, 3}, {1, 0, 0, 0, 0.2F, 0}});
    CHECK(read({.background = 1}) == Tensor<float>{{1, 2, 3}, {1, 0, 0, 1, 1, 1}});
    CHECK(read({.channels = 1, .background = 0}).at(0, 1, 0) == 0);
    CHECK(read({.channels = 4, .background = 1}).at(0, 1, 3) == 1);
    CHECK_THROWS_WITH(read({.background = 255}), ContainsSubstring("[image_set] expected a background in [0, 1], got 255"));
    CHECK_THROWS_AS(read({.background = -1}), ValueError);
}

TEST_CASE("files that a table names are looked for before anything is read", "[io][image]") {
    const TemporaryFolder folder;
    write_grey(folder / "1.png", 1);
    std::filesystem::create_directory(folder / "2.png");
    const auto paths = [&](const std::string& rows, bool must_exist = true) {
        return io::image_paths(io::parse_csv("file,x\n" + rows, {}, "cats.csv").column("file"), folder.path(), must_exist);
    };
    CHECK(paths("1.png,\n1.png,\n") == std::vector{folder / "1.png", folder / "1.png"});
    CHECK(paths("").empty());
    CHECK(paths("3.png,\n", false).size() == 1);
    CHECK_THROWS_AS(paths("1.png,\n3.png,\n"), IoError);
    CHECK_THROWS_WITH(paths("1.png,\n3.png,\n"),
                      ContainsSubstring("3.png\", which is named in \"cats.csv\", line 3, column 1 'file', got none"));
    CHECK_THROWS_WITH(paths("2.png,\n"), ContainsSubstring("expected a file at"));
    CHECK_THROWS_WITH(paths(",\n", false), ContainsSubstring("expected the name of a file"));
}

TEST_CASE("a folder without classes, and a class without images", "[io][image]") {
    const TemporaryFolder folder;
    CHECK_THROWS_WITH(io::ImageFolder{folder / "none"}, ContainsSubstring("[image_folder] expected a folder at"));
    CHECK_THROWS_WITH(io::ImageFolder{folder.path()}, ContainsSubstring("[image_folder] expected a folder for each class in"));
    std::filesystem::create_directory(folder / "a");
    CHECK_THROWS_WITH(io::ImageFolder{folder.path()},
                      ContainsSubstring("expected files *.png, *.jpg or *.jpeg in") && ContainsSubstring("a\""));
}

TEMPLATE_TEST_CASE("a table lists images and the labels of several tasks", "[io][image]", float, double) {
    const TemporaryFolder folder;
    for (const char* name : {"1.png", "2.png", "3.png"})
        write_grey(folder / name, static_cast<std::uint8_t>(name[0]));
    const auto table = io::parse_csv("file,breed,weight,grade\n1.png,tabby,4.5,10\n2.png,,3.9,9\n3.png,manx,NA,9\n", {}, "cats.csv");
    const io::ImageTable<TestType> set{table, folder.path()};
    CHECK(set.targets().names() == "'breed', 'weight', 'grade'");
    const auto& breed = set.targets().at("breed");
    CHECK(set.classes("breed") == Names{"manx", "tabby"});
    CHECK(breed.labels() == Tensor<Index>{{3}, {1, -1, 0}});
    CHECK(*breed.mask() == Tensor<bool>{{3}, {true, false, true}});
    const auto& weight = set.targets().at("weight");
    CHECK(weight.values() == Tensor<TestType>{{3, 1}, {TestType(4.5), TestType(3.9), 0}});
    CHECK(*weight.mask() == Tensor<bool>{{3}, {true, true, false}});
    CHECK(set.targets().at("grade").mask() == nullptr);
    CHECK_THROWS_WITH(set.classes("weight"), "[image_table] expected a task of classes, got 'weight'");
    const auto batch = set.gather(std::array<Index, 2>{2, 1});
    CHECK(batch.input.at(0, 0, 0, 0) == TestType('3') / 255);
    CHECK(batch.targets.at("breed").labels() == Tensor<Index>{{2}, {0, -1}});

    const io::ImageTable<TestType> told{table,
                                        folder.path(),
                                        {.file = "file",
                                         .targets = {{.column = "grade", .kind = io::ImageTarget::Kind::classes},
                                                     {.column = "breed", .classes = {"tabby", "manx", "persian"}}}}};
    CHECK(told.targets().at("grade").labels() == Tensor<Index>{{3}, {0, 1, 1}});
    CHECK(told.classes("breed").size() == 3);
    CHECK(told.targets().at("breed").labels() == Tensor<Index>{{3}, {0, -1, 1}});
}

TEST_CASE("errors of a table of images name file, line and column", "[io][image]") {
    const TemporaryFolder folder;
    write_grey(folder / "1.png", 1);
    const auto with = [&](const std::string& rows) { return io::parse_csv("file,x\n" + rows, {}, "cats.csv"); };
    CHECK_THROWS_WITH((io::ImageTable{with("1.png,1\n,2\n"), folder.path()}),
                      ContainsSubstring("[image_table] expected the name of a file in \"cats.csv\", line 3, column 1 'file', got ''"));
    CHECK_THROWS_WITH(
        (io::ImageTable{with("1.png,a\n"), folder.path(), {.targets = {{.column = "x", .kind = io::ImageTarget::Kind::values}}}}),
        ContainsSubstring("expected a finite number in \"cats.csv\", line 2, column 2 'x', got 'a'"));
    CHECK_THROWS_WITH((io::ImageTable{with("1.png,a\n"), folder.path(), {.targets = {{.column = "x", .classes = {"b"}}}}}),
                      ContainsSubstring("line 2, column 2 'x', got 'a'"));
    CHECK_THROWS_AS((io::ImageTable{with("1.png,a\n"), folder.path(), {.targets = {{.column = "y"}}}}), IoError);
    CHECK_THROWS_AS((io::ImageTable{with("1.png,a\n"), folder.path(), {.file = "y"}}), IoError);
    CHECK_THROWS_AS((io::ImageTable{with("1.png,a\n"), folder.path(), {.targets = {{.column = "file"}}}}), ValueError);
    CHECK_THROWS_AS((io::ImageTable{with("1.png,a\n"), folder.path(), {.targets = {{.column = "x"}, {.column = "x"}}}}), ValueError);
    const std::array<Index, 2> back{1, 0};
    const auto set = io::ImageTable{with("1.png,1\nnone.png,2\n"), folder.path(), {}, {.size = 2}}.subset(back);
    CHECK_NOTHROW(set.image(1));
    CHECK_THROWS_WITH(set.image(0), ContainsSubstring("none.png") && ContainsSubstring("in \"cats.csv\", line 3, column 1 'file'"));
}

TEST_CASE("a table without rows, and one without labels", "[io][image]") {
    const TemporaryFolder folder;
    const io::ImageTable none{io::parse_csv("file,x\n"), folder.path()};
    CHECK(none.size() == 0);
    CHECK(none.gather({}).input.shape() == Shape{0, 0, 0, 3});
    write_grey(folder / "1.png", 1);
    const io::ImageTable all_missing{io::parse_csv("file,x\n1.png,\n"), folder.path()};
    CHECK(all_missing.targets().at("x").labelled_count() == 0);
    CHECK(io::ImageTable{io::parse_csv("file\n1.png\n"), folder.path()}.targets().empty());
    CHECK_THROWS_AS((io::ImageSet<float>{{folder / "1.png"}, {{"x", Tensor<Index>{Shape{2}}}}}), ShapeError);
}
#endif
