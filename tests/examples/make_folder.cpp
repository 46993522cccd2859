// SPDX-License-Identifier: MIT
// Writes what the example `folder` is tested on: `images/`, squares and bars in three colours, `labels.csv` with gaps, `classes/` with a
// folder for each colour, and `photos/` without labels.
#include <espalier/core/random.hpp>
#include <espalier/io/file.hpp>
#include <espalier/io/png.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>

using namespace espalier;

int main() {
    const std::array<std::array<std::uint8_t, 3>, 3> colours{{{220, 30, 30}, {30, 180, 30}, {30, 30, 220}}};
    const std::array<std::string, 3> names{"red", "green", "blue"};
    for (const char* const folder : {"images", "photos", "classes/red", "classes/green", "classes/blue"})
        std::filesystem::create_directories(folder);
    Random random{1};
    std::string csv = "file,colour,width,shape,same,number\n";
    for (Index i = 0; i < 90; ++i) {
        const auto colour = static_cast<std::size_t>(i % 3);
        const Index width = 4 + random.below(16), height = random.below(2) == 1 ? 20 : 8, x = random.below(24 - width);
        io::Image<std::uint8_t> image{24, 24, 3, std::vector<std::uint8_t>(24 * 24 * 3, 255)};
        for (Index row = 2; row < 2 + height; ++row)
            for (Index column = x; column < x + width; ++column)
                for (std::size_t c = 0; c < 3; ++c)
                    image.samples[static_cast<std::size_t>(row * 24 + column) * 3 + c] = colours[colour][c];
        const std::string name = std::to_string(i) + ".png";
        io::write_png("images/" + name, image);
        io::write_png("classes/" + names[colour] + "/" + name, image);
        if (i < 4)
            io::write_png("photos/" + std::to_string(i) + ".PNG", image);
        const std::string shape = std::string(height > 10 ? "tall" : "low") + (width > 10 ? "|wide" : "");
        csv += name + "," + (i % 5 == 4 ? "" : names[colour]) + "," + (i % 4 == 3 ? "" : std::to_string(width) + ".5") + "," + shape +
               ",yes," + std::to_string(i + 1) + "\n";
    }
    io::write_file("labels.csv", csv);
    io::write_file("missing.csv", "file,colour\n0.png,red\n1.png,green\nnone.png,red\n2.png,green\n");
    io::write_file("broken.csv", "file,colour\nbroken.png,red\nbroken.png,green\nbroken.png,red\nbroken.png,green\n");
    io::write_file("images/broken.png", "no image");
    io::write_file("held_out.csv", "file,colour\n0.png,red\n1.png,green\n3.png,red\nbroken.png,red\n4.png,green\n");  // by seed 1
    io::write_file("latin.csv", "file,colour\n0.png,vert\n1.png,br\xFBl\xE9\n3.png,vert\n4.png,br\xFBl\xE9\n");
    io::write_file("nothing.csv", "file,number,same\n0.png,1,a\n1.png,2,a\n2.png,3,a\n");
}
