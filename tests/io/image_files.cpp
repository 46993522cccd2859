// SPDX-License-Identifier: MIT
#include <espalier/io/image_files.hpp>

#include "catch.hpp"
#include "io/files.hpp"

#include <string>
#include <vector>

using namespace espalier;

TEST_CASE("the images of a folder are found by their names, in capitals too", "[io][image]") {
    const TemporaryFolder folder;
    std::filesystem::create_directories(folder / "below/deep.png");  // a folder, whatever its name
    for (const char* name : {".ipynb_checkpoints", "below/.cache"})  // hidden ones are left alone
        std::filesystem::create_directories(folder / name);
    for (const char* name : {"b.PNG", "c.Jpeg", "a.jpg", "notes.txt", "png", "below/1.png", "below/deep.png/2.JPG", "._a.jpg",
                             ".hidden.png", ".ipynb_checkpoints/a.jpg", "below/.cache/b.png"})
        folder.file(name, "");
    const auto names = [&](bool recursive) {
        std::vector<std::string> result;
        for (const auto& path : io::image_files(folder.path(), recursive))
            result.push_back(path.lexically_relative(folder.path()).generic_string());
        return result;
    };
    CHECK(names(false) == std::vector<std::string>{"a.jpg", "b.PNG", "c.Jpeg"});
    CHECK(names(true) == std::vector<std::string>{"a.jpg", "b.PNG", "c.Jpeg", "below/1.png", "below/deep.png/2.JPG"});
}

TEST_CASE("a folder without images, or none at all, is named", "[io][image]") {
    const TemporaryFolder folder;
    folder.file("notes.txt", "");
    CHECK_THROWS_AS(io::image_files(folder.path()), IoError);
    CHECK_THROWS_WITH(io::image_files(folder.path()),
                      ContainsSubstring("[image_files] expected files *.png, *.jpg or *.jpeg in") && ContainsSubstring("espalier-test-"));
    CHECK_THROWS_AS(io::image_files(folder / "none"), IoError);
    CHECK_THROWS_WITH(io::image_files(folder / "none", true),
                      ContainsSubstring("[image_files] expected a folder of images at") && ContainsSubstring("none\""));
    CHECK_THROWS_AS(io::image_files(folder / "notes.txt"), IoError);
}
